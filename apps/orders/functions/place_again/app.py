"""PlaceAgain, target of FailedOrdersReplayRule: a failed order comes out of the archive and is placed again, under an id of its own.

An order keeps its outcome for ever, so the second try is another order: ``ORD-1-R1``, then ``ORD-1-R2``. The id follows from the
one that failed, so that two replays of one event place one order. A failed back-order is placed again like any other.
"""

import re
from datetime import UTC, datetime
from typing import Any

from ordering import aws
from ordering.accepting import IdTaken, accept
from ordering.envelope import data_of
from ordering.journal import count, log
from ordering.validation import as_known, faults_of_form

db = aws.client("dynamodb")
events = aws.client("events")
TRY = re.compile(r"(?P<first>.*)-R(?P<number>[0-9]+)")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    # A replayed event has the time of its first life; the order is accepted now.
    return again(data_of(event), datetime.now(UTC).isoformat())


def again(failed: dict[str, Any], now: str) -> dict[str, Any]:
    """The id under which the order is placed again, or why it is not."""
    order = {**failed["order"], "orderId": next_id(failed["orderId"])}
    order.pop("parentOrderId", None)
    if faults := faults_of_form(order):
        log("not placed again", orderId=failed["orderId"], faults=[str(fault) for fault in faults])
        return {"orderId": failed["orderId"], "placedAs": None, "faults": [str(fault) for fault in faults]}
    try:
        accept(db, events, as_known(order), now)
    except IdTaken:
        # It was placed again before, when its event was archived with another form.
        log("placed again before", orderId=failed["orderId"], placedAs=order["orderId"])
    count("OrdersPlacedAgain", 1, outcome=failed["outcome"])
    return {"orderId": failed["orderId"], "placedAs": order["orderId"], "faults": []}


def next_id(order_id: str) -> str:
    if found := TRY.fullmatch(order_id):
        return f"{found['first']}-R{int(found['number']) + 1}"
    return f"{order_id}-R1"
