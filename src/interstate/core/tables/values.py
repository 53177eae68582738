"""Attribute values: ``{"S": "abc"}``, checked, in canonical form, and measured as DynamoDB measures them.

Values keep the shape that the API gives them: a mapping of one member, the type's name, to its content. Numbers are
canonical text, binaries are bytes. A value is never changed in place.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_AttributeValue.html
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (sizes)
"""

from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from interstate.core.tables import numbers
from interstate.core.tables.errors import InvalidInput, InvalidParameters

Value = dict[str, Any]
Item = dict[str, Value]

ITEM_BYTES_MAX = 400 * 1024
"""Source: DynamoDB quotas, item size."""
DEPTH_MAX = 32
"""Source: DynamoDB quotas, nested attribute depth."""

TYPES = ("S", "N", "B", "NULL", "BOOL", "SS", "NS", "BS", "L", "M")


def checked_item(item: Mapping[str, Value]) -> tuple[Item, int]:
    """The item with canonical values, and its size.

    Raises:
        InvalidInput: an attribute is not a value.
    """
    answer: Item = {}
    total = 0
    for name, value in item.items():
        if len(value) == 1 and (text := value.get("S")) is not None:  # What most are.
            answer[name], size = value, len(text) if text.isascii() else len(text.encode())
        else:
            answer[name], size = checked(value)
        total += size + (len(name) if name.isascii() else len(name.encode()))
    return answer, total


def checked(value: Value, depth: int = 0) -> tuple[Value, int]:
    """The value in canonical form, and its size.

    Raises:
        InvalidInput: it has no type or two, or content that its type cannot have.
    """
    if len(value) == 1:
        for kind, content in value.items():
            if kind == "S":
                return value, len(content) if content.isascii() else len(content.encode())
            if kind == "N":
                number = numbers.canonical(content)
                return (value if number is content else {"N": number}), numbers.size_bytes(number)
            if (check := _CHECKS.get(kind)) is not None:
                return check(value, content, depth)
    known = {kind: content for kind, content in value.items() if kind in TYPES}  # Others are let pass, as everywhere.
    if not known:
        raise InvalidInput("Supplied AttributeValue is empty, must contain exactly one of the supported datatypes")
    if len(known) == 1:
        return checked(known, depth)
    for kind, content in known.items():
        checked({kind: content}, depth)
    raise InvalidInput(
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes"
    )


def _binary(value: Value, content: Any, _depth: int) -> tuple[Value, int]:
    if isinstance(content, str):  # A workflow's state has no bytes: there a binary is base64.
        content = _decoded(content)
        return {"B": content}, len(content)
    return value, len(content)


def _decoded(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except ValueError as error:
        raise InvalidInput("Invalid base64 in a Binary attribute value") from error


def _null(value: Value, content: Any, _depth: int) -> tuple[Value, int]:
    if content is not True:
        raise InvalidParameters("Null attribute value types must have the value of true")
    return value, 1


def _boolean(value: Value, _content: Any, _depth: int) -> tuple[Value, int]:
    return value, 1


def _strings(value: Value, content: Any, _depth: int) -> tuple[Value, int]:
    if not content:
        raise InvalidParameters("An string set  may not be empty")
    if len(set(content)) < len(content):
        raise InvalidParameters(f"Input collection [{', '.join(content)}] contains duplicates.")
    return value, sum(map(text_bytes, content))


def _numbers(_value: Value, content: Any, _depth: int) -> tuple[Value, int]:
    if not content:
        raise InvalidParameters("An number set  may not be empty")
    members = [numbers.canonical(text) for text in content]
    if len(set(members)) < len(members):
        raise InvalidInput("Input collection contains duplicates")
    return {"NS": members}, sum(map(numbers.size_bytes, members))


def _binaries(_value: Value, content: Any, _depth: int) -> tuple[Value, int]:
    if not content:
        raise InvalidParameters("Binary sets should not be empty")
    members = [_decoded(part) if isinstance(part, str) else part for part in content]
    if len(set(members)) < len(members):
        shown = ", ".join(b64encode(part).decode() for part in members)
        raise InvalidParameters(f"Input collection [{shown}]of type BS contains duplicates.")
    return {"BS": members}, sum(map(len, members))


def _list(_value: Value, content: Any, depth: int) -> tuple[Value, int]:
    _check_depth(depth)
    elements = []
    total = 3
    for element in content:
        fine, size = checked(element, depth + 1)
        elements.append(fine)
        total += size + 1
    return {"L": elements}, total


def _map(_value: Value, content: Any, depth: int) -> tuple[Value, int]:
    _check_depth(depth)
    members = {}
    total = 3
    for name, member in content.items():
        members[name], size = checked(member, depth + 1)
        total += size + text_bytes(name) + 1
    return {"M": members}, total


def _check_depth(depth: int) -> None:
    if depth >= DEPTH_MAX:
        raise InvalidParameters("Nesting Levels have exceeded supported limits")


_CHECKS: Mapping[str, Callable[[Value, Any, int], tuple[Value, int]]] = {
    "B": _binary, "NULL": _null, "BOOL": _boolean, "SS": _strings, "NS": _numbers, "BS": _binaries,
    "L": _list, "M": _map, "S": lambda value, content, _depth: (value, text_bytes(content)),
}  # fmt: skip


def kind_of(value: Value) -> str:
    """The type's name: ``S``, ``N``, ..."""
    return next(iter(value))


def text_bytes(text: str) -> int:
    """The length of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())


def item_bytes(item: Item) -> int:
    """The size of an item whose values were checked before."""
    return sum(value_bytes(value) + text_bytes(name) for name, value in item.items())


def value_bytes(value: Value) -> int:
    """The size of a value that was checked before."""
    for kind, content in value.items():
        match kind:
            case "S":
                return text_bytes(content)
            case "N":
                return numbers.size_bytes(content)
            case "M":
                return 3 + sum(value_bytes(part) + text_bytes(name) + 1 for name, part in content.items())
            case "L":
                return 3 + sum(value_bytes(part) + 1 for part in content)
            case _:
                return _SIZES[kind](content)
    msg = f"no value: {value}"
    raise AssertionError(msg)


def _sum_of(measure: Callable[[Any], int]) -> Callable[[Iterable[Any]], int]:
    return lambda members: sum(map(measure, members))


_SIZES: Mapping[str, Callable[[Any], int]] = {
    "B": len, "NULL": lambda _: 1, "BOOL": lambda _: 1, "SS": _sum_of(text_bytes),
    "NS": _sum_of(numbers.size_bytes), "BS": _sum_of(len),
}  # fmt: skip


def same(left: Value, right: Value) -> bool:
    """Whether two checked values are equal; the order of a set's members does not count."""
    if left == right:
        return True
    kind = kind_of(left)
    if kind != kind_of(right):
        return False
    mine, other = left[kind], right[kind]
    match kind:
        case "SS" | "NS" | "BS":
            return set(mine) == set(other)
        case "L":
            return len(mine) == len(other) and all(map(same, mine, other))
        case "M":
            return mine.keys() == other.keys() and all(same(mine[name], other[name]) for name in mine)
        case _:
            return False
