"""Condition and filter expressions, compiled to functions of an item and the expression's values.

Theory of operation
-------------------
Handlers send the same text again and again, with other values. A text is therefore parsed, checked and compiled once
for the names that it uses (a bounded cache); what depends on the values' types is kept as checks that each call runs.

DynamoDB reports, of several faults, the first in this order: syntax, doubled parentheses, unknown functions, misplaced
functions, reserved words; then names and values that are not defined, numbers of operands, equal operands, types.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Expressions.OperatorsAndFunctions.html
"""

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, assert_never

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.operand_checks import TypeCheck, type_checks
from interstate.core.tables.expressions.parser import parse_condition
from interstate.core.tables.expressions.paths import (
    Names,
    Parts,
    check_reserved,
    placeholders,
    resolved,
    value_at,
)
from interstate.core.tables.expressions.tree import (
    Arithmetic,
    Between,
    Call,
    Comparison,
    Condition,
    In,
    Junction,
    Not,
    Operand,
    Path,
    ValueName,
    listed,
)
from interstate.core.tables.values import Item, Value, kind_of, same

Values = Mapping[str, Value]
Test = Callable[[Item, Values], bool]
Read = Callable[[Item, Values], Value | None]

OPERATORS_MAX = 300
IN_OPTIONS_MAX = 100
"""Source: DynamoDB quotas, expression parameters."""
COMPILED_MAX = 2048

# Function -> number of operands.
FUNCTIONS: Mapping[str, int] = {
    "attribute_exists": 1,
    "attribute_not_exists": 1,
    "attribute_type": 2,
    "begins_with": 2,
    "contains": 2,
    "size": 1,
}
UPDATE_FUNCTIONS: Mapping[str, int] = {"if_not_exists": 2, "list_append": 2}


@dataclass(frozen=True, slots=True, eq=False)
class CompiledCondition:
    """A checked condition. ``heads`` are the attributes that it looks at, ``nested`` those that it looks into."""

    tree: Condition
    test: Test
    names: frozenset[str]
    values: frozenset[str]
    heads: frozenset[str]
    nested: frozenset[str]
    checks: tuple[TypeCheck, ...]

    def check(self, values: Values) -> None:
        """Refuse values of types that the operators cannot take.

        Raises:
            InvalidExpression: with the first fault.
        """
        for check in self.checks:
            check(values)


def compile_condition(kind: str, text: str, names: Names, values: Values) -> CompiledCondition:
    """The compiled expression; ``kind`` is the request's parameter (``ConditionExpression``).

    Raises:
        InvalidExpression: in any of DynamoDB's ways.
    """
    compiled = _compiled(kind, text, tuple(names.items()), tuple(values))
    compiled.check(values)
    return compiled


@lru_cache(COMPILED_MAX)
def _compiled(kind: str, text: str, names: tuple[tuple[str, str], ...], values: tuple[str, ...]) -> CompiledCondition:
    parsed = parse_condition(kind, text)
    tree = parsed.condition
    if parsed.redundant:
        raise InvalidExpression(kind, "The expression has redundant parentheses;")
    clauses = tuple(clauses_of(tree))
    _check_functions(kind, clauses)
    paths = [path for clause in clauses for path in paths_of(clause)]
    check_reserved(kind, paths)
    known = dict(names)
    for clause in clauses:
        _check_clause(kind, clause, known, frozenset(values))
    _check_limits(kind, clauses)
    found = [resolved(kind, path, known) for path in paths]
    return CompiledCondition(
        tree=tree,
        test=_Compiler(kind, known).test(tree),
        names=placeholders(paths),
        values=frozenset(name for clause in clauses for name in value_names_of(clause)),
        heads=frozenset(str(parts[0]) for parts in found),
        nested=frozenset(str(parts[0]) for parts in found if len(parts) > 1),
        checks=tuple(check for clause in clauses for check in type_checks(kind, clause)),
    )


def tested(tree: Condition, names: Names) -> CompiledCondition:
    """A tree that no text gave (legacy parameters, PartiQL), compiled without the checks that belong to texts."""
    clauses = tuple(clauses_of(tree))
    found = [resolved("", path, names) for clause in clauses for path in paths_of(clause)]
    return CompiledCondition(
        tree=tree,
        test=_Compiler("", names).test(tree),
        names=frozenset(names),
        values=frozenset(name for clause in clauses for name in value_names_of(clause)),
        heads=frozenset(str(parts[0]) for parts in found),
        nested=frozenset(str(parts[0]) for parts in found if len(parts) > 1),
        checks=(),
    )


# The tree's parts --------------------------------------------------------------------------------------------------

Clause = Comparison | Between | In | Call


def clauses_of(condition: Condition) -> Iterator[Clause]:
    """The conditions that are no junction of others, in the text's order."""
    match condition:
        case Not(inner):
            yield from clauses_of(inner)
        case Junction(_, conditions):
            for part in conditions:
                yield from clauses_of(part)
        case _:
            yield condition


