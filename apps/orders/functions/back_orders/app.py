"""BackOrders, consumer of PartialInventoryQueue: reserve a back-order as soon as its stock is there, then place it as an order.

Two messages come: ``{"orderId": "ORD-…-B"}`` when a part was ordered back, and ``{"productId": "P-…", "received": …}`` when stock came in.
The first starts the back-order's clock (BackOrderWorkflow, one execution by its name); both try to reserve all of it in
one transaction. What is reserved goes through OrderProcessingWorkflow, which finds the reservation and takes payment and ships.
"""

import json
import os
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws, keep
from ordering.announce import BUS, original, publish
from ordering.ending import end
from ordering.envelope import entry
from ordering.journal import log
from ordering.records import each_record, moment_of
from ordering.stock import movement
from ordering.values import Plain, from_item, to_item

db = aws.client("dynamodb")
events = aws.client("events")
sqs = aws.client("sqs")
states = aws.client("stepfunctions")

QUEUE_URL = os.environ.get("PARTIAL_INVENTORY_QUEUE_URL", "")
WORKFLOW = os.environ.get("BACK_ORDER_WORKFLOW_ARN", "")
# How long to wait for the order that this is the rest of: it has its outcome within minutes.
RECHECK_S = 60
WAITING_MAX = 200


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return each_record(event, consume)


def consume(record: dict[str, Any]) -> None:
    body, now = json.loads(record["body"]), moment_of(record)
    if product_id := body.get("productId"):
        stock_came(product_id, now)
    else:
        follow(body["orderId"], now)


def stock_came(product_id: str, now: str) -> None:
    """Try those who wait for the product, as many as one call can; the rest when the message comes again."""
    found = db.get_item(TableName=keep.INVENTORY, Key=to_item({"productId": product_id}), ConsistentRead=True)
    waiting = from_item(found.get("Item") or {}).get("waiting", [])
    for order_id in waiting[:WAITING_MAX]:
        follow(order_id, now)
    if len(waiting) > WAITING_MAX:
        sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=json.dumps({"productId": product_id}), DelaySeconds=RECHECK_S)


def follow(order_id: str, now: str) -> None:
    order = keep.load(db, order_id)
    if not order or order.get("outcome"):
        forget(order, order_id)
        return
    start_clock(order_id)
    parent = keep.load(db, order["parentOrderId"])
    if "outcome" not in parent:
        sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=json.dumps({"orderId": order_id}), DelaySeconds=RECHECK_S)
        return
    if parent["outcome"] not in keep.SHIPPED:
        end(db, events, sqs, order_id, "CANCELLED", reason="back-order: the order itself was not shipped", now=now)
        forget(order, order_id)
        return
    if reserve(order):
        publish(events, [entry("Order Placed", original(order), bus=BUS, now=now, key="back-order")])
        forget(order, order_id)
        log("back-order placed", orderId=order_id)


def start_clock(order_id: str) -> None:
    try:
        states.start_execution(stateMachineArn=WORKFLOW, name=order_id, input=json.dumps({"orderId": order_id}))
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ExecutionAlreadyExists":
            raise


def reserve(order: Plain) -> bool:
    """Whether all of the back-order is reserved now (also when it was before, by a call that did not get further)."""
    values = {"reservation": "RESERVED", "reservedItems": order["items"], "status": "RESERVED"}
    request = keep.changing(order["orderId"], values, missing=("reservation", "cancelRequestedAt", "outcome"))
    try:
        keep.transact(db, [keep.action(request), *movement("reserve", keep.INVENTORY, order["items"])])
    except keep.Refused as refused:
        return refused.items[0].get("reservation") == "RESERVED"
    return True


def forget(order: Plain, order_id: str) -> None:
    for line in order.get("items", ()):
        db.update_item(
            TableName=keep.INVENTORY,
            Key=to_item({"productId": line["productId"]}),
            UpdateExpression="DELETE #waiting :order",
            ExpressionAttributeNames={"#waiting": "waiting"},
            ExpressionAttributeValues={":order": {"SS": [order_id]}},
        )
