"""Reads and writes of one connection inside one transaction. The unit of work above decides what and when."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.time import to_micros
from interstate.store.ports import Change
from interstate.store.sqlite.codec import TableCodec, codec_of
from interstate.store.tables import Scalar, Select, Table

_HIGHEST = 2**63 - 1


class SqliteRows:
    """``store.ports.Rows`` over ``sqlite3``."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.withheld = False  # One process writes: its rows come in the order of their numbers.
        self._selects: dict[Select[Any], str] = {}

    def fetch(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> list[msgspec.Struct | None]:
        """The records under the keys, in their order. In process, a lookup a key beats one long statement."""
        codec = codec_of(table)
        execute = self.connection.execute
        answer: list[msgspec.Struct | None] = []
        for key in keys:
            row = execute(codec.get, codec.to_key(key)).fetchone()
            answer.append(None if row is None else codec.from_row(row))
        return answer

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
        return [codec.from_row(row) for row in self.connection.execute(statement, values).fetchall()]

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

    def write(self, table: Table[Any], changes: Sequence[Change]) -> None:
        """Write what changed: (key, stored, wanted) each, as one statement a kind of change."""
        codec = codec_of(table)
        deletes: list[tuple[Any, ...]] = []
        inserts: list[list[Any]] = []
        updates: dict[tuple[int, ...], list[list[Any]]] = {}
        for key, stored, wanted in changes:
            if wanted is None:
                deletes.append(codec.to_key(key))
            elif stored is not None:
                _update(codec, key, stored, wanted, updates)
            else:
                inserts.append(codec.to_row(wanted))
        many = self.connection.executemany
        if deletes:
            many(codec.delete, deletes)
        if inserts:
            many(codec.insert, inserts)
        for changed, rows in updates.items():
            many(codec.update(changed), rows)


def _update(
    codec: TableCodec,
    key: tuple[Any, ...],
    stored: msgspec.Struct,
    wanted: msgspec.Struct,
    updates: dict[tuple[int, ...], list[list[Any]]],
) -> None:
    old = msgspec.structs.astuple(stored)
    new = msgspec.structs.astuple(wanted)
    changed = tuple([at for at, value in enumerate(new) if value is not old[at] and value != old[at]])
    if changed:
        writers = codec.writers
        values: list[Any] = []
        for at in changed:
            value, write = new[at], writers[at]
            values.append(value if write is None or value is None else write(value))
        values.extend(codec.to_key(key))
        updates.setdefault(changed, []).append(values)


def _bind(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: to_micros(value) if isinstance(value, datetime) else value for name, value in parameters.items()}
