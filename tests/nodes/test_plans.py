"""No statement reads a table whole, whatever PostgreSQL believes of its size: plans are made once, often on an empty table."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database, open_worlds_on

from interstate import services
from interstate.runtime.testing import World
from interstate.store import records
from interstate.store.postgres.codec import codec_of
from interstate.store.postgres.connecting import connect, connect_reader
from interstate.store.postgres.engine import PostgresStore
from interstate.store.postgres.plans import Plans
from interstate.store.postgres.translate import query
from interstate.store.tables import Scalar, Select, Table

Statement = tuple[str, str]

SORTED_FEW = {"SOURCES_OF_RESOURCE", "ENDPOINTS_OF_TOKEN", "TARGETS_BY_ARN", "OLD_HISTORY", "OLD_POINTS"}
"""What is sorted has one key (of a resource, a token, a target) or one instant: a few rows, not a range."""


def named() -> Iterator[tuple[str, Any]]:
    """The module-level values of records and services."""
    for package in (records, services):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            yield from vars(importlib.import_module(module.name)).items()


def of_table(table: Table[Any]) -> Iterator[Statement]:
    codec = codec_of(table)
    changed = tuple(at for at in range(len(codec.columns)) if at not in codec.key_at)
    yield f"{table.name}: rows by key", codec.fetch + codec.lock
    yield f"{table.name}: deleted rows", codec.delete
    if changed:
        yield f"{table.name}: changed rows", codec.update(changed)


def of_select(name: str, select: Select[Any]) -> Statement:
    codec = codec_of(select.table)
    text = f"{codec.select} WHERE {select.where} ORDER BY {select.order} LIMIT :limit"
    return f"{select.table.name}: {name}", query(text)[0]


def statements() -> list[Statement]:
    found: dict[str, str] = {}
    for name, value in named():
        if isinstance(value, Table):
            found.update(of_table(value))
        elif isinstance(value, Select):
            found.update([of_select(name, value)])
        elif isinstance(value, Scalar):
            found[name] = query(value.sql)[0]
    return sorted(found.items())


def faults(plan: list[str]) -> Iterator[str]:
    """Lines of a plan that read more than was asked for."""
    for line, following in zip(plan, [*plan[1:], ""], strict=True):
        if any(word in line for word in ("Seq Scan on", "Bitmap", "Hash Join", "Hash Semi Join", "Merge Join")) or (
            "Scan using" in line and "Index Cond" not in following
        ):
            yield line.strip()


def plans(connection: psycopg.Connection[Any]) -> dict[str, list[str]]:
    """By statement, the plan that is kept for it."""
    return {
        name: [line for (line,) in connection.execute(f"EXPLAIN (GENERIC_PLAN, COSTS OFF) {text}".encode())]
        for name, text in statements()
    }


@pytest.fixture(scope="module")
def url() -> str:
    """Of a database on which nobody has run ANALYZE."""
    found = fresh_database("template0")
    PostgresStore(found).close()
    return found


@pytest.mark.parametrize("opened", [connect, connect_reader])
def test_every_statement_goes_by_index_on_tables_that_nobody_has_analyzed(url: str, opened: Any) -> None:
    with opened(url) as connection:
        found = plans(connection)
    assert len(found) > 500
    assert {name: bad for name, plan in found.items() if (bad := list(faults(plan)))} == {}


def sorting(found: dict[str, list[str]]) -> set[str]:
    """Ranges whose rows are sorted after they were read."""
    return {
        name.rpartition(" ")[2]
        for name, plan in found.items()
        if plan[0] == "Limit" and any(line.endswith("Sort") for line in plan)
    }


def test_a_range_is_read_in_the_order_of_its_index(url: str) -> None:
    with connect(url) as connection:
        found = plans(connection)
    assert sorting(found) <= SORTED_FEW


def test_by_itself_the_planner_reads_nearly_empty_tables_whole_and_sorts_ranges(url: str) -> None:
    """What the settings are for; this test tells when they are needed no more."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = plans(connection)
    assert any(list(faults(plan)) for plan in found.values())
    assert sorting(found) - SORTED_FEW


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    open_worlds_on(fresh_database(), monkeypatch)
    made = World()
    yield made
    made.close()


def read_by_key(world: World, table: str) -> int:
    """Entries of the table's first index that were read until now."""
    assert isinstance(world.store, PostgresStore)
    world.store.rows.line.connection.execute("SELECT pg_stat_force_next_flush()")
    with psycopg.connect(world.store.url, autocommit=True) as connection:
        sql = "SELECT idx_tup_read FROM pg_stat_user_indexes WHERE indexrelname = %s"
        found = connection.execute(sql, (f"{table}_pkey",)).fetchone()
    assert found is not None
    return int(found[0])


def test_what_was_planned_for_an_empty_table_is_planned_again_when_it_has_grown(world: World) -> None:
    queue = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]

    def send(count: int) -> None:
        entries = [{"Id": str(at), "MessageBody": str(at)} for at in range(count)]
        world.call("sqs", "SendMessageBatch", {"QueueUrl": queue, "Entries": entries})

    def handle() -> None:
        found = world.call("sqs", "ReceiveMessage", {"QueueUrl": queue, "MaxNumberOfMessages": 10})["Messages"]
        gone = [{"Id": str(at), "ReceiptHandle": each["ReceiptHandle"]} for at, each in enumerate(found)]
        world.call("sqs", "DeleteMessageBatch", {"QueueUrl": queue, "Entries": gone})

    send(1)
    assert isinstance(world.store, PostgresStore)
    with psycopg.connect(world.store.url, autocommit=True) as connection:
        connection.execute("ANALYZE messages")  # Of one row, all of the index is cheaper than ten looks.
    handle()
    for _ in range(200):
        send(10)
    before = read_by_key(world, "messages")
    for _ in range(10):
        handle()
    assert read_by_key(world, "messages") - before < 10 * 100


def test_the_edition_rises_with_doublings_and_then_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("interstate.store.postgres.plans.monotonic", lambda: now)
    plans = Plans()
    editions = []
    for _ in range(64):
        plans.wrote(64)
        editions.append(plans.edition)
    assert editions[:7] == [1, 1, 2, 2, 2, 2, 3]
    assert editions[-1] == 6
    plans.wrote(10_000)
    assert plans.edition == 6
    now += 1.0
    plans.wrote(1)
    assert plans.edition == 7
    now += 60.0
    plans.wrote(4095)
    assert plans.edition == 7
    plans.wrote(1)
    assert plans.edition == 8
