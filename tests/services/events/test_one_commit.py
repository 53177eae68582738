"""What an event leaves is carried out in the commit that takes it; what a target does there never refuses the event."""

from datetime import datetime
from typing import Any

import pytest
from tests.services.events.conftest import ACCOUNT, Bench, arn

from interstate.base.json import dumps, loads
from interstate.runtime.batch import Batches, Decided
from interstate.runtime.testing import Crash
from interstate.store.records.due import DUE
from interstate.store.records.events import ATTEMPTS, ATTEMPTS_OF_LOG, LOG, LOG_UP_TO
from interstate.store.tables import Scalar

STEPS = Scalar("SELECT count(*) FROM due WHERE kind = 'events.delivery'", (DUE,))
TOLD = Scalar("SELECT count(*) FROM events_attempts", (ATTEMPTS,))
ACCEPTED = Scalar("SELECT count(*) FROM events_log", (LOG,))


@pytest.fixture(autouse=True)
def _unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """However loaded the machine is, what follows a call is in its batch: its number alone is bounded."""
    decide = Batches.decide

    def unhurried(batches: Batches, jobs: Any, now: datetime, effects_max: int, **more: Any) -> list[Decided]:
        return decide(batches, jobs, now, effects_max, **{**more, "work_s": 3600.0})

    monkeypatch.setattr(Batches, "decide", unhurried)


def put(bench: Bench, count: int, **members: Any) -> list[str]:
    """A single call, and nothing after it."""
    entries = [
        {"Source": "shop", "DetailType": "x", "Detail": f'{{"n":{number}}}', **members} for number in range(count)
    ]
    answer = bench("PutEvents", Entries=entries)
    assert answer["FailedEntryCount"] == 0
    return [entry["EventId"] for entry in answer["Entries"]]


def depth(bench: Bench, name: str) -> int:
    """Messages of a queue, without carrying out what is due."""
    request = {"QueueUrl": f"http://localhost/{ACCOUNT}/{name}", "AttributeNames": ["ApproximateNumberOfMessages"]}
    answer = bench.world.call("sqs", "GetQueueAttributes", request)
    return int(answer["Attributes"]["ApproximateNumberOfMessages"])


def fifo_queue(bench: Bench, **attributes: str) -> str:
    allow = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}
    given = {"FifoQueue": "true", "Policy": dumps({"Version": "2012-10-17", "Statement": [allow]}), **attributes}
    bench.world.call("sqs", "CreateQueue", {"QueueName": "q.fifo", "Attributes": given})
    return arn("sqs", "q.fifo")


def count(bench: Bench, scalar: Scalar) -> int:
    counted: int = bench.world.run(lambda work: work.scalar(scalar))
    return counted


def test_events_and_their_messages_are_one_commit(bench: Bench) -> None:
    bench.rule("r", bench.queue("q"), bench.queue("again"))
    before = bench.world.commits
    ids = put(bench, 10)
    assert bench.world.commits == before + 1
    assert (depth(bench, "q"), depth(bench, "again"), count(bench, STEPS)) == (10, 10, 0)
    assert [event["id"] for event in bench.events("q")] == ids


@pytest.mark.parametrize("policy", [None, "sns.amazonaws.com"])
def test_a_queue_that_forbids_gets_nothing_and_the_event_is_taken(bench: Bench, policy: str | None) -> None:
    dead = bench.queue("dead")
    closed = bench.queue("closed", open_to=policy)
    bench.rule("r", {"Arn": closed, "DeadLetterConfig": {"Arn": dead}}, bench.queue("open"))
    put(bench, 3)
    assert (depth(bench, "closed"), depth(bench, "open"), depth(bench, "dead")) == (0, 3, 3)
    codes = {letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] for letter in bench.received("dead")}
    assert codes == {"NO_PERMISSIONS"}


def test_a_target_that_is_busy_leaves_a_row_for_each_event_and_delays_nobody(bench: Bench) -> None:
    bench.rule("r", bench.queue("busy"), bench.queue("q"))
    bench.world.catalog.faults.add({"target": "sqs:SendMessage", "error": "ServiceUnavailable", "left": 4})
    put(bench, 3)  # Together, then each alone: all that the fault hits is the first target's.
    assert (depth(bench, "busy"), depth(bench, "q"), count(bench, STEPS)) == (0, 3, 3)
    bench.advance(minutes=1)
    assert sorted(event["detail"]["n"] for event in bench.events("busy")) == [0, 1, 2]
    assert depth(bench, "q") == 3


