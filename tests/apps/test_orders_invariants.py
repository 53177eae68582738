from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from orders_cli.invariants import CHANNELS, Facts, violations

KINDS = {"ShipmentCreated": "Shipment Created", "OrderCancelled": "Order Cancelled", "OrderFailed": "Order Failed"}


def clean() -> dict[str, Any]:
    """A system in which everything was done right: shipped in full and in part, refunded, short."""
    lines = [{"productId": "P-1", "quantity": Decimal(2), "price": Decimal("1.25")}]

    def order(order_id: str, outcome: str, **more: Any) -> dict[str, Any]:
        return {"orderId": order_id, "outcome": outcome, "status": outcome, "totalAmount": Decimal("2.5"), **more}

    shipped = {"reservation": "SHIPPED", "reservedItems": lines}
    orders = [
        order("O-1", "SHIPPED", carrier="swift", trackingNumber="T-1", **shipped),
        order("O-2", "PARTIALLY_SHIPPED", carrier="swift", trackingNumber="T-2", **shipped),
        order("O-3", "CANCELLED", reservation="RELEASED", reservedItems=lines),
        order("O-4", "OUT_OF_STOCK"),
        {"orderId": "O-2-B", "status": "BACKORDERED", "totalAmount": Decimal(1), "items": lines},
    ]
    events = {"O-1": "ShipmentCreated", "O-2": "ShipmentCreated", "O-3": "OrderCancelled", "O-4": "OrderFailed"}
    return {
        "orders": orders,
        "products": [{"productId": "P-1", "available": 6, "reserved": 0, "shipped": 4, "start": 9, "received": 1}],
        "views": [{"orderId": each["orderId"], "status": each["status"]} for each in orders],
        "events": [
            {
                "orderId": name,
                "version": Decimal(1),
                "eventId": f"{name}-e",
                "kind": KINDS[event],
                "data": {"outcome": outcome},
            }
            for name, event, outcome in (
                ("O-1", "ShipmentCreated", "SHIPPED"),
                ("O-2", "ShipmentCreated", "PARTIALLY_SHIPPED"),
                ("O-3", "OrderCancelled", "CANCELLED"),
                ("O-4", "OrderFailed", "OUT_OF_STOCK"),
            )
        ],
        "differences": [],
        "charges": [
            {"key": f"{name}-charge-0", "orderId": name, "amount": "2.50", "captures": 1}
            for name in ("O-1", "O-2", "O-3")
        ],
        "refunds": [{"key": "O-3-charge-0-refund", "chargeKey": "O-3-charge-0", "amount": "2.50"}],
        "bookings": [
            {"orderId": "O-1", "carrier": "swift", "trackingNumber": "T-1", "voided": False},
            {"orderId": "O-2", "carrier": "swift", "trackingNumber": "T-2", "voided": False},
            {"orderId": "O-3", "carrier": "swift", "trackingNumber": "T-3", "voided": True},
        ],
        "pickups": [
            {"orderId": "O-1", "carrier": "swift", "trackingNumber": "T-1"},
            {"orderId": "O-2", "carrier": "swift", "trackingNumber": "T-2"},
        ],
        "messages": [
            {"key": f"{name}/{event}/{channel}", "sent": 1} for name, event in events.items() for channel in CHANNELS
        ],
        "dead_letters": {"order-rules-dlq": 0},
        "running": [],
        "circuits": [{"circuit": "payment", "state": "CLOSED", "failures": Decimal(0)}],
        "archived": [{"circuit": "payment", "requestId": "O-1", "token": "of a Task that ended"}],
        "accepted": ["O-1", "O-2", "O-3", "O-4"],
    }


def test_a_clean_run_breaks_no_promise() -> None:
    assert violations(Facts(**clean())) == []


def change(place: str, position: int, **values: Any) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts[place][position].update(values)


def drop(place: str, position: int) -> Callable[[dict[str, Any]], None]:
    return lambda facts: facts[place].pop(position)


def forget_in_the_archive(facts: dict[str, Any]) -> None:
    facts["orders"][4]["paymentToken"] = "t"
    facts["archived"].append({"circuit": "payment", "requestId": "O-2-B", "token": "t"})


