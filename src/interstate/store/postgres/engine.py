"""Connecting, committing, and coming back after the database was away.

Theory of operation
-------------------
One connection writes, ``READERS`` others read what is committed; all belong to the loop's thread, which watches their sockets
for a commit's answer and for what reads have found. While a commit is on its way, the next batch may be decided on another
connection that writes (``WRITERS``); it waits in the database for what the first one has locked, as another node's would. Time-outs of the session end what a frozen node would hold: a transaction that idles is ended by the
database well below the node's lease, so its row locks never outlive it. A node that others declared dead finds its row in
``nodes`` gone (the *fence*, the last statement before COMMIT) and writes nothing any more.

When the database is away, ``begin`` refuses with ``StoreUnavailable`` and tries to connect again at growing distances;
calls are answered with an error that clients repeat, and nothing that was acknowledged is lost.
"""

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic
from typing import Any

import msgspec
import psycopg
from psycopg import Connection, errors, sql

from interstate.store.ports import Rows, StoreUnavailable, Wanted
from interstate.store.postgres.line import Fenced, Line, Overtaken
from interstate.store.postgres.migrate import migrate
from interstate.store.postgres.pipe import PipedConnection, Question
from interstate.store.postgres.rows import NUMBER_SHIFT, PostgresRows
from interstate.store.postgres.snapshots import PostgresSnapshot
from interstate.store.sequences import Sequences

LEASE_S = 6.0
"""A node that did not renew for so long is dead; its work goes on elsewhere within 10 s (design, law 9)."""

IDLE_IN_TRANSACTION_MS = 3000
LOCK_TIMEOUT_MS = 2000
DEADLOCK_TIMEOUT_MS = 100
STATEMENT_TIMEOUT_MS = 5000
TRANSACTION_TIMEOUT_MS = 5500
"""All below the lease: what a frozen node holds is let go before others take its work over. (The last is known since 17.)"""
READERS = 2
"""Connections that only read: while one is asked, the node answers what the other has found."""
WRITERS = 2
"""Connections that write: while a commit is on its way on one, the next batch is decided on the other."""
WRITER_SHIFT = 8
"""Own rows are those of a node and a connection: what two transactions write at once are two rows."""
VERSION_MIN = 160_000
_VERSION_TRANSACTION_TIMEOUT = 170_000
_CONNECT_TIMEOUT_S = 3
_AGAIN_FIRST_S, _AGAIN_MAX_S = 0.1, 2.0
_NUMBERS = 256

# Words that only the database may speak: 57P01..03 shut down or starting, 53300 too many connections, 08xxx the line.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
_RETRIES = (
    Overtaken,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)


class NoNumberLeft(RuntimeError):
    """As many nodes as there are numbers share the database."""

    def __init__(self) -> None:
        super().__init__(f"{_NUMBERS} nodes share this database already. Stop one, or use another database.")


class UnfitDatabase(RuntimeError):
    """The database cannot be shared by nodes as it is; the message says what to do."""


class ClockSequences(Sequences):
    """Numbers from the database's clock: microseconds after the batch's last lock, with the node's number as the last byte.

    Numbers of one node rise; those of rows that are written under one lock rise from one commit to the next. Others need not:
    a reader that wants every row in order reads below the horizon (``Select.follows``, ``Rows.horizon``).
    """

    def __init__(self, store: "PostgresStore") -> None:
        super().__init__()
        self._store = store

    def draw_some(self, table: Any, count: int, rows: Rows) -> range:
        """Numbers higher than any that this node drew before."""
        del rows
        base = (self._store.rows.line.clock() << NUMBER_SHIFT) | self._store.number
        drawn = max(self._next.get(table, 0), base)
        self._next[table] = drawn + count * _NUMBERS
        return range(drawn, drawn + count * _NUMBERS, _NUMBERS)


