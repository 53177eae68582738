"""Schema files, applied once, by the first node; others wait for its lock.

The numbered files of the embedded store, translated, and those that only PostgreSQL has, in one order of names. Files share a
transaction, but those that begin with ``-- alone`` have one of their own: what they lock is let go at their end, so that a long
look at a table (a constraint that is proved) does not keep running nodes from it. Who dies between two files goes on there.
"""

from contextlib import suppress
from importlib.resources import files
from itertools import groupby
from typing import Any

import psycopg
from psycopg import Connection

from interstate.store.postgres.translate import schema
from interstate.store.sqlite.migrate import NewerSchema, migrations, statements

_LOCK = 7_401_593_202_611  # One number for all nodes of all versions.
_ALONE = "-- alone\n"


def postgres_migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = files("interstate.store.postgres") / "migrations"
    own = [(entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted([*migrations(), *own])


def migrate(connection: Connection[Any]) -> None:
    """Bring the schema up to date.

    Raises:
        NewerSchema: the data holds migrations that this version does not know.
    """
    connection.execute("SELECT pg_advisory_lock(%s)", (_LOCK,))
    try:
        _apply(connection)
    finally:
        with suppress(psycopg.Error):  # A connection that was lost has let go of it.
            connection.execute("SELECT pg_advisory_unlock(%s)", (_LOCK,))


def _apply(connection: Connection[Any]) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)")
    applied = {row[0] for row in connection.execute("SELECT name FROM schema_migrations").fetchall()}
    known = postgres_migrations()
    unknown = applied - {name for name, _ in known}
    if unknown:
        raise NewerSchema(sorted(unknown))
    missing = [(name, sql) for name, sql in known if name not in applied]
    for alone, together in groupby(missing, key=lambda one: one[1].startswith(_ALONE)):
        for files_ in ([one] for one in together) if alone else [together]:
            with connection.transaction():
                for name, sql in files_:
                    for statement in statements(sql):
                        connection.execute(schema(statement).encode())
                    connection.execute("INSERT INTO schema_migrations VALUES (%s)", (name,))
