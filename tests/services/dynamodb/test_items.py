"""Single items through the operations. Source: DynamoDB API Reference, GetItem, PutItem, UpdateItem, DeleteItem."""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

A = key("a")
ITEM = {**A, "n": {"N": "5"}, "s": {"S": "text"}}


@pytest.fixture
def filled(tables: Tables) -> Tables:
    tables("PutItem", TableName="things", Item=ITEM)
    return tables


def test_what_is_put_is_got(tables: Tables) -> None:
    item = {
        **A,
        "text": {"S": "한글"}, "number": {"N": "-1.5"}, "binary": {"B": b"\x00\xff"}, "yes": {"BOOL": True},
        "null": {"NULL": True}, "texts": {"SS": ["a", "b"]}, "numbers": {"NS": ["1", "2"]}, "binaries": {"BS": [b"x"]},
        "list": {"L": [{"B": b"\x01"}, {"M": {"B": {"S": "a name like a type"}}}]}, "map": {"M": {"x": {"N": "1"}}},
    }  # fmt: skip
    assert tables("PutItem", TableName="things", Item=item) == {}
    assert tables.get("a") == item


def test_an_item_that_is_not_there_is_no_item(tables: Tables) -> None:
    assert tables("GetItem", TableName="things", Key=A) == {}


def test_numbers_are_kept_canonical(tables: Tables) -> None:
    tables("PutItem", TableName="things", Item={"pk": {"S": "a"}, "sk": {"N": "1.0"}, "n": {"N": "007.50"}})
    assert tables.get("a", 1) == {"pk": {"S": "a"}, "sk": {"N": "1"}, "n": {"N": "7.5"}}


def test_a_put_takes_the_place_of_the_whole_item(filled: Tables) -> None:
    answer = filled("PutItem", TableName="things", Item={**A, "x": {"S": "1"}}, ReturnValues="ALL_OLD")
    assert answer == {"Attributes": ITEM}
    assert filled.get("a") == {**A, "x": {"S": "1"}}


def test_a_delete_returns_what_was_there(filled: Tables) -> None:
    assert filled("DeleteItem", TableName="things", Key=A, ReturnValues="ALL_OLD") == {"Attributes": ITEM}
    assert filled("DeleteItem", TableName="things", Key=A, ReturnValues="ALL_OLD") == {}
    assert filled.get("a") is None


def test_a_projection_picks_attributes(filled: Tables) -> None:
    answer = filled(
        "GetItem", TableName="things", Key=A, ProjectionExpression="#n, absent", ExpressionAttributeNames={"#n": "n"}
    )
    assert answer == {"Item": {"n": {"N": "5"}}}


@pytest.mark.parametrize(
    ("return_values", "expected"),
    [
        ("NONE", {}),
        ("ALL_OLD", {"Attributes": ITEM}),
        ("ALL_NEW", {"Attributes": {**A, "n": {"N": "6"}, "x": {"S": "new"}}}),
        ("UPDATED_OLD", {"Attributes": {"n": {"N": "5"}, "s": {"S": "text"}}}),
        ("UPDATED_NEW", {"Attributes": {"n": {"N": "6"}, "x": {"S": "new"}}}),
    ],
)
def test_an_update_returns_what_it_is_asked_for(filled: Tables, return_values: str, expected: Any) -> None:
    answer = filled(
        "UpdateItem",
        TableName="things",
        Key=A,
        UpdateExpression="SET n = n + :one, x = :new REMOVE s",
        ExpressionAttributeValues={":one": {"N": "1"}, ":new": {"S": "new"}},
        ReturnValues=return_values,
    )
    assert answer == expected
    assert filled.get("a") == {**A, "n": {"N": "6"}, "x": {"S": "new"}}


@pytest.mark.parametrize("return_values", ["ALL_OLD", "UPDATED_OLD"])
def test_a_new_item_has_no_old_values(tables: Tables, return_values: str) -> None:
    answer = tables(
        "UpdateItem",
        TableName="things",
        Key=A,
        UpdateExpression="SET n = if_not_exists(n, :zero)",
        ExpressionAttributeValues={":zero": {"N": "0"}},
        ReturnValues=return_values,
    )
    assert answer == {}
    assert tables.get("a") == {**A, "n": {"N": "0"}}


def test_an_update_without_expression_makes_an_item_of_its_key(tables: Tables) -> None:
    tables("UpdateItem", TableName="things", Key=A)
    assert tables.get("a") == A


def test_an_update_that_only_takes_away_makes_no_item(tables: Tables) -> None:
    tables("UpdateItem", TableName="things", Key=A, UpdateExpression="REMOVE n")
    assert tables.get("a") is None


