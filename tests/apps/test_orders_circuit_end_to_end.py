"""A payment provider that goes away and comes back, on the platform's clock: orders wait for it, and each is paid once."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.apps.order_town import SETTLE_S_MAX, Town, town

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """The partners do not answer until somebody opens them."""
    monkeypatch.setenv("PARTNERS_OPTIONS", "--elsewhere")
    with town(tmp_path / "ledger") as built:
        yield built


def circuit_of(place: Town) -> dict[str, Any]:
    found: list[dict[str, Any]] = json.loads(place.orders("circuits", "--json"))
    return found[0] if found else {}


def test_orders_wait_for_a_provider_that_is_away_and_are_paid_when_it_is_back(away: Town) -> None:
    assert "no partner has failed yet" in away.orders("circuits")
    away.server.control("POST", "clock", {"mode": "frozen"})  # However slow the machine is, no order's patience ends.
    names = [f"ORD-{number}" for number in range(4)]
    for name in names:
        away.orders(
            "place", "--order-id", name, "--payment-method", "saga" if name == "ORD-3" else "card", "--no-follow"
        )
        away.show_when(name, "VALIDATED")
    ends = time.monotonic() + SETTLE_S_MAX
    while (found := circuit_of(away)).get("waiting") != len(names):
        assert time.monotonic() < ends, found
        away.advance("1s")
    assert (found["state"], found["openings"]) == ("OPEN", 1)
    away.open_partners()
    away.advance("1m")
    for name in names:
        away.show_when(name, "SHIPPED")
    away.server.control("POST", "clock", {"mode": "real"})
    assert circuit_of(away) == {"circuit": "payment", "state": "CLOSED", "failures": 0, "openings": 1, "waiting": 0}
    assert "every promise holds" in away.orders("verify")
