"""Choice rules, compiled into predicates.

A comparison whose variable has another type than the operator compares is false, not an error; a variable or a reference
value that is not there is an error, except for ``IsPresent``.

Source: https://states-language.net/#choice-state and
https://docs.aws.amazon.com/step-functions/latest/dg/state-choice.html
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from interstate.base.json import JSON, JSONObject
from interstate.base.time import parse_iso
from interstate.core.asl.errors import RUNTIME, InvalidField, StateFailed
from interstate.core.jsonpath.path import ContextObject, InvalidPath, NoSuchPath, Path, compile_path

Matches = Callable[[JSON, ContextObject], bool]
_Read = Callable[[JSON], Any]  # The value as the operator compares it; None when it has another type.


@dataclass(frozen=True, slots=True)
class Rule:
    """``matches(data, context)`` tells whether the rule holds; it raises StateFailed when a path leads nowhere."""

    matches: Matches


def compile_rule(rule: JSON, place: str) -> Rule:
    """Compile one element of ``Choices``, or a rule inside ``And``, ``Or``, ``Not``. ``Next`` and its like are left to the caller.

    Raises:
        InvalidField: the rule says something that the language does not know.
    """
    if not isinstance(rule, dict):
        raise InvalidField("Expected value of type Object", place)
    return Rule(_matches(rule, place))


# Types -----------------------------------------------------------------------------------------------------------


def _boolean(value: JSON) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: JSON) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def _string(value: JSON) -> str | None:
    return value if isinstance(value, str) else None


def _instant(value: JSON) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        return parse_iso(value)
    except ValueError:
        return None


def _collated(value: JSON) -> str | bytes | None:
    """A string in the order of its UTF-16 code units, in which Step Functions compares strings."""
    if not isinstance(value, str) or value.isascii():
        return _string(value)
    return value.encode("utf-16-be", "surrogatepass")


def _less(left: Any, right: Any) -> bool:
    if type(left) is not type(right) and isinstance(left, str | bytes):
        left, right = (side.encode("utf-16-be") if isinstance(side, str) else side for side in (left, right))
    return bool(left < right)


def _not_less(left: Any, right: Any) -> bool:
    return not _less(left, right)


def _greater(left: Any, right: Any) -> bool:
    return _less(right, left)


def _not_greater(left: Any, right: Any) -> bool:
    return not _less(right, left)


# Tables ----------------------------------------------------------------------------------------------------------

_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {
    "Equals": operator.eq,
    "LessThan": _less,
    "GreaterThan": _greater,
    "LessThanEquals": _not_greater,
    "GreaterThanEquals": _not_less,
}

_COMPARED: Mapping[str, tuple[_Read, str]] = {
    "String": (_collated, "Expected value of type String"),
    "Numeric": (_number, "Expected value of type Number"),
    "Timestamp": (_instant, "String does not match RFC3339 timestamp"),
}

# Operator -> how both sides are read, how they are compared, what is wrong with a literal that cannot be read.
COMPARISONS: Mapping[str, tuple[_Read, Callable[[Any, Any], bool], str]] = {
    "BooleanEquals": (_boolean, operator.eq, "Expected value of type Boolean"),
    **{
        kind + order: (read, compare, fault)
        for kind, (read, fault) in _COMPARED.items()
        for order, compare in _ORDERS.items()
    },
}

# Operator -> whether a value is of the type; the literal says whether that is wanted.
TESTS: Mapping[str, Callable[[JSON], bool]] = {
    "IsBoolean": lambda value: isinstance(value, bool),
    "IsNull": lambda value: value is None,
    "IsNumeric": lambda value: _number(value) is not None,
    "IsString": lambda value: isinstance(value, str),
    "IsTimestamp": lambda value: _instant(value) is not None,
}

OPERATORS = frozenset(
    {"And", "Or", "Not", "IsPresent", "StringMatches", *TESTS, *COMPARISONS, *(f"{name}Path" for name in COMPARISONS)}
)

# Compiling -------------------------------------------------------------------------------------------------------


_KINDS = ("And", "Or", "Not", "Variable", "Condition")
_COMBINED = frozenset({"And", "Or", "Not"})


def _matches(rule: JSONObject, place: str, *, nested: bool = False) -> Matches:
    name = _operator_of(rule, place, nested=nested)
    operand, here = rule[name], f"{place}/{name}"
    match name:
        case "And" | "Or":
            return _combined(name, operand, here)
        case "Not":
            if not isinstance(operand, dict):
                raise InvalidField("Expected value of type Object", here)
            inner = _matches(operand, here, nested=True)
            return lambda data, context: not inner(data, context)
    variable = _path(rule.get("Variable"), f"{place}/Variable")
    if name == "IsPresent":
        return _presence(variable, wanted=_literal(_boolean, operand, "Expected value of type Boolean", here))
    read_variable = _required(variable)
    if name in TESTS:
        return _tested(
            read_variable, TESTS[name], wanted=_literal(_boolean, operand, "Expected value of type Boolean", here)
        )
    if name == "StringMatches":
        pattern = _pattern(_literal(_string, operand, "Expected value of type String", here))
        return lambda data, context: (
            isinstance(value := read_variable(data, context), str) and pattern(value) is not None
        )
    if name.endswith("Path"):
        return _compared_to_path(read_variable, name.removesuffix("Path"), _required(_path(operand, here)))
    return _compared(read_variable, name, operand, here)


def _operator_of(rule: JSONObject, place: str, *, nested: bool) -> str:
    """The one operator of a rule; rules inside others lead nowhere and assign nothing."""
    for field in ("Next", "Assign") if nested else ():
        if field in rule:
            raise InvalidField(f"Field '{field}' is not supported", place)
    if sum(kind in rule for kind in _KINDS) != 1:
        raise InvalidField(f"The object must have only one of the following fields, [{', '.join(_KINDS)}]", place)
    operators = [name for name in rule if name in OPERATORS]
    if len(operators) == 1:
        return operators[0]
    names = ", ".join(sorted(OPERATORS - _COMBINED))
    if operators:
        raise InvalidField(f"There should only be one of the following fields: [{names}]", place)
    raise InvalidField(f"This object should have only one of the following fields: [{names}]", place)


def _combined(name: str, rules: JSON, place: str) -> Matches:
    if not isinstance(rules, list) or not rules:
        raise InvalidField("Value cannot be empty", place)
    parts = [_nested(rule, f"{place}[{index}]") for index, rule in enumerate(rules)]
    if name == "And":
        return lambda data, context: all(part(data, context) for part in parts)
    return lambda data, context: any(part(data, context) for part in parts)


def _nested(rule: JSON, place: str) -> Matches:
    if not isinstance(rule, dict):
        raise InvalidField("Expected value of type Object", place)
    return _matches(rule, place, nested=True)


def _path(text: JSON, place: str) -> Path:
    if not isinstance(text, str):
        raise InvalidField("Expected value of type String", place)
    try:
        path = compile_path(text)
    except InvalidPath as error:
        raise InvalidField(f"Value is not a Reference Path: {error.reason}", place) from error
    if not path.is_reference:
        raise InvalidField("Value is not a Reference Path: it can find more than one node", place)
    return path


def _literal(read: _Read, operand: JSON, fault: str, place: str) -> Any:
    value = read(operand)
    if value is None:
        raise InvalidField(fault, place)
    return value


def _required(path: Path) -> Callable[[JSON, ContextObject], JSON]:
    """What is at the path; the state fails when there is nothing."""
    select, text = path.select, path.text

    def read(data: JSON, context: ContextObject) -> JSON:
        try:
            return select(data, context)
        except NoSuchPath as error:
            raise StateFailed(
                RUNTIME, f"Invalid path '{text}': The choice state's condition path references an invalid value."
            ) from error

    return read


def _presence(path: Path, *, wanted: bool) -> Matches:
    def matches(data: JSON, context: ContextObject) -> bool:
        try:
            path.select(data, context)
        except NoSuchPath:
            return not wanted
        return wanted

    return matches


def _tested(variable: Callable[[JSON, ContextObject], JSON], test: Callable[[JSON], bool], *, wanted: bool) -> Matches:
    return lambda data, context: test(variable(data, context)) is wanted


def _compared(variable: Callable[[JSON, ContextObject], JSON], name: str, operand: JSON, place: str) -> Matches:
    read, compare, fault = COMPARISONS[name]
    right = _literal(read, operand, fault, place)

    def matches(data: JSON, context: ContextObject) -> bool:
        left = read(variable(data, context))
        return left is not None and compare(left, right)

    return matches


def _compared_to_path(
    variable: Callable[[JSON, ContextObject], JSON], name: str, reference: Callable[[JSON, ContextObject], JSON]
) -> Matches:
    read, compare, _ = COMPARISONS[name]

    def matches(data: JSON, context: ContextObject) -> bool:
        left, right = read(variable(data, context)), read(reference(data, context))
        return left is not None and right is not None and compare(left, right)

    return matches


_WILDCARD = re.compile(r"\\([\\*])|(\*)", re.DOTALL)


def _pattern(text: str) -> Callable[[str], re.Match[str] | None]:
    r"""``*`` stands for any characters; ``\*`` and ``\\`` for themselves."""
    pieces, start = [], 0
    for match in _WILDCARD.finditer(text):
        pieces += [re.escape(text[start : match.start()]), ".*" if match[2] else re.escape(match[1])]
        start = match.end()
    return re.compile("".join(pieces) + re.escape(text[start:]), re.DOTALL).fullmatch
