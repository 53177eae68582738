"""Rows of the embedded store: what new rows leave empty stands in the statement, and comes back as it was put."""

import sqlite3
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given
from hypothesis.strategies import binary, booleans, builds, floats, integers, lists, none, text

from interstate.store.sqlite.codec import codec_of
from interstate.store.sqlite.rows import SqliteRows
from interstate.store.tables import Table


class Thing(msgspec.Struct, frozen=True):
    """Every kind of column, most of them optional."""

    id: int
    name: str = ""
    count: int = 0
    weight: float = 0
    is_big: bool = False
    body: bytes | None = None
    data: bytes = b""
    note: str | None = None
    tags: list[str] = []
    more: list[str] | None = None


THINGS = Table("things", Thing, ("id",))
TEXTS = text("ab\0'?", max_size=2)
MORE = lists(TEXTS, max_size=2)
ANY = builds(
    Thing,
    id=integers(0, 5),
    name=TEXTS,
    count=integers(-1, 1),
    weight=floats(-1, 1),
    is_big=booleans(),
    body=none() | binary(max_size=2),
    data=binary(max_size=2),
    note=none() | TEXTS,
    tags=MORE,
    more=none() | MORE,
)


def _rows() -> SqliteRows:
    connection = sqlite3.connect(":memory:")
    connection.execute(
        "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL, count INTEGER NOT NULL, weight REAL NOT NULL,"
        " is_big INTEGER NOT NULL, body BLOB, data BLOB NOT NULL, note TEXT, tags TEXT NOT NULL, more TEXT) STRICT"
    )
    return SqliteRows(connection)


def _kept(things: Iterable[Thing], rows: SqliteRows) -> list[msgspec.Struct | None]:
    return rows.fetch(THINGS, [(thing.id,) for thing in things])


@given(things=lists(ANY, unique_by=lambda thing: thing.id), changed=lists(ANY, unique_by=lambda thing: thing.id))
def test_records_come_back_as_they_were_put_and_changed(things: list[Thing], changed: list[Thing]) -> None:
    rows = _rows()
    rows.write(THINGS, [((thing.id,), None, thing) for thing in things])
    assert _kept(things, rows) == things
    stored = {thing.id: thing for thing in things}
    rows.write(THINGS, [((thing.id,), stored.get(thing.id), thing) for thing in changed])
    assert _kept(changed, rows) == changed
    rows.write(THINGS, [((thing.id,), thing, None) for thing in changed])
    assert _kept(changed, rows) == [None] * len(changed)


@pytest.mark.parametrize(
    "changed",
    [
        [Thing(at, name="b", count=at + 9) for at in range(40)],  # The same columns in all.
        [Thing(at, name="b" if at % 2 else "a", count=at) for at in range(40)],  # In some.
        [Thing(at, name="a", count=at, note=None if at else "n") for at in range(40)],  # One becomes empty.
        [Thing(at, name="a", count=at, note="n") for at in range(40)],  # Nothing changed.
    ],
)
def test_many_rows_are_changed_as_each_alone(changed: list[Thing]) -> None:
    rows = _rows()
    things = [Thing(at, name="a", count=at, note="n") for at in range(40)]
    rows.write(THINGS, [((thing.id,), None, thing) for thing in things])
    rows.write(THINGS, [((thing.id,), old, thing) for old, thing in zip(things, changed, strict=True)])
    assert _kept(changed, rows) == changed
    rows.write(THINGS, [])
    mixed = [Thing(at + 20, name="c") for at in range(40)]
    known = {thing.id: thing for thing in changed}
    rows.write(THINGS, [((thing.id,), known.get(thing.id), thing) for thing in mixed])
    assert _kept(mixed, rows) == mixed
    assert _kept(changed[:20], rows) == changed[:20]


def test_a_table_has_a_bounded_number_of_statements_for_new_rows() -> None:
    rows = _rows()
    things = [
        Thing(
            number,
            "n" * (number & 1),
            number >> 1 & 1,
            float(number >> 2 & 1),
            bool(number >> 3 & 1),
            b"b" if number >> 4 & 1 else None,
        )
        for number in range(1, 33)
    ]
    rows.write(THINGS, [((thing.id,), None, thing) for thing in things])
    assert _kept(things, rows) == things
    statements = {codec_of(THINGS).insert_of(msgspec.structs.astuple(thing)).statement for thing in things}
    assert 2 <= len(statements) <= 16


@pytest.mark.parametrize("number", [0, 1, 7, 8, 9, 31, 32, 33, 40, 75])
def test_any_number_of_new_rows_is_written(number: int) -> None:
    rows = _rows()
    things = [Thing(at, str(at), at) for at in range(1, number + 1)]
    rows.write(THINGS, [((thing.id,), None, thing) for thing in things])
    assert _kept(things, rows) == things
    assert rows.connection.execute("SELECT count(*) FROM things").fetchone() == (number,)


def test_of_rows_that_are_written_together_none_is_when_one_is_refused() -> None:
    rows = _rows()
    rows.write(THINGS, [((5,), None, Thing(5, "first"))])
    with pytest.raises(sqlite3.IntegrityError):
        rows.write(THINGS, [((at,), None, Thing(at, "second")) for at in range(8)])
    assert rows.connection.execute("SELECT count(*) FROM things").fetchone() == (1,)


@pytest.mark.parametrize("empty", [None, "", 0])
def test_what_stands_in_a_statement_is_what_the_record_leaves_empty(empty: object) -> None:
    insert = codec_of(Table("others", Thing, ("id",))).insert_of(
        msgspec.structs.astuple(Thing(1, "a", 1, 1.0, True, b"", b"", "", [], []))
    )
    values = list(msgspec.structs.astuple(Thing(2, "a", 1, 1.0, True, b"", b"", "", [], [])))
    assert insert.takes(tuple(values))
    values[7] = empty
    assert insert.takes(tuple(values)) == (empty == "")
