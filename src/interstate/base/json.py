"""JSON values: their type, their canonical text, their size as the APIs count it."""

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
    return orjson.dumps(value).decode()


def dumps_bytes(value: Mapping[str, Any] | Sequence[Any] | JSON) -> bytes:
    """Write compact JSON as UTF-8."""
    return orjson.dumps(value)


def canonical(value: JSON) -> str:
    """Text that is equal for equal values: compact, keys sorted."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()


def size_bytes(value: JSON) -> int:
    """The size of a value as UTF-8 JSON text, as payload limits count it."""
    return len(orjson.dumps(value))
