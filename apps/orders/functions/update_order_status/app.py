"""UpdateOrderStatus, subscribed to OrderStatusTopic: when a back-order ends, the order that it is the rest of hears of it.

It writes no view: it appends Back Order Ended to the other order's events, and the projection does the rest.
"""

import json
from typing import Any

from ordering import aws, history, keep
from ordering.announce import BUS
from ordering.envelope import entry
from ordering.journal import log

db = aws.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> None:
    for record in event["Records"]:
        follow(json.loads(record["Sns"]["Message"]))


def follow(change: dict[str, Any]) -> None:
    if change["status"] not in keep.OUTCOMES or change["detail-type"] == "Back Order Ended":
        return
    order = keep.load(db, change["orderId"])
    if parent := order.get("parentOrderId"):
        data = {"orderId": parent, "backOrderId": change["orderId"], "backOrderStatus": change["status"]}
        now = change["detail"]["metadata"]["timestamp"]
        history.append(db, [entry("Back Order Ended", data, bus=BUS, now=now, key=change["orderId"])])
        log("back-order ended", orderId=parent, backOrderId=change["orderId"], status=change["status"])
