"""Calls that only read, where others write, too: they share snapshots, and never see less than was told before they began."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.catalog import Catalog
from interstate.runtime.clock import BusinessClock
from interstate.runtime.instance import Instance
from interstate.runtime.read_turns import TURN_CALLS_MAX, Reading
from interstate.runtime.work import BatchWork
from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.engine import READERS, ClockSequences, PostgresStore
from interstate.store.records.due import DUE, SETTINGS, Setting
from interstate.store.tables import Key, Scalar, Select

NOW = datetime(2026, 1, 1, tzinfo=UTC)
_NAMED = Select(SETTINGS, "name >= :first", "name")
_COUNT = Scalar("SELECT count(*) FROM settings WHERE name LIKE 'x%'", (SETTINGS,))
_ABSURD = Scalar("SELECT 1 / :zero", (SETTINGS,))
_DUE = Select(DUE, "id > :after", "id", follows=True)


def play(act: Callable[[Instance, PostgresStore], Awaitable[None]]) -> None:
    store = PostgresStore(fresh_database())

    async def run() -> None:
        instance = Instance(store, Catalog(()), BusinessClock("frozen", NOW), b"seed" * 8, ClockSequences(store))
        await instance.start()
        for number in range(5):
            await instance.run(partial(_put, Setting(f"x{number}", str(number))))
        try:
            await asyncio.wait_for(act(instance, store), 60)
        finally:
            await instance.stop()

    asyncio.run(run())


def _put(setting: Setting, work: BatchWork) -> None:
    work.put(SETTINGS, setting)


def trips(store: PostgresStore) -> int:
    return sum(snapshot.line.round_trips for snapshot in store.snapshots)


def value(name: str) -> Callable[[BatchWork], str]:
    def read(work: BatchWork) -> str:
        found = work.get(SETTINGS, name)
        return "" if found is None else found.value

    return read


async def read(instance: Instance, function: Callable[[BatchWork], Any], keys: Sequence[Key] = ()) -> Any:
    coming: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def done(answer: Any, error: Exception | None) -> None:
        if error is None:
            coming.set_result(answer)
        else:
            coming.set_exception(error)

    assert instance._turns is not None
    instance._turns.begin(Reading(function, done, Caller(), NOW, keys))
    return await coming


def test_calls_that_tell_their_rows_are_one_round_trip_together() -> None:
    async def act(instance: Instance, store: PostgresStore) -> None:
        before = trips(store)
        told = [read(instance, value(f"x{n % 5}"), [Key(SETTINGS, (f"x{n % 5}",))]) for n in range(TURN_CALLS_MAX)]
        assert await asyncio.gather(*told) == [str(n % 5) for n in range(TURN_CALLS_MAX)]
        assert trips(store) - before == 1

    play(act)


def test_looks_that_nobody_told_are_sent_together_and_calls_go_on_where_they_asked() -> None:
    begun: list[int] = []

    def depends(number: int) -> Callable[[BatchWork], Any]:
        def function(work: BatchWork) -> Any:
            begun.append(number)
            found = work.get(SETTINGS, f"x{number}")
            assert found is not None
            rest = work.select(_NAMED, limit=9, first=found.name)
            return found.value, [one.value for one in rest if one.name.startswith("x")], work.scalar(_COUNT)

        return function

    async def act(instance: Instance, store: PostgresStore) -> None:
        before = trips(store)
        found = await asyncio.gather(*[read(instance, depends(n)) for n in range(5)])
        assert found == [(str(n), [str(k) for k in range(n, 5)], 5) for n in range(5)]
        assert trips(store) - before == 3  # The rows, the ranges, the numbers.
        assert len(begun) == 4 * 5

    play(act)


def test_a_call_that_begins_after_an_answer_sees_what_it_told() -> None:
    async def act(instance: Instance, _: PostgresStore) -> None:
        async def rise(name: str) -> None:
            for number in range(30):
                await instance.run(partial(_put, Setting(name, str(number))))
                assert await read(instance, value(name), [Key(SETTINGS, (name,))]) == str(number)
                assert await read(instance, value(name)) == str(number)

        await asyncio.gather(*[rise(f"y{n}") for n in range(8)])

    play(act)


def test_a_call_sees_one_instant_however_often_it_asks() -> None:
    """Two rows that are always written together are never seen apart."""

    def both(work: BatchWork) -> tuple[str, str]:
        return value("x0")(work), value("x1")(work)

    async def act(instance: Instance, store: PostgresStore) -> None:
        with psycopg.connect(store.url, autocommit=True) as other:
            other.execute("UPDATE settings SET value = '0' WHERE name IN ('x0', 'x1')")

            async def change() -> None:
                for number in range(1, 60):
                    other.execute("UPDATE settings SET value = %s WHERE name IN ('x0', 'x1')", (str(number),))
                    await asyncio.sleep(0)

            async def look() -> None:
                while not changing.done():
                    first, second = await read(instance, both)
                    assert first == second

            changing = asyncio.ensure_future(change())
            await asyncio.gather(changing, *[look() for _ in range(READERS + 2)])

    play(act)


def test_a_refusal_is_its_own_call_s() -> None:
    def refuse(work: BatchWork) -> None:
        value("x1")(work)
        raise ServiceError("no")

    def fail(_: BatchWork) -> None:
        raise ValueError

    async def act(instance: Instance, _: PostgresStore) -> None:
        found = await asyncio.gather(
            read(instance, refuse), read(instance, fail), read(instance, value("x2")), return_exceptions=True
        )
        assert isinstance(found[0], ServiceError)
        assert isinstance(found[1], ValueError)
        assert found[2] == "2"

    play(act)


def test_what_the_database_refuses_fails_only_who_asked_for_it() -> None:
    async def act(instance: Instance, _: PostgresStore) -> None:
        absurd = read(instance, lambda work: work.scalar(_ABSURD, zero=0))
        others = [read(instance, value(f"x{n}")) for n in range(3)]
        found = await asyncio.gather(absurd, *others, return_exceptions=True)
        assert isinstance(found[0], psycopg.errors.DivisionByZero)
        assert found[1:] == ["0", "1", "2"]

    play(act)


def test_who_asks_again_and_again_goes_on_by_itself() -> None:
    async def act(instance: Instance, _: PostgresStore) -> None:
        def chain(work: BatchWork) -> list[str]:
            return [value(f"x{n % 5}")(work) for n in range(9)]

        assert await read(instance, chain) == [str(n % 5) for n in range(9)]
        assert await read(instance, lambda work: work.select(_DUE, limit=5, after=0)) == []
        assert await read(instance, lambda work: work.horizon() > 0)

    play(act)


def test_a_connection_that_is_lost_fails_its_turn_and_is_replaced() -> None:
    async def act(instance: Instance, store: PostgresStore) -> None:
        with psycopg.connect(store.url, autocommit=True) as other:
            for snapshot in store.snapshots:
                pid = snapshot.line.connection.info.backend_pid
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
        found = await asyncio.gather(*[read(instance, value("x1")) for _ in range(3)], return_exceptions=True)
        assert all(isinstance(one, StoreUnavailable) for one in found)
        for _ in range(READERS):
            last = await asyncio.gather(read(instance, value("x1")), return_exceptions=True)
        assert list(last) == ["1"]
        await instance.run(lambda work: work.put(SETTINGS, Setting("x1", "new")))
        assert await read(instance, value("x1")) == "new"

    play(act)


def test_more_calls_than_connections_are_all_answered() -> None:
    async def act(instance: Instance, store: PostgresStore) -> None:
        async def often(number: int) -> None:
            for _ in range(20):
                assert await read(instance, value(f"x{number % 5}")) == str(number % 5)

        before = trips(store)
        await asyncio.gather(*[often(number) for number in range(40)])
        assert trips(store) - before < 400  # Of 800 calls.

    play(act)


def test_reading_writes_nothing(caplog: pytest.LogCaptureFixture) -> None:
    async def act(instance: Instance, _: PostgresStore) -> None:
        with pytest.raises(AssertionError):
            await read(instance, lambda work: work.put(SETTINGS, Setting("x1", "z")))
        assert await read(instance, value("x1")) == "1"

    play(act)
    assert not caplog.records
