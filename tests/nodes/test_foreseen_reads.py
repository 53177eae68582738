"""Calls find with their first round trip what those before them had to ask for later, and are right whatever was foreseen."""

import select
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.runtime.batch import Job
from interstate.runtime.testing import World
from interstate.store.postgres.engine import PostgresStore
from interstate.store.records.events import RULES
from interstate.store.tables import Select
from interstate.store.unit_of_work import GLANCED_MAX

Pair = tuple[World, World]
CALLS = 8


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    open_worlds_on(fresh_database(), monkeypatch)
    worlds = (World(), World())
    yield worlds
    for world in worlds:
        world.close()


def together(
    world: World, service: str, operation: str, requests: Sequence[Mapping[str, Any]]
) -> tuple[list[Any], int]:
    """The answers of calls that are decided together as a server does it, and their round trips."""
    row = world.catalog.operation(service, operation)
    jobs = []
    for number, request in enumerate(requests):
        typed = world.catalog.request(service, operation, request, checked=False)
        keys = [] if row.keys is None else list(row.keys(typed, world.caller))

        def handle(work: Any, typed: Any = typed) -> Any:
            return row.handle(typed, work)

        jobs.append(Job(handle, lambda _job: None, bytes([number]) * 16, world.caller, keys))
    store = world.store
    assert isinstance(store, PostgresStore)
    before = sum(writer.line.round_trips for writer in store._writers)
    ahead = world.batches.ask(jobs)
    assert ahead is not None
    while not ahead.has_come():
        select.select([ahead.socket], [], [], 10)
    world.batches.decide(jobs, world.now, effects_max=0, work_s=60, ahead=ahead)
    store.commit()
    for job in jobs:
        assert job.error is None, job.error
    return [job.outcome for job in jobs], sum(writer.line.round_trips for writer in store._writers) - before


OPEN = (
    '{"Statement": [{"Effect": "Allow", "Principal": {"Service": ["sns.amazonaws.com", "events.amazonaws.com"]}, '
    '"Action": "sqs:SendMessage", "Resource": "*"}]}'
)


def queue(world: World, name: str, **attributes: str) -> tuple[str, str]:
    url = world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": {"Policy": OPEN, **attributes}})[
        "QueueUrl"
    ]
    return url, f"arn:aws:sqs:us-east-1:000000000000:{name}"


def topic_to(world: World, arns: list[str]) -> str:
    topic: str = world.call("sns", "CreateTopic", {"Name": "t"})["TopicArn"]
    for arn in arns:
        world.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn})
    return topic


def depth(world: World, url: str) -> int:
    asked = {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]}
    return int(world.call("sqs", "GetQueueAttributes", asked)["Attributes"]["ApproximateNumberOfMessages"])


def test_publishes_that_are_decided_together_share_their_round_trips(pair: Pair) -> None:
    world, _ = pair
    queues = [queue(world, f"q{number}") for number in range(3)]
    topic = topic_to(world, [arn for _, arn in queues])
    publishes = [{"TopicArn": topic, "Message": "x"}] * CALLS
    together(world, "sns", "Publish", publishes)
    _, trips = together(world, "sns", "Publish", publishes)
    assert trips <= 3
    assert [depth(world, url) for url, _ in queues] == [2 * CALLS] * 3


def test_events_that_are_decided_together_share_their_round_trips(pair: Pair) -> None:
    world, _ = pair
    url, arn = queue(world, "q")
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["s"]}'})
    world.call("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": arn}]})
    puts = [{"Entries": [{"Source": "s", "DetailType": "d", "Detail": "{}"}] * 10}] * CALLS
    together(world, "events", "PutEvents", puts)
    _, trips = together(world, "events", "PutEvents", puts)
    assert trips <= 3
    assert depth(world, url) == 2 * CALLS * 10


def test_a_bus_of_many_rules_is_read_to_be_compiled_and_not_foreseen(pair: Pair) -> None:
    world, _ = pair
    url, arn = queue(world, "q")
    for number in range(GLANCED_MAX + 10):
        world.call("events", "PutRule", {"Name": f"r{number}", "EventPattern": f'{{"source": ["s{number}"]}}'})
        world.call("events", "PutTargets", {"Rule": f"r{number}", "Targets": [{"Id": "1", "Arn": arn}]})
    puts = [{"Entries": [{"Source": "s7", "DetailType": "d", "Detail": "{}"}] * 10}] * CALLS
    together(world, "events", "PutEvents", puts)
    together(world, "events", "PutEvents", puts)
    foreseen = [what for habit in world.batches._foresight._habits.values() for what, _, _ in habit.looks]
    assert foreseen
    assert not [what for what in foreseen if isinstance(what, Select) and what.table is RULES]
    assert depth(world, url) == 2 * CALLS * 10


def test_sends_to_groups_share_their_round_trips(pair: Pair) -> None:
    world, _ = pair
    url, _ = queue(world, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")

    def send(first: int) -> tuple[list[Any], int]:
        requests = [
            {"QueueUrl": url, "MessageBody": f"x{number}", "MessageGroupId": f"g{number % 3}"}
            for number in range(first, first + CALLS)
        ]
        return together(world, "sqs", "SendMessage", requests)

    send(0)
    send(CALLS)
    answers, trips = send(2 * CALLS)
    assert trips <= 3
    numbers = [answer["SequenceNumber"] for answer in answers]
    assert numbers == sorted(numbers)
    assert depth(world, url) == 3 * CALLS
    assert (
        len({answer["MessageId"] for answer in send(2 * CALLS)[0]} - {answer["MessageId"] for answer in answers}) == 0
    )
    assert depth(world, url) == 3 * CALLS


def test_what_another_node_changed_counts_for_the_next_batch(pair: Pair) -> None:
    here, there = pair
    (first, first_arn), (second, second_arn) = queue(here, "first"), queue(here, "second")
    topic = topic_to(here, [first_arn])
    publishes = [{"TopicArn": topic, "Message": "x"}] * CALLS
    together(here, "sns", "Publish", publishes)
    together(here, "sns", "Publish", publishes)
    found = there.call("sns", "ListSubscriptionsByTopic", {"TopicArn": topic})["Subscriptions"]
    there.call("sns", "Unsubscribe", {"SubscriptionArn": found[0]["SubscriptionArn"]})
    there.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": second_arn})
    together(here, "sns", "Publish", publishes)
    assert depth(here, first) == 2 * CALLS
    assert depth(here, second) == CALLS


def test_a_queue_that_was_made_again_is_not_taken_for_the_old_one(pair: Pair) -> None:
    here, there = pair
    url, _ = queue(here, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    sends = [{"QueueUrl": url, "MessageBody": "x", "MessageGroupId": "g"}]
    together(here, "sqs", "SendMessage", sends)
    there.call("sqs", "DeleteQueue", {"QueueUrl": url})
    for world in pair:
        world.advance(timedelta(minutes=2))
    queue(there, "q.fifo", FifoQueue="true", ContentBasedDeduplication="true")
    together(here, "sqs", "SendMessage", sends)
    found = there.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]
    assert [message["Body"] for message in found] == ["x"]
