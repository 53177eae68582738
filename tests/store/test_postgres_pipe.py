"""Statements of one connection in few round trips: what is prepared, what is refused, what is awaited later."""

import select
from collections.abc import Iterator

import psycopg
import pytest
from tests.postgres_server import fresh_database

from interstate.store.postgres import pipe
from interstate.store.postgres.arrays import PACK
from interstate.store.postgres.codec import codec_of
from interstate.store.postgres.connecting import connect
from interstate.store.postgres.pipe import PipedConnection
from interstate.store.records.due import SETTINGS


@pytest.fixture
def connection() -> Iterator[PipedConnection]:
    with connect(fresh_database()) as connected:
        connected.execute(
            "CREATE TEMP TABLE kept (id BIGINT PRIMARY KEY, name TEXT, data BYTEA, share DOUBLE PRECISION)"
        )
        yield connected


ROW = (1, "näme", b"\x00\xff", 0.25)
INSERT = "INSERT INTO kept VALUES ($1, $2, $3, $4)"
SELECT = "SELECT id, name, data, share FROM kept WHERE id = $1"


def test_what_goes_in_comes_out(connection: PipedConnection) -> None:
    ask = connection.pipe.ask
    assert ask(((INSERT, ROW), (SELECT, (1,)), (SELECT, (2,)))) == [[], [ROW], []]
    assert ask(((INSERT, (2, None, None, None)), (SELECT, (2,))), 1) == [[(2, None, None, None)]]


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        ("bigint", [1, None, -(2**62)]),
        ("text", ["a", None, "\x01é"]),
        ("bytea", [b"", None, b"\x00"]),
        ("float8", [0.5, None]),
    ],
)
def test_columns_are_arrays(connection: PipedConnection, kind: str, column: list[object]) -> None:
    packed = PACK[kind](column)
    ((*rows,),) = connection.pipe.ask(((f"SELECT * FROM unnest($1::{kind}[])", (packed,)),))
    assert [value.replace("\x01\x02", "\x01") if isinstance(value, str) else value for (value,) in rows] == column


def test_a_value_of_another_kind_is_refused_before_anything_is_sent(connection: PipedConnection) -> None:
    with pytest.raises(TypeError):
        connection.pipe.ask(((SELECT, (1,)), (SELECT, ({},))))
    assert connection.pipe.ask(((SELECT, (1,)),)) == [[]]


def test_nothing_after_a_refusal_is_carried_out_and_what_was_not_prepared_is_prepared_again(
    connection: PipedConnection,
) -> None:
    ask = connection.pipe.ask
    ask((("BEGIN", ()), (INSERT, ROW), ("COMMIT", ())))
    later = "SELECT count(*) FROM kept WHERE share > $1"
    with pytest.raises(psycopg.errors.UniqueViolation):
        ask((("BEGIN", ()), (INSERT, ROW), (later, (0.0,)), ("COMMIT", ())))
    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        ask(((later, (0.0,)),))
    ask((("ROLLBACK", ()),))
    assert ask(((later, (0.0,)),)) == [[(1,)]]
    with pytest.raises(psycopg.errors.UndefinedTable):
        ask((("SELECT 1 FROM nowhere", ()),))
    assert ask(((later, (0.0,)),)) == [[(1,)]]


def test_units_are_answered_in_their_order_and_one_that_was_refused_stops_none(connection: PipedConnection) -> None:
    mine = connection.pipe
    for questions in (((INSERT, ROW),), ((INSERT, ROW),), ((SELECT, (1,)),)):
        mine.send(questions)
    assert mine.receive() == [[]]
    with pytest.raises(psycopg.errors.UniqueViolation):
        mine.receive()
    assert mine.receive() == [[ROW]]
    assert not mine.awaits
    assert connection.execute("SELECT count(*) FROM kept").fetchone() == (1,)  # The driver may use it again.


def test_an_answer_that_nobody_waited_for_is_read_before_the_next(connection: PipedConnection) -> None:
    connection.pipe.send(((INSERT, ROW),))
    assert connection.pipe.ask(((SELECT, (1,)),)) == [[ROW]]


def test_a_statement_is_prepared_once(connection: PipedConnection, monkeypatch: pytest.MonkeyPatch) -> None:
    ask = connection.pipe.ask
    for _ in range(5):
        ask(((SELECT, (1,)),))
    prepared = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT id%'"
    assert connection.execute(prepared.encode()).fetchone() == (1,)
    monkeypatch.setattr(pipe, "_PREPARED_MAX", 0)
    assert ask(((SELECT, (1,)),)) == [[]]  # All were forgotten; it goes on.
    assert connection.execute(prepared.encode()).fetchone() == (1,)


def test_more_than_the_line_holds_goes_through(connection: PipedConnection) -> None:
    """Both sides write at once; nobody waits for the other for ever."""
    large = "x" * 1_000_000
    rows = connection.pipe.ask([("SELECT $1::text", (large,))] * 30)
    assert [row == [(large,)] for row in rows] == [True] * 30


def test_a_connection_that_was_ended_says_so(connection: PipedConnection) -> None:
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (connection.info.backend_pid,))
    with pytest.raises(psycopg.OperationalError):
        connection.pipe.ask(((SELECT, (1,)),))
    with pytest.raises(psycopg.OperationalError):
        connection.pipe.ask(((SELECT, (1,)),))


def test_one_look_at_a_connection_that_was_ended_tells_so(connection: PipedConnection) -> None:
    """The server's last words and the end of the connection are two reads; a loop may tell of an error once and then watch no more."""
    connection.pipe.send((("SELECT pg_sleep(600)", ()),))
    ended = select.poll()
    ended.register(connection.pipe.fileno, select.POLLRDHUP)
    with psycopg.connect(connection.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))
    assert ended.poll(60_000)
    with pytest.raises(psycopg.OperationalError):
        assert not connection.pipe.arrived()


def test_what_all_rows_leave_empty_stands_in_the_statement_and_nothing_else_does() -> None:
    """Columns that are NULL, '' or 0 in every row are not sent; one row that differs is enough to send them all."""
    codec = codec_of(SETTINGS)
    assert codec.inserting([["a", ""], ["b", ""]])[0] == (
        """INSERT INTO settings ("name", "value") SELECT v.c0, '' FROM unnest($1::text[]) AS v(c0)"""
    )
    statement, sent = codec.inserting([["a", ""], ["b", "x"]])
    assert "''" not in statement
    assert len(sent) == 2
    assert codec.inserting([["", ""]]) == (codec.insert, codec.pack_rows([["", ""]]))
