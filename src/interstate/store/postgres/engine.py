"""Connecting, committing, and coming back after the database was away.

Theory of operation
-------------------
One connection writes, ``READERS`` others read what is committed; all belong to the loop's thread, which watches their sockets
for a commit's answer and for what reads have found. While a commit is on its way, the next batch may be decided on another
connection that writes (``WRITERS``); it waits in the database for what the first one has locked, as another node's would. A node
that others declared dead finds its row in ``nodes`` gone (the *fence*, the last statement before COMMIT) and writes nothing any
more; what it holds the database lets go before (``connecting``).

When the database is away, ``begin`` refuses with ``StoreUnavailable`` and tries to connect again at growing distances;
calls are answered with an error that clients repeat, and nothing that was acknowledged is lost.

A database may also be there and answer nothing. No wait for it is without a bound (``pipe.SILENCE_S_MAX``), and a node that
serves does not wait on its loop (``does_not_wait``): a question that is not answered at once is put aside (``Slow``), connections
are made in a thread (``dialling``), and ``break_silence`` ends those that are silent for too long.
"""

import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from math import inf
from time import monotonic
from typing import Any

import msgspec
import psycopg
from psycopg import errors, sql

from interstate.store.ports import Look, Rows, StoreUnavailable, Wanted
from interstate.store.postgres import connecting
from interstate.store.postgres.connecting import Opened, Writer
from interstate.store.postgres.dialling import dialled, has_ended
from interstate.store.postgres.fitness import VERSION_TRANSACTION_TIMEOUT, check, take_your_time
from interstate.store.postgres.line import Fenced, Line, Overtaken
from interstate.store.postgres.migrate import migrate
from interstate.store.postgres.pipe import PipedConnection, Question, limited
from interstate.store.postgres.plans import Plans
from interstate.store.postgres.registry import NUMBERS, end_backends, registered, renew_once, renewed
from interstate.store.postgres.rows import NUMBER_SHIFT, PostgresRows
from interstate.store.postgres.snapshots import PostgresSnapshot
from interstate.store.sequences import Sequences

LEASE_S = 6.0
"""A node that did not renew for so long is dead; its work goes on elsewhere within 10 s (design, law 9)."""
READERS = 2
"""Connections that only read: while one is asked, the node answers what the other has found."""
WRITERS = 2
"""Connections that write: while a commit is on its way on one, the next batch is decided on the other."""
PATIENCE_S = 0.5
"""So long a node that serves waits on its loop for an answer, and for a connection: what takes longer is awaited beside it."""
WRITER_SHIFT = 8
"""Own rows are those of a node and a connection: what two transactions write at once are two rows."""
_AGAIN_FIRST_S, _AGAIN_MAX_S = 0.1, 2.0

# Words that only the database may speak: 57P01..03 shut down or starting, 53300 too many connections, 08xxx the line.
_AWAY = (psycopg.OperationalError, psycopg.InterfaceError)
_RETRIES = (
    Overtaken,
    errors.SerializationFailure,
    errors.DeadlockDetected,
    errors.LockNotAvailable,
    errors.UniqueViolation,
)


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
        self._next[table] = drawn + count * NUMBERS
        return range(drawn, drawn + count * NUMBERS, NUMBERS)


class PostgresCommit:
    """``store.ports.Commit`` of a connection; nothing else is asked there until it has its answer."""

    def __init__(self, store: "PostgresStore", writer: Writer, socket: int) -> None:
        self.socket = socket
        self._store = store
        self._writer = writer
        writer.awaited = True

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
        self._writer.awaited = False

    def drop(self) -> None:
        """Roll back."""
        self._writer.line.rollback()
        self._writer.awaited = False


