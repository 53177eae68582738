"""CompleteCancellation: give back what the workflow took of an order that will not be shipped, stock and money.

With ``onlyIfRequested`` an order that nobody cancelled is left alone: FulfillmentWorkflow asks so when it could not take the
shipment claim, which means either a cancellation or that another execution ships.
"""

from typing import Any

from ordering import aws, keep
from ordering.announce import closed
from ordering.ending import end

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    order_id = event["orderId"]
    if event.get("onlyIfRequested"):
        order = keep.load(db, order_id)
        if order.get("outcome") in keep.SHIPPED:
            return closed(order)
        if not (order.get("cancelRequestedAt") or order.get("outcome")):
            return {"orderId": order_id, "outcome": None, "reason": "another execution ships it"}
    return end(db, events, sqs, order_id, "CANCELLED", reason=event["reason"], now=event["now"])
