"""UpdateOrderStatus: project each status change into OrderStatusView.

Events come late, twice and in any order, and the view must come out the same: what happened is one attribute an event type
(``at_<event>``, first value kept), and the status only rises (``rank``).
"""

import json
import os
from typing import Any

from botocore.exceptions import ClientError
from ordering import aws
from ordering.envelope import data_of
from ordering.values import Plain, to_item, to_value

db = aws.client("dynamodb")

VIEW = os.environ.get("VIEW_TABLE", "OrderStatusView")

# What an event makes of the status, and how far that is. An outcome ends it.
STATUS = {
    "Order Created": ("CREATED", 10),
    "Order Validated": ("VALIDATED", 20),
    "Payment Failed": ("PAYMENT_DECLINED", 25),
    "Payment Completed": ("PAID", 30),
}
ENDED = 100
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
)


def handler(event: dict[str, Any], _context: object) -> None:
    for record in event["Records"]:
        project(json.loads(record["Sns"]["Message"]))


def project(event: dict[str, Any]) -> None:
    view, status = projection(event)
    try:
        db.update_item(**writing({**view, **status}, view["orderId"], status["rank"]))
    except ClientError as fault:
        if fault.response["Error"]["Code"] != "ConditionalCheckFailedException":
            raise
        # Something later is there already: only what happened is added.
        db.update_item(**writing(view, view["orderId"], None))


def projection(event: dict[str, Any]) -> tuple[Plain, Plain]:
    """What the event adds to the view, and the status that it claims."""
    data, kind, metadata = data_of(event), event["detail-type"], event["detail"]["metadata"]
    status, rank = STATUS.get(kind) or (data["outcome"], ENDED)
    view = {name: data[name] for name in COPIED if name in data}
    view |= {"orderId": data["orderId"], f"at_{kind.replace(' ', '')}": metadata["timestamp"]}
    return view, {"status": status, "rank": rank, "updatedAt": metadata["timestamp"]}


def writing(values: Plain, order_id: str, rank: int | None) -> dict[str, Any]:
    written = {name: value for name, value in values.items() if name != "orderId"}
    overwritten = {"status", "rank", "updatedAt"}
    sets = [
        f"#{name} = :{name}" if name in overwritten else f"#{name} = if_not_exists(#{name}, :{name})"
        for name in written
    ]
    request: dict[str, Any] = {
        "TableName": VIEW,
        "Key": to_item({"orderId": order_id}),
        "UpdateExpression": "SET " + ", ".join(sets),
        "ExpressionAttributeNames": {f"#{name}": name for name in written},
        "ExpressionAttributeValues": {f":{name}": to_value(value) for name, value in written.items()},
    }
    if rank is not None:
        request["ConditionExpression"] = "attribute_not_exists(#rank) OR #rank < :rank"
    return request
