"""Item collections of tables with local indexes, and counts. Source: DynamoDB Developer Guide, Item collections."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.services.dynamodb import collections
from interstate.services.dynamodb.counts import fold
from interstate.services.dynamodb.hints import Hints
from interstate.store.records.dynamodb import ITEM_COUNT_DELTAS, ITEM_TABLES, ItemTable
from interstate.store.tables import Key, Scalar

ARN = "arn:aws:dynamodb:us-east-1:000000000000:table/things"
DELTAS = Scalar("SELECT COUNT(*) FROM item_count_deltas", (ITEM_COUNT_DELTAS,))


def test_metrics_name_the_collection_and_its_size(indexed: Tables) -> None:
    asked = {"ReturnItemCollectionMetrics": "SIZE"}
    metrics = {"ItemCollectionKey": {"pk": {"S": "a"}}, "SizeEstimateRangeGB": [0.0, 1.0]}
    answer = indexed("PutItem", TableName="things", Item=key("a"), **asked)
    assert answer == {"ItemCollectionMetrics": metrics}
    update = {
        "UpdateExpression": "SET #r = :r",
        "ExpressionAttributeValues": {":r": {"N": "1"}},
        "ExpressionAttributeNames": {"#r": "rank"},
    }
    assert (
        indexed("UpdateItem", TableName="things", Key=key("a"), **update, **asked)["ItemCollectionMetrics"] == metrics
    )
    writes = {"things": [{"PutRequest": {"Item": key("a", 1)}}, {"PutRequest": {"Item": key("b", 1)}}]}
    batch = indexed("BatchWriteItem", RequestItems=writes, **asked)["ItemCollectionMetrics"]
    assert [one["ItemCollectionKey"]["pk"]["S"] for one in batch["things"]] == ["a", "b"]
    action = {"Put": {"TableName": "things", "Item": key("c")}}
    done = indexed("TransactWriteItems", TransactItems=[action], **asked)["ItemCollectionMetrics"]
    assert [one["ItemCollectionKey"]["pk"]["S"] for one in done["things"]] == ["c"]
    assert indexed("DeleteItem", TableName="things", Key=key("a"), **asked)["ItemCollectionMetrics"] == metrics


def test_tables_without_local_indexes_have_no_collections(tables: Tables) -> None:
    assert tables("PutItem", TableName="things", Item=key("a"), ReturnItemCollectionMetrics="SIZE") == {}


def test_a_collection_holds_ten_gigabytes(indexed: Tables, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "COLLECTION_BYTES_MAX", 1000)
    indexed.put(pk="a", sk=0, x="x" * 900)
    error = indexed.refused("PutItem", TableName="things", Item={**key("a", 1), "x": {"S": "x" * 100}})
    assert error.code == "ItemCollectionSizeLimitExceededException"
    assert indexed.get("a", 1) is None
    indexed.put(pk="b", sk=0, x="x" * 900)
    indexed("DeleteItem", TableName="things", Key=key("a", 0))
    indexed.put(pk="a", sk=1, x="x" * 100)


def number(tables: Tables) -> int:
    table: ItemTable = tables.world.run(lambda work: work.get(ITEM_TABLES, ARN))
    return table.definition.id


def fold_now(tables: Tables) -> None:
    known = number(tables)
    tables.world.run(lambda work: fold(known, work))


WRITES = st.lists(
    st.tuples(st.integers(0, 3), st.one_of(st.none(), st.integers(0, 40)), st.booleans(), st.booleans()), max_size=15
)


@settings(max_examples=examples(25), deadline=None)
@given(writes=WRITES)
def test_counts_are_those_of_the_items_however_they_are_folded(
    writes: list[tuple[int, int | None, bool, bool]],
) -> None:
    tables = Tables()
    tables(
        "CreateTable", TableName="things", AttributeDefinitions=definitions("pk", "sk"),
        KeySchema=key_schema("pk", "sk"), BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    for sk, length, passes, folds in writes:
        if length is None:
            tables("DeleteItem", TableName="things", Key=key("a", sk))
        else:
            tables.put(pk="a", sk=sk, x="x" * length)
        if passes:
            tables.world.now += timedelta(microseconds=1)
        if folds:
            fold_now(tables)
    table = tables("DescribeTable", TableName="things")["Table"]
    items = tables("Scan", TableName="things")["Items"]
    assert table["ItemCount"] == len(items)
    assert table["TableSizeBytes"] == sum(
        len("pk") + 1 + len("sk") + (1 if item["sk"]["N"] == "0" else 2) + len("x") + len(item["x"]["S"])
        for item in items
    )
    tables.world.close()


def test_batches_are_folded(tables: Tables) -> None:
    for sk in range(5):
        tables.put(pk="a", sk=sk)
        tables.world.now += timedelta(microseconds=64)
    assert tables.world.run(lambda work: work.scalar(DELTAS)) <= 2
    assert tables("DescribeTable", TableName="things")["Table"]["ItemCount"] == 5


def test_a_hint_names_the_row_or_none(tables: Tables) -> None:
    hints = Hints()
    assert hints.item(ARN, key("a")) == ()
    definition = tables.world.run(lambda work: work.get(ITEM_TABLES, ARN)).definition
    hints.note(ARN, definition.id, definition.key)
    (found,) = hints.item(ARN, key("a", 1))
    assert isinstance(found, Key)
    assert found.values[:2] == (definition.id, b"a")
    refused: tuple[dict[str, Any], ...] = (
        {}, {"pk": {"S": "a"}}, {"pk": {"N": "1"}, "sk": {"N": "1"}}, {"pk": 1}, {**key("a"), "sk": {"N": "x"}},
    )  # fmt: skip
    assert [hints.item(ARN, wrong) for wrong in refused] == [()] * len(refused)
