"""SelectCarrier: choose who carries the parcel, book it, and take the tracking number.

The choice follows from country and size alone, so that a repeated call books with the same carrier under the same key. A carrier
that refuses (4xx) has not booked, and the next is asked; one that does not answer may have, and is asked again by the workflow.
``void`` takes back whatever was booked.
"""

import os
from typing import Any

from ordering import partner
from ordering.journal import log

CARRIER_URL = os.environ.get("CARRIER_URL", "http://127.0.0.1:4602")

# Who is asked first. Country by country the cheapest that serves it; pallets go by sea.
EUROPE = frozenset("AT BE CH CY CZ DE DK ES FI FR GB GG GR IE IS IT JE LT MT NL NO PL PT SE".split())  # noqa: SIM905  # a literal would be a line for each code
CARRIERS = ("swift", "continental", "harbor")
PALLET_UNITS = 5_000


class NoCarrier(Exception):
    """Every carrier refused the parcel."""


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    if event.get("action") == "void":
        return void(event["order"]["orderId"])
    return book(event["order"], event["packing"])


def ranking(country: str | None, units: int) -> tuple[str, ...]:
    first = "harbor" if units >= PALLET_UNITS else "continental" if country in EUROPE else "swift"
    return (first, *(name for name in CARRIERS if name != first))


def book(order: dict[str, Any], packing: dict[str, Any]) -> dict[str, Any]:
    """The carrier and its tracking number.

    Raises:
        PartnerUnavailable: the carrier that must be asked did not answer.
        NoCarrier: all refused.
    """
    order_id, address = order["orderId"], order.get("shippingAddress") or {}
    parcel = {"key": f"{order_id}-shipment", "orderId": order_id, "country": address.get("country"), **packing}
    for carrier in ranking(address.get("country"), packing["units"]):
        try:
            booked = partner.call("POST", f"{CARRIER_URL}/{carrier}/shipments", parcel)
        except partner.PartnerRefused as refusal:
            log("carrier refused", orderId=order_id, carrier=carrier, reason=str(refusal))
            continue
        return {"carrier": carrier, "trackingNumber": booked["trackingNumber"]}
    raise NoCarrier(order_id)


def void(order_id: str) -> dict[str, Any]:
    """No carrier has a booking of this order any more.

    Raises:
        PartnerUnavailable: one did not answer.
    """
    for carrier in CARRIERS:
        try:
            partner.call("DELETE", f"{CARRIER_URL}/{carrier}/shipments/{order_id}-shipment")
        except partner.PartnerRefused as refusal:
            if refusal.status != 404:
                raise
    return {"voided": True}
