"""BusinessMetrics, consumer of analytics-queue: orders and revenue, from status changes."""

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
    if event["detail-type"] == "Payment Completed":
        count("Revenue", data["amount"], currency=data["currency"])
