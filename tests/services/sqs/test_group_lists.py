"""The lists of FIFO groups: longer than one list, with holes, beside others; and stores from before there were any."""

import sqlite3
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from tests.services.sqs.conftest import POLLS, Queues

from interstate.runtime.testing import World
from interstate.services.sqs import SERVICE, groups, upkeep
from interstate.services.sqs.stored import add
from interstate.store.records.sqs import (
    DEDUPLICATIONS,
    GROUPS,
    MESSAGES,
    OF_QUEUE,
    PARTS_UP_TO,
    QUEUES,
    Group,
    GroupPart,
)
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.sqlite.migrate import migrations, statements
from interstate.store.tables import Scalar, Select

F = "q.fifo"
ARN = f"arn:aws:sqs:us-east-1:000000000000:{F}"
LONG = 100
EVERY_GROUP = Select(GROUPS, "queue_id = :queue", "ready_at, head")


@pytest.fixture
def fifo(queues: Queues) -> Queues:
    queues.create(F, ContentBasedDeduplication="true")
    return queues


@pytest.fixture(autouse=True)
def short_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that begins has short numbers."""
    monkeypatch.setattr(groups, "LIST_FULL", 60)


def fill(fifo: Queues, count: int, group: str = "g") -> list[str]:
    bodies = [f"{group}-{number:04}" for number in range(count)]
    for body in bodies:
        fifo.send(body, F, MessageGroupId=group)
    return bodies


def lists(fifo: Queues) -> tuple[list[Group], list[GroupPart]]:
    """The groups, and the parts of their lists."""

    queue = fifo.number(F)

    def read(work: Any) -> tuple[list[Group], list[GroupPart]]:
        return work.select(EVERY_GROUP, limit=100, queue=queue), work.select(
            PARTS_UP_TO, limit=1000, queue=queue, last=2**62
        )

    found: tuple[list[Group], list[GroupPart]] = fifo.world.run(read)
    return found


def empty_it(fifo: Queues, limit: int = 10) -> list[str]:
    found: list[str] = []
    while messages := fifo.receive(F, limit):
        found += [message["Body"] for message in messages]
        for message in messages:
            fifo.delete(message, F)
    return found


@pytest.mark.parametrize("limit", [1, 7, 10])
def test_a_group_that_is_longer_than_one_list_is_received_in_order_and_leaves_nothing(fifo: Queues, limit: int) -> None:
    bodies = fill(fifo, LONG)
    assert len(lists(fifo)[1]) > 3
    assert empty_it(fifo, limit) == bodies
    assert lists(fifo) == ([], [])


def test_a_group_whose_last_message_is_deleted_is_gone_at_once(fifo: Queues) -> None:
    fill(fifo, 1)
    (message,) = fifo.receive(F)
    fifo.delete(message, F)
    assert lists(fifo) == ([], [])


def test_one_message_that_is_never_deleted_does_not_gather_a_list_of_what_is_gone(fifo: Queues) -> None:
    bodies = fill(fifo, LONG)
    handled: list[str] = []
    for _ in range(LONG):
        first, *rest = fifo.receive(F)
        assert first["Body"] == bodies[0]
        for message in rest:
            handled.append(message["Body"])
            fifo.delete(message, F)
        fifo.world.advance(timedelta(seconds=30))
    assert handled == bodies[1:]
    assert fifo.bodies(F) == [bodies[0]]
    ((group,), parts) = lists(fifo)
    assert len([group.waiting, *parts]) <= 2
    assert sum(len(part.numbers.split()) for part in parts) + len(group.waiting.split()) <= 30


def test_a_purge_takes_the_lists_along(fifo: Queues) -> None:
    fill(fifo, LONG)
    fifo.call("PurgeQueue", F)
    fifo.world.run_due()
    assert lists(fifo)[1] == []
    fifo.send("new", F, MessageGroupId="g")
    assert fifo.bodies(F) == ["new"]


def test_what_grew_too_old_takes_the_lists_along_though_nobody_claims(fifo: Queues) -> None:
    fill(fifo, LONG)
    fifo.world.advance(timedelta(days=4, hours=2))
    assert fifo.counts(F) == [0, 0, 0]
    assert lists(fifo)[1] == []
    fifo.send("new", F, MessageGroupId="g")
    assert fifo.bodies(F) == ["new"]


def test_a_list_with_one_message_that_is_left_stays(fifo: Queues) -> None:
    bodies = fill(fifo, LONG)
    queue = fifo.number(F)

    def lose_all_but_one(work: Any) -> None:
        page = work.select(OF_QUEUE, limit=LONG, queue=queue)
        for message in page:
            if message.body != bodies[3]:
                work.delete(MESSAGES, message.id)
        groups.drop_parts(queue, page[-1].id, 100, work)

    fifo.world.run(lose_all_but_one)
    assert len(lists(fifo)[1]) == 1
    assert fifo.bodies(F) == [bodies[3]]


def test_a_claim_that_walks_through_many_empty_lists_goes_on(fifo: Queues, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(groups, "PARTS_MAX", 2)
    monkeypatch.setattr(groups, "LIST_FULL", 8)
    bodies = fill(fifo, 16)
    queue = fifo.number(F)

    def lose_most(work: Any) -> None:
        for message in work.select(OF_QUEUE, limit=14, queue=queue):
            work.delete(MESSAGES, message.id)

    fifo.world.run(lose_most)
    assert fifo.bodies(F) == bodies[14:]


def test_a_deleted_queue_leaves_no_lists(fifo: Queues) -> None:
    fill(fifo, LONG)
    queue = fifo.number(F)
    fifo.call("DeleteQueue", F)
    fifo.world.run_due()
    assert fifo.world.run(lambda work: work.select(PARTS_UP_TO, limit=10, queue=queue, last=2**62)) == []


@settings(max_examples=30, deadline=None)
@given(order=st.permutations(range(9)))
def test_messages_that_are_committed_out_of_their_order_are_received_in_it(order: list[int]) -> None:
    """Two nodes draw numbers and commit as they come."""
    groups.LIST_FULL = 8
    fifo = Queues(World((SERVICE, POLLS)))
    fifo.create(F, ContentBasedDeduplication="true")
    bodies = fill(fifo, 9)
    queue = fifo.number(F)

    def again(work: Any) -> None:
        found = work.select(OF_QUEUE, limit=10, queue=queue)
        upkeep.drop(upkeep.Drop(queue, found[-1].id), work)
        work.delete(GROUPS, queue, "g")
        for at in order:
            add(work.get(QUEUES, ARN), found[at], work)

    fifo.world.run(again)
    assert empty_it(fifo, 4) == bodies
    assert lists(fifo) == ([], [])
    fifo.world.close()


class Machine(RuleBasedStateMachine):
    """One group against a plain list: messages, when each is visible, and who has it in hand."""

    def __init__(self) -> None:
        super().__init__()
        self.fifo = Queues(World((SERVICE, POLLS)))
        self.fifo.create(F, ContentBasedDeduplication="true")
        self.full, groups.LIST_FULL = groups.LIST_FULL, 8
        self.count = 0
        self.waiting: list[list[Any]] = []  # Body, seconds until it is visible, handle.

    @rule(count=st.integers(1, 7))
    def send(self, count: int) -> None:
        for _ in range(count):
            body = f"m{self.count}"
            self.count += 1
            self.fifo.send(body, F, MessageGroupId="g")
            self.waiting.append([body, 0, None])

    @rule(limit=st.integers(1, 10), timeout=st.sampled_from([1, 5]))
    def receive(self, limit: int, timeout: int) -> None:
        expected = []
        for message in self.waiting[:limit]:
            if message[1] > 0:
                break
            expected.append(message)
        found = self.fifo.receive(F, limit, VisibilityTimeout=timeout)
        assert [message["Body"] for message in found] == [body for body, *_ in expected]
        for message, one in zip(found, expected, strict=True):
            one[1:] = [timeout, message]

    @precondition(lambda self: any(left > 0 for _, left, _ in self.waiting))
    @rule(data=st.data())
    def delete(self, data: Any) -> None:
        held = [message for message in self.waiting if message[1] > 0]
        for message in data.draw(st.lists(st.sampled_from(held), unique_by=lambda one: one[0], min_size=1)):
            self.fifo.delete(message[2], F)
            self.waiting.remove(message)

    @precondition(lambda self: any(left > 0 for _, left, _ in self.waiting))
    @rule(data=st.data(), timeout=st.sampled_from([0, 3]))
    def change(self, data: Any, timeout: int) -> None:
        message = data.draw(st.sampled_from([one for one in self.waiting if one[1] > 0]))
        self.fifo.call(
            "ChangeMessageVisibility", F, ReceiptHandle=message[2]["ReceiptHandle"], VisibilityTimeout=timeout
        )
        message[1] = timeout

    @rule(seconds=st.integers(1, 5))
    def wait(self, seconds: int) -> None:
        self.fifo.world.advance(timedelta(seconds=seconds))
        for message in self.waiting:
            message[1] = max(0, message[1] - seconds)

    @invariant()
    def every_message_stands_in_a_list_once(self) -> None:
        found, parts = lists(self.fifo)
        numbers = [number for part in parts for number in part.numbers.split()]
        numbers += [number for group in found for number in group.waiting.split()]
        assert len(numbers) == len(set(numbers))
        queue = self.fifo.number(F)
        there = self.fifo.world.run(lambda work: work.select(OF_QUEUE, limit=1000, queue=queue))
        assert {str(message.id) for message in there} <= set(numbers)

    def teardown(self) -> None:
        groups.LIST_FULL = self.full
        self.fifo.world.close()


TestMachine = Machine.TestCase
TestMachine.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)


def test_a_store_from_before_lists_keeps_its_messages_their_order_and_its_ids(tmp_path: Any) -> None:
    """Carried over: groups, messages in flight, deduplication."""
    before = {"0270_group_lists.sql", "0271_deduplications_by_id.sql", "0350_deduplication_calls.sql"}
    fifo = Queues(World((SERVICE, POLLS), directory=tmp_path))
    if not isinstance(fifo.world.store, SqliteStore):
        fifo.world.close()
        pytest.skip("about data directories")
    fifo.create(F, ContentBasedDeduplication="true")
    bodies = fill(fifo, 40)
    others = fill(fifo, 2, "h")
    (held,) = fifo.receive(F, 1)
    fifo.world.close()
    _take_back(sqlite3.connect(tmp_path / "interstate.db", isolation_level=None), before)

    fifo = Queues(World((SERVICE, POLLS), directory=tmp_path))
    first = fifo.send(bodies[5], F, MessageGroupId="g")
    assert fifo.counts(F) == [41, 0, 1]
    assert fifo.send("new", F, MessageGroupId="g")["SequenceNumber"] > first["SequenceNumber"]
    assert fifo.bodies(F) == others
    fifo.delete(held, F)
    assert empty_it(fifo) == [*bodies[1:], "new"]
    fifo.world.advance(timedelta(minutes=10))
    ids = Scalar("SELECT count(*) FROM deduplications", (DEDUPLICATIONS,))
    assert fifo.world.run(lambda work: work.scalar(ids)) == 0
    fifo.world.close()


def _take_back(connection: sqlite3.Connection, names: set[str]) -> None:
    """The schema as it was: the tables of the two files as their forerunners made them, with what lay in them."""
    old = sqlite3.connect(":memory:")
    for name, sql in migrations():
        if name not in names:
            for statement in statements(sql):
                old.execute(statement)
    connection.execute("BEGIN")
    for table in ("message_groups", "deduplications"):
        columns = [row[1] for row in old.execute(f"PRAGMA table_info({table})")]
        rows = connection.execute(f"SELECT {', '.join(columns)} FROM {table}").fetchall()
        connection.execute(f"DROP TABLE {table}")
        for (sql,) in old.execute(
            "SELECT sql FROM sqlite_schema WHERE tbl_name = ? AND sql IS NOT NULL ORDER BY type DESC", (table,)
        ):
            connection.execute(sql)
        connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * len(columns))})", rows)
    connection.execute("DROP TABLE message_group_parts")
    connection.execute("DROP TABLE deduplication_calls")
    ((index,),) = old.execute("SELECT sql FROM sqlite_schema WHERE name = 'messages_by_group'").fetchall()
    connection.execute(index)
    connection.executemany("DELETE FROM schema_migrations WHERE name = ?", [(name,) for name in names])
    connection.execute("COMMIT")
    connection.close()
