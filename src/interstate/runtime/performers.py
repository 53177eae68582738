"""Who performs which effect: functions, HTTP deliveries, template transforms; started and stopped together."""

from interstate.config import Settings
from interstate.runtime.instance import Instance


class Performers:
    """The runtimes outside the store."""

    def __init__(self, instance: Instance, settings: Settings, endpoint_url: str, own_secret: str) -> None:
        self._instance = instance
        self._settings = settings
        self._endpoint_url = endpoint_url
        self._own_secret = own_secret

    async def start(self) -> None:
        """Register a performer for every effect kind."""

    async def stop(self) -> None:
        """End processes and connections."""
