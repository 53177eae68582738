"""What a queue does not take. Source: SQS API Reference and Developer Guide; wording as the service answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.operation import Service, Step
from interstate.services.sqs import SERVICE
from interstate.store.records.lambda_ import Poll

POLLS = Service("polls", (), steps=(Step("lambda.poll", Poll, lambda _body, _work: None),))
TARGET = "arn:aws:sqs:us-east-1:000000000000:dead"
POLICY = f'{{"deadLetterTargetArn":"{TARGET}","maxReceiveCount":3}}'


@pytest.fixture
def world() -> Iterator[World]:
    world = World((SERVICE, POLLS))
    world.call("sqs", "CreateQueue", {"QueueName": "q"})
    yield world
    world.close()


def refused(world: World, operation: str, **request: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        world.call("sqs", operation, {"QueueUrl": "http://localhost/000000000000/q"} | request)
    return caught.value.code, caught.value.message


def text(value: str, kind: str = "String") -> dict[str, str]:
    return {"DataType": kind, "StringValue": value}


def test_a_message_has_ten_attributes_at_most(world: World) -> None:
    attributes = {f"a{number}": text("x") for number in range(11)}
    assert refused(world, "SendMessage", MessageBody="b", MessageAttributes=attributes) == (
        "InvalidParameterValue",
        "Number of message attributes [11] exceeds the allowed maximum [10].",
    )


@pytest.mark.parametrize("value", ["x", "1.2.3", "0x1", "1e", "", "٣", "nan"])
def test_a_number_is_one(world: World, value: str) -> None:
    code, message = refused(world, "SendMessage", MessageBody="b", MessageAttributes={"a": text(value, "Number.int")})
    assert code == "InvalidParameterValue"
    if value:
        assert message == "Can't cast the value of message (user) attribute 'a' to a number."


@pytest.mark.parametrize("value", ["1", "-1", "+1.50", ".5", "1e-10"])
def test_numbers_are_taken(world: World, value: str) -> None:
    request = {"QueueUrl": "http://localhost/000000000000/q", "MessageBody": "b"}
    world.call("sqs", "SendMessage", {**request, "MessageAttributes": {"a": text(value, "Number")}})


def test_dead_letters_need_a_queue_that_is_there(world: World) -> None:
    message = f"Value {POLICY} for parameter RedrivePolicy is invalid. Reason: Dead letter target does not exist."
    wanted = ("InvalidParameterValue", message)
    assert refused(world, "SetQueueAttributes", Attributes={"RedrivePolicy": POLICY}) == wanted
    assert refused(world, "CreateQueue", QueueName="new", Attributes={"RedrivePolicy": POLICY}) == wanted
    assert len(world.call("sqs", "ListQueues")["QueueUrls"]) == 1
    world.call("sqs", "CreateQueue", {"QueueName": "dead"})
    world.call("sqs", "CreateQueue", {"QueueName": "new", "Attributes": {"RedrivePolicy": POLICY}})


@pytest.mark.parametrize("lists", [{"StringListValues": ["a"]}, {"StringListValues": []}, {"BinaryListValues": [b"a"]}])
def test_lists_of_values_are_refused_with_the_whole_request(world: World, lists: dict[str, Any]) -> None:
    # Source: SQS API Reference, MessageAttributeValue ("Not implemented"); ruby-shoryuken/shoryuken#769.
    attributes = {"a": {**text("x"), **lists}}
    message = "Message attribute list values in {} operation are not supported."
    assert refused(world, "SendMessage", MessageBody="b", MessageAttributes=attributes) == (
        "UnsupportedOperation",
        message.format("SendMessage"),
    )
    entries = [{"Id": "a", "MessageBody": "b"}, {"Id": "b", "MessageBody": "b", "MessageAttributes": attributes}]
    assert refused(world, "SendMessageBatch", Entries=entries) == (
        "UnsupportedOperation",
        message.format("SendMessageBatch"),
    )
    assert world.call("sqs", "ReceiveMessage", {"QueueUrl": "http://localhost/000000000000/q"}) == {}
