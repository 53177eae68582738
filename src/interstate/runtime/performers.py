"""Who performs which effect: functions, HTTP deliveries, template transforms; started and stopped together."""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.deploy import perform_transform
from interstate.runtime.functions.performer import FunctionRuntime, NoSuchFunction, Settings
from interstate.runtime.instance import Instance
from interstate.services.lambda_.errors import function_not_found
from interstate.services.lambda_.locate import spec_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, FUNCTIONS
from interstate.store.tables import Scalar

if TYPE_CHECKING:
    from interstate.runtime.state_calls import StateCalls

ANY_FUNCTION = Scalar("SELECT EXISTS (SELECT 1 FROM lambda_functions)", (FUNCTIONS,))


class Outside(msgspec.Struct, frozen=True):
    """What effects need to know of their server. ``data`` None: nothing outlives the process."""

    endpoint_url: str
    own_secret: str
    data: Path | None = None
    workers: int | None = None


class StoredFunctions:
    """Functions as they are committed; ``runtime.functions.performer.Functions``."""

    def __init__(self, instance: Instance) -> None:
        self._instance = instance

    async def lookup(self, function: str, qualifier: str | None, choice: float) -> FunctionSpec | NoSuchFunction:
        """The version that a call with this qualifier runs."""
        spec: FunctionSpec | None = await self._instance.read(lambda work: spec_of(work, function, qualifier, choice))
        return spec if spec is not None else NoSuchFunction(function_not_found(function, qualifier).message)

    async def code(self, sha256: str) -> bytes | None:
        """The zip with this digest."""

        def read(work: Work) -> bytes | None:
            found = work.get(CODE, sha256)
            return None if found is None else found.content

        content: bytes | None = await self._instance.read(read)
        return content


class Performers:
    """The runtimes outside the store."""

    def __init__(self, instance: Instance, outside: Outside) -> None:
        self._instance = instance
        directory = None if outside.data is None else outside.data / "functions"
        settings = Settings(
            outside.endpoint_url, directory=directory, workers=outside.workers, secret_access_key=outside.own_secret
        )
        self.functions = FunctionRuntime(StoredFunctions(instance), instance.clock, settings)
        self._close_http = _nothing
        self._endpoint_url = outside.endpoint_url
        self._calls_of_states: StateCalls | None = None
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Register a performer for every effect kind."""
        await self.functions.start()
        performers = self._instance.due.performers
        performers["lambda.invoke"] = self.functions.perform
        performers["lambda.prepare"] = self.functions.prepare
        performers["sns.http"] = self._post
        performers["cloudformation.transform"] = perform_transform
        performers["states.call"] = self._call_of_state
        performers["states.http"] = self._request_of_state
        self._warming = asyncio.get_running_loop().create_task(self._warm())
        missing = self._instance.catalog.effects.keys() - performers.keys()
        assert not missing, f"nobody performs {missing}"

    async def _warm(self) -> None:
        """Where functions are known, load what they share before the first of them is called."""
        if await self._instance.read(lambda work: work.scalar(ANY_FUNCTION)):
            await self.functions.prewarm()

    async def _post(self, key: str, body: object) -> object:
        """HTTP deliveries load their client when the first one is made."""
        from interstate.runtime.http_delivery import HttpDeliveries  # noqa: PLC0415 most servers never need it

        deliveries = HttpDeliveries()
        self._close_http = deliveries.close
        self._instance.due.performers["sns.http"] = deliveries.perform
        return await deliveries.perform(key, body)  # type: ignore[arg-type]  # the kind's body

    async def _call_of_state(self, key: str, body: object) -> object:
        return await self._state_calls().call(key, body)  # type: ignore[arg-type]  # the kind's body

    async def _request_of_state(self, key: str, body: object) -> object:
        return await self._state_calls().request(key, body)  # type: ignore[arg-type]  # the kind's body

    def _state_calls(self) -> "StateCalls":
        """Made when a Task needs the outside for the first time: it loads an HTTP client."""
        if self._calls_of_states is None:
            from interstate.runtime.state_calls import StateCalls  # noqa: PLC0415 most servers never need it

            self._calls_of_states = StateCalls(self._instance, self._endpoint_url)
        return self._calls_of_states

    async def stop(self) -> None:
        """End processes and connections."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self.functions.stop()
        await self._close_http()
        if self._calls_of_states is not None:
            await self._calls_of_states.close()


async def _nothing() -> None:
    """No HTTP delivery was made."""
