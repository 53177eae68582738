"""Functions as the store knows them."""

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from interstate.core.functions.configuration import FunctionSpec
from interstate.runtime.functions.performer import NoSuchFunction
from interstate.services.lambda_.locate import spec_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CODE


class Read(Protocol):
    """Run a function that writes nothing on committed state (``Instance.run``)."""

    def __call__(self, function: Callable[[Work], Any], /) -> Awaitable[Any]: ...


class StoredFunctions:
    """Implements ``performer.Functions``."""

    def __init__(self, read: Read) -> None:
        self._read = read

    async def lookup(self, function: str, qualifier: str | None, choice: float) -> FunctionSpec | NoSuchFunction:
        """The version that a call with this qualifier runs."""
        spec: FunctionSpec | None = await self._read(lambda work: spec_of(work, function, qualifier, choice))
        if spec is None:
            return NoSuchFunction(f"Function not found: {function}{f':{qualifier}' if qualifier else ''}")
        return spec

    async def code(self, sha256: str) -> bytes | None:
        """The zip with this digest."""

        def read(work: Work) -> bytes | None:
            record = work.get(CODE, sha256)
            return None if record is None else record.content

        content: bytes | None = await self._read(read)
        return content
