"""Envelopes that are written for several queues together arrive as those that go alone.

A message with a trace goes alone, so it shows what is right.
"""

import json
from functools import cache
from typing import Any

import msgspec
import pytest

from interstate.base.arn import Caller
from interstate.runtime.testing import World
from interstate.services import sns, sqs
from interstate.services.signing import OWN
from interstate.services.sns.signatures import new_key
from interstate.store.records.metrics import POINTS, SERIES
from interstate.store.records.sns import SIGNING_KEYS, SigningKey
from interstate.store.records.sqs import DEPTHS, MESSAGES
from interstate.store.records.sqs import QUEUES as QUEUES_TABLE
from interstate.store.tables import Select

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
ARN = "arn:aws:sqs:us-east-1:000000000000:{}"
LET_IN: dict[str, Any] = {
    "Effect": "Allow",
    "Principal": {"Service": "sns.amazonaws.com"},
    "Action": "sqs:SendMessage",
    "Resource": "*",
}
NOT_BEFORE = {"DateGreaterThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}
NOT_AFTER = {"DateLessThan": {"aws:CurrentTime": "2099-01-01T00:00:00Z"}}

ALL_QUEUES = Select(QUEUES_TABLE, "arn <> ''", "arn")
ALL_MESSAGES = Select(MESSAGES, "id > 0", "id")
ALL_POINTS = Select(POINTS, "series <> 0", "series")
ALL_SERIES = Select(SERIES, "name <> ''", "id")
ALL_DEPTHS = Select(DEPTHS, "queue_id > 0", "queue_id")


def policy(**more: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [LET_IN | more]})


QUEUES: dict[str, dict[str, str]] = {
    "plain": {"Policy": policy()},
    "delayed": {"Policy": policy(), "DelaySeconds": "30"},
    "small": {"Policy": policy(), "MaximumMessageSize": "1024"},
    "closed": {},
    "denied": {"Policy": policy(Effect="Deny")},
    "early": {"Policy": policy(Condition=NOT_BEFORE)},
    "timely": {"Policy": policy(Condition=NOT_AFTER)},
    "other-topic": {"Policy": policy(Condition={"ArnEquals": {"aws:SourceArn": TOPIC + "2"}})},
}


@cache
def signing_key() -> SigningKey:
    """One for all worlds: a key is dear, and its name stands in every envelope."""
    private_key, certificate = new_key()
    return SigningKey(OWN, private_key, certificate)


def site(queues: dict[str, dict[str, str]], attributes: dict[str, str]) -> World:
    world = World((*sns.SERVICES, *sqs.SERVICES))
    world.run(lambda work: work.put(SIGNING_KEYS, signing_key()))
    world.call("sns", "CreateTopic", {"Name": "orders", "Attributes": attributes})
    world.call("sqs", "CreateQueue", {"QueueName": "dead", "Attributes": {"Policy": policy()}})
    for name, given in queues.items():
        world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": given})
        redrive = json.dumps({"deadLetterTargetArn": ARN.format("dead")})
        subscribe(world, name, RedrivePolicy=redrive)
    return world


def subscribe(world: World, queue: str, **attributes: str) -> None:
    request = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": ARN.format(queue), "Attributes": attributes}
    world.call("sns", "Subscribe", request)


def left(world: World) -> tuple[list[Any], list[Any], list[Any]]:
    """What publishes leave: messages (but for their own ids), depths, and what was counted; queues by their names."""

    def read(work: Any) -> tuple[list[Any], list[Any], list[Any]]:
        queues = {queue.id: queue.name for queue in work.select(ALL_QUEUES, limit=1000)}

        def plain(message: Any) -> dict[str, Any]:
            found: dict[str, Any] = msgspec.to_builtins(message)
            found["system_attributes"].pop("AWSTraceHeader", "")
            kept = {name: value for name, value in found.items() if name not in {"id", "message_id", "body_md5"}}
            return kept | {"queue_id": queues[found["queue_id"]]}

        names = {series.id: series.name for series in work.select(ALL_SERIES, limit=1000)}
        points = [
            (names[point.series], *msgspec.structs.astuple(point)[3:]) for point in work.select(ALL_POINTS, limit=1000)
        ]
        depths = [(queues[depth.queue_id], depth.messages) for depth in work.select(ALL_DEPTHS, limit=1000)]
        messages = [plain(message) for message in work.select(ALL_MESSAGES, limit=1000)]
        return (
            sorted(messages, key=lambda each: (each["queue_id"], each["body"])),
            sorted(depths),
            sorted(map(repr, points)),
        )

    found: tuple[list[Any], list[Any], list[Any]] = world.run(read)
    return found


