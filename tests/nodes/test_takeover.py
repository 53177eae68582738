"""Who takes a dead node's work over leaves none of it behind, not even what the dead one's connection still holds."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
from tests.postgres_server import fresh_database

from interstate.runtime.metrics import Metrics
from interstate.runtime.nodes import Nodes
from interstate.runtime.testing import START
from interstate.store.postgres.engine import PostgresStore

DUE = "INSERT INTO due (id, lane, due_at, pulls, kind, tries, body) VALUES (%s, %s, 0, 1, 'sqs.sweep', 0, '{}')"


def life(store: PostgresStore) -> Nodes:
    instance: Any = SimpleNamespace(
        due=SimpleNamespace(look=lambda: None, came_back=lambda: None, in_flight=0),
        clock=SimpleNamespace(skew=timedelta(), now=lambda: START),
        batches=SimpleNamespace(metrics=Metrics()),
        faults_elsewhere=lambda _saved: None,
        parking=SimpleNamespace(look_again=lambda: None),
    )
    return Nodes(instance, store, "here")


def test_a_row_that_a_dead_node_still_holds_is_taken_over_as_soon_as_it_is_free() -> None:
    url = fresh_database()
    alive, dead = PostgresStore(url), PostgresStore(url)
    with psycopg.connect(url, autocommit=True) as other, psycopg.connect(url) as holds:
        for number in (1, 2):
            other.execute(DUE, (number, dead.lane_base))
        other.execute("UPDATE nodes SET lease_until = 0 WHERE number = %s", (dead.number,))
        holds.execute("SELECT 1 FROM due WHERE id = 2 FOR UPDATE")

        async def look_twice() -> None:
            mine = life(alive)
            await mine._renew()
            assert lanes(other) == {1: alive.lane_base, 2: dead.lane_base}
            holds.rollback()
            await mine._renew()
            await mine._drop()

        asyncio.run(look_twice())
        assert lanes(other) == {1: alive.lane_base, 2: alive.lane_base}
        assert other.execute("SELECT number FROM nodes").fetchall() == [(alive.number,)]
    dead._let_go()
    alive.close()


def lanes(connection: psycopg.Connection[Any]) -> dict[int, int]:
    """The lane of each due row."""
    return dict(connection.execute("SELECT id, lane FROM due WHERE id < 10").fetchall())


def test_a_node_whose_batch_takes_long_is_not_declared_dead() -> None:
    """The loop does not renew while it decides; but who asks the database lives."""
    url = fresh_database()
    store = PostgresStore(url)
    with psycopg.connect(url, autocommit=True) as other:
        store.begin()
        store.line.open()
        other.execute("UPDATE nodes SET lease_until = 0")
        store.line.ask(())
        assert other.execute("SELECT lease_until FROM nodes").fetchall() == [(0,)]
        store.line._prolongs_at = 0.0  # A while later.
        store.line.ask(())
        assert other.execute("SELECT lease_until > micros_now() FROM nodes").fetchall() == [(True,)]
    store.rollback()
    store.close()


def test_a_node_that_was_declared_dead_does_not_come_to_life_by_a_long_batch() -> None:
    url = fresh_database()
    store = PostgresStore(url)
    with psycopg.connect(url, autocommit=True) as other:
        store.begin()
        store.line.open()
        other.execute("UPDATE nodes SET lease_until = 0, epoch = epoch + 1")  # Somebody takes it over.
        store.line._prolongs_at = 0.0
        store.line.ask(())
        assert other.execute("SELECT lease_until FROM nodes").fetchall() == [(0,)]
    store.rollback()
    store.close()
