"""Intrinsic functions: ``States.Format('{}', $.name)``, compiled into closures.

Theory of operation
-------------------
A field's text is read once, by a small recursive reader, into nested closures of (data, context, entropy). Faults that the text
alone shows (unknown function, number of arguments, an escape that the language lacks) are found then; faults of values fail
the state with ``States.IntrinsicFailure``, and a path that finds nothing with ``States.Runtime``. Random numbers and UUIDs come
from the entropy, so that a replay gives the same.

Source: https://states-language.net/#appendix-b and
https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html (argument rules, limits).
"""

import base64
import binascii
import hashlib
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interstate.base.ids import Entropy
from interstate.base.json import JSON, BrokenJSON, canonical, dumps, loads
from interstate.core.asl.errors import INTRINSIC_FAILURE, RUNTIME, StateFailed
from interstate.core.jsonpath.path import ContextObject, InvalidPath, NoSuchPath, compile_path

Evaluate = Callable[[JSON, ContextObject, Entropy], Any]

CALLS_MAX = 10  # "You can nest up to 10 intrinsic functions within a field"
TEXT_LENGTH_MAX = 10_000  # Base64Encode, Base64Decode, Hash
RANGE_LENGTH_MAX = 1_000  # ArrayRange
INTEGER_MIN, INTEGER_MAX = -(2**31), 2**31 - 1  # MathAdd, MathRandom


class InvalidIntrinsic(ValueError):
    """The text is no call of an intrinsic function; the message says why."""


class _Refused(Exception):
    """A function does not take these values; the message says why."""


# Functions of values ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Function:
    apply: Callable[[Sequence[JSON], Entropy], JSON]
    least: int
    most: int


def _text(value: JSON, what: str) -> str:
    if not isinstance(value, str):
        raise _Refused(f"{what} must be a string")
    return value


def _array(value: JSON) -> list[JSON]:
    if not isinstance(value, list):
        raise _Refused("The first argument must be an array")
    return value


def _integer(value: JSON, what: str) -> int:
    """A number, rounded half up when it is no integer."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _Refused(f"{what} must be a number")
    rounded = value if isinstance(value, int) else math.floor(value + 0.5)
    if not INTEGER_MIN <= rounded <= INTEGER_MAX:
        raise _Refused(f"{what} must be between {INTEGER_MIN} and {INTEGER_MAX}")
    return rounded


def _bounded(text: str) -> str:
    if len(text) > TEXT_LENGTH_MAX:
        raise _Refused(f"The argument must not be longer than {TEXT_LENGTH_MAX} characters")
    return text


def _make_array(arguments: Sequence[JSON], _: Entropy) -> JSON:
    return list(arguments)


def _array_partition(arguments: Sequence[JSON], _: Entropy) -> JSON:
    array, size = _array(arguments[0]), _integer(arguments[1], "The second argument")
    if size <= 0:
        raise _Refused("The second argument must be a positive number")
    return [array[start : start + size] for start in range(0, len(array), size)]


def _array_contains(arguments: Sequence[JSON], _: Entropy) -> JSON:
    wanted = canonical(arguments[1])  # Text tells 1, 1.0 and true apart; Python's equality does not.
    return any(canonical(item) == wanted for item in _array(arguments[0]))


def _array_range(arguments: Sequence[JSON], _: Entropy) -> JSON:
    first, last, step = (_integer(argument, "Each argument") for argument in arguments)
    if step == 0:
        raise _Refused("The third argument must not be zero")
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > RANGE_LENGTH_MAX:
        raise _Refused(f"The range must not have more than {RANGE_LENGTH_MAX} elements")
    return list(numbers)


def _array_get_item(arguments: Sequence[JSON], _: Entropy) -> JSON:
    array, index = _array(arguments[0]), _integer(arguments[1], "The second argument")
    if not 0 <= index < len(array):
        raise _Refused(f"The index {index} is out of bounds for an array of length {len(array)}")
    return array[index]


def _array_length(arguments: Sequence[JSON], _: Entropy) -> JSON:
    return len(_array(arguments[0]))


def _array_unique(arguments: Sequence[JSON], _: Entropy) -> JSON:
    first: dict[str, JSON] = {}
    for item in _array(arguments[0]):
        first.setdefault(canonical(item), item)
    return list(first.values())


def _base64_encode(arguments: Sequence[JSON], _: Entropy) -> JSON:
    return base64.b64encode(_bounded(_text(arguments[0], "The argument")).encode()).decode()


def _base64_decode(arguments: Sequence[JSON], _: Entropy) -> JSON:
    try:
        return base64.b64decode(_bounded(_text(arguments[0], "The argument")), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _Refused("The argument is not valid Base64") from error


_HASHES = {"MD5": "md5", "SHA-1": "sha1", "SHA-256": "sha256", "SHA-384": "sha384", "SHA-512": "sha512"}


def _hash(arguments: Sequence[JSON], _: Entropy) -> JSON:
    data, algorithm = arguments[0], _text(arguments[1], "The second argument")
    if algorithm not in _HASHES:
        raise _Refused(f"The algorithm '{algorithm}' must be one of {', '.join(_HASHES)}")
    text = _bounded(data if isinstance(data, str) else dumps(data))
    return hashlib.new(_HASHES[algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _json_merge(arguments: Sequence[JSON], _: Entropy) -> JSON:
    left, right, deep = arguments
    if not isinstance(left, dict) or not isinstance(right, dict):
        raise _Refused("The first two arguments must be objects")
    if deep is not False:
        raise _Refused("The third argument must be false: only shallow merging is supported")
    return {**left, **right}


def _string_to_json(arguments: Sequence[JSON], _: Entropy) -> JSON:
    text = _text(arguments[0], "The argument")
    if not text.strip():
        return None
    try:
        return loads(text)
    except BrokenJSON as error:
        raise _Refused(f"The argument is not valid JSON: {error}") from error


def _json_to_string(arguments: Sequence[JSON], _: Entropy) -> JSON:
    return dumps(arguments[0])


def _math_random(arguments: Sequence[JSON], entropy: Entropy) -> JSON:
    start, end = _integer(arguments[0], "The first argument"), _integer(arguments[1], "The second argument")
    if start >= end:
        raise _Refused("The first argument must be less than the second")
    if len(arguments) == 3:
        entropy = Entropy(str(_integer(arguments[2], "The third argument")).encode())
    return start + entropy.integer(end - start)


def _math_add(arguments: Sequence[JSON], _: Entropy) -> JSON:
    return _integer(arguments[0], "The first argument") + _integer(arguments[1], "The second argument")


def _string_split(arguments: Sequence[JSON], _: Entropy) -> JSON:
    """Split at each character of the second argument; empty parts are left out."""
    text, separators = _text(arguments[0], "The first argument"), _text(arguments[1], "The second argument")
    parts = re.split(f"[{re.escape(separators)}]", text) if separators else [text]
    return [part for part in parts if part]


def _uuid(_: Sequence[JSON], entropy: Entropy) -> JSON:
    return entropy.uuid()


def _format(arguments: Sequence[JSON], _: Entropy) -> JSON:
    """Put the values between the template's pieces; a literal template was cut when it was read."""
    template, values = arguments[0], arguments[1:]
    pieces = template if isinstance(template, tuple) else tuple(_text(template, "The first argument").split("{}"))
    if len(pieces) - 1 != len(values):
        raise _Refused(f"The template has {len(pieces) - 1} occurrences of {{}}, but {len(values)} arguments follow it")
    return pieces[0] + "".join(_shown(value) + piece for value, piece in zip(values, pieces[1:], strict=True))


