"""Who performs which effect: functions, HTTP deliveries, template transforms; started and stopped together."""

from pathlib import Path

import msgspec

from interstate.runtime.instance import Instance


class Outside(msgspec.Struct, frozen=True):
    """What effects need to know of their server. ``data`` None: nothing outlives the process."""

    endpoint_url: str
    own_secret: str
    data: Path | None = None
    workers: int | None = None
    provisioned_full: bool = False


class Performers:
    """The runtimes outside the store."""

    def __init__(self, instance: Instance, outside: Outside) -> None:
        self._instance = instance
        self._outside = outside

    async def start(self) -> None:
        """Register a performer for every effect kind."""

    async def stop(self) -> None:
        """End processes and connections."""
