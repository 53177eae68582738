"""Numbered schema files, applied once each, in order, in one transaction.

A file that has landed is never edited; a change is a new file. What was applied stands in ``schema_migrations``.
"""

import sqlite3
from functools import cache
from importlib.resources import files


class NewerSchema(RuntimeError):
    """The data was written by a later version."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"The data directory was written by a later version of Interstate (unknown migrations: {', '.join(names)}). "
            "Use that version, or another --data directory."
        )


def migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    folder = files("interstate.store.sqlite") / "migrations"
    found = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    return [(entry.name, entry.read_text("utf-8")) for entry in sorted(found, key=lambda entry: entry.name)]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; all or nothing.

    Raises:
        NewerSchema: the data holds migrations that this version does not know.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID")
        applied = {row[0] for row in connection.execute("SELECT name FROM schema_migrations")}
        known = migrations()
        _refuse_newer(applied - {name for name, _ in known})
        for name, sql in known:
            if name not in applied:
                for statement in statements(sql):
                    connection.execute(statement)
                connection.execute("INSERT INTO schema_migrations VALUES (?)", (name,))
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


@cache
def _migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection)
    return connection


def fill_empty(connection: sqlite3.Connection) -> None:
    """Give an empty database the whole schema by copying pages: a hundred times faster than migrating it."""
    _migrated().backup(connection)


def _refuse_newer(unknown: set[str]) -> None:
    if unknown:
        raise NewerSchema(sorted(unknown))


def statements(sql: str) -> list[str]:
    """The single statements of a script (``executescript`` would commit the transaction around them)."""
    found: list[str] = []
    pending = ""
    for line in sql.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            found.append(pending)
            pending = ""
    assert not _code(pending), f"unfinished statement: {pending}"
    return [statement for statement in found if _code(statement)]


def _code(statement: str) -> str:
    lines = (line.split("--", 1)[0] for line in statement.splitlines())
    return "".join(lines).strip().strip(";")
