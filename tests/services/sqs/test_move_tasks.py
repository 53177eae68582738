"""Dead letters go back. Source: SQS API Reference, StartMessageMoveTask and its neighbours; recorded answers of AWS."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.services.sqs.conftest import Queues

from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash

ARN = "arn:aws:sqs:us-east-1:000000000000:"


def dead_letters(queues: Queues, count: int, suffix: str = "") -> None:
    """A queue ``q`` whose messages went to ``dead``."""
    queues.create("dead" + suffix)
    policy = json.dumps({"deadLetterTargetArn": ARN + "dead" + suffix, "maxReceiveCount": 1})
    queues.create("q" + suffix, RedrivePolicy=policy)
    for number in range(count):
        more = {"MessageGroupId": "g", "MessageDeduplicationId": str(number)} if suffix else {}
        queues.send(str(number), "q" + suffix, **more)
    for _ in range(2 * count):
        queues.receive("q" + suffix, 1, VisibilityTimeout=0)
    assert queues.counts("dead" + suffix)[0] == count


def start(queues: Queues, **request: Any) -> str:
    handle: str = queues.world.call("sqs", "StartMessageMoveTask", {"SourceArn": ARN + "dead", **request})["TaskHandle"]
    return handle


def tasks(queues: Queues, **request: Any) -> list[Any]:
    found: list[Any] = queues.world.call("sqs", "ListMessageMoveTasks", {"SourceArn": ARN + "dead", **request})[
        "Results"
    ]
    return found


def test_messages_go_where_they_are_sent_as_new_ones(queues: Queues) -> None:
    dead_letters(queues, 3)
    queues.create("other")
    handle = json.loads(base64.b64decode(start(queues, DestinationArn=ARN + "other")))
    assert handle["sourceArn"] == ARN + "dead"
    queues.world.run_due()
    assert queues.counts("dead") == [0, 0, 0]
    moved = queues.receive("other", AttributeNames=["All"])
    assert [message["Body"] for message in moved] == ["0", "1", "2"]
    assert {message["Attributes"]["ApproximateReceiveCount"] for message in moved} == {"1"}
    assert "DeadLetterQueueSourceArn" not in moved[0]["Attributes"]
    (task,) = tasks(queues)
    assert task.pop("StartedTimestamp")
    assert task == {
        "Status": "COMPLETED", "SourceArn": ARN + "dead", "DestinationArn": ARN + "other",
        "ApproximateNumberOfMessagesMoved": 3, "ApproximateNumberOfMessagesToMove": 3,
    }  # fmt: skip


@pytest.mark.parametrize("suffix", ["", ".fifo"])
def test_without_a_destination_each_goes_back_in_order(queues: Queues, suffix: str) -> None:
    dead_letters(queues, 250, suffix)
    start(queues, SourceArn=ARN + "dead" + suffix)
    queues.world.run_due()
    assert queues.bodies("q" + suffix) == [str(number) for number in range(10)]
    assert sum(queues.counts("q" + suffix)) == 250


def test_a_rate_is_a_second_apart_and_a_task_can_be_cancelled(queues: Queues) -> None:
    dead_letters(queues, 5)
    handle = start(queues, MaxNumberOfMessagesPerSecond=1)
    queues.world.run_due()
    with pytest.raises(ServiceError, match=r"^There is already a task running"):
        start(queues)
    queues.world.advance(timedelta(seconds=2))
    (task,) = tasks(queues)
    assert (task["Status"], task["ApproximateNumberOfMessagesMoved"], task["TaskHandle"]) == ("RUNNING", 3, handle)
    assert task["MaxNumberOfMessagesPerSecond"] == 1
    cancelled = queues.world.call("sqs", "CancelMessageMoveTask", {"TaskHandle": handle})
    assert cancelled == {"ApproximateNumberOfMessagesMoved": 3}
    queues.world.advance(timedelta(seconds=5))
    assert queues.counts("dead")[0] == 2
    (task,) = tasks(queues)
    assert (task["Status"], "TaskHandle" in task) == ("CANCELLED", False)
    start(queues)
    queues.world.run_due()
    assert [task["Status"] for task in tasks(queues, MaxResults=10)] == ["COMPLETED", "CANCELLED"]


def test_a_destination_that_goes_away_fails_the_task_and_loses_nothing(queues: Queues) -> None:
    dead_letters(queues, 3)
    queues.create("other")
    start(queues, DestinationArn=ARN + "other", MaxNumberOfMessagesPerSecond=1)
    queues.world.run_due()
    queues.call("DeleteQueue", "other")
    queues.world.advance(timedelta(seconds=1))
    (task,) = tasks(queues)
    assert (task["Status"], task["FailureReason"]) == ("FAILED", "AWS.SimpleQueueService.NonExistentQueue")
    assert queues.counts("dead")[0] == 2


def test_a_message_of_no_source_fails_the_task(queues: Queues) -> None:
    dead_letters(queues, 0)
    queues.send("straight", "dead")
    start(queues)
    queues.world.run_due()
    assert tasks(queues)[0]["FailureReason"] == "CouldNotDetermineMessageSource"
    assert queues.bodies("dead") == ["straight"]


def handle_of(task: str, source: str) -> str:
    return base64.b64encode(json.dumps({"taskId": task, "sourceArn": source}).encode()).decode()


REFUSED = [
    ("StartMessageMoveTask", {"SourceArn": ARN + "q"}, "Source queue must be configured as a Dead Letter Queue."),
    ("StartMessageMoveTask", {"SourceArn": ARN + "none"}, "The resource that you specified for the SourceArn parameter doesn't exist."),
    ("StartMessageMoveTask", {"SourceArn": ARN + "dead", "DestinationArn": ARN + "none"}, "The resource that you specified for the DestinationArn parameter doesn't exist."),
    ("StartMessageMoveTask", {"SourceArn": ARN + "dead", "MaxNumberOfMessagesPerSecond": 501}, "Value 501 for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and 500, if provided."),
    ("CancelMessageMoveTask", {"TaskHandle": "foobared"}, "Value for parameter TaskHandle is invalid."),
    ("CancelMessageMoveTask", {"TaskHandle": handle_of("x", ARN + "none")}, "The resource that you specified for the SourceArn parameter doesn't exist."),
    ("CancelMessageMoveTask", {"TaskHandle": handle_of("x", ARN + "dead")}, "Task does not exist."),
    ("ListMessageMoveTasks", {"SourceArn": ARN + "dead", "MaxResults": 11}, "Value 11 for parameter MaxResults is invalid. Reason: Must be between 1 and 10, if provided."),
]  # fmt: skip


@pytest.mark.parametrize(("operation", "request_", "message"), REFUSED)
def test_what_a_move_needs(queues: Queues, operation: str, request_: dict[str, Any], message: str) -> None:
    dead_letters(queues, 0)
    with pytest.raises(ServiceError) as caught:
        queues.world.call("sqs", operation, request_)
    assert caught.value.message == message
    assert caught.value.code == ("InvalidParameterValue" if "exist" not in message else "ResourceNotFoundException")


def test_a_move_goes_on_after_a_crash_at_any_commit(durable: Callable[[], Queues]) -> None:
    queues = durable()
    dead_letters(queues, 250)
    queues.create("other")
    start(queues, DestinationArn=ARN + "other")
    crashes = 0
    while True:
        queues.world.crash_before_commit = queues.world.commits + 2
        try:
            queues.world.run_due()
            break
        except Crash:
            crashes += 1
            queues.world = queues.world.restart()
    queues.world.crash_before_commit = None
    assert crashes >= 1
    assert (queues.counts("dead"), queues.counts("other")) == ([0, 0, 0], [250, 0, 0])
    queues.world.close()
