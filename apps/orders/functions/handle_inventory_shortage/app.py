"""HandleInventoryShortage: nothing of the order is there. It ends OUT_OF_STOCK, and whoever buys our stock is alerted."""

import json
import os
from typing import Any

from ordering import aws
from ordering.announce import BUS, publish
from ordering.ending import end
from ordering.envelope import entry

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
sns = aws.client("sns")

ALERTS = os.environ.get("INVENTORY_ALERT_TOPIC_ARN", "")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    order, short = event["order"], event.get("unavailableItems") or []
    reason = reason_of(short)
    answer = end(db, events, sqs, order["orderId"], "OUT_OF_STOCK", reason=reason, now=event["now"])
    if short:
        short_event = {"orderId": order["orderId"], "unavailableItems": short}
        publish(events, [entry("Stock Short", short_event, bus=BUS, now=event["now"])])
        alert = {"orderId": order["orderId"], "unavailableItems": short, "now": event["now"]}
        sns.publish(TopicArn=ALERTS, Subject=f"Out of stock: {order['orderId']}", Message=json.dumps(alert))
    return answer


def reason_of(short: list[dict[str, Any]]) -> str:
    missing = ", ".join(f"{line['shortfall']} of {line['productId']}" for line in short)
    return f"not in stock: {missing}" if missing else "not in stock"
