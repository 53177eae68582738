"""What a text must hold for a test to pass: the handle by which an index files patterns that name no exact value.

A *needle* is necessary, not sufficient: whoever finds one still asks the pattern. A prefix is found by cutting the text at
the lengths that prefixes have, a suffix likewise from the end; a piece in the middle by those three of its letters that the
fewest others have. Where case does not count, needles of ASCII letters are found in the text's lower case: what matches them has no other letters.
"""

from collections import Counter
from typing import Generic, TypeVar

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators import (
    EqualsIgnoreCase,
    Operator,
    Prefix,
    PrefixIgnoreCase,
    Suffix,
    SuffixIgnoreCase,
    Wildcard,
)
from interstate.core.patterns.pattern import Field

E = TypeVar("E")
GRAM = 3


class Needle(msgspec.Struct, frozen=True):
    """``kind``: "=" the value, "^" its beginning, "$" its end, "*" a piece of it; with "~" before: in lower case."""

    kind: str
    text: Leaf


def needles_of(field: Field) -> list[Needle] | None:
    """A needle for each way in which a value passes; None when some way has none."""
    needles = [Needle("=", leaf) for leaf in field.exact]
    for test in field.tests:
        needle = _needle_of(test)
        if needle is None:
            return None
        needles.append(needle)
    return needles


def _needle_of(test: Operator) -> Needle | None:
    needle: Needle | None = None
    match test:
        case Prefix(value) if value:
            needle = Needle("^", value)
        case Suffix(value) if value:
            needle = Needle("$", value)
        case PrefixIgnoreCase(value) if value and value.isascii():
            needle = Needle("~^", value.lower())
        case SuffixIgnoreCase(value) if value and value.isascii():
            needle = Needle("~$", value.lower())
        case EqualsIgnoreCase(value) if value.isascii():
            needle = Needle("~=", value.lower())
        case Wildcard(pieces):
            needle = _needle_of_wildcard(pieces)
    return needle


def _needle_of_wildcard(pieces: tuple[str, ...]) -> Needle | None:
    if len(pieces) == 1:
        return Needle("=", pieces[0])
    if pieces[0]:
        return Needle("^", pieces[0])
    if pieces[-1]:
        return Needle("$", pieces[-1])
    longest = max(pieces, key=len)
    return Needle("*", longest) if len(longest) >= GRAM else None


class Needles(Generic[E]):
    """Entries under the needles of one path."""

    __slots__ = ("_beginnings", "_ends", "_equal", "_folds", "_grams", "_has_texts", "_pieces")

    def __init__(self) -> None:
        self._equal: dict[tuple[bool, Leaf], list[E]] = {}
        self._beginnings: dict[tuple[bool, int], dict[str, list[E]]] = {}
        self._ends: dict[tuple[bool, int], dict[str, list[E]]] = {}
        self._pieces: list[tuple[str, E]] = []
        self._grams: dict[str, list[E]] = {}
        self._folds = False
        self._has_texts = False

    def put(self, needle: Needle, entry: E) -> None:
        """File an entry."""
        folded = needle.kind.startswith("~")
        self._folds |= folded
        kind, text = needle.kind[-1], needle.text
        if kind == "=":
            self._equal.setdefault((folded, text), []).append(entry)
            return
        assert isinstance(text, str), needle
        self._has_texts = True
        if kind == "*":
            self._pieces.append((text, entry))
            return
        by_length = self._beginnings if kind == "^" else self._ends
        by_length.setdefault((folded, len(text)), {}).setdefault(text, []).append(entry)

    def seal(self) -> None:
        """File what was put under pieces; after this nothing more is put."""
        counts = Counter(gram for piece, _ in self._pieces for gram in _grams(piece))
        for piece, entry in self._pieces:
            rarest = min(_grams(piece), key=lambda gram: counts[gram])
            self._grams.setdefault(rarest, []).append(entry)

    def find(self, leaf: Leaf, found: list[E]) -> None:
        """Add the entries whose needle is in the value; some more than once."""
        found += self._equal.get((False, leaf), ())
        if type(leaf) is not str:
            return
        lower = leaf.lower() if self._folds else leaf
        if self._folds:
            found += self._equal.get((True, lower), ())
        if not self._has_texts:
            return
        for (folded, length), entries in self._beginnings.items():
            found += entries.get((lower if folded else leaf)[:length], ())
        for (folded, length), entries in self._ends.items():
            found += entries.get((lower if folded else leaf)[-length:], ())
        if self._grams:
            for gram in _grams(leaf):
                found += self._grams.get(gram, ())


def _grams(text: str) -> list[str]:
    return [text[at : at + GRAM] for at in range(len(text) - GRAM + 1)]
