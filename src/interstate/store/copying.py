"""Copying everything that a store holds to another one: backups, restores, and moving between SQLite and PostgreSQL.

Both dialects have the same tables and columns (one schema serves both), so a copy is the rows of each table, read from one
snapshot and written in one transaction. What a server holds while it runs is not touched: a copy is taken online.

Numbers on PostgreSQL run far ahead of those of the embedded store. What comes from there keeps how far (``NUMBERS_AHEAD``), so that the
embedded store goes on above them: readers of a log remember the number up to which they came.

The lanes of due work are those of no node in the copy (``lane % 4``): whoever opens it takes the work up, and what was in
flight is performed again under its key.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol

from interstate.store.sqlite.migrate import NewerSchema, migrate

PAGE = 2000
NUMBERS_AHEAD = "numbers_ahead"
"""The setting: microseconds by which numbers are ahead of the clock's."""
_OWN = ("schema_migrations", "nodes")
Progress = Callable[[str, int], None]
"""Told the table's name and how many of its rows are copied so far."""

Row = tuple[Any, ...]


class NotEmpty(RuntimeError):
    """The target holds data already."""

    def __init__(self, where: str, table: str) -> None:
        super().__init__(
            f"{where} is not empty (it has rows in {table}). Name an empty one, or say --force to replace it."
        )


class NoData(RuntimeError):
    """There is nothing to copy from."""

    def __init__(self, where: str) -> None:
        super().__init__(f"There is no Interstate data in {where}.")


