"""RefundPayment: the compensation of ProcessPayment."""

from typing import Any

from ordering import aws
from ordering.journal import log
from ordering.undoing import refund

db = aws.client("dynamodb")
states = aws.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    order = refund(db, states, event["orderId"], event["now"])
    refunded = "refundedAt" in order
    log("money given back" if refunded else "no money to give back", orderId=event["orderId"])
    return {"orderId": event["orderId"], "refunded": refunded}
