"""References and expressions of templates.

Source: https://velocity.apache.org/engine/1.7/vtl-reference.html
"""

import re
from abc import abstractmethod
from typing import Final

from interstate.core.velocity.tree import (
    Binary,
    Block,
    Expression,
    Index,
    Interpolated,
    Listing,
    Literal,
    Mapped,
    Method,
    Minus,
    Not,
    Property,
    Range,
    Reference,
)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")
_NUMBER: Final = re.compile(r"\d+(\.(?!\.)\d*)?")
_SPACE: Final = re.compile(r"\s*")
_WORDS: Final = {"true": Literal(value=True), "false": Literal(value=False), "null": Literal(None)}
_LEVELS: Final = (
    {"||": "||", "or": "||"},
    {"&&": "&&", "and": "&&"},
    {"==": "==", "!=": "!=", "eq": "==", "ne": "!="},
    {"<=": "<=", ">=": ">=", "<": "<", ">": ">", "lt": "<", "le": "<=", "gt": ">", "ge": ">="},
    {"+": "+", "-": "-"},
    {"*": "*", "/": "/", "%": "%"},
)
"""Operators, those that bind least first; the words mean the same."""
_DEPTH_MAX: Final = 40


class Expressions:
    """A text and a place in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self._depth = 0

    @abstractmethod
    def inner(self, text: str) -> Block: ...

    @abstractmethod
    def fault(self, text: str) -> Exception: ...

    def take(self, length: int) -> str:
        taken = self.text[self.at : self.at + length]
        self.at += length
        return taken

    def expect(self, word: str) -> None:
        """Go behind a word, and the space before it."""
        if not self._found(word):
            raise self.fault(f"{word} is missing")

    def _skip(self) -> None:
        found = _SPACE.match(self.text, self.at)
        assert found is not None
        self.at = found.end()

    def _found(self, word: str) -> bool:
        self._skip()
        if not self.text.startswith(word, self.at):
            return False
        if word.isalpha() and _NAME.match(self.text, self.at + len(word)):
            return False
        self.at += len(word)
        return True

    # References ---------------------------------------------------------------------------------------------------

    def reference(self) -> Reference | None:
        """The reference that begins here; None (and nowhere else) when it is only a dollar."""
        self_at = self.at
        if self.text[self.at : self.at + 1] != "$":
            self._skip()
        start = self.at
        if self.take(1) != "$":
            self.at = self_at
            return None
        quiet = self._taken("!")
        braces = self._taken("{")
        name = _NAME.match(self.text, self.at)
        if name is None:
            self.at = self_at
            return None
        self.at = name.end()
        steps: list[Property | Method | Index] = []
        while (step := self._step()) is not None:
            steps.append(step)
        if braces and not self._taken("}"):
            self.at = self_at
            return None
        return Reference(self.text[start : self.at], name[0], tuple(steps), quiet)

    def _taken(self, mark: str) -> bool:
        if self.text.startswith(mark, self.at):
            self.at += len(mark)
            return True
        return False

    def _step(self) -> Property | Method | Index | None:
        here = self.text[self.at : self.at + 1]
        if here == ".":
            name = _NAME.match(self.text, self.at + 1)
            if name is None:
                return None
            self.at = name.end()
            return Method(name[0], self._items(")")) if self._taken("(") else Property(name[0])
        if here == "[":
            self.at += 1
            at = self.expression()
            self.expect("]")
            return Index(at)
        return None

    def _items(self, end: str) -> tuple[Expression, ...]:
        """Expressions between commas, and the mark after them."""
        items: list[Expression] = []
        if self._found(end):
            return ()
        while True:
            items.append(self.expression())
            if self._found(end):
                return tuple(items)
            self.expect(",")

    # Expressions --------------------------------------------------------------------------------------------------

    def expression(self, level: int = 0) -> Expression:
        """The expression that begins here."""
        if level == len(_LEVELS):
            return self._unary()
        left = self.expression(level + 1)
        while (operator := self._operator(_LEVELS[level])) is not None:
            left = Binary(operator, left, self.expression(level + 1))
        return left

    def _operator(self, known: dict[str, str]) -> str | None:
        return next((meaning for word, meaning in known.items() if self._found(word)), None)

    def _unary(self) -> Expression:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise self.fault("The expression is nested too deeply")
        try:
            if self._found("!") or self._found("not"):
                return Not(self._unary())
            if self._found("-"):
                return Minus(self._unary())
            return self._primary()
        finally:
            self._depth -= 1

    def _primary(self) -> Expression:
        self._skip()
        match self.text[self.at : self.at + 1]:
            case "$":
                found = self.reference()
                if found is not None:
                    return found
            case "(":
                self.at += 1
                inside = self.expression()
                self.expect(")")
                return inside
            case "'":
                return Literal(self._quoted("'"))
            case '"':
                return Interpolated(self.inner(self._quoted('"')))
            case "[":
                self.at += 1
                return self._listing()
            case "{":
                self.at += 1
                return self._mapped()
        return self._word()

    def _word(self) -> Expression:
        number = _NUMBER.match(self.text, self.at)
        if number is not None:
            self.at = number.end()
            return Literal(float(number[0]) if number[1] else int(number[0][:19]))
        for word, value in _WORDS.items():
            if self._found(word):
                return value
        raise self.fault("An expression is missing")

    def _quoted(self, mark: str) -> str:
        """A text in quotes; a doubled quote is one."""
        self.at += 1
        parts: list[str] = []
        while True:
            end = self.text.find(mark, self.at)
            if end < 0:
                raise self.fault(f"{mark} is missing")
            parts.append(self.text[self.at : end])
            self.at = end + 1
            if self.text[self.at : self.at + 1] != mark:
                return mark.join(parts)
            self.at += 1

    def _listing(self) -> Expression:
        if self._found("]"):
            return Listing(())
        first = self.expression()
        if self._found(".."):
            last = self.expression()
            self.expect("]")
            return Range(first, last)
        if self._found("]"):
            return Listing((first,))
        self.expect(",")
        return Listing((first, *self._items("]")))

    def _mapped(self) -> Expression:
        pairs: list[tuple[Expression, Expression]] = []
        if self._found("}"):
            return Mapped(())
        while True:
            key = self.expression()
            self.expect(":")
            pairs.append((key, self.expression()))
            if self._found("}"):
                return Mapped(tuple(pairs))
            self.expect(",")
