"""PlaceOrder, ``POST /orders``: take an order at the edge.

Accepted (202) means: the order is written down and its event is on the bus. The same order again gets the same answer; another
order under the same id is refused (409). What is no order at all is refused with every fault (400), and nothing is kept.
"""

import hashlib
import json
from typing import Any

from ordering import aws, keep
from ordering.announce import BUS, publish
from ordering.envelope import entry
from ordering.journal import log
from ordering.validation import as_known, faults_of_form
from ordering.web import Answer, BadBody, answer, body_of, now_of

db = aws.client("dynamodb")
events = aws.client("events")


def handler(event: dict[str, Any], _context: object) -> Answer:
    try:
        order = body_of(event)
    except BadBody as fault:
        return answer(400, {"message": str(fault)})
    if faults := faults_of_form(order):
        return answer(400, {"message": "The order is not accepted.", "faults": [str(fault) for fault in faults]})
    return place(as_known(order), now_of(event))


def place(order: dict[str, Any], accepted_at: str) -> Answer:
    order_id = order["orderId"]
    values = {
        "status": "PLACED",
        "customerId": order["customerId"],
        "acceptedAt": accepted_at,
        "fingerprint": fingerprint(order),
    }
    first, found = keep.update(db, keep.changing(order_id, values, missing=("acceptedAt", "executionArn")))
    if not first and found.get("fingerprint") != values["fingerprint"]:
        return answer(409, {"message": f"Another order has the id {order_id}."})
    if "executionArn" not in found:
        # A repeated call publishes again: the one before may have ended between the two writes. The workflow runs once.
        publish(events, [entry("Order Placed", order, bus=BUS, now=accepted_at)])
    log("order accepted", orderId=order_id, repeated=not first)
    return answer(202, {"orderId": order_id, "status": "ACCEPTED"})


def fingerprint(order: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(order, sort_keys=True, ensure_ascii=False).encode()).hexdigest()
