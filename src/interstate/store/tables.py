"""How records lie in tables: declared once, beside the record, for both dialects.

A record is a frozen ``msgspec.Struct``; each field is a column of the same name. Numbers, texts and bytes are stored as
they are, booleans as 0/1, instants as microseconds since the epoch, everything else as JSON text. The schema itself is
SQL worth reading, in ``store/<dialect>/migrations``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

V = TypeVar("V", bound=msgspec.Struct)


@dataclass(frozen=True, eq=False)
class Table(Generic[V]):
    """The table ``name`` holds one ``record`` a row; ``key`` names the columns of its primary key.

    ``appends`` promises that rows are only ever put under keys that were never used (logs, history): such a put is an
    insert without a look. ``shared`` says that the table is configuration: read by every call, changed rarely. With
    several nodes its rows are read without a lock, and a write is refused when another node was faster. ``own`` says that the
    key has a node's number, and that this node alone writes the row: nobody has to lock it. ``ages`` names the column with the
    instant by which rows of a table that ``appends`` are forgotten (``Work.sweep``); with several nodes such a table lies in parts.
    ``kept`` says that its rows are small and read by many calls: where one process owns the store, what a batch has read or written
    of them is not read again by the next one.
    """

    name: str
    record: type[V]
    key: tuple[str, ...]
    appends: bool = False
    shared: bool = False
    own: bool = False
    ages: str = ""
    kept: bool = False


@dataclass(frozen=True, eq=False)
class Select(Generic[V]):
    """A range read. ``where`` and ``order`` are SQL with ``:name`` parameters; ``where`` must be served by an index.

    Portable SQL only (it is the same text on both dialects). ``:limit`` is always added by the store. ``claims`` says
    that who reads takes what it finds: with several nodes, rows that another has in hand are passed over. ``follows`` says
    that it reads a log forward, from a number on: with several nodes, rows are shown only when none with a lower number can
    come any more (``Work.withheld`` tells that some were not, so that the reader comes again).
    """

    table: Table[V]
    where: str
    order: str
    claims: bool = False
    follows: bool = False


@dataclass(frozen=True, eq=False)
class Scalar:
    """A read of one number, e.g. a count or a minimum, over ``tables`` (which are flushed first)."""

    sql: str
    tables: tuple[Table[Any], ...]


class Key(msgspec.Struct, frozen=True):
    """One row that a call needs, told before it runs so that a batch is fetched at once."""

    table: Table[Any]
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Demand:
    """So many rows of a range that a call will take, told before it runs, so that the calls of a batch share one look at it."""

    name: str
    count: int


KeyFunction = Callable[..., "list[Key]"]
