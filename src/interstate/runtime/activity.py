"""Whether anything is going on: what a clock that skips, and a stop that waits, need to know."""

import asyncio
from collections.abc import Callable


class Activity:
    """Counts what is under way: jobs, scans of due work, effects outside the store."""

    def __init__(self) -> None:
        self._count = 0
        self._waiters: list[asyncio.Future[None]] = []
        self.when_quiet: Callable[[], None] | None = None

    def begin(self) -> None:
        """One more thing is under way."""
        self._count += 1

    def end(self) -> None:
        """One thing is done."""
        self._count -= 1
        assert self._count >= 0
        if self._count == 0:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)
            if self.when_quiet is not None:
                self.when_quiet()

    @property
    def quiet(self) -> bool:
        """Nothing is under way."""
        return self._count == 0

    async def wait(self) -> None:
        """Return when nothing is under way."""
        while self._count:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
