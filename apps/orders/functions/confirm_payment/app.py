"""ConfirmPayment: no word came of a charge. Before the order fails for that, the provider is asked what became of it.

A notice may be lost for good: the provider tells once, and whoever it told may be gone (a backup that was put back knows nothing of what
was told after it). Captured: the order goes on as paid. Anything else: the charge is called off under its key, so that the provider
never captures it later, and the order fails.
"""

from typing import Any

from ordering import aws, circuit, keep, payment, settling
from ordering.journal import count, log

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
states = aws.client("stepfunctions")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return confirm(event["orderId"], event["now"])


def confirm(order_id: str, now: str) -> dict[str, Any]:
    """``paymentStatus`` SUCCESS or FAILED; a repeated call answers the same.

    Raises:
        PartnerRefused, PartnerUnavailable: nobody knows; the caller is repeated.
        NotPublished, TooManyRaces: it is not told yet; the caller is repeated.
    """
    order = keep.load(db, order_id)
    if not order.get("capturedAt"):
        found = circuit.through(db, states, circuit.PAYMENT, lambda: payment.close_charges(order))
        if found is None:
            keep.update(db, keep.changing(order_id, {"chargeClosedAt": now}, once=("chargeClosedAt",)))
            log("no charge of it will be captured", orderId=order_id)
            return {"orderId": order_id, "paymentStatus": "FAILED"}
        order = settling.capture(db, order_id, found["key"], found["amount"], now)
        log("captured, and its notice was lost", orderId=order_id, key=found["key"])
        count("NoticeLost")
    paid = settling.take(db, events, sqs, order, now)
    return {"orderId": order_id, "paymentStatus": "SUCCESS" if paid else "FAILED"}
