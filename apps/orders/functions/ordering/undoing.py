"""Compensations of the saga: stock and money go back. Each is safe to repeat, and safe when its step never ran or runs later."""

from typing import Any

from ordering import circuit, keep
from ordering.payment import give_back
from ordering.stock import movement
from ordering.values import Plain


def release(db: Any, order_id: str) -> None:
    """Give what the order holds of the stock back. A reservation that comes later finds that it is too late.

    Raises:
        OrderClosed: the order was shipped.
        TooManyRaces: the order changed under each try; the caller is repeated.
    """
    for _ in range(keep.TRIES_MAX):
        order = keep.load(db, order_id)
        held = order.get("reservation")
        if held == "RELEASED":
            return
        if held == "SHIPPED":
            raise keep.OrderClosed(order.get("outcome", held))
        request = keep.changing(order_id, {"reservation": "RELEASED"}, same={"reservation": held})
        lines = order["reservedItems"] if held else ()
        try:
            keep.transact(db, [keep.action(request), *movement("release", keep.INVENTORY, lines)])
        except keep.Refused:
            continue
        return
    raise keep.TooManyRaces


def refund(db: Any, states: Any, order_id: str, now: str) -> Plain:
    """Give the order's money back, where it came. Money that comes later goes back when the order has its outcome.

    Raises:
        OrderClosed: the order is being shipped.
        PartnerRefused, PartnerUnavailable: nobody knows yet; the caller is repeated, and whoever ends the order does it again.
    """
    order = keep.load(db, order_id)
    if order.get("shipmentClaim"):
        raise keep.OrderClosed(order.get("outcome", "SHIPPED"))
    if not order.get("capturedAt") or order.get("refundedAt"):
        return order
    return circuit.through(db, states, circuit.PAYMENT, lambda: give_back(db, order, now))
