"""The parameters that came before expressions, read into the same trees.

``Expected``, ``QueryFilter``, ``ScanFilter`` and ``KeyConditions`` become conditions, ``AttributeUpdates`` an update,
``AttributesToGet`` a projection; their attribute names are whole names, never paths.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html
"""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from interstate.core.tables import numbers
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.expressions.condition import CompiledCondition, Values, tested
from interstate.core.tables.expressions.paths import Parts, PathTree
from interstate.core.tables.expressions.projection import CompiledProjection
from interstate.core.tables.expressions.tree import (
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Junction,
    Not,
    Path,
    ValueName,
)
from interstate.core.tables.expressions.update import CompiledUpdate, Outcome
from interstate.core.tables.values import Item, Value, checked, kind_of

_COMPARED = {"EQ": "=", "NE": "<>", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">"}
_SCALARS = ("S", "N", "B")
_ALL = ("S", "N", "B", "SS", "NS", "BS", "BOOL", "NULL", "L", "M")
# Comparison -> the types that its arguments may have.
_TAKES: Mapping[str, tuple[str, ...]] = {
    "EQ": _ALL, "NE": _ALL, "IN": _SCALARS, "LE": _SCALARS, "LT": _SCALARS, "GE": _SCALARS, "GT": _SCALARS,
    "BETWEEN": _SCALARS, "CONTAINS": (*_SCALARS, "BOOL", "NULL"), "NOT_CONTAINS": (*_SCALARS, "BOOL", "NULL"),
    "BEGINS_WITH": ("S", "B"), "NOT_NULL": (), "NULL": (),
}  # fmt: skip
_SETS = ("SS", "NS", "BS")


class Wanted(msgspec.Struct, frozen=True, rename="pascal"):
    """A condition on one attribute, as filters and ``KeyConditions`` give it."""

    comparison_operator: str
    attribute_value_list: list[dict[str, Any]] | None = None


class Expected(msgspec.Struct, frozen=True, rename="pascal"):
    """A condition on one attribute, as ``Expected`` gives it."""

    value: dict[str, Any] | None = None
    exists: bool | None = None
    comparison_operator: str | None = None
    attribute_value_list: list[dict[str, Any]] | None = None


class AttributeUpdate(msgspec.Struct, frozen=True, rename="pascal"):
    """A change of one attribute."""

    value: dict[str, Any] | None = None
    action: str = "PUT"


class LegacyCondition(msgspec.Struct, frozen=True):
    """A condition and the values that it names."""

    condition: CompiledCondition
    values: Mapping[str, Value]


def check_not_mixed(expressions: Mapping[str, object], others: Mapping[str, object]) -> None:
    """Refuse a request with both expressions and what came before them.

    Raises:
        InvalidInput: naming both.
    """
    old = [name for name, value in others.items() if value is not None]
    new = [name for name, value in expressions.items() if value is not None]
    if old and new:
        raise InvalidInput(
            "Can not use both expression and non-expression parameters in the same request: "
            f"Non-expression parameters: {{{', '.join(old)}}} Expression parameters: {{{', '.join(new)}}}"
        )


def check_operator(operator: str | None, conditions: Mapping[str, object] | None) -> None:
    """Refuse a ``ConditionalOperator`` that joins nothing.

    Raises:
        InvalidInput: there are no conditions, or only one.
    """
    if operator is None:
        return
    if not conditions:
        raise InvalidInput("ConditionalOperator cannot be used without Filter or Expected")
    if len(conditions) == 1:
        raise InvalidInput("ConditionalOperator can only be used when Filter or Expected has two or more elements")


# Conditions --------------------------------------------------------------------------------------------------------


def expected_condition(wanted: Mapping[str, Expected], operator: str | None) -> LegacyCondition | None:
    """What ``Expected`` asks of an item; None when it asks nothing.

    Raises:
        InvalidInput: the parts of a condition do not fit each other.
    """
    check_operator(operator, wanted)
    found = {name: _of_expected(name, one) for name, one in wanted.items()}
    return _joined(found, operator)


