"""The statements of a table in PostgreSQL; compiled once per table.

Many rows are one statement: columns travel as arrays and are unnested, so a batch of 64 calls costs a few round trips.
"""

from functools import cache
from typing import Any

import msgspec

from interstate.store.codec import RecordCodec, strip_none
from interstate.store.tables import Table

_ARRAYS = {bytes: "bytea", int: "bigint", bool: "bigint", float: "float8"}


def _array_of(hint: Any) -> str:
    hint = strip_none(hint)
    if getattr(hint, "__name__", "") == "datetime":
        return "bigint"
    return _ARRAYS.get(hint, "text") if isinstance(hint, type) else "text"


class TableCodec(RecordCodec):
    """What PostgreSQL needs to know of one table."""

    __slots__ = ("_floats", "_updates", "arrays", "delete", "fetch", "insert", "lock", "select")

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)
        self.arrays = tuple(_array_of(self.hints[name]) for name in self.columns)
        self._floats = tuple(at for at, kind in enumerate(self.arrays) if kind == "float8")
        names = ", ".join(f'"{name}"' for name in self.columns)
        keys = ", ".join(f'"{name}"' for name in table.key)
        key_arrays = ", ".join(f"%s::{self.arrays[at]}[]" for at in self.key_at)
        arrays = ", ".join(f"%s::{kind}[]" for kind in self.arrays)
        same = " AND ".join(f't."{name}" = v."{name}"' for name in table.key)
        # Rows are locked by key order, so that two batches never wait for each other in a circle.
        self.lock = "" if table.shared or table.appends else " FOR NO KEY UPDATE"
        self.select = f"SELECT {names} FROM {table.name}"
        if len(self.key_at) == 1:
            wanted = f"{keys} = ANY({key_arrays})"
        else:
            wanted = f"({keys}) IN (SELECT * FROM unnest({key_arrays}))"
        self.fetch = f"{self.select} WHERE {wanted} ORDER BY {keys}"
        self.insert = f"INSERT INTO {table.name} ({names}) SELECT * FROM unnest({arrays})"
        self.delete = f"DELETE FROM {table.name} t USING unnest({key_arrays}) AS v({keys}) WHERE {same}"
        self._updates: dict[tuple[int, ...], str] = {}

    def to_row(self, record: msgspec.Struct) -> list[Any]:
        """The column values; arrays hold one type only, so a whole number in a column of floats becomes one."""
        row = super().to_row(record)
        for at in self._floats:
            if row[at] is not None:
                row[at] = float(row[at])
        return row

    def update(self, changed: tuple[int, ...]) -> str:
        """The statement that writes only the changed columns.

        Of a shared table, whose rows were read without a lock, only rows whose changed columns are still as they were read:
        who was overtaken finds fewer rows than it wanted.
        """
        statement = self._updates.get(changed)
        if statement is None:
            table = self.table
            columns = [self.columns[at] for at in changed]
            names = [f"new_{name}" for name in columns] + [f"key_{name}" for name in table.key]
            kinds = [self.arrays[at] for at in changed] + [self.arrays[at] for at in self.key_at]
            where = [f't."{name}" = v.key_{name}' for name in table.key]
            if table.shared:
                names += [f"old_{name}" for name in columns]
                kinds += [self.arrays[at] for at in changed]
                where += [f't."{name}" IS NOT DISTINCT FROM v.old_{name}' for name in columns]
            sets = ", ".join(f'"{name}" = v.new_{name}' for name in columns)
            statement = (
                f"UPDATE {table.name} t SET {sets} "
                f"FROM unnest({', '.join(f'%s::{kind}[]' for kind in kinds)}) AS v({', '.join(names)}) "
                f"WHERE {' AND '.join(where)}"
            )
            self._updates[changed] = statement
        return statement


@cache
def codec_of(table: Table[Any]) -> TableCodec:
    """The codec of a table; tables are module-level values, so each is compiled once."""
    return TableCodec(table)
