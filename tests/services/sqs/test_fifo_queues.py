"""Groups in order, deduplication, receives tried again.

Source: SQS Developer Guide, "FIFO queue delivery logic", "Exactly-once processing"; recorded answers of AWS.
"""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.examples import examples
from tests.services.sqs.conftest import POLLS, Queues

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.sqs import SERVICE
from interstate.store.records.due import DUE
from interstate.store.records.sqs import DEDUPLICATION_CALLS, DEDUPLICATIONS
from interstate.store.tables import Scalar

F = "q.fifo"
REMEMBERED = Scalar("SELECT count(*) FROM deduplications", (DEDUPLICATIONS,))
REMEMBERED_CALLS = Scalar("SELECT count(*) FROM deduplication_calls", (DEDUPLICATION_CALLS,))
FORGETTING = Scalar("SELECT count(*) FROM due WHERE kind = 'sqs.forget'", (DUE,))


@pytest.fixture
def fifo(queues: Queues) -> Queues:
    queues.create(F, ContentBasedDeduplication="true")
    return queues


def put(fifo: Queues, *bodies: str) -> None:
    """``g1-a`` is a message of group g1."""
    for body in bodies:
        fifo.send(body, F, MessageGroupId=body.partition("-")[0])


def change(fifo: Queues, message: Any, timeout_s: int) -> None:
    fifo.call("ChangeMessageVisibility", F, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=timeout_s)


def test_a_receive_fills_up_from_one_group_before_it_takes_the_next(fifo: Queues) -> None:
    put(fifo, "g1-a", "g2-a", "g1-b", "g1-c")
    assert fifo.bodies(F) == ["g1-a", "g1-b", "g1-c", "g2-a"]


def test_a_message_in_flight_blocks_its_group_and_no_other(fifo: Queues) -> None:
    put(fifo, "g1-a", "g1-b", "g2-a")
    (first,) = fifo.receive(F, 1)
    assert fifo.bodies(F) == ["g2-a"]
    fifo.delete(first, F)
    assert fifo.bodies(F) == ["g1-b"]


def test_a_group_stays_blocked_while_its_first_message_is_in_flight(fifo: Queues) -> None:
    put(fifo, "g1-a", "g2-a", "g1-b", "g1-c", "g3-a")
    first, _second = fifo.receive(F, 2)
    fifo.delete(first, F)
    assert fifo.bodies(F) == ["g2-a", "g3-a"]


def test_what_comes_back_comes_in_order(fifo: Queues) -> None:
    put(fifo, "g-1", "g-2", "g-3")
    assert fifo.bodies(F) == ["g-1", "g-2", "g-3"]
    fifo.world.advance(timedelta(seconds=30))
    assert fifo.bodies(F) == ["g-1", "g-2", "g-3"]


def test_a_zero_timeout_puts_the_groups_behind_those_that_waited(fifo: Queues) -> None:
    put(fifo, "g1-a", "g2-a", "g2-b", "g3-a", "g1-b")
    fifo.world.advance(timedelta(seconds=1))
    assert fifo.bodies(F, 3, VisibilityTimeout=0) == ["g1-a", "g1-b", "g2-a"]
    assert fifo.bodies(F, 10, VisibilityTimeout=0) == ["g3-a", "g1-a", "g1-b", "g2-a", "g2-b"]


