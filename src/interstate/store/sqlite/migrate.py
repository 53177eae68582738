"""Numbered schema files, applied once each, in order, in one transaction.

A file that has landed is never edited; a change is a new file. What was applied stands in ``schema_migrations``.

A new store begins with ``schema.sql``, what the migrations up to some point make, all in one: fifty changes of tables cost it
50 ms. Those that came later are applied as everywhere. ``make schema`` writes the file anew, which is a matter of speed alone: a
test holds both ways to the same end.
"""

import sqlite3
from functools import cache
from importlib.resources import files

_FOLDER = files("interstate.store.sqlite")
APPLIED = "CREATE TABLE IF NOT EXISTS schema_migrations (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID"


class NewerSchema(RuntimeError):
    """The data was written by a later version."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(
            f"The data directory was written by a later version of Interstate (unknown migrations: {', '.join(names)}). "
            "Use that version, or another --data directory."
        )


def migrations() -> list[tuple[str, str]]:
    """(name, SQL) of every migration, in order."""
    found = [entry for entry in (_FOLDER / "migrations").iterdir() if entry.name.endswith(".sql")]
    return [(entry.name, entry.read_text("utf-8")) for entry in sorted(found, key=lambda entry: entry.name)]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to date; all or nothing.

    Raises:
        NewerSchema: the data holds migrations that this version does not know.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(APPLIED)
        applied = _applied(connection)
        if not applied:
            for statement in statements((_FOLDER / "schema.sql").read_text("utf-8")):
                connection.execute(statement)
            applied = _applied(connection)
        known = migrations()
        _refuse_newer(applied - {name for name, _ in known})
        for name, sql in known:
            if name not in applied:
                apply(connection, name, sql)
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def _applied(connection: sqlite3.Connection) -> set[str]:
    return {row[0] for row in connection.execute("SELECT name FROM schema_migrations")}


def apply(connection: sqlite3.Connection, name: str, sql: str) -> None:
    """Apply one migration, in the transaction that is open."""
    for statement in statements(sql):
        connection.execute(statement)
    connection.execute("INSERT INTO schema_migrations VALUES (?)", (name,))


@cache
def _migrated() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    migrate(connection)
    return connection


def fill_empty(connection: sqlite3.Connection) -> None:
    """Give an empty database the whole schema by copying pages: a hundred times faster than migrating it."""
    _migrated().backup(connection)


@cache
def empty() -> bytes:
    """The file of a store with the whole schema and no rows, as ``migrate`` makes it."""
    return _migrated().serialize()


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
