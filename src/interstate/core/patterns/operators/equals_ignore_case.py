"""``{"equals-ignore-case": "alice"}``: texts that are equal when the case of letters is left aside.

Character by character: each stands for its lower and its upper form and nothing else, so ``ß`` also holds for ``SS``, but
``ss`` does not hold for ``ß``.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html; the character rule is
EqualsIgnoreCaseParser of github.com/aws/event-ruler.
"""

import re
from functools import lru_cache
from typing import Literal

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.tokens import Tokens


class EqualsIgnoreCase(msgspec.Struct, frozen=True):
    value: str

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is a text that is equal in either case."""
        return type(leaf) is str and _either_case(self.value, "").fullmatch(leaf) is not None


def begins(text: str, value: str) -> bool:
    """Whether ``text`` begins with ``value`` in either case."""
    return _either_case(value, "").match(text) is not None


def ends(text: str, value: str) -> bool:
    """Whether ``text`` ends with ``value`` in either case."""
    return _either_case(value, r"\Z").search(text) is not None


@lru_cache(4096)
def _either_case(value: str, ending: str) -> re.Pattern[str]:
    return re.compile("".join(map(_both_forms, value)) + ending)


def _both_forms(character: str) -> str:
    lower, upper = character.lower(), character.upper()
    if lower == upper:
        return re.escape(lower)
    return f"(?:{re.escape(lower)}|{re.escape(upper)})"


def read_equals_ignore_case(tokens: Tokens) -> EqualsIgnoreCase:
    """Read what follows the name ``equals-ignore-case``."""
    return EqualsIgnoreCase(_read_value(tokens, depth=1))


def read_nested(tokens: Tokens, outer: Literal["prefix", "suffix"]) -> str:
    """Read ``"equals-ignore-case": "value"}}`` inside prefix or suffix."""
    if tokens.next().kind != "name":
        tokens.refuse(f"{outer.capitalize()} expression name not found")
    if tokens.token.text != "equals-ignore-case":
        tokens.refuse(f"Unsupported {outer} pattern: {tokens.token.text}")
    return _read_value(tokens, depth=2)


def _read_value(tokens: Tokens, depth: int) -> str:
    if tokens.next().kind != "string":
        tokens.refuse("equals-ignore-case match pattern must be a string")
    value = tokens.text()
    end_of_expression(tokens, depth)
    return value