def _shown(value: JSON) -> str:
    """A value inside text: a string as it is; objects as ``{name=value}``, which is how Step Functions shows them."""
    match value:
        case str():
            return value
        case dict():
            return "{" + ", ".join(f"{name}={_shown(item)}" for name, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_shown(item) for item in value) + "]"
        case _:
            return dumps(value)


_ANY_NUMBER = 1_000

FUNCTIONS = {
    "States.Array": _Function(_make_array, 0, _ANY_NUMBER),
    "States.ArrayContains": _Function(_array_contains, 2, 2),
    "States.ArrayGetItem": _Function(_array_get_item, 2, 2),
    "States.ArrayLength": _Function(_array_length, 1, 1),
    "States.ArrayPartition": _Function(_array_partition, 2, 2),
    "States.ArrayRange": _Function(_array_range, 3, 3),
    "States.ArrayUnique": _Function(_array_unique, 1, 1),
    "States.Base64Decode": _Function(_base64_decode, 1, 1),
    "States.Base64Encode": _Function(_base64_encode, 1, 1),
    "States.Format": _Function(_format, 1, _ANY_NUMBER),
    "States.Hash": _Function(_hash, 2, 2),
    "States.JsonMerge": _Function(_json_merge, 3, 3),
    "States.JsonToString": _Function(_json_to_string, 1, 1),
    "States.MathAdd": _Function(_math_add, 2, 2),
    "States.MathRandom": _Function(_math_random, 2, 3),
    "States.StringSplit": _Function(_string_split, 2, 2),
    "States.StringToJson": _Function(_string_to_json, 1, 1),
    "States.UUID": _Function(_uuid, 0, 0),
}

# Reading ---------------------------------------------------------------------------------------------------------

