"""Tables that age lie in parts on PostgreSQL: made ahead, dropped whole when their newest row is due, missed by nobody."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.base.time import to_micros
from interstate.runtime.testing import START, Crash, World
from interstate.store.copying import PostgresSide
from interstate.store.postgres.migrate import migrate, postgres_migrations
from interstate.store.postgres.rows import NUMBER_SHIFT
from interstate.store.postgres.translate import query
from interstate.store.records.events import ATTEMPTS, ATTEMPTS_OF_LOG, LOG, LOG_OF_BUS, Logged
from interstate.store.tables import Select

Connection = psycopg.Connection[Any]
HOUR = 3_600_000_000
FILE = "0265_parts_bounds.sql"
PARTS = "SELECT part, low, high FROM parts_of(%s) ORDER BY low NULLS FIRST, high NULLS LAST"


@pytest.fixture
def url() -> str:
    return fresh_database()


@pytest.fixture
def connection(url: str) -> Iterator[Connection]:
    with psycopg.connect(url, autocommit=True) as found:
        yield found


@pytest.fixture
def world(url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    made = opened(url, monkeypatch)
    yield made
    made.close()


def opened(url: str, monkeypatch: pytest.MonkeyPatch) -> World:
    open_worlds_on(url, monkeypatch)
    return World()


def ranges(connection: Connection, table: str = "events_log") -> list[tuple[str, int, int]]:
    """The parts that have two bounds."""
    return [row for row in connection.execute(PARTS, (table,)).fetchall() if row[1] is not None]


def clock_goes_on(connection: Connection, by_us: int) -> None:
    """The clock by which parts are made and closed; the numbers of these tests' rows are given."""
    connection.execute(
        f"CREATE OR REPLACE FUNCTION micros_now() RETURNS BIGINT LANGUAGE sql VOLATILE "
        f"RETURN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint + {by_us}".encode()
    )


def write(connection: Connection, number: int, at: datetime, bus: str = "bus") -> None:
    connection.execute("INSERT INTO events_log VALUES (%s, %s, %s, 1, '[]')", (number, bus, to_micros(at)))


def sweep(world: World, *, days: int = 3, limit: int = 500) -> int:
    gone: int = world.run(lambda work: work.sweep(LOG, before=work.now - timedelta(days=days), limit=limit))
    return gone


def numbers(connection: Connection) -> list[int]:
    return [number for (number,) in connection.execute("SELECT id FROM events_log ORDER BY id").fetchall()]


# Making ------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("table", ["events_log", "events_attempts"])
def test_two_parts_lie_ahead_from_the_beginning(connection: Connection, table: str) -> None:
    row = connection.execute("SELECT micros_now() << 8").fetchone()
    assert row is not None
    found = ranges(connection, table)
    assert len(found) >= 2
    assert found[-1][2] > row[0] + (12 * HOUR << NUMBER_SHIFT) - (HOUR << NUMBER_SHIFT)
    assert all(before[2] == after[1] for before, after in pairwise(found))


def test_a_sweep_makes_parts_ahead_and_the_next_one_makes_no_more(world: World, connection: Connection) -> None:
    clock_goes_on(connection, 7 * HOUR)
    over, *before = ranges(connection)
    sweep(world)
    made = ranges(connection)
    assert over not in made  # It was empty.
    assert made[: len(before)] == before
    assert len(made) > len(before)
    assert made[-1][2] - made[-1][1] == 6 * HOUR << NUMBER_SHIFT  # A twelfth of three days.
    sweep(world)
    assert ranges(connection) == made


def test_the_longer_rows_are_kept_the_longer_parts_are(world: World, connection: Connection) -> None:
    clock_goes_on(connection, 7 * HOUR)
    sweep(world, days=36)
    low, high = ranges(connection)[-1][1:]
    assert high - low == 72 * HOUR << NUMBER_SHIFT
    clock_goes_on(connection, 400 * HOUR)
    sweep(world, days=0)
    low, high = ranges(connection)[-1][1:]
    assert high - low == HOUR << NUMBER_SHIFT


