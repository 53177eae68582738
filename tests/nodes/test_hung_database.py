"""A database that takes connections and questions, and answers nothing: no node stands still with it, and each goes on when it does."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import boto3
import psycopg
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from tests.nodes.postgres_proxy import Proxy
from tests.postgres_server import fresh_database
from tests.server_process import ServerProcess

from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock, wall_now
from interstate.runtime.instance import Instance
from interstate.runtime.nodes import Nodes
from interstate.runtime.work import BatchWork
from interstate.services.tables import SERVICES
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres import engine, line, pipe
from interstate.store.postgres.connecting import TRANSACTION_TIMEOUT_MS
from interstate.store.postgres.engine import LEASE_S, ClockSequences, PostgresStore
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.events import LOG_OF_BUS

Act = Callable[[Instance, PostgresStore, Proxy], Awaitable[None]]


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is answered at once: whatever is asked within a batch is put aside."""
    monkeypatch.setattr(engine, "PATIENCE_S", 0.01)


def play(act: Act) -> None:
    with Proxy(fresh_database()) as proxy:
        store = PostgresStore(f"{proxy.url}?sslmode=disable")

        async def run() -> None:
            clock = BusinessClock("real", wall_now())
            instance = Instance(store, Catalog(SERVICES), clock, b"seed" * 8, ClockSequences(store))
            await instance.start()
            store.does_not_wait()
            try:
                await asyncio.wait_for(act(instance, store, proxy), 120)
            finally:
                proxy.speak()
                await instance.stop()

        asyncio.run(run())


def keep(name: str, work: BatchWork) -> int:
    """Reads what nobody told beforehand, and writes."""
    found = work.get(SETTINGS, name)
    times = 1 if found is None else int(found.value) + 1
    work.put(SETTINGS, Setting(name, str(times)))
    return times


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 the store tells nobody
        await asyncio.sleep(0.005)


def begin(instance: Instance, name: str) -> "asyncio.Task[Any]":
    async def run() -> Any:
        return await instance.run(lambda work: keep(name, work))

    return asyncio.ensure_future(run())


def test_bounds_lie_between_what_the_database_ends_itself_and_a_frozen_machine() -> None:
    assert TRANSACTION_TIMEOUT_MS / 1000 < pipe.SILENCE_S_MAX < 10
    assert engine.READERS + engine.WRITERS < 10  # All of them may fall silent one after another.
    assert pipe.CONNECT_TIMEOUT_S < LEASE_S


def test_the_loop_goes_on_while_a_batch_waits_for_an_answer_and_the_batch_goes_on_after_it() -> None:
    async def act(instance: Instance, _store: PostgresStore, proxy: Proxy) -> None:
        proxy.fall_silent()
        call = begin(instance, "a")
        await until(lambda: bool(instance.commits._aside))  # The loop runs, or nobody would see it.
        others = [begin(instance, "a") for _ in range(3)]
        await asyncio.sleep(0)
        assert not any(task.done() for task in (call, *others))
        proxy.speak()
        assert sorted(await asyncio.gather(call, *others)) == [1, 2, 3, 4]

    play(act)


def test_a_silence_without_end_is_told_and_its_calls_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(instance: Instance, store: PostgresStore, proxy: Proxy) -> None:
        assert await begin(instance, "a") == 1
        monkeypatch.setattr(pipe, "SILENCE_S_MAX", 0.05)
        monkeypatch.setattr(pipe, "CONNECT_TIMEOUT_S", 2)
        proxy.fall_silent()
        call = begin(instance, "a")

        def ended() -> bool:
            store.break_silence()  # As a node does each second.
            return call.done()

        await until(ended)
        with pytest.raises(ServiceUnavailable):
            call.result()
        with pytest.raises(ServiceUnavailable):  # At once: somebody else tries to connect.
            await begin(instance, "b")
        monkeypatch.undo()
        proxy.cut()
        proxy.speak()
        answer = None
        while answer is None:
            try:
                answer = await begin(instance, "a")
            except ServiceUnavailable:
                await asyncio.sleep(0.01)
        assert answer == 2

    play(act)


def test_a_commit_that_is_not_answered_is_given_up_and_its_call_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def act(instance: Instance, store: PostgresStore, proxy: Proxy) -> None:
        send = PostgresStore.send_commit

        def sent(self: PostgresStore) -> Any:
            proxy.fall_silent()
            return send(self)

        monkeypatch.setattr(PostgresStore, "send_commit", sent)
        call = begin(instance, "a")
        await until(lambda: bool(instance.commits._flying))
        monkeypatch.setattr(pipe, "SILENCE_S_MAX", 0.05)

        def ended() -> bool:
            store.break_silence()
            return call.done()

        await until(ended)
        with pytest.raises(ServiceUnavailable):
            call.result()

    play(act)


