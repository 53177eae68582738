"""The words of an expression.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import re
from dataclasses import dataclass

from interstate.core.tables.errors import InvalidExpression

_WORDS = re.compile(
    r"""
    (?P<space>[ \t\r\n]+)
  | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
  | (?P<placeholder>\#[A-Za-z0-9_]+)
  | (?P<value>:[A-Za-z0-9_]+)
  | (?P<integer>[0-9]+)
  | (?P<sign><>|<=|>=|[=<>(),.\[\]+\-])
  | (?P<unknown>.)
    """,
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its kind (a group of the pattern above, or ``end``), its text, where it begins and ends."""

    kind: str
    text: str
    start: int
    end: int


class Tokens:
    """An expression's words, read from left to right."""

    def __init__(self, kind: str, text: str) -> None:
        self.kind = kind
        self.text = text
        self.words = [
            Token(str(found.lastgroup), found.group(), found.start(), found.end())
            for found in _WORDS.finditer(text)
            if found.lastgroup != "space"
        ]
        self.words.append(Token("end", "<EOF>", len(text), len(text)))
        self.at = 0
        for place, word in enumerate(self.words):
            if word.kind == "unknown":
                raise self.broken(place)

    @property
    def next(self) -> Token:
        """The word that comes next, not yet taken."""
        return self.words[self.at]

    def peek(self, distance: int) -> Token:
        """A word further on."""
        return self.words[min(self.at + distance, len(self.words) - 1)]

    def take(self) -> Token:
        """The next word; the following one is next from now on."""
        word = self.words[self.at]
        self.at += 1
        return word

    def accept(self, sign: str) -> bool:
        """Take the next word if it is this sign."""
        word = self.words[self.at]
        if word.kind == "sign" and word.text == sign:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        """Take this sign.

        Raises:
            InvalidExpression: something else comes next.
        """
        if not self.accept(sign):
            raise self.broken()

    def is_word(self, *words: str) -> bool:
        """Whether the next word is one of these key words, in any case."""
        word = self.words[self.at]
        return word.kind == "name" and word.text.upper() in words

    def broken(self, place: int | None = None) -> InvalidExpression:
        """The syntax error at a word (default: the next), shown with its neighbours."""
        at = self.at if place is None else place
        word = self.words[at]
        before = self.words[at - 1] if at else word
        behind = self.words[at + 1] if at + 1 < len(self.words) else word
        near = self.text[before.start : behind.end]
        return InvalidExpression(self.kind, f'Syntax error; token: "{word.text}", near: "{near}"')
