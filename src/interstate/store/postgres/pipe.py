"""Statements of one connection, many in a round trip, with little work a statement.

Theory of operation
-------------------
The driver's own pipeline costs some 80 us of Python a statement, more than the database needs for it. Here a statement's text is
prepared once, under a number, by the way: the preparation travels before its first use. Afterwards a statement is its number and
its parameters in binary form, and its rows are read by the driver's compiled readers, which are chosen once, too.

What is sent may be awaited later (``send``, then ``receive``), by somebody who watches ``fileno`` meanwhile. In a pipeline
nothing after a failed statement is carried out; a preparation counts from its own answer on.

A database may take what it is sent and answer nothing (a process that stands still, a network that drops packets): who waits
here does so for ``SILENCE_S_MAX`` at most, then the connection is broken off; who watches the socket has ``break_silence`` called.

Source: libpq, "Pipeline Mode"; the message flow of the extended query protocol.
"""

import os
import select
import socket
import struct
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from threading import Timer
from time import monotonic
from typing import Any

from psycopg import Connection, Error, OperationalError, errors, pq
from psycopg.adapt import Transformer

from interstate.store.postgres.arrays import OIDS, escaped

Question = tuple[str, Sequence[Any]]
"""A statement with ``$1``, ``$2`` ... and its parameters."""

SILENCE_S_MAX = 6.5
"""So long nothing is heard of a statement: a database that lives has ended it by then (``engine``'s time-outs)."""
_SILENCE_MS = int(SILENCE_S_MAX * 1000)
_DRAIN_MS = 1000
CONNECT_TIMEOUT_S = 3

_INT8, _BYTEA, _FLOAT8, _INFERRED = 20, 17, 701, 0
_INT = struct.Struct("!q").pack
_FLOAT = struct.Struct("!d").pack
_TEXT_FORMAT, _BINARY_FORMAT = 0, 1
_PREPARED_MAX = 2000
_FORGET_ALL = b"DEALLOCATE ALL"
_OK, _ROWS, _SYNC, _EMPTY = (
    pq.ExecStatus.COMMAND_OK,
    pq.ExecStatus.TUPLES_OK,
    pq.ExecStatus.PIPELINE_SYNC,
    pq.ExecStatus.PIPELINE_ABORTED,
)
_Packed = tuple[bytes | None, int, int]
_NOTHING: tuple[tuple[Any, ...], ...] = ((), (), ())


def _pack(value: Any) -> _Packed:
    """A parameter's bytes, their format, and its type."""
    if isinstance(value, int):
        return _INT(value), _BINARY_FORMAT, _INT8
    if isinstance(value, str):
        return escaped(value).encode(), _TEXT_FORMAT, _INFERRED
    if isinstance(value, bytes):
        return value, _BINARY_FORMAT, OIDS.get(type(value), _BYTEA)
    if value is None:
        return None, _TEXT_FORMAT, _INFERRED
    if isinstance(value, float):
        return _FLOAT(value), _BINARY_FORMAT, _FLOAT8
    raise TypeError(type(value))


class NotYet(Exception):
    """There is no answer yet; it may still come."""


def break_off(fileno: int) -> None:
    """Nothing comes by this socket any more, and who waits for it is told. (To cancel would be one more question.)"""
    with suppress(OSError), socket.socket(fileno=os.dup(fileno)) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextmanager
def limited(connection: Connection[Any]) -> Iterator[None]:
    """What the driver waits for by itself within has the same bound. Not for the loop's thread."""
    timer = Timer(SILENCE_S_MAX, break_off, (connection.pgconn.socket,))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


