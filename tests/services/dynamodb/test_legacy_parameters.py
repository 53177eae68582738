"""The parameters from before expressions. Source: DynamoDB Developer Guide, Legacy conditional parameters."""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

A = key("a")
ITEM = {**A, "n": {"N": "5"}, "s": {"S": "text"}, "set": {"SS": ["x", "y"]}, "l": {"L": [{"N": "1"}]}}
NOT_MET = "The conditional request failed"
ONE = "One or more parameter values were invalid: "
MIXED = "Can not use both expression and non-expression parameters in the same request: Non-expression parameters: "


def compared(operator: str, *values: Any) -> dict[str, Any]:
    return {"ComparisonOperator": operator, **({"AttributeValueList": list(values)} if values else {})}


def n(number: int) -> dict[str, str]:
    return {"N": str(number)}


HOLDS = (
    ({"n": {"Value": n(5)}}, True),
    ({"n": {"Value": n(6)}}, False),
    ({"n": {"Exists": True, "Value": n(5)}}, True),
    ({"absent": {"Exists": False}}, True),
    ({"n": {"Exists": False}}, False),
    ({"n": compared("EQ", n(5))}, True),
    ({"n": {"ComparisonOperator": "EQ", "Value": n(5)}}, True),
    ({"n": compared("NE", n(5))}, False),
    ({"absent": compared("NE", n(5))}, True),
    ({"n": compared("LE", n(5))}, True),
    ({"n": compared("LT", n(5))}, False),
    ({"n": compared("GE", n(5))}, True),
    ({"n": compared("GT", n(5))}, False),
    ({"n": compared("GT", {"S": "a"})}, False),
    ({"n": compared("BETWEEN", n(1), n(5))}, True),
    ({"n": compared("IN", n(1), n(5))}, True),
    ({"n": compared("IN", n(1))}, False),
    ({"n": compared("NULL")}, False),
    ({"absent": compared("NULL")}, True),
    ({"n": compared("NOT_NULL")}, True),
    ({"s": compared("CONTAINS", {"S": "ex"})}, True),
    ({"set": compared("CONTAINS", {"S": "x"})}, True),
    ({"l": compared("CONTAINS", n(1))}, True),
    ({"s": compared("NOT_CONTAINS", {"S": "ex"})}, False),
    ({"s": compared("NOT_CONTAINS", {"S": "zz"})}, True),
    ({"absent": compared("NOT_CONTAINS", {"S": "zz"})}, False),
    ({"s": compared("BEGINS_WITH", {"S": "te"})}, True),
    ({"n": {"Value": n(5)}, "s": {"Value": {"S": "other"}}}, False),
)


@pytest.fixture
def filled(tables: Tables) -> Tables:
    tables("PutItem", TableName="things", Item=ITEM)
    return tables


@pytest.mark.parametrize(("expected", "holds"), HOLDS)
def test_expected_decides_a_write(filled: Tables, expected: Any, holds: bool) -> None:
    members = {"TableName": "things", "Key": A, "Expected": expected}
    if holds:
        assert filled("DeleteItem", **members) == {}
    else:
        assert filled.message("DeleteItem", **members) == NOT_MET
    assert (filled.get("a") is None) is holds


def test_conditions_are_joined_by_the_operator(filled: Tables) -> None:
    expected = {"n": {"Value": n(5)}, "s": {"Value": {"S": "other"}}}
    members = {"TableName": "things", "Item": {**A, "new": n(1)}, "Expected": expected}
    assert filled.message("PutItem", **members, ConditionalOperator="AND") == NOT_MET
    filled("PutItem", **members, ConditionalOperator="OR")
    assert filled.get("a") == {**A, "new": n(1)}


