"""Reads and writes of one connection inside one transaction. The unit of work above decides what and when."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import chain, compress, count
from operator import is_not, ne
from typing import Any

import msgspec

from interstate.base.time import to_micros
from interstate.store.ports import Change, Look, Wanted
from interstate.store.sqlite.codec import Insert, TableCodec, codec_of
from interstate.store.tables import Scalar, Select, Table

_HIGHEST = 2**63 - 1
_KEYS_MAX = 32
"""Keys of one statement; with fewer than ``_KEYS_EXACT`` left, one statement has just those."""
_KEYS_EXACT = 16
_ROWS_TOGETHER = (32, 8, 1)
"""New rows, or deleted ones, of one statement."""
_ALIKE_FROM = 3
"""With more changed rows than these, it is worth a look whether they changed alike."""


class SqliteRows:
    """``store.ports.Rows`` over ``sqlite3``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.withheld = False  # One process writes: its rows come in the order of their numbers.
        self._selects: dict[Select[Any], str] = {}

    def fetch(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> list[msgspec.Struct | None]:
        """The records under the keys, in their order."""
        codec = codec_of(table)
        wanted = codec.to_keys(keys)
        if len(wanted) == 1:
            row = self.connection.execute(codec.get, codec.keys_parameters(wanted)).fetchone()
            return [None if row is None else codec.from_row(row)]
        found: dict[tuple[Any, ...], msgspec.Struct] = {}
        for part in _parts(wanted):
            rows = self.connection.execute(codec.get_many(len(part)), codec.keys_parameters(part)).fetchall()
            if rows:
                found.update(zip(map(codec.place, rows), codec.from_rows(rows), strict=True))
        return list(map(found.get, wanted))

    def fetch_all(
        self, wanted: Sequence[tuple[Table[Any], list[tuple[Any, ...]]]]
    ) -> list[list[msgspec.Struct | None]]:
        """The same of several tables."""
        return [self.fetch(table, keys) for table, keys in wanted]

    def select(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> list[msgspec.Struct]:
        """At most ``limit`` records of a range, in its order."""
        statement = self._selects.get(select)
        codec = codec_of(select.table)
        if statement is None:
            statement = f"{codec.select} WHERE {select.where} ORDER BY {select.order} LIMIT :limit"
            self._selects[select] = statement
        values = _bind(parameters)
        values["limit"] = limit
        return codec.from_rows(self.connection.execute(statement, values).fetchall())

    def read_all(self, wanted: Wanted, looks: Sequence[Look]) -> list[list[msgspec.Struct | None]]:
        """The records under keys, and then those of ranges."""
        found = self.fetch_all(wanted)
        found += [list(self.select(look.what, look.limit, look.asked)) for look in looks]  # type: ignore[arg-type]  # ranges
        return found

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        """The first column of the first row; NULL and no row are 0."""
        row = self.connection.execute(scalar.sql, _bind(parameters)).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])

    def horizon(self) -> int:
        """All of them."""
        return _HIGHEST

    def highest_id(self, table: Table[Any]) -> int:
        """The highest integer key in use, 0 when the table is empty."""
        row = self.connection.execute(f"SELECT max({table.key[0]}) FROM {table.name}").fetchone()
        return row[0] or 0

    def sweep(self, table: Table[Any], before: datetime, kept: timedelta, limit: int) -> int:
        """Forget the oldest rows."""
        del kept
        (key,), name = table.key, table.name
        statement = (
            f"DELETE FROM {name} WHERE {key} IN (SELECT {key} FROM "
            f"(SELECT {key}, {table.ages} AS at FROM {name} ORDER BY {key} LIMIT :limit) WHERE at < :before)"
        )
        return self.connection.execute(statement, _bind({"before": before, "limit": limit})).rowcount

    def write(self, table: Table[Any], changes: Sequence[Change]) -> None:
        """Write what changed: (key, stored, wanted) each, as one statement a kind of change and of emptiness."""
        codec = codec_of(table)
        if not changes:
            return
        held: Sequence[Any]
        wanted: Sequence[Any]
        _, held, wanted = zip(*changes, strict=True)
        if not all(wanted):  # A record is true, whatever it holds; to compare each with None would cost more.
            deletes = [codec.key_parameters(key) for key, _, new in changes if new is None]
            for size, parameters in _together(deletes) if len(table.key) == 1 else ((1, deletes),):
                self.connection.executemany(codec.delete_many(size), parameters)
            held, wanted = _split((old, new) for _, old, new in changes if new is not None)
        if not any(held):
            if wanted:
                self._insert(codec, wanted)
            return
        if not all(held):
            self._insert(codec, [new for old, new in zip(held, wanted, strict=True) if old is None])
            held, wanted = _split((old, new) for old, new in zip(held, wanted, strict=True) if old is not None)
        self._update(codec, held, wanted)

    def _insert(self, codec: TableCodec, records: Sequence[msgspec.Struct]) -> None:
        rows = list(map(msgspec.structs.astuple, records))
        insert = codec.insert_of(rows[0])
        inserts: dict[Insert, list[tuple[Any, ...]]] = {}
        if insert.takes_every(rows):
            inserts[insert] = rows
        else:
            for values in rows:
                if not insert.takes(values):
                    insert = codec.insert_of(values)
                inserts.setdefault(insert, []).append(values)
        for insert, alike in inserts.items():
            parameters, at, width = insert.parameters(alike), 0, insert.width
            for size in _ROWS_TOGETHER:
                end = at + (len(alike) - at) // size * size
                if end > at:
                    one = range(at * width, end * width, size * width)
                    self.connection.executemany(
                        insert.of_rows(size), [parameters[place : place + size * width] for place in one]
                    )
                at = end

    tries = True

    def insert_absent(self, table: Table[Any], records: Sequence[msgspec.Struct]) -> int:
        """Insert those whose keys are free; tells how many."""
        codec = codec_of(table)
        rows = list(map(msgspec.structs.astuple, records))
        insert, done, execute = codec.whole, 0, self.connection.execute
        parameters, width = insert.parameters(rows), insert.width
        for at in range(0, len(rows), _KEYS_MAX):
            count = min(_KEYS_MAX, len(rows) - at)
            done += execute(insert.if_absent(count), parameters[at * width : (at + count) * width]).rowcount
        return done

    def _update(self, codec: TableCodec, held: Sequence[msgspec.Struct], wanted: Sequence[msgspec.Struct]) -> None:
        old, new = list(map(msgspec.structs.astuple, held)), list(map(msgspec.structs.astuple, wanted))
        updates: dict[tuple[int, ...], list[tuple[Any, ...]]] = {}
        alike = _all_changed(old, new) if len(new) > _ALIKE_FROM else None
        if alike is not None:
            updates[alike] = new
        else:
            for before, values in zip(old, new, strict=True):
                changed = _changed(before, values)
                if changed:
                    updates.setdefault(changed, []).append(values)
        for changed, rows in updates.items():
            self.connection.executemany(codec.update(changed), codec.update_parameters(changed, rows))

    def renew(self, table: Table[Any], changed: tuple[int, ...], records: Sequence[msgspec.Struct]) -> None:
        """Write some columns of rows that are there."""
        codec = codec_of(table)
        rows = list(map(msgspec.structs.astuple, records))
        self.connection.executemany(codec.update(changed), codec.update_parameters(changed, rows))


