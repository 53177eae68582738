"""The listening socket, the server around the application, and its end."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from interstate.http.connection import Application, Connection, Connections

_GRACE_S = 5.0  # What calls in flight get when the server is told to stop.
_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 lets the system choose.

    Raises:
        OSError: the address is taken, or not ours.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named TCP outright: asyncio turns off Nagle's delay (40 ms on small answers) only for sockets that say so.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
        listener.setblocking(False)  # noqa: FBT003 - the standard library's signature
    except OSError:
        listener.close()
        raise
    return listener


async def serve(
    app: Application,
    host: str,
    port: int,
    ready: Callable[[int], None],
    *,
    stopping: Callable[[], None] | None = None,
    listener: socket.socket | None = None,
) -> int:
    """Serve until SIGINT or SIGTERM, let calls in flight end, and return the port.

    Args:
        app: the application.
        host: the address to bind.
        port: the port to bind; 0 lets the system choose.
        ready: told the port when the first request may come.
        stopping: told once when the end begins, e.g. to let long polls go.
        listener: a socket bound before, e.g. to know the port early.

    Raises:
        OSError: the address cannot be bound.
    """
    listener = listener or listen(host, port)
    bound: int = listener.getsockname()[1]
    await Server(app, lambda: ready(bound), stopping).serve(listener)
    return bound


class Server:
    """Accepts connections until it is told to stop, by a signal or by ``stop``."""

    def __init__(self, app: Application, ready: Callable[[], None], stopping: Callable[[], None] | None) -> None:
        self._app = app
        self._ready = ready
        self._stopping = stopping
        self._stopped = asyncio.Event()
        self._connections: Connections | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, listener: socket.socket) -> None:
        """Serve on a bound socket; returns when all is over. The socket is closed then."""
        self._loop = asyncio.get_running_loop()
        connections = self._connections = Connections(self._app, self._loop)
        server = await self._loop.create_server(lambda: Connection(connections), sock=listener, backlog=_BACKLOG)
        with self._signals():
            self._ready()
            await self._stopped.wait()
            server.close()
            if self._stopping is not None:
                self._stopping()
            await connections.stop(_GRACE_S)
            await server.wait_closed()

    def stop(self) -> None:
        """Begin the end; may be called from any thread. A second time, end at once."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(self._stop)

    def _stop(self) -> None:
        if self._stopped.is_set() and self._connections is not None:
            self._connections.abort()
        self._stopped.set()

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM, so that whoever serves can close its store and leave in order."""
        loop = asyncio.get_running_loop()
        caught: list[signal.Signals] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self._stop)
            except (RuntimeError, ValueError, NotImplementedError):
                continue  # Not the main thread (a test), or no such signals on this platform.
            caught.append(number)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