def test_what_comes_while_no_part_was_made_is_caught_found_and_forgotten(world: World, connection: Connection) -> None:
    """Nobody swept for a day: the next parts begin after what came meanwhile."""
    last = ranges(connection)[-1][2]
    late = last + (5 * HOUR << NUMBER_SHIFT)
    write(connection, late, START)
    assert connection.execute("SELECT id FROM events_log_rest").fetchall() == [(late,)]
    clock_goes_on(connection, 24 * HOUR)
    assert world.run(lambda work: work.get(LOG, late)).bus == "bus"
    sweep(world)
    assert ranges(connection)[-1][1] >= late
    assert numbers(connection) == [late]
    world.now += timedelta(days=4)
    assert sweep(world) == 1
    assert numbers(connection) == []


def test_a_part_that_would_have_to_take_rows_from_the_default_one_is_left_to_a_later_sweep(
    world: World, connection: Connection
) -> None:
    """Whoever's clock is ahead: what stands in the default part stays there, and the sweep goes on."""
    clock_goes_on(connection, 24 * HOUR)
    row = connection.execute("SELECT (micros_now() + 120000000) << 8").fetchone()
    assert row is not None
    write(connection, row[0], START)
    before = ranges(connection)
    assert sweep(world) == 0
    assert set(ranges(connection)) <= set(before)  # Empty ones that are over may go.
    assert numbers(connection) == [row[0]]
    clock_goes_on(connection, 25 * HOUR)
    sweep(world)
    assert ranges(connection)[-1][1] > row[0]


def test_a_part_that_was_made_and_never_used_harms_nobody(world: World, connection: Connection) -> None:
    """A crash before the commit leaves no part; one after it leaves parts that the next node uses."""
    clock_goes_on(connection, 7 * HOUR)
    before = ranges(connection)
    world.crash_before_commit = world.commits + 1
    with pytest.raises(Crash):
        sweep(world)
    assert ranges(connection) == before
    world.crash_before_commit = None
    sweep(world)
    made = ranges(connection)
    number = made[-1][1] + 5
    world.run(lambda work: work.put(LOG, Logged(number, "bus", START, 1, b"[]")))
    assert connection.execute(f"SELECT id FROM {made[-1][0]}".encode()).fetchall() == [(number,)]


# Forgetting --------------------------------------------------------------------------------------------------------------


def filled(connection: Connection) -> tuple[tuple[str, int, int], tuple[str, int, int]]:
    """A part that is over with an old row and a young one, and the one after it."""
    first, second = ranges(connection)[:2]
    write(connection, first[1] + 1, START - timedelta(days=5))
    write(connection, first[1] + 2, START - timedelta(days=2))
    write(connection, second[1] + 1, START)
    clock_goes_on(connection, 7 * HOUR)
    return first, second


def test_a_part_goes_as_a_whole_when_its_newest_row_is_due_and_waits_until_then(
    world: World, connection: Connection
) -> None:
    first, second = filled(connection)
    assert sweep(world) == 0
    assert numbers(connection) == [first[1] + 1, first[1] + 2, second[1] + 1]
    world.now += timedelta(days=1, seconds=1)
    assert sweep(world) == 0
    assert numbers(connection) == [second[1] + 1]
    assert first not in ranges(connection)


def test_business_time_that_stands_keeps_every_part(world: World, connection: Connection) -> None:
    first, _ = filled(connection)
    clock_goes_on(connection, 24 * 365 * HOUR)
    for _ in range(3):
        sweep(world)
    assert first in ranges(connection)
    assert len(numbers(connection)) == 3


def test_business_time_that_jumps_forgets_in_bounded_steps_what_lies_in_the_part_that_is_written_to(
    world: World, connection: Connection
) -> None:
    first, *_ = ranges(connection)
    clock_goes_on(connection, HOUR)
    for number in range(7):
        write(connection, first[1] + number, START)
    world.now += timedelta(days=30)
    assert [sweep(world, limit=3) for _ in range(4)] == [3, 3, 1, 0]
    assert first in ranges(connection)
    assert numbers(connection) == []


