"""Customers who change their mind at any moment, all at once, against the running system."""

import random
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.apps.order_town import Town, town

from orders_cli.endpoint import Api, System
from orders_cli.invariants import OUTCOMES

ORDERS = 40
SETTLE_MS = 300

pytestmark = [pytest.mark.server, pytest.mark.slow]


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    """A provider that takes its time, so that cancellations meet orders in every state."""
    monkeypatch.setenv("PARTNERS_OPTIONS", "--elsewhere")
    with town(tmp_path / "ledger") as built:
        built.open_partners("--settle-ms", str(SETTLE_MS), "--duplicates", "0.3")
        yield built


def order(number: int) -> dict[str, Any]:
    return {
        "orderId": f"ORD-{number}",
        "customerId": f"CUST-{number % 5}",
        "items": [{"productId": f"P-{1 + number % 3:03d}", "quantity": 1 + number, "price": 1.25}],
        "totalAmount": (1 + number) * 1.25,
        "paymentMethod": "invoice" if number % 3 == 0 else "card",
    }


def test_a_cancellation_at_any_moment_holds_or_is_refused_and_every_promise_holds(busy: Town) -> None:
    with closing(System(busy.server.url).api) as api:
        statuses, outcomes = storm(api)
    for number, (status, outcome) in enumerate(zip(statuses, outcomes, strict=True)):
        assert (status in {200, 202}) == (outcome == "CANCELLED"), (number, status, outcome)
        assert status in {200, 202, 409}
    assert Counter(outcomes)["CANCELLED"] > 0
    assert "every promise holds" in busy.orders("verify")


def storm(api: Api) -> tuple[list[int], list[str]]:
    """Place each order and cancel it a moment later; what the cancellation was answered, and how the order ended."""
    moments = random.Random(7)
    delays = [moments.uniform(0, 2 * SETTLE_MS / 1000) for _ in range(ORDERS)]

    def place_and_cancel(number: int) -> int:
        assert api.place(order(number)).status == 202
        time.sleep(delays[number])
        return api.cancel(f"ORD-{number}").status

    with ThreadPoolExecutor(8) as pool:
        statuses = list(pool.map(place_and_cancel, range(ORDERS)))
    ends = time.monotonic() + 180
    while any((shown := api.show(f"ORD-{number}").body)["status"] not in OUTCOMES for number in range(ORDERS)):
        assert time.monotonic() < ends, shown
        time.sleep(0.2)
    return statuses, [api.show(f"ORD-{number}").body["status"] for number in range(ORDERS)]