def _of_expected(name: str, one: Expected) -> Wanted:
    if one.attribute_value_list is not None and one.value is not None:
        raise InvalidParameters(f"Value and AttributeValueList cannot be used together for Attribute: {name}")
    comparison = one.comparison_operator
    if comparison is not None:
        return _of_comparison(name, one, comparison)
    if one.attribute_value_list is not None:
        raise InvalidParameters(f"AttributeValueList can only be used with a ComparisonOperator for Attribute: {name}")
    if one.exists is False:
        if one.value is not None:
            raise InvalidParameters(f"Value cannot be used when Exists is false for Attribute: {name}")
        return Wanted("NULL")
    if one.value is None:
        shown = "null" if one.exists is None else "true"
        raise InvalidParameters(f"Value must be provided when Exists is {shown} for Attribute: {name}")
    return Wanted("EQ", [one.value])


def _of_comparison(name: str, one: Expected, comparison: str) -> Wanted:
    if one.exists is not None:
        raise InvalidParameters(f"Exists and ComparisonOperator cannot be used together for Attribute: {name}")
    values = one.attribute_value_list if one.value is None else [one.value]
    if values is None and comparison not in ("NULL", "NOT_NULL"):
        raise InvalidParameters(
            f"Value or AttributeValueList must be used with ComparisonOperator: {comparison} for Attribute: {name}"
        )
    return Wanted(comparison, values)


def filter_condition(wanted: Mapping[str, Wanted], operator: str | None = None) -> LegacyCondition | None:
    """What ``QueryFilter``, ``ScanFilter`` or ``KeyConditions`` ask of an item; None when they ask nothing.

    Raises:
        InvalidInput: a comparison's arguments.
    """
    return _joined(wanted, operator)


def _joined(wanted: Mapping[str, Wanted], operator: str | None) -> LegacyCondition | None:
    if not wanted:
        return None
    names: dict[str, str] = {}
    values: dict[str, Value] = {}
    conditions: list[Condition] = []
    for place, (name, one) in enumerate(wanted.items()):
        names[f"#{place}"] = name
        given = checked_arguments(one)
        places = [ValueName(f":{place}.{number}") for number in range(len(given))]
        values.update(zip((value.name for value in places), given, strict=True))
        conditions.append(_condition(one.comparison_operator, Path((f"#{place}",)), places))
    tree = conditions[0] if len(conditions) == 1 else Junction(operator or "AND", tuple(conditions))
    return LegacyCondition(tested(tree, names), values)


def checked_arguments(one: Wanted) -> list[Value]:
    """The values that a comparison is given, in canonical form.

    Raises:
        InvalidInput: their number or types.
    """
    comparison = one.comparison_operator
    given = [checked(value)[0] for value in one.attribute_value_list or ()]
    count = len(given)
    match comparison:
        case "NULL" | "NOT_NULL":
            fine = count == 0
        case "BETWEEN":
            fine = count == 2
        case "IN":
            fine = count > 0
        case _:
            fine = count == 1
    if not fine:
        raise InvalidParameters(f"Invalid number of argument(s) for the {comparison} ComparisonOperator")
    for value in given:
        if kind_of(value) not in _TAKES[comparison]:
            raise InvalidParameters(
                f"ComparisonOperator {comparison} is not valid for {kind_of(value)} AttributeValue type"
            )
    if len({kind_of(value) for value in given}) > 1:
        raise InvalidParameters("AttributeValues inside AttributeValueList must be of same type")
    if comparison == "BETWEEN" and _order(given[0]) > _order(given[1]):
        raise InvalidInput(
            "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound"
        )
    return given


def _order(value: Value) -> Any:
    kind = kind_of(value)
    return Decimal(value[kind]) if kind == "N" else value[kind]