BROKEN: list[tuple[str, Callable[[dict[str, Any]], None], set[str]]] = [
    (
        "an accepted order is gone",
        lambda facts: facts["accepted"].append("O-9"),
        {"one outcome: O-9: was accepted and is gone"},
    ),
    (
        "an order has no outcome",
        lambda facts: facts["orders"].append({"orderId": "O-5", "status": "PAID"}),
        {"one outcome: O-5: has none; it is PAID"},
    ),
    (
        "an unknown outcome",
        change("orders", 3, outcome="LOST", status="LOST"),
        {
            "one outcome: O-4: has an unknown one, LOST",
            "view: O-4: is LOST, the view tells OUT_OF_STOCK",
            "history: O-4: is LOST, its events end it with ['OUT_OF_STOCK']",
        },
    ),
    ("an order needs a person", change("orders", 3, needsAttention="x"), {"one outcome: O-4: needs a person: x"}),
    (
        "a unit vanished",
        change("products", 0, available=5),
        {"stock: P-1: available + reserved + shipped is 9, start + received is 10"},
    ),
    (
        "stock below zero",
        change("products", 0, available=-1, start=2),
        {"stock: P-1: available is -1"},
    ),
    (
        "stock was not given back",
        change("orders", 2, reservation="RESERVED"),
        {
            "stock: P-1: reserved is 0, the orders' reserved lines add up to 2",
            "stock: O-3: is CANCELLED, its reservation is RESERVED",
        },
    ),
    (
        "shipped without leaving the shelf",
        change("orders", 0, reservation="RESERVED"),
        {
            "stock: P-1: reserved is 0, the orders' reserved lines add up to 2",
            "stock: P-1: shipped is 4, the orders' shipped lines add up to 2",
            "stock: O-1: is SHIPPED, its reservation is RESERVED",
        },
    ),
    (
        "captured twice",
        change("charges", 0, captures=2),
        {
            "money: O-1-charge-0: was captured 2 times",
            "money: O-1: captured - refunded is 5.00, shipped is 2.50; it is SHIPPED",
        },
    ),
    ("not refunded", drop("refunds", 0), {"money: O-3: captured - refunded is 2.50, shipped is 0; it is CANCELLED"}),
    (
        "refunded twice",
        lambda facts: facts["refunds"].append({"key": "again", "chargeKey": "O-3-charge-0", "amount": "2.50"}),
        {
            "money: O-3-charge-0: was refunded 2 times",
            "money: O-3: captured - refunded is -2.50, shipped is 0; it is CANCELLED",
        },
    ),
    (
        "shipped for nothing",
        drop("charges", 0),
        {"money: O-1: captured - refunded is 0, shipped is 2.50; it is SHIPPED"},
    ),
    (
        "money for nothing",
        lambda facts: facts["charges"].append({"key": "k", "orderId": "O-7", "amount": "1.00", "captures": 1}),
        {"money: O-7: captured - refunded is 1.00, shipped is 0; there is no such order"},
    ),
    (
        "booked twice",
        lambda facts: facts["bookings"].append(
            {"orderId": "O-1", "carrier": "harbor", "trackingNumber": "T-9", "voided": False}
        ),
        {"parcel: O-1: has tracking number T-1, booked are ['T-1', 'T-9']"},
    ),
    (
        "a parcel that nobody sent",
        change("bookings", 2, voided=False),
        {"parcel: O-3: is CANCELLED, and booked with swift"},
    ),
    (
        "no driver was called",
        drop("pickups", 0),
        {"pickup: O-1: pickups asked for are [], due are [('swift', 'T-1')]"},
    ),
    (
        "a driver for nothing",
        lambda facts: facts["pickups"].append({"orderId": "O-4", "carrier": "swift", "trackingNumber": "T-4"}),
        {"pickup: O-4: pickups asked for are [('swift', 'T-4')], due are []"},
    ),
    ("told twice", change("messages", 0, sent=2), {"told once: O-1/ShipmentCreated/email: was sent 2 times"}),
    ("not told", drop("messages", 0), {"told once: O-1/ShipmentCreated/email: was never sent"}),
    ("a view that lags", change("views", 0, status="PAID"), {"view: O-1: is SHIPPED, the view tells PAID"}),
    (
        "a view that its events do not make",
        lambda facts: facts["differences"].append({"orderId": "O-1", "attribute": "rank", "view": 1, "events": 100}),
        {"view: O-1: rank is 1, its events make it 100"},
    ),
    (
        "a view of nothing",
        lambda facts: facts["views"].append({"orderId": "O-8", "status": "PAID"}),
        {"view: O-8: is no order, and has a view"},
    ),
    ("a gap in the history", change("events", 0, version=Decimal(2)), {"history: O-1: has versions [2]"}),
    (
        "an event twice",
        lambda facts: facts["events"].append({**facts["events"][0], "version": Decimal(2), "kind": "Order Created"}),
        {"history: O-1: has an event twice"},
    ),
    (
        "two endings",
        lambda facts: facts["events"].append({**facts["events"][0], "version": Decimal(2), "eventId": "other"}),
        {"history: O-1: is SHIPPED, its events end it with ['SHIPPED', 'SHIPPED']"},
    ),
    (
        "events of nothing",
        lambda facts: facts["events"].append({**facts["events"][0], "orderId": "O-8"}),
        {"history: O-8: is no order, and has events"},
    ),
    ("a view that is missing", drop("views", 3), {"view: O-4: is OUT_OF_STOCK, the view tells nothing"}),
    (
        "a dead letter",
        lambda facts: facts["dead_letters"].update({"email-dlq": 2}),
        {"nothing lost: email-dlq: holds 2 dead letters"},
    ),
    (
        "a request that was not replayed",
        forget_in_the_archive,
        {"circuit: O-2-B: waits for payment, whose circuit is closed"},
    ),
    ("a state that is none", change("circuits", 0, state="AJAR"), {"circuit: payment: has an unknown state, AJAR"}),
    ("a workflow that hangs", lambda facts: facts["running"].append("e-1"), {"nothing hangs: e-1: still runs"}),
]


@pytest.mark.parametrize(("breaking", "found"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_each_broken_promise_is_found(breaking: Callable[[dict[str, Any]], None], found: set[str]) -> None:
    facts = clean()
    breaking(facts)
    assert {str(violation) for violation in violations(Facts(**facts))} == found
