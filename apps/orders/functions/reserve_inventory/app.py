"""ReserveInventory, a step of the saga: the whole order's stock in one transaction, or nothing and which lines are short."""

import json
from typing import Any

from ordering import aws, reserving

db = aws.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return reserve(event["order"])


def reserve(order: dict[str, Any]) -> dict[str, Any]:
    """Whether all is ``reserved``; where not, ``shortage`` has the lines that are short, as JSON text.

    Raises:
        OrderCancelled, OrderClosed: nothing is reserved for such an order.
    """
    answer = reserving.check(db, order)
    return {
        "reserved": answer["inventoryStatus"] == "AVAILABLE",
        "reservedItems": answer["reservedItems"],
        "totalAmount": answer["totalAmount"],
        "shortage": json.dumps(answer["unavailableItems"]),
    }
