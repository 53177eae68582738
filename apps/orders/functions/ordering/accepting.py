"""Accept an order: write it down once, then put its event on the bus. Safe to repeat."""

import hashlib
import json
from typing import Any

from ordering import keep
from ordering.announce import BUS, publish
from ordering.envelope import entry
from ordering.journal import log


class IdTaken(Exception):
    """Another order has this id."""


def accept(db: Any, events: Any, order: dict[str, Any], accepted_at: str) -> None:
    """Accept an order without faults of form; the same order again changes nothing.

    Raises:
        IdTaken: the id belongs to another order.
        NotPublished: the caller is repeated.
    """
    values = {
        "status": "PLACED",
        "customerId": order["customerId"],
        "acceptedAt": accepted_at,
        "fingerprint": fingerprint(order),
    }
    request = keep.changing(order["orderId"], values, missing=("acceptedAt", "executionArn"))
    first, found = keep.update(db, request)
    if not first and found.get("fingerprint") != values["fingerprint"]:
        raise IdTaken(order["orderId"])
    if "executionArn" not in found:
        # A repeated call publishes again: the one before may have ended between the two writes. The workflow runs once.
        publish(events, [entry("Order Placed", order, bus=BUS, now=accepted_at)])
    log("order accepted", orderId=order["orderId"], repeated=not first)


def fingerprint(order: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(order, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