def _split(pairs: Iterable[tuple[Any, Any]]) -> tuple[Sequence[Any], Sequence[Any]]:
    olds, news = [], []
    for old, new in pairs:
        olds.append(old)
        news.append(new)
    return olds, news


def _together(rows: list[Any]) -> Iterator[tuple[int, list[Any]]]:
    """Rows in sizes for which there are few statements: a row of many costs two thirds of one that is written alone."""
    at = 0
    for size in _ROWS_TOGETHER:
        count = (len(rows) - at) // size
        if count:
            end = at + count * size
            if size == 1:
                yield size, rows[at:]
            else:
                yield size, [tuple(chain.from_iterable(rows[one : one + size])) for one in range(at, end, size)]
            at = end


def _parts(keys: list[tuple[Any, ...]]) -> Iterator[list[tuple[Any, ...]]]:
    """Keys in parts for which there are few statements, however many there are."""
    at = 0
    while (left := len(keys) - at) > 0:
        size = left if left <= _KEYS_EXACT else _KEYS_MAX if left >= _KEYS_MAX else _KEYS_EXACT
        yield keys[at : at + size]
        at += size


def _all_changed(old: Sequence[tuple[Any, ...]], new: Sequence[tuple[Any, ...]]) -> tuple[int, ...] | None:
    """The places of the columns that are other ones in every row, when no other changed in any; None when rows differ in that."""
    places: list[int] = []
    for at, (was, becomes) in enumerate(zip(zip(*old, strict=True), zip(*new, strict=True), strict=True)):
        if was != becomes:
            if None in becomes or not all(map(ne, was, becomes)):
                return None
            places.append(at)
    return tuple(places) or None


def _changed(old: tuple[Any, ...], new: tuple[Any, ...]) -> tuple[int, ...]:
    """The places of the columns to write; see ``TableCodec.update``."""
    touched = compress(count(), map(is_not, new, old))  # Most columns hold the object that they held.
    return tuple([~at if new[at] is None else at for at in touched if new[at] != old[at]])


def _bind(parameters: dict[str, Any]) -> dict[str, Any]:
    return {
        name: to_micros(value) if isinstance(value, datetime) else bytearray(value) if type(value) is bytes else value
        for name, value in parameters.items()
    }
