"""Publish events, and word those that end an order."""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from ordering import history
from ordering.envelope import entry
from ordering.values import Plain

# Each context speaks on its own bus; what others may hear crosses by the gatekeeper's rules.
BUS = os.environ.get("ORDERS_BUS", "orders")
PAYMENTS_BUS = os.environ.get("PAYMENTS_BUS", "payments")
SHIPPING_BUS = os.environ.get("SHIPPING_BUS", "shipping")


class NotPublished(Exception):
    """The bus did not take an event; the caller is repeated, and the event keeps its id."""


def publish(events: Any, entries: Sequence[Mapping[str, Any]]) -> None:
    answer = events.put_events(Entries=entries)
    if answer["FailedEntryCount"]:
        raise NotPublished(str([each for each in answer["Entries"] if "ErrorCode" in each]))


def announce(db: Any, events: Any, entries: Sequence[Mapping[str, Any]]) -> None:
    """Write entries of one order into the event store, then publish them; safe to repeat.

    Raises:
        TooManyRaces, NotPublished: the caller is repeated.
    """
    history.append(db, entries)
    publish(events, entries)


def original(order: Plain) -> Plain:
    """The order as it was placed, from its item."""
    names = ("orderId", "customerId", "items", "currency", "shippingAddress", "paymentMethod", "parentOrderId")
    plain = {name: order[name] for name in names if name in order}
    if "orderedAmount" in order:
        plain["totalAmount"] = order["orderedAmount"]
    return plain


def ending(order: Plain, now: str) -> dict[str, Any]:
    """The one event that tells how an order ended without a shipment."""
    kind = {"CANCELLED": "Order Cancelled", "REJECTED": "Order Validation Failed"}.get(order["outcome"], "Order Failed")
    data = {
        "orderId": order["orderId"],
        "customerId": order.get("customerId") or "UNKNOWN",
        "outcome": order["outcome"],
        "reason": order.get("reason", ""),
        "order": original(order),
    }
    return entry(kind, data, bus=BUS, now=now)


def closed(order: Plain) -> dict[str, Any]:
    """A closing handler's answer; the same when it is called again."""
    return {
        "orderId": order["orderId"],
        "outcome": order["outcome"],
        "reason": order.get("reason", ""),
        "customerId": order.get("customerId") or "UNKNOWN",
    }
