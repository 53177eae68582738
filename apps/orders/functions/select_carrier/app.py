"""SelectCarrier: choose who carries the parcel, book it, and take the tracking number.

Country and size say who is asked first. A carrier that refuses (4xx) has not booked, and the next is asked; so is the next where the
circuit of one is open, since nobody asked it. One that does not answer may have booked: who is asked is written on the order before, and a
repeated call begins with that one, under the same key, so that no second carrier is asked while the first may have the parcel.
``void`` takes back whatever was booked.
"""

import os
from functools import partial
from typing import Any

from ordering import aws, circuit, keep, partner
from ordering.journal import log

db = aws.client("dynamodb")
states = aws.client("stepfunctions")

CARRIER_URL = os.environ.get("CARRIER_URL", "http://127.0.0.1:4602")

# Who is asked first. Country by country the cheapest that serves it; pallets go by sea.
EUROPE = frozenset("AT BE CH CY CZ DE DK ES FI FR GB GG GR IE IS IT JE LT MT NL NO PL PT SE".split())  # noqa: SIM905  # a literal would be a line for each code
CARRIERS = tuple(each.name for each in circuit.CARRIERS)
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
        CircuitOpen: that one is left alone for now, or all are that did not refuse.
        NoCarrier: all refused.
    """
    order_id, address = order["orderId"], order.get("shippingAddress") or {}
    parcel = {"key": f"{order_id}-shipment", "orderId": order_id, "country": address.get("country"), **packing}
    begun = keep.load(db, order_id).get("carrierAsked")
    left_alone = None
    for carrier in sorted(ranking(address.get("country"), packing["units"]), key=lambda name: name != begun):
        try:
            booked = circuit.through(db, states, circuit.CIRCUITS[carrier], partial(ask, carrier, parcel))
        except partner.PartnerRefused as refusal:
            log("carrier refused", orderId=order_id, carrier=carrier, reason=str(refusal))
        except circuit.CircuitOpen as unasked:
            if carrier == begun:
                raise
            left_alone = unasked
            log("carrier left alone", orderId=order_id, carrier=carrier)
        else:
            return {"carrier": carrier, "trackingNumber": booked["trackingNumber"]}
    raise left_alone or NoCarrier(order_id)


def ask(carrier: str, parcel: dict[str, Any]) -> dict[str, Any]:
    """The carrier's booking; from the moment before it is asked, it may have one."""
    keep.update(db, keep.changing(parcel["orderId"], {"carrierAsked": carrier}))
    return partner.call("POST", f"{CARRIER_URL}/{carrier}/shipments", parcel)


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
