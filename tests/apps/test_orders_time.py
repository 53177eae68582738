"""Weeks in a moment: what the order system promises about time, on the platform's clock, from the terminal."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.apps.order_town import Town, town

NEVER_STOCKED = "P-004"

pytestmark = [pytest.mark.server, pytest.mark.slow]


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
    away.show_when("ORD-PART", "PARTIALLY_SHIPPED")
    away.advance("13d")
    away.show_when("ORD-PART-B", "BACKORDERED")
    away.advance("25h")
    assert away.show_when("ORD-PART-B", "CANCELLED")["reason"] == "back-order: no stock came within 14 days"
    assert "every promise holds" in away.orders("verify")


def test_an_order_whose_payment_nobody_answers_fails_and_gives_its_stock_back(away: Town) -> None:
    away.orders("place", "--order-id", "ORD-UNPAID", "--no-follow")
    away.show_when("ORD-UNPAID", "VALIDATED")
    away.advance("20m")
    assert away.show_when("ORD-UNPAID", "PAYMENT_FAILED")["reason"] == "payment failed: States.Timeout"
    away.open_partners()
    away.advance("20m")
    assert "every promise holds" in away.orders("verify")
