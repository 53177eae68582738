"""Replicas in other regions. Source: DynamoDB Developer Guide, Global tables (version 2019.11.21)."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.base.arn import Caller

SEOUL = Caller(region="ap-northeast-2")
PARIS = Caller(region="eu-west-3")
HOME = Caller()


def at(tables: Tables, place: Caller, operation: str, **members: Any) -> Any:
    return tables.world.call("dynamodb", operation, {"TableName": "things", **members}, caller=place)


def item(tables: Tables, place: Caller, sk: int = 0) -> Any:
    return at(tables, place, "GetItem", Key=key("a", sk)).get("Item")


def put(tables: Tables, place: Caller, sk: int = 0, n: int = 0) -> None:
    at(tables, place, "PutItem", Item={**key("a", sk), "n": {"N": str(n)}})


def replicate(tables: Tables, *places: Caller) -> None:
    for place in places:
        update = [{"Create": {"RegionName": place.region}}]
        shown = tables("UpdateTable", TableName="things", ReplicaUpdates=update)["TableDescription"]
        assert shown["Replicas"][-1] == {"RegionName": place.region, "ReplicaStatus": "CREATING"}
        tables.world.run_due()


def test_a_replica_takes_what_is_there_and_follows(tables: Tables) -> None:
    for sk in range(3):
        put(tables, HOME, sk)
    replicate(tables, SEOUL)
    for sk in range(3):
        assert item(tables, SEOUL, sk) == item(tables, HOME, sk) is not None
    put(tables, HOME, 5, 1)
    put(tables, SEOUL, 6, 1)
    at(tables, SEOUL, "DeleteItem", Key=key("a", 0))
    tables.world.run_due()
    for sk in (0, 1, 2, 5, 6):
        assert item(tables, SEOUL, sk) == item(tables, HOME, sk)
    assert item(tables, HOME, 6) is not None
    assert item(tables, HOME, 0) is None


def test_of_writes_at_one_instant_the_last_one_reaches_the_replicas(tables: Tables) -> None:
    replicate(tables, SEOUL)
    for n in range(3):
        put(tables, HOME, 0, n)  # The clock stands, as it does inside a batch.
    tables.world.run_due()
    put(tables, SEOUL, 0, 3)  # On top of what came from home.
    tables.world.run_due()
    assert item(tables, HOME) == item(tables, SEOUL) == {**key("a"), "n": {"N": "3"}}


def test_replicas_know_one_another(tables: Tables) -> None:
    replicate(tables, SEOUL, PARIS)
    for place, others in ((HOME, {SEOUL, PARIS}), (SEOUL, {HOME, PARIS}), (PARIS, {HOME, SEOUL})):
        table = at(tables, place, "DescribeTable")["Table"]
        assert {replica["RegionName"] for replica in table["Replicas"]} == {other.region for other in others}
        assert {replica["ReplicaStatus"] for replica in table["Replicas"]} == {"ACTIVE"}
        assert table["GlobalTableVersion"] == "2019.11.21"
        assert table["StreamSpecification"]["StreamViewType"] == "NEW_AND_OLD_IMAGES"
    put(tables, PARIS, 1)
    tables.world.run_due()
    assert item(tables, SEOUL, 1) == item(tables, HOME, 1) is not None


def test_a_replica_that_goes_leaves_the_others(tables: Tables) -> None:
    replicate(tables, SEOUL, PARIS)
    tables("UpdateTable", TableName="things", ReplicaUpdates=[{"Delete": {"RegionName": SEOUL.region}}])
    tables.world.run_due()
    refused = pytest.raises(Exception, match="Requested resource not found")
    with refused:
        item(tables, SEOUL)
    (left,) = at(tables, PARIS, "DescribeTable")["Table"]["Replicas"]
    assert left["RegionName"] == HOME.region
    put(tables, PARIS, 1)
    tables.world.run_due()
    assert item(tables, HOME, 1) is not None


def test_a_table_with_replicas_is_not_deleted(tables: Tables) -> None:
    replicate(tables, SEOUL)
    assert tables.refused("DeleteTable", TableName="things").code == "ValidationException"


@pytest.mark.parametrize(
    ("update", "code"),
    [
        ({"Create": {"RegionName": "us-east-1"}}, "ValidationException"),
        ({"Create": {"RegionName": "mars"}}, "ValidationException"),
        ({"Delete": {"RegionName": "eu-west-3"}}, "ReplicaNotFoundException"),
        ({"Delete": {"RegionName": "us-east-1"}}, "ValidationException"),
        ({}, "ValidationException"),
        ({"Disassociate": {"RegionName": "us-east-1"}}, "NotImplemented"),
    ],
)
def test_a_replica_that_cannot_be_is_refused(tables: Tables, update: Any, code: str) -> None:
    assert tables.refused("UpdateTable", TableName="things", ReplicaUpdates=[update]).code == code


def test_indexes_and_billing_are_those_of_all_replicas(tables: Tables) -> None:
    replicate(tables, SEOUL)
    index = {"IndexName": "late", "KeySchema": key_schema("colour"), "Projection": {"ProjectionType": "ALL"}}
    tables("UpdateTable", TableName="things", AttributeDefinitions=definitions("colour"),
           GlobalSecondaryIndexUpdates=[{"Create": index}])  # fmt: skip
    tables.world.run_due()
    (made,) = at(tables, SEOUL, "DescribeTable")["Table"]["GlobalSecondaryIndexes"]
    assert (made["IndexName"], made["IndexStatus"]) == ("late", "ACTIVE")


def test_the_time_to_live_is_that_of_all_replicas(tables: Tables) -> None:
    replicate(tables, SEOUL)
    specification = {"Enabled": True, "AttributeName": "ttl"}
    tables("UpdateTimeToLive", TableName="things", TimeToLiveSpecification=specification)
    told = at(tables, SEOUL, "DescribeTimeToLive")["TimeToLiveDescription"]
    assert told == {"TimeToLiveStatus": "ENABLED", "AttributeName": "ttl"}


def test_a_stream_tells_what_came_from_another_region(tables: Tables) -> None:
    replicate(tables, SEOUL)
    put(tables, HOME, 1)
    tables.world.run_due()
    arn = at(tables, SEOUL, "DescribeTable")["Table"]["LatestStreamArn"]
    shown = tables.world.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn}, caller=SEOUL)
    shard = shown["StreamDescription"]["Shards"][0]["ShardId"]
    request = {"StreamArn": arn, "ShardId": shard, "ShardIteratorType": "TRIM_HORIZON"}
    iterator = tables.world.call("dynamodbstreams", "GetShardIterator", request, caller=SEOUL)["ShardIterator"]
    records = tables.world.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator}, caller=SEOUL)["Records"]
    assert [record["eventName"] for record in records] == ["INSERT"]


STEPS = st.lists(
    st.tuples(st.sampled_from([HOME, SEOUL, PARIS]), st.integers(0, 2), st.one_of(st.none(), st.integers(0, 9)),
              st.integers(0, 1)),
    max_size=12,
)  # fmt: skip


@settings(max_examples=examples(25), deadline=None)
@given(steps=STEPS)
def test_all_replicas_end_with_the_last_writers_item(steps: list[tuple[Caller, int, int | None, int]]) -> None:
    tables = Tables()
    tables(
        "CreateTable", TableName="things", AttributeDefinitions=definitions("pk", "sk"),
        KeySchema=key_schema("pk", "sk"), BillingMode="PAY_PER_REQUEST",
    )  # fmt: skip
    replicate(tables, SEOUL, PARIS)
    last: dict[int, int | None] = {}
    for place, sk, n, seconds in steps:
        tables.world.now += timedelta(seconds=1)
        if n is None:
            at(tables, place, "DeleteItem", Key=key("a", sk))
            if item(tables, place, sk) is None and sk not in last:
                continue
        else:
            put(tables, place, sk, n)
        last[sk] = n
        if seconds:
            tables.world.run_due()
    tables.world.run_due()
    for sk in range(3):
        assert item(tables, HOME, sk) == item(tables, SEOUL, sk) == item(tables, PARIS, sk)
    tables.world.close()