MESSAGES_OF: list[dict[str, Any]] = [
    {"Message": "text"},
    {"Message": 'té\n"x"', "Subject": "News"},
    {"Message": "x" * 1500},
    {"Message": "a broken one \uffff"},
    {"Message": "of a group", "MessageGroupId": "g1"},
    {"Message": "typed", "MessageAttributes": {"kind": {"DataType": "String", "StringValue": "order"}}},
    {"Message": json.dumps({"default": "d", "sqs": "for queues"}), "MessageStructure": "json"},
]  # fmt: skip


@pytest.mark.parametrize("message", MESSAGES_OF)
@pytest.mark.parametrize("attributes", [{}, {"SignatureVersion": "2"}])
def test_queues_get_together_what_each_gets_alone(message: dict[str, Any], attributes: dict[str, str]) -> None:
    found = []
    for trace in ("", "Root=1-5759e988-bd862e3fe1be46a994272793"):
        world = site(QUEUES, attributes)
        world.call("sns", "Publish", {"TopicArn": TOPIC, **message}, caller=Caller(trace=trace))
        world.run_due()
        found.append(left(world))
    assert found[0] == found[1]


def test_a_queue_that_two_subscriptions_name_gets_two_messages() -> None:
    world = site({"plain": QUEUES["plain"]}, {})
    again = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": ARN.format("plain")}
    world.call("sns", "CreateTopic", {"Name": "other"})
    world.call("sns", "Subscribe", again | {"TopicArn": TOPIC.replace("orders", "other")})
    for topic in (TOPIC, TOPIC.replace("orders", "other")):
        world.call("sns", "Publish", {"TopicArn": topic, "Message": "text"})
    answer = world.call("sqs", "ReceiveMessage", {"QueueUrl": "plain", "MaxNumberOfMessages": 10})
    assert len({message["MessageId"] for message in answer["Messages"]}) == 2


def test_raw_and_wrapped_deliveries_stand_beside_each_other() -> None:
    world = site({"wrapped": QUEUES["plain"]}, {})
    world.call("sqs", "CreateQueue", {"QueueName": "raw", "Attributes": QUEUES["plain"]})
    subscribe(world, "raw", RawMessageDelivery="true")
    world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "text"})
    bodies = {
        queue: world.call("sqs", "ReceiveMessage", {"QueueUrl": queue})["Messages"][0]["Body"]
        for queue in ("raw", "wrapped")
    }
    assert bodies["raw"] == "text"
    assert json.loads(bodies["wrapped"])["Message"] == "text"


def test_what_changes_between_two_messages_is_seen_by_the_second() -> None:
    """What is remembered of a topic's subscriptions and queues holds for the records that it was made of."""
    world = World((sns.SERVICE, sqs.SERVICE))
    topic = world.call("sns", "CreateTopic", {"Name": "orders"})["TopicArn"]
    urls, subscriptions = [], []
    for name in ("one", "two"):
        made = world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": {"Policy": policy()}})
        urls.append(made["QueueUrl"])
        request = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": ARN.format(name), "ReturnSubscriptionArn": True}
        subscriptions.append(world.call("sns", "Subscribe", request)["SubscriptionArn"])

    def publish() -> list[int]:
        """So many messages has each queue now."""
        world.call("sns", "Publish", {"TopicArn": topic, "Message": "parcel"})
        return [depth.messages for depth in world.run(lambda work: work.select(ALL_DEPTHS, limit=9))]

    def change(queue: int, name: str, value: str) -> None:
        world.call("sqs", "SetQueueAttributes", {"QueueUrl": urls[queue], "Attributes": {name: value}})

    def subscribe(at: int, name: str, value: str) -> None:
        request = {"SubscriptionArn": subscriptions[at], "AttributeName": name, "AttributeValue": value}
        world.call("sns", "SetSubscriptionAttributes", request)

    assert publish() == [1, 1]
    assert publish() == [2, 2]
    change(0, "Policy", policy(Effect="Deny"))
    assert publish() == [2, 3]
    change(0, "Policy", policy())
    assert publish() == [3, 4]
    subscribe(1, "FilterPolicy", '{"kind": ["letter"]}')
    assert publish() == [4, 4]
    subscribe(1, "FilterPolicy", "{}")
    assert publish() == [5, 5]
    change(1, "DelaySeconds", "30")
    assert publish() == [6, 6]
    received = world.call("sqs", "ReceiveMessage", {"QueueUrl": urls[1], "MaxNumberOfMessages": 10})
    assert len(received["Messages"]) == 5
    world.call("sns", "Unsubscribe", {"SubscriptionArn": subscriptions[0]})
    assert publish() == [6, 7]
