"""The listening socket, the server around the application, and its end."""

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from interstate.http.app import Application
from interstate.http.protocol import Protocol

_GRACE_S = 5  # What calls in flight get when the server is told to stop.
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
    server = Server(app, lambda: ready(bound), stopping)
    await server.serve(sockets=[listener])
    return bound


class Server(uvicorn.Server):
    """uvicorn with two notices: when it is ready, and when it begins to stop. ``should_exit`` ends it from within."""

    def __init__(self, app: Application, ready: Callable[[], None], stopping: Callable[[], None] | None) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                loop="none",
                http=Protocol,
                ws="none",
                lifespan="off",
                access_log=False,
                log_config=None,
                server_header=False,
                proxy_headers=False,
                timeout_keep_alive=75,
                timeout_graceful_shutdown=_GRACE_S,
                backlog=_BACKLOG,
            )
        )
        self._ready = ready
        self._stopping = stopping

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._stopping is not None:
            self._stopping()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop at SIGINT and SIGTERM, and leave it at that.

        uvicorn would raise them again at its end, and the process would die before it closed the store.
        """
        loop = asyncio.get_running_loop()
        caught: list[signal.Signals] = []
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                loop.add_signal_handler(number, self.handle_exit, number, None)
            except (RuntimeError, ValueError, NotImplementedError):
                continue  # Not the main thread (a test), or no such signals on this platform.
            caught.append(number)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
