"""What a model demands of a value beyond its type, in AWS's words.

Source: the messages of AWS's JSON services, e.g. "1 validation error detected: Value '...' at 'name' failed to satisfy
constraint: Member must have length less than or equal to 80".
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from interstate.wire.model import Shape
from interstate.wire.patterns import compiled

_SIZED = ("string", "character", "blob", "list", "map")
# Longer texts are not matched, so that no pattern can hold up the loop; the service's own limits refuse them.
_MATCHED_MAX = 65_536

_OWN_ORDERS = (("SUCCEEDED", "TIMED_OUT", "PENDING_REDRIVE", "ABORTED", "FAILED", "RUNNING"),)
"""Enums that messages do not list in the model's order. Source: answers recorded from Step Functions (ListExecutions)."""
_TOLD_AS = {frozenset(names): names for names in _OWN_ORDERS}


class Constraint(NamedTuple):
    """A demand and its wording."""

    holds: Callable[[Any], bool]
    text: str


def constraints_of(shape: Shape, *, enums: bool = True) -> Sequence[Constraint]:
    """The demands of a shape, in the order in which AWS checks them."""
    found = _bounds(shape)
    if shape.pattern and shape.kind == "string" and (pattern := compiled(shape.pattern)):
        fullmatch = pattern.fullmatch
        found.append(
            Constraint(
                lambda value: len(value) > _MATCHED_MAX or fullmatch(value) is not None,
                f"Member must satisfy regular expression pattern: {shape.pattern}",
            )
        )
    if shape.enum and enums:
        names = frozenset(shape.enum)
        told = ", ".join(_TOLD_AS.get(names, shape.enum))
        found.append(Constraint(names.__contains__, f"Member must satisfy enum value set: [{told}]"))
    return found


def _bounds(shape: Shape) -> list[Constraint]:
    if shape.kind in _SIZED:
        return _lengths(shape.low, shape.high)
    found: list[Constraint] = []
    told = float if shape.kind in ("double", "float") else _plain  # Java writes 1.0 for a double.
    if (high := shape.high) is not None:
        found.append(Constraint(high.__ge__, f"Member must have value less than or equal to {told(high)}"))
    if (low := shape.low) is not None:
        found.append(Constraint(low.__le__, f"Member must have value greater than or equal to {told(low)}"))
    return found


def _lengths(low: float | None, high: float | None) -> list[Constraint]:
    found: list[Constraint] = []
    if high is not None:
        longest = high
        found.append(
            Constraint(
                lambda value: len(value) <= longest, f"Member must have length less than or equal to {_plain(high)}"
            )
        )
    if low:
        shortest = low
        found.append(
            Constraint(
                lambda value: len(value) >= shortest, f"Member must have length greater than or equal to {_plain(low)}"
            )
        )
    return found


def grouped(prefix: str, constraints: Sequence[Constraint]) -> str:
    """The demands on the parts of a list or map as one text: ``Member must satisfy constraint: [a, b]``."""
    return f"{prefix}: [{', '.join(constraint.text for constraint in constraints)}]"


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() else str(number)
