"""CompleteShipment: the last step of whatever ships. Stock leaves, the order gets its outcome, the world hears of it."""

from datetime import datetime
from typing import Any

from ordering import aws, keep
from ordering.announce import SHIPPING_BUS, announce
from ordering.envelope import entry
from ordering.journal import count, log
from ordering.stock import movement
from ordering.values import Plain, to_json

db = aws.client("dynamodb")
events = aws.client("events")

# An accepted order is on its way within this time.
SHIPMENT_S_MAX = 30 * 60


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return complete(event["order"], event["reservation"], event["shipment"], event["now"])


def complete(order: dict[str, Any], reservation: dict[str, Any], shipment: dict[str, Any], now: str) -> dict[str, Any]:
    """The order's outcome, SHIPPED or PARTIALLY_SHIPPED; a repeated call answers the same and tells the same event.

    Args:
        order: of it id, customer and country.
        reservation: ``reservedItems``, and ``backOrderId`` when a part was ordered back.
        shipment: ``claimant`` (the execution that holds the shipment claim), ``shippedBy``, ``carrier``, ``trackingNumber``,
            ``acceptedAt``.
        now: when the step began.

    Raises:
        OrderClosed: the order has another outcome, or somebody else holds the claim.
    """
    order_id = order["orderId"]
    values = {
        "reservation": "SHIPPED",
        "carrier": shipment["carrier"],
        "trackingNumber": shipment["trackingNumber"],
        "shippedBy": shipment["shippedBy"],
        "closedAt": now,
        "secondsToShipment": seconds_between(shipment["acceptedAt"], now),
    }
    outcome = "PARTIALLY_SHIPPED" if reservation.get("backOrderId") else "SHIPPED"
    values |= {"outcome": outcome, "status": outcome}
    same = {"shipmentClaim": shipment["claimant"], "reservation": "RESERVED"}
    request = keep.changing(order_id, values, missing=("outcome",), same=same)
    try:
        keep.transact(db, [keep.action(request), *movement("ship", keep.INVENTORY, reservation["reservedItems"])])
    except keep.Refused as refused:
        found = refused.items[0]
        if found.get("outcome") not in keep.SHIPPED or found.get("shipmentClaim") != shipment["claimant"]:
            raise keep.OrderClosed(str(found.get("outcome", refused))) from refused
        values |= {name: found[name] for name in values if name in found}
    announce(db, events, [entry("Shipment Created", created(order, values), bus=SHIPPING_BUS, now=values["closedAt"])])
    measure(order_id, values)
    answer = {"orderId": order_id, "outcome": values["outcome"], "trackingNumber": values["trackingNumber"]}
    plain: dict[str, Any] = to_json(answer)
    return plain


def measure(order_id: str, values: Plain) -> None:
    """The log line and the metrics of one shipment; a breach of the promised time is a metric of its own, for its alarm."""
    seconds = values["secondsToShipment"]
    told = {name: values[name] for name in ("outcome", "trackingNumber", "secondsToShipment")}
    log("order shipped", orderId=order_id, late=seconds > SHIPMENT_S_MAX, **told)
    count("SecondsToShipment", float(seconds), shippedBy=values["shippedBy"])
    if seconds > SHIPMENT_S_MAX:
        count("LateShipments", 1, shippedBy=values["shippedBy"])


def seconds_between(start: str, end: str) -> float:
    return max(0.0, round((datetime.fromisoformat(end) - datetime.fromisoformat(start)).total_seconds(), 3))


def created(order: dict[str, Any], values: Plain) -> Plain:
    names = ("carrier", "trackingNumber", "outcome", "shippedBy", "secondsToShipment")
    data = {"orderId": order["orderId"], "customerId": order["customerId"], **{name: values[name] for name in names}}
    if country := (order.get("shippingAddress") or {}).get("country"):
        data["country"] = country
    return data