def test_a_message_that_is_let_go_comes_back_though_a_later_one_is_in_flight(fifo: Queues) -> None:
    put(fifo, "g1-a", "g1-b", "g2-a")
    first, _ = fifo.receive(F, 2)
    fifo.world.advance(timedelta(seconds=1))
    change(fifo, first, 0)
    assert fifo.bodies(F) == ["g2-a", "g1-a"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_a_longer_timeout_holds_back_what_comes_after_it(fifo: Queues, position: int) -> None:
    put(fifo, "g-0", "g-1", "g-2")
    change(fifo, fifo.receive(F)[position], 100)
    fifo.world.advance(timedelta(seconds=31))
    assert fifo.bodies(F) == [f"g-{number}" for number in range(position)]


def test_a_receipt_expires_with_its_visibility(fifo: Queues) -> None:
    put(fifo, "g-1")
    (message,) = fifo.receive(F)
    fifo.world.advance(timedelta(seconds=30))
    with pytest.raises(ServiceError, match=r"Reason: The receipt handle has expired\.$"):
        fifo.delete(message, F)
    with pytest.raises(ServiceError, match=r"Reason: The receipt handle has expired\.$"):
        change(fifo, message, 10)
    (message,) = fifo.receive(F)
    fifo.delete(message, F)
    fifo.delete(message, F)  # What is gone is gone; no error.


def test_a_queues_delay_holds_every_message_and_zero_means_the_queues(queues: Queues) -> None:
    queues.create(F, ContentBasedDeduplication="true", DelaySeconds="60")
    queues.send("a", F, MessageGroupId="g", DelaySeconds=0)
    assert queues.receive(F) == []
    with pytest.raises(ServiceError, match=r"^Value 2 for parameter DelaySeconds is invalid"):
        queues.send("b", F, MessageGroupId="g", DelaySeconds=2)
    queues.world.advance(timedelta(seconds=60))
    assert queues.bodies(F) == ["a"]


# Deduplication -----------------------------------------------------------------------------------------------------


def test_a_duplicate_is_acknowledged_as_the_first_and_not_delivered(fifo: Queues) -> None:
    first = fifo.send("same", F, MessageGroupId="g")
    second = fifo.send("same", F, MessageGroupId="other")
    assert second == first
    (message,) = fifo.receive(F)
    fifo.delete(message, F)
    fifo.send("same", F, MessageGroupId="g")
    assert fifo.receive(F) == []


def test_an_id_counts_for_five_minutes_from_its_first_message(fifo: Queues) -> None:
    put(fifo, "g-1")
    fifo.delete(fifo.receive(F)[0], F)
    fifo.world.advance(timedelta(minutes=4, seconds=59))
    put(fifo, "g-1")
    assert fifo.receive(F) == []
    fifo.world.advance(timedelta(seconds=1))
    put(fifo, "g-1")
    assert fifo.bodies(F) == ["g-1"]


def test_old_ids_are_forgotten_and_nothing_waits_when_all_are(fifo: Queues) -> None:
    put(fifo, "g-1")
    fifo.world.advance(timedelta(minutes=10))
    assert fifo.world.run(lambda work: work.scalar(REMEMBERED)) == 0
    assert fifo.world.run(lambda work: work.scalar(FORGETTING)) == 0


def test_an_id_that_was_sent_again_is_not_forgotten_with_its_first_message(fifo: Queues) -> None:
    put(fifo, "g-1")
    fifo.world.advance(timedelta(minutes=5))
    put(fifo, "g-1")
    fifo.world.advance(timedelta(minutes=1))  # By now the first one's ids were dropped.
    assert fifo.world.run(lambda work: work.scalar(REMEMBERED)) == 1
    put(fifo, "g-1")
    assert len(fifo.receive(F, 10)) == 2


def test_ids_of_a_batch_of_which_some_are_known_are_forgotten_too(queues: Queues) -> None:
    queues.create(F)
    for numbers in ([1, 2, 3], [3, 4, 4, 1, 5]):
        queues.call(
            "SendMessageBatch",
            F,
            Entries=[
                {"Id": str(at), "MessageBody": str(n), "MessageGroupId": "g", "MessageDeduplicationId": str(n)}
                for at, n in enumerate(numbers)
            ],
        )
    assert queues.bodies(F) == ["1", "2", "3", "4", "5"]
    assert queues.world.run(lambda work: (work.scalar(REMEMBERED), work.scalar(REMEMBERED_CALLS))) == (5, 2)
    queues.world.advance(timedelta(minutes=10))
    assert queues.world.run(lambda work: (work.scalar(REMEMBERED), work.scalar(REMEMBERED_CALLS))) == (0, 0)


def test_more_calls_than_one_step_forgets_are_forgotten_one_after_the_other(
    fifo: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("interstate.services.sqs.fifo.FORGET_CALLS_MAX", 2)
    for number in range(5):
        put(fifo, f"g-{number}")
    fifo.world.advance(timedelta(minutes=6))
    assert fifo.world.run(lambda work: (work.scalar(REMEMBERED), work.scalar(REMEMBERED_CALLS))) == (0, 0)


def test_a_deleted_queue_leaves_no_ids(fifo: Queues) -> None:
    put(fifo, "g-1")
    fifo.call("DeleteQueue", F)
    fifo.world.run_due()
    assert fifo.world.run(lambda work: (work.scalar(REMEMBERED), work.scalar(REMEMBERED_CALLS))) == (0, 0)


def test_a_scope_of_groups_lets_every_group_have_the_id(queues: Queues) -> None:
    queues.create(F, DeduplicationScope="messageGroup")
    for group in ("a", "b", "a"):
        queues.send(group, F, MessageGroupId=group, MessageDeduplicationId="same")
    assert queues.bodies(F) == ["a", "b"]


def test_a_changed_scope_counts_after_a_minute(queues: Queues) -> None:
    queues.create(F)
    queues.call("SetQueueAttributes", F, Attributes={"DeduplicationScope": "messageGroup"})
    for group in ("a", "b"):
        queues.send(group, F, MessageGroupId=group, MessageDeduplicationId="1")
    queues.world.advance(timedelta(minutes=1))
    for group in ("c", "d"):
        queues.send(group, F, MessageGroupId=group, MessageDeduplicationId="2")
    assert queues.bodies(F) == ["a", "c", "d"]


def test_a_purge_forgets_the_ids(fifo: Queues) -> None:
    put(fifo, "g-1")
    fifo.call("PurgeQueue", F)
    put(fifo, "g-1")
    assert fifo.bodies(F) == ["g-1"]


@pytest.mark.parametrize("identity", ["", "a" * 129, "group 123"])
def test_ids_are_letters_digits_and_punctuation(fifo: Queues, identity: str) -> None:
    for parameter in ("MessageGroupId", "MessageDeduplicationId"):
        with pytest.raises(ServiceError) as caught:
            fifo.send("x", F, **({"MessageGroupId": "g"} | {parameter: identity}))
        assert caught.value.message == (
            f"Value {identity} for parameter {parameter} is invalid. Reason: {parameter} can only include alphanumeric "
            "and punctuation characters. 1 to 128 in length."
        )


def test_group_and_deduplication_are_needed(queues: Queues) -> None:
    queues.create(F)
    with pytest.raises(ServiceError, match=r"^The request must contain the parameter MessageGroupId\.$") as caught:
        queues.send("x", F, MessageDeduplicationId="1")
    assert caught.value.code == "MissingParameter"
    with pytest.raises(ServiceError, match=r"^The queue should either have"):
        queues.send("x", F, MessageGroupId="1")
    entries = [{"Id": "a", "MessageBody": "x", "MessageDeduplicationId": "1"}]
    with pytest.raises(ServiceError, match=r"the parameter MessageGroupId") as caught:
        queues.call("SendMessageBatch", F, Entries=entries)
    assert caught.value.code == "InvalidParameterValue"


def test_standard_queues_keep_a_group_and_refuse_deduplication(queues: Queues) -> None:
    queues.create()
    queues.send("x", MessageGroupId="tenant")
    (message,) = queues.receive(AttributeNames=["All"])
    assert message["Attributes"]["MessageGroupId"] == "tenant"
    assert "SequenceNumber" not in message["Attributes"]
    with pytest.raises(ServiceError, match=r"for parameter MessageDeduplicationId is invalid"):
        queues.send("x", MessageDeduplicationId="1")


def test_attributes_tell_group_id_and_a_rising_sequence(fifo: Queues) -> None:
    sent = [fifo.send(str(number), F, MessageGroupId="g", MessageDeduplicationId=f"d{number}") for number in range(3)]
    numbers = [int(each["SequenceNumber"]) for each in sent]
    assert numbers == sorted(set(numbers))
    (message, *_) = fifo.receive(F, AttributeNames=["All"])
    shown = message["Attributes"]
    assert (shown["MessageGroupId"], shown["MessageDeduplicationId"]) == ("g", "d0")
    assert shown["SequenceNumber"] == sent[0]["SequenceNumber"]
    assert len(shown["SequenceNumber"]) == 20


# Attempts ----------------------------------------------------------------------------------------------------------


def test_the_same_attempt_gets_the_same_messages_and_receipts(fifo: Queues) -> None:
    put(fifo, "g-1", "g-2", "h-1")
    first = fifo.receive(F, 2, ReceiveRequestAttemptId="a")
    fifo.world.advance(timedelta(seconds=20))
    assert fifo.receive(F, 2, ReceiveRequestAttemptId="a") == first
    fifo.world.advance(timedelta(seconds=20))  # The visibility began anew.
    assert fifo.bodies(F) == ["h-1"]


TOUCHED = {
    "deleted": lambda fifo, message: fifo.delete(message, F),
    "longer": lambda fifo, message: change(fifo, message, 60),
    "let go": lambda fifo, message: change(fifo, message, 0),
}


@pytest.mark.parametrize("touch", TOUCHED.values(), ids=TOUCHED)
def test_an_attempt_whose_message_was_touched_is_over(fifo: Queues, touch: Any) -> None:
    """Source: SQS API Reference, ReceiveMessage ("if none of the messages have been modified"); the words:
    https://github.com/awslabs/amazon-sqs-java-messaging-lib/issues/213.
    """
    put(fifo, "g-1", "g-2")
    touch(fifo, fifo.receive(F, 1, ReceiveRequestAttemptId="a")[0])
    with pytest.raises(ServiceError) as caught:
        fifo.receive(F, 1, ReceiveRequestAttemptId="a")
    assert (caught.value.code, caught.value.message) == (
        "InvalidParameterValue",
        (
            "Value a for parameter ReceiveRequestAttemptId is invalid. Reason: The receiveRequestAttemptId is not valid "
            "anymore since the receive call is not retryable."
        ),
    )
    fifo.world.advance(timedelta(minutes=5))
    assert fifo.bodies(F, 1, ReceiveRequestAttemptId="a")


def test_an_attempt_whose_visibility_ended_receives_anew(fifo: Queues) -> None:
    put(fifo, "g-1")
    (first,) = fifo.receive(F, 1, ReceiveRequestAttemptId="a")
    fifo.world.advance(timedelta(seconds=31))
    (second,) = fifo.receive(F, 1, ReceiveRequestAttemptId="a")
    assert (second["Body"], second["ReceiptHandle"] != first["ReceiptHandle"]) == ("g-1", True)


@pytest.mark.parametrize("attempt", ["", "a b", "a" * 129, "é"])
def test_an_attempts_id_is_like_other_ids(fifo: Queues, attempt: str) -> None:
    """Source: SQS API Reference, ReceiveMessage (128 characters, alphanumeric and punctuation)."""
    with pytest.raises(ServiceError, match="ReceiveRequestAttemptId can only include alphanumeric and punctuation"):
        fifo.receive(F, ReceiveRequestAttemptId=attempt)


def test_standard_queues_know_no_attempts(queues: Queues) -> None:
    queues.create()
    with pytest.raises(ServiceError, match=r"for parameter ReceiveRequestAttemptId is invalid"):
        queues.receive(ReceiveRequestAttemptId="a")


# The law -----------------------------------------------------------------------------------------------------------

ACTS = st.lists(
    st.one_of(
        st.tuples(st.just("send"), st.sampled_from("abc")),
        st.tuples(st.just("receive"), st.integers(1, 10)),
        st.tuples(st.just("delete"), st.integers(0, 20)),
        st.tuples(st.just("let go"), st.integers(0, 20)),
        st.tuples(st.just("wait"), st.integers(1, 40)),
    ),
    max_size=40,
)


@settings(max_examples=examples(60), deadline=None)
@given(ACTS)
def test_every_group_is_deleted_in_the_order_of_sending(  # noqa: C901, PLR0912 one story, told in order
    acts: list[tuple[str, Any]],
) -> None:
    queues = Queues(World((SERVICE, POLLS)))
    queues.create(F, VisibilityTimeout="20")
    held: list[Any] = []
    waiting: dict[str, list[str]] = {"a": [], "b": [], "c": []}
    sent = 0
    for act, value in acts:
        if act == "send":
            sent += 1
            queues.send(f"{value}{sent}", F, MessageGroupId=value, MessageDeduplicationId=str(sent))
            waiting[value].append(f"{value}{sent}")
        elif act == "receive":
            got = queues.receive(F, value)
            for group, left in waiting.items():
                bodies = [message["Body"] for message in got if message["Body"][0] == group]
                assert bodies == left[: len(bodies)]  # Always the first ones that are left.
            held += got
        elif act == "wait":
            queues.world.advance(timedelta(seconds=value))
        elif held:
            message = held.pop(value % len(held))
            try:
                if act == "delete":
                    queues.delete(message, F)
                    if message["Body"] in waiting[message["Body"][0]]:
                        waiting[message["Body"][0]].remove(message["Body"])
                else:
                    change(queues, message, 0)
            except ServiceError:
                pass  # Its visibility had ended.
    queues.world.advance(timedelta(seconds=60))
    assert sum(queues.counts(F)) == sum(map(len, waiting.values()))
    for left in waiting.values():
        rest = []
        while got := [message for message in queues.receive(F) if message["Body"] in left]:
            rest += [message["Body"] for message in got]
            for message in got:
                queues.delete(message, F)
        assert rest == left or not left
        queues.world.advance(timedelta(seconds=60))
    queues.world.close()
