"""The event store: what happened to an order, in the order in which it was written down. It is the truth of an order's way.

One item of OrderEvents is one event, under its order and a version that begins at 1 and has no gaps. Whoever appends reads the
newest version and writes the next one under the condition that nobody else did; who loses reads again. An event's id follows from
what happened, so that a repeated append finds its event there and adds nothing.
"""

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ordering import keep
from ordering.values import Plain, from_item, to_item, to_value

TABLE = os.environ.get("ORDER_EVENTS_TABLE", "OrderEvents")
# What is kept: each change of an order's state. Order Placed is a wish until ValidateOrder takes it.
KEPT = frozenset(
    {
        "Order Created",
        "Order Validated",
        "Order Validation Failed",
        "Order Failed",
        "Order Cancelled",
        "Payment Completed",
        "Payment Failed",
        "Shipment Created",
        "Back Order Ended",
    }
)
# Versions have no gaps: where the first one is free there is nothing, and nothing is read.
FIRST = "Order Created"


def append(db: Any, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write down entries of PutEvents, all of one order, in one transaction; those that are there already stay as they are.

    Raises:
        TooManyRaces: others appended each time.
    """
    wanted = [event_of(entry) for entry in entries if entry["DetailType"] in KEPT]
    if not wanted:
        return
    order_id = wanted[0]["orderId"]
    if wanted[0]["kind"] == FIRST and written(db, numbered(wanted, after=0)):
        return
    for _ in range(keep.TRIES_MAX):
        there = read(db, order_id)
        known = {event["eventId"] for event in there}
        missing = [event for event in wanted if event["eventId"] not in known]
        last = there[-1]["version"] if there else 0
        if not missing or written(db, numbered(missing, after=last)):
            return
    raise keep.TooManyRaces


def numbered(events: Sequence[Plain], after: int) -> list[Plain]:
    return [{**event, "version": after + 1 + n} for n, event in enumerate(events)]


def event_of(entry: Mapping[str, Any]) -> Plain:
    """An entry of PutEvents as an item of the store, but for its version."""
    detail = json.loads(entry["Detail"])
    metadata, data = detail["metadata"], detail["data"]
    return {
        "orderId": data["orderId"],
        "eventId": metadata["eventId"],
        "kind": entry["DetailType"],
        "source": entry["Source"],
        "at": metadata["timestamp"],
        "metadata": metadata,
        "data": data,
    }


def written(db: Any, events: Sequence[Plain]) -> bool:
    """Whether all of them were written; False when somebody else took a version."""
    puts = [
        {
            "TableName": TABLE,
            "Item": to_item(event),
            "ConditionExpression": "attribute_not_exists(#version)",
            "ExpressionAttributeNames": {"#version": "version"},
        }
        for event in events
    ]
    try:
        if len(puts) == 1:  # A transaction of one costs twice.
            db.put_item(**puts[0])
        else:
            keep.transact(db, [{"Put": put} for put in puts])
    except keep.Refused:
        return False
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True


def read(db: Any, order_id: str, after: int = 0) -> list[Plain]:
    """The order's events with a version above ``after``, oldest first."""
    request: dict[str, Any] = {
        "TableName": TABLE,
        "KeyConditionExpression": "orderId = :order AND #version > :after",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":order": to_value(order_id), ":after": to_value(after)},
        "ConsistentRead": True,
    }
    found: list[Plain] = []
    while True:
        page = db.query(**request)
        found += [from_item(item) for item in page["Items"]]
        if "LastEvaluatedKey" not in page:
            return found
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
