"""The statements of a table in SQLite; compiled once per table.

Theory of operation
-------------------
What a new row leaves empty (a message that nobody has received yet, an attempt that did not fail) stands in the statement, as
NULL, '' or 0, and is no parameter: Python's ``sqlite3`` spends more on a parameter that is None than SQLite on the whole
column. Most rows of a table leave the same columns empty, so there are few such statements. Bytes are handed over as a
``bytearray`` for the same reason: the module takes that as it is, and looks for an adapter of ``bytes``.
"""

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from operator import itemgetter
from typing import Any

import msgspec

from interstate.store.codec import RecordCodec, converted, strip_none
from interstate.store.tables import Table

_INSERTS_MAX = 16
"""Statements for new rows of one table; what would need another one names all columns."""


class Insert:
    """A statement for new rows that leave the columns at ``empty`` as they are in ``values``."""

    __slots__ = (
        "_attempts",
        "_left",
        "_left_as",
        "_pick",
        "_row",
        "_statements",
        "_writes",
        "statement",
        "takes_all",
        "width",
    )

    def __init__(self, codec: RecordCodec, empty: tuple[int, ...], values: tuple[Any, ...], *, takes_all: bool) -> None:
        self.takes_all = takes_all
        """Whether this is the only statement of its table."""
        self._left = itemgetter(*empty) if empty else None
        self._left_as = None if self._left is None else self._left(values)
        given = [at for at in range(len(codec.columns)) if at not in empty]
        self._pick = itemgetter(*given) if len(given) > 1 else lambda values: [values[at] for at in given]
        self._writes = [(place, write) for place, at in enumerate(given) if (write := codec.writers[at]) is not None]
        self.width = len(given)
        """Parameters of a row."""
        literals = [_LITERALS[values[at]] if at in empty else "?" for at in range(len(codec.columns))]
        self._statements: dict[int, str] = {}
        self._attempts: dict[int, str] = {}
        self._row = f"({', '.join(literals)})"
        self.statement = f"INSERT INTO {codec.table.name} ({', '.join(codec.columns)}) VALUES {self._row}"

    def of_rows(self, count: int) -> str:
        """The statement for so many new rows at once."""
        statement = self._statements.get(count)
        if statement is None:
            statement = self._statements[count] = self.statement + f", {self._row}" * (count - 1)
        return statement

    def if_absent(self, count: int) -> str:
        """The same, which passes over rows whose key is taken."""
        statement = self._attempts.get(count)
        if statement is None:
            statement = self._attempts[count] = self.of_rows(count) + " ON CONFLICT DO NOTHING"
        return statement

    def takes(self, values: tuple[Any, ...]) -> bool:
        """Whether a record leaves these columns as they are in the statement (and maybe others)."""
        return self.takes_all or (self._left is not None and bool(self._left(values) == self._left_as))

    def takes_every(self, rows: Sequence[tuple[Any, ...]]) -> bool:
        """``takes`` of each of some."""
        return self.takes_all or (
            self._left is not None and list(map(self._left, rows)).count(self._left_as) == len(rows)
        )

    def parameters(self, records: Sequence[tuple[Any, ...]]) -> list[Any]:
        """What the statement does not say of records (one at least), as columns hold it: one value after the other."""
        values = list(chain.from_iterable(map(self._pick, records)))
        width = self.width
        for place, write in self._writes:
            values[place::width] = converted(values[place::width], write)
        return values


_LITERALS: dict[Any, str] = {None: "NULL", "": "''", 0: "0"}


