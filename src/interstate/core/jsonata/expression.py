"""Expressions: compiled once, evaluated often, within bounds.

Theory of operation
-------------------
The library evaluates; this module keeps it pure and tells its answers apart. An expression gets no input document: all that it knows
are variables and ``$states``, and of those only what its text mentions. Functions that would look outside are replaced by
those of ``functions``, which see the ``Outside`` of the evaluation at hand (one at a time: evaluation calls nobody who could evaluate
the same expression again).

Bounds: depth and length end what would never end well with the same error on every machine; the time guard is generous and
real, and only there for the loop that neither of them sees.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html (JSONata 2.0.6, without $eval).
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from typing import Any, Final

from interstate.base.ids import Entropy
from interstate.base.json import JSON, loads
from interstate.core.jsonata.functions import BUILT_IN, FUNCTIONS, Outside
from interstate.core.jsonata.messages import is_coded, reason_of, without_code
from interstate.core.jsonata.references import References, references_of

STACK_DEPTH_MAX: Final = 500
SEQUENCE_LENGTH_MAX: Final = 500_000
"""Step Functions refuses 900,000 (answers of TestState to ``[1..900000] ~> $count()``); where it begins to is not published."""
GUARD_MS: Final = 5_000
"""Real time for one evaluation; the two bounds above end nearly everything long before."""
KEPT: Final = 4_096
"""Compiled expressions that are kept, over all definitions."""


class InvalidExpression(ValueError):
    """The text is no JSONata; ``reason`` is JSONata's message without its code, as Step Functions shows it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Undefined(Exception):
    """The expression found nothing."""


class Unsupported(Exception):
    """The result is no JSON: a function."""


class Failure(Exception):
    """The evaluation failed; ``reason`` is JSONata's code and message, or, where a bound was hit, a sentence without a code."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    @property
    def is_coded(self) -> bool:
        """Whether the reason opens with one of JSONata's codes."""
        return is_coded(self.reason)


class Expression:
    """A compiled expression.

    ``variables`` and ``states`` tell what ``evaluate`` wants: names of variables (some may be the expression's own), and
    members of ``$states`` (None: all that there are).
    """

    __slots__ = ("_compiled", "_function", "_outside", "references", "text")

    def __init__(self, text: str) -> None:
        import jsonatapy  # noqa: PLC0415 - imported with the first expression (design, start-up)

        try:
            compiled = jsonatapy.compile(text)
        except ValueError as error:
            raise InvalidExpression(_parse_fault(str(error))) from error
        self.text = text
        self.references: References = references_of(text)
        self._outside: Outside | None = None
        called = self.references.variables & BUILT_IN - self.references.local
        self._function = next(iter(called)) if len(called) == 1 else None
        for name, function in FUNCTIONS.items():
            if name in self.references.variables:
                compiled.register_override(name, partial(self._call, function))
        self._compiled = compiled

    def _call(self, function: Any, *arguments: JSON) -> JSON:
        assert self._outside is not None
        result: JSON = function(self._outside, *arguments)
        return result

    def evaluate(self, bindings: Mapping[str, JSON], *, entropy: Entropy, now: datetime) -> JSON:
        """The expression's value.

        Raises:
            Undefined: there is none.
            Unsupported: it is a function.
            Failure: the evaluation failed.
        """
        self._outside = Outside(entropy, now)
        try:
            text = self._text(dict(bindings))
            if text is None:
                raise Undefined
            if text in _AMBIGUOUS:
                return self._told_apart(text, dict(bindings))
            return loads(text)
        finally:
            self._outside = None

    def _text(self, bindings: dict[str, JSON]) -> str | None:
        try:
            return self._compiled.evaluate_json_or_none(None, bindings, **_BOUNDS)
        except ValueError as error:
            raise Failure(reason_of(str(error), self._function)) from error
        except OverflowError:
            return self._text(_in_64_bits(bindings))

    def _told_apart(self, text: str, bindings: dict[str, JSON]) -> JSON:
        """The library writes a function as an empty string, and a number without bounds as null."""
        try:
            value = self._compiled.evaluate(None, bindings, **_BOUNDS)
        except OverflowError:
            return self._told_apart(text, _in_64_bits(bindings))
        if text == '""' and value is None:
            raise Unsupported
        if isinstance(value, float) and not math.isfinite(value):
            raise Failure(f"D1001: Number out of range: {_infinite(value)}")
        return loads(text)


_AMBIGUOUS = frozenset({'""', "null"})
_BOUNDS: Mapping[str, int] = {
    "timeout": GUARD_MS,
    "max_stack_depth": STACK_DEPTH_MAX,
    "max_sequence_length": SEQUENCE_LENGTH_MAX,
}
# The library's names for signs, where JSONata's messages show the sign itself.
_SIGNS: Mapping[str, str] = {
    "Ampersand": "&",
    "Apply": "~>",
    "At": "@",
    "Bind": ":=",
    "Caret": "^",
    "ColonEqual": ":=",
    "Colon": ":",
    "Comma": ",",
    "Dot": ".",
    "Equal": "=",
    "GreaterThan": ">",
    "Hash": "#",
    "LeftBrace": "{",
    "LeftBracket": "[",
    "LeftParen": "(",
    "LessThan": "<",
    "Minus": "-",
    "Percent": "%",
    "Pipe": "|",
    "Plus": "+",
    "Question": "?",
    "RightBrace": "}",
    "RightBracket": "]",
    "RightParen": ")",
    "Semicolon": ";",
    "Slash": "/",
    "Star": "*",
}
_SIGN = re.compile(rf"\b({'|'.join(_SIGNS)})\b")
_LITERAL = re.compile(r"\b(?:Identifier|String|Variable|Number)\((\"(?:[^\"\\]|\\.)*\"|[^()]*)\)")


def _parse_fault(message: str) -> str:
    message = message.removeprefix("Parse error: ").removeprefix("Invalid syntax: ")
    message = without_code(message)
    message = _LITERAL.sub(lambda match: match[1] if match[1].startswith('"') else f'"{match[1]}"', message)
    return _SIGN.sub(lambda match: f'"{_SIGNS[match[1]]}"', message)


def _infinite(value: float) -> str:
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _in_64_bits(value: Any) -> Any:
    """Integers beyond 64 bits as floats, which is what every number of JSONata is."""
    match value:
        case dict():
            return {name: _in_64_bits(item) for name, item in value.items()}
        case list():
            return [_in_64_bits(item) for item in value]
        case int() if not -(1 << 63) <= value < 1 << 63:
            return float(value)
        case _:
            return value


@lru_cache(maxsize=KEPT)
def compile_expression(text: str) -> Expression:
    """Compile an expression (the text between ``{%`` and ``%}``); equal texts are compiled once.

    Raises:
        InvalidExpression: it is none.
    """
    return Expression(text)
