"""Messages through the operations, in one store. Source: SQS API Reference."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.core.queues.errors import MessageNotInflight, QueueDoesNotExist, ReceiptHandleIsInvalid
from interstate.runtime.testing import World
from interstate.services.operation import Service, Step
from interstate.services.sqs import SERVICE
from interstate.store.records.lambda_ import Poll

URL = "http://localhost/000000000000/orders"
# SQS leaves polls for mappings; the step itself is Lambda's.
POLLS = Service("polls", (), steps=(Step("lambda.poll", Poll, lambda _body, _work: None),))


@pytest.fixture
def world() -> Iterator[World]:
    world = World((SERVICE, POLLS))
    world.call("sqs", "CreateQueue", {"QueueName": "orders"})
    yield world
    world.close()


def send(world: World, body: str = "hello", **more: Any) -> Any:
    return world.call("sqs", "SendMessage", {"QueueUrl": URL, "MessageBody": body, **more})


def receive(world: World, **more: Any) -> list[Any]:
    answer = world.call("sqs", "ReceiveMessage", {"QueueUrl": URL, **more})
    messages: list[Any] = answer.get("Messages", [])
    return messages


def test_a_message_is_received_hidden_and_comes_back(world: World) -> None:
    send(world)
    assert [message["Body"] for message in receive(world)] == ["hello"]
    assert receive(world) == []
    world.advance(timedelta(seconds=30))
    again = receive(world, AttributeNames=["All"])
    assert again[0]["Attributes"]["ApproximateReceiveCount"] == "2"


def test_a_deleted_message_never_comes_back(world: World) -> None:
    send(world)
    (message,) = receive(world)
    for _ in range(2):  # Deleting twice is no error.
        world.call("sqs", "DeleteMessage", {"QueueUrl": URL, "ReceiptHandle": message["ReceiptHandle"]})
    world.advance(timedelta(hours=13))
    assert receive(world) == []


def test_an_older_receipt_deletes_nothing(world: World) -> None:
    send(world)
    (first,) = receive(world)
    world.advance(timedelta(seconds=31))
    assert len(receive(world)) == 1
    world.call("sqs", "DeleteMessage", {"QueueUrl": URL, "ReceiptHandle": first["ReceiptHandle"]})
    world.advance(timedelta(seconds=31))
    assert len(receive(world)) == 1


def test_messages_come_oldest_first_and_at_most_ten(world: World) -> None:
    for number in range(12):
        send(world, str(number))
    assert [message["Body"] for message in receive(world, MaxNumberOfMessages=10)] == [str(n) for n in range(10)]


def test_a_delayed_message_waits_for_its_time(world: World) -> None:
    send(world, DelaySeconds=60)
    assert receive(world) == []
    world.advance(timedelta(seconds=60))
    assert len(receive(world)) == 1


def test_fourteen_days_of_retention_end(world: World) -> None:
    world.call("sqs", "SetQueueAttributes", {"QueueUrl": URL, "Attributes": {"MessageRetentionPeriod": "1209600"}})
    send(world)
    world.advance(timedelta(days=14) - timedelta(seconds=1))
    assert len(receive(world, VisibilityTimeout=0)) == 1
    world.advance(timedelta(seconds=2))
    assert receive(world) == []


def test_after_the_last_receive_a_message_is_a_dead_letter(world: World) -> None:
    world.call("sqs", "CreateQueue", {"QueueName": "dead"})
    policy = '{"deadLetterTargetArn":"arn:aws:sqs:us-east-1:000000000000:dead","maxReceiveCount":"2"}'
    world.call("sqs", "SetQueueAttributes", {"QueueUrl": URL, "Attributes": {"RedrivePolicy": policy}})
    sent = send(world)
    for _ in range(2):
        assert len(receive(world)) == 1
        world.advance(timedelta(seconds=30))
    assert receive(world) == []
    request = {"QueueUrl": URL.replace("orders", "dead"), "AttributeNames": ["All"]}
    (letter,) = world.call("sqs", "ReceiveMessage", request)["Messages"]
    assert letter["MessageId"] == sent["MessageId"]
    assert letter["Attributes"]["DeadLetterQueueSourceArn"] == "arn:aws:sqs:us-east-1:000000000000:orders"
    assert letter["Attributes"]["ApproximateReceiveCount"] == "3"


def test_visibility_can_be_changed_only_in_flight(world: World) -> None:
    send(world)
    (message,) = receive(world)
    request = {"QueueUrl": URL, "ReceiptHandle": message["ReceiptHandle"], "VisibilityTimeout": 0}
    world.call("sqs", "ChangeMessageVisibility", request)
    with pytest.raises(MessageNotInflight):
        world.call("sqs", "ChangeMessageVisibility", request)


def test_a_batch_entry_fails_by_itself(world: World) -> None:
    entries = [{"Id": "a", "MessageBody": "1"}, {"Id": "b", "MessageBody": "\x01"}, {"Id": "c", "MessageBody": "3"}]
    answer = world.call("sqs", "SendMessageBatch", {"QueueUrl": URL, "Entries": entries})
    assert [entry["Id"] for entry in answer["Successful"]] == ["a", "c"]
    assert [(entry["Id"], entry["Code"]) for entry in answer["Failed"]] == [("b", "InvalidMessageContents")]
    assert [message["Body"] for message in receive(world, MaxNumberOfMessages=10)] == ["1", "3"]


@pytest.mark.parametrize(
    ("request_", "error", "text"),
    [
        ({"QueueUrl": "http://localhost/000000000000/none", "MessageBody": "x"}, QueueDoesNotExist, "does not exist"),
        ({"QueueUrl": URL, "MessageBody": ""}, ServiceError, "must contain the parameter MessageBody"),
        (
            {"QueueUrl": URL, "MessageBody": "x", "DelaySeconds": 901},
            ServiceError,
            "DelaySeconds must be >= 0 and <= 900",
        ),
        ({"QueueUrl": URL, "MessageBody": "x" * 1_048_577}, ServiceError, "shorter than 1048576 bytes"),
        (
            {"QueueUrl": URL, "MessageBody": "x", "MessageAttributes": {"a": {"DataType": "Odd"}}},
            ServiceError,
            "type prefixes",
        ),
    ],
)
def test_a_bad_send_is_refused_and_changes_nothing(
    world: World, request_: dict[str, Any], error: type[ServiceError], text: str
) -> None:
    with pytest.raises(error, match=text):
        world.call("sqs", "SendMessage", request_)
    assert receive(world) == []


def test_a_receipt_of_another_queue_is_refused(world: World) -> None:
    with pytest.raises(ReceiptHandleIsInvalid):
        world.call("sqs", "DeleteMessage", {"QueueUrl": URL, "ReceiptHandle": "bogus"})


def test_message_attributes_come_back_with_their_digest(world: World) -> None:
    attributes = {
        "kind": {"DataType": "String", "StringValue": "test"},
        "raw": {"DataType": "Binary", "BinaryValue": b"\x00\x01"},
    }
    sent = send(world, MessageAttributes=attributes)
    (message,) = receive(world, MessageAttributeNames=["All"])
    assert message["MessageAttributes"] == attributes
    assert message["MD5OfMessageAttributes"] == sent["MD5OfMessageAttributes"]


def test_what_was_sent_is_there_after_a_restart(tmp_path: Path) -> None:
    world = World((SERVICE, POLLS), directory=tmp_path)
    world.call("sqs", "CreateQueue", {"QueueName": "orders"})
    send(world)
    world = world.restart()
    assert [message["Body"] for message in receive(world)] == ["hello"]
    world.close()


def test_a_purge_takes_all_and_not_twice_in_a_minute(world: World) -> None:
    send(world)
    world.call("sqs", "PurgeQueue", {"QueueUrl": URL})
    assert receive(world) == []
    with pytest.raises(ServiceError, match="every 60 seconds"):
        world.call("sqs", "PurgeQueue", {"QueueUrl": URL})


def test_counts_tell_visible_delayed_and_in_flight(world: World) -> None:
    send(world)
    send(world)
    send(world, DelaySeconds=10)
    receive(world)
    answer = world.call("sqs", "GetQueueAttributes", {"QueueUrl": URL, "AttributeNames": ["All"]})["Attributes"]
    counts = [answer[f"ApproximateNumberOfMessages{suffix}"] for suffix in ("", "Delayed", "NotVisible")]
    assert counts == ["1", "1", "1"]
