r"""A pattern's JSON text, token by token, with the places that AWS's refusals name.

EventBridge reads patterns with Jackson's streaming parser, and its refusals end in that parser's idea of where it stood:
``\n at [Source: (String)"{...}"; line: 1, column: 28]``. Two things surprise. A name's place is behind the *beginning* of
its value (the parser has looked ahead: behind the whole of a number or literal, behind the bracket or the opening quote of
anything else). A text's place is behind its opening quote until somebody has asked for the text.

Source: recorded answers in tests/aws/services/events/test_events_patterns.snapshot.json of github.com/localstack/localstack.
"""

import re
from collections.abc import Iterator
from typing import Literal, NoReturn

import msgspec
import orjson

from interstate.core.patterns.errors import PatternError

Kind = Literal["{", "}", "[", "]", "name", "string", "number", "true", "false", "null", "broken", "end"]

_SPACE = re.compile(r"[ \t\r\n]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(r"[\w$]+")
_SNIPPET_CHARS = 500  # Jackson's JsonLocation shows so much of the source.
# AWS allows 1,000 levels (EventBridge quotas), but no 4,096 characters say anything at such a depth; a pattern is read by
# recursion, which must end before the interpreter's own limit.
_DEPTH_MAX = 200
_LITERALS: dict[str, Kind] = {"true": "true", "false": "false", "null": "null"}


class Token(msgspec.Struct, frozen=True):
    """``at`` is the place before the token's text was asked for, ``end`` the one after."""

    kind: Kind
    text: str
    at: int
    end: int


class _BrokenTextError(Exception):
    """The text stops being JSON at ``at``."""

    def __init__(self, message: str, at: int) -> None:
        super().__init__(message)
        self.at = at


class Tokens:
    """Reads a text forward, one token at a time."""

    __slots__ = ("_at", "_source", "_tokens", "token")

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = _scan(source)
        self._at = 0
        self.token = Token("end", "", 0, 0)

    def next(self) -> Token:
        """The next token.

        Raises:
            PatternError: the text is not JSON from here on.
        """
        try:
            self.token = next(self._tokens)
        except _BrokenTextError as error:
            self._at = error.at
            self.refuse(str(error))
        self._at = self.token.at
        return self.token

    def text(self) -> str:
        """The text of the present token."""
        self._at = self.token.end if self.token.kind == "string" else self._at
        return self.token.text

    def refuse(self, reason: str) -> NoReturn:
        """Refuse the pattern, at the present place.

        Raises:
            PatternError: always.
        """
        raise PatternError(reason + self.place())

    def refuse_in_list(self, reason: str) -> NoReturn:
        """Refuse a list of anything-but, whose refusals name the place twice (recorded so).

        Raises:
            PatternError: always.
        """
        raise PatternError(reason + self.place() + self.place())

    def place(self) -> str:
        """The present place as a refusal's ending."""
        before = self._source[: self._at]
        line = before.count("\n") + 1
        column = self._at - (before.rfind("\n") + 1) + 1
        shown = self._source[:_SNIPPET_CHARS]
        left = len(self._source) - len(shown)
        cut = f"[truncated {left} chars]" if left else ""
        return f'\n at [Source: (String)"{shown}"{cut}; line: {line}, column: {column}]'


def _scan(source: str) -> Iterator[Token]:
    stack: list[str] = []
    token, at = _value(source, _skip(source, 0))
    while True:
        yield token
        if token.kind in "{[":
            if len(stack) == _DEPTH_MAX:
                raise _BrokenTextError(f"Document nesting depth ({_DEPTH_MAX + 1}) exceeds the maximum allowed", at)
            stack.append(token.kind)
            first = True
        elif token.kind in "}]":
            stack.pop()
            first = False
        else:
            first = False
        assert stack, "a pattern is an object, and nothing behind it is read"
        at = _skip(source, at)
        closing = "}" if stack[-1] == "{" else "]"
        if source.startswith(closing, at):
            at += 1
            token = Token("}" if closing == "}" else "]", closing, at, at)
            continue
        if not first:
            if not source.startswith(",", at):
                raise _unexpected(source, at, f"was expecting comma to separate {_MEMBERS[closing]} entries")
            at = _skip(source, at + 1)
        if closing == "}":
            name, at = _name(source, at)
            token, at = _value(source, at)
            yield Token("name", name, token.at, token.at)
        else:
            token, at = _value(source, at)


_MEMBERS = {"}": "Object", "]": "Array"}


def _skip(source: str, at: int) -> int:
    found = _SPACE.match(source, at)
    assert found is not None
    return found.end()


def _name(source: str, at: int) -> tuple[str, int]:
    if not source.startswith('"', at):
        raise _unexpected(source, at, "was expecting double-quote to start field name")
    found = _STRING.match(source, at)
    if found is None:
        raise _BrokenTextError("Unexpected end-of-input in field name", len(source))
    at = _skip(source, found.end())
    if not source.startswith(":", at):
        raise _unexpected(source, at, "was expecting a colon to separate field name and value")
    return orjson.loads(found[0]), _skip(source, at + 1)


def _value(source: str, at: int) -> tuple[Token, int]:
    """The token of the value that begins at ``at``, and where to read on."""
    head = source[at : at + 1]
    match head:
        case "{" | "[":
            token = Token("{" if head == "{" else "[", head, at + 1, at + 1)
        case '"':
            found = _STRING.match(source, at)
            if found is None:
                raise _BrokenTextError(
                    "Unexpected end-of-input: was expecting closing quote for a string value", len(source)
                )
            token = Token("string", orjson.loads(found[0]), at + 1, found.end())
        case _ if found := _NUMBER.match(source, at):
            token = Token("number", found[0], found.end(), found.end())
        case _ if found := _WORD.match(source, at):
            if found[0] not in _LITERALS:
                expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
                raise _BrokenTextError(f"Unrecognized token '{found[0]}': was expecting {expected}", found.end())
            token = Token(_LITERALS[found[0]], found[0], found.end(), found.end())
        case _:
            expected = "expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
            raise _unexpected(source, at, expected)
    return token, token.end


def _unexpected(source: str, at: int, expected: str) -> _BrokenTextError:
    if at >= len(source):
        return _BrokenTextError("Unexpected end-of-input", at)
    return _BrokenTextError(f"Unexpected character ({source[at]!r} (code {ord(source[at])})): {expected}", at + 1)
