"""GetOrderStatus, ``GET /orders/{orderId}`` and ``GET /orders?customerId=&status=``: from the view.

An order that was just accepted may not be in the view yet; then its own item answers, so that 202 is never followed by 404.
"""

import base64
import json
import os
from typing import Any

from ordering import aws, keep
from ordering.values import Plain, from_item, to_item, to_value
from ordering.web import Answer, answer

db = aws.client("dynamodb")

VIEW = os.environ.get("VIEW_TABLE", "OrderStatusView")
PAGE = 50


def handler(event: dict[str, Any], _context: object) -> Answer:
    if order_id := (event.get("pathParameters") or {}).get("orderId"):
        return show(order_id)
    query = event.get("queryStringParameters") or {}
    return find(query.get("customerId"), query.get("status"), query.get("next"))


def show(order_id: str) -> Answer:
    found = db.get_item(TableName=VIEW, Key=to_item({"orderId": order_id})).get("Item")
    if found:
        return answer(200, presented(from_item(found)))
    if order := keep.load(db, order_id):
        return answer(
            200, {name: order[name] for name in ("orderId", "customerId", "status", "acceptedAt") if name in order}
        )
    return answer(404, {"message": f"There is no order {order_id}."})


def find(customer_id: str | None, status: str | None, position: str | None) -> Answer:
    """One page of orders, newest first, with the word to ask for the ``next``."""
    if not customer_id and not status:
        return answer(400, {"message": "Name a customerId, a status, or both."})
    index, key, value = ("byCustomer", "customerId", customer_id) if customer_id else ("byStatus", "status", status)
    request: dict[str, Any] = {
        "TableName": VIEW,
        "IndexName": index,
        "KeyConditionExpression": "#key = :key",
        "ExpressionAttributeNames": {"#key": key},
        "ExpressionAttributeValues": {":key": to_value(value)},
        "ScanIndexForward": False,
        "Limit": PAGE,
    }
    if customer_id and status:
        request["FilterExpression"] = "#status = :status"
        request["ExpressionAttributeNames"]["#status"] = "status"
        request["ExpressionAttributeValues"][":status"] = to_value(status)
    if position:
        try:
            request["ExclusiveStartKey"] = json.loads(base64.urlsafe_b64decode(position))
        except ValueError:
            return answer(400, {"message": "The parameter next is not one that was given out."})
    page = db.query(**request)
    following = page.get("LastEvaluatedKey")
    body: dict[str, Any] = {"orders": [presented(from_item(item)) for item in page["Items"]]}
    if following:
        body["next"] = base64.urlsafe_b64encode(json.dumps(following).encode()).decode()
    return answer(200, body)


# Events of the same instant, in the order in which they follow from each other.
SEQUENCE = ("OrderCreated", "OrderValidated", "PaymentFailed", "PaymentCompleted")


def when(moment: tuple[str, str]) -> tuple[str, int]:
    name, at = moment
    return at, SEQUENCE.index(name) if name in SEQUENCE else len(SEQUENCE)


def presented(view: Plain) -> Plain:
    """The view's item with its ``at_<event>`` attributes as one timeline, oldest first."""
    moments = {name.removeprefix("at_"): value for name, value in view.items() if name.startswith("at_")}
    timeline = [{"event": name, "at": at} for name, at in sorted(moments.items(), key=when)]
    hidden = {"rank", "version"}
    shown = {name: value for name, value in view.items() if not name.startswith("at_") and name not in hidden}
    return {**shown, "timeline": timeline}
