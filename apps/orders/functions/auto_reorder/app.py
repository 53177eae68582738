"""AutoReorder, subscribed to InventoryAlertTopic: note on each product how much was asked for in vain, once for each order.

It orders nothing by itself: ``toReorder`` on the product is what a buyer sees.
"""

import json
import os
from typing import Any

from ordering import aws, keep
from ordering.journal import log
from ordering.values import to_item, to_value

db = aws.client("dynamodb")

IDEMPOTENCY = os.environ.get("IDEMPOTENCY_TABLE", "Idempotency")


def handler(event: dict[str, Any], _context: object) -> None:
    for record in event["Records"]:
        note(json.loads(record["Sns"]["Message"]))


def note(alert: dict[str, Any]) -> None:
    try:
        keep.transact(db, noting(alert))
    except keep.Refused:
        return
    log("to reorder", orderId=alert["orderId"], lines=alert["unavailableItems"])


def noting(alert: dict[str, Any]) -> list[dict[str, Any]]:
    """The order's key, which refuses the transaction when it was noted before, and one addition a product."""
    key = {"id": f"reorder#{alert['orderId']}", "notedAt": alert["now"]}
    put = {"TableName": IDEMPOTENCY, "Item": to_item(key), "ConditionExpression": "attribute_not_exists(id)"}
    return [{"Put": put}, *({"Update": addition(line)} for line in alert["unavailableItems"])]


def addition(line: dict[str, Any]) -> dict[str, Any]:
    return {
        "TableName": keep.INVENTORY,
        "Key": to_item({"productId": line["productId"]}),
        "UpdateExpression": "ADD toReorder :shortfall",
        "ExpressionAttributeValues": {":shortfall": to_value(line["shortfall"])},
    }
