"""Calls that only read, on a database that others write, too: many calls share a snapshot and its round trips.

Theory of operation
-------------------
Calls that come while a connection is asked wait for the next *turn*. A turn is one snapshot, taken after all its calls came, so
each of them sees whatever anybody was told before it began. The loop never waits for the database: it watches the connection's
socket.

A call tells beforehand which rows it needs; these are fetched for all calls at once. When it asks for more it is left where it
is, what it asked for is noted, and the looks of all such calls are sent together; then it is run again from its beginning, on
the same snapshot, and finds what it asked for. Calls that read have no effects, so nobody can tell. One that still asks after
``ROUNDS_MAX`` rounds, or follows a log, goes on by itself, with a round trip a look.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.catalog import Catalog
from interstate.runtime.metrics import Counts, Metrics
from interstate.runtime.work import BatchWork
from interstate.store.ports import Aside, Change, Look, Rows, Slow, Snapshot, Store, Wanted
from interstate.store.sequences import Sequences
from interstate.store.tables import Key, Scalar, Select, Table
from interstate.store.unit_of_work import UnitOfWork

TURN_CALLS_MAX = 64
ROUNDS_MAX = 4
_Keys = list[tuple[Any, ...]]
_log = logging.getLogger("interstate.reading")


@dataclass(slots=True, eq=False)
class Reading:
    """A call that only reads. ``done`` gets its answer, or what was raised; nothing else of it may be seen outside."""

    function: Callable[[BatchWork], Any]
    done: Callable[[Any, Exception | None], None]
    caller: Caller
    now: datetime
    keys: Iterable[Key] = ()
    alone: bool = False  # A turn that it shared was refused.


class Asked(BaseException):
    """A call wants what is not here yet. No handler may take it for a failure."""


class _Known:
    """``store.ports.Rows`` of a turn: what was found so far; what else is asked for is noted."""

    def __init__(self) -> None:
        self.withheld = False
        self.follows = False  # The last call that was left asked for what only it can ask for by itself.
        self._rows: dict[Any, dict[tuple[Any, ...], msgspec.Struct | None]] = {}  # By table.
        self._found: dict[Any, Any] = {}
        self._keys: dict[Table[Any], dict[tuple[Any, ...], None]] = {}
        self._looks: dict[Any, Look] = {}

    def want(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> None:
        """Note rows."""
        self._keys.setdefault(table, {}).update(dict.fromkeys(keys))

    def looks(self) -> list[Look]:
        """What was noted."""
        fetches = [Look(table, sorted(keys)) for table, keys in self._keys.items()]
        return [*fetches, *self._looks.values()]

    def learn(self, looks: Sequence[Look], answers: Sequence[Any]) -> None:
        """What was found; nothing is noted any more."""
        names = list(self._looks)
        fetched = len(looks) - len(names)
        for look, records in zip(looks[:fetched], answers[:fetched], strict=True):
            self._rows.setdefault(look.what, {}).update(zip(look.asked, records, strict=True))
        self._found.update(zip(names, answers[fetched:], strict=True))
        self._keys, self._looks = {}, {}

    def fetch(self, table: Table[Any], keys: Iterable[tuple[Any, ...]]) -> list[msgspec.Struct | None]:
        return self.fetch_all([(table, list(keys))])[0]

    def fetch_all(self, wanted: Sequence[tuple[Table[Any], _Keys]]) -> list[list[msgspec.Struct | None]]:
        missing = False
        for table, keys in wanted:
            known = self._rows.get(table, {})
            if unknown := [key for key in keys if key not in known]:
                self.want(table, unknown)
                missing = True
        if missing:
            raise Asked
        return [[self._rows[table][key] for key in keys] if keys else [] for table, keys in wanted]

    def select(self, select: Select[Any], limit: int, parameters: dict[str, Any]) -> list[msgspec.Struct]:
        if select.follows:
            self.follows = True
            raise Asked
        records: list[msgspec.Struct] = self._find(Look(select, parameters, limit))
        return records

    def scalar(self, scalar: Scalar, parameters: dict[str, Any]) -> int:
        number: int = self._find(Look(scalar, parameters))
        return number

    def _find(self, look: Look) -> Any:
        name = (look.what, look.limit, *look.asked.items())
        if name not in self._found:
            self._looks[name] = look
            raise Asked
        return self._found[name]

    def horizon(self) -> int:
        self.follows = True
        raise Asked

    def read_all(self, wanted: Wanted, looks: Sequence[Look]) -> list[list[msgspec.Struct | None]]:
        raise AssertionError(f"a read looks ahead for {len(wanted)} tables and {len(looks)} ranges")

    def highest_id(self, table: Table[Any]) -> int:
        raise AssertionError(f"a read draws a number of {table.name}")

    def sweep(self, table: Table[Any], before: datetime, kept: timedelta, limit: int) -> int:
        raise AssertionError(f"a read forgets {limit} rows of {table.name} before {before} ({kept})")

    def write(self, table: Table[Any], changes: Sequence[Change]) -> None:
        raise AssertionError(f"a read writes {len(changes)} rows of {table.name}")

    tries = False

    def insert_absent(self, table: Table[Any], records: Sequence[msgspec.Struct]) -> int:
        raise AssertionError(f"a read tries {len(records)} rows of {table.name}")

    def renew(self, table: Table[Any], changed: tuple[int, ...], records: Sequence[msgspec.Struct]) -> None:
        raise AssertionError(f"a read writes columns {changed} of {len(records)} rows of {table.name}")


class ReadTurns:
    """The turns of a store's reading connections."""

    def __init__(self, store: Store, catalog: Catalog, sequences: Sequences, metrics: Metrics) -> None:
        self._store = store
        self._catalog = catalog
        self._sequences = sequences
        self._metrics = metrics
        self._waiting: deque[Reading] = deque()
        self._scheduled = False
        self._running: list[_Turn] = []

    def begin(self, reading: Reading) -> None:
        """Carry a call out in the next turn."""
        self._waiting.append(reading)
        self._schedule()

    def _schedule(self) -> None:
        if self._waiting and not self._scheduled:
            self._scheduled = True
            asyncio.get_running_loop().call_soon(self._start)

    def _start(self) -> None:
        self._scheduled = False
        while self._waiting:
            try:
                snapshot = self._store.snapshot()
            except Exception as error:  # noqa: BLE001 the border: whoever asked is told
                failed, self._waiting = self._waiting, deque()
                self.tell([(reading, None, error) for reading in failed])
                return
            if snapshot is None:
                return  # All are asked; who ends first takes what waits.
            readings = [self._waiting.popleft()]
            while (
                self._waiting and len(readings) < TURN_CALLS_MAX and not (readings[0].alone or self._waiting[0].alone)
            ):
                readings.append(self._waiting.popleft())
            turn = _Turn(self, snapshot, readings)
            self._running.append(turn)
            turn.begin()

    def ended(self, turn: "_Turn") -> None:
        """A connection is free."""
        self._running.remove(turn)
        self._schedule()

    def again(self, readings: Sequence[Reading]) -> None:
        """The database refused what these asked together: each is asked by itself."""
        for reading in readings:
            reading.alone = True
        self._waiting.extendleft(reversed(readings))
        self._schedule()

    def records(self, rows: Rows) -> UnitOfWork:
        return UnitOfWork(rows, self._sequences)

    def attempt(self, reading: Reading, records: UnitOfWork) -> Any:
        """What a call answers; what it measured counts when it comes to its end.

        Raises:
            Asked: it needs more.
        """
        work = BatchWork(records, self._catalog, reading.now)
        work.caller = reading.caller
        work.measured = counts = Counts()
        try:
            answer = reading.function(work)
            assert not records.changed, "a read has written"
        except Asked:
            raise
        except BaseException:
            self._count(counts, reading.now)
            raise
        self._count(counts, reading.now)
        return answer

    def _count(self, counts: Counts, now: datetime) -> None:
        if counts.sets:
            _add(self._metrics.waiting(now), counts)

    def is_refusal(self, error: Exception) -> bool:
        """Whether the database said no to what was asked; otherwise it is away."""
        return isinstance(error, self._store.refusals) and self._store.unavailable(error) is None

    def tell(self, ended: Sequence[tuple[Reading, Any, Exception | None]]) -> None:
        """Everybody's answer, once the connection has been asked for others."""
        for reading, answer, error in ended:
            try:
                reading.done(answer, error)
            except Exception:  # noqa: BLE001 the border: one listener's failure is not the next one's
                _log.exception("an answer could not be told")

    def close(self) -> None:
        """Who still waits is not answered any more."""
        self._waiting.clear()
        for turn in list(self._running):
            turn.abandon()


