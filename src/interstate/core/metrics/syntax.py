"""The text of metric math, read into a tree.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html (syntax)
"""

import re

_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+)|(?P<name>[A-Za-z_][A-Za-z0-9_]*)"
    r"|(?P<text>\"[^\"]*\"|'[^']*')|(?P<sign>&&|\|\||==|!=|<=|>=|[-+*/^<>(),\[\]]))"
)
_DEPTH_MAX = 60
EXPRESSION_CHARS_MAX = 2_048


class ExpressionError(ValueError):
    """The expression is none, or cannot be computed."""


Node = tuple[str, tuple[object, ...]]


def names_in(text: str) -> set[str]:
    """The ids that an expression may read: all its names that are no functions.

    Raises:
        ExpressionError: it is no expression.
    """
    found: set[str] = set()
    _collect(parse(text), found)
    return found


def _collect(node: object, found: set[str]) -> None:
    if isinstance(node, tuple):
        kind, parts = node
        if kind == "id":
            found.add(str(parts[0]))
        for part in parts:
            if isinstance(part, tuple):
                _collect(part, found)
    elif isinstance(node, list):
        for one in node:
            _collect(one, found)


def uses_all_metrics(text: str) -> bool:
    """Whether an expression reads METRICS()."""
    return "METRICS" in text


class _Tokens:
    def __init__(self, text: str) -> None:
        self._found: list[tuple[str, str]] = []
        at, end = 0, len(text.rstrip())
        while at < end:
            match = _TOKEN.match(text, at)
            if match is None:
                raise ExpressionError(f"unexpected character '{text[at:].lstrip()[:1]}'")
            kind = match.lastgroup or ""
            self._found.append((kind, match.group(kind)))
            at = match.end()
        self._at = 0

    @property
    def next(self) -> tuple[str, str]:
        return self._found[self._at] if self._at < len(self._found) else ("end", "")

    def take(self) -> tuple[str, str]:
        token = self.next
        self._at += 1
        return token

    def takes(self, *signs: str) -> str | None:
        kind, text = self.next
        if (kind == "sign" and text in signs) or (kind == "name" and text in signs):
            self._at += 1
            return text
        return None

    def want(self, sign: str) -> None:
        if self.takes(sign) is None:
            raise ExpressionError(f"expected '{sign}', not '{self.next[1] or 'the end'}'")


_LEVELS = (
    ("||", "OR"),
    ("&&", "AND"),
    ("==", "!="),
    ("<", "<=", ">", ">="),
    ("+", "-"),
    ("*", "/"),
)


def parse(text: str) -> Node:
    """The tree of an expression.

    Raises:
        ExpressionError: it is none.
    """
    if len(text) > EXPRESSION_CHARS_MAX:
        raise ExpressionError(f"it is longer than {EXPRESSION_CHARS_MAX:,} characters")
    tokens = _Tokens(text)
    node = _binary(tokens, 0, 0)
    if tokens.next[0] != "end":
        raise ExpressionError(f"unexpected '{tokens.next[1]}'")
    return node


def _binary(tokens: _Tokens, level: int, depth: int) -> Node:
    if depth > _DEPTH_MAX:
        raise ExpressionError("it is nested too deep")
    if level == len(_LEVELS):
        return _power(tokens, depth)
    node = _binary(tokens, level + 1, depth)
    while (sign := tokens.takes(*_LEVELS[level])) is not None:
        node = ("op", (sign, node, _binary(tokens, level + 1, depth)))
    return node


def _power(tokens: _Tokens, depth: int) -> Node:
    if tokens.takes("-") is not None:
        return ("op", ("-", ("number", (0.0,)), _power(tokens, depth + 1)))
    node = _atom(tokens, depth)
    if tokens.takes("^") is not None:
        return ("op", ("^", node, _power(tokens, depth + 1)))
    return node


def _atom(tokens: _Tokens, depth: int) -> Node:
    kind, text = tokens.take()
    if kind == "number":
        return ("number", (float(text),))
    if kind == "text":
        return ("text", (text[1:-1],))
    if kind == "name":
        if tokens.takes("(") is None:
            return ("id", (text,))
        return ("call", (text, *_list(tokens, ")", depth)))
    if text == "(":
        node = _binary(tokens, 0, depth + 1)
        tokens.want(")")
        return node
    if text == "[":
        return ("list", tuple(_list(tokens, "]", depth)))
    raise ExpressionError(f"unexpected '{text or 'end'}'")


def _list(tokens: _Tokens, end: str, depth: int) -> list[Node]:
    found: list[Node] = []
    if tokens.takes(end) is not None:
        return found
    while True:
        found.append(_binary(tokens, 0, depth + 1))
        if tokens.takes(end) is not None:
            return found
        tokens.want(",")