_SPACE = re.compile(r"\s*")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.]*")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")
_STRING = re.compile(r"'((?:[^'\\]|\\.)*)'", re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPE_OR_HOLE = re.compile(r"\\(.)|\{\}", re.DOTALL)
_PATH = re.compile(r"\$(?:[^,()\[\]'\"\s]|\[(?:[^\[\]'\"]|'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")*\])*")
_WORDS: dict[str, JSON] = {"true": True, "false": False, "null": None}
_ESCAPABLE = "'{}\\"


def is_call(text: str) -> bool:
    """Whether a field's text means a function rather than a path."""
    return text.startswith("States.")


def compile_call(text: str) -> Evaluate:
    """Compile a call.

    Raises:
        InvalidIntrinsic: the text is none that the language knows.
    """
    reader = _Reader(text)
    evaluate = reader.call()
    reader.end()
    return evaluate


class _Reader:
    """Reads one field's text from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._calls = 0

    def call(self) -> Evaluate:
        name = self._take(_NAME, "a function")
        function = FUNCTIONS.get(name)
        if function is None:
            raise InvalidIntrinsic(f"unknown function '{name}'")
        self._calls += 1
        if self._calls > CALLS_MAX:
            raise InvalidIntrinsic(f"more than {CALLS_MAX} functions in one field")
        arguments = self._arguments(template_first=name == "States.Format")
        if not function.least <= len(arguments) <= function.most:
            raise InvalidIntrinsic(f"{name} does not take {len(arguments)} arguments")
        return _applied(self._text, function.apply, arguments)

    def _arguments(self, *, template_first: bool) -> list[Evaluate]:
        self._expect("(")
        arguments: list[Evaluate] = []
        if self._skip() == ")":
            self._at += 1
            return arguments
        while True:
            arguments.append(self._argument(template=template_first and not arguments))
            if self._skip() == ")":
                self._at += 1
                return arguments
            self._expect(",")

    def _argument(self, *, template: bool) -> Evaluate:
        match self._skip():
            case "'":
                string = self._string()
                return _constant(_pieces(string) if template else _ESCAPE.sub(r"\1", string))
            case "$":
                return _selected(self._text, self._take(_PATH, "a path"))
            case "S":
                return self.call()
            case "t" | "f" | "n":
                word = self._take(_NAME, "a word")
                if word not in _WORDS:
                    raise InvalidIntrinsic(f"unexpected '{word}'")
                return _constant(_WORDS[word])
            case _:
                return _constant(loads(self._take(_NUMBER, "an argument")))

    def _string(self) -> str:
        """A string literal between its quotes, with its escapes, which were checked."""
        inner = self._take(_STRING, "a string")[1:-1]
        for escape in _ESCAPE.finditer(inner):
            if escape[1] not in _ESCAPABLE:
                raise InvalidIntrinsic(f"unknown escape '{escape[0]}'")
        return inner

    def end(self) -> None:
        if self._skip():
            raise InvalidIntrinsic(f"unexpected text at position {self._at}")

    def _skip(self) -> str:
        """The next character that is no space; empty at the end."""
        match = _SPACE.match(self._text, self._at)
        assert match is not None
        self._at = match.end()
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._skip() != character:
            raise InvalidIntrinsic(f"'{character}' is missing at position {self._at}")
        self._at += 1

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise InvalidIntrinsic(f"{what} is missing at position {self._at}")
        self._at = match.end()
        return match[0]


def _pieces(template: str) -> tuple[str, ...]:
    """Format's template, cut where a value goes; escaped braces are text."""
    cut, start = [], 0
    for part in _ESCAPE_OR_HOLE.finditer(template):
        if part[1] is None:
            cut.append(template[start : part.start()])
            start = part.end()
    return tuple(_ESCAPE.sub(r"\1", piece) for piece in (*cut, template[start:]))


def _constant(value: JSON | tuple[str, ...]) -> Evaluate:
    return lambda data, context, entropy: value  # noqa: ARG005 - all arguments have one form


def _selected(text: str, path_text: str) -> Evaluate:
    try:
        path = compile_path(path_text)
    except InvalidPath as error:
        raise InvalidIntrinsic(str(error)) from error

    def evaluate(data: JSON, context: ContextObject, _: Entropy) -> JSON:
        try:
            return path.select(data, context)
        except NoSuchPath as error:
            raise StateFailed(
                RUNTIME,
                f"The function '{text}' had the following error: The JsonPath argument for the field '{path_text}' "
                f"could not be found in the input '{dumps(data)}'",
            ) from error

    return evaluate


def _applied(text: str, apply: Callable[[Sequence[JSON], Entropy], JSON], arguments: Sequence[Evaluate]) -> Evaluate:
    def evaluate(data: JSON, context: ContextObject, entropy: Entropy) -> JSON:
        values = [argument(data, context, entropy) for argument in arguments]
        try:
            return apply(values, entropy)
        except _Refused as error:
            raise StateFailed(INTRINSIC_FAILURE, f"The function '{text}' had the following error: {error}") from error

    return evaluate
