"""Throughput that is enforced, and metrics. Source: DynamoDB Developer Guide, Burst capacity; Metrics and dimensions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, definitions, key, key_schema

from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICES
from interstate.services.dynamodb.throughput import enforcing
from interstate.store.records.metrics import POINTS, SERIES
from interstate.store.tables import Select

EXCEEDED = (
    "The level of configured provisioned throughput for the table was exceeded. Consider increasing your provisioning "
    "level with the UpdateTable API."
)
UNITS = {"ReadCapacityUnits": 1, "WriteCapacityUnits": 2}
BIG = {"x": {"S": "x" * 100_000}}  # 98 write units, 25 read units.


@pytest.fixture
def enforced() -> Iterator[Tables]:
    made = Tables()
    made.world.close()
    made.world = World(enforcing(SERVICES))
    made("CreateTable", TableName="things", AttributeDefinitions=definitions("pk", "sk"),
         KeySchema=key_schema("pk", "sk"), ProvisionedThroughput=UNITS)  # fmt: skip
    yield made
    made.world.close()


SERIES_ALL = Select(SERIES, "id > 0", "id")
POINTS_ALL = Select(POINTS, "series = :series", "minute")
THINGS = (("TableName", "things"),)


def measured(tables: Tables) -> dict[tuple[str, Any], float]:
    def read(work: Any) -> dict[tuple[str, Any], float]:
        found = {}
        for series in work.select(SERIES_ALL, limit=1000):
            points = work.select(POINTS_ALL, limit=1000, series=series.id)
            found[series.name, series.dimensions] = sum(point.total for point in points)
        return found

    answer: dict[tuple[str, Any], float] = tables.world.run(read)
    return answer


def test_300_seconds_of_units_are_there_at_once_and_come_back(enforced: Tables) -> None:
    item = {**key("a"), **BIG}
    for _ in range(7):  # 600 units are there; the seventh leaves a debt of 86.
        enforced("PutItem", TableName="things", Item=item)
    error = enforced.refused("PutItem", TableName="things", Item=key("b"))
    assert (error.code, error.message) == ("ProvisionedThroughputExceededException", EXCEEDED)
    assert enforced.get("b") is None
    enforced.world.advance(timedelta(seconds=43))
    assert enforced.refused("PutItem", TableName="things", Item=key("b")).message == EXCEEDED
    enforced.world.advance(timedelta(seconds=1))
    enforced("PutItem", TableName="things", Item=key("b"))


def test_reads_have_units_of_their_own(enforced: Tables) -> None:
    enforced("PutItem", TableName="things", Item={**key("a"), **BIG})
    for _ in range(12):
        enforced("GetItem", TableName="things", Key=key("a"), ConsistentRead=True)
    for operation, members in (
        ("GetItem", {"Key": key("a")}),
        ("Scan", {}),
        ("Query", {"KeyConditionExpression": "pk = :p", "ExpressionAttributeValues": {":p": {"S": "a"}}}),
        ("ExecuteStatement", {"Statement": "SELECT * FROM things"}),
    ):
        if operation != "ExecuteStatement":
            members = {**members, "TableName": "things"}
        assert enforced.message(operation, **members) == EXCEEDED
    enforced("PutItem", TableName="things", Item=key("b"))


def test_what_a_batch_may_not_spend_is_left(enforced: Tables) -> None:
    writes = [{"PutRequest": {"Item": {**key("a", number), **BIG}}} for number in range(10)]
    answer = enforced("BatchWriteItem", RequestItems={"things": writes})
    assert answer["UnprocessedItems"] == {"things": writes[7:]}
    assert enforced.message("BatchWriteItem", RequestItems={"things": writes[7:]}) == EXCEEDED


def test_a_bound_of_what_is_paid_per_request_is_one_second(enforced: Tables) -> None:
    enforced("UpdateTable", TableName="things", BillingMode="PAY_PER_REQUEST")
    for _ in range(50):
        enforced("PutItem", TableName="things", Item=key("a"))
    enforced("UpdateTable", TableName="things", OnDemandThroughput={"MaxWriteRequestUnits": 3})
    error = None
    for _ in range(5):
        try:
            enforced("PutItem", TableName="things", Item=key("a"))
        except Exception as refusal:  # noqa: BLE001 looked at below
            error = refusal
    assert str(error) == "Throughput exceeds the maximum OnDemandThroughput configured on table or index"


def test_nothing_is_throttled_where_it_is_not_asked_for(tables: Tables) -> None:
    tables("UpdateTable", TableName="things", BillingMode="PROVISIONED", ProvisionedThroughput=UNITS)
    for _ in range(20):
        tables("PutItem", TableName="things", Item={**key("a"), **BIG})


def test_units_and_refusals_are_metrics(indexed: Tables) -> None:
    indexed.put(pk="a", sk=0, owner="me")
    indexed("GetItem", TableName="things", Key=key("a"))
    condition = "attribute_not_exists(pk)"
    indexed.refused("PutItem", TableName="things", Item=key("a"), ConditionExpression=condition)
    indexed.refused("GetItem", TableName="things", Key={"pk": {"S": "a"}})
    indexed.refused("GetItem", TableName="absent", Key={"pk": {"S": "a"}})
    found = measured(indexed)
    assert found["ConsumedWriteCapacityUnits", THINGS] == 1
    assert found["ConsumedWriteCapacityUnits", (("GlobalSecondaryIndexName", "byOwner"), *THINGS)] == 1
    assert found["ConsumedReadCapacityUnits", THINGS] == 0.5
    assert found["ConditionalCheckFailedRequests", THINGS] == 1
    assert found["UserErrors", ()] == 2


def test_throttles_are_metrics(enforced: Tables) -> None:
    for _ in range(7):
        enforced("PutItem", TableName="things", Item={**key("a"), **BIG})
    enforced.refused("PutItem", TableName="things", Item=key("b"))
    found = measured(enforced)
    assert found["ThrottledRequests", THINGS] == found["WriteThrottleEvents", THINGS] == 1
