"""``{"numeric": [">", 0, "<=", 5]}``: numbers in a range, compared by value.

Only JSON numbers, never texts that look like one. Numbers beyond double precision cannot be compared and never match.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (numeric matching);
ComparableNumber of github.com/aws/event-ruler for the range of numbers.
"""

import math

import msgspec

from interstate.core.patterns.leaf import Leaf, Word
from interstate.core.patterns.tokens import Tokens

_EXACT_INTEGER_MAX = 1 << 53
_NO_NUMBERS = (str, Word)


class Numeric(msgspec.Struct, frozen=True):
    """From ``bottom`` to ``top``; ``open_bottom`` and ``open_top`` leave the bound itself out."""

    bottom: float
    open_bottom: bool
    top: float
    open_top: bool

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a number in the range."""
        if leaf is None or isinstance(leaf, _NO_NUMBERS) or not comparable(leaf):
            return False
        above = leaf > self.bottom if self.open_bottom else leaf >= self.bottom
        return above and (leaf < self.top if self.open_top else leaf <= self.top)


def comparable(number: float) -> bool:
    """Whether a number is exactly one that double precision has."""
    if isinstance(number, int):
        return -_EXACT_INTEGER_MAX <= number <= _EXACT_INTEGER_MAX or _survives(number)
    return math.isfinite(number)


def _survives(number: int) -> bool:
    try:
        return int(float(number)) == number
    except OverflowError:
        return False


def number_of(text: str) -> int | float:
    """The number that a JSON number is."""
    return float(text) if any(sign in text for sign in ".eE") else int(text)


def read_numeric(tokens: Tokens) -> Numeric:
    """Read what follows the name ``numeric``."""
    if tokens.next().kind != "[":
        tokens.refuse("Value of numeric must be an array.")
    range_ = _read_range(tokens)
    if tokens.next().kind != "}":
        tokens.refuse("Too many elements in numeric expression")
    return range_


def _read_range(tokens: Tokens) -> Numeric:
    if tokens.next().kind != "string":
        tokens.refuse(f"Invalid member in numeric match: {tokens.token.text}")
    operator = tokens.text()
    tokens.next()
    if operator in (">", ">="):
        bottom = _read_number(tokens, operator)
        if tokens.next().kind == "]":
            return Numeric(bottom, open_bottom=operator == ">", top=math.inf, open_top=False)
        return _read_top(tokens, bottom, open_bottom=operator == ">")
    if operator not in ("=", "<", "<="):
        tokens.refuse(f"Unrecognized numeric range operator: {operator}")
    bound = _read_number(tokens, "equals" if operator == "=" else operator)
    if tokens.next().kind != "]":
        tokens.refuse("Too many elements in numeric expression")
    if operator == "=":
        return Numeric(bound, open_bottom=False, top=bound, open_top=False)
    return Numeric(-math.inf, open_bottom=False, top=bound, open_top=operator == "<")


def _read_top(tokens: Tokens, bottom: float, *, open_bottom: bool) -> Numeric:
    if tokens.token.kind != "string":
        tokens.refuse(f"Bad value in numeric range: {tokens.token.text}")
    operator = tokens.text()
    if operator not in ("<", "<="):
        tokens.refuse(f"Bad numeric range operator: {operator}")
    tokens.next()
    top = _read_number(tokens, operator)
    if tokens.next().kind != "]":
        tokens.refuse("Too many terms in numeric range expression")
    if bottom >= top:
        tokens.refuse("Bottom must be less than top")
    return Numeric(bottom, open_bottom, top, open_top=operator == "<")


def _read_number(tokens: Tokens, operator: str) -> float:
    if tokens.token.kind != "number":
        tokens.refuse(f"Value of {operator} must be numeric")
    return read_comparable(tokens)


def read_comparable(tokens: Tokens) -> float:
    """The number of the present token.

    Raises:
        PatternError: double precision does not have it.
    """
    number = number_of(tokens.token.text)
    if not comparable(number):
        tokens.refuse(f"Cannot compare number : {tokens.token.text}")
    return number