class TableCodec(RecordCodec):
    """What SQLite needs to know of one table."""

    __slots__ = ("_deletes", "_gets", "_inserts", "_optional", "_updates", "get", "has_bytes", "select", "whole")

    def __init__(self, table: Table[Any]) -> None:
        super().__init__(table)
        self._hand_over_bytes()
        fields = {field.name: field for field in msgspec.structs.fields(table.record)}
        self._optional = [
            at
            for at, name in enumerate(self.columns)
            if strip_none(self.hints[name]) is not self.hints[name] or fields[name].default in ("", 0)
        ]
        names = ", ".join(self.columns)
        where = " AND ".join(f"{name} = ?" for name in table.key)
        self.select = f"SELECT {names} FROM {table.name}"
        self.get = f"{self.select} WHERE {where}"
        self.whole = Insert(self, (), (), takes_all=not self._optional)
        self._inserts: dict[tuple[tuple[int, ...], tuple[str, ...]], Insert] = {((), ()): self.whole}
        self._deletes = {1: f"DELETE FROM {table.name} WHERE {where}"}
        self.has_bytes = any(strip_none(self.hints[name]) is bytes for name in table.key)
        self._gets: dict[int, str] = {}
        self._updates: dict[tuple[int, ...], str] = {}

    def key_parameters(self, key: tuple[Any, ...]) -> Sequence[Any]:
        """A key as parameters of a statement."""
        key = self.to_key(key)
        return self.handed(key) if self.has_bytes else key

    @staticmethod
    def handed(values: Iterable[Any]) -> list[Any]:
        """Values as ``sqlite3`` takes them soonest."""
        return [bytearray(value) if type(value) is bytes else value for value in values]

    def keys_parameters(self, keys: Iterable[tuple[Any, ...]]) -> Sequence[Any]:
        """Keys as parameters of one statement; ``keys`` are as columns hold them."""
        parts = chain.from_iterable(keys)
        return self.handed(parts) if self.has_bytes else tuple(parts)

    def delete_many(self, count: int) -> str:
        """The statement that deletes ``count`` keys; of more than one column, it takes one key."""
        statement = self._deletes.get(count)
        if statement is None:
            (name,) = self.table.key
            statement = f"DELETE FROM {self.table.name} WHERE {name} IN ({', '.join('?' * count)})"
            self._deletes[count] = statement
        return statement

    def get_many(self, count: int) -> str:
        """The statement that finds ``count`` keys, in their order: each arm is one look into the primary key.

        (Row values ``IN (VALUES ...)`` would read the whole table.)
        """
        statement = self._gets.get(count)
        if statement is None:
            statement = self._gets[count] = " UNION ALL ".join([self.get] * count)
        return statement

    def _hand_over_bytes(self) -> None:
        at_bytes = [at for at, name in enumerate(self.columns) if strip_none(self.hints[name]) is bytes]
        self._writes += [(at, bytearray) for at in at_bytes]
        writers = list(self.writers)
        for at in at_bytes:
            writers[at] = bytearray
        self.writers = tuple(writers)

    def insert_of(self, values: tuple[Any, ...]) -> Insert:
        """The statement for a new record."""
        empty = tuple([at for at in self._optional if values[at] is None or values[at] in ("", 0)])
        left = tuple([_LITERALS[values[at]] for at in empty])
        found = self._inserts.get((empty, left))
        if found is None:
            if len(self._inserts) >= _INSERTS_MAX:
                return self.whole
            found = self._inserts[empty, left] = Insert(self, empty, values, takes_all=False)
        return found

    def update(self, changed: tuple[int, ...]) -> str:
        """The statement that writes only the changed columns (an index over others stays untouched).

        A column that becomes NULL is in ``changed`` by the complement of its place.
        """
        statement = self._updates.get(changed)
        if statement is None:
            sets = ", ".join(f"{self.columns[at]} = ?" if at >= 0 else f"{self.columns[~at]} = NULL" for at in changed)
            where = " AND ".join(f"{name} = ?" for name in self.table.key)
            statement = f"UPDATE {self.table.name} SET {sets} WHERE {where}"
            self._updates[changed] = statement
        return statement

    def update_parameters(self, changed: tuple[int, ...], records: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """What this statement writes of records (one at least), and their keys, as columns hold it."""
        columns = list(zip(*records, strict=True))
        places = [*(at for at in changed if at >= 0), *self.key_at]
        given = [columns[at] if (write := self.writers[at]) is None else map(write, columns[at]) for at in places]
        return list(zip(*given, strict=True))


@cache
def codec_of(table: Table[Any]) -> TableCodec:
    """The codec of a table; tables are module-level values, so each is compiled once."""
    return TableCodec(table)
