"""Streams. Source: DynamoDB Streams API Reference; DynamoDB Developer Guide, Change data capture."""

from datetime import timedelta
from typing import Any

import pytest
from tests.services.dynamodb.conftest import Tables, key

from interstate.base.errors import ServiceError
from interstate.base.time import to_epoch_s
from interstate.services.dynamodb.streams import ITERATOR_LIFE, TRIM_MAX
from interstate.store.records.dynamodb import STREAM_RECORDS
from interstate.store.tables import Scalar

COUNT = Scalar("SELECT count(*) FROM stream_records", (STREAM_RECORDS,))


def turn_on(tables: Tables, view: str = "NEW_AND_OLD_IMAGES") -> str:
    answer = tables(
        "UpdateTable",
        TableName="things",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": view},
    )["TableDescription"]
    arn: str = answer["LatestStreamArn"]
    return arn


def turn_off(tables: Tables) -> None:
    tables("UpdateTable", TableName="things", StreamSpecification={"StreamEnabled": False})


def shards(tables: Tables, arn: str, **more: Any) -> list[Any]:
    found: list[Any] = tables.streams("DescribeStream", StreamArn=arn, **more)["StreamDescription"]["Shards"]
    return found


def iterator(tables: Tables, arn: str, kind: str = "TRIM_HORIZON", shard: int = -1, **more: Any) -> str:
    name = shards(tables, arn)[shard]["ShardId"]
    answer = tables.streams("GetShardIterator", StreamArn=arn, ShardId=name, ShardIteratorType=kind, **more)
    text: str = answer["ShardIterator"]
    return text


def records(tables: Tables, arn: str, kind: str = "TRIM_HORIZON", **more: Any) -> list[Any]:
    found: list[Any] = []
    for shard in range(len(shards(tables, arn))):
        place = iterator(tables, arn, kind, shard, **more)
        found += tables.streams("GetRecords", ShardIterator=place)["Records"]
    return found


def test_a_stream_tells_what_happened_in_order(tables: Tables) -> None:
    arn = turn_on(tables)
    tables.put(pk="a", sk=0, n=1)
    tables(
        "UpdateItem",
        TableName="things",
        Key=key("a"),
        UpdateExpression="SET n = :two",
        ExpressionAttributeValues={":two": {"N": "2"}},
    )
    tables("DeleteItem", TableName="things", Key=key("a"))
    tables("DeleteItem", TableName="things", Key=key("a"))  # There is nothing any more: nothing to tell.
    one, two = {**key("a"), "n": {"N": "1"}}, {**key("a"), "n": {"N": "2"}}
    found = records(tables, arn)
    assert [record["eventName"] for record in found] == ["INSERT", "MODIFY", "REMOVE"]
    images = [(record["dynamodb"].get("OldImage"), record["dynamodb"].get("NewImage")) for record in found]
    assert images == [(None, one), (one, two), (two, None)]
    numbers = [record["dynamodb"]["SequenceNumber"] for record in found]
    assert numbers == sorted(set(numbers))
    assert all(len(number) >= 21 for number in numbers)
    first = found[0]
    assert (first["eventSource"], first["eventVersion"], first["awsRegion"]) == ("aws:dynamodb", "1.1", "us-east-1")
    assert first["dynamodb"]["Keys"] == key("a")
    assert first["dynamodb"]["ApproximateCreationDateTime"] == tables.world.now
    assert "userIdentity" not in first


