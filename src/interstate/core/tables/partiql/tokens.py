"""The words of a PartiQL statement.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.html
"""

import re
from dataclasses import dataclass

from interstate.core.tables.errors import InvalidInput

_WORDS = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<text>'(?:[^']|'')*')
  | (?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
  | (?P<sign><<|>>|<=|>=|<>|!=|[=<>()\[\]{},.:?*+;\-])
  | (?P<unknown>.)
    """,
    re.VERBOSE | re.DOTALL,
)


class MalformedStatement(InvalidInput):
    """``Statement wasn't well formed, can't be processed: ...``."""

    def __init__(self, fault: str) -> None:
        super().__init__(f"Statement wasn't well formed, can't be processed: {fault}")


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its kind (a group of the pattern above, or ``end``), and its text without quotes."""

    kind: str
    text: str


_END = Token("end", "")


class Tokens:
    """A statement's words, read from left to right."""

    def __init__(self, text: str) -> None:
        self.words: list[Token] = []
        self.at = 0
        for found in _WORDS.finditer(text):
            kind, word = str(found.lastgroup), found.group()
            if kind == "unknown":
                raise MalformedStatement(f"Unexpected character: {word}")
            if kind == "quoted":
                word = word[1:-1].replace('""', '"')
            elif kind == "text":
                word = word[1:-1].replace("''", "'")
            if kind != "space":
                self.words.append(Token(kind, word))
        if self.words and self.words[-1] == Token("sign", ";"):
            self.words.pop()
        self.words.append(_END)

    @property
    def next(self) -> Token:
        """The word that comes next, not yet taken."""
        return self.words[self.at]

    def peek(self) -> Token:
        """The word behind the next."""
        return self.words[min(self.at + 1, len(self.words) - 1)]

    def take(self) -> Token:
        """The next word; the following one is next from now on."""
        word = self.words[self.at]
        if word is not _END:
            self.at += 1
        return word

    def accept(self, sign: str) -> bool:
        """Take the next word if it is this sign."""
        if self.next == Token("sign", sign):
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        """Take this sign.

        Raises:
            MalformedStatement: something else comes next.
        """
        if not self.accept(sign):
            raise self.broken(f"Expected {sign}")

    def is_word(self, *words: str) -> bool:
        """Whether the next word is one of these key words, in any case."""
        return self.next.kind == "name" and self.next.text.upper() in words

    def accept_word(self, word: str) -> bool:
        """Take the next word if it is this key word."""
        if self.is_word(word):
            self.at += 1
            return True
        return False

    def expect_word(self, word: str) -> None:
        """Take this key word.

        Raises:
            MalformedStatement: something else comes next.
        """
        if not self.accept_word(word):
            raise self.broken(f"Expected {word}")

    def broken(self, fault: str) -> MalformedStatement:
        """The syntax error at the next word."""
        found = self.next
        return MalformedStatement(f"{fault}; found: {found.text if found.kind != 'end' else 'end of statement'}")
