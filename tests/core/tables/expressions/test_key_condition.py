from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables.item_strategies import canonical_numbers

from interstate.core.tables import keys
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.key_condition import KeyRange, compile_key_condition
from interstate.core.tables.schema import KeyAttribute, KeySchema

HASH = KeySchema(KeyAttribute("a", "S"))
TEXT = KeySchema(KeyAttribute("a", "S"), KeyAttribute("b", "S"))
NUMBER = KeySchema(KeyAttribute("a", "S"), KeyAttribute("b", "N"))
VALUES: dict[str, Any] = {":a": {"S": "x"}, ":b": {"S": "m"}, ":c": {"S": "p"}, ":n": {"N": "5"}, ":e": {"S": ""}}

RANGES = (
    (HASH, "a = :a", KeyRange(b"x", b"", keys.ABOVE_ALL)),
    (TEXT, ":a = a", KeyRange(b"x", b"", keys.ABOVE_ALL)),
    (TEXT, "a = :a AND b = :b", KeyRange(b"x", b"m", b"m\x00")),
    (TEXT, "(b = :b) AND (#a = :a)", KeyRange(b"x", b"m", b"m\x00")),
    (TEXT, "a = :a AND b < :b", KeyRange(b"x", b"", b"m")),
    (TEXT, "a = :a AND :b > b", KeyRange(b"x", b"", b"m")),
    (TEXT, "a = :a AND b <= :b", KeyRange(b"x", b"", b"m\x00")),
    (TEXT, "a = :a AND b > :b", KeyRange(b"x", b"m\x00", keys.ABOVE_ALL)),
    (TEXT, "a = :a AND b >= :b", KeyRange(b"x", b"m", keys.ABOVE_ALL)),
    (TEXT, "a = :a AND b BETWEEN :b AND :c", KeyRange(b"x", b"m", b"p\x00")),
    (TEXT, "a = :a AND begins_with(b, :b)", KeyRange(b"x", b"m", b"n")),
)

MISSED = "Query condition missed key schema element: "
FAULTS = (
    (HASH, "b = :b", MISSED + "a"),
    (TEXT, "a = :a AND c = :b", MISSED + "b"),
    (TEXT, "b = :b", MISSED + "a"),
    (HASH, "a = :a AND b = :b", "Query key condition not supported"),
    (TEXT, "a > :a", "Query key condition not supported"),
    (
        TEXT,
        "a = :a AND b = :n",
        "One or more parameter values were invalid: Condition parameter type does not match schema type",
    ),
    (TEXT, "a = :n", "One or more parameter values were invalid: Condition parameter type does not match schema type"),
    (TEXT, "a = :a OR b = :b", "Invalid operator used in KeyConditionExpression: OR"),
    (TEXT, "NOT a = :a", "Invalid operator used in KeyConditionExpression: NOT"),
    (TEXT, "a IN (:a)", "Invalid operator used in KeyConditionExpression: IN"),
    (TEXT, "a <> :a", "Invalid operator used in KeyConditionExpression: <>"),
    (TEXT, "contains(a, :a)", "Invalid operator used in KeyConditionExpression: contains"),
    (TEXT, "attribute_exists(a)", "Invalid operator used in KeyConditionExpression: attribute_exists"),
    (TEXT, "a = :a AND size(b) > :n", "KeyConditionExpressions cannot contain nested operations"),
    (TEXT, "a = :a AND b.c = :b", "KeyConditionExpressions cannot have conditions on nested attributes"),
    (TEXT, "a = :a AND b > :b AND b < :c", "KeyConditionExpressions must only contain one condition per key"),
    (TEXT, "a = :a AND b = :b AND c = :c", "Conditions can be of length 1 or 2 only"),
    (TEXT, "a = b", "Invalid condition in KeyConditionExpression: Multiple attribute names used in one condition"),
    (TEXT, ":a = :b", "Invalid condition in KeyConditionExpression: No key attribute specified"),
    (
        TEXT,
        "a = :a AND :b BETWEEN b AND :c",
        "Invalid condition in KeyConditionExpression: BETWEEN operator must have the key attribute as its first operand",
    ),
    (
        TEXT,
        "a = :a AND begins_with(:b, b)",
        (
            "Invalid condition in KeyConditionExpression: begins_with operator must have the key attribute as its first "
            "operand"
        ),
    ),
    (
        TEXT,
        "a = :e",
        (
            "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty "
            "string value. Key: a"
        ),
    ),
    (
        TEXT,
        "a = :a AND b BETWEEN :c AND :b",
        (
            "Invalid KeyConditionExpression: The BETWEEN operator requires upper bound to be greater than or equal to "
            "lower bound; lower bound operand: AttributeValue: {S:p}, upper bound operand: AttributeValue: {S:m}"
        ),
    ),
    (TEXT, "", "Invalid KeyConditionExpression: The expression can not be empty;"),
)


@pytest.mark.parametrize(("schema", "text", "expected"), RANGES)
def test_a_key_condition_is_a_range(schema: KeySchema, text: str, expected: KeyRange) -> None:
    assert compile_key_condition(text, {"#a": "a"}, VALUES).range_in(schema, VALUES) == expected


@pytest.mark.parametrize(("schema", "text", "message"), FAULTS)
def test_a_condition_that_is_no_range_is_refused(schema: KeySchema, text: str, message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compile_key_condition(text, {}, VALUES).range_in(schema, VALUES)
    assert refused.value.message == message


@given(canonical_numbers(), canonical_numbers(), st.sampled_from(("=", "<", "<=", ">", ">=")))
def test_a_range_holds_the_numbers_for_which_the_condition_holds(bound: str, number: str, sign: str) -> None:
    values = {":a": {"S": "x"}, ":n": {"N": bound}}
    wanted = compile_key_condition(f"a = :a AND b {sign} :n", {}, values).range_in(NUMBER, values)
    one, two = Decimal(number), Decimal(bound)
    holds = {"=": one == two, "<": one < two, "<=": one <= two, ">": one > two, ">=": one >= two}[sign]
    assert (wanted.low <= keys.encoded("N", number) < wanted.high) is holds
