"""OrderSaga: stock and money, both or neither, whatever comes between two of its calls.

The saga is followed as its state machine takes it, with its two branches in either order. At each single call, in turn, the
function dies and is called again, the customer cancels, or the provider's money comes. ``test_orders_end_to_end`` runs the machine.
"""

from typing import Any

import pytest
from ordering import keep
from tests.apps.order_world import NOW, Died, wired
from tests.apps.test_orders_races import Story, partner_restored

STEPS = ("reserve_inventory", "release_inventory", "refund_payment", "commit_transaction", "rollback_transaction")


class Saga(Story):
    """An order paid by saga; ``order_of_branches`` tells which branch of the Parallel comes first."""

    def __init__(self, order_of_branches: str, **stock: int) -> None:
        super().__init__("saga", **stock)
        self.module |= {name: wired(self.world, name) for name in STEPS}
        self.branches = {"stock": self.reserve, "money": self.take_money}
        self.sequence = order_of_branches.split("-")
        self.reserved: dict[str, Any] = {}

    def follow(self) -> str:
        self.step(lambda: self.module["place_order"].place(self.order, NOW))
        self.write({"executionArn": "arn"}, missing=("executionArn",))
        self.step(lambda: self.module["validate_order"].validate(self.order, NOW))
        error = next((error for branch in self.sequence if (error := self.branches[branch]())), "") or self.commit()
        if not error:
            return self.ship("OrderProcessingWorkflow", self.reserved)
        self.roll_back(error)
        if error == "InventoryUnavailable":
            short = {"order": self.order, "unavailableItems": [], "now": NOW}
            self.step(lambda: self.module["handle_inventory_shortage"].handler(short, None))
            return "InventoryNotAvailable"
        if error in {"OrderCancelled", "OrderClosed", "TransactionIncomplete"}:
            return self.cancelled()
        return self.payment_failed()

    def reserve(self) -> str:
        answer = self.step(lambda: self.module["reserve_inventory"].reserve(self.order))
        if isinstance(answer, dict) and answer["reserved"]:
            self.reserved = answer
            return ""
        event = {"orderId": "O-1"}
        self.step(lambda: self.module["release_inventory"].handler(event, None))
        return answer if isinstance(answer, str) else "InventoryUnavailable"

    def take_money(self) -> str:
        self.tokens += 1
        token = f"token-{self.tokens}"
        asked = self.ask_for_money({"totalAmount": self.order["totalAmount"]}, token)
        if isinstance(asked, dict):
            self.provider()
            told = [name for name, request in self.world.asked if request.get("taskToken") == token]
            if told and told[0] == "SendTaskSuccess":
                return ""
        event = {"orderId": "O-1", "now": NOW}
        self.step(lambda: self.module["refund_payment"].handler(event, None))
        return asked if isinstance(asked, str) else "States.Timeout"

    def commit(self) -> str:
        try:
            answer = self.step(lambda: self.module["commit_transaction"].commit("O-1", NOW))
        except self.module["commit_transaction"].TransactionIncomplete:
            return "TransactionIncomplete"
        return answer if isinstance(answer, str) else ""

    def roll_back(self, error: str) -> None:
        self.step(lambda: self.module["rollback_transaction"].roll_back("O-1", error, NOW))

    def silent(self) -> None:
        self.provider = lambda: None  # type: ignore[method-assign]  # the provider says nothing in time


STOCKS = {"enough": {"A": 10, "B": 10}, "short": {"A": 10, "B": 1}}
OUTCOMES = {"enough": "SHIPPED", "short": "OUT_OF_STOCK"}


def calls_of(sequence: str, stock: str) -> int:
    with partner_restored():
        story = Saga(sequence, **STOCKS[stock])
        story.follow()
        return story.world.calls


WAYS = [(sequence, stock) for sequence in ("stock-money", "money-stock") for stock in STOCKS]
EVERY_CALL = [
    pytest.param(sequence, stock, call, id=f"{sequence}-{stock}-{call}")
    for sequence, stock in WAYS
    for call in range(1, calls_of(sequence, stock) + 1)
]


@pytest.mark.parametrize(("sequence", "stock"), WAYS)
def test_stock_and_money_are_taken_both_or_neither(sequence: str, stock: str) -> None:
    story = Saga(sequence, **STOCKS[stock])
    story.follow()
    order = story.world.order("O-1")
    assert order["outcome"] == OUTCOMES[stock]
    assert order["sagaStatus"] == ("COMMITTED" if stock == "enough" else "ROLLED_BACK")
    assert story.world.broken() == []


@pytest.mark.parametrize(("sequence", "stock", "call"), EVERY_CALL)
def test_a_step_that_dies_before_any_call_is_called_again_and_nothing_is_done_twice(
    sequence: str, stock: str, call: int
) -> None:
    story = Saga(sequence, **STOCKS[stock])

    def die() -> None:
        raise Died

    story.world.plan[call] = die
    story.follow()
    assert story.world.order("O-1")["outcome"] == OUTCOMES[stock]
    assert story.world.broken() == []


@pytest.mark.parametrize(("sequence", "stock", "call"), EVERY_CALL)
def test_a_cancellation_before_any_call_is_rolled_back_or_refused(sequence: str, stock: str, call: int) -> None:
    story = Saga(sequence, **STOCKS[stock])
    story.world.plan[call] = story.cancel
    story.follow()
    order = story.world.order("O-1")
    assert order["outcome"] == ("CANCELLED" if order.get("cancelRequestedAt") else OUTCOMES[stock])
    assert story.world.broken() == []


@pytest.mark.parametrize("sequence", ["stock-money", "money-stock"])
def test_money_that_comes_at_any_call_of_a_saga_that_gave_up_goes_back(sequence: str) -> None:
    first = Saga(sequence)
    first.silent()
    first.follow()
    assert first.world.order("O-1")["outcome"] == "PAYMENT_FAILED"
    for call in range(1, first.world.calls + 1):
        story = Saga(sequence)
        story.silent()
        story.world.plan[call] = story.capture
        story.follow()
        story.capture()
        assert story.world.order("O-1")["outcome"] in {"PAYMENT_FAILED", "SHIPPED"}, call
        assert story.world.broken() == [], call


def test_compensations_are_safe_when_their_step_never_ran() -> None:
    story = Saga("stock-money")
    story.step(lambda: story.module["place_order"].place(story.order, NOW))
    story.step(lambda: story.module["validate_order"].validate(story.order, NOW))
    for _ in range(2):
        story.roll_back("States.Timeout")
    story.payment_failed()
    assert story.world.refunds == {}
    assert story.world.broken() == []


def test_a_reservation_that_was_still_under_way_when_the_saga_was_rolled_back_takes_nothing() -> None:
    """A Parallel that fails stops its other branch, not a function that has begun."""
    story = Saga("stock-money")
    story.step(lambda: story.module["place_order"].place(story.order, NOW))
    story.step(lambda: story.module["validate_order"].validate(story.order, NOW))
    story.roll_back("PartnerRefused")
    with pytest.raises(keep.OrderClosed):
        story.module["reserve_inventory"].reserve(story.order)
    story.payment_failed()
    assert story.world.broken() == []


def test_an_order_that_is_being_shipped_is_not_rolled_back() -> None:
    story = Saga("stock-money")
    assert story.follow() == "OrderShipped"
    for step in ("release_inventory", "refund_payment"):
        with pytest.raises(keep.OrderClosed):
            story.module[step].handler({"orderId": "O-1", "now": NOW}, None)
    assert story.world.broken() == []
