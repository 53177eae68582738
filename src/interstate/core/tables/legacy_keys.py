"""``KeyConditions``: one partition and a range of its sort keys, from before expressions.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.KeyConditions.html
"""

from collections.abc import Mapping

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.condition import tested
from interstate.core.tables.expressions.key_condition import AttributeCondition, CompiledKeyCondition
from interstate.core.tables.expressions.tree import Call, Path
from interstate.core.tables.legacy import Wanted, checked_arguments
from interstate.core.tables.values import Value

# Comparison -> the operator of a key condition.
_OPERATORS = {
    "EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with",
}  # fmt: skip


def legacy_key_condition(wanted: Mapping[str, Wanted]) -> tuple[CompiledKeyCondition | None, dict[str, Value]]:
    """The key condition, and the values that it names; None when nothing is asked.

    Raises:
        InvalidInput: a comparison cannot be one of keys, or its arguments do not fit.
    """
    if not wanted:
        return None, {}
    attributes: dict[str, AttributeCondition] = {}
    values: dict[str, Value] = {}
    for place, (name, one) in enumerate(wanted.items()):
        given = checked_arguments(one)
        operator = _OPERATORS.get(one.comparison_operator)
        if operator is None:
            raise InvalidInput("Attempted conditional constraint is not an indexable operation")
        names = tuple(f":k{place}.{number}" for number in range(len(given)))
        values.update(zip(names, given, strict=True))
        attributes[name] = AttributeCondition(operator, names)
    if len(attributes) > 2:
        raise InvalidInput("Conditions can be of length 1 or 2 only")
    everything = tested(Call("attribute_exists", (Path(("key",)),)), {})
    return CompiledKeyCondition(everything, attributes), values
