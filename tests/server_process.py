"""A real server for tests: started, killed without warning, started again on the same data and port."""

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import boto3
from botocore.config import Config

READY_S_MAX = 120.0
_PORTS = range(15_000, 30_000)
_SHARES = 16  # Of the ports: processes that run tests beside each other never pick the same.
_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens at, below those that systems give out by themselves.

    A server that is killed leaves its port for a moment; nobody else may be given it then, or the clients of one test
    would talk to the server of another.
    """
    share = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES
    while True:
        port = random.SystemRandom().choice(_PORTS[share::_SHARES])
        if port in _given:
            continue
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        _given.add(port)
        return port


class ServerProcess:
    """``interstate serve`` or ``interstate up`` in a process of its own.

    ``database_for`` gives the database that stands for a data directory, where the suite runs on PostgreSQL.
    """

    database_for: ClassVar[Callable[[Path | None], str] | None] = None

    def __init__(
        self, data: Path | None, *arguments: str, command: tuple[str, ...] = ("serve",), port: int | None = None
    ) -> None:
        self.data = data
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._command = command
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self.log = None if data is None else data.parent / "server.log"

    def start(self, wait_for: str = "serving") -> None:
        """Start, and return when the health page says ``wait_for``."""
        state = ["--memory"] if self.data is None else ["--data", str(self.data)]
        if "--database" in self._arguments:
            state = []  # Then ``data`` only says where the log is.
        elif ServerProcess.database_for is not None:
            state = ["--database", ServerProcess.database_for(self.data)]
        command = [
            sys.executable,
            "-m",
            "interstate",
            *self._command,
            "--port",
            str(self.port),
            *state,
            *self._arguments,
        ]
        output = subprocess.DEVNULL if self.log is None else self.log.open("ab")
        environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        if "--database" in state and self.data is not None:  # No directory of its own keeps the key there.
            environment.setdefault("INTERSTATE_SECRETS_KEY", str(self.data.parent / "secrets.key"))
        self._process = subprocess.Popen(command, stdout=output, stderr=output, env=environment, start_new_session=True)
        if not isinstance(output, int):
            output.close()
        self.wait_ready(wait_for)

    def wait_ready(self, wait_for: str) -> None:
        """Ask the health page until it says so."""
        until = time.monotonic() + READY_S_MAX
        while time.monotonic() < until:
            assert self._process is not None
            assert self._process.poll() is None, f"the server ended: {self.output()[-2000:]}"
            with contextlib.suppress(OSError, ValueError):
                if self.control("GET", "health", timeout_s=10).get(wait_for):
                    return
            time.sleep(0.02)
        raise AssertionError(f"the server is not {wait_for}: {self.output()[-2000:]}")

    def output(self) -> str:
        """What the server printed."""
        return self.log.read_text() if self.log is not None and self.log.exists() else ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """kill -9: no handler runs, nothing is flushed."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> int:
        """SIGTERM, as Ctrl-C would; tells the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(120)

    def control(self, method: str, name: str, body: Any = None, timeout_s: float = 60) -> Any:
        """One request to /_interstate."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_interstate/{name}", data=data, method=method)
        with urllib.request.urlopen(request, timeout=timeout_s) as response:
            return json.load(response)

    def client(self, service: str, account: str = "000000000000", region: str = "us-east-1") -> Any:
        """A real SDK client."""
        return boto3.session.Session().client(
            service,  # type: ignore[call-overload]  # any service
            endpoint_url=self.url,
            region_name=region,
            aws_access_key_id=account,
            aws_secret_access_key="interstate",
            config=Config(retries={"total_max_attempts": 1}),
        )
