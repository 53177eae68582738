"""The values at the leaves of an event, made safe to compare.

In Python ``True == 1`` and both hash alike; in an event they are different values. Booleans therefore become words of
their own, everything else stands for itself: texts, numbers (equal by value: 1 and 1.0), and None for null.
"""

from typing import Any


class Word:
    """``true`` or ``false`` as a leaf; compared by identity."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


TRUE = Word("true")
FALSE = Word("false")

Leaf = str | int | float | Word | None


def leaf_of(value: Any) -> Leaf:
    """The leaf that a JSON scalar is."""
    if value is True:
        return TRUE
    if value is False:
        return FALSE
    leaf: Leaf = value
    return leaf


def scalar_of(leaf: Leaf) -> str | float | bool | None:
    """The JSON scalar that a leaf stands for, to show it."""
    if isinstance(leaf, Word):
        return leaf is TRUE
    return leaf