@pytest.mark.parametrize(
    ("view", "images"),
    [
        ("KEYS_ONLY", set()),
        ("NEW_IMAGE", {"NewImage"}),
        ("OLD_IMAGE", {"OldImage"}),
        ("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}),
    ],
)
def test_a_view_says_which_images_there_are(tables: Tables, view: str, images: set[str]) -> None:
    tables.put(pk="a", sk=0, n=1)
    arn = turn_on(tables, view)
    tables.put(pk="a", sk=0, n=2)
    (record,) = records(tables, arn)
    assert record["dynamodb"].keys() & {"NewImage", "OldImage"} == images
    assert record["dynamodb"]["StreamViewType"] == view


def test_a_write_that_changes_nothing_and_one_that_is_refused_are_not_told(tables: Tables) -> None:
    tables.put(pk="a", sk=0, n=1)
    arn = turn_on(tables)
    tables.put(pk="a", sk=0, n=1)
    tables.refused("PutItem", TableName="things", Item=key("a"), ConditionExpression="attribute_not_exists(pk)")
    assert records(tables, arn) == []


def test_transactions_and_batches_are_told_item_by_item(tables: Tables) -> None:
    arn = turn_on(tables)
    tables(
        "TransactWriteItems",
        TransactItems=[{"Put": {"TableName": "things", "Item": key(pk)}} for pk in ("a", "b")],
    )
    tables("BatchWriteItem", RequestItems={"things": [{"DeleteRequest": {"Key": key("a")}}]})
    found = [(record["eventName"], record["dynamodb"]["Keys"]["pk"]["S"]) for record in records(tables, arn)]
    assert found == [("INSERT", "a"), ("INSERT", "b"), ("REMOVE", "a")]


def test_an_expired_item_is_removed_by_the_service(tables: Tables) -> None:
    arn = turn_on(tables)
    tables("UpdateTimeToLive", TableName="things", TimeToLiveSpecification={"Enabled": True, "AttributeName": "until"})
    tables.put(pk="a", sk=0, until=int(to_epoch_s(tables.world.now)) + 10)
    tables.world.advance(timedelta(minutes=2))
    _, removed = records(tables, arn)
    assert removed["eventName"] == "REMOVE"
    assert removed["userIdentity"] == {"PrincipalId": "dynamodb.amazonaws.com", "Type": "Service"}


# Reading -----------------------------------------------------------------------------------------------------------


def test_iterators_begin_where_they_are_asked_to(tables: Tables) -> None:
    arn = turn_on(tables)
    for sk in range(4):
        tables.put(pk="a", sk=sk)
    second = records(tables, arn)[1]["dynamodb"]["SequenceNumber"]

    def read(kind: str, **more: Any) -> list[str]:
        return [record["dynamodb"]["Keys"]["sk"]["N"] for record in records(tables, arn, kind, **more)]

    assert read("TRIM_HORIZON") == ["0", "1", "2", "3"]
    assert read("AT_SEQUENCE_NUMBER", SequenceNumber=second) == ["1", "2", "3"]
    assert read("AFTER_SEQUENCE_NUMBER", SequenceNumber=second) == ["2", "3"]
    assert read("LATEST") == []
    latest = iterator(tables, arn, "LATEST")
    tables.put(pk="a", sk=9)
    (record,) = tables.streams("GetRecords", ShardIterator=latest)["Records"]
    assert record["dynamodb"]["Keys"]["sk"] == {"N": "9"}


def test_pages_follow_one_another_for_as_long_as_the_stream_is_on(tables: Tables) -> None:
    arn = turn_on(tables)
    for sk in range(7):
        tables.put(pk="a", sk=sk)
    seen: list[str] = []
    place = iterator(tables, arn)
    for _ in range(5):
        answer = tables.streams("GetRecords", ShardIterator=place, Limit=3)
        seen += [record["dynamodb"]["Keys"]["sk"]["N"] for record in answer["Records"]]
        place = answer["NextShardIterator"]
    assert seen == [str(sk) for sk in range(7)]
    tables.put(pk="a", sk=7)
    turn_off(tables)
    answer = tables.streams("GetRecords", ShardIterator=place)
    assert len(answer["Records"]) == 1
    assert "NextShardIterator" not in answer


def test_a_page_ends_at_one_megabyte(tables: Tables) -> None:
    arn = turn_on(tables, "NEW_IMAGE")
    for sk in range(8):
        tables.put(pk="a", sk=sk, blob="x" * 300_000)
    assert len(records(tables, arn)) == 3


def test_an_iterator_is_good_for_15_minutes(tables: Tables) -> None:
    arn = turn_on(tables)
    place = iterator(tables, arn)
    tables.world.advance(ITERATOR_LIFE)
    tables.streams("GetRecords", ShardIterator=place)
    tables.world.advance(timedelta(seconds=1))
    with pytest.raises(ServiceError) as refused:
        tables.streams("GetRecords", ShardIterator=place)
    assert refused.value.code == "ExpiredIteratorException"


@pytest.mark.parametrize(
    ("operation", "members", "code"),
    [
        ("DescribeStream", {"StreamArn": "arn:aws:dynamodb:us-east-1:000000000000:table/x/stream/y"}, "ResourceNotFoundException"),
        ("GetRecords", {"ShardIterator": "nonsense"}, "ValidationException"),
        ("GetRecords", {"ShardIterator": "nonsense", "Limit": 1001}, "ValidationException"),
        ("DescribeStream", {"StreamArn": "nonsense" * 5}, "ValidationException"),
    ],
)  # fmt: skip
def test_what_is_not_there_is_told(tables: Tables, operation: str, members: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        tables.streams(operation, **members)
    assert refused.value.code == code


# A stream's life ---------------------------------------------------------------------------------------------------


def test_a_stream_is_kept_for_a_day(tables: Tables) -> None:
    arn = turn_on(tables)
    for sk in range(TRIM_MAX * 2 + 1):
        tables.put(pk="a", sk=sk)
    first = records(tables, arn)[0]["dynamodb"]["SequenceNumber"]
    tables.world.advance(timedelta(hours=23))
    tables.put(pk="b", sk=0)
    tables.world.advance(timedelta(hours=3))
    assert [record["dynamodb"]["Keys"] for record in records(tables, arn)] == [key("b")]
    with pytest.raises(ServiceError) as refused:
        iterator(tables, arn, "AT_SEQUENCE_NUMBER", SequenceNumber=first)
    assert refused.value.code == "TrimmedDataAccessException"


def test_a_table_without_streams_has_none(tables: Tables) -> None:
    assert tables.streams("ListStreams", TableName="absent") == {"Streams": []}


def test_a_stream_of_a_deleted_table_is_listed_for_another_day(tables: Tables) -> None:
    arn = turn_on(tables)
    tables.put(pk="a", sk=0)
    tables("DeleteTable", TableName="things")
    (listed,) = tables.streams("ListStreams", TableName="things")["Streams"]
    assert listed["StreamArn"] == arn
    assert len(records(tables, arn)) == 1


def test_a_shard_of_four_hours_is_followed_by_its_child(tables: Tables) -> None:
    arn = turn_on(tables)
    for sk in range(3):
        tables.put(pk="a", sk=sk)
        tables.world.advance(timedelta(hours=4, minutes=1))
    first, second, third, *rest = shards(tables, arn)
    assert "ParentShardId" not in first
    assert (second["ParentShardId"], third["ParentShardId"]) == (first["ShardId"], second["ShardId"])
    assert "EndingSequenceNumber" in second["SequenceNumberRange"]
    assert len(rest) == 1  # The open one.
    assert "EndingSequenceNumber" not in rest[0]["SequenceNumberRange"]
    assert [record["dynamodb"]["Keys"]["sk"]["N"] for record in records(tables, arn)] == ["0", "1", "2"]
    answer = tables.streams("GetRecords", ShardIterator=iterator(tables, arn, shard=0))
    assert [record["dynamodb"]["Keys"] for record in answer["Records"]] == [key("a", 0)]
    assert "NextShardIterator" not in answer
    assert shards(tables, arn, ShardFilter={"Type": "CHILD_SHARDS", "ShardId": first["ShardId"]}) == [second]
    page = tables.streams("DescribeStream", StreamArn=arn, Limit=1)["StreamDescription"]
    assert (page["Shards"], page["LastEvaluatedShardId"]) == ([first], first["ShardId"])
    assert shards(tables, arn, ExclusiveStartShardId=first["ShardId"], Limit=1) == [second]


def test_shards_are_forgotten_with_their_records(tables: Tables) -> None:
    arn = turn_on(tables)
    tables.put(pk="a", sk=0)
    tables.world.advance(timedelta(hours=5))
    tables.put(pk="a", sk=1)
    assert len(shards(tables, arn)) == 2
    names = [shard["ShardId"] for shard in shards(tables, arn)]
    for _ in range(26):
        tables.world.advance(timedelta(hours=1))
    assert names[0] not in [shard["ShardId"] for shard in shards(tables, arn)]


def test_a_shard_is_read_from_an_instant(tables: Tables) -> None:
    arn = turn_on(tables)
    instants = []
    for sk in range(9):
        instants.append(tables.world.now)
        tables.put(pk="a", sk=sk)
        tables.world.advance(timedelta(minutes=1))
    for place, at in enumerate(instants):
        for early in (timedelta(0), timedelta(seconds=30)):
            found = records(tables, arn, "AT_TIMESTAMP", Timestamp=at - early)
            assert [record["dynamodb"]["Keys"]["sk"]["N"] for record in found] == [str(sk) for sk in range(place, 9)]
    assert records(tables, arn, "AT_TIMESTAMP", Timestamp=tables.world.now) == []
    with pytest.raises(ServiceError, match="future"):
        iterator(tables, arn, "AT_TIMESTAMP", Timestamp=tables.world.now + timedelta(seconds=1))


def test_the_trim_never_pulls_the_clock(tables: Tables) -> None:
    turn_on(tables)
    start = tables.world.now
    tables.world.run_until_idle()
    assert tables.world.now == start


def test_a_stream_that_was_turned_off_is_read_for_another_day(tables: Tables) -> None:
    arn = turn_on(tables)
    tables.put(pk="a", sk=0)
    turn_off(tables)
    tables.put(pk="b", sk=0)
    assert len(records(tables, arn)) == 1
    table = tables("DescribeTable", TableName="things")["Table"]
    assert table["LatestStreamArn"] == arn
    assert "StreamSpecification" not in table
    described = tables.streams("DescribeStream", StreamArn=arn)["StreamDescription"]
    assert described["StreamStatus"] == "DISABLED"
    assert "EndingSequenceNumber" in described["Shards"][0]["SequenceNumberRange"]
    tables.world.advance(timedelta(hours=26))
    assert tables.streams("ListStreams") == {"Streams": []}
    assert tables.world.run(lambda work: work.scalar(COUNT)) == 0


def test_a_second_stream_has_a_name_of_its_own_though_the_clock_stands(tables: Tables) -> None:
    first = turn_on(tables)
    turn_off(tables)
    second = turn_on(tables)
    assert first != second
    listed = tables.streams("ListStreams", TableName="things")["Streams"]
    assert [stream["StreamArn"] for stream in listed] == sorted([first, second])
    page = tables.streams("ListStreams", Limit=1)
    assert page["LastEvaluatedStreamArn"] == page["Streams"][0]["StreamArn"]
    rest = tables.streams("ListStreams", ExclusiveStartStreamArn=page["LastEvaluatedStreamArn"])
    assert len(rest["Streams"]) == 1


def test_a_stream_outlives_its_table(tables: Tables) -> None:
    arn = turn_on(tables)
    tables.put(pk="a", sk=0)
    tables("DeleteTable", TableName="things")
    assert len(records(tables, arn)) == 1
    assert tables.streams("DescribeStream", StreamArn=arn)["StreamDescription"]["StreamStatus"] == "DISABLED"


def test_a_stream_is_turned_on_once_and_off_once(tables: Tables) -> None:
    off = {"StreamEnabled": False}
    assert "no stream to disable" in tables.message("UpdateTable", TableName="things", StreamSpecification=off)
    turn_on(tables)
    on = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
    message = tables.message("UpdateTable", TableName="things", StreamSpecification=on)
    assert message == "Table already has an enabled stream: TableName: things"


def test_a_table_may_be_born_with_a_stream(tables: Tables) -> None:
    table = tables(
        "CreateTable",
        TableName="born",
        AttributeDefinitions=[{"AttributeName": "pk", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )["TableDescription"]
    assert table["StreamSpecification"] == {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
    assert table["LatestStreamArn"] == f"{table['TableArn']}/stream/{table['LatestStreamLabel']}"
    tables("PutItem", TableName="born", Item={"pk": {"S": "a"}})
    assert len(records(tables, table["LatestStreamArn"])) == 1
