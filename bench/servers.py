"""Servers to measure, each started in a process of its own: Interstate on any store and number of nodes, and its peers.

A peer lives in an environment of its own, ``.bench-peers/NAME`` (``make bench-peers``), or wherever BENCH_PEERS says.
"""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.client import Connection

READY_S_MAX = 60
PEERS = ("ministack", "moto")


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def ready(port: int) -> None:
    """Wait until somebody listens.

    Raises:
        SystemExit: nobody does for a minute.
    """
    for _ in range(READY_S_MAX * 50):
        try:
            (await Connection(port).open()).close()
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return
    raise SystemExit("the server does not start")


def _without_compiling() -> dict[str, str]:
    """The environment, without the word that keeps Python from keeping what it compiled: users start compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


class _Running:
    """Processes, their directory and the cores that they may use."""

    def __init__(self, cpus: set[int] | None) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
        self._cpus = cpus
        self.processes: list[subprocess.Popen[bytes]] = []

    def spawn(self, command: list[str], environment: dict[str, str] | None = None) -> None:
        with (self.directory / "server.log").open("ab") as log:
            process = subprocess.Popen(
                command,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env={**_without_compiling(), **(environment or {})},
            )
        self.processes.append(process)
        if self._cpus is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(process.pid, self._cpus)

    @property
    def pid(self) -> int:
        """The (first) process that serves."""
        return self.processes[0].pid

    def kill(self) -> None:
        """End it as a power cut does."""
        for process in self.processes:
            process.kill()
            process.wait(10)
        self.processes.clear()

    def end(self) -> None:
        for process in self.processes:
            process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
            with contextlib.suppress(ProcessLookupError):  # What it started and left behind.
                os.killpg(process.pid, signal.SIGKILL)
        self.processes.clear()
        shutil.rmtree(self.directory, ignore_errors=True)


class Server(_Running):
    """Interstate; entering it gives the port of its first node. ``ports`` are those of all nodes."""

    def __init__(
        self,
        command: str = "serve",
        *,
        memory: bool = False,
        cpus: set[int] | None = None,
        database: str | None = None,
        nodes: int = 1,
        more: tuple[str, ...] = (),
        profile: Path | None = None,
    ) -> None:
        super().__init__(cpus)
        self._command, self._count, self._more = command, nodes, more
        self._python = [sys.executable, *(["-m", "cProfile", "-o", str(profile)] if profile is not None else [])]
        self._state = ["--memory"] if memory else ["--data", str(self.directory / "data")]
        self._server, self._database = database, f"bench_{os.getpid()}_{int(time.time() * 1e6)}"
        self.ports: list[int] = []
        if database is not None:
            from psycopg.conninfo import make_conninfo

            self._admin(f"CREATE DATABASE {self._database}")
            self._state = ["--database", make_conninfo(database, dbname=self._database)]

    def _admin(self, statement: str) -> None:
        import psycopg

        assert self._server is not None
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> int:
        """Start the processes again, or for the first time, without waiting; the first one's port."""
        self.ports = []
        for number in range(self._count):
            port = free_port()
            self.ports.append(port)
            first = number == 0
            command = [*self._python, "-m", "interstate", self._command if first else "serve", "--port", str(port)]
            command += [*self._state, *self._more]
            if self._command == "up" and first:
                for name in ("PaymentUrl", "CarrierUrl", "MessageUrl"):  # Its partners must not meet others'.
                    command += ["--parameter", f"{name}=http://127.0.0.1:{free_port()}"]
            self.spawn(command)
            if first and self._count > 1:
                asyncio.run(ready(port))  # Migrations run once; then the others.
        return self.ports[0]

    def __enter__(self) -> int:
        self.start()
        for port in self.ports:
            asyncio.run(ready(port))
        return self.ports[0]

    def __exit__(self, *_exception: object) -> None:
        self.end()
        if self._server is not None:
            self._admin(f"DROP DATABASE {self._database} WITH (FORCE)")


class Peer(_Running):
    """Another server that speaks the same APIs, all in memory."""

    def __init__(self, name: str, *, cpus: set[int] | None = None) -> None:
        super().__init__(cpus)
        self.name = name
        self._bin = folder_of(name) / "bin"

    def start(self) -> int:
        port = free_port()
        if self.name == "ministack":
            environment = {"GATEWAY_PORT": str(port), "BIND_HOST": "127.0.0.1", "LOG_LEVEL": "WARNING"}
            # Its functions run in local processes: there may be no Docker.
            environment |= {"LAMBDA_EXECUTOR": "local", "TMPDIR": str(self.directory), "SFTP_ENABLED": "false"}
            self.spawn([str(self._bin / "ministack")], environment)
        else:
            self.spawn([str(self._bin / "moto_server"), "-H", "127.0.0.1", "-p", str(port)])
        return port

    def __enter__(self) -> int:
        port = self.start()
        asyncio.run(ready(port))
        return port

    def __exit__(self, *_exception: object) -> None:
        self.end()


def folder_of(name: str) -> Path:
    """Where a peer is installed.

    Raises:
        SystemExit: it is not; what to do.
    """
    folder = Path(os.environ.get("BENCH_PEERS", Path(__file__).parents[1] / ".bench-peers")) / name
    if name not in PEERS or not folder.is_dir():
        raise SystemExit(f"the peer {name} is not installed at {folder}: make bench-peers (known: {', '.join(PEERS)})")
    return folder


def version_of(name: str) -> str:
    """A peer's version, as its package says."""
    command = "import importlib.metadata, sys; print(importlib.metadata.version(sys.argv[1]))"
    done = subprocess.run(
        [str(folder_of(name) / "bin" / "python"), "-c", command, name], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def of(name: str | None, command: str, **options: Any) -> Any:
    """The server to measure: a peer by its name, or Interstate."""
    if name is None:
        return Server(command, **options)
    return Peer(name, cpus=options["cpus"])
