"""GenerateShippingLabel: what is printed on the parcel. The same order always gets the same label."""

import hashlib
from typing import Any

LINES_MAX = 8


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return label(event["order"])


def label(order: dict[str, Any]) -> dict[str, Any]:
    """Label id, bar code and text; the check digits find a misread order id."""
    order_id = order["orderId"]
    check = hashlib.sha256(order_id.encode()).hexdigest()[:4].upper()
    address = order.get("shippingAddress") or {}
    place = " ".join(part for part in (address.get("zipCode"), address.get("city")) if part)
    text = [address.get("name") or order["customerId"], address.get("street"), place, address.get("country")]
    lines = [line for line in text if line][:LINES_MAX]
    return {"labelId": f"LBL-{order_id}", "barcode": f"*{order_id}/{check}*", "text": "\n".join(lines)}
