"""End an order without a shipment: outcome and stock in one transaction, then the money, then the word. Safe to repeat."""

from typing import Any

from ordering import keep
from ordering.announce import announce, closed, ending
from ordering.journal import log
from ordering.payment import refund_if_due


def end(db: Any, events: Any, order_id: str, outcome: str, *, reason: str, now: str) -> dict[str, Any]:
    """What became of the order: ``outcome``, or the one that it has already.

    Raises:
        PartnerUnavailable, PartnerRefused: the refund is not sure yet.
        TooManyRaces, NotPublished: nothing is lost; the caller is repeated.
    """
    order = keep.close(db, order_id, outcome, reason, now)
    if order["outcome"] not in keep.SHIPPED:
        refund_if_due(db, order, now)
        announce(db, events, [ending(order, order.get("closedAt", now))])
    log("order ended", orderId=order_id, outcome=order["outcome"], reason=order.get("reason", ""))
    return closed(order)
