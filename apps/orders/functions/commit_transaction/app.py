"""CommitTransaction: the saga's last word, under the condition that stock and money are there and nobody cancelled."""

from typing import Any

from ordering import aws, keep
from ordering.journal import log

db = aws.client("dynamodb")


class TransactionIncomplete(Exception):
    """Something of it is not there (any more): the saga is rolled back."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return commit(event["orderId"], event["now"])


def commit(order_id: str, now: str) -> dict[str, Any]:
    """Write COMMITTED; a repeated call answers the same.

    Raises:
        OrderCancelled, OrderClosed, TransactionIncomplete: it is rolled back instead.
    """
    values = {"sagaStatus": "COMMITTED", "sagaEndedAt": now}
    request = keep.changing(
        order_id,
        values,
        once=("sagaEndedAt",),
        missing=("cancelRequestedAt", "outcome", "refundedAt"),
        same={"reservation": "RESERVED"},
    )
    request["ConditionExpression"] += " AND attribute_exists(capturedAt)"
    held, order = keep.update(db, request)
    if held:
        log("saga committed", orderId=order_id)
        return {"orderId": order_id, "sagaStatus": "COMMITTED"}
    if order.get("outcome"):
        raise keep.OrderClosed(order["outcome"])
    if order.get("cancelRequestedAt"):
        raise keep.OrderCancelled(order["cancelRequestedAt"])
    raise TransactionIncomplete(f"reservation {order.get('reservation')}, captured {order.get('capturedAt')}")
