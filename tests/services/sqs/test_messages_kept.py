"""Limits in flight, waiting, depths, and a crash at every commit.

Source: SQS Developer Guide, "Visibility timeout", "Short and long polling", "Message quotas"; recorded answers of AWS.
"""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from tests.services.sqs.conftest import Queues

from interstate.base.errors import ServiceError
from interstate.runtime.testing import Crash
from interstate.services.operation import Parked
from interstate.services.sqs import receive as receiving
from interstate.services.sqs.receive import ReceiveMessage, receive_message
from interstate.store.records.sqs import DEPTH, DEPTHS, Depth


def change(queues: Queues, message: Any, timeout_s: int) -> None:
    queues.call("ChangeMessageVisibility", ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=timeout_s)


def refused(act: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        act()
    return caught.value.code, caught.value.message


def test_a_timeout_that_has_ended_can_begin_again(queues: Queues) -> None:
    queues.create()
    queues.send("x")
    (message,) = queues.receive()
    queues.world.advance(timedelta(seconds=31))
    change(queues, message, 60)
    assert queues.receive() == []


def test_an_older_receipt_changes_what_is_in_flight(queues: Queues) -> None:
    queues.create()
    queues.send("x")
    (first,) = queues.receive(VisibilityTimeout=0)
    assert len(queues.receive(VisibilityTimeout=3)) == 1
    change(queues, first, 0)
    assert len(queues.receive()) == 1


def test_a_message_that_was_let_go_can_still_be_deleted_by_its_holder(queues: Queues) -> None:
    queues.create()
    queues.send("x")
    (message,) = queues.receive()
    change(queues, message, 0)
    assert refused(lambda: change(queues, message, 10))[0] == "MessageNotInflight"
    queues.delete(message)
    assert queues.receive() == []
    assert refused(lambda: change(queues, message, 10)) == (
        "InvalidParameterValue",
        (
            f"Value {message['ReceiptHandle']} for parameter ReceiptHandle is invalid. Reason: Message does not exist or "
            "is not available for visibility timeout change."
        ),
    )


def test_visibility_ends_twelve_hours_after_the_receive_at_most(queues: Queues) -> None:
    queues.create()
    queues.send("x")
    (message,) = queues.receive(VisibilityTimeout=43_200)
    queues.world.advance(timedelta(hours=6))
    change(queues, message, 6 * 3600)
    assert refused(lambda: change(queues, message, 6 * 3600 + 1))[1] == (
        "Value 21601 for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is "
        "beyond the limit [43200 seconds]"
    )


BOUNDS = [
    ({"MaxNumberOfMessages": 11}, "Value 11 for parameter MaxNumberOfMessages is invalid. Reason: Must be between 1 and 10, if provided."),
    ({"WaitTimeSeconds": 21}, "Value 21 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
    ({"WaitTimeSeconds": -1}, "Value -1 for parameter WaitTimeSeconds is invalid. Reason: Must be >= 0 and <= 20, if provided."),
    ({"VisibilityTimeout": 43_201}, "Value 43201 for parameter VisibilityTimeout is invalid. Reason: Must be >= 0 and <= 43200, if provided."),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "message"), BOUNDS)
def test_numbers_have_bounds(queues: Queues, request_: dict[str, Any], message: str) -> None:
    queues.create()
    assert refused(lambda: queues.call("ReceiveMessage", **request_)) == ("InvalidParameterValue", message)


def filled(queues: Queues, claimed: int) -> None:
    """As if so many had been claimed; what is in flight is counted only then."""
    number = queues.number()
    queues.world.run(lambda work: work.put(DEPTHS, Depth(number, work.node, 5, claimed)))


def test_in_flight_is_counted_when_it_might_be_too_much(queues: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "IN_FLIGHT_MAX", 3)
    queues.create()
    for number in range(5):
        queues.send(str(number))
    assert queues.bodies() == ["0", "1", "2"]
    assert refused(queues.receive)[0] == "OverLimit"
    assert queues.receive(WaitTimeSeconds=1) == []  # A call that waits gets no error.
    queues.world.advance(timedelta(seconds=30))
    assert len(queues.receive()) == 3


SIZES = [("x" * 1024, True), ("x" * 1025, False), ("ß" * 512, True), ("ß" * 512 + "x", False)]


@pytest.mark.parametrize(("body", "fits"), SIZES)
def test_a_size_is_counted_in_bytes(queues: Queues, body: str, *, fits: bool) -> None:
    queues.create(MaximumMessageSize="1024")
    answer = queues.call(
        "SendMessageBatch", Entries=[{"Id": "a", "MessageBody": body}, {"Id": "b", "MessageBody": "y"}]
    )
    assert len(answer["Successful"]) == 1 + fits
    if not fits:
        (failed,) = answer["Failed"]
        assert failed == {
            "Id": "a", "SenderFault": True, "Code": "InvalidParameterValue",
            "Message": "One or more parameters cannot be validated. Reason: Message must be shorter than 1024 bytes.",
        }  # fmt: skip


def test_a_batch_is_as_long_as_a_message_to_the_byte(queues: Queues) -> None:
    queues.create()

    def batch(size: int) -> Any:
        halves = [{"Id": "a", "MessageBody": "x" * (size // 2)}, {"Id": "b", "MessageBody": "x" * (size - size // 2)}]
        return queues.call("SendMessageBatch", Entries=halves)

    assert len(batch(1_048_576)["Successful"]) == 2
    assert refused(lambda: batch(1_048_577)) == (
        "BatchRequestTooLong", "Batch requests cannot be longer than 1048576 bytes. You have sent 1048577 bytes."
    )  # fmt: skip


ATTRIBUTES = [
    ("a!", {"DataType": "String", "StringValue": "x"}), (".a", {"DataType": "String", "StringValue": "x"}),
    ("a.", {"DataType": "String", "StringValue": "x"}), ("a..b", {"DataType": "String", "StringValue": "x"}),
    ("aWs.x", {"DataType": "String", "StringValue": "x"}), ("Amazon.x", {"DataType": "String", "StringValue": "x"}),
    ("L" * 257, {"DataType": "String", "StringValue": "x"}), ("a", {"DataType": "String." + "L" * 256, "StringValue": "x"}),
    ("a", {"DataType": "String", "StringValue": "\x08"}), ("a", {"DataType": "Text", "StringValue": "x"}),
    ("a", {"DataType": "Binary", "StringValue": "x"}), ("a", {"DataType": "String", "StringValue": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "attribute"), ATTRIBUTES)
def test_attributes_have_rules(queues: Queues, name: str, attribute: dict[str, Any]) -> None:
    queues.create()
    assert refused(lambda: queues.send("x", MessageAttributes={name: attribute}))[0] == "InvalidParameterValue"
    assert queues.receive() == []


def test_a_trace_header_is_the_only_system_attribute(queues: Queues) -> None:
    queues.create()
    header = {"AWSTraceHeader": {"DataType": "String", "StringValue": "Root=1-5759e988-bd862e3fe1be46a994272793"}}
    assert "MD5OfMessageSystemAttributes" in queues.send("x", MessageSystemAttributes=header)
    (message,) = queues.receive(AttributeNames=["AWSTraceHeader"])
    assert message["Attributes"] == {"AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"}
    for wrong in ({"Other": header["AWSTraceHeader"]}, {"AWSTraceHeader": {"DataType": "Number", "StringValue": "1"}}):
        assert (
            refused(lambda wrong=wrong: queues.send("x", MessageSystemAttributes=wrong))[0] == "InvalidParameterValue"
        )


# Waiting -----------------------------------------------------------------------------------------------------------

KEY = "sqs:arn:aws:sqs:us-east-1:000000000000:q"


def park(queues: Queues, wait_s: int = 20) -> Parked:
    request = ReceiveMessage("http://localhost/000000000000/q", wait_time_seconds=wait_s)
    outcome = queues.world.run(lambda work: receive_message(request, work))
    assert isinstance(outcome, Parked)
    return outcome


def test_a_send_wakes_one_that_waits(queues: Queues) -> None:
    queues.create()
    parked = park(queues)
    queues.world.wakes.clear()
    queues.send("x")
    assert queues.world.wakes == [(KEY, True)]
    outcome = queues.world.run(lambda work: parked.again(work, False))
    assert [message["Body"] for message in outcome["Messages"]] == ["x"]


def test_a_reader_that_waited_before_a_claim_learns_when_it_ends(queues: Queues) -> None:
    queues.create(VisibilityTimeout="5")
    queues.send("x")
    queues.receive()
    queues.send("y")
    queues.receive()
    assert (KEY, True) in queues.world.wakes  # The claim ends while others wait: one of them looks, and sets its alarm.
    parked = park(queues)
    assert parked.wake_at == queues.world.now + timedelta(seconds=5)
    queues.world.wakes.clear()
    queues.world.run(lambda work: parked.again(work, True))
    assert queues.world.wakes == [(KEY, True)]  # It leaves, and passes on what it knew.


def test_a_wait_that_is_woken_in_vain_does_not_grow(queues: Queues) -> None:
    queues.create()
    parked = park(queues)
    queues.world.now += timedelta(seconds=15)
    again = queues.world.run(lambda work: parked.again(work, False))
    assert again.wait_s == 5


def test_depths_follow_everything_that_happens(queues: Queues) -> None:
    queues.create()
    for number in range(1500):
        queues.send(str(number), DelaySeconds=900 if number % 3 == 0 else 0)
    assert queues.counts() == [1000, 500, 0]
    for message in queues.receive()[:4]:
        queues.delete(message)
    assert queues.counts() == [990, 500, 6]
    queues.world.advance(timedelta(days=4, seconds=1))
    assert queues.counts()[0] == 0
    queues.world.advance(timedelta(hours=1))
    number = queues.number()
    assert queues.world.run(lambda work: work.scalar(DEPTH, queue=number)) == 0
    queues.send("x")
    queues.call("PurgeQueue")
    assert queues.counts() == [0, 0, 0]


# A crash at any commit ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fifo", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_crashes_lose_nothing_repeat_nothing_and_keep_order(  # noqa: C901, PLR0912 one story, told in order
    durable: Callable[[], Queues], seed: int, *, fifo: bool
) -> None:
    """Every call is tried again after a crash; a send that was not acknowledged may then be there twice in standard queues."""
    chance = random.Random(seed)
    queues = durable()
    name = "q.fifo" if fifo else "q"
    queues.create(name, VisibilityTimeout="10")
    acknowledged: list[str] = []
    handled: list[str] = []
    in_hand: dict[str, Any] = {}
    for step in range(120):
        queues.world.crash_before_commit = queues.world.commits + 1 if chance.random() < 0.2 else None
        try:
            if step % 3 == 0:
                more = {"MessageGroupId": f"g{step % 2}", "MessageDeduplicationId": str(step)} if fifo else {}
                queues.send(str(step), name, **more)
                acknowledged.append(str(step))
            elif step % 3 == 1:
                for message in queues.receive(name, 3):
                    hidden = in_hand.get(message["Body"])
                    assert hidden is None or hidden[1] <= queues.world.now  # Never again before its visibility ended.
                    in_hand[message["Body"]] = (message, queues.world.now + timedelta(seconds=10))
            else:
                for body, (message, until) in list(in_hand.items()):
                    if until > queues.world.now:
                        queues.delete(message, name)
                        handled.append(body)
                        del in_hand[body]
        except Crash:
            queues.world = queues.world.restart()
        queues.world.crash_before_commit = None
        if chance.random() < 0.2:
            queues.world.advance(timedelta(seconds=11))
    while True:
        queues.world.advance(timedelta(seconds=11))
        rest = queues.receive(name)
        if not rest:
            break
        for message in rest:
            queues.delete(message, name)
            handled.append(message["Body"])
    assert sorted(handled) == sorted(set(acknowledged))
    if fifo:
        for parity in (0, 1):
            order = [int(body) for body in handled if int(body) % 2 == parity]
            assert order == sorted(order)
    queues.world.close()
