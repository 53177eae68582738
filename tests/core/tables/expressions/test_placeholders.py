"""Source: DynamoDB Developer Guide, Expression attribute names, values; texts as the service answers them."""

from typing import Any

import pytest

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.placeholders import NONE, placeholders_of

ONE: dict[str, str | None] = {"ConditionExpression": "a = :a"}
NULL: dict[str, str | None] = {"UpdateExpression": None, "ConditionExpression": None}
PROJECTION: dict[str, str | None] = {"FilterExpression": None, "ProjectionExpression": "a"}

REFUSED: tuple[tuple[Any, Any, dict[str, str | None], str], ...] = (
    ({"#a": "a"}, None, NULL, "ExpressionAttributeNames can only be specified when using expressions"),
    ({}, None, ONE, "ExpressionAttributeNames must not be empty"),
    ({"a": "a"}, None, ONE, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"'),
    ({"#a-b": "a"}, None, ONE, 'ExpressionAttributeNames contains invalid key: Syntax error; key: "#a-b"'),
    (
        None,
        {":a": {"S": "a"}},
        NULL,
        (
            "ExpressionAttributeValues can only be specified when using expressions: "
            "UpdateExpression and ConditionExpression are null"
        ),
    ),
    (
        None,
        {":a": {"S": "a"}},
        PROJECTION,
        "ExpressionAttributeValues can only be specified when using expressions: FilterExpression is null",
    ),
    (None, {}, ONE, "ExpressionAttributeValues must not be empty"),
    (None, {"b": {"S": "a"}}, ONE, 'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"'),
    (
        None,
        {":b": {}},
        ONE,
        (
            "ExpressionAttributeValues contains invalid value: Supplied AttributeValue is empty, must contain exactly one "
            "of the supported datatypes for key :b"
        ),
    ),
    (
        None,
        {":b": {"SS": []}},
        ONE,
        (
            "ExpressionAttributeValues contains invalid value: One or more parameter values were invalid: "
            "An string set  may not be empty for key :b"
        ),
    ),
)


@pytest.mark.parametrize(("names", "values", "expressions", "message"), REFUSED)
def test_placeholders_that_cannot_be_are_refused(
    names: Any, values: Any, expressions: dict[str, str | None], message: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        placeholders_of(names, values, expressions)
    assert refused.value.message == message


def test_values_become_canonical() -> None:
    made = placeholders_of({"#a": "a"}, {":a": {"N": "01.0"}}, ONE)
    assert made.names == {"#a": "a"}
    assert made.values == {":a": {"N": "1"}}
    assert placeholders_of({"#a": "a"}, None, ONE).values == {}


def test_without_placeholders_there_is_nothing_to_check() -> None:
    assert placeholders_of(None, None, NULL) is NONE
    NONE.check_used(())


def test_what_no_expression_uses_is_told_in_the_requests_order() -> None:
    made = placeholders_of({"#b": "b", "#a": "a"}, {":y": {"S": "y"}, ":x": {"S": "x"}}, ONE)
    made.check_used((frozenset({"#a"}), frozenset({"#b"})), (frozenset({":x", ":y"}),))
    for names, values, message in (
        ((), ({":x", ":y"},), "Value provided in ExpressionAttributeNames unused in expressions: keys: {#b, #a}"),
        (({"#a", "#b"},), ({":x"},), "Value provided in ExpressionAttributeValues unused in expressions: keys: {:y}"),
    ):
        with pytest.raises(InvalidInput) as refused:
            made.check_used(map(frozenset, names), map(frozenset, values))
        assert refused.value.message == message
