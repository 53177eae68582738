"""Why an event matches a pattern, or does not: field by field.

The verdict is the matcher's own; the rest says what each field wanted and found. When every field of an alternative passes
and the whole does not, the values stand in different elements of an array.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Any, assert_never

import msgspec

from interstate.base.json import dumps
from interstate.core.patterns.flatten import Flat, flatten
from interstate.core.patterns.leaf import Leaf, scalar_of
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
_VALUE_CHARS_MAX = 80
_V4_BITS = 32


class FieldReport(msgspec.Struct, frozen=True):
    """What a field wanted and what the event has; no values found means that the path does not exist.

    ``hint`` says what is easily overlooked: a value of another type, or one that differs in case only.
    """

    path: str
    passes: bool
    wanted: list[str]
    found: list[Any]
    hint: str = ""

    @property
    def reason(self) -> str:
        """The report as a sentence."""
        if not self.found:
            found = f"{self.path} does not exist"
        else:
            values = ", ".join(map(_short, self.found))
            found = f"{self.path} {'is' if len(self.found) == 1 else 'has'} {values}"
        hint = f" ({self.hint})" if self.hint else ""
        return f"{found}; wanted {' or '.join(self.wanted) or 'a value of an empty list'}{hint}"


class AlternativeReport(msgspec.Struct, frozen=True):
    """One alternative. ``scattered``: all fields pass, but not in the same elements of an array."""

    matches: bool
    scattered: bool
    fields: list[FieldReport]

    @property
    def reasons(self) -> list[str]:
        """Why it does not match, a sentence for each field that fails."""
        if self.scattered:
            return [f"{_SCATTERED}: {', '.join(field.path for field in self.fields)}"]
        return [field.reason for field in self.fields if not field.passes]


_SCATTERED = "each field passes, but not with values of the same array element"


class Explanation(msgspec.Struct, frozen=True):
    """The verdict, and each alternative of ``$or`` (one when there is none)."""

    matches: bool
    alternatives: list[AlternativeReport]


def explain(pattern: Pattern, event: Mapping[str, Any]) -> Explanation:
    """Why ``event`` matches ``pattern``, or does not."""
    flat = flatten(event, pattern.paths)
    reports = [_alternative(alternative, flat, event) for alternative in pattern.alternatives]
    return Explanation(any(report.matches for report in reports), reports)


def _alternative(alternative: Alternative, flat: Flat, event: Mapping[str, Any]) -> AlternativeReport:
    fields = [_field(field, flat, event) for field in alternative]
    holds = alternative_holds(alternative, flat)
    return AlternativeReport(holds, not holds and all(field.passes for field in fields), fields)


def _field(field: Field, flat: Flat, event: Mapping[str, Any]) -> FieldReport:
    leaves = flat.values.get(field.path, [])
    elsewhere = field.absent and field.path in flat.places  # Absent, perhaps, from the elements that count.
    passes = elsewhere or (any(map(field.holds, leaves)) if leaves else field.absent)
    found = [scalar_of(leaf) for leaf in leaves[:_FOUND_SHOWN_MAX]]
    hint = "" if passes else _hint(field, leaves, event)
    return FieldReport(field.path, passes, wanted(field), found, hint)


def _hint(field: Field, leaves: Sequence[Leaf], event: Mapping[str, Any]) -> str:
    """What is easily overlooked."""
    if not leaves:
        return _not_a_value(field.path, event)
    texts = {str(scalar_of(leaf)).lower(): leaf for leaf in field.exact}
    for leaf in leaves:
        near = texts.get(str(scalar_of(leaf)).lower(), _NOTHING)
        if near is not _NOTHING:
            return "only the case differs" if type(near) is type(leaf) else f"the event has {_type_word(leaf)}"
    numeric = any(isinstance(test, Numeric) for test in field.tests)
    if numeric and not any(isinstance(leaf, int | float) for leaf in leaves):
        return f"the event has {_type_word(leaves[0])}, and numeric compares numbers"
    textual = field.tests and all(isinstance(test, _TEXTUAL) for test in field.tests)
    if textual and not field.exact and not any(isinstance(leaf, str) for leaf in leaves):
        return f"the event has {_type_word(leaves[0])}, and only texts are compared so"
    return ""


_NOTHING = object()
_TEXTUAL = (Prefix, Suffix, EqualsIgnoreCase, PrefixIgnoreCase, SuffixIgnoreCase, Wildcard, Cidr)


def _type_word(leaf: Leaf) -> str:
    match leaf:
        case None:
            return "null"
        case str():
            return "a text"
        case int() | float():
            return "a number"
        case _:
            return "a boolean"


def _not_a_value(path: str, event: Mapping[str, Any]) -> str:
    """Whether something stands there that has no value of its own, and how far the path can be followed."""
    node: Any = event
    steps = path.split(".")
    for at, step in enumerate(steps):
        if not isinstance(node, Mapping) or step not in node:
            above = ".".join(steps[:at])
            return f"{above} has no {step}" if at and isinstance(node, Mapping) else ""
        node = node[step]
    return (
        "an object stands there" if isinstance(node, Mapping) else "an empty array stands there" if node == [] else ""
    )


def _short(value: Any) -> str:
    text = dumps(value)
    return text if len(text) <= _VALUE_CHARS_MAX else text[:_VALUE_CHARS_MAX] + "..."


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
            address = IPv4Address(lowest) if bits == _V4_BITS else IPv6Address(lowest)
            return f"an address in {address}/{bits - (highest - lowest).bit_length()}"
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