class _Prepared:
    """A statement that the database knows, or is about to hear of."""

    __slots__ = ("formats", "known", "name", "reader", "reads")

    def __init__(self, name: bytes, formats: list[int], reader: Any) -> None:
        self.name = name
        self.formats = formats
        self.known = False
        self.reader = reader
        self.reads = False  # Its reader knows the columns.

    def rows(self, result: Any) -> list[tuple[Any, ...]]:
        count: int = result.ntuples
        if not count:
            return []
        self.reader.set_pgresult(result, set_loaders=not self.reads)
        self.reads = True
        rows: list[tuple[Any, ...]] = self.reader.load_rows(0, count, tuple)
        return rows


class Pipe:
    """The statements of a connection of psycopg's, which may be used by itself whenever nothing is awaited here."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._pgconn = connection.pgconn
        self._prepared: dict[tuple[str, tuple[int, ...]], _Prepared] = {}
        self._numbers = 0
        # What was sent and not answered yet, a list a ``send``: a statement, and whether this is its preparation.
        self._awaited: deque[list[tuple[_Prepared | None, bool]]] = deque()
        self._poll = select.poll()
        self._poll.register(self._pgconn.socket, select.POLLIN)
        self._unread: list[Any] = []  # Of the oldest unit's answer.
        self._heard = 0.0  # When the oldest unit began to be awaited.

    @property
    def fileno(self) -> int:
        """What becomes readable when an answer comes."""
        return self._pgconn.socket

    @property
    def awaits(self) -> bool:
        """Whether something was sent whose answer was not received."""
        return bool(self._awaited)

    @property
    def units(self) -> int:
        """So many answers were not received."""
        return len(self._awaited)

    def send(self, questions: Sequence[Question]) -> None:
        """Send statements as one unit, which ``receive`` answers.

        Raises:
            TypeError: a parameter is of no kind that a column holds; nothing was sent.
            psycopg.OperationalError: the connection is lost.
        """
        pgconn = self._pgconn
        packed = [
            (statement, *(zip(*map(_pack, values), strict=True) if values else _NOTHING))
            for statement, values in questions
        ]
        if not self._awaited:
            pgconn.enter_pipeline_mode()
            self._heard = monotonic()
        sent: list[tuple[_Prepared | None, bool]] = []
        self._awaited.append(sent)
        if len(self._prepared) > _PREPARED_MAX:
            self._prepared.clear()
            pgconn.send_query_params(_FORGET_ALL, None)
            sent.append((None, True))
        for statement, parameters, formats, oids in packed:
            prepared = self._prepared.get((statement, oids))
            if prepared is None:
                self._numbers += 1
                prepared = _Prepared(b"s%d" % self._numbers, list(formats), Transformer(self._connection))
                self._prepared[statement, oids] = prepared
            if not prepared.known:
                pgconn.send_prepare(prepared.name, statement.encode(), oids)
                prepared.known = True  # Taken back when it turns out to be wrong.
                sent.append((prepared, True))
            pgconn.send_query_prepared(prepared.name, parameters, prepared.formats, _BINARY_FORMAT)
            sent.append((prepared, False))
        pgconn.pipeline_sync()
        self._flush()

    def _flush(self) -> None:
        while self._pgconn.flush():
            self._poll.modify(self._pgconn.socket, select.POLLIN | select.POLLOUT)
            try:
                found = self._poll.poll(_SILENCE_MS)
            finally:
                self._poll.modify(self._pgconn.socket, select.POLLIN)
            if not found:
                raise self._silent()
            ((_, event),) = found
            if event & ~select.POLLOUT:
                self._pgconn.consume_input()

    def arrived(self) -> bool:
        """Whether ``receive`` would not wait. For who was told that ``fileno`` is readable.

        Reads all that is there: a server that goes away says so, and then the connection ends, which some loops tell once only.

        Raises:
            psycopg.OperationalError: the connection is lost.

        Source: libuv, ``uv__poll_io`` (a socket with an error is not watched any more).
        """
        pgconn = self._pgconn
        if self._is_whole:
            return True
        while True:
            pgconn.consume_input()
            self._heard = monotonic()
            while not pgconn.is_busy():
                result = pgconn.get_result()
                self._unread.append(result)
                if self._is_last(result):
                    return True
            if not self._poll.poll(0):
                return False

    @property
    def _is_whole(self) -> bool:
        unread = self._unread
        return bool(unread) and unread[-1] is not None and unread[-1].status == _SYNC

    def _is_last(self, result: Any) -> bool:
        """Whether it ends a unit. Two ends of statements without a result between them are an end of the connection's."""
        if result is not None:
            return bool(result.status == _SYNC)
        if len(self._unread) > 1 and self._unread[-2] is None:
            raise OperationalError("the connection to the database was lost")
        return False

    def silent_s(self) -> float:
        """For how long nothing was heard of what is awaited."""
        if not self._awaited or self._poll.poll(0):
            return 0.0
        return monotonic() - self._heard

    def break_silence(self) -> None:
        """Who watches the socket finds the connection lost, when nothing was heard for too long."""
        if self.silent_s() > SILENCE_S_MAX:
            break_off(self.fileno)

    def _silent(self) -> OperationalError:
        break_off(self.fileno)
        return OperationalError(f"the database has not answered for {SILENCE_S_MAX:g} s")

    def receive(self, first: int = 0, patience_ms: int = _SILENCE_MS) -> list[list[tuple[Any, ...]]]:
        """The rows of the oldest unit's statements, from the ``first`` on.

        Raises:
            NotYet: nothing was heard for so long; the answer may be received later.
            psycopg.Error: the first refusal among them; nothing after it was carried out.
        """
        pgconn = self._pgconn
        unread = self._unread
        while not self._is_whole:
            while pgconn.is_busy():
                if not self._poll.poll(patience_ms):
                    if patience_ms < _SILENCE_MS:
                        raise NotYet
                    raise self._silent()
                pgconn.consume_input()
            unread.append(pgconn.get_result())
            if unread[-1] is None:
                self._is_last(None)
        self._unread = []
        sent = self._awaited.popleft()
        if self._awaited:
            self._heard = monotonic()
        else:
            pgconn.exit_pipeline_mode()
        return self._read(sent, [result for result in unread[:-1] if result is not None], first)

    def _read(
        self, sent: list[tuple[_Prepared | None, bool]], results: list[Any], first: int
    ) -> list[list[tuple[Any, ...]]]:
        rows: list[list[tuple[Any, ...]]] = []
        refused: Exception | None = None
        at = 0
        for (prepared, prepares), result in zip(sent, results, strict=True):
            status = result.status
            if status not in (_OK, _ROWS):
                if prepares and prepared is not None:
                    prepared.known = False
                if refused is None and status != _EMPTY:
                    refused = errors.error_from_result(result)
            elif not prepares and prepared is not None:
                if at >= first:
                    rows.append(prepared.rows(result) if status == _ROWS else [])
                at += 1
        if refused is not None:
            raise refused
        return rows

    def ask(
        self, questions: Sequence[Question], first: int = 0, patience_ms: int = _SILENCE_MS
    ) -> list[list[tuple[Any, ...]]]:
        """Send statements, wait, and give the rows of those from the ``first`` on.

        Raises:
            NotYet: as ``receive`` does.
            psycopg.Error: one was refused, or the connection is lost.
        """
        before = len(self._awaited)
        self.send(questions)
        for _ in range(before):
            with suppress(Error):  # Of what nobody wants to know any more. A lost connection is found again below.
                self.receive(0, patience_ms)
        return self.receive(first, patience_ms)

    def drain(self) -> None:
        """Read what is on its way and throw it away, as far as it comes soon."""
        while self._awaited:
            try:
                self.receive(0, _DRAIN_MS)
            except (OperationalError, NotYet):
                return
            except Error:
                continue


class PipedConnection(Connection[Any]):
    """A connection, and its pipe, which knows what is prepared there."""

    @cached_property
    def pipe(self) -> Pipe:
        """The one of this connection."""
        return Pipe(self)
