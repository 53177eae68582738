"""Schema files, applied once, by the first node; others wait for its lock.

The numbered files of the embedded store, translated, and those that only PostgreSQL has, in one order of names.
"""

from importlib.resources import files
from typing import Any

from psycopg import Connection

from interstate.store.postgres.translate import schema
from interstate.store.sqlite.migrate import NewerSchema, migrations, statements

_LOCK = 7_401_593_202_611  # One number for all nodes of all versions.


def postgres_migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = files("interstate.store.postgres") / "migrations"
    own = [(entry.name, entry.read_text("utf-8")) for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return sorted([*migrations(), *own])


def migrate(connection: Connection[Any]) -> None:
    """Bring the schema up to date; all or nothing.

    Raises:
        NewerSchema: the data holds migrations that this version does not know.
    """
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
        connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY)")
        applied = {row[0] for row in connection.execute("SELECT name FROM schema_migrations").fetchall()}
        known = postgres_migrations()
        unknown = applied - {name for name, _ in known}
        if unknown:
            raise NewerSchema(sorted(unknown))
        for name, sql in known:
            if name not in applied:
                for statement in statements(sql):
                    connection.execute(schema(statement).encode())
                connection.execute("INSERT INTO schema_migrations VALUES (%s)", (name,))