@pytest.mark.parametrize(
    "update",
    [
        "SET n = n + :n",
        "SET x.y = :n, z = :n",
        "REMOVE s",
        "ADD n :n REMOVE x",
        "SET l[1] = :n, l[0] = s",
        "REMOVE l[0]",
    ],
)
def test_the_size_after_updates_is_the_size_of_the_item(tables: Tables, update: str) -> None:
    item = {**ITEM, "x": {"M": {"y": {"S": "long text"}}}, "l": {"L": [{"S": "a"}, {"N": "10"}]}}
    tables("PutItem", TableName="things", Item=item)
    values = {"ExpressionAttributeValues": {":n": {"N": "12345"}}} if ":n" in update else {}
    tables("UpdateItem", TableName="things", Key=A, UpdateExpression=update, **values)
    changed = tables.get("a")
    after_update = tables("DescribeTable", TableName="things")["Table"]["TableSizeBytes"]
    tables("PutItem", TableName="things", Item=changed)
    assert tables("DescribeTable", TableName="things")["Table"]["TableSizeBytes"] == after_update


# Conditions --------------------------------------------------------------------------------------------------------


def test_a_condition_that_holds_lets_the_write_through(filled: Tables) -> None:
    filled(
        "PutItem",
        TableName="things",
        Item={**A, "n": {"N": "9"}},
        ConditionExpression="n = :five",
        ExpressionAttributeValues={":five": {"N": "5.0"}},
    )
    assert filled.get("a") == {**A, "n": {"N": "9"}}


@pytest.mark.parametrize(
    ("operation", "members"),
    [
        ("PutItem", {"Item": A}),
        ("DeleteItem", {"Key": A}),
        ("UpdateItem", {"Key": A, "UpdateExpression": "REMOVE n"}),
    ],
)
@pytest.mark.parametrize("shows", [False, True])
def test_a_condition_that_fails_changes_nothing(
    filled: Tables, operation: str, members: dict[str, Any], shows: bool
) -> None:
    more = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if shows else {}
    error = filled.refused(
        operation, TableName="things", ConditionExpression="attribute_not_exists(pk)", **members, **more
    )
    assert (error.code, error.message) == ("ConditionalCheckFailedException", "The conditional request failed")
    assert error.members == ({"Item": ITEM} if shows else {})
    assert filled.get("a") == ITEM


def test_a_condition_on_no_item_sees_nothing(tables: Tables) -> None:
    members = {"TableName": "things", "Key": A, "ReturnValuesOnConditionCheckFailure": "ALL_OLD"}
    error = tables.refused("DeleteItem", ConditionExpression="attribute_exists(pk)", **members)
    assert (error.code, error.members) == ("ConditionalCheckFailedException", {})


# Refusals ----------------------------------------------------------------------------------------------------------

