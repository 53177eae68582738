"""One transaction over a batch: an identity map with an undo log, the same for both dialects.

Theory of operation
-------------------
``KnownRows.current`` holds every record that this batch has seen or written, ``stored`` what the database holds as far as
we know, ``dirty`` the keys where the two may differ. A call's overlay is a mark in the undo log: a refused call's
writes are taken back one by one. When they had been flushed in between (because a range read needed them), taking them
back makes their keys dirty again, so the next flush writes the old record: nobody outside sees an open transaction,
so no savepoint is needed.

A record whose key was drawn from ``next_id`` in this batch is known to be absent from the database. One that is put and
deleted within the batch (a delivery that is carried out at once) therefore never touches it.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import repeat
from operator import is_
from typing import Any, TypeVar, cast

import msgspec

from interstate.store.known_rows import Kept, KnownRows, OwnRows, kept_of
from interstate.store.ports import Change, Look, Rows, Wanted
from interstate.store.sequences import Sequences
from interstate.store.tables import Scalar, Select, Table

V = TypeVar("V", bound=msgspec.Struct)
_UNSEEN: Any = object()
Glance = tuple[Table[Any] | Select[Any], int, tuple[Any, ...]]
"""A look at a shared table: (table, 0, key) or (range, limit, its parameters)."""
GLANCED_MAX = 50
"""Rows of a range that is worth a guess: long ones are read to be compiled, and what was compiled is kept."""
_FEW = 5
"""So many records are put one after the other."""


def _by_name(pair: tuple[Table[Any], Any]) -> str:
    return pair[0].name


Mark = int


class UnitOfWork:
    """The records of one open transaction. ``own``: rows that need not be read; ``kept``: what the unit of work before it kept."""

    def __init__(self, rows: Rows, sequences: Sequences, own: OwnRows | None = None, kept: Kept | None = None) -> None:
        self._rows = rows
        rows.withheld = False
        self._sequences = sequences
        self._kept: Kept = {} if kept is None else kept
        self._states = dict(self._kept)
        self._looked = False  # Otherwise nothing more is known than before, but of what was written.
        self._undo: list[tuple[KnownRows, tuple[Any, ...], Any]] = []
        self._own = own
        self.glances: list[Glance] = []  # Looks at shared tables that nobody had made before.
        self.wrote = False

    def _state(self, table: Table[Any]) -> KnownRows:
        state = self._states.get(table)
        if state is None:
            state = self._states[table] = KnownRows(table)
        return state

    # Reading ---------------------------------------------------------------------------------------------------

    def prefetch(self, wanted: dict[Table[Any], set[tuple[Any, ...]]]) -> None:
        """Fetch rows for the whole batch, table by table, so that calls find them here."""
        missing: Wanted = []
        glances = self.glances
        for table, keys in sorted(wanted.items(), key=_by_name):  # Locks are taken in one order.
            current = self._state(table).current
            unseen = sorted(keys.difference(current))
            if unseen:
                missing.append((table, unseen))
                if table.shared:
                    glances += [(table, 0, key) for key in unseen]
        if missing:
            self.have(missing, self._rows.fetch_all(missing))

    def have(self, wanted: Wanted, found: list[list[msgspec.Struct | None]]) -> None:
        """Rows that were fetched."""
        self._looked = True
        for (table, keys), records in zip(wanted, found, strict=True):
            state = self._state(table)
            known = dict(zip(keys, records, strict=True))
            state.current.update(known)
            state.stored.update(known)

    def get(self, table: Table[V], key: tuple[Any, ...]) -> V | None:
        """The record under the key, as this batch sees it."""
        try:
            return self._states[table].current[key]  # type: ignore[return-value]  # a table's rows are of its record
        except KeyError:
            return self._fetch(table, key)

    def find(self, table: Table[V], *key: Any) -> V | None:
        """The same. The way of nearly all reads by key: written out, so that it is one call."""
        try:
            return self._states[table].current[key]  # type: ignore[return-value]  # a table's rows are of its record
        except KeyError:
            return self._fetch(table, key)

    def _fetch(self, table: Table[V], key: tuple[Any, ...]) -> V | None:
        state, record = self._state(table), self._look(table, key)
        state.current[key] = state.stored[key] = record
        return cast("V | None", record)

    def get_all(self, table: Table[V], keys: Sequence[tuple[Any, ...]]) -> list[V | None]:
        """The records under some keys."""
        if len(keys) == 1:
            return [self.get(table, keys[0])]
        try:
            current = self._states[table].current
            return [current[key] for key in keys]  # type: ignore[misc]  # a table's rows are of its record
        except KeyError:
            return [self.get(table, key) for key in keys]

    def _look(self, table: Table[Any], key: tuple[Any, ...]) -> msgspec.Struct | None:
        self._looked = True
        if table.own and self._own is not None and (known := self._own.find(table, key)) is not None:
            return known
        if table.shared:
            self.glances.append((table, 0, key))
        return self._rows.fetch(table, (key,))[0]

    def teach_own(self) -> None:
        """Tell ``own`` what this transaction knows; after the last flush."""
        if self._own is not None:
            for table, state in self._states.items():
                if table.own:
                    self._own.learn(table, state.current)

    def know(self, table: Table[V], record: V) -> None:
        """The record is in the database as it is here: no look is needed. Only for rows that nobody else writes."""
        state = self._state(table)
        key = state.key(record)
        if key not in state.current:
            state.current[key] = state.stored[key] = record

    def select(self, select: Select[V], limit: int, parameters: dict[str, Any]) -> list[V]:
        """A range read; writes that it could see are flushed first.

        Calls of one batch ask for the same configuration again and again; it is read once until the batch changes it.
        """
        state = self._states.get(select.table) or self._state(select.table)
        shared = select.table.shared
        asked = (select, limit, *parameters.values()) if shared or state.ranges else None
        if asked is not None and (keys := state.ranges.get(asked)) is not None:
            return [cast("V", state.current[key]) for key in keys]
        answer = self._read(state, select, limit, parameters)
        if shared and asked is not None:
            state.ranges[asked] = [state.key(record) for record in answer]
            if not select.follows and len(answer) <= GLANCED_MAX:
                self.glances.append((select, limit, tuple(parameters.items())))
        return answer

    def have_ranges(self, looks: Sequence[Look], found: Sequence[Sequence[msgspec.Struct]]) -> None:
        """Ranges that were read before anything of their tables was written; they hold until something is."""
        for look, records in zip(looks, found, strict=True):
            assert isinstance(look.what, Select)
            state = self._state(look.what.table)
            for record in records:
                key = state.key(record)
                if state.current.get(key) is None:
                    state.current[key] = state.stored[key] = record
            state.ranges[look.what, look.limit, *look.asked.values()] = [state.key(record) for record in records]

    def select_all(self, looks: Sequence[Look]) -> list[list[msgspec.Struct]]:
        """Ranges of tables that are not shared, with one wait for all."""
        states = [self._state(cast("Select[Any]", look.what).table) for look in looks]
        for state in states:
            self._flush(state)
        self._looked = True
        found = cast("list[list[msgspec.Struct]]", self._rows.read_all([], looks))
        return [self._known(state, records) for state, records in zip(states, found, strict=True)]

    def read_ahead(self, wanted: dict[Table[Any], set[tuple[Any, ...]]], looks: Sequence[Look]) -> None:
        """Read with one wait what will be asked for: rows by key, and ranges. What this batch has written is left as it is."""
        missing = [
            (table, unseen)
            for table, keys in sorted(wanted.items(), key=_by_name)
            if (unseen := sorted(keys.difference(self._state(table).current)))
        ]
        clean = [look for look in looks if self._is_clean(look)]
        if missing or clean:
            found = self._rows.read_all(missing, clean)
            self.have(missing, found[: len(missing)])
            self.have_ranges(clean, cast("list[list[msgspec.Struct]]", found[len(missing) :]))

    def _is_clean(self, look: Look) -> bool:
        """Whether nothing was written yet that the range could show, and it was not read yet."""
        assert isinstance(look.what, Select)
        state = self._state(look.what.table)
        return not state.dirty and (look.what, look.limit, *look.asked.values()) not in state.ranges

    def _read(self, state: KnownRows, select: Select[V], limit: int, parameters: dict[str, Any]) -> list[V]:
        self._flush(state)
        self._looked = True
        return cast("list[V]", self._known(state, self._rows.select(select, limit, parameters)))

    def _known(self, state: KnownRows, records: Iterable[msgspec.Struct]) -> list[msgspec.Struct]:
        """Records as this batch sees them, and from now on knows them."""
        answer: list[msgspec.Struct] = []
        for record in records:
            key = state.key(record)
            known = state.current.get(key)
            if known is None:
                state.current[key] = state.stored[key] = known = record
            answer.append(known)
        return answer

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        """One number over flushed tables."""
        for table in scalar.tables:
            self._flush(self._state(table))
        return self._rows.scalar(scalar, parameters)

    def horizon(self) -> int:
        """A number below which no row can come any more."""
        return self._rows.horizon()

    @property
    def withheld(self) -> bool:
        """Whether a read that follows a log left rows out."""
        return self._rows.withheld

    # Writing ---------------------------------------------------------------------------------------------------

    def next_id(self, table: Table[Any]) -> int:
        """A number for the table's integer key."""
        return self.next_ids(table, 1)[0]

    def next_ids(self, table: Table[Any], count: int) -> range:
        """Some (one at least), one after the other."""
        drawn = self._sequences.draw_some(table, count, self._rows)
        state = self._states.get(table) or self._state(table)
        if state.fresh_from is None:
            state.fresh_from = drawn[0]
        return drawn

    def put(self, table: Table[V], record: V) -> None:
        """Insert or replace."""
        state = self._states.get(table) or self._state(table)
        key = state.key(record)
        before = state.current.get(key, _UNSEEN)
        if before is _UNSEEN or state.ranges:
            self._set(state, key, record)
            return
        self._undo.append((state, key, before))  # As _set does it.
        state.current[key] = record
        state.dirty[key] = None

    def put_new(self, table: Table[V], record: V) -> None:
        """Insert: the database has no row under this key."""
        state = self._states.get(table) or self._state(table)
        key = state.key(record)
        if key not in state.current:
            state.current[key] = state.stored[key] = None
        self.put(table, record)

    def put_all(self, table: Table[V], records: Sequence[V]) -> None:
        """Insert or replace some."""
        state = self._states.get(table) or self._state(table)
        if state.ranges:
            state.ranges.clear()
        if len(records) <= _FEW:
            self._put_few(state, records)
            return
        current = state.current
        keys = state.keys(records)
        before = list(map(current.get, keys, repeat(_UNSEEN)))
        unseen = before.count(_UNSEEN)
        if unseen and unseen == len(keys) and state.are_new(keys):
            state.stored.update(dict.fromkeys(keys))
            before = [None] * unseen
            unseen = 0
        for at, key in enumerate(keys) if unseen else ():
            if before[at] is _UNSEEN:
                if key not in state.stored:
                    state.stored[key] = None if state.is_new(key) else self._look(table, key)
                before[at] = state.stored[key]
        self._undo += zip(repeat(state), keys, before)
        current.update(zip(keys, records, strict=True))
        state.dirty.update(dict.fromkeys(keys))

    def _put_few(self, state: KnownRows, records: Sequence[msgspec.Struct]) -> None:
        """The same, one after the other: what is done for all together pays from some records on."""
        current, dirty, read = state.current, state.dirty, state.key
        for record in records:
            key = read(record)
            before = current.get(key, _UNSEEN)
            if before is _UNSEEN:
                if key not in state.stored:
                    state.stored[key] = None if state.is_new(key) else self._look(state.table, key)
                before = state.stored[key]
            self._undo.append((state, key, before))
            current[key] = record
            dirty[key] = None

    def put_if_free(self, table: Table[V], records: Sequence[V]) -> bool:
        """Put some of different keys if all keys are free. Where that is cheap the database itself is asked, by writing them."""
        state = self._states.get(table) or self._state(table)
        keys, current = state.keys(records), state.current
        if not self._rows.tries or not current.keys().isdisjoint(keys):
            if any(self.get_all(table, keys)):
                return False
            self.put_all(table, records)
            return True
        self.wrote = True
        if state.ranges:
            state.ranges.clear()
        if self._rows.insert_absent(table, records) == len(records):
            self._undo += zip(repeat(state), keys, repeat(None))
            written = dict(zip(keys, records, strict=True))
            current.update(written)
            state.stored.update(written)
            return True
        for key, record, found in zip(keys, records, self._rows.fetch(table, keys), strict=True):
            state.stored[key] = found
            if found != record:
                current[key] = found
            else:  # This one was free; it must go again.
                current[key] = None
                state.dirty[key] = None
        return False

    def delete(self, table: Table[Any], key: tuple[Any, ...]) -> None:
        """Delete; nothing happens when there is none."""
        self._set(self._state(table), key, None)

    def erase(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> int:
        """Delete a range, bounded."""
        records = self.select(select, limit, parameters)
        state = self._state(select.table)
        for record in records:
            self._set(state, state.key(record), None)
        return len(records)

    def sweep(self, table: Table[Any], before: datetime, kept: timedelta, limit: int) -> int:
        """Forget old rows, in the database itself."""
        self._flush(self._state(table))
        self.wrote = True
        return self._rows.sweep(table, before, kept, limit)

    def _set(self, state: KnownRows, key: tuple[Any, ...], record: msgspec.Struct | None) -> None:
        before = state.current.get(key, _UNSEEN)
        if before is _UNSEEN:
            # What a flushed and then refused write must be able to bring back is looked up before it is overwritten.
            before = None if state.is_new(key) else self._look(state.table, key)
            state.current[key] = state.stored[key] = before
        self._undo.append((state, key, before))
        if state.ranges:
            state.ranges.clear()
        state.current[key] = record
        state.dirty[key] = None

    def renew(self, table: Table[V], columns: tuple[int, ...], records: Sequence[V]) -> None:
        """Write some columns (by their places) of rows that are in the database, at once; only for rows that nobody else writes.

        They are past overlays, nothing but a rollback takes this back; and nobody has put them in this unit of work.
        """
        self.wrote = True
        self._rows.renew(table, columns, records)
        if self._own is not None or table in self._states:
            state = self._state(table)
            for record in records:
                key = state.key(record)
                state.current[key] = state.stored[key] = record

    @property
    def changed(self) -> bool:
        """Whether anything was put or deleted."""
        return bool(self._undo)

    # Overlays --------------------------------------------------------------------------------------------------

    def mark(self) -> Mark:
        """The beginning of an overlay."""
        return len(self._undo)

    def undo(self, mark: Mark) -> None:
        """Take back every write since the mark."""
        while len(self._undo) > mark:
            state, key, before = self._undo.pop()
            if state.ranges:
                state.ranges.clear()
            state.current[key] = before
            state.dirty[key] = None

    # Flushing --------------------------------------------------------------------------------------------------

    def flush(self) -> None:
        """Write everything that is still unwritten; before the commit."""
        for state in self._states.values():
            if state.dirty:
                self._flush(state)

    def keep(self) -> Kept:
        """What the next unit of work need not read again; after the last flush.

        It holds if this one is committed and nobody else writes to the database: not where there are several nodes.
        """
        if self._looked:
            self._kept = kept_of(self._states)
        return self._kept

    def _flush(self, state: KnownRows) -> None:
        if not state.dirty:
            return
        keys = list(state.dirty)
        wanted = list(map(state.current.__getitem__, keys))
        held = list(map(state.stored.__getitem__, keys))
        changes: list[Change] = list(zip(keys, held, wanted, strict=True))
        if any(map(is_, held, wanted)):
            changes = [change for change in changes if change[1] is not change[2]]
        state.dirty.clear()
        if changes:
            self.wrote = True
            self._rows.write(state.table, changes)
            state.stored.update(zip(keys, wanted, strict=True))
