"""TrackingUpdate, consumer of TrackingUpdateQueue: carrier and tracking number into the view. Any order of events gives the same view."""

import json
import os
from typing import Any

from ordering import aws
from ordering.envelope import data_of
from ordering.records import each_record
from ordering.values import to_item, to_value

db = aws.client("dynamodb")

VIEW = os.environ.get("VIEW_TABLE", "OrderStatusView")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    data = data_of(json.loads(record["body"]))
    db.update_item(
        TableName=VIEW,
        Key=to_item({"orderId": data["orderId"]}),
        UpdateExpression="SET carrier = :carrier, trackingNumber = :trackingNumber",
        ExpressionAttributeValues={f":{name}": to_value(data[name]) for name in ("carrier", "trackingNumber")},
    )