REFUSED: tuple[tuple[Any, str], ...] = (
    ({"n": {}}, ONE + "Value must be provided when Exists is null for Attribute: n"),
    ({"n": {"Exists": True}}, ONE + "Value must be provided when Exists is true for Attribute: n"),
    ({"n": {"Exists": False, "Value": n(1)}}, ONE + "Value cannot be used when Exists is false for Attribute: n"),
    (
        {"n": {"Value": n(1), "AttributeValueList": [n(1)]}},
        ONE + "Value and AttributeValueList cannot be used together for Attribute: n",
    ),
    (
        {"n": {"Exists": True, **compared("EQ", n(1))}},
        ONE + "Exists and ComparisonOperator cannot be used together for Attribute: n",
    ),
    (
        {"n": {"ComparisonOperator": "EQ"}},
        ONE + "Value or AttributeValueList must be used with ComparisonOperator: EQ for Attribute: n",
    ),
    (
        {"n": {"AttributeValueList": [n(1)]}},
        ONE + "AttributeValueList can only be used with a ComparisonOperator for Attribute: n",
    ),
    ({"n": compared("EQ", n(1), n(2))}, ONE + "Invalid number of argument(s) for the EQ ComparisonOperator"),
    ({"n": compared("NULL", n(1))}, ONE + "Invalid number of argument(s) for the NULL ComparisonOperator"),
    ({"n": compared("BETWEEN", n(1))}, ONE + "Invalid number of argument(s) for the BETWEEN ComparisonOperator"),
    (
        {"n": compared("GT", {"SS": ["a"]})},
        ONE + "ComparisonOperator GT is not valid for SS AttributeValue type",
    ),
    (
        {"n": compared("BEGINS_WITH", n(1))},
        ONE + "ComparisonOperator BEGINS_WITH is not valid for N AttributeValue type",
    ),
    (
        {"n": compared("IN", n(1), {"S": "a"})},
        ONE + "AttributeValues inside AttributeValueList must be of same type",
    ),
    (
        {"n": compared("BETWEEN", n(3), n(1))},
        "The BETWEEN condition was provided a range where the lower bound is greater than the upper bound",
    ),
)


@pytest.mark.parametrize(("expected", "message"), REFUSED)
def test_a_condition_that_is_none_is_refused(filled: Tables, expected: Any, message: str) -> None:
    assert filled.message("PutItem", TableName="things", Item=ITEM, Expected=expected) == message


@pytest.mark.parametrize(
    ("operation", "members", "message"),
    [
        (
            "PutItem",
            {"Item": ITEM, "Expected": {"n": {"Exists": False}}, "ConditionExpression": "attribute_exists(n)"},
            MIXED + "{Expected} Expression parameters: {ConditionExpression}",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"n": {"Value": n(1)}}, "UpdateExpression": "SET n = :v"},
            MIXED + "{AttributeUpdates} Expression parameters: {UpdateExpression}",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"n": {"Value": n(1)}}, "ConditionExpression": "attribute_exists(n)"},
            MIXED + "{AttributeUpdates} Expression parameters: {ConditionExpression}",
        ),
        (
            "GetItem",
            {"Key": A, "AttributesToGet": ["n"], "ProjectionExpression": "n"},
            MIXED + "{AttributesToGet} Expression parameters: {ProjectionExpression}",
        ),
        (
            "Scan",
            {"ScanFilter": {"n": compared("NULL")}, "ProjectionExpression": "n"},
            MIXED + "{ScanFilter} Expression parameters: {ProjectionExpression}",
        ),
        (
            "Query",
            {"KeyConditions": {"pk": compared("EQ", A["pk"])}, "KeyConditionExpression": "pk = :p"},
            MIXED + "{KeyConditions} Expression parameters: {KeyConditionExpression}",
        ),
        (
            "PutItem",
            {"Item": ITEM, "ConditionalOperator": "AND"},
            "ConditionalOperator cannot be used without Filter or Expected",
        ),
        (
            "PutItem",
            {"Item": ITEM, "ConditionalOperator": "AND", "Expected": {"n": {"Exists": False}}},
            "ConditionalOperator can only be used when Filter or Expected has two or more elements",
        ),
        ("GetItem", {"Key": A, "AttributesToGet": ["n", "n"]}, ONE + "Duplicate value in attribute name: n"),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"pk": {"Value": n(1)}}},
            ONE + "Cannot update attribute pk. This attribute is part of the key",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"n": {}}},
            ONE + "Only DELETE action is allowed when no attribute value is specified",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"n": {"Action": "DELETE", "Value": n(1)}}},
            ONE + "DELETE action with value is not supported for the type N",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"n": {"Action": "ADD", "Value": {"S": "a"}}}},
            ONE + "ADD action is not supported for the type S",
        ),
        (
            "UpdateItem",
            {"Key": A, "AttributeUpdates": {"s": {"Action": "ADD", "Value": n(1)}}},
            "Type mismatch for attribute to update",
        ),
        (
            "Query",
            {"KeyConditions": {"pk": compared("NE", A["pk"])}},
            "Attempted conditional constraint is not an indexable operation",
        ),
        ("Query", {"KeyConditions": {"sk": compared("EQ", n(1))}}, "Query condition missed key schema element: pk"),
        ("Query", {"KeyConditions": {"pk": compared("GT", A["pk"])}}, "Query key condition not supported"),
        (
            "Query",
            {"KeyConditions": {"pk": compared("EQ", n(1))}},
            ONE + "Condition parameter type does not match schema type",
        ),
        (
            "Query",
            {"KeyConditions": {"pk": compared("EQ", A["pk"])}, "QueryFilter": {"sk": compared("EQ", n(1))}},
            "QueryFilter can only contain non-primary key attributes: Primary key attribute: sk",
        ),
        (
            "Query",
            {},
            "Either the KeyConditions or KeyConditionExpression parameter must be specified in the request.",
        ),
    ],
)
def test_what_does_not_fit_together_is_refused(filled: Tables, operation: str, members: Any, message: str) -> None:
    assert filled.message(operation, TableName="things", **members) == message


