"""What a queue holds is measured once a minute. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"."""

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from interstate.runtime.signals import Signals
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Preparation

AGE, VISIBLE = "ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"
HIDDEN, DELAYED = "ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessagesDelayed"


class Measured:
    """A world whose queues are measured when a test says so."""

    def __init__(self) -> None:
        self.world = World()
        self.first = True

        async def run(function: Callable[..., Any]) -> Any:
            return self.world.run(function)

        instance: Any = SimpleNamespace(
            clock=SimpleNamespace(now=lambda: self.world.now),
            store=self.world.store,
            run=run,
            due=SimpleNamespace(in_flight=0),
        )
        self.instance = instance
        self.signals = Signals(instance, lambda: self.first)

    def minute(self) -> None:
        """A minute passes, and is measured."""
        self.world.advance(timedelta(minutes=1))
        asyncio.run(self.signals.measure())

    def queue(self, name: str, **attributes: str) -> str:
        """A queue's URL."""
        url: str = self.world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})["QueueUrl"]
        return url

    def last(self, metric: str, name: str = "q", namespace: str = "AWS/SQS") -> list[float]:
        """The greatest value of each minute, in order."""
        dimension = {"Name": "QueueName" if namespace == "AWS/SQS" else "Node", "Value": name}
        asked = {
            "Namespace": namespace,
            "MetricName": metric,
            "Dimensions": [dimension],
            "StartTime": self.world.now - timedelta(hours=1),
            "EndTime": self.world.now + timedelta(minutes=1),
            "Period": 60,
            "Statistics": ["Maximum"],
        }
        points = self.world.call("cloudwatch", "GetMetricStatistics", asked)["Datapoints"]
        return [point["Maximum"] for point in sorted(points, key=lambda point: point["Timestamp"])]


@pytest.fixture
def measured() -> Iterator[Measured]:
    found = Measured()
    yield found
    found.world.close()


def test_the_oldest_message_tells_its_age_until_it_is_gone(measured: Measured) -> None:
    url = measured.queue("q")
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    measured.minute()
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "younger"})
    measured.minute()
    assert measured.last(AGE) == [60, 120]
    (message,) = measured.world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    measured.world.call("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    measured.minute()
    assert measured.last(AGE) == [60, 120, 120]


def test_a_queue_that_was_emptied_tells_zero_once_and_then_nothing(measured: Measured) -> None:
    url = measured.queue("q")
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    measured.minute()
    measured.world.call("sqs", "PurgeQueue", {"QueueUrl": url})
    for _ in range(3):
        measured.minute()
    assert measured.last(AGE) == [60, 0]
    assert measured.last(VISIBLE) == [1, 0]


def test_what_is_hidden_and_what_is_delayed_is_counted_apart(measured: Measured) -> None:
    url = measured.queue("q", VisibilityTimeout="600")
    for delay in (0, 0, 0, 900):
        measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x", "DelaySeconds": delay})
    measured.world.call("sqs", "ReceiveMessage", {"QueueUrl": url})
    measured.minute()
    assert (measured.last(VISIBLE), measured.last(HIDDEN), measured.last(DELAYED)) == ([2], [1], [1])


@pytest.mark.parametrize(("attributes", "suffix", "age"), [({}, "", 60), ({"FifoQueue": "true"}, ".fifo", 240)])
def test_a_message_that_was_received_three_times_does_not_count_as_the_oldest(
    measured: Measured, attributes: dict[str, str], suffix: str, age: float
) -> None:
    """Of standard queues: it would hide how old the others are."""
    url = measured.queue(f"q{suffix}", VisibilityTimeout="0", **attributes)
    group = {"MessageGroupId": "g", "MessageDeduplicationId": "d"} if suffix else {}
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "poison", **group})
    for _ in range(3):
        measured.world.call("sqs", "ReceiveMessage", {"QueueUrl": url})
        measured.world.advance(timedelta(minutes=1))
    later = {**group, "MessageDeduplicationId": "e"} if suffix else {}
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "later", **later})
    measured.minute()
    assert measured.last(AGE, f"q{suffix}") == [age]


def test_queues_that_hold_nothing_tell_nothing(measured: Measured) -> None:
    measured.queue("q")
    measured.minute()
    assert measured.last(AGE) == []


def test_many_queues_are_measured_page_by_page(measured: Measured) -> None:
    for number in range(30):
        url = measured.queue(f"q{number}")
        measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    measured.minute()
    assert all(measured.last(AGE, f"q{number}") == [60] for number in range(30))


def test_a_minute_is_measured_once_and_by_the_first_node_alone(measured: Measured) -> None:
    url = measured.queue("q")
    measured.world.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"})
    measured.minute()
    measured.first = False
    measured.minute()
    assert measured.last(AGE) == [60]


def test_one_process_measures_how_late_its_work_is(measured: Measured) -> None:
    """On PostgreSQL each node does so with its lease."""
    measured.instance.due.in_flight = 7
    measured.world.run(lambda work: work.later("lambda.prepare", Preparation("f")))
    measured.minute()
    if measured.world.store.node == 0:
        assert measured.last("EffectsInFlight", "0", "Interstate/Nodes") == [7]
        assert measured.last("OldestDueWorkAge", "0", "Interstate/Nodes") == [60]
