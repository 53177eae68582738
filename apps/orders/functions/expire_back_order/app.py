"""ExpireBackOrder: 14 days have passed. A back-order whose stock never came is cancelled; one that is under way is left alone."""

from typing import Any

from ordering import aws, keep
from ordering.ending import end

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")

REASON = "back-order: no stock came within 14 days"


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    order_id, now = event["orderId"], event["now"]
    # From here on a reservation of it is refused, so that nothing can come between the look and the outcome.
    values = {"cancelRequestedAt": now, "cancelReason": REASON}
    request = keep.changing(order_id, values, once=values, missing=("reservation", "outcome"))
    expired, order = keep.update(db, request)
    if not expired and order.get("outcome") != "CANCELLED":
        return {"orderId": order_id, "outcome": order.get("outcome"), "reason": "its stock came"}
    # Cancelled already: perhaps by a call of ours that died before it told anybody. Telling it again is telling it once.
    return end(db, events, sqs, order_id, "CANCELLED", reason=REASON, now=now)