def test_a_fifo_queue_gets_the_events_in_order(bench: Bench) -> None:
    queue = fifo_queue(bench, ContentBasedDeduplication="true")
    bench.rule("r", {"Arn": queue, "SqsParameters": {"MessageGroupId": "g"}})
    put(bench, 10)
    put(bench, 3)
    assert [event["detail"]["n"] for event in bench.events("q.fifo")] == [*range(10), 0, 1, 2]


def test_a_fifo_queue_without_a_deduplication_id_refuses_each_event_alone(bench: Bench) -> None:
    queue, dead = fifo_queue(bench), bench.queue("dead")
    target = {"Arn": queue, "SqsParameters": {"MessageGroupId": "g"}, "DeadLetterConfig": {"Arn": dead}}
    bench.rule("r", target)
    put(bench, 2)
    assert (depth(bench, "q.fifo"), depth(bench, "dead")) == (0, 2)


def test_events_that_match_otherwise_in_between_keep_their_order(bench: Bench) -> None:
    bench.rule("all", bench.queue("all"))
    bench.rule("odd", bench.queue("odd"), pattern='{"detail":{"n":[1,3]}}')
    put(bench, 5)
    assert [event["detail"]["n"] for event in bench.events("all")] == [0, 1, 2, 3, 4]
    assert [event["detail"]["n"] for event in bench.events("odd")] == [1, 3]


def test_a_trace_goes_with_each_message(bench: Bench) -> None:
    bench.rule("r", bench.queue("q"))
    entry = {"Source": "shop", "DetailType": "x", "Detail": "{}"}
    root = "Root=1-5759e988-bd862e3fe1be46a994272793"
    bench("PutEvents", Entries=[{**entry, "TraceHeader": root}, entry])
    request = {
        "QueueUrl": f"http://localhost/{ACCOUNT}/q",
        "MaxNumberOfMessages": 10,
        "MessageSystemAttributeNames": ["AWSTraceHeader"],
    }
    messages = bench.world.call("sqs", "ReceiveMessage", request)["Messages"]
    assert [message.get("Attributes", {}).get("AWSTraceHeader") for message in messages] == [root, None]


def test_two_buses_that_send_to_each_other_do_not_loop(bench: Bench) -> None:
    bench("CreateEventBus", Name="other")
    bench.rule("there", {"Arn": arn("events", "event-bus/other"), "RoleArn": "arn:aws:iam::000000000000:role/r"})
    bench.rule(
        "back", {"Arn": arn("events", "event-bus/default"), "RoleArn": "arn:aws:iam::000000000000:role/r"}, bus="other"
    )
    bench.rule("q", bench.queue("q"), bus="other")
    ids = put(bench, 3)
    bench.world.run_due()
    assert [event["id"] for event in bench.events("q")] == ids
    assert count(bench, STEPS) == 0


@pytest.mark.parametrize("before", [True, False])
def test_a_crash_leaves_an_event_with_its_messages_or_neither(lasting: Bench, before: bool) -> None:
    lasting.rule("r", lasting.queue("q"), lasting.queue("again"))
    if before:
        lasting.world.crash_before_commit = lasting.world.commits + 1
        with pytest.raises(Crash):
            put(lasting, 10)
    else:
        put(lasting, 10)
    lasting.world = lasting.world.restart()
    lasting.world.run_due()
    expected = 0 if before else 10
    assert (depth(lasting, "q"), depth(lasting, "again"), count(lasting, STEPS)) == (expected, expected, 0)
    assert count(lasting, ACCEPTED) == expected // 10
    assert count(lasting, TOLD) == 2 * (expected // 10)


def test_attempts_tell_of_each_event_by_its_place(bench: Bench) -> None:
    bench.rule("r", bench.queue("q"), pattern='{"detail":{"n":[1,4]}}')
    ids = put(bench, 6)
    [logged] = bench.world.run(lambda work: work.select(LOG_UP_TO, limit=10, last=1 << 62))
    events: Any = loads(logged.body)
    assert [event["id"] for event in events] == ids
    [attempt] = bench.world.run(lambda work: work.select(ATTEMPTS_OF_LOG, limit=10, log=logged.id, after=0))
    assert (attempt.places, len(attempt.made)) == ([1, 4], 2)


def test_a_thousand_matching_targets_are_not_one_endless_batch(bench: Bench) -> None:
    """What does not fit into the time of a batch waits in the store, and is carried out in later ones."""
    bench.queue("q")
    target = {"Arn": arn("sqs", "q")}
    for rule in range(250):
        bench.rule(f"r{rule}", *[target] * 5)
    before = bench.world.commits
    put(bench, 1)
    left = count(bench, STEPS)
    assert left >= 250  # A batch carries out a thousand steps at most, however fast it is.
    bench.world.run_due()
    assert count(bench, STEPS) == 0
    assert bench.world.commits > before + 1
    assert depth(bench, "q") == 1250
