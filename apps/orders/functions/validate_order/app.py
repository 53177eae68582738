"""ValidateOrder: the first step of the workflow. A valid order is written down with all it says; an invalid one is refused."""

from typing import Any

from ordering import aws, keep
from ordering.announce import BUS, announce
from ordering.envelope import entry
from ordering.journal import log
from ordering.validation import DEFAULT_CURRENCY, DEFAULT_PAYMENT_METHOD, OrderInvalid, faults_of

db = aws.client("dynamodb")
events = aws.client("events")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return validate(event["order"], event["now"])


def validate(order: dict[str, Any], now: str) -> dict[str, Any]:
    """Save the order as VALIDATED and tell it; a repeated call saves nothing new and tells the same events.

    Raises:
        OrderInvalid: with every fault, for the customer to read.
    """
    if faults := faults_of(order):
        raise OrderInvalid("; ".join(str(fault) for fault in faults))
    method = order.get("paymentMethod", DEFAULT_PAYMENT_METHOD)
    values = record(order, method, now)
    request = keep.changing(
        order["orderId"], {**values, "status": "VALIDATED"}, once=values, missing=("reservation", "outcome")
    )
    _, found = keep.update(db, request)
    created = {
        "orderId": order["orderId"],
        "customerId": order["customerId"],
        "items": order["items"],
        "totalAmount": order["totalAmount"],
        "currency": values["currency"],
        "placedAt": values["placedAt"],
        "paymentMethod": method,
    }
    validated = {"orderId": order["orderId"], "customerId": order["customerId"]}
    first = entry("Order Created", created, bus=BUS, now=now)
    announce(db, events, [first, entry("Order Validated", validated, bus=BUS, now=now)])
    log("order validated", orderId=order["orderId"], itemCount=len(order["items"]), totalAmount=order["totalAmount"])
    return {
        "status": "VALIDATED",
        "paymentMethod": method,
        "currency": values["currency"],
        "createdAt": found.get("createdAt", now),
    }


def record(order: dict[str, Any], method: str, now: str) -> dict[str, Any]:
    """What the order's item keeps of it. ``totalAmount`` is lowered when only a part is there; ``orderedAmount`` stays."""
    kept = {
        "customerId": order["customerId"],
        "items": order["items"],
        "orderedAmount": order["totalAmount"],
        "totalAmount": order["totalAmount"],
        "currency": order.get("currency", DEFAULT_CURRENCY),
        "paymentMethod": method,
        "placedAt": order.get("timestamp", now),
        "createdAt": now,
    }
    if "shippingAddress" in order:
        kept["shippingAddress"] = order["shippingAddress"]
    return kept
