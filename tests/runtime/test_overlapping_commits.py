"""Batches on several connections: one is decided while another's commit is on its way, and nobody sees or loses anything by it."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.batch import Job, ServiceUnavailable
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock, wall_now
from interstate.runtime.instance import Instance
from interstate.runtime.work import BatchWork
from interstate.services.operation import Parked
from interstate.services.tables import SERVICES
from interstate.store.ports import Work
from interstate.store.postgres.engine import WRITERS, ClockSequences, PostgresCommit, PostgresStore
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.sqs import DEPTH, QUEUES

GATE = 77


class Gate:
    """Commits of a store that wait in the database until they are let go: a disk that takes its time."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(url, autocommit=True)
        self.close()

    def close(self) -> None:
        """Have commits wait."""
        self._connection.execute("SELECT pg_advisory_lock(%s)", (GATE,))

    def open(self) -> None:
        """Let them go."""
        self._connection.execute("SELECT pg_advisory_unlock_all()")

    def end(self) -> None:
        self._connection.close()


class Slow(PostgresStore):
    """Its commits wait at the gate while it is ``gated``; each tells when it is on its way there."""

    gated = False

    def __init__(self, url: str) -> None:
        self._on_their_way: asyncio.Queue[None] = asyncio.Queue()
        super().__init__(url)

    def send_commit(self) -> PostgresCommit | None:
        """As ever: the gate is closed, so it stays on its way."""
        commit = super().send_commit()
        if self.gated:
            self._on_their_way.put_nowait(None)
        return commit

    async def holds(self) -> None:
        """Wait until one more is on its way."""
        await self._on_their_way.get()

    @property
    def _fence(self) -> Any:
        if not self.gated:
            return super()._fence
        number, epoch = super()._fence[1]
        return f"SELECT fence($1, $2), pg_advisory_xact_lock_shared({GATE})", (number, epoch)


def play(act: Callable[[Instance, Slow, Gate], Awaitable[None]]) -> None:
    url = fresh_database()
    store = Slow(url)
    gate = Gate(url)

    async def run() -> None:
        clock = BusinessClock("real", wall_now())
        instance = Instance(store, Catalog(SERVICES), clock, b"seed" * 8, ClockSequences(store))
        await instance.start()
        try:
            await asyncio.wait_for(act(instance, store, gate), 60)
        finally:
            gate.open()
            await instance.stop()
            gate.end()

    asyncio.run(run())


def put(name: str, value: str, work: BatchWork) -> str:
    work.put(SETTINGS, Setting(name, value))
    return name


def value(name: str, work: BatchWork) -> str | None:
    found = work.get(SETTINGS, name)
    return None if found is None else found.value


async def begin(instance: Instance, function: Callable[[BatchWork], Any]) -> "asyncio.Task[Any]":
    async def run() -> Any:
        return await instance.run(function)

    task = asyncio.ensure_future(run())
    await asyncio.sleep(0)
    return task


async def gated(
    instance: Instance, store: Slow, gate: Gate, function: Callable[[BatchWork], Any]
) -> "asyncio.Task[Any]":
    """A call whose commit waits."""
    store.gated = True
    task = await begin(instance, function)
    await store.holds()
    store.gated = False
    return task


def test_a_batch_is_decided_and_answered_while_the_commit_of_another_is_on_its_way() -> None:
    async def act(instance: Instance, store: Slow, gate: Gate) -> None:
        first = await gated(instance, store, gate, partial(put, "a", "1"))
        assert await instance.run(partial(put, "b", "2")) == "b"
        assert not first.done(), "nobody is answered before his own commit"
        assert await instance.run(partial(value, "a")) is None, "what is not committed is seen by nobody"
        gate.open()
        assert await first == "a"
        assert await instance.run(partial(value, "a")) == "1"
        assert len(store._writers) == WRITERS

    play(act)


def test_who_needs_what_another_batch_has_locked_waits_for_its_commit_in_the_database() -> None:
    """No update is lost: the second one counts on from what the first one wrote."""

    def count(work: BatchWork) -> int:
        found = work.get(SETTINGS, "n")
        number = 0 if found is None else int(found.value)
        work.put(SETTINGS, Setting("n", str(number + 1)))
        return number + 1

    async def act(instance: Instance, _store: Slow, _gate: Gate) -> None:
        told = await asyncio.gather(*[instance.run(count) for _ in range(300)])
        assert sorted(told) == list(range(1, 301))
        assert await instance.run(partial(value, "n")) == "300"

    play(act)


async def call(instance: Instance, operation: str, **request: Any) -> Any:
    return await instance.execute("sqs", operation, request, Caller())


