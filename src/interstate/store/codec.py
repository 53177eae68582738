"""Records to rows and back, the same for both dialects; compiled once per table."""

import types
import typing
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import starmap
from operator import itemgetter
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from interstate.base.time import from_micros, to_micros
from interstate.store.tables import Table

Convert = Callable[[Any], Any]
_PLAIN = (str, int, float, bytes)
_COLUMNS_FROM = 3
"""So many rows are worth being read column by column."""


def strip_none(hint: Any) -> Any:
    """``X | None`` is stored as X, with NULL."""
    if get_origin(hint) in (Union, types.UnionType):
        rest = [part for part in get_args(hint) if part is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return hint


def converters(hint: Any) -> tuple[Convert, Convert] | None:
    """How a field's value is written and read; None when it is stored as it is."""
    hint = strip_none(hint)
    if hint in _PLAIN or get_origin(hint) is Literal:
        return None
    if hint is bool:
        return int, bool
    if hint is datetime:
        return to_micros, from_micros
    return _json_writer(), msgspec.json.Decoder(hint).decode


def _json_writer() -> Convert:
    """Writes JSON text. What many rows share (a message's sender) is often one object, and then encoded once."""
    last: Any = None
    text = ""

    def write(value: Any) -> str:
        nonlocal last, text
        if value is not last:
            text = msgspec.json.encode(value).decode()
            last = value  # Held, so that no other object can be taken for it. Stored values are never changed.
        return text

    return write


def converted(column: Iterable[Any], convert: Convert) -> Iterable[Any]:
    """The values of a column; None stays."""
    if None in column:
        return [None if value is None else convert(value) for value in column]
    return map(convert, column)


def _place(key_at: tuple[int, ...]) -> Callable[[Sequence[Any]], tuple[Any, ...]]:
    """The key's values of a row, as columns hold them."""
    if len(key_at) > 1:
        return itemgetter(*key_at)
    (at,) = key_at
    return lambda row: (row[at],)


class RecordCodec:
    """How one table's records lie in columns."""

    __slots__ = (
        "_always",
        "_has_instants",
        "_reads",
        "_sometimes",
        "_writes",
        "columns",
        "hints",
        "key_at",
        "place",
        "table",
        "writers",
    )

    def __init__(self, table: Table[Any]) -> None:
        self.hints = typing.get_type_hints(table.record)
        self.table = table
        self.columns = table.record.__struct_fields__
        found = [(at, converters(self.hints[name])) for at, name in enumerate(self.columns)]
        self._writes = [(at, pair[0]) for at, pair in found if pair is not None]
        self.writers = tuple([None if pair is None else pair[0] for _, pair in found])
        self._reads = [(at, pair[1]) for at, pair in found if pair is not None]
        self._always = [(at, read) for at, read in self._reads if not self._may_be_none(at)]
        self._sometimes = [(at, read) for at, read in self._reads if self._may_be_none(at)]
        self.key_at = tuple(self.columns.index(name) for name in table.key)
        self.place = _place(self.key_at)
        self._has_instants = any(strip_none(self.hints[name]) is datetime for name in table.key)

    def _may_be_none(self, at: int) -> bool:
        return type(None) in get_args(self.hints[self.columns[at]])

    def key(self, record: msgspec.Struct) -> tuple[Any, ...]:
        """The record's key as it stands in the struct."""
        return tuple([getattr(record, name) for name in self.table.key])

    def to_row(self, record: msgspec.Struct) -> list[Any]:
        """The column values of a record."""
        row = list(msgspec.structs.astuple(record))
        for at, write in self._writes:
            if row[at] is not None:
                row[at] = write(row[at])
        return row

    def from_row(self, row: tuple[Any, ...]) -> msgspec.Struct:
        """The record of a row."""
        record: type[msgspec.Struct] = self.table.record
        if not self._reads:
            return record(*row)
        values = list(row)
        for at, read in self._always:
            values[at] = read(values[at])
        for at, read in self._sometimes:
            value = values[at]
            if value is not None:
                values[at] = read(value)
        return record(*values)

    def from_rows(self, rows: Sequence[tuple[Any, ...]]) -> list[msgspec.Struct]:
        """The records of rows, read column by column: what is done for each value costs less than what is done for each row."""
        record: type[msgspec.Struct] = self.table.record
        if len(rows) < _COLUMNS_FROM:
            return [self.from_row(row) for row in rows]
        if not self._reads:
            return list(starmap(record, rows))
        columns: list[Iterable[Any]] = list(zip(*rows, strict=True))
        for at, read in self._always:
            columns[at] = map(read, columns[at])
        for at, read in self._sometimes:
            columns[at] = converted(columns[at], read)
        return list(map(record, *columns))

    def to_keys(self, keys: Iterable[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """``to_key`` of each of some."""
        return list(map(self.to_key, keys)) if self._has_instants else list(keys)

    def to_key(self, key: tuple[Any, ...]) -> tuple[Any, ...]:
        """Key values as columns hold them."""
        if not self._has_instants:
            return key
        return tuple([to_micros(part) if isinstance(part, datetime) else part for part in key])
