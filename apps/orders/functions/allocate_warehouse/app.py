"""AllocateWarehouse: the house nearest to the address packs the order."""

from typing import Any

from ordering.places import warehouse_for


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    country = (event["order"].get("shippingAddress") or {}).get("country")
    return {"warehouse": warehouse_for(country)}
