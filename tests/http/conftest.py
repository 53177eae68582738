"""A served application with a tiny engine, on a port of its own."""

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.http.app import Application
from interstate.http.dispatch import Credentials, Dispatcher
from interstate.http.guard import Guard
from interstate.http.server import Server, listen
from interstate.wire.codec import Wire
from interstate.wire.model import Models, load

Answer = Callable[[str, str, Mapping[str, Any], Caller], Mapping[str, Any] | None]


class Engine:
    """Answers with what the test says, and keeps what it was asked."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.calls: list[tuple[str, str, Mapping[str, Any], Caller]] = []
        self.answer: Answer = lambda *_: {}
        self.lacks: set[tuple[str, str]] = set()
        self.wait_s = 0.0
        self.until: Callable[[], object] | None = None
        self.begun = 0

    async def execute(
        self, service: str, operation: str, params: Mapping[str, Any], caller: Caller
    ) -> Mapping[str, Any] | None:
        self.begun += 1
        if self.wait_s:
            await asyncio.sleep(self.wait_s)
        while self.until is not None and not self.until():  # noqa: ASYNC110 another thread tells no event
            await asyncio.sleep(0.01)
        self.calls.append((service, operation, params, caller))
        return self.answer(service, operation, params, caller)

    def begin(
        self,
        service: str,
        operation: str,
        params: Any,
        caller: Caller,
        done: Callable[[Mapping[str, Any] | None, BaseException | None], None],
    ) -> None:
        async def run() -> None:
            try:
                answer = await self.execute(service, operation, params, caller)
            except Exception as error:  # noqa: BLE001 - as the engine does
                done(None, error)
            else:
                done(answer, None)

        self.task = asyncio.get_running_loop().create_task(run())

    def typed(self, service: str, operation: str) -> None:
        """Its calls come with parameters."""

    def implements(self, service: str, operation: str) -> bool:
        return (service, operation) not in self.lacks


class Control:
    async def handle(
        self, method: str, path: str, query: str, body: bytes
    ) -> tuple[int, Sequence[tuple[str, str]], bytes]:
        return 200, [("content-type", "text/plain")], f"{method} {path} {query} {len(body)}".encode()


class Site:
    """A running server: its port, its engine, and its end."""

    def __init__(
        self,
        models: Models,
        credentials: Credentials | None = None,
        body_bytes_max: int = 1_000_000,
        keep_alive_s: float | None = None,
    ) -> None:
        self.engine = Engine()
        self.stopped: list[str] = []
        dispatcher = Dispatcher(
            self.engine,
            Wire(models),
            Guard("127.0.0.1"),
            control=Control(),
            credentials=credentials,
            real_now=lambda: datetime.now(UTC),  # noqa: TID251 - botocore signs with the real time
            body_bytes_max=body_bytes_max,
        )
        self._listener = listen("127.0.0.1", 0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        ready = threading.Event()
        self._server = Server(Application(dispatcher), ready.set, lambda: self.stopped.append("stopping"))
        if keep_alive_s is not None:
            self._server.config.timeout_keep_alive = keep_alive_s  # type: ignore[assignment]  # the loop takes parts of seconds
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert ready.wait(60)

    def _run(self) -> None:
        asyncio.run(self._server.serve(sockets=[self._listener]))

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    return load(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="session")
def running(models: Models) -> Iterator[Site]:
    running = Site(models)
    yield running
    running.stop()


@pytest.fixture
def site(running: Site) -> Site:
    """The session's server with an engine that knows nothing yet."""
    running.engine.reset()
    return running
