"""Which types the operators and functions of conditions take, checked against each request's values.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, assert_never

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.tree import Between, Call, Comparison, In, Operand, Path, ValueName
from interstate.core.tables.values import TYPES, Value, kind_of

TypeCheck = Callable[[Mapping[str, Value]], None]

_ORDERED_TYPES = ("S", "N", "B")
_NO_SIZE = ("N", "BOOL", "NULL")
# Operator or function -> the types that it takes.
_TAKES: Mapping[str, tuple[str, ...]] = {
    "<": _ORDERED_TYPES,
    "<=": _ORDERED_TYPES,
    ">": _ORDERED_TYPES,
    ">=": _ORDERED_TYPES,
    "BETWEEN": _ORDERED_TYPES,
    "begins_with": ("S", "B"),
    "size": tuple(kind for kind in TYPES if kind not in _NO_SIZE),
}


def type_checks(kind: str, clause: Comparison | Between | In | Call) -> Iterator[TypeCheck]:
    """The checks of one clause, innermost first."""
    match clause:
        case Comparison(sign, left, right):
            yield from _sizes(kind, (left, right))
            if sign in _TAKES:
                yield from _taken(kind, sign, (left, right))
        case Between(operand, low, high):
            yield from _sizes(kind, (operand, low, high))
            yield from _taken(kind, "BETWEEN", (operand, low, high))
            if isinstance(low, ValueName) and isinstance(high, ValueName):
                yield _bounds(kind, low.name, high.name)
        case In(operand, options):
            yield from _sizes(kind, (operand, *options))
        case Call(function, operands):
            yield from _sizes(kind, operands)
            yield from _of_function(kind, function, operands)
        case _:
            assert_never(clause)


def _of_function(kind: str, function: str, operands: tuple[Operand, ...]) -> Iterator[TypeCheck]:
    if function in ("attribute_exists", "attribute_not_exists") and not isinstance(operands[0], Path):
        yield _refusal(kind, f"Operator or function requires a document path; operator or function: {function}")
    elif function == "begins_with":
        yield from _taken(kind, function, operands)
    elif function == "attribute_type":
        yield _type_name(kind, operands[1])


def _refusal(kind: str, fault: str) -> TypeCheck:
    def refuse(_values: Mapping[str, Value]) -> None:
        raise InvalidExpression(kind, fault)

    return refuse


def _wrong_type(kind: str, function: str, found: str) -> InvalidExpression:
    return InvalidExpression(
        kind,
        f"Incorrect operand type for operator or function; operator or function: {function}, operand type: {found}",
    )


def _sizes(kind: str, operands: tuple[Operand, ...]) -> Iterator[TypeCheck]:
    for operand in operands:
        if isinstance(operand, Call):
            yield from _sizes(kind, operand.operands)
            yield from _taken(kind, "size", operand.operands)


def _taken(kind: str, function: str, operands: tuple[Operand, ...]) -> Iterator[TypeCheck]:
    """Each operand that is a value, or a size (a number), must be of a type that the function takes."""
    for operand in operands:
        if isinstance(operand, Call) and "N" not in _TAKES[function]:
            yield _refusal(kind, _wrong_type(kind, function, "N").fault)
        elif isinstance(operand, ValueName):
            yield _value_taken(kind, function, operand.name)


def _value_taken(kind: str, function: str, name: str) -> TypeCheck:
    takes = _TAKES[function]

    def check(values: Mapping[str, Value]) -> None:
        found = kind_of(values[name])
        if found not in takes:
            raise _wrong_type(kind, function, found)

    return check


def _type_name(kind: str, operand: Operand) -> TypeCheck:
    if isinstance(operand, Call):
        return _refusal(kind, _wrong_type(kind, "attribute_type", "N").fault)
    if not isinstance(operand, ValueName):
        return _refusal(kind, _wrong_type(kind, "attribute_type", "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}").fault)
    name = operand.name

    def check(values: Mapping[str, Value]) -> None:
        found = values[name].get("S")
        if found is None:
            raise _wrong_type(kind, "attribute_type", kind_of(values[name]))
        if found not in TYPES:
            raise InvalidExpression(
                kind,
                f"Invalid attribute type name found; type: {found}, valid types: {{B,NULL,SS,BOOL,L,BS,N,NS,S,M}}",
            )

    return check


def _bounds(kind: str, low: str, high: str) -> TypeCheck:
    def check(values: Mapping[str, Value]) -> None:
        least, most = values[low], values[high]
        if kind_of(least) != kind_of(most):
            raise InvalidExpression(
                kind,
                "The BETWEEN operator requires same data type for lower and upper bounds; " + _shown(least, most),
            )
        if _key(least) > _key(most):
            raise InvalidExpression(
                kind,
                "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
                + _shown(least, most),
            )

    return check


def _key(value: Value) -> Any:
    kind = kind_of(value)
    return Decimal(value[kind]) if kind == "N" else value[kind]


def _shown(low: Value, high: Value) -> str:
    return f"lower bound operand: AttributeValue: {_text(low)}, upper bound operand: AttributeValue: {_text(high)}"


def _text(value: Value) -> str:
    kind = kind_of(value)
    content = value[kind]
    return f"{{{kind}:{b64encode(content).decode() if isinstance(content, bytes) else content}}}"
