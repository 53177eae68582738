"""TransactWriteItems and TransactGetItems. Source: DynamoDB API Reference."""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

from interstate.services.dynamodb.transactions import TOKEN_LIFE

ONE = {":one": {"N": "1"}}


def put(pk: str, **more: Any) -> dict[str, Any]:
    return {"Put": {"TableName": "things", "Item": {**key(pk), "n": {"N": "1"}}, **more}}


def add(pk: str, **more: Any) -> dict[str, Any]:
    return {
        "Update": {
            "TableName": "things",
            "Key": key(pk),
            "UpdateExpression": "ADD n :one",
            "ExpressionAttributeValues": ONE,
            **more,
        }
    }


def check(pk: str, condition: str, **more: Any) -> dict[str, Any]:
    return {"ConditionCheck": {"TableName": "things", "Key": key(pk), "ConditionExpression": condition, **more}}


def delete(pk: str) -> dict[str, Any]:
    return {"Delete": {"TableName": "things", "Key": key(pk)}}


def test_all_kinds_of_actions_happen_together(tables: Tables) -> None:
    tables.put(pk="gone", sk=0)
    tables.put(pk="there", sk=0)
    answer = tables(
        "TransactWriteItems",
        TransactItems=[put("a"), add("b"), delete("gone"), check("there", "attribute_exists(pk)")],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {"ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 8.0, "WriteCapacityUnits": 8.0}]}
    assert tables.get("a") == {**key("a"), "n": {"N": "1"}}
    assert tables.get("b") == {**key("b"), "n": {"N": "1"}}
    assert tables.get("gone") is None


def test_one_refused_action_undoes_all_and_each_has_its_reason(tables: Tables) -> None:
    tables.put(pk="text", sk=0, n="not a number")
    error = tables.refused(
        "TransactWriteItems",
        TransactItems=[
            put("a"),
            put("text", ConditionExpression="attribute_not_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            check("absent", "attribute_exists(pk)", ReturnValuesOnConditionCheckFailure="ALL_OLD"),
            {"Delete": {"TableName": "things", "Key": {"pk": {"S": "a"}}}},
        ],
    )
    assert error.code == "TransactionCanceledException"
    assert error.message == (
        "Transaction cancelled, please refer cancellation reasons for specific reasons "
        "[None, ConditionalCheckFailed, ConditionalCheckFailed, ValidationError]"
    )
    failed = {"Code": "ConditionalCheckFailed", "Message": "The conditional request failed"}
    assert error.members["CancellationReasons"] == [
        {"Code": "None"},
        {**failed, "Item": {**key("text"), "n": {"S": "not a number"}}},
        failed,
        {"Code": "ValidationError", "Message": "The provided key element does not match the schema"},
    ]
    assert tables.get("a") is None


def test_an_update_that_does_not_fit_its_item_is_a_reason(tables: Tables) -> None:
    tables.put(pk="text", sk=0, n="not a number")
    error = tables.refused("TransactWriteItems", TransactItems=[put("a"), add("text")])
    assert error.members["CancellationReasons"] == [
        {"Code": "None"},
        {
            "Code": "ValidationError",
            "Message": "An operand in the update expression has an incorrect data type",
        },
    ]


REFUSED: tuple[tuple[list[Any], str, str], ...] = (
    ([put("a"), add("a")], "ValidationException", "Transaction request cannot include multiple operations on one item"),
    (
        [check("a", "attribute_exists(pk)"), put("a")],
        "ValidationException",
        "Transaction request cannot include multiple operations on one item",
    ),
    ([{}], "ValidationException", "TransactItems can only contain one of Check, Put, Update or Delete"),
    (
        [{**put("a"), **delete("b")}],
        "ValidationException",
        "TransactItems can only contain one of Check, Put, Update or Delete",
    ),
    (
        [put("a"), put("b", ConditionExpression="a >")],
        "ValidationException",
        'Invalid ConditionExpression: Syntax error; token: "<EOF>", near: ">"',
    ),
    (
        [put("a"), {"Delete": {"TableName": "absent", "Key": key("a")}}],
        "ResourceNotFoundException",
        "Requested resource not found",
    ),
)


@pytest.mark.parametrize(("actions", "code", "message"), REFUSED)
def test_a_broken_transaction_is_refused_as_a_whole(
    tables: Tables, actions: list[Any], code: str, message: str
) -> None:
    error = tables.refused("TransactWriteItems", TransactItems=actions)
    assert (error.code, error.message) == (code, message)
    assert tables.get("a") is None


def test_at_most_4_megabytes(tables: Tables) -> None:
    blob = {"blob": {"S": "x" * 400_000}}
    actions = [{"Put": {"TableName": "things", "Item": {**key("a", sk), **blob}}} for sk in range(11)]
    assert "4 MB" in tables.message("TransactWriteItems", TransactItems=actions)
    tables("TransactWriteItems", TransactItems=actions[:10])


# Tokens ------------------------------------------------------------------------------------------------------------


def test_a_repeated_transaction_is_done_once(tables: Tables) -> None:
    for _ in range(3):
        tables("TransactWriteItems", TransactItems=[add("a"), add("b")], ClientRequestToken="t1")
    assert tables.get("a")["n"] == {"N": "1"}
    again = tables(
        "TransactWriteItems",
        TransactItems=[add("a"), add("b")],
        ClientRequestToken="t1",
        ReturnConsumedCapacity="TOTAL",
    )
    assert again["ConsumedCapacity"] == [{"TableName": "things", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}]


def test_a_token_belongs_to_one_request(tables: Tables) -> None:
    tables("TransactWriteItems", TransactItems=[add("a")], ClientRequestToken="t1")
    error = tables.refused("TransactWriteItems", TransactItems=[add("b")], ClientRequestToken="t1")
    assert error.code == "IdempotentParameterMismatchException"
    assert tables.get("b") is None


def test_a_token_is_forgotten_after_ten_minutes(tables: Tables) -> None:
    tables("TransactWriteItems", TransactItems=[add("a")], ClientRequestToken="t1")
    tables.world.advance(TOKEN_LIFE - timedelta(seconds=1))
    tables("TransactWriteItems", TransactItems=[add("a")], ClientRequestToken="t1")
    assert tables.get("a")["n"] == {"N": "1"}
    tables.world.advance(timedelta(seconds=1))
    tables("TransactWriteItems", TransactItems=[add("a")], ClientRequestToken="t1")
    assert tables.get("a")["n"] == {"N": "2"}


def test_a_refused_transaction_does_not_use_up_its_token(tables: Tables) -> None:
    actions = [put("a", ConditionExpression="attribute_exists(pk)")]
    tables.refused("TransactWriteItems", TransactItems=actions, ClientRequestToken="t1")
    tables.put(pk="a", sk=0)
    tables("TransactWriteItems", TransactItems=actions, ClientRequestToken="t1")
    assert tables.get("a")["n"] == {"N": "1"}


# Reading -----------------------------------------------------------------------------------------------------------


def test_a_transaction_reads_items_in_order(tables: Tables) -> None:
    tables.put(pk="a", sk=0, n=1)
    answer = tables(
        "TransactGetItems",
        TransactItems=[
            {"Get": {"TableName": "things", "Key": key("absent")}},
            {"Get": {"TableName": "things", "Key": key("a"), "ProjectionExpression": "n"}},
        ],
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "Responses": [{}, {"Item": {"n": {"N": "1"}}}],
        "ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 4.0, "ReadCapacityUnits": 4.0}],
    }


def test_a_key_that_does_not_fit_cancels_the_reading(tables: Tables) -> None:
    error = tables.refused(
        "TransactGetItems", TransactItems=[{"Get": {"TableName": "things", "Key": {"pk": {"S": "a"}}}}]
    )
    assert error.code == "TransactionCanceledException"
    assert error.members["CancellationReasons"] == [
        {"Code": "ValidationError", "Message": "The provided key element does not match the schema"}
    ]
