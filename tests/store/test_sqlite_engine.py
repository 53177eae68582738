"""The embedded store's files: lock, schema, WAL."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from interstate.store.sqlite.engine import DataDirectoryInUse, SqliteStore
from interstate.store.sqlite.migrate import NewerSchema, migrate, migrations, statements
from interstate.store.sqlite.schema import from_migrations


def test_a_second_server_is_refused_with_the_first_ones_pid(tmp_path: Path) -> None:
    first = SqliteStore(tmp_path)
    script = (
        "import sys, pathlib; from interstate.store.sqlite.engine import *\n"
        "try: SqliteStore(pathlib.Path(sys.argv[1]))\n"
        "except DataDirectoryInUse as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=True)
    assert f"pid {os.getpid()}" in done.stdout
    first.close()
    SqliteStore(tmp_path).close()


def test_the_lock_is_free_again_after_close(tmp_path: Path) -> None:
    SqliteStore(tmp_path).close()
    store = SqliteStore(tmp_path)
    with pytest.raises(DataDirectoryInUse):
        SqliteStore(tmp_path)
    store.close()


def test_commits_wait_for_the_disk(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    assert store.writer.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.writer.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    store.close()


def test_data_of_a_later_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.writer.execute("INSERT INTO schema_migrations VALUES ('9999_future.sql')")
    store.close()
    with pytest.raises(NewerSchema, match="9999_future"):
        SqliteStore(tmp_path)


def schema(connection: sqlite3.Connection) -> list[tuple[str, str]]:
    return connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").fetchall()


def test_every_migration_path_ends_in_the_fresh_schema() -> None:
    """A store that stopped after any migration and starts today has today's schema."""
    fresh = from_migrations()
    for stopped_after in range(len(migrations())):
        old = sqlite3.connect(":memory:", isolation_level=None)
        old.execute("CREATE TABLE schema_migrations (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        for name, sql in migrations()[:stopped_after]:
            for statement in statements(sql):
                old.execute(statement)
            old.execute("INSERT INTO schema_migrations VALUES (?)", (name,))
        migrate(old)
        tables = [row for row in schema(old) if row[0] != "schema_migrations"]
        assert tables == [row for row in schema(fresh) if row[0] != "schema_migrations"]
        old.close()
    fresh.close()


def test_the_wal_can_be_cut(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.begin()
    store.writer.execute("INSERT INTO settings VALUES ('a', 'b')")
    store.commit()
    assert store.wal_bytes() > 0
    store.shorten_wal(truncate=True)
    assert store.wal_bytes() == 0
    store.close()


def test_wiping_leaves_the_schema(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    store.writer.execute("INSERT INTO settings VALUES ('a', 'b')")
    store.wipe()
    assert store.writer.execute("SELECT count(*) FROM settings").fetchone() == (0,)
    assert store.writer.execute("SELECT count(*) FROM schema_migrations").fetchone() != (0,)
    store.close()
