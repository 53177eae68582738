"""The one thread beside the loop: it waits for the disk, and does nothing else.

A future and its bookkeeping (``run_in_executor``) would cost as much as a small batch; a function, a queue and a wake-up of
the loop do not.
"""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from queue import SimpleQueue

Done = Callable[[BaseException | None], None]


class CommitThread:
    """Runs functions one after another; started with the first."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._given: SimpleQueue[tuple[asyncio.AbstractEventLoop, Callable[[], object], Done] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None

    def run(self, function: Callable[[], object], done: Done) -> None:
        """Run a function there, then ``done(error)`` on the calling loop."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name=self._name, daemon=True)
            self._thread.start()
        self._given.put((asyncio.get_running_loop(), function, done))

    def _work(self) -> None:
        while (given := self._given.get()) is not None:
            loop, function, done = given
            error: BaseException | None = None
            try:
                function()
            except BaseException as raised:  # noqa: BLE001 the border: whatever it is belongs to who asked
                error = raised
            with contextlib.suppress(RuntimeError):  # The loop was closed meanwhile: nobody waits.
                loop.call_soon_threadsafe(done, error)

    def close(self) -> None:
        """Let what runs end; nothing is taken any more."""
        if self._thread is not None:
            self._given.put(None)
            self._thread.join()
            self._thread = None
