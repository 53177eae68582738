"""Whoever follows a log passes over nothing that a slower node commits later: the readers that no other file here tests."""

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from tests.nodes.mapped_stream import TABLE, Pair, hear, make_function, map_stream, put
from tests.nodes.slow_node import begin
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.runtime.testing import World
from interstate.services.dynamodb.shards import SHARD_LIFE, rolled
from interstate.services.lambda_.following import Follow, follow
from interstate.services.operation import Parked
from interstate.store.postgres.engine import ClockSequences, PostgresStore
from interstate.store.records.dynamodb import ITEM_STREAMS

EVERYBODY = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}]}'
GROUP = "/aws/lambda/f"


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    open_worlds_on(fresh_database(), monkeypatch)
    worlds = tuple(World(performers={"lambda.prepare": lambda _key, _body: None}) for _ in range(2))
    worlds[1].now += timedelta(milliseconds=1)  # Two nodes never decide at the very same instant.
    yield worlds  # type: ignore[misc]  # two
    for world in worlds:
        world.close()


def lines(node: World, stream: str, text: str) -> dict[str, Any]:
    at = int(node.now.timestamp() * 1000)
    return {"logGroupName": GROUP, "logStreamName": stream, "logEvents": [{"timestamp": at, "message": text}]}


def test_who_follows_a_functions_log_comes_again_for_what_a_slower_node_writes(pair: Pair) -> None:
    slow, quick = pair
    make_function(quick)
    quick.run_due()
    quick.call("logs", "CreateLogGroup", {"logGroupName": GROUP})
    for node in pair:
        stream = f"of {node.store.node}"
        quick.call("logs", "CreateLogStream", {"logGroupName": GROUP, "logStreamName": stream})
        node.call("logs", "PutLogEvents", lines(node, stream, "before"))
    place = quick.run(lambda work: follow(Follow("f"), work))["After"]
    begin(slow, "logs", "PutLogEvents", lines(slow, f"of {slow.store.node}", "slow"))
    quick.call("logs", "PutLogEvents", lines(quick, f"of {quick.store.node}", "quick"))
    parked = quick.run(lambda work: follow(Follow("f", after=place, wait_s=5), work))
    assert isinstance(parked, Parked)
    assert parked.wake_at == quick.now + timedelta(milliseconds=20)
    slow.store.commit()
    answer = quick.run(lambda work: parked.again(work, False))
    assert [event["Message"] for event in answer["Events"]] == ["slow", "quick"]
    rest = quick.run(lambda work: follow(Follow("f", after=answer["After"]), work))
    assert rest["Events"] == []


def test_a_mapping_of_a_stream_hands_over_what_a_slower_node_writes_in_its_order(pair: Pair) -> None:
    """Its reader is the quicker node, and looks while the slower one's record is not there yet."""
    slow, quick = pair
    had = hear(pair)
    make_function(quick)
    quick.run_due()
    map_stream(quick)
    for node in pair:
        node.call("dynamodb", "PutItem", put(f"first of {node.store.node}"))
        node.run_due()
    for node in pair:
        node.advance(timedelta(seconds=1))
    assert len(had) == 2
    begin(slow, "dynamodb", "PutItem", put("slow"))
    quick.call("dynamodb", "PutItem", put("quick"))
    quick.advance(timedelta(seconds=1))
    assert had[2:] == []
    slow.store.commit()
    for node in (quick, slow, quick):
        node.advance(timedelta(seconds=1))
    assert had[2:] == ["slow", "quick"]