MISMATCH = "The provided key element does not match the schema"
INVALID = "One or more parameter values were invalid: "
REFUSED: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("GetItem", {"Key": {"pk": {"S": "a"}}}, MISMATCH),
    ("GetItem", {"Key": {"pk": {"N": "1"}, "sk": {"N": "1"}}}, MISMATCH),
    ("GetItem", {"Key": {**A, "x": {"S": "1"}}}, MISMATCH),
    ("GetItem", {"Key": {"pk": {}, "sk": {"N": "1"}}}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ("GetItem", {"Key": A, "ProjectionExpression": ""}, "Invalid ProjectionExpression: The expression can not be empty;"),
    ("GetItem", {"Key": A, "ExpressionAttributeNames": {"#a": "a"}}, "ExpressionAttributeNames can only be specified when using expressions"),
    ("GetItem", {"Key": A, "ProjectionExpression": "a", "ExpressionAttributeNames": {}}, "ExpressionAttributeNames must not be empty"),
    (
        "GetItem",
        {"Key": A, "ProjectionExpression": "a", "ExpressionAttributeNames": {"a": "a"}},
        'ExpressionAttributeNames contains invalid key: Syntax error; key: "a"',
    ),
    (
        "GetItem",
        {"Key": A, "ProjectionExpression": "x", "ExpressionAttributeNames": {"#a": "a", "#b": "b"}},
        "Value provided in ExpressionAttributeNames unused in expressions: keys: {#a, #b}",
    ),
    ("PutItem", {"Item": {"sk": {"N": "1"}}}, INVALID + "Missing the key pk in the item"),
    ("PutItem", {"Item": {"pk": {"N": "1"}, "sk": {"N": "1"}}}, INVALID + "Type mismatch for key pk expected: S actual: N"),
    ("PutItem", {"Item": A, "ReturnValues": "ALL_NEW"}, "ReturnValues can only be ALL_OLD or NONE"),
    ("PutItem", {"Item": {**A, "x": {"S": "x" * 409_600}}}, "Item size has exceeded the maximum allowed size"),
    ("PutItem", {"Item": {**A, "x": {"SS": []}}}, INVALID + "An string set  may not be empty"),
    (
        "PutItem",
        {"Item": A, "ExpressionAttributeValues": {":a": {"S": "a"}}},
        "ExpressionAttributeValues can only be specified when using expressions: ConditionExpression is null",
    ),
    (
        "PutItem",
        {"Item": A, "ConditionExpression": "attribute_exists(a)", "ExpressionAttributeValues": {}},
        "ExpressionAttributeValues must not be empty",
    ),
    (
        "PutItem",
        {"Item": A, "ConditionExpression": "attribute_exists(a)", "ExpressionAttributeValues": {"b": {"S": "a"}}},
        'ExpressionAttributeValues contains invalid key: Syntax error; key: "b"',
    ),
    (
        "PutItem",
        {"Item": A, "ConditionExpression": "attribute_exists(a)", "ExpressionAttributeValues": {":b": {"N": "x"}}},
        "ExpressionAttributeValues contains invalid value: The parameter cannot be converted to a numeric value: x for key :b",
    ),
    (
        "PutItem",
        {"Item": A, "ConditionExpression": "a = :b", "ExpressionAttributeValues": {":b": {"S": "x"}, ":x": {"S": "y"}}},
        "Value provided in ExpressionAttributeValues unused in expressions: keys: {:x}",
    ),
    (
        "UpdateItem",
        {"Key": A, "ExpressionAttributeValues": {":b": {"S": "x"}}},
        "ExpressionAttributeValues can only be specified when using expressions: UpdateExpression and ConditionExpression are null",
    ),
    (
        "UpdateItem",
        {"Key": A, "UpdateExpression": "SET pk = :b", "ExpressionAttributeValues": {":b": {"S": "x"}}},
        INVALID + "Cannot update attribute pk. This attribute is part of the key",
    ),
    (
        "UpdateItem",
        {"Key": A, "UpdateExpression": "SET x = absent"},
        "The provided expression refers to an attribute that does not exist in the item",
    ),
    (
        "UpdateItem",
        {"Key": A, "UpdateExpression": "SET n = s + n"},
        "An operand in the update expression has an incorrect data type",
    ),
    (
        "UpdateItem",
        {"Key": A, "UpdateExpression": "SET x = :big", "ExpressionAttributeValues": {":big": {"S": "x" * 409_600}}},
        "Item size to update has exceeded the maximum allowed size",
    ),
)  # fmt: skip


@pytest.mark.parametrize(("operation", "members", "message"), REFUSED)
def test_bad_input_is_refused_in_dynamodbs_words_and_changes_nothing(
    filled: Tables, operation: str, members: dict[str, Any], message: str
) -> None:
    error = filled.refused(operation, TableName="things", **members)
    assert (error.code, error.message) == ("ValidationException", message)
    assert filled.get("a") == ITEM


@pytest.mark.parametrize("operation", ["GetItem", "DeleteItem", "UpdateItem"])
def test_a_table_that_is_not_there_is_told(tables: Tables, operation: str) -> None:
    error = tables.refused(operation, TableName="absent", Key=A)
    assert (error.code, error.message) == ("ResourceNotFoundException", "Requested resource not found")


def test_a_table_may_be_named_by_its_arn(filled: Tables) -> None:
    arn = "arn:aws:dynamodb:us-east-1:000000000000:table/things"
    assert filled.get("a", table=arn) == ITEM
    foreign = "arn:aws:dynamodb:us-east-1:111111111111:table/things"
    assert filled.refused("GetItem", TableName=foreign, Key=A).code == "AccessDeniedException"
    elsewhere = "arn:aws:dynamodb:eu-west-1:000000000000:table/things"
    assert filled.refused("GetItem", TableName=elsewhere, Key=A).code == "ResourceNotFoundException"


# Capacity ----------------------------------------------------------------------------------------------------------


def test_capacity_counts_4_kb_reads_and_1_kb_writes(tables: Tables) -> None:
    item = {**A, "x": {"S": "x" * 4500}}
    written = tables("PutItem", TableName="things", Item=item, ReturnConsumedCapacity="TOTAL")
    assert written["ConsumedCapacity"] == {"TableName": "things", "CapacityUnits": 5.0}
    for consistent, units in ((False, 1.0), (True, 2.0)):
        read = tables("GetItem", TableName="things", Key=A, ConsistentRead=consistent, ReturnConsumedCapacity="INDEXES")
        assert read["ConsumedCapacity"] == {
            "TableName": "things", "CapacityUnits": units, "Table": {"CapacityUnits": units},
        }  # fmt: skip
    gone = tables("DeleteItem", TableName="things", Key=A, ReturnConsumedCapacity="TOTAL")
    assert gone["ConsumedCapacity"]["CapacityUnits"] == 5.0
    nothing = tables("GetItem", TableName="things", Key=A, ReturnConsumedCapacity="TOTAL")
    assert nothing["ConsumedCapacity"]["CapacityUnits"] == 0.5
