"""A town for end-to-end tests: a server with the order system on it, and the partners beside it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.server_process import ServerProcess, free_port

ORDERS = Path(__file__).parents[2] / "apps" / "orders"
BIN = Path(sys.executable).parent
SETTLE_S_MAX = 90.0


class Town:
    """A server with the order system on it, and the partners, which may be away."""

    def __init__(self, server: ServerProcess, ports: tuple[int, int, int], folder: Path) -> None:
        self.server = server
        self.ports = ports
        self.folder = folder
        self.partners: subprocess.Popen[bytes] | None = None

    def open_partners(self, *faults: str) -> None:
        payment, carrier, message = (str(port) for port in self.ports)
        words = [
            "--payment-port",
            payment,
            "--carrier-port",
            carrier,
            "--message-port",
            message,
            "--ledger",
            str(self.folder),
        ]
        command = [sys.executable, "-m", "partners", *words, *faults]
        self.partners = subprocess.Popen(command, cwd=ORDERS, stdout=subprocess.PIPE, env=bare())
        assert self.partners.stdout is not None
        assert self.partners.stdout.readline()

    def orders(self, *words: str) -> str:
        command = [str(BIN / "orders"), *words, "--endpoint-url", self.server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=180)
        return done.stdout + done.stderr

    def advance(self, duration: str) -> float:
        """Let business time pass by the terminal; the real seconds that it took."""
        command = [sys.executable, "-m", "interstate", "clock", "advance", duration, "--endpoint-url", self.server.url]
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True, timeout=180)
        return time.monotonic() - began

    def show(self, order_id: str) -> dict[str, Any]:
        shown: dict[str, Any] = json.loads(self.orders("show", order_id, "--json"))
        return shown

    def show_when(self, order_id: str, status: str) -> dict[str, Any]:
        ends = time.monotonic() + SETTLE_S_MAX
        while (shown := self.show(order_id))["status"] != status:
            assert time.monotonic() < ends, shown
            time.sleep(0.1)
        return shown


def bare() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != "PARTNERS_OPTIONS"}


@contextmanager
def town(folder: Path) -> Iterator[Town]:
    ports = (free_port(), free_port(), free_port())
    names = ("PaymentUrl", "CarrierUrl", "MessageUrl")
    parameters = [f"--parameter={name}=http://127.0.0.1:{port}" for name, port in zip(names, ports, strict=True)]
    server = ServerProcess(None, *parameters, command=("up", str(ORDERS / "template.yaml")))
    built = Town(server, ports, folder)
    try:
        server.start("deployed")
        yield built
    finally:
        server.kill()
        if built.partners is not None:
            built.partners.terminate()
            built.partners.communicate()
