"""End an order without a shipment: outcome and stock in one transaction, then the money, then the word. Safe to repeat."""

from typing import Any

from ordering import keep
from ordering.announce import announce, closed, ending
from ordering.journal import log
from ordering.settling import reverse_later


def end(
    db: Any, events: Any, sqs: Any, order_id: str, outcome: str, *, reason: str, now: str
) -> dict[str, Any]:  # three clients
    """What became of the order: ``outcome``, or the one that it has already.

    Money that was taken, or may have been, is given back by ReversePayment: its message is sent before anybody is told.

    Raises:
        TooManyRaces, NotPublished: nothing is lost; the caller is repeated.
    """
    order = keep.close(db, order_id, outcome, reason, now)
    if order["outcome"] not in keep.SHIPPED:
        reverse_later(sqs, order)
        announce(db, events, [ending(order, order.get("closedAt", now))])
    log("order ended", orderId=order_id, outcome=order["outcome"], reason=order.get("reason", ""))
    return closed(order)
