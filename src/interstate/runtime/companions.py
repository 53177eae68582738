"""What a template wants beside it on one machine: processes that run while it is up, commands after its deploy.

A template's ``Metadata`` may say (AWS ignores it)::

    Metadata:
      Interstate:
        StackName: orders
        Companions:                       # run while the template is up; started again when they end
          - [python, -m, partners, --port, "4601"]
        AfterDeploy:                      # run once, in order, when the template is deployed
          - [python, -m, seed]
        TryNext:                          # shown when all of it stands
          - orders place --item P-001:2:9.99

``python`` as the first word is this server's own interpreter; ``{endpoint}``, ``{data}`` (a directory that lives as long
as the server's state) and ``{Parameter}`` names are filled in. The working directory is the template's.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_RESTART_S = 1.0
_END_S = 5.0
_log = logging.getLogger("interstate.companions")


class Wanted(msgspec.Struct, frozen=True, rename="pascal"):
    """``Metadata.Interstate`` of a template."""

    stack_name: str | None = None
    companions: list[list[str]] = []
    after_deploy: list[list[str]] = []
    try_next: list[str] = []


class CommandFailed(RuntimeError):
    """A command after the deploy ended with an error."""

    def __init__(self, command: Sequence[str], status: int, output: str) -> None:
        super().__init__(f"'{' '.join(command)}' ended with status {status}: {output.strip()[-500:]}")


class Companions:
    """The companion processes of one template."""

    def __init__(self, directory: Path, values: Mapping[str, str]) -> None:
        self._directory = directory
        self._values = values
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, commands: Sequence[Sequence[str]]) -> None:
        """Keep each command running until ``stop``."""
        loop = asyncio.get_running_loop()
        self._tasks += [loop.create_task(self._keep(self._filled(command))) for command in commands]

    async def run(self, command: Sequence[str]) -> None:
        """Run a command to its end.

        Raises:
            CommandFailed: it ended with an error.
        """
        filled = self._filled(command)
        process = await self._spawn(filled, asyncio.subprocess.PIPE)
        output, _ = await process.communicate()
        if process.returncode:
            raise CommandFailed(filled, process.returncode, output.decode(errors="replace"))

    async def stop(self) -> None:
        """End all of them."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _filled(self, command: Sequence[str]) -> list[str]:
        words = []
        for word in command:
            for name, value in self._values.items():
                word = word.replace("{" + name + "}", value)
            words.append(word)
        return [sys.executable, *words[1:]] if words[0] == "python" else words

    async def _spawn(self, command: Sequence[str], output: int | None) -> asyncio.subprocess.Process:
        environment = {**os.environ, "INTERSTATE_PARENT": str(os.getpid())}
        return await asyncio.create_subprocess_exec(
            *command, cwd=self._directory, stdout=output, stderr=asyncio.subprocess.STDOUT if output else None,
            stdin=asyncio.subprocess.PIPE if output is None else asyncio.subprocess.DEVNULL,
            env=environment, start_new_session=True,
        )  # fmt: skip

    async def _keep(self, command: Sequence[str]) -> None:
        while True:
            try:
                process = await self._spawn(command, None)
            except OSError as error:
                _log.error("companion '%s' cannot start: %s", " ".join(command), error)
                return
            try:
                status = await process.wait()
            except asyncio.CancelledError:
                await _end(process)
                raise
            _log.warning("companion '%s' ended with status %s; it is started again", " ".join(command), status)
            await asyncio.sleep(_RESTART_S)


async def _end(process: asyncio.subprocess.Process) -> None:
    """Ask the process and its children to end, then make them."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(process.wait(), _END_S)
            return
