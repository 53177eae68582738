"""What is known of rows without a look into the database: of one table within a batch, and from batch to batch."""

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

import msgspec

from interstate.store.tables import Table


@cache
def _keys_of(table: Table[Any]) -> Callable[[Sequence[Any]], list[tuple[Any, ...]]]:
    """Reads the keys of records: a tuple each."""
    read = attrgetter(*table.key)
    if len(table.key) > 1:
        return lambda records: list(map(read, records))
    return lambda records: list(zip(map(read, records)))


@cache
def _key_of(table: Table[Any]) -> Callable[[Any], tuple[Any, ...]]:
    """Reads a record's key; tables are module-level values, so each is compiled once."""
    if len(table.key) > 1:
        return attrgetter(*table.key)
    (name,) = table.key
    return lambda record: (getattr(record, name),)


class KnownRows:
    """What a batch knows of one table."""

    __slots__ = ("current", "dirty", "fresh_from", "key", "keys", "ranges", "stored", "table")

    def __init__(self, table: Table[Any]) -> None:
        self.table = table
        self.current: dict[tuple[Any, ...], msgspec.Struct | None] = {}
        self.stored: dict[tuple[Any, ...], msgspec.Struct | None] = {}
        self.dirty: dict[tuple[Any, ...], None] = {}  # A dict keeps the order of writing.
        self.ranges: dict[Any, list[tuple[Any, ...]]] = {}  # What range reads found since the last change, by key.
        self.fresh_from: int | None = None
        self.key = _key_of(table)
        self.keys = _keys_of(table)

    def is_new(self, key: tuple[Any, ...]) -> bool:
        """Whether the database cannot hold this unseen key: its number was drawn in this batch, or the table only grows."""
        return self.table.appends or (self.fresh_from is not None and len(key) == 1 and key[0] >= self.fresh_from)

    def are_new(self, keys: Sequence[tuple[Any, ...]]) -> bool:
        """Whether all of these unseen keys (at least one) are numbers that were drawn in this batch and never written."""
        fresh = self.fresh_from
        return fresh is not None and len(keys[0]) == 1 and min(keys)[0] >= fresh and self.stored.keys().isdisjoint(keys)


_OWN_MAX = 4096
"""Rows of its own that a writer remembers."""


class OwnRows:
    """What a writer wrote last of the rows that are its own: nobody else changes them, so the next batch need not read them.

    Others may delete them. Then the next write finds no row, is refused, and what is known must be forgotten. ``writer`` is the
    last column of their keys.
    """

    def __init__(self, writer: int) -> None:
        self._writer = writer
        self._rows: dict[tuple[Table[Any], tuple[Any, ...]], msgspec.Struct] = {}

    def find(self, table: Table[Any], key: tuple[Any, ...]) -> msgspec.Struct | None:
        """The row, if it is known to be there."""
        return self._rows.get((table, key))

    def learn(self, table: Table[Any], current: dict[tuple[Any, ...], msgspec.Struct | None]) -> None:
        """What a transaction has read and written; it must be forgotten if that is not committed."""
        for key, record in current.items():
            if key[-1] != self._writer:
                continue
            if record is None:
                self._rows.pop((table, key), None)
            else:
                self._rows[table, key] = record
        while len(self._rows) > _OWN_MAX:
            del self._rows[next(iter(self._rows))]


Kept = dict[Table[Any], KnownRows]
"""What one unit of work leaves to the next, by table."""

_KEPT_MAX = 4096
"""Rows, and ranges, that are kept of one table; one that has more begins anew."""


def kept_of(states: dict[Table[Any], KnownRows]) -> Kept:
    """The tables that are small enough and marked as worth it."""
    return {
        table: state
        for table, state in states.items()
        if table.kept and len(state.current) <= _KEPT_MAX and len(state.ranges) <= _KEPT_MAX
    }
