"""A node's store whose commits end when the schedule says so: two of one node may be on their way at once, and end in either order.

The database is a real one, and so are its locks, its snapshots and what it refuses. Held back is only COMMIT: a *held* commit has its
writes in the database (or, as the dice fall, sends them with COMMIT) and keeps its locks until it *lands*; who asked for it learns of
that when the schedule lets him look. Who waits in the database for the locks of a held commit has it land, as it would by itself.
"""

from collections.abc import Callable
from functools import partial
from math import inf
from time import monotonic
from typing import Any

from psycopg import errors, pq

from interstate.store.ports import StoreUnavailable
from interstate.store.postgres.connecting import Writer, close
from interstate.store.postgres.engine import PostgresCommit, PostgresStore
from interstate.store.postgres.line import Overtaken

LOCK_TIMEOUT_MS = 10
"""Two transactions of one thread never wait for each other with success, but for one that lands."""

_LOOK_MS = 2
_WELL = {pq.ExecStatus.COMMAND_OK, pq.ExecStatus.TUPLES_OK, pq.ExecStatus.PIPELINE_SYNC}
REFUSALS: tuple[Callable[[], Exception], ...] = (
    partial(errors.SerializationFailure, "could not serialize access"),
    partial(errors.DeadlockDetected, "deadlock detected"),
    partial(Overtaken, "items"),
)
"""What the database says when another transaction was faster: nothing of this one happened, and it is decided again."""


class _Patient:
    """Waits for a socket as before, and tells again and again that it still does."""

    def __init__(self, poll: Any, waits: Callable[[], None]) -> None:
        self._poll, self._waits = poll, waits
        self.modify = poll.modify

    def poll(self, timeout_ms: int | None = None) -> Any:
        """What has come, within so long a time."""
        if timeout_ms == 0:
            return self._poll.poll(0)
        ends = inf if timeout_ms is None else monotonic() + timeout_ms / 1000
        while not (come := self._poll.poll(_LOOK_MS)) and monotonic() < ends:
            self._waits()
        return come


class HeldCommit(PostgresCommit):
    """A commit on its way, until it lands or is refused; then it may be looked at."""

    def __init__(self, store: "HoldingStore", writer: Writer) -> None:
        super().__init__(store, writer, writer.line.pipe.fileno)
        self.pid = writer.line.connection.info.backend_pid
        self.landed = False
        self.sender = (store.number, store.epoch)
        self._fence = store._fence  # Of who sent it, whoever the store is later.
        self._failed: Exception | None = None

    def send_writes(self) -> None:
        """Have the database take what was written; what it refuses is told as the commit's own end."""
        try:
            self._writer.line.settle()
        except Exception as error:  # noqa: BLE001 whatever it is belongs to who looks
            self._failed = error

    def land(self) -> bool:
        """The database carries it out; whether it was made."""
        self.landed = True
        line = self._writer.line
        if self._failed is not None:
            return False
        try:
            line.send_commit(self._fence)
        except Exception as error:  # noqa: BLE001 as above
            self._failed = error
            return False
        while not line.answer_has_come():
            line.pipe._poll.poll()
        results = [result for result in line.pipe._unread if result is not None]
        return bool(results) and all(result.status in _WELL for result in results)

    def refuse(self, error: Exception) -> None:
        """The database drops it and says why."""
        self.landed = True
        if self._failed is None:
            self._failed = error
            self._writer.line.rollback()

    def lose_answer(self) -> None:
        """It was carried out, and the connection is lost before its answer is there."""
        self._failed = StoreUnavailable("the connection to the database was lost")
        self._writer.line.broken = True

    def has_come(self) -> bool:
        """Whether it has landed."""
        return self.landed

    def end(self) -> None:
        """As the real one, with the error that was drawn."""
        if self in self._store.held:  # type: ignore[attr-defined]  # a store that holds
            self._store.held.remove(self)  # type: ignore[attr-defined]  # as above
        if self._failed is None:
            super().end()
            return
        line: Any = self._writer.line
        line.commit = self._raise  # For this one time.
        try:
            super().end()
        finally:
            del line.commit

    def _raise(self, _fence: Any) -> None:
        assert self._failed is not None
        raise self._failed


def _nobody(_writer: Writer) -> None:
    """Nobody helps."""


class HoldingStore(PostgresStore):
    """``waits`` is told, every few milliseconds, that a writer waits for the database; ``late`` draws when writes are sent."""

    waits: Callable[[Writer], None] = staticmethod(_nobody)

    def __init__(self, url: str, late: Callable[[], bool]) -> None:
        self.held: list[HeldCommit] = []
        self._late = late
        super().__init__(url)

    def _new_writer(self, place: int) -> Writer:
        writer = super()._new_writer(place)
        writer.line.connection.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
        pipe: Any = writer.line.pipe
        pipe._poll = _Patient(pipe._poll, lambda: self.waits(writer))
        return writer

    def send_commit(self) -> PostgresCommit | None:
        """Hold it."""
        held = HeldCommit(self, self._at)
        self.held.append(held)
        if not self._late():
            held.send_writes()
        return held

    def vanish(self, end_backends: Callable[[list[int]], None]) -> None:
        """The process is gone: its connections end, what they had open is dropped, and nobody leaves politely."""
        self._closed = True
        self.held.clear()
        end_backends([connection.info.backend_pid for connection in self.connections if not connection.closed])
        for connection in self.connections:
            close(connection)
