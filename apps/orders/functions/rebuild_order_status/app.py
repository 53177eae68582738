"""RebuildOrderStatus, called by ``orders rebuild`` and ``orders verify``: fold the events anew and hold the view against them.

One call is one page of the event store. With ``apply`` what differs is written, under the condition that nobody advanced the view
meanwhile; a view that is advanced while we look is looked at again.
"""

from typing import Any

from ordering import aws, history, keep, view
from ordering.values import Plain, from_item, to_item, to_json, to_value

db = aws.client("dynamodb")
SCANNED_MAX = 400


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return page(apply=bool(event.get("apply")), position=event.get("next"))


def page(*, apply: bool, position: Plain | None) -> dict[str, Any]:
    """``orders`` looked at, ``differences`` (order, attribute, what the view says, what the events say), ``written``, ``next``."""
    request: dict[str, Any] = {
        "TableName": history.TABLE,
        "ProjectionExpression": "orderId, #version",
        "FilterExpression": "#version = :first",
        "ExpressionAttributeNames": {"#version": "version"},
        "ExpressionAttributeValues": {":first": to_value(1)},
        "ConsistentRead": True,
        "Limit": SCANNED_MAX,
    }
    if position:
        request["ExclusiveStartKey"] = to_item(position)
    found = db.scan(**request)
    orders = [from_item(item)["orderId"] for item in found["Items"]]
    differences, written = [], 0
    for order_id in orders:
        told, wrote = compare(order_id, apply=apply)
        differences += told
        written += wrote
    body = {"orders": len(orders), "differences": differences, "written": written}
    if "LastEvaluatedKey" in found:
        body["next"] = from_item(found["LastEvaluatedKey"])
    plain: dict[str, Any] = to_json(body)
    return plain


def compare(order_id: str, *, apply: bool) -> tuple[list[Plain], int]:
    """The differences of one order's view, and how many views were written for it."""
    for _ in range(keep.TRIES_MAX):
        shown = view.load(db, order_id)
        # Read after the view, so that the events are at least as new as it.
        events = history.read(db, order_id)
        wanted = view.folded(events)
        if shown == wanted or not apply:
            return differences_of(order_id, shown, wanted), 0
        if view.replace(db, shown, wanted):
            return differences_of(order_id, shown, wanted), 1
    raise keep.TooManyRaces(order_id)


def differences_of(order_id: str, shown: Plain, wanted: Plain) -> list[Plain]:
    names = sorted({*shown, *wanted} - {"orderId"})
    return [
        {"orderId": order_id, "attribute": name, "view": shown.get(name), "events": wanted.get(name)}
        for name in names
        if shown.get(name) != wanted.get(name)
    ]
