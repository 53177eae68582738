"""JSON values: their type, their canonical text, their size as the APIs count it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

# A JSON value. Recursive aliases cost mypy minutes on wide unions, so the element type is Any; every border
# that reads JSON checks what it needs.
JSON = None | bool | int | float | str | list[Any] | dict[str, Any]
JSONObject = dict[str, Any]


class BrokenJSON(ValueError):
    """The text is not JSON; the message says where."""


def loads(text: str | bytes) -> JSON:
    """Read JSON text.

    Raises:
        BrokenJSON: the text is not JSON (NaN and Infinity are not JSON).
    """
    try:
        value: JSON = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BrokenJSON(str(error)) from error
    return value


def dumps(value: Mapping[str, Any] | Sequence[Any] | JSON) -> str:
    """Write compact JSON text, keys in the order in which they stand."""
    return dumps_bytes(value).decode()


def dumps_bytes(value: Mapping[str, Any] | Sequence[Any] | JSON) -> bytes:
    """Write compact JSON as UTF-8.

    Raises:
        TypeError: the value is no JSON, or hundreds of levels deep.
    """
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError:
        return _deep(value)


def _deep(value: Any) -> bytes:
    """What orjson does not write: more than 254 levels, though it reads 1,024. What is no JSON is refused here as well."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except RecursionError as error:
        msg = "JSON of too many levels"
        raise TypeError(msg) from error


def canonical(value: JSON) -> str:
    """Text that is equal for equal values: compact, keys sorted."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def size_bytes(value: JSON) -> int:
    """The size of a value as UTF-8 JSON text, as payload limits count it."""
    return len(dumps_bytes(value))


def is_deeper(value: JSON, levels: int) -> bool:
    """Whether lists and objects lie inside each other more than so many levels deep."""
    here: list[Any] = [value]
    for _ in range(levels):
        here = [part for outer in here for part in _parts(outer)]
        if not here:
            return False
    return any(isinstance(part, dict | list) for part in here)


def _parts(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