class PostgresAhead:
    """``store.ports.Ahead`` of a connection."""

    def __init__(self, store: "PostgresStore", writer: Writer, wanted: Wanted, looks: Sequence[Look]) -> None:
        self.wanted, self.looks = wanted, looks
        self._store = store
        self._writer = writer
        self.socket, self._answer = writer.rows.ask_ahead(wanted, looks)
        writer.awaited = True

    def has_come(self) -> bool:
        """Whether the answer is there, or will never be."""
        return self._writer.line.answer_has_come()

    def take(self) -> list[list[msgspec.Struct | None]]:
        """Go on with it."""
        self._writer.awaited = False
        self._store.go_on(self._writer)
        return self._answer()

    def drop(self) -> None:
        """Roll back."""
        self._writer.line.rollback()
        self._writer.awaited = False


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
        self.reconnected: Callable[[Sequence[PipedConnection]], None] = lambda _made: None
        self.snapshots: list[PostgresSnapshot] = []
        self._plans = Plans()
        self._writers: list[Writer] = []
        self._at: Writer
        self._next_try, self._wait_s = 0.0, _AGAIN_FIRST_S
        self._closed = False
        self._dial: Future[Opened] | None = None
        self._patience_s: float | None = None  # None: who asks waits until there are connections.
        with connecting.connect(url) as connection:
            check(connection)
            take_your_time(connection)
            migrate(connection)
        opened: list[PipedConnection] = []
        try:
            self._take(self._open(WRITERS, READERS, opened))
            self.register()
        except BaseException:
            for each in opened:
                each.close()
            raise

    # Connections -----------------------------------------------------------------------------------------------

    def _open(self, writers: int, readers: int, opened: list[PipedConnection]) -> Opened:
        """Connect. What is made so far is among those that are ``opened``."""
        made = Opened([], [])
        for place in range(writers):
            made.writers.append(self._new_writer(place))
            opened.append(made.writers[-1].line.connection)
        for _ in range(readers):
            made.snapshots.append(
                PostgresSnapshot(Line(connecting.connect_reader(self.url), self._plans, writes=False))
            )
            opened.append(made.snapshots[-1].line.connection)
        return made

    def _new_writer(self, place: int) -> Writer:
        writer = Writer(connecting.connect(self.url), place, self._plans)
        writer.line.prolonged = self._keep_lease
        return writer

    def _take(self, made: Opened) -> None:
        """Go on with new connections."""
        if made.writers:
            for writer in self._writers:
                writer.line.connection.close()
            self._at, self._writers = made.writers[0], made.writers
        for snapshot in self._stale():
            snapshot.line.connection.close()
            self.snapshots.remove(snapshot)
        self.snapshots += made.snapshots
        if made.node is not None:
            self.number, self.epoch = made.node
            self.fenced = False
        if self._patience_s is not None:
            self.does_not_wait()

    def _stale(self) -> list[PostgresSnapshot]:
        """Those that cannot be used and that nobody uses."""
        return [snapshot for snapshot in self.snapshots if not snapshot.taken and not snapshot.line.usable]

    def does_not_wait(self) -> None:
        """From now on an answer, and a connection, that takes longer than ``PATIENCE_S`` is awaited beside the loop."""
        self._patience_s = PATIENCE_S
        for line in self._lines:
            line.patience_ms = int(PATIENCE_S * 1000)

    def break_silence(self) -> None:
        """End the connections that have been silent for too long: who awaits their answers is told."""
        for connection in self.connections:
            if not connection.closed:
                connection.pipe.break_silence()

    def silent_s(self) -> float:
        """For how long the database has not answered what it was asked last; infinite while there is no connection."""
        if not self._all_write:
            return inf
        return max(connection.pipe.silent_s() for connection in self.connections if not connection.closed)

    @property
    def _all_write(self) -> bool:
        return bool(self._writers) and all(writer.line.usable for writer in self._writers)

    @property
    def line(self) -> Line:
        """The line of the batch that is open, or was last."""
        return self._at.line

    @property
    def writer(self) -> PipedConnection:
        """Its connection; what is still on its way there is read before."""
        connection = self._at.line.connection
        if not self._at.flies:
            connection.pipe.drain()
        return connection

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
        return connecting.connections_of(self._writers, self.snapshots)

    @property
    def _lines(self) -> list[Line]:
        return [writer.line for writer in self._writers] + [snapshot.line for snapshot in self.snapshots]

    def come_back(self) -> None:
        """Look whether the database is there again, as the next call would."""
        with suppress(StoreUnavailable):
            self._ensure()

    def _ensure(self) -> None:
        reads = all(snapshot.taken or snapshot.line.usable for snapshot in self.snapshots)
        if reads and not self.fenced and self._all_write:
            return
        patience_s = self._patience_s
        if self._dial is None:
            if monotonic() < self._next_try:
                raise StoreUnavailable("the database cannot be reached")
            if any(writer.flies for writer in self._writers):  # Their commits may still be made.
                raise StoreUnavailable("a connection to the database was lost")
            self._dial = self._dialled()
        elif patience_s is not None:
            patience_s = 0  # The first one has waited.
        if not has_ended(self._dial, patience_s):
            raise StoreUnavailable("the database does not answer")
        dial, self._dial = self._dial, None
        try:
            made = dial.result()
            self._take(made)
        except _AWAY as error:
            self.line.broken = True
            self._next_try = monotonic() + self._wait_s
            self._wait_s = min(self._wait_s * 2, _AGAIN_MAX_S)
            raise StoreUnavailable(f"the database cannot be reached: {error}") from error
        self._wait_s = _AGAIN_FIRST_S
        self.reconnected(connecting.connections_of(made.writers, made.snapshots))

    def _dialled(self) -> Future[Opened]:
        """New connections for those that cannot be used, and a row among the nodes; a snapshot that is in use ends first."""
        anew = self.fenced or not self._all_write
        fenced, stale = self.fenced, self._stale()
        number, epoch = self.number, self.epoch
        lost = [writer.backend for writer in self._writers] if anew and not fenced else []
        kept = [each.line.connection for each in self.snapshots if each not in stale]
        if not anew:
            kept += [writer.line.connection for writer in self._writers]
        readers = READERS - len(self.snapshots) + len(stale)

        def make() -> Opened:
            opened: list[PipedConnection] = []
            try:
                made = self._open(WRITERS if anew else 0, readers, opened)
                backends = connecting.backends_of([*kept, *opened])
                asked = connecting.connect(self.url)
                opened.append(asked)
                with limited(asked):
                    if fenced or not renewed(asked, number, epoch, backends):
                        made.node = registered(asked, self.role, backends, _micros(LEASE_S))
                    end_backends(asked, lost)
                asked.close()
            except BaseException:
                for connection in opened:
                    connection.close()
                raise
            return made

        return dialled(make)

    def _let_go(self) -> None:
        if self._dial is not None:  # It comes too late.
            self._dial.add_done_callback(_close_opened)
        for connection in self.connections:
            connecting.close(connection)

    # Nodes -----------------------------------------------------------------------------------------------------

    def register(self) -> None:
        """Become a node: the lowest free number, a new epoch.

        Raises:
            NoNumberLeft: all are taken.
        """
        self.number, self.epoch = registered(
            self.writer, self.role, connecting.backends_of(self.connections), _micros(LEASE_S)
        )
        self.fenced = False

    def _keep_lease(self) -> None:
        """A batch that works for longer than a lease keeps the loop from renewing it; while it asks the database, its node lives."""
        renewing = dialled(partial(renew_once, self.url, self.number, self.epoch, _micros(LEASE_S)))
        # Whether it was renewed is nobody's business here: the loop's own renewal finds out, or the fence does.
        has_ended(renewing, self._patience_s)

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

    def ask_ahead(self, wanted: Wanted, looks: Sequence[Look] = ()) -> PostgresAhead:
        """Begin, and ask for rows without a wait.

        Raises:
            StoreUnavailable: the database is away.
        """
        self.begin()
        return PostgresAhead(self, self._at, wanted, looks)

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
        self.line.patient = True
        self.line.open()
        self.writer.execute("SET LOCAL statement_timeout = 0")
        if self.writer.info.server_version >= VERSION_TRANSACTION_TIMEOUT:
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
        for writer in self._writers:
            if writer.line.usable and not writer.flies:
                writer.line.rollback()
                connection = writer.line.connection
                connection.pipe.drain()
                with suppress(psycopg.Error), limited(connection):  # Then its lease runs out.
                    connection.execute("UPDATE nodes SET lease_until = 0 WHERE epoch = %s", (self.epoch,))
                break
        self._let_go()


def _close_opened(dial: Future[Opened]) -> None:
    if dial.exception() is None:
        dial.result().close()


def _micros(seconds: float) -> int:
    return int(seconds * 1_000_000)
