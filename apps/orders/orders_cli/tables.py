"""Reading whole tables and many items through the DynamoDB API."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

BATCH_MAX = 100  # BatchGetItem, DynamoDB API Reference


def plain(typed: Mapping[str, Any]) -> Any:
    """A typed value without its type; numbers as ``Decimal``."""
    ((kind, value),) = typed.items()
    match kind:
        case "N":
            return Decimal(value)
        case "M":
            return {name: plain(member) for name, member in value.items()}
        case "L":
            return [plain(member) for member in value]
        case "NULL":
            return None
        case _:
            return value


def items_of(db: Any, table: str) -> Iterator[dict[str, Any]]:
    """Every item of the table, read consistently page by page."""
    request: dict[str, Any] = {"TableName": table, "ConsistentRead": True}
    while True:
        page = db.scan(**request)
        yield from ({name: plain(value) for name, value in item.items()} for item in page["Items"])
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


@dataclass(frozen=True, slots=True)
class Ended:
    outcome: str
    reason: str
    seconds: float


def seconds_of(order: Mapping[str, Any]) -> float:
    if not ("acceptedAt" in order and "closedAt" in order):
        return 0.0
    return (datetime.fromisoformat(order["closedAt"]) - datetime.fromisoformat(order["acceptedAt"])).total_seconds()


def outcomes_of(db: Any, table: str, order_ids: Sequence[str]) -> "dict[str, Ended]":
    """Outcome, reason, and seconds from acceptance to end by the system's own clock, of those of the orders that ended."""
    found = {}
    for start in range(0, len(order_ids), BATCH_MAX):
        wanted: Any = {
            table: {
                "Keys": [{"orderId": {"S": order_id}} for order_id in order_ids[start : start + BATCH_MAX]],
                "ProjectionExpression": "orderId, outcome, reason, acceptedAt, closedAt",
                "ConsistentRead": True,
            }
        }
        while wanted:
            answer = db.batch_get_item(RequestItems=wanted)
            for item in answer["Responses"].get(table, []):
                order = {name: plain(value) for name, value in item.items()}
                if "outcome" in order:
                    found[order["orderId"]] = Ended(order["outcome"], order.get("reason", ""), seconds_of(order))
            wanted = answer.get("UnprocessedKeys")
    return found
