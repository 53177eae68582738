"""The statements of a table in PostgreSQL; compiled once per table.

Many rows are one statement: columns travel as arrays and are unnested, so a batch of 64 calls costs a few round trips.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from interstate.store.codec import RecordCodec, strip_none
from interstate.store.postgres.arrays import PACK, plain
from interstate.store.tables import Table

_ARRAYS = {bytes: "bytea", int: "bigint", bool: "bigint", float: "float8"}


def _array_of(hint: Any) -> str:
    hint = strip_none(hint)
    if getattr(hint, "__name__", "") == "datetime":
        return "bigint"
    return _ARRAYS.get(hint, "text") if isinstance(hint, type) else "text"


class TableCodec(RecordCodec):
    """What PostgreSQL needs to know of one table."""

    __slots__ = (
        "_floats",
        "_inserts",
        "_pack",
        "_pack_key",
        "_texts",
        "_updates",
        "arrays",
        "delete",
        "fetch",
        "insert",
        "lock",
        "locked",
        "select",
    )

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)
        self.arrays = tuple(_array_of(self.hints[name]) for name in self.columns)
        self._floats = tuple(at for at, kind in enumerate(self.arrays) if kind == "float8")
        read = {at for at, _ in self._reads}
        self._texts = tuple(at for at, kind in enumerate(self.arrays) if kind == "text" and at not in read)
        names = ", ".join(f'"{name}"' for name in self.columns)
        keys = ", ".join(f'"{name}"' for name in table.key)
        key_arrays = _unnested([self.arrays[at] for at in self.key_at])
        arrays = _unnested(self.arrays)
        same = " AND ".join(f't."{name}" = v."{name}"' for name in table.key)
        # Rows are locked by key order, so that two batches never wait for each other in a circle.
        self.lock = "" if table.shared or table.appends or table.own else " FOR NO KEY UPDATE"
        self.select = f"SELECT {names} FROM {table.name}"
        if len(self.key_at) == 1:
            wanted = f"{keys} = ANY({key_arrays})"
        else:
            wanted = f"({keys}) IN (SELECT * FROM unnest({key_arrays}))"
        self.fetch = f"{self.select} WHERE {wanted} ORDER BY {keys}"
        self.locked = f"{self.fetch} FOR NO KEY UPDATE"
        self._pack = tuple(PACK[kind] for kind in self.arrays)
        self._pack_key = tuple(self._pack[at] for at in self.key_at)
        self.insert = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"
        self.delete = _checked(
            f"DELETE FROM {table.name} t USING unnest({key_arrays}) AS v({keys}) WHERE {same}",
            table.name,
            len(self.key_at) + 1,
        )
        self._updates: dict[tuple[int, ...], str] = {}
        self._inserts: dict[tuple[str, ...], str] = {}

    def to_row(self, record: msgspec.Struct) -> list[Any]:
        """The column values; arrays hold one type only, so a whole number in a column of floats becomes one."""
        row = super().to_row(record)
        for at in self._floats:
            if row[at] is not None:
                row[at] = float(row[at])
        return row

    def pack_keys(self, keys: Sequence[Sequence[Any]]) -> list[Any]:
        """Keys as columns, for unnest."""
        return [pack(column) for pack, column in zip(self._pack_key, zip(*keys, strict=True), strict=True)]

    def pack_rows(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        """Whole rows as columns."""
        return [pack(column) for pack, column in zip(self._pack, zip(*rows, strict=True), strict=True)]

    def inserting(self, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
        """The statement that inserts rows, and its parameters: what all of them leave empty stands in the statement."""
        columns = list(zip(*rows, strict=True))
        empty = tuple([_empty(column) for column in columns])
        sent = [at for at, literal in enumerate(empty) if not literal]
        if not sent:
            return self.insert, self.pack_rows(rows)
        statement = self._inserts.get(empty)
        if statement is None:
            names = ", ".join(f'"{name}"' for name in self.columns)
            values = ", ".join(literal or f"v.c{at}" for at, literal in enumerate(empty))
            arrays = _unnested([self.arrays[at] for at in sent])
            statement = self._inserts[empty] = (
                f"INSERT INTO {self.table.name} ({names}) SELECT {values} "
                f"FROM unnest({arrays}) AS v({', '.join(f'c{at}' for at in sent)})"
            )
        return statement, [self._pack[at](columns[at]) for at in sent]

    def pack_changes(self, changed: tuple[int, ...], rows: Sequence[tuple[Sequence[Any], Sequence[Any]]]) -> list[Any]:
        """(key, new values of the changed columns) as columns of ``update``."""
        packed = [
            self._pack[at](column)
            for at, column in zip(changed, zip(*[new for _, new in rows], strict=True), strict=True)
        ]
        return packed + self.pack_keys([key for key, _ in rows])

    def from_row(self, row: tuple[Any, ...]) -> msgspec.Struct:
        """The record of a row."""
        for at in self._texts:
            if row[at] is not None and "\x01" in row[at]:
                return super().from_row(tuple([plain(part) if isinstance(part, str) else part for part in row]))
        return super().from_row(row)

    def row_key(self, row: tuple[Any, ...]) -> tuple[Any, ...]:
        """The key of a row, as ``to_key`` tells it."""
        return tuple([plain(part) if isinstance(part, str) else part for part in [row[at] for at in self.key_at]])

    def update(self, changed: tuple[int, ...]) -> str:
        """The statement that writes only the changed columns, of as many rows as it is told."""
        statement = self._updates.get(changed)
        if statement is None:
            table = self.table
            columns = [self.columns[at] for at in changed]
            names = [f"new_{name}" for name in columns] + [f"key_{name}" for name in table.key]
            kinds = [self.arrays[at] for at in changed] + [self.arrays[at] for at in self.key_at]
            where = " AND ".join(f't."{name}" = v.key_{name}' for name in table.key)
            sets = ", ".join(f'"{name}" = v.new_{name}' for name in columns)
            statement = _checked(
                f"UPDATE {table.name} t SET {sets} "
                f"FROM unnest({_unnested(kinds)}) AS v({', '.join(names)}) "
                f"WHERE {where}",
                table.name,
                len(kinds) + 1,
            )
            self._updates[changed] = statement
        return statement


def _empty(column: Sequence[Any]) -> str:
    """What a column holds in all rows, when that is nothing: NULL, an empty text or zero."""
    first = column[0]
    if first is None:
        literal = "NULL"
    elif first == "":
        literal = "''"
    elif type(first) is int and first == 0:
        literal = "0"
    else:
        return ""
    return literal if column.count(first) == len(column) else ""


def _unnested(kinds: Sequence[str]) -> str:
    return ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(kinds, 1))


def _checked(statement: str, table: str, last: int) -> str:
    """The statement with a last parameter: how many rows it must find."""
    return f"WITH done AS ({statement} RETURNING 1) SELECT expect(count(*), ${last}, '{table}') FROM done"


@cache
def codec_of(table: Table[Any]) -> TableCodec:
    """The codec of a table; tables are module-level values, so each is compiled once."""
    return TableCodec(table)