class Writer:
    """A connection that writes, and what reads and writes there."""

    def __init__(self, connection: PipedConnection, place: int) -> None:
        ends = TRANSACTION_TIMEOUT_MS if connection.info.server_version >= _VERSION_TRANSACTION_TIMEOUT else 0
        self.place = place
        self.line = Line(connection, writes=True, ends_after_ms=ends)
        self.rows = PostgresRows(self.line, locks=True)
        self.flies = False  # Its commit is on its way, and nobody but who sent it may ask here.


class PostgresCommit:
    """``store.ports.Commit`` of a connection; nothing else is asked there until it has its answer."""

    def __init__(self, store: "PostgresStore", writer: Writer, socket: int) -> None:
        self.socket = socket
        self._store = store
        self._writer = writer
        writer.flies = True

    def has_come(self) -> bool:
        """Whether the answer is there, or will never be."""
        return self._writer.line.answer_has_come()

    def end(self) -> None:
        """Read it.

        Raises:
            Fenced: another node declared this one dead.
            Overtaken: another node was faster.
            StoreUnavailable: the connection was lost; whether the commit was made is not known, nobody was told so.
        """
        try:
            self._writer.line.commit(None)  # The fence went before it.
        except Fenced:
            self._store.fenced = True
            self._writer.line.rollback()
            raise
        self._writer.flies = False

    def drop(self) -> None:
        """Roll back."""
        self._writer.line.rollback()
        self._writer.flies = False


class PostgresAhead:
    """``store.ports.Ahead`` of a connection."""

    def __init__(self, store: "PostgresStore", writer: Writer, wanted: Wanted) -> None:
        self.wanted = wanted
        self._store = store
        self._writer = writer
        self.socket, self._answer = writer.rows.ask_ahead(wanted)
        writer.flies = True

    def has_come(self) -> bool:
        """Whether the answer is there, or will never be."""
        return self._writer.line.answer_has_come()

    def take(self) -> list[list[msgspec.Struct | None]]:
        """Go on with it."""
        self._writer.flies = False
        self._store.go_on(self._writer)
        return self._answer()

    def drop(self) -> None:
        """Roll back."""
        self._writer.line.rollback()
        self._writer.flies = False


