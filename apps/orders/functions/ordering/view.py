"""OrderStatusView, folded from an order's events: pure but for ``load``, ``advance`` and ``replace``.

The same events give the same view, however often they come: a view has the version of the last event that it contains. What
happened is one attribute an event type (``at_<event>``, first value kept), and the status only rises (``rank``), because a late
notice of a declined charge does not unship an order.
"""

import os
from collections.abc import Iterable, Sequence
from typing import Any

from botocore.exceptions import ClientError

from ordering import history
from ordering.values import Plain, from_item, to_item, to_value

TABLE = os.environ.get("VIEW_TABLE", "OrderStatusView")
# What an event makes of the status, and how far that is. An outcome ends it; what is in no row says no status.
STATUS = {
    "Order Created": ("CREATED", 10),
    "Order Validated": ("VALIDATED", 20),
    "Payment Failed": ("PAYMENT_DECLINED", 25),
    "Payment Completed": ("PAID", 30),
}
ENDED = 100
ENDING = frozenset({"Shipment Created", "Order Validation Failed", "Order Failed", "Order Cancelled"})
COPIED = (
    "customerId",
    "totalAmount",
    "currency",
    "placedAt",
    "paymentMethod",
    "items",
    "reason",
    "carrier",
    "trackingNumber",
    "secondsToShipment",
    "backOrderId",
    "backOrderStatus",
)


def after(view: Plain, event: Plain) -> Plain:
    """The view with one more event; events that it contains already change nothing."""
    if event["version"] <= view.get("version", 0):
        return view
    data, kind = event["data"], event["kind"]
    folded = {"orderId": event["orderId"], **view, "version": event["version"]}
    for name in COPIED:
        if name in data:
            folded.setdefault(name, data[name])
    folded.setdefault(f"at_{kind.replace(' ', '')}", event["at"])
    claim = (data["outcome"], ENDED) if kind in ENDING else STATUS.get(kind)
    if claim and claim[1] > folded.get("rank", 0):
        folded |= {"status": claim[0], "rank": claim[1], "updatedAt": event["at"]}
    return folded


def folded(events: Iterable[Plain], view: Plain | None = None) -> Plain:
    view = view or {}
    for event in events:
        view = after(view, event)
    return view


def load(db: Any, order_id: str) -> Plain:
    found = db.get_item(TableName=TABLE, Key=to_item({"orderId": order_id}), ConsistentRead=True)
    return from_item(found.get("Item") or {})


def unseen(db: Any, view: Plain, order_id: str, events: Sequence[Plain]) -> list[Plain]:
    """Those events that the view does not contain; read from the store when some are missing between."""
    version = view.get("version", 0)
    fresh = [event for event in events if event["version"] > version]
    if fresh and [event["version"] for event in fresh] != list(range(version + 1, version + 1 + len(fresh))):
        return history.read(db, order_id, after=version)
    return fresh


def advance(db: Any, before: Plain, now: Plain) -> bool:
    """Write what changed from ``before`` to ``now``; False when somebody else advanced the view meanwhile."""
    changed = {name: value for name, value in now.items() if name != "orderId" and before.get(name) != value}
    request: dict[str, Any] = {
        "TableName": TABLE,
        "Key": to_item({"orderId": now["orderId"]}),
        "UpdateExpression": "SET " + ", ".join(f"#{name} = :{name}" for name in changed),
        "ExpressionAttributeNames": {f"#{name}": name for name in changed},
        "ExpressionAttributeValues": {f":{name}": to_value(value) for name, value in changed.items()},
        **_as_read(before),
    }
    request["ExpressionAttributeValues"] |= request.pop("Values")
    return _held(db.update_item, request)


def replace(db: Any, before: Plain, now: Plain) -> bool:
    """Put ``now`` in the place of ``before``, whatever else it held; False when somebody else advanced the view meanwhile."""
    request: dict[str, Any] = {"TableName": TABLE, "Item": to_item(now), **_as_read(before)}
    if values := request.pop("Values"):
        request["ExpressionAttributeValues"] = values
    request["ExpressionAttributeNames"] = {"#version": "version"}
    return _held(db.put_item, request)


def _as_read(before: Plain) -> dict[str, Any]:
    if "version" not in before:
        return {"ConditionExpression": "attribute_not_exists(#version)", "Values": {}}
    return {"ConditionExpression": "#version = :read", "Values": {":read": to_value(before["version"])}}


def _held(write: Any, request: dict[str, Any]) -> bool:
    try:
        write(**request)
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        return False
    return True
