"""Writes ``schema.sql``, from which a new store is made: ``python -m interstate.store.sqlite.schema``."""

import sqlite3
import sys

from interstate.store.sqlite.migrate import APPLIED, apply, migrations

_HEAD = "-- What the migrations that are named at the end make of an empty database. Written by 'make schema', never by hand.\n"


def from_migrations() -> sqlite3.Connection:
    """An empty database in memory to which each migration was applied, one after the other."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(APPLIED)
    for name, sql in migrations():
        apply(connection, name, sql)
    return connection


def written() -> str:
    """The file as it would be written today."""
    connection = from_migrations()
    made = "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL AND name <> 'schema_migrations' ORDER BY rowid"
    parts = [f"{sql};\n" for (sql,) in connection.execute(made)]
    names = [f"('{name}')" for (name,) in connection.execute("SELECT name FROM schema_migrations ORDER BY name")]
    connection.close()
    return "".join([_HEAD, *parts, "INSERT INTO schema_migrations VALUES\n", ",\n".join(names), ";\n"])


if __name__ == "__main__":
    sys.stdout.write(written())
