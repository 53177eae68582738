"""Amounts: decimal arithmetic, cents by half-even, no float anywhere between."""

from collections.abc import Iterable, Mapping
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Any

CENT = Decimal("0.01")
# An order's total may differ from the sum of its items by this much (order-system, "Validation").
TOLERANCE = Decimal("0.01")


def decimal_of(value: Any) -> Decimal | None:
    """The number that JSON wrote, exactly; None for what is no finite number (text, booleans, NaN)."""
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        return None
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def cents(amount: Decimal) -> Decimal:
    return amount.quantize(CENT, rounding=ROUND_HALF_EVEN)


def value_of(lines: Iterable[Mapping[str, Any]]) -> Decimal:
    """Price times quantity over all lines, before rounding: prices have up to four decimals."""
    return sum((Decimal(str(line["price"])) * int(line["quantity"]) for line in lines), Decimal(0))
