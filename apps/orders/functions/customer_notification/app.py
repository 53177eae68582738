"""CustomerNotification: tell the customer what happened to the order, on the channels that nobody else serves.

OrderProcessingWorkflow tells of its shipments by mail and SMS itself; then only the app is left. All else is told here.
"""

import json
import os
from datetime import datetime
from typing import Any

from ordering import aws
from ordering.envelope import data_of, expired
from ordering.journal import count, log

sns = aws.client("sns")

TOPIC = os.environ.get("CUSTOMER_NOTIFICATION_TOPIC_ARN", "")


def handler(event: dict[str, Any], _context: object) -> None:
    if expired(event, datetime.fromisoformat(event["time"])):
        count("ExpiredEvents", 1, consumer="CustomerNotification")
        return
    note = notification(event["detail-type"], data_of(event))
    attributes = {
        "customerId": {"DataType": "String", "StringValue": note["customerId"]},
        "channels": {"DataType": "String.Array", "StringValue": json.dumps(note["channels"])},
    }
    sns.publish(
        TopicArn=TOPIC, Subject=f"Your order {note['orderId']}", Message=json.dumps(note), MessageAttributes=attributes
    )
    log("customer told", orderId=note["orderId"], kind=note["event"], channels=note["channels"])


def notification(kind: str, data: dict[str, Any]) -> dict[str, Any]:
    """``{"orderId", "customerId", "event", "message", "channels"}``"""
    by_workflow = data.get("shippedBy") == "OrderProcessingWorkflow"
    return {
        "orderId": data["orderId"],
        "customerId": data["customerId"],
        "event": kind.replace(" ", ""),
        "message": TEXTS[kind].format_map({"reason": "", "carrier": "", "trackingNumber": "", **data}),
        "channels": ["push"] if by_workflow else ["email", "sms", "push"],
    }


TEXTS = {
    "Shipment Created": "Order {orderId} is on its way with {carrier}, tracking number {trackingNumber}.",
    "Order Cancelled": "Order {orderId} is cancelled: {reason}.",
    "Order Failed": "We could not carry out order {orderId}: {reason}.",
    "Order Validation Failed": "We could not accept order {orderId}: {reason}.",
}