def _condition(comparison: str, path: Path, values: Sequence[ValueName]) -> Condition:
    match comparison:
        case "NULL":
            return Call("attribute_not_exists", (path,))
        case "NOT_NULL":
            return Call("attribute_exists", (path,))
        case "BETWEEN":
            return Between(path, *values)
        case "IN":
            return In(path, tuple(values))
        case "CONTAINS":
            return Call("contains", (path, values[0]))
        case "NOT_CONTAINS":  # What is not there contains nothing, and yet this does not hold.
            part = Not(Call("contains", (path, values[0])))
            return Junction("AND", (Call("attribute_exists", (path,)), part))
        case "BEGINS_WITH":
            return Call("begins_with", (path, values[0]))
        case _:
            return Comparison(_COMPARED[comparison], path, values[0])


# Projection --------------------------------------------------------------------------------------------------------


def projection_of_names(names: Sequence[str]) -> CompiledProjection:
    """What ``AttributesToGet`` asks for.

    Raises:
        InvalidInput: a name comes twice.
    """
    tree = PathTree()
    for place, name in enumerate(names):
        if name in names[:place]:
            raise InvalidParameters(f"Duplicate value in attribute name: {name}")
        tree.add("AttributesToGet", (name,))
    return CompiledProjection(tree, frozenset(), frozenset())


# Update ------------------------------------------------------------------------------------------------------------


class TypeMismatch(InvalidInput):
    """ADD or DELETE meets an attribute of another type."""

    def __init__(self) -> None:
        super().__init__("Type mismatch for attribute to update")


def update_of(changes: Mapping[str, AttributeUpdate]) -> CompiledUpdate | None:
    """What ``AttributeUpdates`` does to an item; None when it does nothing.

    Raises:
        InvalidInput: an action does not fit its value.
    """
    if not changes:
        return None
    outcomes: dict[Parts, Outcome] = {(name,): _outcome(name, one) for name, one in changes.items()}
    return CompiledUpdate(
        outcomes=outcomes,
        tree=_tree(changes),
        names=frozenset(),
        values=frozenset(),
        heads=frozenset(changes),
        nested=frozenset(),
        creates=any(one.action != "DELETE" for one in changes.values()),
        checks=(),
    )


def _tree(names: Iterable[str]) -> PathTree:
    tree = PathTree()
    for name in names:
        tree.add("AttributeUpdates", (name,))
    return tree


def _outcome(name: str, one: AttributeUpdate) -> Outcome:
    if one.value is None:
        if one.action != "DELETE":
            raise InvalidParameters("Only DELETE action is allowed when no attribute value is specified")
        return lambda _item, _values: None
    value = checked(one.value)[0]
    kind = kind_of(value)
    if one.action == "PUT":
        return lambda _item, _values: value
    allowed = _SETS if one.action == "DELETE" else (*_SETS, "N", "L")
    if kind not in allowed:
        what = "action with value is" if one.action == "DELETE" else "action is"
        raise InvalidParameters(f"{one.action} {what} not supported for the type {kind}")
    return (_less if one.action == "DELETE" else _more)(name, kind, value[kind])


def _more(name: str, kind: str, added: Any) -> Outcome:
    def outcome(item: Item, _values: Values) -> Value:
        before = item.get(name)
        if before is None:
            return {kind: added}
        if kind not in before:
            raise TypeMismatch
        if kind == "N":
            return {"N": numbers.add(before["N"], added)}
        if kind == "L":
            return {"L": before["L"] + added}
        return {kind: list(dict.fromkeys((*before[kind], *added)))}

    return outcome


def _less(name: str, kind: str, gone: Any) -> Outcome:
    def outcome(item: Item, _values: Values) -> Value | None:
        before = item.get(name)
        if before is None:
            return None
        if kind not in before:
            raise TypeMismatch
        left = [member for member in before[kind] if member not in gone]
        return {kind: left} if left else None

    return outcome
