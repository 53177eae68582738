"""HandlePartialInventory: reserve what is there, lower the total to it, and order the rest back.

The rest becomes an order of its own (``<orderId>-B``, state BACKORDERED) in the same transaction: it is placed through the ordinary
workflow when its stock came, and cancelled after 14 days. Until then each product that it waits for remembers it.
"""

import json
import os
from collections.abc import Sequence
from typing import Any

from ordering import aws, keep
from ordering.journal import log
from ordering.stock import Line, judge, movement, payable
from ordering.values import Plain, to_item, to_json

db = aws.client("dynamodb")
sqs = aws.client("sqs")

QUEUE_URL = os.environ.get("PARTIAL_INVENTORY_QUEUE_URL", "")


class InventoryUnavailable(Exception):
    """Others took what was there before this order could."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return reserve_part(event["order"], event["inventory"], event["now"])


def reserve_part(order: dict[str, Any], inventory: dict[str, Any], now: str) -> dict[str, Any]:
    """What was reserved and what it costs.

    Raises:
        InventoryUnavailable: nothing is left to reserve.
        OrderCancelled, OrderClosed: nothing is reserved for such an order.
    """
    stock = {each["productId"]: each["quantity"] for each in inventory["availableItems"]}
    for _ in range(keep.TRIES_MAX):
        judgement = judge(order["items"], stock)
        if judgement.status == "UNAVAILABLE":
            raise InventoryUnavailable(order["orderId"])
        taken, rest = list(judgement.available), list(judgement.back_order)
        try:
            keep.transact(db, transaction(order, taken, rest, now))
        except keep.Refused as refused:
            if refused.codes[0] != "None":
                return answered_before(refused.items[0])
            for each, code, item in zip(taken, refused.codes[2:], refused.items[2:], strict=False):
                stock[each["productId"]] = each["quantity"] if code == "None" else item.get("available", 0)
            continue
        log("part reserved", orderId=order["orderId"], reserved=taken, backOrder=rest)
        return announced(order["orderId"], taken)
    raise keep.TooManyRaces


def transaction(order: dict[str, Any], taken: Sequence[Line], rest: Sequence[Line], now: str) -> list[dict[str, Any]]:
    """The order's item, the back-order's, then one action a product: those taken first, in their order."""
    order_id, child = order["orderId"], back_order_id(order["orderId"])
    values = {
        "reservation": "RESERVED",
        "reservedItems": taken,
        "status": "RESERVED",
        "totalAmount": payable(taken),
        "backOrderId": child,
    }
    request = keep.changing(order_id, values, missing=("reservation", "cancelRequestedAt", "outcome"))
    reserving = movement("reserve", keep.INVENTORY, taken)
    for each in reserving:
        each["Update"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    by_product = {line["productId"]: each["Update"] for line, each in zip(taken, reserving, strict=True)}
    waiting = [
        {"Update": remember(by_product.get(line["productId"]) or untouched(line["productId"]), child)} for line in rest
    ]
    waiting = [each for each in waiting if each["Update"]["Key"]["productId"]["S"] not in by_product]
    put = {"Put": {"TableName": keep.ORDERS, "Item": to_item(back_order(order, rest, now))}}
    return [keep.action(request), put, *reserving, *waiting]


def untouched(product_id: str) -> dict[str, Any]:
    return {"TableName": keep.INVENTORY, "Key": to_item({"productId": product_id}), "UpdateExpression": ""}


def remember(update: dict[str, Any], child: str) -> dict[str, Any]:
    """Let the product remember who waits for it, beside what the update does already."""
    update["UpdateExpression"] = f"{update['UpdateExpression']} ADD #waiting :waiting".strip()
    update.setdefault("ExpressionAttributeNames", {})["#waiting"] = "waiting"
    update.setdefault("ExpressionAttributeValues", {})[":waiting"] = {"SS": [child]}
    return update


def back_order_id(order_id: str) -> str:
    return f"{order_id}-B"


def back_order(order: dict[str, Any], rest: Sequence[Line], now: str) -> Plain:
    names = ("customerId", "currency", "shippingAddress", "paymentMethod")
    return {
        **{name: order[name] for name in names if name in order},
        "orderId": back_order_id(order["orderId"]),
        "parentOrderId": order["orderId"],
        "status": "BACKORDERED",
        "items": list(rest),
        "totalAmount": payable(rest),
        "orderedAmount": payable(rest),
        "backOrderedAt": now,
    }


def answered_before(order: Plain) -> dict[str, Any]:
    if order.get("outcome"):
        raise keep.OrderClosed(order["outcome"])
    if order.get("reservation"):
        return announced(order["orderId"], order["reservedItems"])
    raise keep.OrderCancelled(order["cancelRequestedAt"])


def announced(order_id: str, taken: Sequence[Line]) -> dict[str, Any]:
    """Send the back-order on its way and answer; a repeated call sends it again, which its consumer can take."""
    child = back_order_id(order_id)
    sqs.send_message(QueueUrl=QUEUE_URL, MessageBody=json.dumps({"orderId": child}))
    answer = {
        "statusCode": 200,
        "inventoryStatus": "PARTIAL",
        "reservedItems": list(taken),
        "totalAmount": payable(taken),
        "backOrderId": child,
    }
    plain: dict[str, Any] = to_json(answer)
    return plain
