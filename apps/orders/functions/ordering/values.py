"""DynamoDB's typed values from plain Python ones, and back.

Only the types that an order holds: text, whole and decimal numbers, booleans, null, lists, maps. boto3's own serializer does the
same, but refuses floats and brings ``boto3.dynamodb`` into every cold start.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

Plain = dict[str, Any]
Typed = dict[str, Any]


def to_value(value: Any) -> Typed:
    """``{"S": "x"}`` for ``"x"``; a float goes by its shortest decimal text, as JSON had it.

    Raises:
        TypeError: a value of a type that an order never holds.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | float() | Decimal():
            return {"N": str(value)}
        case Mapping():
            return {"M": {name: to_value(member) for name, member in value.items()}}
        case list() | tuple():
            return {"L": [to_value(member) for member in value]}
        case _:
            raise TypeError(f"{type(value).__name__} is no value of an order")


def from_value(typed: Mapping[str, Any]) -> Any:
    """The plain value; whole numbers come back as ``int``, others as ``Decimal``."""
    ((kind, value),) = typed.items()
    match kind:
        case "S" | "BOOL":
            return value
        case "N":
            number = Decimal(value)
            return int(number) if number == number.to_integral_value() else number
        case "NULL":
            return None
        case "M":
            return from_item(value)
        case "L":
            return [from_value(member) for member in value]
        case "SS":
            return sorted(value)
        case _:
            raise TypeError(f"{kind} is no type of an order's value")


def to_item(plain: Mapping[str, Any]) -> Typed:
    return {name: to_value(value) for name, value in plain.items()}


def from_item(typed: Mapping[str, Any]) -> Plain:
    return {name: from_value(value) for name, value in typed.items()}


def to_json(value: Any) -> Any:
    """The same with ``Decimal`` as a JSON number, for events, answers and logs."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case Mapping():
            return {name: to_json(member) for name, member in value.items()}
        case list() | tuple():
            return [to_json(member) for member in value]
        case _:
            return value
