"""Reserve a whole order in one transaction, or tell what is missing.

The transaction is tried first and judged afterwards: nine of ten orders need this one call, and a refusal brings the counters that
it found, so that a reservation that lost a race is judged on what the winner left.
"""

from typing import Any

from ordering import keep
from ordering.journal import log
from ordering.stock import Judgement, judge, line, movement, payable
from ordering.values import Plain, to_json


def check(db: Any, order: dict[str, Any]) -> dict[str, Any]:
    """The stock's answer: ``inventoryStatus`` AVAILABLE (then it is reserved), PARTIAL or UNAVAILABLE.

    Raises:
        OrderCancelled, OrderClosed: nothing is reserved for such an order.
    """
    lines = [line(item, item["quantity"]) for item in order["items"]]
    values = {"reservation": "RESERVED", "reservedItems": lines, "status": "RESERVED"}
    request = keep.changing(order["orderId"], values, missing=("reservation", "cancelRequestedAt", "outcome"))
    reserving = movement("reserve", keep.INVENTORY, lines)
    for each in reserving:
        each["Update"]["ReturnValuesOnConditionCheckFailure"] = "ALL_OLD"
    try:
        keep.transact(db, [keep.action(request), *reserving])
    except keep.Refused as refused:
        if refused.codes[0] != "None":
            return answered_before(refused.items[0])
        judgement = judge(lines, found(lines, refused))
        log("stock short", orderId=order["orderId"], status=judgement.status, unavailable=judgement.unavailable)
        return answer(judgement, payable(judgement.available))
    return reserved(lines, order["totalAmount"])


def found(lines: list[Plain], refused: keep.Refused) -> dict[str, int]:
    """Available units by product, from a refused transaction: enough where nothing was refused, else what it found."""
    stock = {}
    for each, code, item in zip(lines, refused.codes[1:], refused.items[1:], strict=True):
        stock[each["productId"]] = each["quantity"] if code == "None" else item.get("available", 0)
    return stock


def answered_before(order: Plain) -> dict[str, Any]:
    if order.get("outcome"):
        raise keep.OrderClosed(order["outcome"])
    if order.get("cancelRequestedAt"):
        raise keep.OrderCancelled(order["cancelRequestedAt"])
    if order.get("reservation") == "RELEASED":
        raise keep.OrderClosed("its stock was given back")
    return reserved(order["reservedItems"], order["totalAmount"])


def reserved(lines: list[Plain], total: Any) -> dict[str, Any]:
    return answer(judge(lines, {each["productId"]: each["quantity"] for each in lines}), total)


def answer(judgement: Judgement, total: Any) -> dict[str, Any]:
    body = {
        "statusCode": 200 if judgement.status == "AVAILABLE" else 400,
        "inventoryStatus": judgement.status,
        "reservedItems": judgement.available if judgement.status == "AVAILABLE" else (),
        "availableItems": () if judgement.status == "AVAILABLE" else judgement.available,
        "unavailableItems": judgement.unavailable,
        "totalAmount": total,
    }
    plain: dict[str, Any] = to_json(body)
    return plain
