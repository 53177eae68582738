"""A database that says nothing any more: the lease is renewed on a new connection, well before it ends."""

import asyncio
import time
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database

from interstate.runtime import nodes
from interstate.store.ports import Look
from interstate.store.postgres import connecting, engine
from interstate.store.postgres.engine import LEASE_S, PostgresStore
from interstate.store.postgres.migrate import migrate
from interstate.store.records.due import SETTINGS


def test_a_renewal_without_an_answer_is_given_up_below_the_lease(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nodes.RENEW_S + nodes.RENEW_S_MAX < LEASE_S
    monkeypatch.setattr(nodes, "RENEW_S_MAX", 0.5)
    monkeypatch.setattr(nodes, "_RENEW", "SELECT micros_now() FROM pg_sleep(600)")
    store = PostgresStore(fresh_database())
    due = SimpleNamespace(look=lambda: None, came_back=lambda: None, in_flight=0)
    instance: Any = SimpleNamespace(due=due, clock=SimpleNamespace(skew=timedelta()))

    async def run() -> None:
        mine = nodes.Nodes(instance, store, "here")
        mine._connection = silent = await mine._open()
        with pytest.raises(psycopg.OperationalError):
            await mine._renew_in_time()
        assert silent.closed  # The next renewal takes a new one.
        await mine._drop()

    asyncio.run(run())
    store.close()


def test_who_awaits_an_answer_is_told_also_where_others_connect_anew_meanwhile() -> None:
    """Each commit that a full disk refuses may have the writing connections made anew, while reads are on their way."""
    store = PostgresStore(fresh_database())
    due = SimpleNamespace(look=lambda: None, came_back=lambda: None, in_flight=0)
    instance: Any = SimpleNamespace(due=due, clock=SimpleNamespace(skew=timedelta()))

    async def run() -> None:
        mine = nodes.Nodes(instance, store, "here")
        snapshot = store.snapshot()
        assert snapshot is not None
        come = asyncio.Event()
        asyncio.get_running_loop().add_reader(snapshot.send([Look(SETTINGS, [("faults",)], 0)]), come.set)
        before = [writer.line.connection for writer in store._writers]
        for writer in store._writers:
            writer.line.broken = True
        store.come_back()
        assert not {id(writer.line.connection) for writer in store._writers} & set(map(id, before))
        await asyncio.wait_for(come.wait(), 30)
        assert snapshot.has_come()
        assert snapshot.receive() == [[None]]
        asyncio.get_running_loop().remove_reader(snapshot.line.connection.fileno())
        snapshot.end()
        await mine._drop()

    asyncio.run(run())
    store.close()


def test_a_schema_may_take_longer_to_make_than_a_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a slow machine, or for a large store, migrations outlast every time-out of a node's transactions."""
    for name in ("STATEMENT_TIMEOUT_MS", "LOCK_TIMEOUT_MS", "IDLE_IN_TRANSACTION_MS", "TRANSACTION_TIMEOUT_MS"):
        monkeypatch.setattr(connecting, name, 100)

    slept: list[float] = []

    def slow(connection: psycopg.Connection[Any]) -> None:
        with connection.transaction():
            connection.execute("SELECT pg_sleep(0.2)")
            time.sleep(0.2)
        migrate(connection)
        slept.append(0.4)

    monkeypatch.setattr(engine, "migrate", slow)
    monkeypatch.setattr(engine.PostgresStore, "_open", _refuse)
    url = fresh_database()
    with pytest.raises(psycopg.OperationalError, match="only the schema"):
        engine.PostgresStore(url)
    assert slept


def _refuse(*_: object) -> None:
    raise psycopg.OperationalError("only the schema was wanted")
