"""Key condition expressions: one partition, and a range of its sort keys.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.KeyConditionExpressions.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from interstate.core.tables.compound import bounds
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.expressions.condition import (
    Clause,
    CompiledCondition,
    Values,
    compile_condition,
    operands_of,
)
from interstate.core.tables.expressions.paths import Names, resolved
from interstate.core.tables.expressions.tree import (
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
)
from interstate.core.tables.keys import (
    ABOVE_ALL,
    PARTITION_BYTES_MAX,
    SORT_BYTES_MAX,
    above_prefix,
    after,
    check_length,
    encoded,
    part_of,
)
from interstate.core.tables.schema import KeyAttribute, KeySchema
from interstate.core.tables.values import Value

_KIND = "KeyConditionExpression"
COMPILED_MAX = 1024
# The same comparison seen from its other side: ``:v < a`` is ``a > :v``.
_MIRRORED = {"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}


@dataclass(frozen=True, slots=True)
class KeyRange:
    """The sort keys from ``low`` up to, but without, ``high``, in one partition; all encoded."""

    partition: bytes
    low: bytes
    high: bytes


@dataclass(frozen=True, slots=True)
class AttributeCondition:
    """What is asked of one key attribute: ``=``, ``<``, ``BETWEEN``, ``begins_with``, ..., and the values' names."""

    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledKeyCondition:
    """A checked key condition, by attribute."""

    condition: CompiledCondition
    attributes: Mapping[str, AttributeCondition]

    def range_in(self, schema: KeySchema, values: Values) -> KeyRange:
        """The range that the condition means in a table or index with this key.

        Raises:
            InvalidInput: the condition does not fit the key.
        """
        self._check_attributes(schema)
        wanted = [
            (attribute, self.attributes[attribute.name])
            for attribute in schema.attributes
            if attribute.name in self.attributes
        ]
        for attribute, condition in wanted:
            if any(attribute.type not in values[name] for name in condition.values):
                raise InvalidParameters("Condition parameter type does not match schema type")
        # All but the last must be equal to something; so must every attribute of the partition key.
        fixed = max(len(schema.partitions), len(wanted) - 1)
        if any(condition.operator != "=" for _, condition in wanted[:fixed]):
            raise InvalidInput("Query key condition not supported")
        parts = [
            [
                _key_bytes(
                    attribute, values[name], PARTITION_BYTES_MAX if place < len(schema.partitions) else SORT_BYTES_MAX
                )
                for name in condition.values
            ]
            for place, (attribute, condition) in enumerate(wanted)
        ]
        count = len(schema.partitions)
        partition = part_of([part[0] for part in parts[:count]], schema.partitions)
        if len(wanted) == count:
            return KeyRange(partition, b"", ABOVE_ALL)
        operator = wanted[-1][1].operator
        if schema.more_sorts:
            return KeyRange(partition, *bounds([part[0] for part in parts[count:-1]], operator, parts[-1]))
        return KeyRange(partition, *_bounds(operator, parts[-1]))

    def _check_attributes(self, schema: KeySchema) -> None:
        asked = self.attributes
        if schema.is_compound:
            self._check_compound(schema)
            return
        if len(asked) > 2:
            raise InvalidInput("Conditions can be of length 1 or 2 only")
        if schema.sort is None and len(asked) > 1:
            raise InvalidInput("Query key condition not supported")
        for attribute in schema.attributes:
            if attribute.name not in asked and (attribute is schema.partition or len(asked) > 1):
                raise InvalidInput(f"Query condition missed key schema element: {attribute.name}")

    def _check_compound(self, schema: KeySchema) -> None:
        """All partition attributes, then sort attributes from the left without a gap, and nothing else."""
        left = len(self.attributes)
        for attribute in schema.attributes:
            if attribute.name in self.attributes:
                left -= 1
            elif left > 0 or attribute in schema.partitions:
                raise InvalidInput(f"Query condition missed key schema element: {attribute.name}")
        if left:
            raise InvalidInput("Query key condition not supported")


