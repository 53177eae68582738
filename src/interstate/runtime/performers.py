"""Who performs which effect: functions, HTTP deliveries, template transforms; started and stopped together."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.deploy import perform_transform
from interstate.runtime.functions.performer import FunctionRuntime, NoSuchFunction, Settings
from interstate.runtime.instance import Instance
from interstate.runtime.secrets_key import unlock
from interstate.services.lambda_.errors import function_not_found
from interstate.services.lambda_.locate import spec_of
from interstate.services.sns.configuring import set_gateways
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE, FUNCTIONS
from interstate.store.records.sns import Gateways
from interstate.store.tables import Scalar

if TYPE_CHECKING:
    from interstate.runtime.api_destinations import ApiDestinations
    from interstate.runtime.state_calls import StateCalls

WARM_AFTER_S = 2.0
"""A server that has no functions yet starts first, and then has the first call's imports ready."""
BUSY_JOBS = 200
"""A server that begins so many jobs in that time is not quiet."""
ANY_FUNCTION = Scalar("SELECT EXISTS (SELECT 1 FROM lambda_functions)", (FUNCTIONS,))


class Outside(msgspec.Struct, frozen=True):
    """What effects need to know of their server. ``data`` None: nothing outlives the process."""

    endpoint_url: str
    own_secret: str
    data: Path | None = None
    workers: int | None = None
    smtp: str | None = None
    sms_gateway: str | None = None
    push_gateway: str | None = None

    @property
    def public_url(self) -> str:
        """The address that stands in messages: by name on loopback."""
        return self.endpoint_url.replace("//127.0.0.1:", "//localhost:")


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
        self._outside = outside
        self._destinations: ApiDestinations | None = None
        directory = None if outside.data is None else outside.data / "functions"
        settings = Settings(
            outside.endpoint_url, directory=directory, workers=outside.workers, secret_access_key=outside.own_secret
        )
        self.functions = FunctionRuntime(StoredFunctions(instance), instance.clock, settings)
        self._close_http = self._close_letters = _nothing
        self._endpoint_url = outside.endpoint_url
        self._calls_of_states: StateCalls | None = None
        self._warming: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Register a performer for every effect kind."""
        unlock(self._outside.data)
        await self.functions.start()
        performers = self._instance.due.performers
        performers["lambda.invoke"] = self.functions.perform
        performers["lambda.prepare"] = self.functions.prepare
        performers["sns.http"] = self._post
        performers["sns.letter"] = self._send
        performers["events.http"] = self._call_destination
        performers["events.token"] = self._fetch_token
        performers["cloudformation.transform"] = perform_transform
        performers["states.call"] = self._call_of_state
        performers["states.http"] = self._request_of_state
        self._warming = asyncio.get_running_loop().create_task(self._warm())
        missing = self._instance.catalog.effects.keys() - performers.keys()
        assert not missing, f"nobody performs {missing}"

    async def _warm(self) -> None:
        """Load what functions share before the first of them is called: at once where some are known, else when it is quiet.

        A server that is busy without functions keeps its processor for what it does; the first function that is called
        loads what it needs by itself.
        """
        if not await self._instance.read(lambda work: work.scalar(ANY_FUNCTION)):
            await until_quiet(lambda: self._instance.jobs, lambda: asyncio.sleep(WARM_AFTER_S))
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

    def _api_destinations(self) -> "ApiDestinations":
        """Calls of API destinations load their client when the first one is made."""
        from interstate.runtime.api_destinations import ApiDestinations  # noqa: PLC0415 most servers never need it

        if self._destinations is None:
            instance = self._instance
            self._destinations = ApiDestinations(instance.read, instance.clock, self._outside.endpoint_url)
        return self._destinations

    async def _call_destination(self, key: str, body: object) -> object:
        return await self._api_destinations().perform(key, body)  # type: ignore[arg-type]  # the kind's body

    async def _fetch_token(self, key: str, body: object) -> object:
        return await self._api_destinations().fetch(key, body)  # type: ignore[arg-type]  # the kind's body

    async def announce(self) -> None:
        """Tell the instance how it is reached and which messages leave it; again after a reset."""
        outside = self._outside
        gateways = Gateways(
            "own",
            outside.public_url,
            mail=outside.smtp is not None,
            sms=outside.sms_gateway is not None,
            push=outside.push_gateway is not None,
        )
        await self._instance.run(lambda work: set_gateways(gateways, work))

    async def _send(self, key: str, body: object) -> object:
        """Letters load their clients when the first one leaves."""
        from interstate.runtime.letter_delivery import GatewaySettings, LetterDeliveries  # noqa: PLC0415 as above

        outside = self._outside
        deliveries = LetterDeliveries(GatewaySettings(outside.smtp, outside.sms_gateway, outside.push_gateway))
        self._close_letters = deliveries.close
        self._instance.due.performers["sns.letter"] = deliveries.perform
        return await deliveries.perform(key, body)  # type: ignore[arg-type]  # the kind's body

    async def stop(self) -> None:
        """End processes and connections."""
        if self._warming is not None:
            self._warming.cancel()
            await asyncio.gather(self._warming, return_exceptions=True)
        await self.functions.stop()
        await self._close_http()
        await self._close_letters()
        if self._destinations is not None:
            await self._destinations.close()
        if self._calls_of_states is not None:
            await self._calls_of_states.close()


async def until_quiet(begun: Callable[[], int], pause: Callable[[], Awaitable[None]]) -> None:
    """Come back after the first pause in which fewer than ``BUSY_JOBS`` were begun."""
    busy = True
    while busy:
        before = begun()
        await pause()
        busy = begun() - before >= BUSY_JOBS


async def _nothing() -> None:
    """No HTTP delivery was made."""