def operands_of(clause: Clause | Arithmetic) -> tuple[Operand, ...]:
    """The operands of a clause."""
    match clause:
        case Comparison(_, left, right) | Arithmetic(_, left, right):
            return left, right
        case Between(operand, low, high):
            return operand, low, high
        case In(operand, options):
            return operand, *options
        case Call(_, operands):
            return operands
        case _:
            assert_never(clause)


def operands_within(node: Clause | Operand) -> Iterator[Operand]:
    """All operands inside a node, those inside functions too, itself excepted."""
    if isinstance(node, Path | ValueName):
        return
    for operand in operands_of(node):
        yield operand
        yield from operands_within(operand)


def paths_of(node: Clause) -> Iterator[Path]:
    """The paths of a clause."""
    return (operand for operand in operands_within(node) if isinstance(operand, Path))


def value_names_of(node: Clause) -> Iterator[str]:
    """The ``:values`` of a clause."""
    return (operand.name for operand in operands_within(node) if isinstance(operand, ValueName))


# Checks ------------------------------------------------------------------------------------------------------------


def _calls(clause: Clause) -> Iterator[Call]:
    if isinstance(clause, Call):
        yield clause
    for operand in operands_within(clause):
        if isinstance(operand, Call):
            yield operand


def _check_functions(kind: str, clauses: tuple[Clause, ...]) -> None:
    for clause in clauses:
        for call in _calls(clause):
            if call.function in UPDATE_FUNCTIONS:
                raise InvalidExpression(
                    kind, f"The function is not allowed in a condition expression; function: {call.function}"
                )
            if call.function not in FUNCTIONS:
                raise InvalidExpression(kind, f"Invalid function name; function: {call.function}")
    for clause in clauses:
        for call in _calls(clause):
            if (call is clause) is (call.function == "size"):
                raise InvalidExpression(
                    kind,
                    f"The function is not allowed to be used this way in an expression; function: {call.function}",
                )


def _check_clause(kind: str, clause: Clause, names: Names, values: frozenset[str]) -> None:
    for operand in operands_within(clause):
        if isinstance(operand, Path):
            resolved(kind, operand, names)
        elif isinstance(operand, ValueName):
            check_value_defined(kind, operand, values)
    for call in _calls(clause):
        if len(call.operands) != FUNCTIONS[call.function]:
            raise InvalidExpression(
                kind,
                "Incorrect number of operands for operator or function; "
                f"operator or function: {call.function}, number of operands: {len(call.operands)}",
            )
    match clause:
        case Comparison(sign, left, right):
            _check_distinct(kind, sign, left, right, names)
        case Call(function, (left, right)):
            _check_distinct(kind, function, left, right, names)
        case _:
            pass


def check_value_defined(kind: str, value: ValueName, values: frozenset[str]) -> None:
    """Refuse a value that the request does not define.

    Raises:
        InvalidExpression: with its name.
    """
    if value.name not in values:
        raise InvalidExpression(
            kind,
            f"An expression attribute value used in expression is not defined; attribute value: {value.name}",
        )


def _check_distinct(kind: str, sign: str, left: Operand, right: Operand, names: Names) -> None:
    if not isinstance(left, Path) or not isinstance(right, Path):
        return
    parts = resolved(kind, left, names)
    if parts == resolved(kind, right, names):
        raise InvalidExpression(
            kind,
            "The first operand must be distinct from the remaining operands for this operator or function; "
            f"operator: {sign}, first operand: {listed(parts)}",
        )


def _check_limits(kind: str, clauses: tuple[Clause, ...]) -> None:
    count = len(clauses) + sum(1 for clause in clauses for call in _calls(clause) if call is not clause)
    if count > OPERATORS_MAX:
        raise InvalidExpression(kind, f"The expression contains too many operators; operator count: {count}")
    for clause in clauses:
        if isinstance(clause, In) and len(clause.options) > IN_OPTIONS_MAX:
            raise InvalidExpression(
                kind,
                f"The IN operator is provided with too many operands; number of operands: {len(clause.options)}",
            )


# Evaluation --------------------------------------------------------------------------------------------------------

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def _identity(content: Any) -> Any:
    return content


_ORDERED: Mapping[str, Callable[[Any], Any]] = {"S": _identity, "B": _identity, "N": Decimal}


def ordered(left: Value, right: Value, compare: Callable[[Any, Any], bool]) -> bool:
    """Compare two values; false when their types differ or have no order."""
    kind = kind_of(left)
    key = _ORDERED.get(kind)
    content = right.get(kind)
    return key is not None and content is not None and compare(key(left[kind]), key(content))