def test_a_replay_of_a_topic_waits_for_what_a_slower_node_is_archiving(pair: Pair) -> None:
    slow, quick = pair
    attributes = {"FifoTopic": "true", "ContentBasedDeduplication": "true", "FifoThroughputScope": "MessageGroup"}
    archive = {"ArchivePolicy": '{"MessageRetentionPeriod": "2"}'}
    topic = quick.call("sns", "CreateTopic", {"Name": "t.fifo", "Attributes": attributes | archive})["TopicArn"]
    queue = {"QueueName": "q.fifo", "Attributes": {"FifoQueue": "true", "Policy": EVERYBODY}}
    url = quick.call("sqs", "CreateQueue", queue)["QueueUrl"]
    for number, node in enumerate(pair):
        node.call("sns", "Publish", {"TopicArn": topic, "Message": f"before {number}", "MessageGroupId": f"g{number}"})
    begin(slow, "sns", "Publish", {"TopicArn": topic, "Message": "slow", "MessageGroupId": "g0"})
    policy = json.dumps({"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z"})
    wanted = {
        "TopicArn": topic,
        "Protocol": "sqs",
        "Endpoint": "arn:aws:sqs:us-east-1:000000000000:q.fifo",
        "Attributes": {"RawMessageDelivery": "true", "ReplayPolicy": policy},
        "ReturnSubscriptionArn": True,
    }
    arn = quick.call("sns", "Subscribe", wanted)["SubscriptionArn"]

    def state() -> str:
        shown = quick.call("sns", "GetSubscriptionAttributes", {"SubscriptionArn": arn})["Attributes"]
        return str(shown["ReplayStatus"])

    quick.run_due()
    assert state() == "Pending"
    slow.store.commit()
    slow.run_due()
    quick.advance(timedelta(seconds=1))
    assert state() == "Completed"
    bodies: list[str] = []
    for _ in range(3):  # Of a group that has messages in flight, nothing is given.
        found = quick.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10}).get("Messages", [])
        bodies += [message["Body"] for message in found]
    assert sorted(bodies) == ["before 0", "before 1", "slow"]
    assert bodies.index("before 0") < bodies.index("slow")


def test_a_closed_shard_ends_when_no_slower_node_can_write_its_records_any_more(pair: Pair) -> None:
    slow, quick = pair
    quick.call("dynamodb", "CreateTable", TABLE)
    arn = quick.call("dynamodb", "DescribeTable", {"TableName": "orders"})["Table"]["LatestStreamArn"]
    for node in pair:
        node.call("dynamodb", "PutItem", put(f"first of {node.store.node}"))
    begin(slow, "dynamodb", "PutItem", put("slow"))
    quick.now += SHARD_LIFE

    def roll(work: Any) -> None:
        work.put(ITEM_STREAMS, rolled(work.get(ITEM_STREAMS, arn), work))

    quick.run(roll)
    closed, opened = quick.call("dynamodbstreams", "DescribeStream", {"StreamArn": arn})["StreamDescription"]["Shards"]
    assert opened["ParentShardId"] == closed["ShardId"]
    asked = {"StreamArn": arn, "ShardId": closed["ShardId"], "ShardIteratorType": "TRIM_HORIZON"}
    iterator = quick.call("dynamodbstreams", "GetShardIterator", asked)["ShardIterator"]
    first = quick.call("dynamodbstreams", "GetRecords", {"ShardIterator": iterator})
    assert len(first["Records"]) == 2
    assert "NextShardIterator" in first  # The slower node's record may have a number of this shard.
    slow.store.commit()
    last = quick.call("dynamodbstreams", "GetRecords", {"ShardIterator": first["NextShardIterator"]})
    assert [record["dynamodb"]["Keys"]["k"]["S"] for record in last["Records"]] == ["slow"]
    assert "NextShardIterator" not in last


def test_what_a_batch_writes_after_it_has_read_a_log_lies_above_what_its_reader_has_passed() -> None:
    """Calls of one batch: a read up to the horizon, then a write, whose clock was read with the locks before both."""
    store = PostgresStore(fresh_database())
    store.begin()
    store.line.ask((("SELECT 1", ()),), locks=True)
    horizon = store.rows.horizon()
    (number,) = ClockSequences(store).draw_some(ITEM_STREAMS, 1, store.rows)
    assert number >= horizon
    store.rollback()
    store.close()
