"""PackingInstruction: how many boxes, and which size, for the units that are shipped."""

from typing import Any

# Units that fit, smallest first; more than one carton of the largest makes a pallet of several.
BOXES = (("S", 10), ("M", 50), ("L", 200))


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return packing(event["items"])


def packing(items: list[dict[str, Any]]) -> dict[str, Any]:
    units = sum(item["quantity"] for item in items)
    size, holds = next((box for box in BOXES if units <= box[1]), BOXES[-1])
    return {"box": size, "boxes": -(-units // holds), "units": units, "fragile": False}
