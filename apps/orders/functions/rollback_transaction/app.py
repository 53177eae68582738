"""RollbackTransaction: what the saga did is undone in reverse order, the money first. Safe to repeat, and when nothing was done."""

from typing import Any

from ordering import aws, keep
from ordering.journal import log
from ordering.undoing import refund, release

db = aws.client("dynamodb")
states = aws.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return roll_back(event["orderId"], event["reason"], event["now"])


def roll_back(order_id: str, reason: str, now: str) -> dict[str, Any]:
    """Undo and note why.

    Raises:
        OrderClosed: the order is being shipped.
        PartnerRefused, PartnerUnavailable, TooManyRaces: not sure yet; the caller is repeated.
    """
    refund(db, states, order_id, now)
    release(db, order_id)
    values = {"sagaStatus": "ROLLED_BACK", "sagaEndedAt": now, "sagaReason": reason}
    keep.update(db, keep.changing(order_id, values, once=("sagaEndedAt", "sagaReason")))
    log("saga rolled back", orderId=order_id, reason=reason)
    return {"orderId": order_id, "sagaStatus": "ROLLED_BACK"}
