"""What ``interstate up`` does beside the server: deploy the template, run its companions, say what to try next.

A template that changes on disk is deployed again by ``interstate deploy``, or by itself with ``--watch``. Functions whose
code lies in the template's folder take their changes at the next call.
"""

import asyncio
import logging
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from interstate.base.addresses import at_host
from interstate.base.errors import ServiceError
from interstate.runtime.companions import CommandFailed, Companions, Wanted
from interstate.runtime.control import Control
from interstate.runtime.deploy import Deployed, DeployFailed, deploy
from interstate.runtime.instance import Instance
from interstate.runtime.transformer import Transformer
from interstate.runtime.watch import Watcher

_log = logging.getLogger("interstate.up")
Say = Callable[[str], None]
DEFAULT_ENDPOINT = "http://127.0.0.1:4566"


class Up:
    """One template, from its deploy to the end of the server."""

    def __init__(self, instance: Instance, control: Control, data: Path | None, endpoint: str, say: Say) -> None:
        self._instance = instance
        self._control = control
        self._data = data
        self._endpoint = endpoint
        self._say = say
        self._companions: Companions | None = None
        self._temporary: Path | None = None

    async def run(
        self, template: Path, stack_name: str | None, parameters: Mapping[str, str], *, watch: bool = False
    ) -> None:
        """Deploy, then stay until the server stops, and bring over what changes on disk if asked to.

        A deploy that fails leaves the server up, and says why.
        """
        deployed: Deployed | None = None
        transformer = Transformer() if watch else None
        self._control.deployed = False
        self._control.after_deploy = self._stands
        try:
            try:
                deployed = await deploy(
                    self._instance, template, stack_name, parameters, progress=self._say, transformer=transformer
                )
                await self._stands(template, deployed)
            except (DeployFailed, CommandFailed, ServiceError, msgspec.ValidationError) as error:
                self._instance.due.release_effects()
                self._control.deploy_error = str(error)
                self._say(f"interstate: the template was not deployed: {error}")
                self._say("  Mend it, then: interstate deploy. (The server goes on.)" if not watch else "  Mend it.")
            if transformer is not None:
                watcher = Watcher(self._instance, template, stack_name, parameters, self._say, transformer=transformer)
                await watcher.run(deployed, self._stands)
            await asyncio.Event().wait()
        finally:
            if transformer is not None:
                await transformer.close()
            await self._end_companions()
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)

    async def _stands(self, template: Path, deployed: Deployed) -> None:
        """What follows a deploy, the first one or a later one: companions, commands, and the word that it stands."""
        await self._end_companions()
        wanted = msgspec.convert(deployed.metadata.get("Interstate", {}), Wanted)
        values = {**deployed.parameters, "endpoint": self._endpoint, "data": str(self._folder())}
        self._companions = Companions(template.parent, values)
        self._companions.start(wanted.companions)
        for command in wanted.after_deploy:
            await self._companions.run(command)
        self._instance.due.release_effects()  # Now what functions call is there.
        self._control.deployed = True
        self._control.deploy_error = None
        self._announce(deployed, wanted)

    async def _end_companions(self) -> None:
        if self._companions is not None:
            await self._companions.stop()
            self._companions = None

    def _folder(self) -> Path:
        """Where companions keep things: as long as the server keeps its state."""
        if self._data is not None:
            return self._data
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="interstate-up-"))
        return self._temporary

    def _announce(self, deployed: Deployed, wanted: Wanted) -> None:
        for name, value in deployed.outputs.items():
            self._say(f"  {name} = {at_host(value, urlsplit(self._endpoint).netloc)}")
            if name.endswith("ApiId"):
                self._say(f"    served at {self._endpoint}/_apis/{value}/")
        self._say("Deployed. Ctrl-C stops it." + (" Try, in another terminal:" if wanted.try_next else ""))
        other = "" if self._endpoint == DEFAULT_ENDPOINT else f" --endpoint-url {self._endpoint}"
        for line in wanted.try_next:
            command, comment, why = line.partition("  #")
            self._say(f"  {command.rstrip()}{other}{comment}{why}")
