"""CheckInventory: reserve the whole order, or tell what is missing."""

from typing import Any

from ordering import aws, reserving

db = aws.client("dynamodb")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    return check(event["order"])


def check(order: dict[str, Any]) -> dict[str, Any]:
    """The stock's answer to one order, as ``ordering.reserving.check``."""
    return reserving.check(db, order)
