"""Reads and writes of one connection inside one transaction, in PostgreSQL.

Rows that a batch reads are locked until its commit (READ COMMITTED, locks in key order): what was decided on them is still
true when it is written. Tables that are *shared* (configuration: read by every call, changed rarely) are read without a
lock; before a row of one is changed it is read again under a lock and compared, and a batch that was overtaken is run again.
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.time import to_micros
from interstate.store.ports import Change, Look, Wanted
from interstate.store.postgres.codec import TableCodec, codec_of
from interstate.store.postgres.line import Line, Overtaken
from interstate.store.postgres.pipe import Question
from interstate.store.postgres.translate import query
from interstate.store.tables import Scalar, Select, Table

_Key = tuple[Any, ...]
NUMBER_SHIFT = 8
"""A number is an instant in microseconds with the node's own number behind it."""
PARTS_KEPT = 12
"""In so many parts lies what a table that ages keeps: a query that cannot know the part asks each of them."""
PART_MIN = timedelta(hours=1)
_SWEEP = "SELECT sweep_parts($1, $2, $3, $4, $5)"


class PostgresRows:
    """``store.ports.Rows`` over a line. ``locks``: what is read is about to be decided upon."""

    def __init__(self, line: Line, *, locks: bool) -> None:
        self.line = line
        self.withheld = False
        self._locks = locks
        self._selects: dict[Select[Any], tuple[str, tuple[str, ...]]] = {}

    def fetch(self, table: Table[Any], keys: Iterable[_Key]) -> list[msgspec.Struct | None]:
        """The records under the keys, in their order, in one statement."""
        return self.fetch_all([(table, list(keys))])[0]

    def fetch_all(self, wanted: Sequence[tuple[Table[Any], list[_Key]]]) -> list[list[msgspec.Struct | None]]:
        """The records under the keys of several tables, in one round trip; locked in the order given."""
        fetch = _Fetch(wanted, self.fetching)
        if not fetch.questions:
            return [[] for _ in wanted]
        return fetch.found(self.line.ask(fetch.questions, locks=self._locks and fetch.locks))

    def ask_ahead(
        self, wanted: Wanted, looks: Sequence[Look]
    ) -> tuple[int, Callable[[], list[list[msgspec.Struct | None]]]]:
        """The same without a wait, and the records of ranges behind them: the socket where the answer comes, and what reads it."""
        asked = _Asked(self, wanted, looks)
        socket = self.line.ask_ahead(asked.questions, locks=self._locks and asked.locks)
        return socket, lambda: asked.found(self.line.answer_ahead())

    def read_all(self, wanted: Wanted, looks: Sequence[Look]) -> list[list[msgspec.Struct | None]]:
        """The same with a wait, in one round trip."""
        asked = _Asked(self, wanted, looks)
        if not asked.questions:
            return asked.found([])
        return asked.found(self.line.ask(asked.questions, locks=self._locks and asked.locks))

    def fetching(self, codec: TableCodec) -> str:
        """The statement that reads rows by key."""
        return codec.fetch + codec.lock if self._locks else codec.fetch

    def select(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> list[msgspec.Struct]:
        """At most ``limit`` records of a range, in its order; a claim passes over what others have in hand."""
        codec = codec_of(select.table)
        question = self._range(codec, select, limit, parameters)
        if select.follows:
            return self._follow(codec, question)
        (rows,) = self.line.ask((question,), locks=self._locks and bool(codec.lock))
        return [codec.from_row(row) for row in rows]

    def _range(self, codec: TableCodec, select: Select[Any], limit: int, parameters: dict[str, Any]) -> Question:
        compiled = self._selects.get(select)
        if compiled is None:
            text = f"{codec.select} WHERE {select.where} ORDER BY {select.order} LIMIT :limit"
            if self._locks and codec.lock:
                text += codec.lock + (" SKIP LOCKED" if select.claims else "")
            compiled = self._selects[select] = query(text)
        return compiled[0], _bind(compiled[1], {**parameters, "limit": limit})

    def question(self, look: Look) -> Question:
        """The statement of a look."""
        what = look.what
        if isinstance(what, Select):
            return self._range(codec_of(what.table), what, look.limit, look.asked)
        if isinstance(what, Scalar):
            statement, names = query(what.sql)
            return statement, _bind(names, look.asked)
        codec = codec_of(what)
        return self.fetching(codec), codec.pack_keys([codec.to_key(key) for key in look.asked])

    def answer(self, look: Look, rows: list[Any]) -> Any:
        """What the rows of its statement mean."""
        what = look.what
        if isinstance(what, Scalar):
            return _number(rows)
        if isinstance(what, Select):
            codec = codec_of(what.table)
            return [codec.from_row(row) for row in rows]
        codec = codec_of(what)
        return _in_order(codec, [codec.to_key(key) for key in look.asked], rows)

    def _follow(self, codec: TableCodec, question: Question) -> list[msgspec.Struct]:
        """The rows of a log up to the horizon: above it, one with a lower number could still be committed."""
        horizon_us, rows = self.line.ask_below_horizon(question)
        (at,) = codec.key_at
        horizon = horizon_us << NUMBER_SHIFT
        settled = [row for row in rows if row[at] < horizon]
        if len(settled) < len(rows):
            self.withheld = True
        return [codec.from_row(row) for row in settled]

    def horizon(self) -> int:
        """A number below which every row is there to be seen, or is gone."""
        horizon_us, _ = self.line.ask_below_horizon(("SELECT 1", ()))
        return horizon_us << NUMBER_SHIFT

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        """The first column of the first row; NULL and no row are 0."""
        statement, names = query(scalar.sql)
        (rows,) = self.line.ask(((statement, _bind(names, parameters)),))
        return _number(rows)

    def highest_id(self, table: Table[Any]) -> int:
        """Numbers come from the database's clock (``engine``), never from what lies in a table."""
        del table
        return 0

    def sweep(self, table: Table[Any], before: datetime, kept: timedelta, limit: int) -> int:
        """Drop the parts that are due, make those that lie ahead, forget the oldest rows of the others (``migrations/0267_parts``)."""
        length = max(PART_MIN, kept / PARTS_KEPT) // timedelta(microseconds=1) << NUMBER_SHIFT
        self.line.wrote = True
        ((row,),) = self.line.ask(((_SWEEP, (table.name, table.ages, to_micros(before), limit, length)),))
        return int(row[0])

    def write(self, table: Table[Any], changes: Sequence[Change]) -> None:
        """Write what changed: (key, stored, wanted) each, one statement a kind of change, rows in key order.

        The statements go with the next read or with COMMIT; there, a row that is to be changed or deleted and is not there
        any more is ``Overtaken``.

        Raises:
            Overtaken: a row of a shared table is not any more as it was read.
        """
        codec = codec_of(table)
        self.line.plans.wrote(len(changes))
        if table.shared:
            self._compare(codec, changes)
        deletes: list[_Key] = []
        inserts: list[tuple[_Key, list[Any]]] = []
        updates: dict[tuple[int, ...], list[tuple[_Key, list[Any]]]] = {}
        for key, stored, wanted in changes:
            at = codec.to_key(key)
            if wanted is None:
                deletes.append(at)
            elif stored is not None:
                changed = _difference(stored, wanted)
                if changed:
                    new = codec.to_row(wanted)
                    updates.setdefault(changed, []).append((at, [new[column] for column in changed]))
            else:
                inserts.append((at, codec.to_row(wanted)))
        tell = self.line.tell
        if deletes:
            tell(codec.delete, [*codec.pack_keys(sorted(deletes)), len(deletes)])
        if inserts:
            inserts.sort(key=_first)
            tell(*codec.inserting([row for _, row in inserts]))
        for changed, rows in updates.items():
            rows.sort(key=_first)
            tell(codec.update(changed), [*codec.pack_changes(changed, rows), len(rows)])

    tries = False

    def insert_absent(self, table: Table[Any], records: Sequence[msgspec.Struct]) -> int:
        """Nobody asks: an answer is a way to the database and back."""
        raise NotImplementedError(f"{len(records)} rows of {table.name} tried")

    def renew(self, table: Table[Any], changed: tuple[int, ...], records: Sequence[msgspec.Struct]) -> None:
        """Write some columns of rows that are there, in one statement; one that is gone is ``Overtaken`` at the commit."""
        codec = codec_of(table)
        rows: list[tuple[_Key, list[Any]]] = []
        for record in records:
            values = codec.to_row(record)
            rows.append((tuple([values[at] for at in codec.key_at]), [values[at] for at in changed]))
        rows.sort(key=_first)
        self.line.tell(codec.update(changed), [*codec.pack_changes(changed, rows), len(rows)])

    def _compare(self, codec: TableCodec, changes: Sequence[Change]) -> None:
        before = {codec.to_key(key): stored for key, stored, _ in changes if stored is not None}
        if not before:
            return
        keys = sorted(before)
        (rows,) = self.line.ask(((codec.locked, codec.pack_keys(keys)),))
        for key, found in zip(keys, _in_order(codec, keys, rows), strict=True):
            if found != before[key]:
                raise Overtaken(codec.table.name)


class _Fetch:
    """Rows of several tables under way."""

    def __init__(self, wanted: Sequence[tuple[Table[Any], list[_Key]]], fetching: Callable[[TableCodec], str]) -> None:
        self._bound = [[codec_of(table).to_key(key) for key in keys] for table, keys in wanted]
        self._asked = [(codec_of(table), keys) for (table, _), keys in zip(wanted, self._bound, strict=True) if keys]
        self.questions: list[Question] = [(fetching(codec), codec.pack_keys(keys)) for codec, keys in self._asked]
        self.locks = any(codec.lock for codec, _ in self._asked)

    def found(self, rows: list[list[Any]]) -> list[list[msgspec.Struct | None]]:
        """The records, in the order of their keys."""
        answers = iter(zip(self._asked, rows, strict=True))
        found: list[list[msgspec.Struct | None]] = []
        for keys in self._bound:
            if keys:
                (codec, _), of_table = next(answers)
                found.append(_in_order(codec, keys, of_table))
            else:
                found.append([])
        return found


class _Asked:
    """Rows of several tables, and ranges, under way."""

    def __init__(self, rows: PostgresRows, wanted: Wanted, looks: Sequence[Look]) -> None:
        self._fetch = _Fetch(wanted, rows.fetching)
        self._rows, self._looks = rows, looks
        self.questions = [*self._fetch.questions, *(rows.question(look) for look in looks)]
        self.locks = self._fetch.locks or any(codec_of(_table(look)).lock for look in looks)

    def found(self, rows: list[list[Any]]) -> list[list[msgspec.Struct | None]]:
        """The records under the keys, and then those of the ranges."""
        ranges = rows[len(self._fetch.questions) :]
        found = self._fetch.found(rows[: len(self._fetch.questions)])
        return found + [self._rows.answer(look, of) for look, of in zip(self._looks, ranges, strict=True)]


def _table(look: Look) -> Table[Any]:
    assert isinstance(look.what, Select), look
    return look.what.table


def _number(rows: list[Any]) -> int:
    return 0 if not rows or rows[0][0] is None else int(rows[0][0])


def _in_order(codec: TableCodec, keys: list[_Key], rows: list[Any]) -> list[msgspec.Struct | None]:
    if len(keys) == 1:
        return [codec.from_row(rows[0]) if rows else None]
    found = {codec.row_key(row): row for row in rows}
    return [codec.from_row(found[key]) if key in found else None for key in keys]


def _difference(stored: msgspec.Struct, wanted: msgspec.Struct) -> tuple[int, ...]:
    before = msgspec.structs.astuple(stored)
    after = msgspec.structs.astuple(wanted)
    return tuple([at for at, value in enumerate(after) if value is not before[at] and value != before[at]])


def _first(pair: tuple[_Key, Any]) -> _Key:
    return pair[0]


def _bind(names: Sequence[str], parameters: dict[str, Any]) -> list[Any]:
    values = [parameters[name] for name in names]
    return [to_micros(value) if isinstance(value, datetime) else value for value in values]