@pytest.mark.parametrize(
    ("updates", "changed"),
    [
        ({"n": {"Value": n(1)}}, {"n": n(1)}),
        ({"n": {"Action": "PUT", "Value": n(1)}}, {"n": n(1)}),
        ({"a.b": {"Action": "PUT", "Value": n(1)}}, {"a.b": n(1)}),
        ({"n": {"Action": "DELETE"}}, {"n": None}),
        ({"n": {"Action": "ADD", "Value": n(2)}}, {"n": n(7)}),
        ({"absent": {"Action": "ADD", "Value": n(2)}}, {"absent": n(2)}),
        ({"set": {"Action": "ADD", "Value": {"SS": ["y", "z"]}}}, {"set": {"SS": ["x", "y", "z"]}}),
        ({"l": {"Action": "ADD", "Value": {"L": [n(2)]}}}, {"l": {"L": [n(1), n(2)]}}),
        ({"set": {"Action": "DELETE", "Value": {"SS": ["y", "z"]}}}, {"set": {"SS": ["x"]}}),
        ({"set": {"Action": "DELETE", "Value": {"SS": ["x", "y"]}}}, {"set": None}),
    ],
)
def test_attribute_updates_change_an_item(filled: Tables, updates: Any, changed: Any) -> None:
    answer = filled("UpdateItem", TableName="things", Key=A, AttributeUpdates=updates, ReturnValues="ALL_NEW")
    expected = {name: value for name, value in {**ITEM, **changed}.items() if value is not None}
    assert answer == {"Attributes": expected}
    assert filled.get("a") == expected


def test_an_update_that_takes_away_makes_no_item(tables: Tables) -> None:
    tables("UpdateItem", TableName="things", Key=A, AttributeUpdates={"n": {"Action": "DELETE"}})
    assert tables.get("a") is None
    tables("UpdateItem", TableName="things", Key=A, AttributeUpdates={"n": {"Action": "ADD", "Value": n(1)}})
    assert tables.get("a") == {**A, "n": n(1)}


def test_a_query_by_key_conditions_and_a_filter(tables: Tables) -> None:
    for number in range(5):
        tables("PutItem", TableName="things", Item={**key("a", number), "n": n(number)})
    answer = tables(
        "Query",
        TableName="things",
        KeyConditions={"pk": compared("EQ", A["pk"]), "sk": compared("BETWEEN", n(1), n(3))},
        QueryFilter={"n": compared("NE", n(2))},
        AttributesToGet=["n"],
    )
    assert answer == {"Items": [{"n": n(1)}, {"n": n(3)}], "Count": 2, "ScannedCount": 3}


def test_a_scan_by_a_filter(tables: Tables) -> None:
    for number in range(5):
        tables("PutItem", TableName="things", Item={**key("a", number), "n": n(number)})
    scan_filter = {"n": compared("GT", n(3)), "sk": compared("EQ", n(0))}
    answer = tables("Scan", TableName="things", ScanFilter=scan_filter, ConditionalOperator="OR", Select="COUNT")
    assert answer == {"Count": 2, "ScannedCount": 5}


def test_several_items_with_attributes_to_get(filled: Tables) -> None:
    wanted = {"things": {"Keys": [A], "AttributesToGet": ["n"]}}
    assert filled("BatchGetItem", RequestItems=wanted)["Responses"] == {"things": [{"n": n(5)}]}
