"""The processes that run functions, seen from the server: one zygote, and the workers that it forks.

Theory of operation
-------------------
The zygote (``functions/bootstrap.py``) is started when the first worker is wanted, and again when it has died; then all
its workers have died with it, and each is told so. Commands to it and notices from it are lines of JSON over its standard
streams. Whatever ends this process, ``kill -9`` included, ends the zygote's input, and thereby all workers.
"""

import asyncio
import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from interstate.base.json import dumps_bytes, loads
from interstate.runtime.functions import bootstrap

STOP_S_MAX = 5.0
_NOTICE_BYTES_MAX = 1 << 16


@dataclass
class Child:
    """One worker's process: whose it is, and who hears of its end."""

    number: int
    zygote: asyncio.subprocess.Process
    on_exit: Callable[[int], None]
    pid: int | None = None
    lost: bool = False  # It ended with its zygote, and perhaps by no fault of its own.


class Supervisor:
    """Starts and ends workers; single-threaded, on the event loop."""

    def __init__(self, site: Path, *, preload: bool) -> None:
        self._site = site
        self._preload = preload
        self._zygote: asyncio.subprocess.Process | None = None
        self._listening: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._children: dict[int, Child] = {}
        self._last = 0

    async def start(self) -> asyncio.subprocess.Process:
        """Have a zygote running; it imports what it preloads while the caller goes on."""
        async with self._starting:
            if self._zygote is None or self._zygote.returncode is not None:
                self._zygote = await self._start()
                self._listening = asyncio.create_task(self._listen(self._zygote))
            return self._zygote

    async def _start(self) -> asyncio.subprocess.Process:
        flags = ("-I", "-S", "-X", "utf8")
        arguments = (bootstrap.__file__, "zygote", "preload" if self._preload else "plain", str(self._site))
        return await asyncio.create_subprocess_exec(
            sys.executable, *flags, *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_NOTICE_BYTES_MAX,
            start_new_session=True,  # A Ctrl-C in the terminal is for the server, which then ends its workers.
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "en_US.UTF-8"},
        )  # fmt: skip

    async def launch(self, job: dict[str, Any], on_exit: Callable[[int], None]) -> Child:
        """Start a worker; ``on_exit(code)`` is called once when its process has ended (negative for a signal)."""
        zygote = await self.start()
        self._last += 1
        child = Child(self._last, zygote, on_exit)
        self._children[child.number] = child
        self._command(zygote, {"start": {"id": child.number, **job}})
        return child

    def kill(self, child: Child) -> None:
        """End a worker and all that it started; ``on_exit`` follows."""
        if child.number in self._children:
            self._command(child.zygote, {"kill": child.number})

    def _command(self, zygote: asyncio.subprocess.Process, command: dict[str, Any]) -> None:
        assert zygote.stdin is not None
        zygote.stdin.write(dumps_bytes(command) + b"\n")

    async def _listen(self, zygote: asyncio.subprocess.Process) -> None:
        assert zygote.stdout is not None
        while line := await zygote.stdout.readline():
            match loads(line):
                case {"id": int(number), "pid": int(pid)} if number in self._children:
                    self._children[number].pid = pid
                case {"id": int(number), "exit": int(code)} if number in self._children:
                    self._children.pop(number).on_exit(code)
        await zygote.wait()
        for child in [child for child in self._children.values() if child.zygote is zygote]:
            child.lost = True
            self._children.pop(child.number).on_exit(-9)

    async def stop(self) -> None:
        """End all workers and wait for their ends."""
        zygote, listening = self._zygote, self._listening
        if zygote is None or listening is None or zygote.stdin is None:
            return
        zygote.stdin.close()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(asyncio.shield(listening), STOP_S_MAX)
        if zygote.returncode is None:
            zygote.kill()
        await listening
        self._zygote = self._listening = None
