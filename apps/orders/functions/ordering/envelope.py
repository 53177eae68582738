"""The form of every event inside: ``{"metadata": {...}, "data": {...}}`` in the detail.

An event's id follows from what happened (order and event type, or the caller's own words), not from when it was sent: whoever
publishes again after a crash publishes the same event, and a consumer can tell.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from ordering.schema import check
from ordering.values import to_json

SCHEMA_VERSION = "1.0"
NAMESPACE = UUID("6b0e6d5e-5f0e-4c61-9a3c-1f6f3c1f0a55")


@dataclass(frozen=True, slots=True)
class Kind:
    """One row of the table of events: who says it, in which domain."""

    source: str
    domain: str
    category: str = "domain"


KINDS = {
    "Order Placed": Kind("ecommerce.orders", "orders"),
    "Order Created": Kind("ecommerce.orders", "orders"),
    "Order Validated": Kind("order.validation", "orders"),
    "Order Validation Failed": Kind("order.validation", "orders"),
    "Order Failed": Kind("ecommerce.orders", "orders"),
    "Order Cancelled": Kind("ecommerce.orders", "orders"),
    "Back Order Ended": Kind("ecommerce.orders", "orders", "local"),
    "Payment Completed": Kind("payment.service", "payments"),
    "Payment Failed": Kind("payment.service", "payments"),
    "Shipment Created": Kind("shipping.service", "shipping"),
    "Stock Short": Kind("inventory.service", "inventory"),
    "Stock Received": Kind("inventory.service", "inventory"),
}


def entry(
    kind: str, data: Mapping[str, Any], *, bus: str, now: str, cause: str | None = None, key: str = ""
) -> dict[str, Any]:
    """One entry of PutEvents.

    Args:
        kind: the detail type, a row of ``KINDS``.
        data: checked against the schema of ``kind``.
        bus: name of the event bus.
        now: ISO 8601 time of what happened.
        cause: id of the event that led to this one.
        key: tells two events of one kind and order apart (a charge's key).

    Raises:
        EventInvalid: ``data`` is not what the schema says.
    """
    row = KINDS[kind]
    plain = to_json(data)
    check(kind, SCHEMA_VERSION, plain)
    order_id = plain.get("orderId") or plain.get("productId") or ""
    event_id = str(uuid5(NAMESPACE, f"{kind}/{order_id}/{key}"))
    metadata = {
        "eventId": event_id,
        "schemaVersion": SCHEMA_VERSION,
        "domain": row.domain,
        "type": kind.replace(" ", ""),
        "category": row.category,
        "correlationId": order_id,
        "causationId": cause or event_id,
        "timestamp": now,
    }
    detail = json.dumps({"metadata": metadata, "data": plain}, ensure_ascii=False)
    return {"EventBusName": bus, "Source": row.source, "DetailType": kind, "Detail": detail}


def data_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The data of a delivered event, checked.

    Raises:
        EventInvalid: as for the producer.
    """
    detail = event["detail"]
    check(event["detail-type"], detail["metadata"].get("schemaVersion", SCHEMA_VERSION), detail.get("data"))
    data: dict[str, Any] = detail["data"]
    return data


def expired(event: Mapping[str, Any], now: datetime) -> bool:
    """Whether the event's time to live (seconds, in its metadata) is over; without one it lives for ever."""
    metadata = event["detail"].get("metadata", {})
    lives = metadata.get("timeToLive")
    return lives is not None and datetime.fromisoformat(metadata["timestamp"]) + timedelta(seconds=lives) < now