class _Compiler:
    """Trees to functions, with names resolved."""

    def __init__(self, kind: str, names: Names) -> None:
        self.kind = kind
        self.names = names

    def test(self, condition: Condition) -> Test:
        match condition:
            case Comparison(sign, left, right):
                return _comparison(sign, self.read(left), self.read(right))
            case Between(operand, low, high):
                return _between(self.read(operand), self.read(low), self.read(high))
            case In(operand, options):
                return _in(self.read(operand), tuple(map(self.read, options)))
            case Not(inner):
                return _not(self.test(inner))
            case Junction(sign, conditions):
                return _junction(sign, tuple(map(self.test, conditions)))
            case Call(function, operands):
                return _FUNCTION_TESTS[function](*map(self.read, operands))
            case _:
                assert_never(condition)

    def read(self, operand: Operand) -> Read:
        match operand:
            case Path():
                return _read_path(resolved(self.kind, operand, self.names))
            case ValueName(name):
                return lambda _item, values: values[name]
            case Call(_, (inner,)):
                return _size(self.read(inner))
            case _:
                msg = f"no operand of a condition: {operand}"
                raise AssertionError(msg)


def _read_path(parts: Parts) -> Read:
    if len(parts) == 1:
        name = parts[0]
        assert isinstance(name, str)
        return lambda item, _values: item.get(name)
    return lambda item, _values: value_at(item, parts)


def _comparison(sign: str, left: Read, right: Read) -> Test:
    if sign in _ORDER:
        compare = _ORDER[sign]

        def in_order(item: Item, values: Values) -> bool:
            mine, other = left(item, values), right(item, values)
            return mine is not None and other is not None and ordered(mine, other, compare)

        return in_order

    def equal(item: Item, values: Values) -> bool:
        mine, other = left(item, values), right(item, values)
        return mine is not None and other is not None and same(mine, other)

    # What does not exist is equal to nothing, and so different from everything.
    return equal if sign == "=" else _not(equal)


def _between(operand: Read, low: Read, high: Read) -> Test:
    def between(item: Item, values: Values) -> bool:
        value, least, most = operand(item, values), low(item, values), high(item, values)
        if value is None or least is None or most is None:
            return False
        return ordered(value, least, operator.ge) and ordered(value, most, operator.le)

    return between


def _in(operand: Read, options: tuple[Read, ...]) -> Test:
    def among(item: Item, values: Values) -> bool:
        value = operand(item, values)
        if value is None:
            return False
        return any((other := option(item, values)) is not None and same(value, other) for option in options)

    return among


def _not(inner: Test) -> Test:
    return lambda item, values: not inner(item, values)


def _junction(sign: str, tests: tuple[Test, ...]) -> Test:
    if sign == "AND":
        if len(tests) == 2:
            one, two = tests
            return lambda item, values: one(item, values) and two(item, values)
        return lambda item, values: all(test(item, values) for test in tests)
    return lambda item, values: any(test(item, values) for test in tests)


def _exists(operand: Read) -> Test:
    return lambda item, values: operand(item, values) is not None


def _missing(operand: Read) -> Test:
    return lambda item, values: operand(item, values) is None


def _has_type(operand: Read, wanted: Read) -> Test:
    def has_type(item: Item, values: Values) -> bool:
        value, kind = operand(item, values), wanted(item, values)
        return value is not None and kind is not None and kind_of(value) == kind.get("S")

    return has_type


def _begins(operand: Read, prefix: Read) -> Test:
    def begins(item: Item, values: Values) -> bool:
        value, start = operand(item, values), prefix(item, values)
        if value is None or start is None:
            return False
        kind = kind_of(value)
        return kind in ("S", "B") and kind in start and value[kind].startswith(start[kind])

    return begins


def _contains(operand: Read, part: Read) -> Test:
    def contains(item: Item, values: Values) -> bool:
        value, wanted = operand(item, values), part(item, values)
        return value is not None and wanted is not None and holds(value, wanted)

    return contains


def holds(value: Value, part: Value) -> bool:
    """Whether a text or binary has a part, or a set or list an element."""
    kind = kind_of(value)
    content = value[kind]
    if kind == "L":
        return any(same(element, part) for element in content)
    if kind in ("S", "B"):
        return kind in part and part[kind] in content
    if kind in ("SS", "NS", "BS"):
        return kind[0] in part and part[kind[0]] in content
    return False


_FUNCTION_TESTS: Mapping[str, Callable[..., Test]] = {
    "attribute_exists": _exists,
    "attribute_not_exists": _missing,
    "attribute_type": _has_type,
    "begins_with": _begins,
    "contains": _contains,
}


def _size(operand: Read) -> Read:
    def size(item: Item, values: Values) -> Value | None:
        value = operand(item, values)
        if value is None:
            return None
        kind = kind_of(value)
        # Numbers, booleans and nulls have no size.
        return None if kind in ("N", "BOOL", "NULL") else {"N": str(len(value[kind]))}

    return size
