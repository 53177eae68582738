"""Reads and writes of one connection inside one transaction, in PostgreSQL.

Rows that a batch reads are locked until its commit (READ COMMITTED, locks in key order): what was decided on them is still
true when it is written. Tables that are *shared* (configuration: read by every call, changed rarely) are read without a
lock; a write to one compares what was read, and a batch that was overtaken is run again.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec
from psycopg import Connection

from interstate.base.time import to_micros
from interstate.store.ports import Change
from interstate.store.postgres.codec import TableCodec, codec_of
from interstate.store.postgres.translate import query
from interstate.store.tables import Scalar, Select, Table

_Groups = dict[tuple[int, ...], list[tuple[tuple[Any, ...], list[Any], list[Any]]]]


class Overtaken(Exception):
    """Another node changed what this batch had read; the batch is run again."""

    def __init__(self, table: str) -> None:
        super().__init__(f"a row of {table} was changed by another node meanwhile")


class PostgresRows:
    """``store.ports.Rows`` over psycopg. ``locks``: what is read is about to be decided upon."""

    def __init__(self, connection: Connection[Any], *, locks: bool) -> None:
        self.connection = connection
        self._locks = locks
        self._selects: dict[Select[Any], str] = {}

    def fetch(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> list[msgspec.Struct | None]:
        """The records under the keys, in their order, in one statement."""
        codec = codec_of(table)
        wanted = [codec.to_key(key) for key in keys]
        if not wanted:
            return []
        statement = codec.fetch + codec.lock if self._locks else codec.fetch
        rows = self.connection.execute(statement, _columns(wanted), binary=True).fetchall()
        if len(wanted) == 1:
            return [codec.from_row(rows[0]) if rows else None]
        key_at = codec.key_at
        found = {tuple([row[at] for at in key_at]): row for row in rows}
        return [codec.from_row(found[key]) if key in found else None for key in wanted]

    def select(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> list[msgspec.Struct]:
        """At most ``limit`` records of a range, in its order; a claim passes over what others have in hand."""
        codec = codec_of(select.table)
        statement = self._selects.get(select)
        if statement is None:
            statement = f"{codec.select} WHERE {query(select.where)} ORDER BY {query(select.order)} LIMIT %(limit)s"
            if self._locks and codec.lock:
                statement += codec.lock + (" SKIP LOCKED" if select.claims else "")
            self._selects[select] = statement
        values = _bind(parameters)
        values["limit"] = limit
        rows = self.connection.execute(statement, values, binary=True).fetchall()
        return [codec.from_row(row) for row in rows]

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        """The first column of the first row; NULL and no row are 0."""
        row = self.connection.execute(query(scalar.sql), _bind(parameters)).fetchone()
        return 0 if row is None or row[0] is None else int(row[0])

    def highest_id(self, table: Table[Any]) -> int:
        """Numbers come from the database's clock (``engine``), never from what lies in a table."""
        del table
        return 0

    def write(self, table: Table[Any], changes: Sequence[Change]) -> None:
        """Write what changed: (key, stored, wanted) each, one statement a kind of change, rows in key order.

        Raises:
            Overtaken: a row that is to be changed or deleted is not there any more, or not as it was read.
        """
        codec = codec_of(table)
        deletes: list[tuple[Any, ...]] = []
        inserts: list[tuple[tuple[Any, ...], list[Any]]] = []
        updates: _Groups = {}
        for key, stored, wanted in changes:
            at = codec.to_key(key)
            if wanted is None:
                deletes.append(at)
            elif stored is not None:
                _update(codec, at, stored, wanted, updates)
            else:
                inserts.append((at, codec.to_row(wanted)))
        if deletes:
            self._run(codec, codec.delete, _columns(sorted(deletes)), len(deletes))
        if inserts:
            inserts.sort(key=lambda pair: pair[0])
            self._run(codec, codec.insert, _columns([row for _, row in inserts]), len(inserts))
        for changed, rows in updates.items():
            rows.sort(key=lambda row: row[0])
            if table.shared:
                values = [[*new, *key, *old] for key, new, old in rows]
            else:
                values = [[*new, *key] for key, new, _ in rows]
            self._run(codec, codec.update(changed), _columns(values), len(rows))

    def _run(self, codec: TableCodec, statement: str, values: list[Any], count: int) -> None:
        cursor = self.connection.execute(statement, values)
        if cursor.rowcount != count:
            raise Overtaken(codec.table.name)


def _update(
    codec: TableCodec, key: tuple[Any, ...], stored: msgspec.Struct, wanted: msgspec.Struct, updates: _Groups
) -> None:
    before = msgspec.structs.astuple(stored)
    after = msgspec.structs.astuple(wanted)
    changed = tuple([at for at, value in enumerate(after) if value is not before[at] and value != before[at]])
    if changed:
        new = codec.to_row(wanted)
        old = codec.to_row(stored) if codec.table.shared else new
        updates.setdefault(changed, []).append((key, [new[at] for at in changed], [old[at] for at in changed]))


def _columns(rows: Sequence[Sequence[Any]]) -> list[Any]:
    """Rows as columns, for unnest."""
    return [list(column) for column in zip(*rows, strict=True)]


def _bind(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: to_micros(value) if isinstance(value, datetime) else value for name, value in parameters.items()}
