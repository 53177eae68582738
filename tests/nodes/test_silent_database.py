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
from interstate.store.postgres.engine import LEASE_S, PostgresStore


def test_a_renewal_without_an_answer_is_given_up_and_tried_on_a_new_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    assert nodes.RENEW_S + nodes.RENEW_S_MAX < LEASE_S
    answers = nodes._RENEW
    monkeypatch.setattr(nodes, "RENEW_S", 0.01)
    monkeypatch.setattr(nodes, "RENEW_S_MAX", 1.0)
    url = fresh_database()
    store = PostgresStore(url)
    renewed = asyncio.Event()  # Looking at faults is the last thing that a renewal does.
    instance: Any = SimpleNamespace(
        due=SimpleNamespace(look=lambda: None, came_back=lambda: None),
        clock=SimpleNamespace(skew=timedelta()),
        faults_elsewhere=lambda _saved: renewed.set(),
    )

    async def run() -> None:
        mine = nodes.Nodes(instance, store, "here")
        mine._connection = silent = await mine._open()
        monkeypatch.setattr(nodes, "_RENEW", "SELECT micros_now() FROM pg_sleep(600)")
        begin = time.monotonic()
        with pytest.raises(psycopg.OperationalError):
            await mine._renew_in_time()
        assert time.monotonic() - begin < LEASE_S
        assert silent.closed
        monkeypatch.setattr(nodes, "_RENEW", answers)
        with psycopg.connect(url, autocommit=True) as other:
            other.execute("UPDATE nodes SET lease_until = 0")
            await mine._drop()
            keeping = asyncio.create_task(mine._keep())
            await asyncio.wait_for(renewed.wait(), 10)
            assert other.execute("SELECT lease_until > micros_now() FROM nodes").fetchone() == (True,)
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        await mine._drop()

    asyncio.run(run())
    store.close()