def test_what_two_connections_count_adds_up() -> None:
    """Rows that are a node's own are one for each of its connections."""

    async def act(instance: Instance, store: Slow, gate: Gate) -> None:
        url = (await call(instance, "CreateQueue", QueueName="q"))["QueueUrl"]
        for _ in range(3):
            store.gated = True
            slow = asyncio.ensure_future(call(instance, "SendMessage", QueueUrl=url, MessageBody="slow"))
            await store.holds()
            store.gated = False
            await call(instance, "SendMessage", QueueUrl=url, MessageBody="quick")
            gate.open()
            await slow
            gate.close()
        gate.open()
        attributes = await call(
            instance, "GetQueueAttributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        assert attributes["Attributes"] == {"ApproximateNumberOfMessages": "6"}

    play(act)


def test_who_looked_before_a_commit_and_parks_after_it_is_not_forgotten() -> None:
    """A reader finds nothing, its own commit is slow, and the message comes meanwhile: it looks once more instead of waiting."""

    async def act(instance: Instance, store: Slow, gate: Gate) -> None:
        def look(work: BatchWork) -> Any:
            work.put(SETTINGS, Setting("looked", "1"))
            return Parked("key", 30.0, again)

        def again(work: Work, last: bool) -> Any:
            found = work.get(SETTINGS, "message")
            return "last" if last else None if found is None else found.value

        def send(work: BatchWork) -> None:
            work.put(SETTINGS, Setting("message", "hello"))
            work.wake("key", one=True)

        reader = await gated(instance, store, gate, look)
        await instance.run(send)
        gate.open()
        assert await asyncio.wait_for(reader, 20) == "hello"

    play(act)


def test_a_commit_that_is_refused_is_not_counted_on_by_the_next_batch() -> None:
    """Its connection is ended before its commit: the call is told so, and what was known of the node's own rows is read again."""

    async def act(instance: Instance, store: Slow, gate: Gate) -> None:
        url = (await call(instance, "CreateQueue", QueueName="q"))["QueueUrl"]
        await call(instance, "SendMessage", QueueUrl=url, MessageBody="one")
        store.gated = True
        lost = asyncio.ensure_future(call(instance, "SendMessage", QueueUrl=url, MessageBody="two"))
        await store.holds()
        store.gated = False
        flying = next(writer for writer in store._writers if writer.flies)
        with psycopg.connect(store.url, autocommit=True) as other:
            other.execute("SELECT pg_terminate_backend(%s)", (flying.line.connection.info.backend_pid,))
        with pytest.raises(ServiceError) as refused:
            await lost
        assert isinstance(refused.value, ServiceUnavailable)
        gate.open()
        await _until_it_takes(instance, url)
        answer = await call(
            instance, "GetQueueAttributes", QueueUrl=url, AttributeNames=["ApproximateNumberOfMessages"]
        )
        assert answer["Attributes"] == {"ApproximateNumberOfMessages": "2"}

    play(act)


async def _until_it_takes(instance: Instance, url: str) -> None:
    while True:
        try:
            await call(instance, "SendMessage", QueueUrl=url, MessageBody="three")
        except ServiceUnavailable:
            await asyncio.sleep(0)  # The others of the loop find the connection lost, and a new one.
        else:
            return


def test_the_receives_of_a_batch_share_one_look() -> None:
    """Eight receives of ten are decided together: no message is given out twice, and none waits for a round trip of its own."""

    async def act(instance: Instance, store: Slow, gate: Gate) -> None:
        url = (await call(instance, "CreateQueue", QueueName="q"))["QueueUrl"]
        for _ in range(9):
            entries = [{"Id": str(number), "MessageBody": "x"} for number in range(10)]
            await call(instance, "SendMessageBatch", QueueUrl=url, Entries=entries)
        del gate
        row = instance.catalog.operation("sqs", "ReceiveMessage")
        typed = instance.catalog.request(
            "sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10}, checked=True
        )
        assert row.keys is not None
        keys = list(row.keys(typed, Caller()))
        jobs = [Job(lambda work: row.handle(typed, work), print, bytes([n]) * 16, Caller(), keys) for n in range(7)]
        before = store.line.round_trips
        instance.batches.decide(jobs, instance.clock.now(), 0, 60.0)
        asked = store.line.round_trips - before
        store.commit()
        answers = [job.outcome for job in jobs]
        ids = [message["MessageId"] for answer in answers for message in answer["Messages"]]
        assert len(ids) == len(set(ids)) == 70
        assert asked <= 6
        assert await instance.run(lambda work: work.scalar(DEPTH, queue=_queue_id(work))) == 90

    play(act)


def _queue_id(work: BatchWork) -> int:
    queue = work.get(QUEUES, "arn:aws:sqs:us-east-1:000000000000:q")
    assert queue is not None
    return queue.id