def test_a_silence_that_nobody_watches_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is awaited on the loop after all (a rollback, a clock) has its bound in the wait itself."""
    monkeypatch.setattr(pipe, "_SILENCE_MS", 50)
    monkeypatch.setattr(line, "_PATIENCE_MS", 50)
    with Proxy(fresh_database()) as proxy:
        store = PostgresStore(f"{proxy.url}?sslmode=disable")
        store.begin()
        proxy.fall_silent()
        with pytest.raises(StoreUnavailable, match="has not answered"):
            store.line.open()
        assert not store.line.usable
        store.rollback()
        proxy.cut()
        store.close()


def test_reading_that_goes_on_by_itself_does_not_hold_the_loop() -> None:
    async def act(instance: Instance, store: PostgresStore, proxy: Proxy) -> None:
        def follow(work: BatchWork) -> int:
            return len(work.select(LOG_OF_BUS, limit=10, bus="b", after=0))

        del store
        proxy.fall_silent()
        assert instance._turns is not None
        turns = instance._turns
        call = asyncio.ensure_future(instance.read(follow))
        await until(lambda: any(turn._aside is not None for turn in turns._running))
        proxy.speak()
        assert await call == 0

    play(act)


def test_who_waits_on_a_connection_that_is_given_up_is_told() -> None:
    """Closed under his eyes he would wait for ever, and so would who gets a socket of the same number."""
    store = PostgresStore(fresh_database())
    instance: Any = SimpleNamespace(due=SimpleNamespace(left_work=None))

    async def run() -> None:
        mine = Nodes(instance, store, "here")
        teller = await mine._telling()
        telling = asyncio.ensure_future(teller.execute("SELECT pg_sleep(600)"))
        await until(teller.lock.locked)
        await mine._drop()
        with pytest.raises(psycopg.OperationalError):
            await telling
        assert teller.closed

    asyncio.run(run())
    store.close()


def test_what_a_lost_connection_was_sent_is_over_when_a_node_is_back() -> None:
    """What it would still commit has nobody to perform it: the node has looked by then what is under way."""
    url = fresh_database()
    store = PostgresStore(url)
    lost = [writer.backend for writer in store._writers]
    store.line.pipe.send([("SELECT pg_sleep(600)", ())])
    store.line.broken = True
    store.begin()
    with psycopg.connect(url) as other:
        found = other.execute("SELECT pid FROM pg_stat_activity WHERE pid = ANY(%s)", (lost,)).fetchall()
    assert not found
    store.rollback()
    store.close()


# A server ----------------------------------------------------------------------------------------------------------------


def client(node: ServerProcess, attempts: int) -> Any:
    """A client that tries so often."""
    return boto3.client(
        "sqs",
        endpoint_url=node.url,
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="s",
        config=Config(retries={"total_max_attempts": attempts, "mode": "standard"}),
    )


@pytest.mark.server
def test_a_node_tells_of_a_hung_database_and_answers_what_clients_try_again(tmp_path: Any) -> None:
    with Proxy(fresh_database()) as proxy:
        node = ServerProcess(tmp_path / "data", "--database", f"{proxy.url}?sslmode=disable")
        node.start()
        try:
            sqs = client(node, attempts=1)
            queue = sqs.create_queue(QueueName="q")["QueueUrl"]
            sqs.send_message(QueueUrl=queue, MessageBody="before")
            proxy.fall_silent()
            refused: list[ClientError] = []

            def send() -> None:
                with pytest.raises(ClientError) as error:
                    sqs.send_message(QueueUrl=queue, MessageBody="during")
                refused.append(error.value)

            sending = threading.Thread(target=send)
            sending.start()
            while "store" not in (told := node.control("GET", "health", timeout_s=60)):
                pass
            assert told["status"] == "store unavailable"
            sending.join()
            assert refused[0].response["ResponseMetadata"]["HTTPStatusCode"] == 503
            with pytest.raises(ClientError, match="cannot use its database now"):
                sqs.receive_message(QueueUrl=queue)
            proxy.speak()
            often = client(node, attempts=20)
            often.send_message(QueueUrl=queue, MessageBody="after")
            while "store" in node.control("GET", "health", timeout_s=60):
                pass
            found: list[str] = []
            while messages := often.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages"):
                found += [message["Body"] for message in messages]
            assert {"before", "after"} <= set(found)
        finally:
            node.kill()


def test_who_was_cut_off_himself_does_not_take_others_for_dead() -> None:
    store = PostgresStore(fresh_database())
    instance: Any = SimpleNamespace(due=SimpleNamespace(left_work=None))
    mine = Nodes(instance, store, "here")
    renewed = mine._renewed_at
    mine._judge_again(renewed)
    assert mine._judges_at == 0.0
    mine._judges_at = float("inf")  # A renewal failed.
    mine._renewed_at = renewed + LEASE_S / 2
    mine._judge_again(renewed)
    assert mine._judges_at == 0.0
    mine._judges_at = float("inf")
    mine._renewed_at = renewed + LEASE_S * 2
    mine._judge_again(renewed)
    assert mine._judges_at == mine._renewed_at + LEASE_S
    store.close()