def test_what_a_copy_brought_has_lower_numbers_and_is_forgotten_in_bounded_steps(
    world: World, connection: Connection
) -> None:
    for number in range(5):
        write(connection, 1_700_000_000_000_000 + number, START - timedelta(days=4 if number < 3 else 0))
    assert connection.execute("SELECT count(*) FROM events_log_first").fetchone() == (5,)
    assert sweep(world, limit=2) == 2
    assert sweep(world, limit=2) == 1
    assert len(numbers(connection)) == 2


def test_a_part_that_somebody_reads_is_left_to_the_next_sweep(world: World, connection: Connection, url: str) -> None:
    """A backup holds what it reads until its end."""
    first, _ = filled(connection)
    world.now += timedelta(days=3)
    with psycopg.connect(url) as reader:
        reader.execute("SELECT count(*) FROM events_log")
        sweep(world)
        assert first in ranges(connection)
    sweep(world)
    assert first not in ranges(connection)


def test_two_nodes_sweep_at_once_and_one_does_it(
    url: str, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = opened(url, monkeypatch), opened(url, monkeypatch)
    first, _ = filled(connection)
    here.now = there.now = START + timedelta(days=3)

    def both(work: Any) -> tuple[int, int]:
        before = work.now - timedelta(days=3)
        mine = work.sweep(LOG, before=before, limit=500)
        return mine, sweep(there)

    assert here.run(both) == (0, 0)
    assert first not in ranges(connection)
    there.run(lambda work: work.put(LOG, Logged(first[2] + 77, "bus", START, 1, b"[]")))
    assert first[2] + 77 in numbers(connection)
    here.close()
    there.close()


def test_who_writes_while_a_part_is_dropped_goes_on(world: World, connection: Connection) -> None:
    """A statement that was prepared before knows of the parts that are there now."""
    first, second = filled(connection)
    world.run(lambda work: work.put(LOG, Logged(second[1] + 9, "bus", START, 1, b"[]")))
    world.now += timedelta(days=3)
    sweep(world)
    assert first not in ranges(connection)
    world.run(lambda work: work.put(LOG, Logged(first[1] + 9, "bus", START, 1, b"[]")))  # Its part is gone.
    assert numbers(connection) == [first[1] + 9, second[1] + 1, second[1] + 9]


def test_the_event_log_is_swept_by_its_own_step(world: World, connection: Connection) -> None:
    world.call("events", "PutEvents", {"Entries": [{"Source": "a", "DetailType": "b", "Detail": "{}"}]})
    assert len(numbers(connection)) == 1
    first, _ = filled(connection)
    for hours in (24, 24, 24, 24):
        world.now += timedelta(hours=hours)
        world.run_due()
    assert numbers(connection) == []
    assert first not in ranges(connection)


# Reading -----------------------------------------------------------------------------------------------------------------


def plan(connection: Connection, statement: str, values: list[Any]) -> str:
    connection.execute("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off")
    kinds = ", ".join("bigint" if isinstance(value, int) else "text" for value in values)
    connection.execute(f"PREPARE asked ({kinds}) AS {statement}".encode())
    given = ", ".join(repr(value) for value in values)
    rows = connection.execute(f"EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF) EXECUTE asked ({given})".encode()).fetchall()
    connection.execute("DEALLOCATE asked")
    return "\n".join(line for (line,) in rows)


def _statement(select: Select[Any], columns: str = "id") -> str:
    return query(
        f"SELECT {columns} FROM {select.table.name} WHERE {select.where} ORDER BY {select.order} LIMIT :limit"
    )[0]


def test_one_row_is_looked_up_in_one_part(connection: Connection) -> None:
    _, second = ranges(connection)[:2]
    found = plan(connection, "SELECT id FROM events_log WHERE id = ANY (ARRAY[$1])", [second[1] + 1])
    assert found.count("Scan using") == 1
    assert "Seq Scan" not in found


def test_who_follows_a_bus_asks_the_parts_from_his_place_on(connection: Connection) -> None:
    parts = ranges(connection)
    found = plan(connection, _statement(LOG_OF_BUS), ["bus", parts[-1][1] + 1, 100])
    assert "Seq Scan" not in found
    assert "Subplans Removed" in found
    assert found.count("Scan using") == 2  # The last part, and the one that catches the rest.


def test_attempts_are_found_by_index_in_every_part(connection: Connection) -> None:
    found = plan(connection, _statement(ATTEMPTS_OF_LOG), [5, 0, 100])
    assert "Seq Scan" not in found
    assert found.count("Scan using") == len(ranges(connection, ATTEMPTS.name)) + 2


def test_a_copy_sees_tables_and_not_their_parts(connection: Connection) -> None:
    found = PostgresSide(connection, "here").tables()
    assert found["events_log"] == ("id", "bus", "at", "count", "body")
    assert [name for name in found if name.startswith("events_log")] == ["events_log"]


def test_wiping_forgets_what_lies_in_all_parts(world: World, connection: Connection) -> None:
    filled(connection)
    world.store.wipe()
    assert numbers(connection) == []
    assert len(ranges(connection)) >= 2


# Carrying over -----------------------------------------------------------------------------------------------------------


def before_parts(url: str) -> None:
    """A store as it was before the files, with a row in it."""
    with psycopg.connect(url, autocommit=True) as connection:
        known = postgres_migrations()
        connection.execute("CREATE TABLE schema_migrations (name TEXT PRIMARY KEY)")
        later = [name for name, _ in known if name >= FILE]
        connection.cursor().executemany("INSERT INTO schema_migrations VALUES (%s)", [(name,) for name in later])
        migrate(connection)
        connection.cursor().executemany("DELETE FROM schema_migrations WHERE name = %s", [(name,) for name in later])
        write(connection, 7, START)


def test_a_store_with_rows_is_carried_over_where_it_lies() -> None:
    url = fresh_database("template0")
    before_parts(url)
    with psycopg.connect(url, autocommit=True) as connection:
        kept = connection.execute("SELECT pg_relation_filenode('events_log')").fetchone()
        migrate(connection)
        assert connection.execute("SELECT pg_relation_filenode('events_log_first')").fetchone() == kept  # Not copied.
        assert numbers(connection) == [7]
        (bound,) = [
            high for part, low, high in connection.execute(PARTS, ("events_log",)) if part == "events_log_first"
        ]
        now = connection.execute("SELECT micros_now() << 8").fetchone()
        assert now is not None
        assert bound > now[0] + (23 * HOUR << NUMBER_SHIFT)
        assert ranges(connection) == []  # Nothing is needed for a day: the sweep makes them.
        clock_goes_on(connection, 13 * HOUR)
        connection.execute("SELECT make_parts('events_log', %s)", (6 * HOUR << NUMBER_SHIFT,))
        assert ranges(connection)[0][1] == bound
        constraints = connection.execute(
            "SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid = 'events_log_first'::regclass"
        ).fetchone()
        assert constraints == (0,)


@pytest.mark.parametrize("done", [1, 2])
def test_who_died_between_two_files_goes_on_there(done: int) -> None:
    """The bound that was promised is the one that is used; rows may be written meanwhile."""
    url = fresh_database("template0")
    before_parts(url)
    with psycopg.connect(url, autocommit=True) as connection:
        later = [name for name, _ in postgres_migrations() if name >= FILE][done:]
        connection.cursor().executemany("INSERT INTO schema_migrations VALUES (%s)", [(name,) for name in later])
        migrate(connection)
        connection.cursor().executemany("DELETE FROM schema_migrations WHERE name = %s", [(name,) for name in later])
        write(connection, 8, START)
        migrate(connection)
        assert numbers(connection) == [7, 8]
        assert [part for part, *_ in connection.execute(PARTS, ("events_log",))] == [
            "events_log_first",
            "events_log_rest",
        ]


def test_statements_that_a_running_node_has_prepared_go_on_after_the_change() -> None:
    url = fresh_database("template0")
    before_parts(url)
    with psycopg.connect(url, autocommit=True) as node, psycopg.connect(url, autocommit=True) as other:
        node.execute("PREPARE put AS INSERT INTO events_log VALUES ($1, 'bus', 1, 1, '[]')")
        node.execute("PREPARE look AS SELECT id FROM events_log WHERE bus = $1 AND id > $2 ORDER BY id LIMIT 9")
        node.execute("EXECUTE put(8)")
        migrate(other)
        node.execute("EXECUTE put(9)")
        assert node.execute("EXECUTE look('bus', 7)").fetchall() == [(8,), (9,)]
