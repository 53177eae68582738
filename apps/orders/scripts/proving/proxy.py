"""A TCP proxy in a thread: in front of nodes it spreads connections, in front of a database it can lose them.

Modes: ``pass`` forwards; ``refuse`` breaks every connection and takes none, as a host that is down; ``hold`` keeps connections and
forwards nothing, as a network that drops packets. A connection whose other end has died is closed; one that a backend refuses
goes to the next. With a ``health`` path, a backend that does not answer it in time gets no connections, and loses those it has.
"""

import asyncio
import contextlib
import threading
from collections.abc import Coroutine
from itertools import count
from typing import Any, Literal

Mode = Literal["pass", "refuse", "hold"]
_CHUNK = 65536
HEALTH_EVERY_S, HEALTH_TIMEOUT_S = 0.5, 2.0


class Proxy:
    """Listens at ``port`` on loopback and forwards to ``backends``, which listen there, too."""

    def __init__(self, port: int, backends: list[int], *, health: str | None = None) -> None:
        self.port = port
        self._backends = backends
        self._health = health
        self._well = dict.fromkeys(backends, True)
        self._mode: Mode = "pass"
        self._may_pass = asyncio.Event()
        self._turn = count()
        self._open: dict[asyncio.Task[None], int] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._server: asyncio.Server = self._call(self._start())

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _start(self) -> asyncio.Server:
        self._may_pass.set()
        if self._health is not None:
            self._looking = [asyncio.ensure_future(self._look(backend)) for backend in self._backends]
        return await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512)

    def set_mode(self, mode: Mode) -> None:
        """From now on."""
        self._call(self._set(mode))

    async def _set(self, mode: Mode) -> None:
        self._mode = mode
        if mode == "hold":
            self._may_pass.clear()
        else:
            self._may_pass.set()
        if mode == "refuse":
            for task in list(self._open):
                task.cancel()

    def close(self) -> None:
        """Break what is open and stop listening."""
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    async def _close(self) -> None:
        self._server.close()
        tasks = [*self._open, *getattr(self, "_looking", [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # One connection --------------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = 0
        try:
            await self._may_pass.wait()
            if self._mode == "pass":
                await self._forward(task, reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # An end is gone, or the proxy breaks it.
        finally:
            del self._open[task]
            writer.transport.abort()

    async def _forward(
        self, task: "asyncio.Task[None]", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        backend, there, back = await self._connect()
        self._open[task] = backend
        try:
            pumps = [asyncio.ensure_future(self._pump(*ends)) for ends in ((reader, back), (there, writer))]
            try:
                await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for pump in pumps:
                    pump.cancel()
                await asyncio.gather(*pumps, return_exceptions=True)
        finally:
            back.transport.abort()

    async def _connect(self) -> tuple[int, asyncio.StreamReader, asyncio.StreamWriter]:
        first = next(self._turn)
        order = [self._backends[(first + each) % len(self._backends)] for each in range(len(self._backends))]
        error: OSError = ConnectionRefusedError("no backend is well")
        for backend in order:
            if not self._well[backend]:
                continue
            try:
                return (backend, *await asyncio.open_connection("127.0.0.1", backend))
            except OSError as refused:
                error = refused
        raise error

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(_CHUNK):
            await self._may_pass.wait()
            writer.write(data)
            await writer.drain()

    # Health ----------------------------------------------------------------------------------------------------

    async def _look(self, backend: int) -> None:
        while True:
            try:
                well = await asyncio.wait_for(self._answers(backend), HEALTH_TIMEOUT_S)
            except (OSError, TimeoutError, asyncio.IncompleteReadError):
                well = False
            if self._well[backend] and not well:
                for task in [task for task, used in self._open.items() if used == backend]:
                    task.cancel()
            self._well[backend] = well
            await asyncio.sleep(HEALTH_EVERY_S)

    async def _answers(self, backend: int) -> bool:
        reader, writer = await asyncio.open_connection("127.0.0.1", backend)
        try:
            writer.write(f"GET {self._health} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n".encode())
            status = await reader.readuntil(b"\r\n")
            return b" 200 " in status
        finally:
            with contextlib.suppress(OSError):
                writer.transport.abort()
