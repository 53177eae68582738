"""How tables lie in PostgreSQL: room for updates in place, and vacuum by count where rows live for moments."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from tests.postgres_server import fresh_database

from interstate.store.postgres.migrate import migrate, postgres_migrations

FILE = "0240_hot_tables.sql"
OPTIONS = "SELECT coalesce(reloptions, '{}') FROM pg_class WHERE oid = %s::regclass"


@pytest.fixture
def connection() -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(fresh_database(), autocommit=True) as found:
        yield found


def options(connection: psycopg.Connection[Any], table: str) -> set[str]:
    row = connection.execute(OPTIONS, (table,)).fetchone()
    assert row is not None
    return set(row[0])


@pytest.mark.parametrize(
    ("table", "factor"),
    [
        ("metric_points", 70),
        ("items", 90),
        ("states_frames", 80),
        ("queue_counts", 50),
        ("states_open", 50),
        ("nodes", 20),
    ],
)
def test_what_is_updated_in_place_has_room(connection: psycopg.Connection[Any], table: str, factor: int) -> None:
    assert f"fillfactor={factor}" in options(connection, table)


@pytest.mark.parametrize(
    "table",
    [
        "due",
        "messages",
        "message_groups",
        "deduplications",
        "deduplication_calls",
        "states_frames",
        "queue_counts",
        "states_open",
        "item_count_deltas",
    ],
)
def test_what_lives_for_moments_is_vacuumed_by_count(connection: psycopg.Connection[Any], table: str) -> None:
    found = dict(one.split("=") for one in options(connection, table))
    assert float(found["autovacuum_vacuum_scale_factor"]) <= 0.01
    assert int(found["autovacuum_vacuum_threshold"]) <= 2000


def test_a_lease_is_renewed_without_touching_an_index(connection: psycopg.Connection[Any]) -> None:
    found = connection.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'nodes'").fetchall()
    assert len(found) == 1
    assert "(number)" in found[0][0]


def test_points_that_are_updated_touch_no_index(connection: psycopg.Connection[Any]) -> None:
    """Twice the room that their updates take in a minute, as measured; counted by the database itself."""
    point = "SELECT n, 1, 1, 1, 1, 1, 1, '[]' FROM generate_series(1, 2000) AS n"
    connection.execute(
        f"INSERT INTO metric_points (series, minute, node, samples, total, low, high, spread) {point}".encode()
    )
    for _ in range(6):
        connection.execute("UPDATE metric_points SET samples = samples + 1 WHERE series % 2 = 0")
    connection.execute("SELECT pg_stat_force_next_flush()")
    counted = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = 'metric_points'"
    row = connection.execute(counted).fetchone()
    assert row is not None
    assert row[0] == 6_000
    # 91 % measured; 41 % where a snapshot of the database's own keeps rows from being pruned; 4 % without room.
    assert row[1] > 0.2 * row[0]


def test_an_existing_store_is_carried_over_with_its_rows() -> None:
    """As it was before the file, with rows in it."""
    with psycopg.connect(fresh_database("template0"), autocommit=True) as connection:
        known = [name for name, _ in postgres_migrations()]
        assert FILE in known
        migrate(connection)
        connection.execute("DELETE FROM schema_migrations WHERE name = %s", (FILE,))
        connection.execute("CREATE INDEX nodes_by_lease ON nodes (lease_until)")
        connection.execute("ALTER TABLE metric_points RESET (fillfactor)")
        connection.execute("INSERT INTO queue_counts (queue_id, node, messages, claimed) VALUES (1, 1, 5, 0)")
        migrate(connection)
        assert connection.execute("SELECT messages FROM queue_counts").fetchall() == [(5,)]
        assert "fillfactor=70" in options(connection, "metric_points")
