"""CancelOrder, ``POST /orders/{orderId}/cancel`` and ``DELETE /orders/{orderId}``.

The cancellation is one conditional write that races with the shipment claim: one of the two holds. The running workflow then finds
it at its next step and gives back what it took; an order that rests (awaiting payment, back-ordered) is closed here.
"""

from typing import Any

from ordering import aws, keep
from ordering.announce import announce, closed, ending
from ordering.journal import log
from ordering.settling import reverse_later
from ordering.web import Answer, answer, now_of

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")

REASON = "cancelled by the customer"


def handler(event: dict[str, Any], _context: object) -> Answer:
    return cancel(event["pathParameters"]["orderId"], now_of(event))


def cancel(order_id: str, now: str) -> Answer:
    order = keep.load(db, order_id)
    if not order:
        return answer(404, {"message": f"There is no order {order_id}."})
    request = keep.changing(
        order_id, {"cancelRequestedAt": now}, once=("cancelRequestedAt",), missing=("outcome", "shipmentClaim")
    )
    held, order = keep.update(db, request)
    if not held and order.get("outcome") != "CANCELLED":
        state = order.get("outcome") or "being shipped"
        return answer(409, {"message": f"Order {order_id} cannot be cancelled: it is {state}.", "status": state})
    if held and order["status"] not in keep.RESTING:
        log("cancellation requested", orderId=order_id)
        return answer(202, {"orderId": order_id, "status": "CANCELLING"})
    order = keep.close(db, order_id, "CANCELLED", REASON, now)
    reverse_later(sqs, order)
    announce(db, events, [ending(order, now)])
    return answer(200, {**closed(order), "status": order["outcome"]})
