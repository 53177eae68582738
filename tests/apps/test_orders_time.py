"""Weeks in a moment: what the order system promises about time, on the platform's clock, from the terminal."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.server_process import ServerProcess, free_port

ORDERS = Path(__file__).parents[2] / "apps" / "orders"
BIN = Path(sys.executable).parent
NEVER_STOCKED = "P-004"
SETTLE_S_MAX = 20.0

pytestmark = [pytest.mark.server, pytest.mark.slow]


class Town:
    """A server with the order system on it, and the partners, which may be away."""

    def __init__(self, server: ServerProcess, ports: tuple[int, int, int], folder: Path) -> None:
        self.server = server
        self.ports = ports
        self.folder = folder
        self.partners: subprocess.Popen[bytes] | None = None

    def open_partners(self) -> None:
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
        command = [sys.executable, "-m", "partners", *words]
        self.partners = subprocess.Popen(command, cwd=ORDERS, stdout=subprocess.PIPE, env=bare())
        assert self.partners.stdout is not None
        assert self.partners.stdout.readline()

    def orders(self, *words: str) -> str:
        command = [str(BIN / "orders"), *words, "--endpoint-url", self.server.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        return done.stdout + done.stderr

    def advance(self, duration: str) -> float:
        """Let business time pass by the terminal; the real seconds that it took."""
        command = [sys.executable, "-m", "interstate", "clock", "advance", duration, "--endpoint-url", self.server.url]
        began = time.monotonic()
        subprocess.run(command, check=True, capture_output=True, timeout=120)
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


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The partners do not answer until somebody opens them."""
    monkeypatch.setenv("PARTNERS_OPTIONS", "--elsewhere")
    with town(tmp_path / "ledger") as built:
        yield built


def test_an_order_that_takes_more_than_thirty_minutes_is_a_breach_and_ends_all_the_same(away: Town) -> None:
    away.orders("place", "--order-id", "ORD-LATE", "--payment-method", "invoice", "--no-follow")
    away.show_when("ORD-LATE", "VALIDATED")
    away.advance("31m")
    away.open_partners()
    away.advance("10m")
    shown = away.show_when("ORD-LATE", "SHIPPED")
    assert shown["secondsToShipment"] > 30 * 60
    assert "after more than 30 minutes" in away.orders("show", "ORD-LATE")
    assert "every promise holds" in away.orders("verify")


def test_a_back_order_is_cancelled_after_fourteen_days_without_stock(away: Town) -> None:
    away.open_partners()
    away.orders("place", "--order-id", "ORD-PART", "--item", "P-001:1:5", "--item", f"{NEVER_STOCKED}:2:3")
    assert away.show("ORD-PART")["status"] == "PARTIALLY_SHIPPED"
    away.advance("13d")
    assert away.show("ORD-PART-B")["status"] == "BACKORDERED"
    away.advance("25h")
    assert away.show_when("ORD-PART-B", "CANCELLED")["reason"] == "back-order: no stock came within 14 days"
    assert "every promise holds" in away.orders("verify")


def test_an_order_whose_payment_nobody_answers_fails_and_gives_its_stock_back(away: Town) -> None:
    away.orders("place", "--order-id", "ORD-UNPAID", "--no-follow")
    away.show_when("ORD-UNPAID", "VALIDATED")
    away.advance("20m")
    assert away.show_when("ORD-UNPAID", "PAYMENT_FAILED")["reason"] == "payment failed: PartnerUnavailable"
    away.open_partners()
    away.advance("20m")
    assert "every promise holds" in away.orders("verify")
