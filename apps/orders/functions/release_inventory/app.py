"""ReleaseInventory: the compensation of ReserveInventory."""

from typing import Any

from ordering import aws
from ordering.journal import log
from ordering.undoing import release

db = aws.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    release(db, event["orderId"])
    log("stock given back", orderId=event["orderId"])
    return {"orderId": event["orderId"], "released": True}
