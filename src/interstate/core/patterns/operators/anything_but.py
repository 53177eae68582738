"""``{"anything-but": ...}``: any value but these.

It takes a text, a number, or a list of only texts or only numbers; or ``prefix``, ``suffix``, ``equals-ignore-case`` or
``wildcard`` with a text or a list of texts. A value there must be: an absent path does not match, null and values of
another type do.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html (anything-but).
"""

from collections.abc import Callable

import msgspec

from interstate.core.patterns.leaf import Leaf
from interstate.core.patterns.operators.equals_ignore_case import EqualsIgnoreCase
from interstate.core.patterns.operators.numeric import read_comparable
from interstate.core.patterns.operators.prefix import Prefix
from interstate.core.patterns.operators.suffix import Suffix
from interstate.core.patterns.operators.wildcard import Wildcard, read_pieces
from interstate.core.patterns.tokens import Token, Tokens

_Inner = Prefix | Suffix | EqualsIgnoreCase | Wildcard


class AnythingBut(msgspec.Struct, frozen=True):
    """Any value that is none of ``values``."""

    values: frozenset[Leaf]

    def holds(self, leaf: Leaf) -> bool:
        """Whether the value is another one."""
        return leaf not in self.values


class AnythingButMatching(msgspec.Struct, frozen=True):
    """Any value for which none of ``tests`` holds."""

    tests: tuple[_Inner, ...]

    def holds(self, leaf: Leaf) -> bool:
        """Whether all tests fail."""
        return not any(test.holds(leaf) for test in self.tests)


def read_anything_but(tokens: Tokens) -> AnythingBut | AnythingButMatching:
    """Read what follows the name ``anything-but``."""
    token = tokens.next()
    if token.kind == "{":
        return _read_matching(tokens)
    if token.kind == "[":
        values = _read_values(tokens)
    elif token.kind == "string":
        values = frozenset({tokens.text()})
    elif token.kind == "number":
        values = frozenset({read_comparable(tokens)})
    else:
        tokens.refuse(_WRONG_VALUE)
    _end(tokens)
    return AnythingBut(values)


_WRONG_VALUE = "Value of anything-but must be an array or single string/number value."


def _read_values(tokens: Tokens) -> frozenset[Leaf]:
    texts: set[Leaf] = set()
    numbers: set[Leaf] = set()
    while tokens.next().kind != "]":
        match tokens.token.kind:
            case "string":
                texts.add(tokens.text())
            case "number":
                numbers.add(read_comparable(tokens))
            case _:
                tokens.refuse_in_list("Inside anything but list, start|null|boolean is not supported.")
    if bool(texts) == bool(numbers):
        tokens.refuse("Inside anything but list, either all values are number or string, mixed type is not supported")
    return frozenset(texts or numbers)


def _affix(tokens: Tokens) -> str:
    text = tokens.text()
    if not text:
        tokens.refuse("Null prefix/suffix not allowed")
    return text


_NOT_A_TEXT = {
    "prefix": "prefix/suffix match pattern must be a string",
    "suffix": "prefix/suffix match pattern must be a string",
    "wildcard": "wildcard match pattern must be a string",
    "equals-ignore-case": ("Inside anything-but/equals-ignore-case list, number|start|null|boolean is not supported."),
}
_READERS: dict[str, Callable[[Tokens], _Inner]] = {
    "prefix": lambda tokens: Prefix(_affix(tokens)),
    "suffix": lambda tokens: Suffix(_affix(tokens)),
    "wildcard": lambda tokens: Wildcard(read_pieces(tokens)),
    "equals-ignore-case": lambda tokens: EqualsIgnoreCase(tokens.text()),
}


def _read_matching(tokens: Tokens) -> AnythingButMatching:
    if tokens.next().kind != "name":
        tokens.refuse("Anything-But expression name not found")
    name = tokens.token.text
    if name not in _READERS:
        tokens.refuse(f"Unsupported anything-but pattern: {name}")
    tests = _read_tests(tokens, tokens.next(), name)
    _end(tokens)
    _end(tokens)
    return AnythingButMatching(tests)


def _read_tests(tokens: Tokens, token: Token, name: str) -> tuple[_Inner, ...]:
    if token.kind not in ("[", "string", "number"):
        tokens.refuse(_WRONG_VALUE)
    if token.kind == "number":
        tokens.refuse(_NOT_A_TEXT[name])
    if token.kind == "string":
        return (_READERS[name](tokens),)
    tests: list[_Inner] = []
    while tokens.next().kind != "]":
        if tokens.token.kind != "string":
            tokens.refuse_in_list(_NOT_A_TEXT[name])
        tests.append(_READERS[name](tokens))
    return tuple(tests)


def _end(tokens: Tokens) -> None:
    if tokens.next().kind != "}":
        tokens.refuse("Too many elements in numeric expression")  # AWS's own slip: it shares numeric's words.