def _key_bytes(attribute: KeyAttribute, value: Value, size_max: int) -> bytes:
    content = value[attribute.type]
    if content in ("", b""):
        what = "string" if attribute.type == "S" else "binary"
        raise InvalidInput(
            "One or more parameter values are not valid. The AttributeValue for a key attribute "
            f"cannot contain an empty {what} value. Key: {attribute.name}"
        )
    part = encoded(attribute.type, content)
    check_length(part, size_max)
    return part


def _bounds(operator: str, parts: list[bytes]) -> tuple[bytes, bytes]:
    first = parts[0]
    match operator:
        case "=":
            return first, after(first)
        case "<":
            return b"", first
        case "<=":
            return b"", after(first)
        case ">":
            return after(first), ABOVE_ALL
        case ">=":
            return first, ABOVE_ALL
        case "begins_with":
            return first, above_prefix(first)
        case _:
            return first, after(parts[1])


def compile_key_condition(text: str, names: Names, values: Values) -> CompiledKeyCondition:
    """The compiled expression.

    Raises:
        InvalidInput: in any of DynamoDB's ways.
    """
    condition = compile_condition(_KIND, text, names, values)
    return _compiled(condition, tuple(names.items()))


@lru_cache(COMPILED_MAX)
def _compiled(condition: CompiledCondition, names: tuple[tuple[str, str], ...]) -> CompiledKeyCondition:
    known = dict(names)
    attributes: dict[str, AttributeCondition] = {}
    for clause in _parts_of(condition.tree):
        name, asked = _attribute_condition(clause, known)
        if name in attributes:
            raise InvalidInput("KeyConditionExpressions must only contain one condition per key")
        attributes[name] = asked
    return CompiledKeyCondition(condition, attributes)


def _parts_of(condition: Condition) -> Iterator[Clause]:
    match condition:
        case Junction("AND", conditions):
            for part in conditions:
                yield from _parts_of(part)
        case Junction(operator, _):
            raise _wrong_operator(operator)
        case Not():
            raise _wrong_operator("NOT")
        case In():
            raise _wrong_operator("IN")
        case Comparison("<>", _, _):
            raise _wrong_operator("<>")
        case Call(function, _) if function != "begins_with":
            raise _wrong_operator(function)
        case _:
            yield condition


def _wrong_operator(operator: str) -> InvalidInput:
    return InvalidInput(f"Invalid operator used in KeyConditionExpression: {operator}")


def _attribute_condition(clause: Clause, names: Names) -> tuple[str, AttributeCondition]:
    operands = operands_of(clause)
    if any(isinstance(operand, Call) for operand in operands):
        raise InvalidInput("KeyConditionExpressions cannot contain nested operations")
    operator = _operator_of(clause)
    if isinstance(clause, Between | Call) and not isinstance(operands[0], Path):
        raise InvalidInput(
            f"Invalid condition in KeyConditionExpression: {operator} operator must have the key attribute as its "
            "first operand"
        )
    paths = [operand for operand in operands if isinstance(operand, Path)]
    name = _key_name(paths, names)
    if not isinstance(operands[0], Path):
        operator = _MIRRORED[operator]
    return name, AttributeCondition(operator, _value_names(operands))


def _operator_of(clause: Clause) -> str:
    match clause:
        case Comparison(sign, _, _):
            return sign
        case Call(function, _):
            return function
        case _:
            return "BETWEEN"  # IN was refused before.


def _key_name(paths: list[Path], names: Names) -> str:
    if not paths:
        raise InvalidInput("Invalid condition in KeyConditionExpression: No key attribute specified")
    if len(paths) > 1:
        raise InvalidInput(
            "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"
        )
    if len(paths[0].parts) > 1:
        raise InvalidInput("KeyConditionExpressions cannot have conditions on nested attributes")
    return str(resolved(_KIND, paths[0], names)[0])


def _value_names(operands: tuple[Operand, ...]) -> tuple[str, ...]:
    return tuple(operand.name for operand in operands if isinstance(operand, ValueName))
