"""Two nodes on one database, without processes: what one has in hand, changes or leaves, as the other sees it."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database, open_worlds_on, server_url

from interstate.runtime.batch import Batches, Job, ServiceUnavailable
from interstate.runtime.testing import START, World
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.engine import PostgresStore
from interstate.store.postgres.migrate import migrate, postgres_migrations
from interstate.store.postgres.registry import NoNumberLeft
from interstate.store.records.sqs import QUEUES, Queue

Pair = tuple[World, World]


@pytest.fixture
def url() -> str:
    return fresh_database()


@pytest.fixture
def pair(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pair]:
    open_worlds_on(url, monkeypatch)
    worlds = (World(), World())
    yield worlds
    for world in worlds:
        world.close()


def test_a_rule_that_one_node_puts_counts_for_the_next_event_on_another(pair: Pair) -> None:
    here, there = pair
    policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"sqs:*","Resource":"*"}]}'
    url = here.call("sqs", "CreateQueue", {"QueueName": "q", "Attributes": {"Policy": policy}})["QueueUrl"]
    event = {"Source": "a", "DetailType": "b", "Detail": "{}"}
    there.call("events", "PutEvents", {"Entries": [event]})  # It has compiled the bus without the rule.
    here.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source": ["a"]}'})
    target = {"Id": "t", "Arn": "arn:aws:sqs:us-east-1:000000000000:q"}
    here.call("events", "PutTargets", {"Rule": "r", "Targets": [target]})
    there.call("events", "PutEvents", {"Entries": [event]})
    there.run_due()
    assert len(here.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]) == 1


def test_readers_of_one_queue_pass_over_what_the_other_has_in_hand(pair: Pair) -> None:
    here, there = pair
    url = here.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    for body in "ab":
        here.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": body})
    held = here.store.writer  # type: ignore[attr-defined]  # PostgreSQL's
    with held.transaction():
        held.execute("SELECT 1 FROM messages ORDER BY id LIMIT 1 FOR UPDATE")
        found = there.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]
    assert [message["Body"] for message in found] == ["b"]


def test_a_group_that_one_node_has_in_hand_gives_nothing_to_another(pair: Pair) -> None:
    """Passing over locked messages would give the second of a group before the first is done."""
    here, there = pair
    attributes = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    url = here.call("sqs", "CreateQueue", {"QueueName": "q.fifo", "Attributes": attributes})["QueueUrl"]
    for body in "ab":
        here.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": body, "MessageGroupId": "g"})
    held = here.store.writer  # type: ignore[attr-defined]  # PostgreSQL's
    with held.transaction():
        held.execute("SELECT 1 FROM message_groups FOR UPDATE")
        assert there.call("sqs", "ReceiveMessage", {"QueueUrl": url}) == {}
    (first,) = there.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    assert first["Body"] == "a"
    assert here.call("sqs", "ReceiveMessage", {"QueueUrl": url}) == {}


def test_who_was_overtaken_decides_again(pair: Pair) -> None:
    here, there = pair
    here.run(lambda work: work.put(QUEUES, Queue("arn:q", 1, "0/us", "q", START, START, {}, {})))
    seen = []

    def tag(work: Any) -> None:
        queue = work.get(QUEUES, "arn:q")
        seen.append(dict(queue.tags))
        if len(seen) == 1:
            there.run(lambda other: other.put(QUEUES, _tagged(other.get(QUEUES, "arn:q"), "there")))
        work.put(QUEUES, _tagged(queue, "here"))

    here.run(tag)
    assert seen == [{}, {"there": "1"}]
    assert here.run(lambda work: work.get(QUEUES, "arn:q")).tags == {"there": "1", "here": "1"}


def _tagged(queue: Queue | None, name: str) -> Queue:
    assert queue is not None
    return Queue("arn:q", 1, "0/us", "q", START, START, {}, {**queue.tags, name: "1"})


def test_a_node_that_was_declared_dead_writes_nothing_and_comes_back_as_another(pair: Pair) -> None:
    here, there = pair
    url = here.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    number, epoch = here.store.node, here.store.epoch  # type: ignore[attr-defined]  # PostgreSQL's
    there.store.writer.execute("DELETE FROM nodes WHERE number = %s", (number,))  # type: ignore[attr-defined]
    with pytest.raises(StoreUnavailable):
        here.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "from the grave"})
    assert there.call("sqs", "ReceiveMessage", {"QueueUrl": url}) == {}
    here.call("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "again"})
    assert here.store.epoch != epoch  # type: ignore[attr-defined]  # PostgreSQL's
    assert len(there.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]) == 1


def test_a_call_during_an_outage_is_told_so_and_the_next_one_is_carried_out(pair: Pair) -> None:
    here, there = pair
    pid = here.store.rows.line.connection.info.backend_pid  # type: ignore[attr-defined]  # PostgreSQL's
    there.store.writer.execute("SELECT pg_terminate_backend(%s::int, 5000)", (pid,))  # type: ignore[attr-defined]
    with pytest.raises(ServiceUnavailable) as refused:
        here.call("sqs", "CreateQueue", {"QueueName": "q"})
    assert refused.value.status == 503
    here.call("sqs", "CreateQueue", {"QueueName": "q"})
    assert there.call("sqs", "ListQueues")["QueueUrls"]


def test_numbers_are_the_lowest_that_are_free_until_none_is_left(url: str) -> None:
    stores = [PostgresStore(url) for _ in range(3)]
    assert [store.node for store in stores] == [1, 2, 3]
    stores[1].writer.execute("DELETE FROM nodes WHERE number = 2")
    stores.append(PostgresStore(url))
    assert stores[-1].node == 2
    stores[0].writer.execute(
        "INSERT INTO nodes SELECT n, n, 'elsewhere 1 x', '', 'all', 0, 0, '[]' FROM generate_series(4, 255) AS n"
    )
    with pytest.raises(NoNumberLeft):
        stores[0].register()
    with pytest.raises(NoNumberLeft):
        PostgresStore(url)
    gc.collect()  # A connection that it had opened and nobody closed would be told of here, as an error.
    for store in stores:
        store.close()


def test_the_schema_is_made_once_while_others_wait() -> None:
    name = "migrating"
    with psycopg.connect(server_url(), autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}".encode())
    url = server_url().replace("/postgres?", f"/{name}?", 1)

    def start(_number: int) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            migrate(connection)

    with ThreadPoolExecutor(3) as threads:
        list(threads.map(start, range(3)))
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT count(*) FROM schema_migrations").fetchone()
    assert row == (len(postgres_migrations()),)


@pytest.mark.parametrize("text", ["\x00", "a\x00b\x01", "\x01\x02", "\x01\x01", "\x00\x00\x02"])
def test_a_text_may_hold_what_postgresql_cannot(pair: Pair, text: str) -> None:
    here, there = pair
    here.run(lambda work: work.put(QUEUES, Queue(f"arn:{text}", 1, "0/us", text, START, START, {}, {})))
    assert there.run(lambda work: work.get(QUEUES, f"arn:{text}")).name == text


def test_calls_that_are_decided_together_share_their_round_trips(pair: Pair) -> None:
    world, _ = pair
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    row = world.catalog.operation("sqs", "SendMessage")
    typed = world.catalog.request("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x"}, checked=False)
    assert row.keys is not None
    keys = list(row.keys(typed, world.caller))

    def send() -> int:
        line = world.store.rows.line  # type: ignore[attr-defined]  # PostgreSQL's
        before = line.round_trips
        jobs = [
            Job(lambda work: row.handle(typed, work), lambda _job: None, bytes([n]) * 16, world.caller, keys)
            for n in range(16)
        ]
        batches: Batches = world.batches
        batches.decide(jobs, world.now, effects_max=0, work_s=60)
        world.store.commit()
        trips: int = line.round_trips - before
        return trips

    send()  # Its metrics are known from then on.
    assert send() <= 3


def test_a_batch_of_deletes_looks_its_messages_up_at_once(pair: Pair) -> None:
    world, _ = pair
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
    world.call("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries})
    found = world.call("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})["Messages"]
    line = world.store.rows.line  # type: ignore[attr-defined]  # PostgreSQL's
    before = line.round_trips
    handles = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(found)]
    world.call("sqs", "DeleteMessageBatch", {"QueueUrl": url, "Entries": handles})
    assert line.round_trips - before <= 6  # Two are for a metric that is new.
    assert world.call("sqs", "ReceiveMessage", {"QueueUrl": url}) == {}
