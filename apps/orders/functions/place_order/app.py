"""PlaceOrder, ``POST /orders``: take an order at the edge.

Accepted (202) means: the order is written down and its event is on the bus. The same order again gets the same answer; another
order under the same id is refused (409). What is no order at all is refused with every fault (400), and nothing is kept.
"""

from typing import Any

from ordering import aws
from ordering.accepting import IdTaken, accept
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
    try:
        accept(db, events, order, accepted_at)
    except IdTaken:
        return answer(409, {"message": f"Another order has the id {order['orderId']}."})
    return answer(202, {"orderId": order["orderId"], "status": "ACCEPTED"})