class _Turn:
    """Calls on their way through one snapshot."""

    def __init__(self, turns: ReadTurns, snapshot: Snapshot, readings: list[Reading]) -> None:
        self._turns = turns
        self._snapshot = snapshot
        self._left = readings
        self._by_themselves: list[Reading] = []
        self._rounds = 0
        self._known = _Known()
        self._records = turns.records(self._known)
        self._looks: list[Look] = []
        self._socket = -1
        self._aside: Aside | None = None  # The database has not answered at once who goes on by himself.

    def begin(self) -> None:
        for reading in self._left:
            for key in reading.keys:
                self._known.want(key.table, (key.values,))
        self._go_on()

    def _go_on(self) -> None:
        """Ask for what is noted; without any, run the calls."""
        ended: list[tuple[Reading, Any, Exception | None]] = []
        try:
            while self._left or self._by_themselves:
                if not self._left:
                    ended += self._run_by_themselves()
                    if self._aside is not None:
                        self._wait_aside(self._aside)
                        break
                    continue
                self._looks = self._known.looks()
                if self._looks:
                    self._socket = self._snapshot.send(self._looks)
                    asyncio.get_running_loop().add_reader(self._socket, self._look)
                    break
                ended += self._run()
            else:
                self._end()
        except Exception as error:  # noqa: BLE001 the border: whoever asked is told
            ended += self._refused(error)
        self._turns.tell(ended)

    def _look(self) -> None:
        if not self._snapshot.has_come():
            return
        asyncio.get_running_loop().remove_reader(self._socket)
        self._socket = -1
        ended: list[tuple[Reading, Any, Exception | None]] = []
        try:
            self._known.learn(self._looks, self._snapshot.receive())
        except Exception as error:  # noqa: BLE001 the border: whoever asked is told
            self._turns.tell(self._refused(error))
            return
        ended = self._run()
        self._go_on()
        self._turns.tell(ended)

    def _run(self) -> list[tuple[Reading, Any, Exception | None]]:
        """Run every call that is left; those that ask for more stay."""
        self._rounds += 1
        ended: list[tuple[Reading, Any, Exception | None]] = []
        left: list[Reading] = []
        for reading in self._left:
            self._known.follows = False
            try:
                ended.append((reading, self._turns.attempt(reading, self._records), None))
            except Asked:
                (self._by_themselves if self._known.follows else left).append(reading)
            except Exception as error:  # noqa: BLE001 the border: it is the call's answer
                ended.append((reading, None, error))
        if self._rounds >= ROUNDS_MAX:
            self._by_themselves += left
            left = []
        self._left = left
        return ended

    def _run_by_themselves(self) -> list[tuple[Reading, Any, Exception | None]]:
        """Nothing that is known counts here: who follows a log leaves the snapshot."""
        ended: list[tuple[Reading, Any, Exception | None]] = []
        readings, self._by_themselves = self._by_themselves, []
        for place, reading in enumerate(readings):
            try:
                records = self._turns.records(self._snapshot.rows)
                ended.append((reading, self._turns.attempt(reading, records), None))
            except Slow as slow:
                self._aside, self._by_themselves = slow.aside, readings[place:]
                break
            except ServiceError as error:
                ended.append((reading, None, error))
            except Exception as error:  # noqa: BLE001 as above
                ended.append((reading, None, error))
                self._snapshot.roll_back()
        return ended

    def _wait_aside(self, aside: Aside) -> None:
        """They begin anew when the database has answered, or will not any more."""

        def look() -> None:
            if aside.has_come():
                asyncio.get_running_loop().remove_reader(aside.socket)
                self._socket, self._aside = -1, None
                aside.drop()
                self._go_on()

        self._socket = aside.socket
        asyncio.get_running_loop().add_reader(aside.socket, look)

    def _refused(self, error: Exception) -> list[tuple[Reading, Any, Exception | None]]:
        left, self._left, self._by_themselves = self._left + self._by_themselves, [], []
        self._snapshot.drop()
        self._turns.ended(self)
        if len(left) > 1 and self._turns.is_refusal(error):
            self._turns.again(left)
            return []
        return [(reading, None, error) for reading in left]

    def _end(self) -> None:
        self._snapshot.end()
        self._turns.ended(self)

    def abandon(self) -> None:
        """Nobody waits any more."""
        if self._socket >= 0:
            asyncio.get_running_loop().remove_reader(self._socket)
        self._snapshot.drop()


def _add(to: Counts, counts: Counts) -> None:
    for key, (samples, total, low, high) in counts.sets.items():
        found = to.sets.get(key)
        to.sets[key] = (
            [samples, total, low, high]
            if found is None
            else [found[0] + samples, found[1] + total, min(found[2], low), max(found[3], high)]
        )
    for key, spread in counts.spreads.items():
        known = to.spreads.setdefault(key, {})
        for value, times in spread.items():
            known[value] = known.get(value, 0.0) + times
