"""BatchGetItem and BatchWriteItem. Source: DynamoDB API Reference."""

from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key


def test_items_are_written_and_read_together(tables: Tables) -> None:
    tables.put(pk="gone", sk=0)
    answer = tables(
        "BatchWriteItem",
        RequestItems={
            "things": [
                {"PutRequest": {"Item": {**key("a"), "n": {"N": "1"}}}},
                {"PutRequest": {"Item": key("b")}},
                {"DeleteRequest": {"Key": key("gone")}},
            ]
        },
        ReturnConsumedCapacity="TOTAL",
    )
    assert answer == {
        "UnprocessedItems": {}, "ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 3.0}],
    }  # fmt: skip
    read = tables(
        "BatchGetItem",
        RequestItems={"things": {"Keys": [key("a"), key("b"), key("gone")], "ProjectionExpression": "pk"}},
        ReturnConsumedCapacity="TOTAL",
    )
    assert read == {
        "Responses": {"things": [{"pk": {"S": "a"}}, {"pk": {"S": "b"}}]},
        "UnprocessedKeys": {},
        "ConsumedCapacity": [{"TableName": "things", "CapacityUnits": 1.5}],
    }


def test_what_exceeds_16_megabytes_is_left_for_the_next_call(tables: Tables) -> None:
    for sk in range(50):
        tables.put(pk="a", sk=sk, blob="x" * 400_000)
    wish = {"Keys": [key("a", sk) for sk in range(50)], "ConsistentRead": True}
    seen: list[int] = []
    rounds = 0
    left: dict[str, Any] = {"things": wish}
    while left:
        answer = tables("BatchGetItem", RequestItems=left)
        seen += [int(item["sk"]["N"]) for item in answer["Responses"]["things"]]
        left = answer["UnprocessedKeys"]
        assert not left or left["things"]["ConsistentRead"] is True
        rounds += 1
    assert (rounds, sorted(seen)) == (2, list(range(50)))


WRITES: tuple[tuple[list[Any], str], ...] = (
    (
        [{"PutRequest": {"Item": key("a", sk)}} for sk in range(26)],
        "Too many items requested for the BatchWriteItem call",
    ),
    (
        [{"PutRequest": {"Item": key("a")}}, {"DeleteRequest": {"Key": key("a")}}],
        "Provided list of item keys contains duplicates",
    ),
    ([{}], "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (
        [{"PutRequest": {"Item": key("a")}, "DeleteRequest": {"Key": key("a")}}],
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    ),
    (
        [{"PutRequest": {"Item": key("a")}}, {"PutRequest": {"Item": {"pk": {"S": "b"}}}}],
        "One or more parameter values were invalid: Missing the key sk in the item",
    ),
)


@pytest.mark.parametrize(("writes", "message"), WRITES)
def test_a_broken_batch_writes_nothing(tables: Tables, writes: list[Any], message: str) -> None:
    error = tables.refused("BatchWriteItem", RequestItems={"things": writes})
    assert (error.code, error.message) == ("ValidationException", message)
    assert tables("Scan", TableName="things")["Count"] == 0


def test_a_get_names_each_item_once_and_at_most_100(tables: Tables) -> None:
    twice = {"things": {"Keys": [key("a"), {"pk": {"S": "a"}, "sk": {"N": "0.0"}}]}}
    assert tables.message("BatchGetItem", RequestItems=twice) == "Provided list of item keys contains duplicates"
    many = {"things": {"Keys": [key("a", sk) for sk in range(101)]}}
    assert tables.message("BatchGetItem", RequestItems=many) == "Too many items requested for the BatchGetItem call"


def test_a_missing_table_fails_the_whole_batch(tables: Tables) -> None:
    writes = {"things": [{"PutRequest": {"Item": key("a")}}], "absent": [{"PutRequest": {"Item": key("a")}}]}
    assert tables.refused("BatchWriteItem", RequestItems=writes).code == "ResourceNotFoundException"
    assert tables.get("a") is None
