"""One PostgreSQL database for all runs of a process and application: it is built once, and put back before each run."""

from collections.abc import Callable
from functools import cache
from typing import Any

import psycopg
from psycopg import sql
from tests.postgres_server import fresh_database
from tests.simulation.simulated_application import build

from interstate.runtime.testing import World
from interstate.store.postgres.engine import ClockSequences, PostgresStore

_TABLES = """
SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
AND relname NOT IN ('schema_migrations')
"""


class Database:
    """``reset`` makes its tables as they were when the application had just been built; nobody may be connected as a node."""

    def __init__(self, build_in: Callable[[], Any]) -> None:
        """``build_in`` makes a World of its own, builds the application in it and closes it; ``what`` is what it tells."""
        self.url = fresh_database()
        self._connection: psycopg.Connection[Any] = psycopg.connect(self.url, autocommit=True)
        self.what = self._build(build_in)
        self._tables = [sql.Identifier(name) for (name,) in self._connection.execute(_TABLES.encode()).fetchall()]
        self._kept = [table for table in self._tables if self._has_rows(table)]
        self._connection.execute("CREATE SCHEMA kept")
        for table in self._kept:
            self._connection.execute(sql.SQL("CREATE TABLE kept.{0} AS SELECT * FROM {0}").format(table))

    def _build(self, build_in: Callable[[], Any]) -> Any:
        store = PostgresStore(self.url)
        opened, World.open_store = World.open_store, staticmethod(lambda _directory: (store, ClockSequences(store)))
        try:
            what = build_in()
        finally:
            World.open_store = opened
        self.execute("DELETE FROM nodes")
        self.execute("UPDATE due SET lane = lane % 4")  # Nobody's: who renews first takes them up.
        return what

    def _has_rows(self, table: sql.Identifier) -> bool:
        return self._connection.execute(sql.SQL("SELECT 1 FROM {} LIMIT 1").format(table)).fetchone() is not None

    def reset(self) -> None:
        """Put everything back."""
        looks = [
            sql.SQL("SELECT {} WHERE EXISTS (SELECT 1 FROM {})").format(one.as_string(None), one)
            for one in self._tables
        ]
        found = self._connection.execute(sql.SQL(" UNION ALL ").join(looks)).fetchall()
        with self._connection.transaction():
            if found:
                names = sql.SQL(", ").join(sql.SQL(name) for (name,) in found)
                self._connection.execute(sql.SQL("TRUNCATE {}").format(names))
            for table in self._kept:
                self._connection.execute(sql.SQL("INSERT INTO {0} SELECT * FROM kept.{0}").format(table))

    def execute(self, statement: str, values: tuple[Any, ...] | None = None) -> None:
        """A statement beside all nodes."""
        self._connection.execute(statement.encode(), values)

    def look(self, statement: str, values: tuple[Any, ...] | None = None) -> list[tuple[Any, ...]]:
        """What a query finds."""
        return self._connection.execute(statement.encode(), values).fetchall()


def _application() -> None:
    world = World(performers={"lambda.prepare": lambda _key, _body: None})
    build(world.call)
    world.run_due()
    world.close()


@cache
def database() -> Database:
    """The one of this process."""
    return Database(_application)
