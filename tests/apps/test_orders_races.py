"""Whoever comes between two calls of a handler, and wherever a handler dies: every promise holds in the end.

An order is followed through its steps, as the state machine takes them. At each single call that they make, in turn, (1) the
function dies and is called again, (2) the customer cancels, (3) the provider's webhook comes (or comes again).
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from botocore.exceptions import ClientError
from ordering import keep, partner
from ordering.payment import charge_key
from tests.apps.order_world import EVENT, NOW, Died, OrderWorld, wired

LINES = [{"productId": "A", "quantity": 2, "price": 1.5}, {"productId": "B", "quantity": 3, "price": 1.0}]
ORDER: dict[str, Any] = {"orderId": "O-1", "customerId": "C-1", "items": LINES, "totalAmount": 6.0, "currency": "GBP"}


@contextmanager
def partner_restored() -> Iterator[None]:
    """The world stands where HTTP stands otherwise, for as long as this lasts."""
    call = partner.call
    try:
        yield
    finally:
        partner.call = call


class Story:
    """One order and what may happen to it; each method is one step of the workflow, or one of its disturbances."""

    def __init__(self, method: str = "card", **stock: int) -> None:
        self.world = OrderWorld()
        self.world.stock(**(stock or {"A": 10, "B": 10}))
        self.order = {**ORDER, "paymentMethod": method}
        self.module = {name: wired(self.world, name) for name in NAMES}
        self.tokens = 0

    def step(self, act: Callable[[], Any]) -> Any:
        return self.world.run(act)

    # The workflow ----------------------------------------------------------------------------------------------

    def follow(self) -> str:
        """The state machine's way, until its end; the last state's name."""
        self.step(lambda: self.module["place_order"].place(self.order, NOW))
        if not self.write({"executionArn": "arn"}, missing=("executionArn",)):
            return "DuplicateExecution"
        self.step(lambda: self.module["validate_order"].validate(self.order, NOW))
        inventory = self.step(lambda: self.module["check_inventory"].check(self.order))
        if isinstance(inventory, str):
            return self.cancelled()
        if inventory["inventoryStatus"] == "PARTIAL":
            part = inventory
            inventory = self.step(lambda: self.module["handle_partial_inventory"].reserve_part(self.order, part, NOW))
            if isinstance(inventory, str):
                return self.cancelled()
        elif inventory["inventoryStatus"] == "UNAVAILABLE":
            short = {"order": self.order, "unavailableItems": inventory["unavailableItems"], "now": NOW}
            self.step(lambda: self.module["handle_inventory_shortage"].handler(short, None))
            return "InventoryNotAvailable"
        if self.order["paymentMethod"] == "invoice":
            return self.await_payment(inventory)
        return self.pay(inventory)

    def pay(self, inventory: dict[str, Any]) -> str:
        for _ in range(2):
            self.tokens += 1
            token = f"token-{self.tokens}"
            asked = self.ask_for_money(inventory, token)
            if isinstance(asked, str):
                return self.cancelled()
            self.provider()
            answered = [request for request in self.world.asked if request[1].get("taskToken") == token]
            if not answered or answered[0][0] == "SendTaskFailure":
                continue
            return self.ship("OrderProcessingWorkflow", inventory)
        return self.payment_failed()

    def ask_for_money(self, inventory: dict[str, Any], token: str) -> Any:
        return self.step(lambda: self.module["process_payment"].pay("O-1", inventory["totalAmount"], "GBP", token))

    def await_payment(self, inventory: dict[str, Any]) -> str:
        if not self.write({"status": "AWAITING_PAYMENT"}, missing=("cancelRequestedAt", "outcome")):
            return self.cancelled()
        body = {"orderId": "O-1", "amount": inventory["totalAmount"], "currency": "GBP"}
        self.step(lambda: self.module["capture_invoice"].capture(body))
        self.provider()
        for request in self.world.sent("PutEvents"):
            for entry in request["Entries"]:
                if entry["DetailType"] == "Payment Completed":
                    return self.ship("FulfillmentWorkflow", json.loads(entry["Detail"])["data"]["reservation"])
        return self.payment_failed()

    def ship(self, shipper: str, inventory: dict[str, Any]) -> str:
        request = keep.changing(
            "O-1",
            {"shipmentClaim": shipper},
            missing=("shipmentClaim", "cancelRequestedAt", "outcome"),
        )
        request["ConditionExpression"] += " AND attribute_exists(capturedAt)"
        if not self.update(request):
            only = {"orderId": "O-1", "reason": "x", "now": NOW, "onlyIfRequested": shipper == "FulfillmentWorkflow"}
            self.step(lambda: self.module["complete_cancellation"].handler(only, None))
            return "OrderCancelled"
        shipment = {
            "claimant": shipper,
            "shippedBy": shipper,
            "carrier": "swift",
            "trackingNumber": "T",
            "acceptedAt": NOW,
        }
        self.step(lambda: self.module["complete_shipment"].complete(self.order, inventory, shipment, NOW))
        return "OrderShipped"

    def cancelled(self) -> str:
        event = {"orderId": "O-1", "reason": "x", "now": NOW}
        self.step(lambda: self.module["complete_cancellation"].handler(event, None))
        return "OrderCancelled"

    def payment_failed(self) -> str:
        event = {"orderId": "O-1", "reason": "States.Timeout", "now": NOW}
        self.step(lambda: self.module["handle_payment_failure"].handler(event, None))
        return "PaymentFailed"

    def write(self, values: dict[str, Any], missing: tuple[str, ...]) -> bool:
        """A state that writes without a function."""
        return self.update(keep.changing("O-1", values, missing=missing))

    def update(self, request: dict[str, Any]) -> bool:
        held, _ = self.step(lambda: keep.update(self.world.client("dynamodb"), request))
        return bool(held)

    # The world around it ---------------------------------------------------------------------------------------

    def provider(self) -> None:
        """The provider captures what it was asked for and tells."""
        for key in list(self.world.charges):
            self.capture(key)

    def capture(self, key: str | None = None, attempt: int = 0) -> None:
        key = key or charge_key("O-1", attempt)
        charge = self.world.charges.get(key)
        if charge is None or key in self.world.voided:
            return
        charge["captures"] = 1
        notice = {
            "key": key,
            "amount": charge["amount"],
            "metadata": {"orderId": charge["orderId"], "attempt": charge["attempt"]},
        }
        self.step(lambda: self.module["payment_webhook"].captured(notice, NOW))

    def cancel(self) -> None:
        self.step(lambda: self.module["cancel_order"].handler({**EVENT, "pathParameters": {"orderId": "O-1"}}, None))


NAMES = (
    "place_order",
    "cancel_order",
    "payment_webhook",
    "validate_order",
    "check_inventory",
    "handle_partial_inventory",
    "handle_inventory_shortage",
    "process_payment",
    "capture_invoice",
    "complete_shipment",
    "complete_cancellation",
    "handle_payment_failure",
    "handle_order_validation_failure",
    "expire_back_order",
    "back_orders",
)

WAYS: dict[str, tuple[str, dict[str, int], str]] = {
    "card": ("card", {"A": 10, "B": 10}, "SHIPPED"),
    "invoice": ("invoice", {"A": 10, "B": 10}, "SHIPPED"),
    "part": ("card", {"A": 10, "B": 1}, "PARTIALLY_SHIPPED"),
    "part by invoice": ("invoice", {"A": 10}, "PARTIALLY_SHIPPED"),
    "short": ("card", {"A": 0, "B": 0}, "OUT_OF_STOCK"),
}


def calm(way: str) -> Story:
    method, stock, _ = WAYS[way]
    story = Story(method, **stock)
    story.follow()
    return story


with partner_restored():
    CALLS = {way: calm(way).world.calls for way in WAYS}
EVERY_CALL = [pytest.param(way, call, id=f"{way}-{call}") for way in WAYS for call in range(1, CALLS[way] + 1)]


@pytest.mark.parametrize("way", WAYS)
def test_an_undisturbed_order_ends_as_its_stock_foretells(way: str) -> None:
    story = calm(way)
    assert story.world.order("O-1")["outcome"] == WAYS[way][2]
    assert story.world.broken() == []


@pytest.mark.parametrize(("way", "call"), EVERY_CALL)
def test_a_function_that_dies_before_any_call_is_called_again_and_nothing_is_done_twice(way: str, call: int) -> None:
    story = Story(WAYS[way][0], **WAYS[way][1])

    def die() -> None:
        raise Died

    story.world.plan[call] = die
    story.follow()
    assert story.world.order("O-1")["outcome"] == WAYS[way][2]
    assert story.world.broken() == []


@pytest.mark.parametrize(("way", "call"), EVERY_CALL)
def test_a_cancellation_before_any_call_holds_or_is_refused_and_stock_and_money_agree(way: str, call: int) -> None:
    story = Story(WAYS[way][0], **WAYS[way][1])
    story.world.plan[call] = story.cancel
    story.follow()
    order = story.world.order("O-1")
    asked = bool(order.get("cancelRequestedAt"))
    assert order["outcome"] == ("CANCELLED" if asked else WAYS[way][2])
    assert story.world.broken() == []


@pytest.mark.parametrize(("way", "call"), [row for row in EVERY_CALL if row.values[0] != "short"])
def test_a_webhook_before_any_call_and_again_at_the_end_takes_the_money_once(way: str, call: int) -> None:
    story = Story(WAYS[way][0], **WAYS[way][1])
    story.world.plan[call] = story.capture
    story.follow()
    story.capture()
    assert story.world.order("O-1")["outcome"] == WAYS[way][2]
    assert story.world.broken() == []
    assert len(set(story.world.events())) <= len(story.world.events())


def late(story: Story) -> None:
    """The order gives up waiting while the provider is still at it; the money comes before any call of the giving up."""
    story.provider = lambda: None  # type: ignore[method-assign]  # the provider says nothing in time


@pytest.mark.parametrize("method", ["card", "invoice"])
def test_money_that_comes_at_any_call_while_an_order_gives_up_goes_back(method: str) -> None:
    first = Story(method)
    late(first)
    first.follow()
    for call in range(1, first.world.calls + 1):
        story = Story(method)
        late(story)
        story.world.plan[call] = story.capture
        story.follow()
        order = story.world.order("O-1")
        assert order["outcome"] in {"PAYMENT_FAILED", "SHIPPED"}, call
        assert story.world.broken() == [], call


def test_a_declined_charge_is_tried_once_more_under_a_new_key() -> None:
    """The first decline is told again while the second charge is under way, and must not fail it."""
    story = Story()
    told: list[dict[str, Any]] = []

    def provider() -> None:
        (key,) = (key for key, charge in story.world.charges.items() if charge["attempt"] == len(told))
        notice = {"key": key, "code": "insufficient_funds", "metadata": {"orderId": "O-1", "attempt": len(told)}}
        if told:
            story.module["payment_webhook"].declined(told[0], NOW)
            story.capture(key)
        else:
            story.module["payment_webhook"].declined(notice, NOW)
        told.append(notice)

    story.provider = provider  # type: ignore[method-assign]  # the first charge is turned down, the second taken
    assert story.follow() == "OrderShipped"
    assert set(story.world.charges) == {"O-1-charge-0", "O-1-charge-1"}
    assert [request["taskToken"] for request in story.world.sent("SendTaskFailure")] == ["token-1"]
    assert story.world.broken() == []


def test_a_second_execution_is_a_duplicate() -> None:
    story = calm("card")
    assert story.follow() == "DuplicateExecution"
    assert story.world.broken() == []


def test_another_order_under_the_same_id_is_refused() -> None:
    story = calm("card")
    answer = story.module["place_order"].place({**story.order, "totalAmount": 7}, NOW)
    assert answer["statusCode"] == 409


def test_two_orders_cannot_take_the_same_units() -> None:
    story = Story(A=3, B=10)
    other = {**story.order, "orderId": "O-2"}
    first = story.module["check_inventory"].check(story.order)
    second = story.module["check_inventory"].check(other)
    assert (first["inventoryStatus"], second["inventoryStatus"]) == ("AVAILABLE", "PARTIAL")
    assert [line["availableQuantity"] for line in second["unavailableItems"]] == [1]


def test_a_reservation_that_loses_a_race_is_judged_again() -> None:
    """Between the judgement PARTIAL and its reservation another order takes a unit more."""
    story = Story(A=1, B=10)
    partial = story.module["check_inventory"].check(story.order)
    assert partial["inventoryStatus"] == "PARTIAL"
    rival = {**story.order, "orderId": "O-2", "items": [{"productId": "B", "quantity": 9, "price": 1.0}]}
    story.world.plan[story.world.calls + 1] = lambda: story.module["check_inventory"].check(rival)
    answer = story.module["handle_partial_inventory"].reserve_part(story.order, partial, NOW)
    assert {line["productId"]: line["quantity"] for line in answer["reservedItems"]} == {"A": 1, "B": 1}
    back = story.world.order("O-1-B")
    assert {line["productId"]: line["quantity"] for line in back["items"]} == {"A": 1, "B": 2}


def record(**body: Any) -> dict[str, Any]:
    return {"body": json.dumps(body), "attributes": {"SentTimestamp": "0"}}


def receive(story: Story, product: str, units: int) -> None:
    story.world.table(
        "UpdateItem",
        {
            "TableName": "Inventory",
            "Key": {"productId": {"S": product}},
            "UpdateExpression": "ADD available :units, received :units",
            "ExpressionAttributeValues": {":units": {"N": str(units)}},
        },
    )


def test_a_back_order_is_placed_once_when_all_of_its_stock_came() -> None:
    story = calm("part")
    consume = story.module["back_orders"].consume
    consume(record(orderId="O-1-B"))
    assert story.world.order("O-1-B")["status"] == "BACKORDERED"
    receive(story, "B", 5)
    for _ in range(2):
        consume(record(productId="B"))
    placed = [event for event in story.world.events() if event.startswith("Order Placed")]
    assert len(set(placed)) == 2  # The order's own, and the back-order's.
    assert story.world.order("O-1-B")["reservation"] == "RESERVED"
    story.order = {**story.order, "orderId": "O-1-B", "items": [{**LINES[1], "quantity": 2}], "totalAmount": 2.0}
    assert story.module["check_inventory"].check(story.order)["inventoryStatus"] == "AVAILABLE"


def test_a_back_order_waits_for_the_order_that_it_is_the_rest_of() -> None:
    story = Story("card", A=10, B=1)
    story.module["place_order"].place(story.order, NOW)
    partial = story.module["check_inventory"].check(story.order)
    story.module["handle_partial_inventory"].reserve_part(story.order, partial, NOW)
    story.module["back_orders"].consume(record(orderId="O-1-B"))
    assert story.world.sent("SendMessage")[-1]["DelaySeconds"] == 60
    assert [request["name"] for request in story.world.sent("StartExecution")] == ["O-1-B"]
    receive(story, "B", 5)
    story.module["back_orders"].consume(record(productId="B"))
    assert "reservation" not in story.world.order("O-1-B")


def test_a_back_order_whose_order_was_not_shipped_is_cancelled() -> None:
    story = Story("card", A=10, B=1)
    late(story)
    assert story.follow() == "PaymentFailed"
    story.module["back_orders"].consume(record(orderId="O-1-B"))
    assert story.world.order("O-1-B")["outcome"] == "CANCELLED"
    assert story.world.broken() == []


@pytest.mark.parametrize("stock_came", [False, True])
def test_a_back_order_expires_unless_its_stock_came(stock_came: bool) -> None:
    story = calm("part")
    if stock_came:
        receive(story, "B", 5)
        story.module["back_orders"].consume(record(orderId="O-1-B"))
    for _ in range(2):
        story.module["expire_back_order"].handler({"orderId": "O-1-B", "now": NOW}, None)
    order = story.world.order("O-1-B")
    assert order.get("outcome") == (None if stock_came else "CANCELLED")
    if not stock_came:
        assert order["reason"] == "back-order: no stock came within 14 days"
        assert story.world.broken() == []


def test_a_table_that_is_gone_is_no_lost_race() -> None:
    story = Story()
    story.world.table("DeleteTable", {"TableName": "Inventory"})
    with pytest.raises(ClientError, match="ResourceNotFoundException"):
        story.module["check_inventory"].check(story.order)
