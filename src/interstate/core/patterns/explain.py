"""Why an event matches a pattern, or does not: field by field.

The verdict is the matcher's own; the rest says what each field wanted and found. When every field of an alternative passes
and the whole does not, the values stand in different elements of an array.
"""

from collections.abc import Mapping
from typing import Any, assert_never

import msgspec

from interstate.base.json import dumps
from interstate.core.patterns.flatten import Flat, flatten
from interstate.core.patterns.leaf import scalar_of
from interstate.core.patterns.match import alternative_holds
from interstate.core.patterns.operators import (
    AnythingBut,
    AnythingButMatching,
    Cidr,
    EqualsIgnoreCase,
    Exists,
    Numeric,
    Operator,
    Prefix,
    PrefixIgnoreCase,
    Suffix,
    SuffixIgnoreCase,
    Wildcard,
)
from interstate.core.patterns.pattern import Alternative, Field, Pattern

_FOUND_SHOWN_MAX = 20
"""Values of one path that an explanation shows."""


class FieldReport(msgspec.Struct, frozen=True):
    """What a field wanted and what the event has; no values found means that the path does not exist."""

    path: str
    passes: bool
    wanted: list[str]
    found: list[Any]


class AlternativeReport(msgspec.Struct, frozen=True):
    """One alternative. ``scattered``: all fields pass, but not in the same elements of an array."""

    matches: bool
    scattered: bool
    fields: list[FieldReport]


class Explanation(msgspec.Struct, frozen=True):
    """The verdict, and each alternative of ``$or`` (one when there is none)."""

    matches: bool
    alternatives: list[AlternativeReport]


def explain(pattern: Pattern, event: Mapping[str, Any]) -> Explanation:
    """Why ``event`` matches ``pattern``, or does not."""
    flat = flatten(event, pattern.paths)
    reports = [_alternative(alternative, flat) for alternative in pattern.alternatives]
    return Explanation(any(report.matches for report in reports), reports)


def _alternative(alternative: Alternative, flat: Flat) -> AlternativeReport:
    fields = [_field(field, flat) for field in alternative]
    holds = alternative_holds(alternative, flat)
    return AlternativeReport(holds, not holds and all(field.passes for field in fields), fields)


def _field(field: Field, flat: Flat) -> FieldReport:
    leaves = flat.values.get(field.path, [])
    elsewhere = field.absent and field.path in flat.places  # Absent, perhaps, from the elements that count.
    passes = any(map(field.holds, leaves)) if leaves else field.absent
    found = [scalar_of(leaf) for leaf in leaves[:_FOUND_SHOWN_MAX]]
    return FieldReport(field.path, passes or elsewhere, wanted(field), found)


def wanted(field: Field) -> list[str]:
    """What a field wants, in the words of the pattern language; one of them is enough."""
    exact = sorted(dumps(scalar_of(leaf)) for leaf in field.exact)
    return exact + [_word(test) for test in field.tests] + (["not to exist"] if field.absent else [])


def _word(test: Operator) -> str:
    match test:
        case (
            Prefix(value) | Suffix(value) | EqualsIgnoreCase(value) | PrefixIgnoreCase(value) | SuffixIgnoreCase(value)
        ):
            return f"{_TEXT_WORDS[type(test)]} {dumps(value)}"
        case Wildcard(pieces):
            return f"wildcard {dumps('*'.join(piece.replace('*', chr(92) + '*') for piece in pieces))}"
        case AnythingBut(values):
            return "anything but " + ", ".join(sorted(dumps(scalar_of(leaf)) for leaf in values))
        case AnythingButMatching(tests):
            return "anything but " + ", ".join(map(_word, tests))
        case Numeric():
            return _range(test)
        case Cidr(bits, lowest, highest):
            return f"an IPv{4 if bits == 32 else 6} address of {bits - (highest - lowest).bit_length()} fixed bits"
        case Exists():
            return "to exist"
        case _:
            assert_never(test)


_TEXT_WORDS: dict[type, str] = {
    Prefix: "prefix",
    Suffix: "suffix",
    EqualsIgnoreCase: "equals-ignore-case",
    PrefixIgnoreCase: "prefix, ignoring case,",
    SuffixIgnoreCase: "suffix, ignoring case,",
}


def _range(test: Numeric) -> str:
    if test.bottom == test.top:
        return f"= {test.bottom}"
    bounds = []
    if test.bottom != float("-inf"):
        bounds.append(f"{'>' if test.open_bottom else '>='} {test.bottom}")
    if test.top != float("inf"):
        bounds.append(f"{'<' if test.open_top else '<='} {test.top}")
    return " and ".join(bounds)
