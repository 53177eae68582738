"""Answers that go out while their handler runs.

Theory of operation
-------------------
Whoever waits for a streamed answer puts a ``Stream`` into its task's context (``STREAM``). The worker that carries the call out
feeds it with what the handler writes; when more lies there than the reader has taken, the worker's connection is not read
until it has, so that a slow reader holds up the handler and no memory. Nobody's stream: the answer is kept until it ends.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from contextvars import ContextVar

FULL_BYTES = 256 * 1024


class Stream:
    """A bounded pipe from a handler to whoever reads its answer."""

    def __init__(self) -> None:
        self.content_type = ""
        self._chunks: deque[bytes] = deque()
        self._bytes = 0
        self._closed = False
        self._news = asyncio.Event()
        self._on_room: Callable[[], None] | None = None

    def feed(self, data: bytes, pause: Callable[[], None], resume: Callable[[], None]) -> None:
        """Take what the handler wrote; ``pause`` is called when that is enough, ``resume`` when there is room again."""
        self._chunks.append(data)
        self._bytes += len(data)
        self._news.set()
        if self._bytes >= FULL_BYTES and self._on_room is None:
            self._on_room = resume
            pause()

    def close(self) -> None:
        """The call is over."""
        self._closed = True
        self._news.set()

    async def next(self) -> bytes | None:
        """What has come since the last time; None when the call is over and all was read."""
        while not self._chunks:
            if self._closed:
                return None
            self._news.clear()
            await self._news.wait()
        data = b"".join(self._chunks)
        self._chunks.clear()
        self._bytes = 0
        if self._on_room is not None:
            resume, self._on_room = self._on_room, None
            resume()
        return data


STREAM: ContextVar[Stream | None] = ContextVar("stream", default=None)
