"""The functions that Step Functions adds to JSONata, and those of JSONata that look outside, made of what the step brings.

Law: nothing here reads a clock or draws a random number; the moment is ``Outside.now``, randomness is ``Outside.entropy``. So a
step that is done again gives the same values.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html#jsonata-functions-provided-by-sfn and
https://docs.jsonata.org/ (now, millis, random, shuffle, toMillis, eval).
"""

import hashlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from interstate.base.ids import Entropy
from interstate.base.json import JSON, BrokenJSON, dumps, loads

RANGE_LENGTH_MAX: Final = 1_000
"""Elements of ``$range``, as of its predecessor States.ArrayRange. Source: Developer Guide, intrinsic functions."""


class Outside:
    """What one evaluation takes from outside."""

    __slots__ = ("entropy", "now")

    def __init__(self, entropy: Entropy, now: datetime) -> None:
        self.entropy = entropy
        self.now = now


class Refused(ValueError):
    """A function does not take these arguments; ``code`` is JSONata's."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"{code}: {reason}")


def _signature(function: str, argument: int) -> Refused:
    return Refused("T0410", f'Argument {argument} of function "{function}" does not match function signature')


def _number(function: str, arguments: tuple[JSON, ...], at: int) -> float:
    value = arguments[at] if at < len(arguments) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _signature(function, at + 1)
    return value


def _string(function: str, arguments: tuple[JSON, ...], at: int) -> str:
    value = arguments[at] if at < len(arguments) else None
    if not isinstance(value, str):
        raise _signature(function, at + 1)
    return value


def _most(function: str, arguments: tuple[JSON, ...], most: int) -> None:
    if len(arguments) > most:
        raise _signature(function, most + 1)


# Functions that Step Functions adds ------------------------------------------------------------------------------


def _partition(_: Outside, *arguments: JSON) -> JSON:
    _most("partition", arguments, 2)
    array = arguments[0] if arguments else None
    if array is None:
        return None
    size = int(_number("partition", arguments, 1))
    if size <= 0:
        raise _signature("partition", 2)
    items = array if isinstance(array, list) else [array]
    return [items[start : start + size] for start in range(0, len(items), size)]


def _range(_: Outside, *arguments: JSON) -> JSON:
    _most("range", arguments, 3)
    first, last, step = (int(_number("range", arguments, at)) for at in range(3))
    if step == 0:
        raise _signature("range", 3)
    numbers = range(first, last + (1 if step > 0 else -1), step)
    if len(numbers) > RANGE_LENGTH_MAX:
        raise Refused(
            "D2014", f"The size of the sequence allocated by the range function must not exceed {RANGE_LENGTH_MAX}"
        )
    return (
        numbers[0] if len(numbers) == 1 else list(numbers)
    )  # A sequence of one is its item, as everywhere in JSONata.


_HASHES: Mapping[str, str] = {
    "MD5": "md5",
    "SHA-1": "sha1",
    "SHA-256": "sha256",
    "SHA-384": "sha384",
    "SHA-512": "sha512",
}


def _hash(_: Outside, *arguments: JSON) -> JSON:
    _most("hash", arguments, 2)
    if not arguments or arguments[0] is None:
        return None
    data = arguments[0]
    algorithm = _HASHES.get(_string("hash", arguments, 1))
    if algorithm is None:
        raise _signature("hash", 2)
    text = data if isinstance(data, str) else dumps(data)
    return hashlib.new(algorithm, text.encode(), usedforsecurity=False).hexdigest()


def _random(outside: Outside, *arguments: JSON) -> JSON:
    _most("random", arguments, 1)
    if not arguments:
        return outside.entropy.fraction()
    seed = _number("random", arguments, 0)
    return Entropy(f"{seed:.17g}".encode()).fraction()


def _uuid(outside: Outside, *arguments: JSON) -> JSON:
    _most("uuid", arguments, 0)
    return outside.entropy.uuid()


def _parse(_: Outside, *arguments: JSON) -> JSON:
    _most("parse", arguments, 1)
    if not arguments or arguments[0] is None:
        return None
    text = _string("parse", arguments, 0)
    try:
        return loads(text)
    except BrokenJSON as error:
        raise Refused("D3120", f"Syntax error in expression passed to function parse: {error}") from error


# Functions of JSONata that look outside --------------------------------------------------------------------------


def _millis_of(moment: datetime) -> int:
    return round((moment - _EPOCH).total_seconds() * 1000)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _millis(outside: Outside, *arguments: JSON) -> JSON:
    _most("millis", arguments, 0)
    return _millis_of(outside.now)


def _now(outside: Outside, *arguments: JSON) -> JSON:
    _most("now", arguments, 2)
    names = ("picture", "timezone")[: len(arguments)]
    text = f"$fromMillis({', '.join(['$millis', *(f'${name}' for name in names)])})"
    return _plainly(text, {"millis": _millis_of(outside.now), **dict(zip(names, arguments, strict=True))})


def _plainly(text: str, variables: dict[str, JSON]) -> JSON:
    """The library's own value of an expression that looks nowhere."""
    import jsonatapy  # noqa: PLC0415 - imported with the first expression (design, start-up)

    value: JSON = jsonatapy.compile(text).evaluate(None, variables)
    return value


