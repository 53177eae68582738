"""Statements of one connection, many in a round trip, with little work a statement.

Theory of operation
-------------------
The driver's own pipeline costs some 80 us of Python a statement, more than the database needs for it. Here a statement's text is
prepared once, under a number, by the way: the preparation travels before its first use. Afterwards a statement is its number and
its parameters in binary form, and its rows are read by the driver's compiled readers, which are chosen once, too.

What is sent may be awaited later (``send``, then ``receive``), by somebody who watches ``fileno`` meanwhile. In a pipeline
nothing after a failed statement is carried out; a preparation counts from its own answer on.

Source: libpq, "Pipeline Mode"; the message flow of the extended query protocol.
"""

import select
import struct
from collections import deque
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from psycopg import Connection, Error, OperationalError, errors, pq
from psycopg.adapt import Transformer

from interstate.store.postgres.arrays import OIDS, escaped

Question = tuple[str, Sequence[Any]]
"""A statement with ``$1``, ``$2`` ... and its parameters."""

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
                ((_, event),) = self._poll.poll()
            finally:
                self._poll.modify(self._pgconn.socket, select.POLLIN)
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

    def receive(self, first: int = 0) -> list[list[tuple[Any, ...]]]:
        """The rows of the oldest unit's statements, from the ``first`` on.

        Raises:
            psycopg.Error: the first refusal among them; nothing after it was carried out.
        """
        pgconn = self._pgconn
        unread = self._unread
        while not self._is_whole:
            while pgconn.is_busy():
                self._poll.poll()
                pgconn.consume_input()
            unread.append(pgconn.get_result())
            if unread[-1] is None:
                self._is_last(None)
        self._unread = []
        sent = self._awaited.popleft()
        if not self._awaited:
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

    def ask(self, questions: Sequence[Question], first: int = 0) -> list[list[tuple[Any, ...]]]:
        """Send statements, wait, and give the rows of those from the ``first`` on.

        Raises:
            psycopg.Error: one was refused, or the connection is lost.
        """
        while self._awaited:
            self.receive()
        self.send(questions)
        return self.receive(first)

    def drain(self) -> None:
        """Read what is on its way and throw it away, as far as it comes."""
        while self._awaited:
            try:
                self.receive()
            except OperationalError:
                return
            except Error:
                continue


class PipedConnection(Connection[Any]):
    """A connection, and its pipe, which knows what is prepared there."""

    @cached_property
    def pipe(self) -> Pipe:
        """The one of this connection."""
        return Pipe(self)