class InUse(RuntimeError):
    """Nodes run on the database that is to be filled."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"The database is in use by running nodes ({', '.join(names)}). Stop them first.")


class Side(Protocol):
    """One end of a copy, inside one transaction."""

    where: str

    def numbers_ahead(self) -> int:
        """How far its numbers are ahead of the clock; 0 where they follow it, or where nothing needs to be told of it."""
        ...

    def keep_numbers_ahead(self, ahead: int) -> None:
        """Let the numbers of what is opened here go on from there."""
        ...

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Each table with its columns."""
        ...

    def migrations(self) -> set[str]:
        """What was applied of the schema that both dialects share."""
        ...

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[list[Row]]:
        """The rows of a table, in pages."""
        ...

    def write(self, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        """Insert a page of rows."""
        ...

    def clear(self, table: str) -> None:
        """Delete a table's rows."""
        ...


def copy(source: Side, target: Side, *, force: bool, progress: Progress) -> int:
    """Copy every row; answers how many. The caller commits the target's transaction.

    Raises:
        NotEmpty: the target holds rows, and ``force`` was not said.
        NewerSchema: the source was written by a later version than the target's.
    """
    unknown = source.migrations() - target.migrations()
    if unknown:
        raise NewerSchema(sorted(unknown))
    wanted = target.tables()
    for table in wanted:
        if force:
            target.clear(table)
        elif next(target.rows(table, wanted[table]), []):
            raise NotEmpty(target.where, table)
    total = 0
    for table, columns in source.tables().items():
        lane_at = columns.index("lane") if table == "due" else None
        count = 0
        for page in source.rows(table, columns):
            target.write(table, columns, page if lane_at is None else [_unowned(row, lane_at) for row in page])
            count += len(page)
            progress(table, count)
        total += count
    if ahead := source.numbers_ahead():
        target.keep_numbers_ahead(ahead)
    return total


def _each(row: Row, change: Callable[[str], str]) -> Row:
    return tuple([change(value) if isinstance(value, str) else value for value in row])


def _unowned(row: Row, at: int) -> Row:
    return (*row[:at], row[at] % 4, *row[at + 1 :])


class SqliteSide:
    """A database file of the embedded store."""

    def __init__(self, connection: sqlite3.Connection, where: str) -> None:
        self._connection = connection
        self.where = where

    def numbers_ahead(self) -> int:
        """They are a row of its settings already."""
        return 0

    def keep_numbers_ahead(self, ahead: int) -> None:
        """As a setting, which whoever opens the store reads."""
        self._connection.execute("INSERT OR REPLACE INTO settings VALUES (?, ?)", (NUMBERS_AHEAD, str(ahead)))

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Each table with its columns."""
        names = self._connection.execute(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        ).fetchall()
        return {
            name: tuple(row[1] for row in self._connection.execute(f"PRAGMA table_info({name})"))
            for (name,) in names
            if name not in _OWN
        }

    def migrations(self) -> set[str]:
        """What was applied."""
        return {row[0] for row in self._connection.execute("SELECT name FROM schema_migrations")}

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[list[Row]]:
        """The rows of a table, in pages."""
        cursor = self._connection.execute(f"SELECT {_names(columns)} FROM {table}")  # noqa: S608 our own names
        while page := cursor.fetchmany(PAGE):
            yield page

    def write(self, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        """Insert a page of rows."""
        marks = ", ".join("?" * len(columns))
        self._connection.executemany(f"INSERT INTO {table} ({_names(columns)}) VALUES ({marks})", rows)  # noqa: S608

    def clear(self, table: str) -> None:
        """Delete a table's rows."""
        self._connection.execute(f"DELETE FROM {table}")  # noqa: S608 our own names


class PostgresSide:
    """A database on PostgreSQL."""

    def __init__(self, connection: Any, where: str) -> None:
        self._connection = connection
        self.where = where

    def numbers_ahead(self) -> int:
        """An instant with the node's number behind it."""
        from interstate.store.postgres.rows import NUMBER_SHIFT  # noqa: PLC0415 psycopg is imported when used

        (now,) = self._connection.execute("SELECT micros_now()").fetchone()
        return int((now << NUMBER_SHIFT) - now)

    def keep_numbers_ahead(self, ahead: int) -> None:
        """They are, by themselves."""

    def tables(self) -> dict[str, tuple[str, ...]]:
        """Each table with its columns."""
        found: dict[str, list[str]] = {}
        for table, column in self._connection.execute(
            "SELECT c.relname::text, a.attname::text FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid "
            "WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition "
            "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY c.relname, a.attnum"
        ).fetchall():
            if table not in _OWN:
                found.setdefault(table, []).append(column)
        return {table: tuple(columns) for table, columns in found.items()}

    def migrations(self) -> set[str]:
        """What was applied of the shared schema."""
        from interstate.store.sqlite.migrate import migrations  # noqa: PLC0415 beside its only use

        shared = {name for name, _ in migrations()}
        applied = {row[0] for row in self._connection.execute("SELECT name FROM schema_migrations").fetchall()}
        from interstate.store.postgres.migrate import postgres_migrations  # noqa: PLC0415 psycopg is imported when used

        own = {name for name, _ in postgres_migrations()} - shared
        return applied - own

    def rows(self, table: str, columns: tuple[str, ...]) -> Iterator[list[Row]]:
        """The rows of a table, in pages, by a cursor of the server's."""
        from interstate.store.postgres.arrays import plain  # noqa: PLC0415 psycopg is imported when used

        with self._connection.cursor(f"copy_{table}") as cursor:
            cursor.itersize = PAGE
            cursor.execute(f"SELECT {_names(columns)} FROM {table}".encode())  # noqa: S608 our own names
            while page := cursor.fetchmany(PAGE):
                yield [_each(row, plain) for row in page]

    def write(self, table: str, columns: tuple[str, ...], rows: list[Row]) -> None:
        """Insert a page of rows."""
        from interstate.store.postgres.arrays import escaped  # noqa: PLC0415 psycopg is imported when used

        with (
            self._connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({_names(columns)}) FROM STDIN".encode()) as sink,
        ):
            for row in rows:
                sink.write_row(_each(row, escaped))

    def clear(self, table: str) -> None:
        """Delete a table's rows."""
        self._connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608 our own names


def _names(columns: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def is_database(place: str) -> bool:
    """Whether a place is PostgreSQL's rather than a directory or a file."""
    return place.startswith(("postgresql://", "postgres://")) or "host=" in place


def file_of(place: str) -> Path:
    """The database file that a place means: a data directory's, or the file itself (a backup)."""
    path = Path(place)
    return path / "interstate.db" if path.is_dir() or not path.suffix else path


@contextmanager
def reading(place: str) -> Iterator[Side]:
    """A snapshot of what a place holds; a server may go on writing there.

    Raises:
        NoData: nothing is there.
    """
    if is_database(place):
        import psycopg  # noqa: PLC0415 only who uses it waits for it

        with psycopg.connect(place, application_name="interstate-copy") as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield PostgresSide(connection, "the database")
        return
    path = file_of(place)
    if not path.is_file():
        raise NoData(place)
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None)) as embedded:
        embedded.execute("BEGIN")
        yield SqliteSide(embedded, place)


@contextmanager
def writing(place: str) -> Iterator[Side]:
    """A place to copy to, with the schema in it; committed when the block ends, untouched when it raises.

    Raises:
        InUse: nodes run there.
    """
    if is_database(place):
        import psycopg  # noqa: PLC0415 as above

        from interstate.store.postgres.migrate import migrate as migrate_postgres  # noqa: PLC0415

        with psycopg.connect(place, autocommit=True, application_name="interstate-copy") as connection:
            migrate_postgres(connection)
            with connection.transaction():
                # No node can register meanwhile, and none is there: it would not know of what comes.
                connection.execute("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE")
                alive = connection.execute("SELECT name FROM nodes WHERE lease_until > micros_now()").fetchall()
                if alive:
                    raise InUse([" ".join(name.split(" ", 2)[:2]) for (name,) in alive])
                yield PostgresSide(connection, "the database")
        return
    path = file_of(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.touch(mode=0o600)  # It holds everything.
    with closing(sqlite3.connect(path, isolation_level=None)) as embedded:
        embedded.execute("PRAGMA journal_mode = WAL")
        embedded.execute("PRAGMA synchronous = FULL")
        migrate(embedded)
        embedded.execute("BEGIN IMMEDIATE")
        yield SqliteSide(embedded, place)
        embedded.execute("COMMIT")
        embedded.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