def _to_millis(outside: Outside, *arguments: JSON) -> JSON:
    """A picture may leave parts of the date open; those come from the step's day, not from the machine's.

    Source: https://docs.jsonata.org/date-time-functions#tomillis
    """
    _most("toMillis", arguments, 2)
    if not arguments or arguments[0] is None:
        return None
    _string("toMillis", arguments, 0)
    names = ("text", "picture")[: len(arguments)]
    given = dict(zip(names, arguments, strict=True))
    text = f"$toMillis({', '.join(f'${name}' for name in names)})"
    if "picture" not in given or _names_a_date(_string("toMillis", arguments, 1)):
        return _plainly(text, given)
    day = f"{outside.now:%Y-%m-%d}"
    dated: dict[str, JSON] = {"text": f"{day} {given['text']}", "picture": f"[Y0001]-[M01]-[D01] {given['picture']}"}
    return _plainly(text, dated)


def _names_a_date(picture: str) -> bool:
    return any(f"[{component}" in picture for component in "YXMxDdFWw")


def _shuffle(outside: Outside, *arguments: JSON) -> JSON:
    _most("shuffle", arguments, 1)
    if not arguments or arguments[0] is None:
        return None
    array = arguments[0]
    items = list(array) if isinstance(array, list) else [array]
    for last in range(len(items) - 1, 0, -1):
        other = outside.entropy.integer(last + 1)
        items[last], items[other] = items[other], items[last]
    return items


def _eval(_: Outside, *_arguments: JSON) -> JSON:
    raise Refused("T1006", "Attempted to invoke a non-function")


OWN: Mapping[str, Callable[..., Any]] = {
    "hash": _hash,
    "parse": _parse,
    "partition": _partition,
    "random": _random,
    "range": _range,
    "uuid": _uuid,
}
"""What Step Functions adds; ``$random`` takes a seed there."""

OVERRIDDEN: Mapping[str, Callable[..., Any]] = {
    "eval": _eval,
    "millis": _millis,
    "now": _now,
    "shuffle": _shuffle,
    "toMillis": _to_millis,
}
"""Built-ins that would read a clock, draw a number, or run text as code."""

FUNCTIONS: Mapping[str, Callable[..., Any]] = {**OWN, **OVERRIDDEN}

BUILT_IN: frozenset[str] = frozenset(
    [
        "abs",
        "append",
        "assert",
        "average",
        "base64decode",
        "base64encode",
        "boolean",
        "ceil",
        "clone",
        "contains",
        "count",
        "decodeUrl",
        "decodeUrlComponent",
        "distinct",
        "each",
        "encodeUrl",
        "encodeUrlComponent",
        "error",
        "exists",
        "filter",
        "floor",
        "formatBase",
        "formatInteger",
        "formatNumber",
        "fromMillis",
        "join",
        "keys",
        "length",
        "lookup",
        "lowercase",
        "map",
        "match",
        "max",
        "merge",
        "min",
        "not",
        "number",
        "pad",
        "parseInteger",
        "power",
        "reduce",
        "replace",
        "reverse",
        "round",
        "sift",
        "single",
        "sort",
        "split",
        "spread",
        "sqrt",
        "string",
        "substring",
        "substringAfter",
        "substringBefore",
        "sum",
        "trim",
        "type",
        "uppercase",
        "zip",
    ]
) | frozenset(FUNCTIONS)
"""The functions of JSONata and those of Step Functions: names that are no variables."""
