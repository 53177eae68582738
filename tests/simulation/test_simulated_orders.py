"""A few runs of the real order system; ``make simulate COUNT=m ARGS=--orders`` plays others."""

from typing import Any

import msgspec
import pytest
from tests.simulation.playing import play
from tests.simulation.simulated_orders import Partners

from interstate.services.dynamodb import items, transactions, writes

SEEDS = 12
"""A broken law is noticed within so many seeds."""


@pytest.mark.parametrize("number", range(4))
def test_every_promise_of_the_order_system_holds(seed: int, number: int) -> None:
    played = play(seed * 4 + number, orders=True)
    assert not played.problem, f"make simulate SEED={played.seed} COUNT=1 ARGS=--orders\n{played.problem}"


def test_conditions_that_always_hold_break_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken table shows in the orders: what is guarded by a condition is done twice."""

    def decided(prepared: writes.Prepared, *others: Any, **named: Any) -> Any:
        return writes.decide(msgspec.structs.replace(prepared, condition=None), *others, **named)

    for module in (items, transactions):
        monkeypatch.setattr(module, "decide", decided)
    assert any("stock" in play(seed, orders=True).problem for seed in range(SEEDS))


def test_an_order_that_fails_without_asking_the_provider_breaks_a_promise(monkeypatch: pytest.MonkeyPatch) -> None:
    """A notice that is lost costs the customer's money where nobody asks before an order is given up."""

    def nothing_known(_partners: Partners, method: str, key: str) -> tuple[int, dict[str, Any]]:
        return (404, {}) if method == "GET" else (200, {"key": key, "status": "voided"})

    monkeypatch.setattr(Partners, "_one_charge", nothing_known)
    assert any("money" in play(seed, orders=True).problem for seed in range(SEEDS))
