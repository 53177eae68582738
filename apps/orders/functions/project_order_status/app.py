"""ProjectOrderStatus, on the stream of OrderEvents: bring each order's view to its newest event, and tell the change of state.

The stream brings an order's events in their order, at least once. A change is told before the view is written, so that a crash
between tells it again rather than never; who listens (OrderStatusTopic) can take that.
"""

import json
import os
from typing import Any

from ordering import aws, keep, view
from ordering.journal import log
from ordering.values import Plain, from_item, to_json

db = aws.client("dynamodb")
sns = aws.client("sns")
TOPIC = os.environ.get("ORDER_STATUS_TOPIC_ARN", "")
BATCH_MAX = 10  # PublishBatch, SNS API Reference


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """A record that fails, and all after it, come again; the orders before it are done."""
    orders: dict[str, list[Plain]] = {}
    first: dict[str, str] = {}
    for record in event["Records"]:
        if "NewImage" in record["dynamodb"]:
            image = from_item(record["dynamodb"]["NewImage"])
            orders.setdefault(image["orderId"], []).append(image)
            first.setdefault(image["orderId"], record["dynamodb"]["SequenceNumber"])
    for order_id, events in orders.items():
        try:
            project(order_id, events)
        except Exception as fault:  # noqa: BLE001  # the border: from this record on the batch comes again
            log("not projected", orderId=order_id, fault=f"{type(fault).__name__}: {fault}")
            return {"batchItemFailures": [{"itemIdentifier": first[order_id]}]}
    return {"batchItemFailures": []}


def project(order_id: str, events: list[Plain]) -> None:
    for _ in range(keep.TRIES_MAX):
        before = view.load(db, order_id)
        fresh = view.unseen(db, before, order_id, events)
        if not fresh:
            return
        tell(changes(before, fresh))
        if view.advance(db, before, view.folded(fresh, before)):
            return
    raise keep.TooManyRaces(order_id)


def changes(before: Plain, fresh: list[Plain]) -> list[Plain]:
    """What is told of each event: the event, and the state before and after it."""
    told, now = [], before
    for event in fresh:
        then, now = now, view.after(now, event)
        told.append(
            {
                "orderId": event["orderId"],
                "eventId": event["eventId"],
                "version": event["version"],
                "previousStatus": then.get("status"),
                "status": now.get("status"),
                "detail-type": event["kind"],
                "source": event["source"],
                "detail": {"metadata": event["metadata"], "data": event["data"]},
            }
        )
    return told


def tell(messages: list[Plain]) -> None:
    for start in range(0, len(messages), BATCH_MAX):
        entries = [
            {"Id": str(n), "Message": json.dumps(to_json(message), ensure_ascii=False)}
            for n, message in enumerate(messages[start : start + BATCH_MAX])
        ]
        answer = sns.publish_batch(TopicArn=TOPIC, PublishBatchRequestEntries=entries)
        if answer.get("Failed"):
            raise NotTold(str(answer["Failed"]))


class NotTold(Exception):
    """The topic did not take a change; the record comes again."""
