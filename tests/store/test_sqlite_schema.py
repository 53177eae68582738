"""The one file from which a new store is made."""

import sqlite3
from typing import Any

import pytest

from interstate.store.sqlite import migrate as migrating
from interstate.store.sqlite.migrate import APPLIED, migrate, migrations, statements
from interstate.store.sqlite.schema import from_migrations, written


def everything(connection: sqlite3.Connection) -> dict[str, Any]:
    """The words of the schema by name, and what the tables hold."""
    schema: dict[str, Any] = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
    held = {f"rows of {name}": connection.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall() for name in tables}
    connection.close()
    return schema | held


def new() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None)
    migrate(connection)
    return connection


def test_a_new_store_is_what_all_migrations_make() -> None:
    """To the letter; the migrations that came after the file was written included."""
    assert everything(new()) == everything(from_migrations()), "make schema"


def test_a_migration_that_came_after_the_file_is_applied(monkeypatch: pytest.MonkeyPatch) -> None:
    later = [*migrations(), ("9999_later.sql", "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;\n")]
    monkeypatch.setattr(migrating, "migrations", lambda: later)
    connection = new()
    assert connection.execute("SELECT count(*) FROM later").fetchone() == (0,)
    assert connection.execute("SELECT max(name) FROM schema_migrations").fetchone() == ("9999_later.sql",)
    connection.close()


def test_what_would_be_written_makes_the_same() -> None:
    """So that writing the file anew is a matter of speed alone."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(APPLIED)
    for statement in statements(written()):
        connection.execute(statement)
    assert everything(connection) == everything(from_migrations())
