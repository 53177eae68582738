"""Measure a server: each scenario twice, pinned to one core and unpinned, with the machine's facts beside the figures.

    python -m bench                       all scenarios
    python -m bench sqs events            those whose name begins so
    python -m bench --memory --json out.json

The load runs in this process, on another core than a pinned server. Nothing here is a test: figures depend on the
machine, ratios between two runs on one machine are what counts.
"""

import argparse
import asyncio
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench import scenarios
from bench.client import Connection


def sync_ms() -> float:
    """How long the disk takes to make 4 KiB durable: the median of 100 times."""
    times = []
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            begin = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - begin)
    return sorted(times)[50] * 1e3


class Server:
    """A server in a process of its own."""

    def __init__(
        self,
        command: str,
        *,
        memory: bool,
        cpus: set[int] | None,
        database: str | None = None,
        more: tuple[str, ...] = (),
    ) -> None:
        self._command, self._more = command, more
        self.directory = Path(tempfile.mkdtemp(prefix="bench-", dir=Path.cwd()))
        self._cpus = cpus
        self._state = ["--memory"] if memory else ["--data", str(self.directory / "data")]
        self._server, self._database = database, f"bench_{os.getpid()}_{int(time.time() * 1e6)}"
        if database is not None:
            self._admin(f"CREATE DATABASE {self._database}")
            from psycopg.conninfo import make_conninfo

            self._state = ["--database", make_conninfo(database, dbname=self._database)]

    def _admin(self, statement: str) -> None:
        import psycopg

        assert self._server is not None
        with psycopg.connect(self._server, autocommit=True) as connection:
            connection.execute(statement.encode())

    def __enter__(self) -> int:
        port = _free_port()
        command = [sys.executable, "-m", "interstate", self._command, "--port", str(port), *self._state, *self._more]
        if self._command == "up":
            for name in ("PaymentUrl", "CarrierUrl", "MessageUrl"):  # Its partners must not meet others'.
                command += ["--parameter", f"{name}=http://127.0.0.1:{_free_port()}"]
        log = (self.directory / "server.log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        log.close()
        if self._cpus is not None and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self._process.pid, self._cpus)
        asyncio.run(_ready(port))
        return port

    @property
    def pid(self) -> int:
        """The process that serves."""
        return self._process.pid

    def __exit__(self, *_exception: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)
        shutil.rmtree(self.directory, ignore_errors=True)
        if self._server is not None:
            self._admin(f"DROP DATABASE {self._database} WITH (FORCE)")


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _ready(port: int) -> None:
    for _ in range(500):
        try:
            (await Connection(port).open()).close()
        except OSError:
            await asyncio.sleep(0.02)
        else:
            return
    raise SystemExit("the server does not start")


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", help="scenarios whose name begins so; default: all")
    parser.add_argument("--memory", action="store_true", help="keep the server's state in memory")
    parser.add_argument(
        "--database", metavar="URL", help="keep it in PostgreSQL: the URL of a server's maintenance database"
    )
    parser.add_argument("--json", metavar="FILE", help="write the figures there too")
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--pinned-only", action="store_true", help="leave the unpinned run out")
    arguments = parser.parse_args()
    chosen = [
        s for s in scenarios.ALL if not arguments.names or any(s.name.startswith(name) for name in arguments.names)
    ]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that servers are ended, too.
    facts = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "fdatasync_ms": round(sync_ms(), 3),
        "store": "memory" if arguments.memory else "postgres" if arguments.database else "disk",
    }
    print("  ".join(f"{name} {value}" for name, value in facts.items()))
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    figures: list[dict[str, Any]] = []
    for pinned in (True,) if arguments.pinned_only else (True, False):
        if pinned and len(cores) < 2:
            print("one core only: the pinned run is left out")
            continue
        if cores:
            os.sched_setaffinity(0, {cores[-1]} if pinned else set(cores))
        for scenario in chosen:
            cpus = {cores[0]} if pinned else None
            with Server(scenario.command, memory=arguments.memory, cpus=cpus, database=arguments.database) as port:
                found = asyncio.run(scenario.run(port, 0.1 if arguments.quick else 1.0))
            for name, value, unit, goal in found:
                share = (
                    f"{value / goal:6.2f} of {goal:g}"
                    if goal and unit.endswith("/s")
                    else (f"{goal / value:6.2f} of {goal:g}" if goal and value else "")
                )
                where = "1 core " if pinned else "unpinned"
                print(f"{where:9} {name:44} {value:12,.1f} {unit:14} {share}", flush=True)
                figures.append({"pinned": pinned, "name": name, "value": value, "unit": unit, "goal": goal})
    if arguments.json:
        Path(arguments.json).write_text(json.dumps({"facts": facts, "figures": figures}, indent=1))


if __name__ == "__main__":
    main()
