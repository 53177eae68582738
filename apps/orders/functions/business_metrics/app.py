"""BusinessMetrics, consumer of analytics-queue: orders, outcomes, revenue and time to shipment, from status changes.

A change may be told twice after a crash: these are figures for a dashboard, not accounts. The accounts are the event store.
"""

import json
from typing import Any

from ordering.envelope import data_of
from ordering.journal import count
from ordering.records import each_record


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    event = json.loads(record["body"])
    data = data_of(event)
    count("OrderEvents", 1, type=event["detail"]["metadata"]["type"])
    if event["detail-type"] == "Order Created":
        count("OrdersCreated", 1, paymentMethod=data.get("paymentMethod", "card"))
        count("UnitsOrdered", sum(line["quantity"] for line in data["items"]))
    if "outcome" in data:
        count("OrdersEnded", 1, outcome=data["outcome"])
    if "secondsToShipment" in data:
        count("SecondsUntilShipment", data["secondsToShipment"], outcome=data["outcome"])
    if event["detail-type"] == "Payment Completed":
        count("Revenue", data["amount"], currency=data["currency"])
