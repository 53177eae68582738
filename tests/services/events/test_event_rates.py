"""Rates of PutEvents and of invocations, where they are enforced.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.core.events.limits import invocations_per_s, put_events_per_s
from interstate.runtime.testing import World
from interstate.services.cloudwatch import SERVICE as CLOUDWATCH
from interstate.services.events import SERVICE as EVENTS
from interstate.services.events.rates import INVOCATIONS_QUOTA, PUT_EVENTS_QUOTA, enforcing
from interstate.services.sqs import SERVICE as SQS
from interstate.store.records.due import SETTINGS, Setting

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
URL = "http://localhost/000000000000/q"
ENTRY = {"Source": "shop", "DetailType": "x", "Detail": "{}"}


@pytest.fixture
def world() -> Iterator[World]:
    world = World(list(enforcing([EVENTS, SQS, CLOUDWATCH])))
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:*", "Resource": QUEUE}
    world.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": dumps({"Statement": [allow]})}})
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source":["shop"]}'})
    world.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE}]})
    yield world
    world.close()


def limit(world: World, name: str, rate: int) -> None:
    world.run(lambda work: work.put(SETTINGS, Setting(name, str(rate))))


def put(world: World, count: int = 1, caller: Caller | None = None) -> Any:
    return world.call("events", "PutEvents", {"Entries": [ENTRY] * count}, caller=caller)


def arrived(world: World) -> int:
    world.run_due()
    names = {"QueueUrl": URL, "AttributeNames": ["ApproximateNumberOfMessages"]}
    return int(world.call("sqs", "GetQueueAttributes", names)["Attributes"]["ApproximateNumberOfMessages"])


def metric(world: World, name: str) -> float:
    request = {
        "Namespace": "AWS/Events",
        "MetricName": name,
        "StartTime": world.now - timedelta(hours=1),
        "EndTime": world.now + timedelta(hours=1),
        "Period": 7200,
        "Statistics": ["Sum"],
    }
    points = world.call("cloudwatch", "GetMetricStatistics", request)["Datapoints"]
    return float(sum(point["Sum"] for point in points))


def test_calls_above_the_rate_are_refused_until_it_is_filled_again(world: World) -> None:
    limit(world, PUT_EVENTS_QUOTA, 5)
    for _ in range(5):
        put(world)
    with pytest.raises(ServiceError, match="Rate exceeded") as refusal:
        put(world)
    assert refusal.value.code == "ThrottlingException"
    put(world, caller=Caller("222222222222", "us-east-1"))  # Another account has a rate of its own.
    put(world, caller=Caller("000000000000", "eu-west-1"))
    world.advance(timedelta(seconds=0.2))
    put(world)
    with pytest.raises(ServiceError, match="Rate exceeded"):
        put(world)
    assert metric(world, "PutEventsApproximateThrottledCount") == 2


def test_invocations_above_the_rate_wait_their_turn_and_are_counted(world: World) -> None:
    limit(world, INVOCATIONS_QUOTA, 10)
    for _ in range(5):
        put(world, 10)
    assert arrived(world) == 10  # A second's worth at once.
    assert metric(world, "ThrottledRules") == 40
    for second in range(1, 5):
        world.advance(timedelta(seconds=1))
        assert arrived(world) == 10 + 10 * second
    assert metric(world, "Invocations") == 50
    assert metric(world, "ThrottledRules") == 40  # Once each, however long it waits.
    assert metric(world, "RetryInvocationAttempts") == 0


def test_quotas_are_awss_by_region() -> None:
    assert (put_events_per_s("us-east-1"), invocations_per_s("us-east-1")) == (10_000, 18_750)
    assert (put_events_per_s("ap-northeast-2"), invocations_per_s("ap-northeast-2")) == (600, 1_100)
    assert (put_events_per_s("eu-south-1"), invocations_per_s("eu-south-1")) == (400, 750)


def test_nothing_is_throttled_unless_asked_for() -> None:
    world = World([EVENTS, SQS, CLOUDWATCH])
    limit(world, PUT_EVENTS_QUOTA, 1)
    for _ in range(5):
        put(world)
    world.close()
