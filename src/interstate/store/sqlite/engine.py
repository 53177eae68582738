"""Opening, locking, committing and keeping small the database file.

Theory of operation
-------------------
One connection writes; its transactions are decided on the loop's thread and its COMMIT (the disk's wait) is made by a
helper thread, never both at once. A second connection reads committed state meanwhile. ``DIR/lock`` is held by flock, so
that a second server on the same data is refused with the first one's pid; the kernel drops the lock when we die.
"""

import fcntl
import os
import sqlite3
import sys
from collections.abc import Sequence
from pathlib import Path

from interstate.store.ports import Ahead, Look, StoreUnavailable, Wanted
from interstate.store.sqlite.damage import refuse_damage, unavailable
from interstate.store.sqlite.migrate import fill_empty, migrate
from interstate.store.sqlite.rows import SqliteRows

_CHECKPOINT_PAGES = 4000  # Passive checkpoints inside COMMIT keep the WAL short without stopping readers.


class DataDirectoryInUse(RuntimeError):
    """Another server holds the data directory."""

    def __init__(self, directory: Path, pid: str) -> None:
        super().__init__(
            f"{directory} is in use by another Interstate server (pid {pid or 'unknown'}). "
            "Stop it, or choose another --data directory."
        )


class SqliteStore:
    """The embedded store: in ``directory``, or in memory when there is none.

    Raises:
        DataDirectoryInUse: another server holds it.
        Damaged: a file is not what was written.
    """

    lane_base = 0
    node = 0
    works = True
    retries: tuple[type[Exception], ...] = ()

    def __init__(self, directory: Path | None) -> None:
        self._closed = True  # Until there is something to close.
        self.directory = directory
        self._lock = None if directory is None else _lock(directory)
        path = ":memory:" if directory is None else str(directory / "interstate.db")
        self._path = path
        self.reader: SqliteRows | None = None
        try:
            if directory is not None:
                refuse_damage(directory / "interstate.db")
            self.writer = _connect(path)
        except BaseException:
            self._let_go()
            raise
        self._closed = False
        try:
            if directory is not None:
                self.writer.execute("PRAGMA journal_mode = WAL")
            if directory is None:
                fill_empty(self.writer)
            else:
                migrate(self.writer)
                self.reader = SqliteRows(_connect_reader(path))
        except BaseException:
            self.close()
            raise
        self.rows = SqliteRows(self.writer)

    @property
    def durable(self) -> bool:
        """Whether a commit waits for the disk."""
        return self.directory is not None

    @property
    def refusals(self) -> tuple[type[Exception], ...]:
        """How SQLite says no."""
        return (sqlite3.Error,)

    def unavailable(self, error: Exception) -> StoreUnavailable | None:
        """A disk that is full, or refuses, is nobody's call's fault."""
        return unavailable(error, self.directory)

    takes_turns = False

    def snapshot(self) -> None:
        """``reader`` answers at once."""

    def begin_read(self) -> None:
        """Open a snapshot on the second connection."""
        assert self.reader is not None
        self.reader.connection.execute("BEGIN")

    def end_read(self) -> None:
        """Let go of it, so that the WAL can be restarted."""
        assert self.reader is not None
        self.reader.connection.execute("COMMIT")

    def begin(self) -> None:
        """Open the write transaction of a batch."""
        self.writer.execute("BEGIN IMMEDIATE")

    def settle(self) -> None:
        """Statements run when they are made."""

    def commit(self) -> None:
        """End it; on disk when this returns. May run in a helper thread."""
        self.writer.execute("COMMIT")

    asks_ahead = False

    def ask_ahead(self, wanted: Wanted, looks: Sequence[Look] = ()) -> Ahead:
        """Nobody asks: a read never waits here."""
        raise NotImplementedError(f"{len(wanted)} tables and {len(looks)} ranges asked ahead")

    def send_commit(self) -> None:
        """SQLite waits for the disk where it is called."""

    def has_room(self) -> bool:
        """One transaction at a time."""
        return False

    def rollback(self) -> None:
        """Drop it."""
        if self.writer.in_transaction:
            self.writer.execute("ROLLBACK")

    def wal_bytes(self) -> int:
        """The WAL's present length."""
        try:
            return Path(f"{self._path}-wal").stat().st_size if self.durable else 0
        except FileNotFoundError:
            return 0

    def shorten_wal(self, *, truncate: bool) -> None:
        """Restart the WAL, or truncate it; between batches only."""
        mode = "TRUNCATE" if truncate else "RESTART"
        self.writer.execute(f"PRAGMA wal_checkpoint({mode})").fetchall()

    def numbers_ahead(self) -> int:
        """By how much numbers must be ahead of the clock: more than 0 when what is here came from PostgreSQL."""
        row = self.writer.execute("SELECT value FROM settings WHERE name = 'numbers_ahead'").fetchone()
        return 0 if row is None else int(row[0])

    def wipe(self) -> None:
        """Forget every record; the schema stays."""
        names = self.writer.execute("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
        self.begin()
        for (name,) in names.fetchall():
            if name != "schema_migrations":
                self.writer.execute(f"DELETE FROM {name}")
        self.commit()

    def __del__(self) -> None:
        """A store that nobody holds any more lets its files go, as one that was closed."""
        if not self._closed:
            self.close()

    def close(self) -> None:
        """Release files and lock; what was committed is safe without this."""
        if self._closed:
            return
        self._closed = True
        self.rollback()
        if self.reader is not None:
            self.reader.connection.close()
        self.writer.close()
        self._let_go()

    def _let_go(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


class _Held:
    """A data directory that nobody else may open."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def close(self) -> None:
        os.close(self._handle)


def lock_directory(directory: Path) -> _Held:
    """Hold a data directory as a server does.

    Raises:
        DataDirectoryInUse: another server holds it.
    """
    return _Held(_lock(directory))


def _connect(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=512)
    connection.execute("PRAGMA synchronous = FULL")
    if sys.platform == "darwin":
        connection.execute("PRAGMA fullfsync = 1")
    connection.execute("PRAGMA cache_size = -65536")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA busy_timeout = 10000")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    return connection


def _connect_reader(path: str) -> sqlite3.Connection:
    connection = _connect(path)
    connection.execute("PRAGMA query_only = 1")
    return connection


def _lock(directory: Path) -> int:
    directory.mkdir(parents=True, exist_ok=True)
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        pid = os.read(handle, 32).decode().strip()
        os.close(handle)
        raise DataDirectoryInUse(directory, pid) from error
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())
    return handle