class PostgresStore:
    """One node's side of a shared database.

    ``url`` is a libpq URL (``postgresql://user@host/database?sslmode=verify-full``).
    """

    durable = True
    reader = None
    takes_turns = True
    asks_ahead = True
    refusals: tuple[type[Exception], ...] = (psycopg.Error, Overtaken)
    retries: tuple[type[Exception], ...] = _RETRIES

    def __init__(self, url: str, *, role: str = "all") -> None:
        self.url = url
        self.role = role
        self.epoch = secrets.randbits(62)
        self.number = 0
        self.fenced = False
        self.reconnected: Callable[[], None] = lambda: None
        self.snapshots: list[PostgresSnapshot] = []
        self._writers: list[Writer] = []
        self._at: Writer
        self._next_try, self._wait_s = 0.0, _AGAIN_FIRST_S
        self._closed = False
        with _connect(url) as connection:
            check(connection)
            _take_your_time(connection)
            migrate(connection)
        self._open()
        self.register()

    # Connections -----------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """Connect, where there is no connection that can be used. A snapshot that is in use ends first."""
        if self.fenced or not self._all_write:
            for writer in self._writers:
                _close(writer.line.connection)
            writers = [self._new_writer(place) for place in range(WRITERS)]
            self._at, self._writers = writers[0], writers
            stale = [snapshot for snapshot in self.snapshots if not snapshot.taken]
        else:
            stale = [snapshot for snapshot in self.snapshots if not snapshot.taken and not snapshot.line.usable]
        for snapshot in stale:
            _close(snapshot.line.connection)
            self.snapshots.remove(snapshot)
        while len(self.snapshots) < READERS:
            self.snapshots.append(PostgresSnapshot(Line(_connect_reader(self.url), writes=False)))

    def _new_writer(self, place: int) -> Writer:
        writer = Writer(_connect(self.url), place)
        writer.line.prolonged = self._keep_lease
        return writer

    @property
    def _all_write(self) -> bool:
        return bool(self._writers) and all(writer.line.usable for writer in self._writers)

    @property
    def line(self) -> Line:
        """The line of the batch that is open, or was last."""
        return self._at.line

    @property
    def writer(self) -> PipedConnection:
        """Its connection."""
        return self._at.line.connection

    @property
    def rows(self) -> PostgresRows:
        """What reads and writes there."""
        return self._at.rows

    @property
    def read_connection(self) -> PipedConnection:
        """The first of those that read."""
        return self.snapshots[0].line.connection

    @property
    def connections(self) -> list[PipedConnection]:
        """All, those that write first."""
        lines = [writer.line for writer in self._writers] + [snapshot.line for snapshot in self.snapshots]
        return [line.connection for line in lines]

    def _ensure(self) -> None:
        reads = all(snapshot.taken or snapshot.line.usable for snapshot in self.snapshots)
        if reads and not self.fenced and self._all_write:
            return
        if monotonic() < self._next_try:
            raise StoreUnavailable("the database cannot be reached")
        if any(writer.flies for writer in self._writers):  # Their commits may still be made.
            raise StoreUnavailable("a connection to the database was lost")
        try:
            self._open()
            if self.fenced or not self._renewed():
                self.register()
        except _AWAY as error:
            self.line.broken = True
            self._next_try = monotonic() + self._wait_s
            self._wait_s = min(self._wait_s * 2, _AGAIN_MAX_S)
            raise StoreUnavailable(f"the database cannot be reached: {error}") from error
        self._wait_s = _AGAIN_FIRST_S
        self.reconnected()

    def _let_go(self) -> None:
        for connection in self.connections:
            _close(connection)

    def _renewed(self) -> bool:
        """After a lost connection: whether we are still who we were."""
        row = self.writer.execute(
            "UPDATE nodes SET backends = %s WHERE number = %s AND epoch = %s RETURNING number",
            (self._backends(), self.number, self.epoch),
        ).fetchone()
        return row is not None

    def _backends(self) -> str:
        pids = [connection.info.backend_pid for connection in self.connections if not connection.closed]
        return msgspec.json.encode(pids).decode()

    # Nodes -----------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Become a node: the lowest free number, a new epoch.

        Raises:
            NoNumberLeft: all are taken.
        """
        self.epoch = secrets.randbits(62)
        with self.writer.transaction():
            self.writer.execute("LOCK TABLE nodes IN SHARE ROW EXCLUSIVE MODE")
            rows = self.writer.execute("SELECT number, name FROM nodes").fetchall()
            gone = [number for number, name in rows if _is_gone(name)]
            self.writer.execute("UPDATE nodes SET lease_until = 0 WHERE number = ANY(%s)", (gone,))
            taken = {number for number, _ in rows}
            free = next((number for number in range(1, _NUMBERS) if number not in taken), None)
            if free is None:
                raise NoNumberLeft
            self.number = free
            self.writer.execute(
                "INSERT INTO nodes VALUES (%s, %s, %s, '', %s, micros_now(), micros_now() + %s, %s)",
                (
                    free,
                    self.epoch,
                    _name(os.getpid()),
                    self.role,
                    _micros(LEASE_S),
                    self._backends(),
                ),
            )
        self.fenced = False

    def _keep_lease(self) -> None:
        """A batch that works for longer than a lease keeps the loop from renewing it; while it asks the database, its node lives."""
        with (
            suppress(psycopg.Error),  # Then the loop's own renewal finds out, or the fence does.
            psycopg.connect(
                self.url, autocommit=True, connect_timeout=_CONNECT_TIMEOUT_S, application_name="interstate-node"
            ) as connection,
        ):
            connection.execute(
                "UPDATE nodes SET lease_until = micros_now() + %s WHERE number = %s AND epoch = %s",
                (_micros(LEASE_S), self.number, self.epoch),
            )

    @property
    def lane_base(self) -> int:
        """Where this node's lanes of due work begin; those of nobody for a node that only answers calls."""
        return self.number * 4 if self.works else 0

    @property
    def node(self) -> int:
        """This node's number, and behind it that of the connection that writes."""
        return self.number + (self._at.place << WRITER_SHIFT)

    @property
    def works(self) -> bool:
        """Whether it does due work."""
        return self.role != "api"

    # Transactions ----------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Open the transaction of a batch; BEGIN itself goes with the first read.

        Raises:
            StoreUnavailable: the database is away.
        """
        self._ensure()
        self._at = next(writer for writer in self._writers if not writer.flies)

    def ask_ahead(self, wanted: Wanted) -> PostgresAhead:
        """Begin, and ask for rows without a wait.

        Raises:
            StoreUnavailable: the database is away.
        """
        self.begin()
        return PostgresAhead(self, self._at, wanted)

    def go_on(self, writer: Writer) -> None:
        """The transaction of this connection is the one that is open."""
        self._at = writer

    def has_room(self) -> bool:
        """Whether a connection that writes awaits nothing."""
        return self._all_write and not self.fenced and any(not writer.flies for writer in self._writers)

    def settle(self) -> None:
        """Have the database take what was written; what it refuses shows here instead of at the commit."""
        self.line.settle()

    def commit(self) -> None:
        """End it, durable when this returns. May run in a helper thread.

        Raises:
            Fenced: another node declared this one dead.
            Overtaken: another node was faster.
            StoreUnavailable: the connection was lost; whether the commit was made is not known, nobody was told so.
        """
        try:
            self.line.commit(self._fence)
        except Fenced:
            self.fenced = True
            self.line.rollback()
            raise

    @property
    def _fence(self) -> Question:
        return "SELECT fence($1, $2)", (self.number, self.epoch)

    def send_commit(self) -> PostgresCommit | None:
        """Have it ended while the loop goes on."""
        socket = self.line.send_commit(self._fence)
        return None if socket is None else PostgresCommit(self, self._at, socket)

    def rollback(self) -> None:
        """Drop it. What is on its way to its commit is not open any more."""
        if not self._at.flies:
            self.line.rollback()

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """Lines tell themselves what is lost."""
        return error if isinstance(error, StoreUnavailable) else None

    def snapshot(self) -> PostgresSnapshot | None:
        """A snapshot of what is committed when it is asked first; None while all connections that read are in use.

        Raises:
            StoreUnavailable: the database is away.
        """
        self._ensure()
        for snapshot in self.snapshots:
            if not snapshot.taken:
                snapshot.taken = True
                return snapshot
        return None

    def begin_read(self) -> None:
        """There is no ``reader``."""

    def end_read(self) -> None:
        """As above."""

    def wal_bytes(self) -> int:
        """The database keeps its own log."""
        return 0

    def shorten_wal(self, *, truncate: bool) -> None:
        """The database does that."""

    def wipe(self) -> None:
        """Forget every record; the schema and the nodes stay."""
        self.begin()
        self.line.open()
        self.writer.execute("SET LOCAL statement_timeout = 0")
        if self.writer.info.server_version >= _VERSION_TRANSACTION_TIMEOUT:
            self.writer.execute("SET LOCAL transaction_timeout = 0")
        names = self.writer.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') "
            "AND NOT relispartition AND relname NOT IN ('schema_migrations', 'nodes')"
        ).fetchall()
        for (name,) in names:
            self.writer.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(name)))
        self.line.wrote = True
        self.commit()

    def close(self) -> None:
        """Leave: the lease of this node ends now, its due work waits for whoever takes it over."""
        if self._closed:
            return
        self._closed = True
        if self.line.usable:
            self.rollback()
            with suppress(psycopg.Error):  # Then its lease runs out.
                self.writer.execute("UPDATE nodes SET lease_until = 0 WHERE epoch = %s", (self.epoch,))
        self._let_go()


def check(connection: Connection[Any]) -> None:
    """Refuse a database that nodes cannot share.

    Raises:
        UnfitDatabase: it is too old, it only reads, or does not tell of its sessions.
    """
    version = connection.info.server_version
    if version < VERSION_MIN:
        raise UnfitDatabase(
            f"This database is PostgreSQL {version // 10_000}.{version % 10_000}. Interstate needs version "
            f"{VERSION_MIN // 10_000} or newer: upgrade it (pg_upgrade), or name another one with --database."
        )
    if _shown(connection, "track_activities") != "on":
        raise UnfitDatabase(
            "The database does not track its sessions, so nodes cannot see whose transactions are open. "
            "Set track_activities = on in its configuration and reload it."
        )
    if _shown(connection, "transaction_read_only") == "on":
        raise UnfitDatabase(
            "This database only reads: it is a standby. Name the primary with --database "
            "(target_session_attrs=read-write in the URL finds it among several hosts)."
        )


def _take_your_time(connection: Connection[Any]) -> None:
    """A large store or a slow machine may need it, and others wait for the schema."""
    names = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]
    if connection.info.server_version >= _VERSION_TRANSACTION_TIMEOUT:
        names.append("transaction_timeout")
    for name in names:
        connection.execute(sql.SQL("SET {} = 0").format(sql.Identifier(name)))


def _shown(connection: Connection[Any], setting: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (setting,)).fetchone()
    assert row is not None
    value: str = row[0]
    return value


def _connect(url: str) -> PipedConnection:
    connection = PipedConnection.connect(
        url,
        autocommit=True,
        connect_timeout=_CONNECT_TIMEOUT_S,
        application_name="interstate",
        keepalives_idle=2,
        keepalives_interval=1,
        keepalives_count=3,
        tcp_user_timeout=5000,
        options=(
            f"-c idle_in_transaction_session_timeout={IDLE_IN_TRANSACTION_MS} -c lock_timeout={LOCK_TIMEOUT_MS} "
            f"-c statement_timeout={STATEMENT_TIMEOUT_MS} -c synchronous_commit=on "
            "-c jit=off -c plan_cache_mode=force_generic_plan"
        ),
    )
    if connection.info.server_version >= _VERSION_TRANSACTION_TIMEOUT:
        connection.execute(f"SET transaction_timeout = {TRANSACTION_TIMEOUT_MS}".encode())
    with suppress(errors.InsufficientPrivilege):  # Then after the server's own, a second as a rule.
        connection.execute(f"SET deadlock_timeout = {DEADLOCK_TIMEOUT_MS}".encode())
    connection.prepare_threshold = None  # ``pipe`` does that.
    return connection


def _close(connection: PipedConnection | None) -> None:
    if connection is not None and not connection.closed:
        connection.pipe.drain()
        connection.close()


def _connect_reader(url: str) -> PipedConnection:
    connection = _connect(url)
    connection.execute("SET application_name = 'interstate-reader'")  # No number is drawn there.
    connection.execute("SET default_transaction_read_only = on")
    connection.execute("SET default_transaction_isolation = 'repeatable read'")
    return connection


def _machine() -> str:
    """This machine's present run and its space of process numbers: elsewhere a number means another process."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _name(pid: int) -> str:
    return f"{socket.gethostname()} {pid} {_machine()}"


def _is_gone(name: str) -> bool:
    """Whether a node's name means a process of this machine that does not run any more: nobody needs to wait for its lease."""
    _, pid, machine = name.split(" ", 2)
    if not machine or machine != _machine():
        return False
    return not Path(f"/proc/{pid}").exists()


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
