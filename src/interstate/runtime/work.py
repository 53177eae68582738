"""``Work`` as services see it: the records of a batch, and who is calling."""

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from time import monotonic
from typing import Any, TypeVar

import msgspec

from interstate.base.arn import Caller
from interstate.base.ids import Entropy
from interstate.runtime.catalog import Catalog
from interstate.runtime.metrics import Counts
from interstate.services.operation import Parked, Perform
from interstate.store.records.due import DUE, NEXT_PULLING, STEP, WAITING, Due
from interstate.store.records.metrics import CountAndSize, MetricKey
from interstate.store.tables import Scalar, Select, Table
from interstate.store.unit_of_work import UnitOfWork

V = TypeVar("V", bound=msgspec.Struct)
CALL_DEPTH_MAX = 32
"""Calls inside calls; the longest chain of ours (rule, bus, workflow, topic, queue) needs a third of it."""


class BatchWork:
    """One unit of work with what must happen after its commit. Implements ``store.ports.Work``."""

    texts = False

    def __init__(self, records: UnitOfWork, catalog: Catalog, now: datetime) -> None:
        self.records = records
        self.catalog = catalog
        self.now = now
        self.caller = Caller()
        self.entropy = Entropy(b"")
        self.wakes: list[tuple[str, bool]] = []  # Keys, and whether one waiter is enough.
        self.ready: deque[tuple[int, msgspec.Struct]] = deque()  # Steps due now: they may run in this transaction.
        self.effects: deque[int] = deque()  # Effects due now: they may start after the commit.
        self.earliest: datetime | None = None  # The first instant at which work left by this batch is due later.
        self.yielded = False  # A step is due now that must not run in this transaction.
        self.until = float("inf")  # Monotonic seconds at which the batch should close.
        self.lane_base = 0
        self.node = 0
        self.measured = Counts()
        self.demands: dict[str, int] = {}  # By range: rows that calls have told and not asked for yet.
        self._pools: dict[str, list[Any]] = {}
        self._depth = 0
        # The record methods are the hot ones: bound straight through.
        self.get = records.find
        self.put = records.put
        self.put_new = records.put_new
        self.put_all = records.put_all
        self.put_if_free = records.put_if_free
        self.fetch = records.prefetch
        self.next_id = records.next_id
        self.next_ids = records.next_ids
        self.get_all = records.get_all
        self.horizon = records.horizon

    @property
    def withheld(self) -> bool:
        return self.records.withheld

    @property
    def is_late(self) -> bool:
        return monotonic() >= self.until

    def delete(self, table: Table[Any], *key: Any) -> None:
        self.records.delete(table, key)

    def select(self, select: Select[V], *, limit: int, **parameters: Any) -> list[V]:
        return self.records.select(select, limit, parameters)

    def scalar(self, scalar: Scalar, **parameters: Any) -> int:
        return self.records.scalar(scalar, parameters)

    def demand(self, name: str, count: int) -> int:
        told = self.demands.get(name, 0)
        self.demands[name] = max(0, told - count)
        return max(told, count)

    def pool(self, name: str) -> list[Any]:
        return self._pools.setdefault(name, [])

    def erase(self, select: Select[Any], *, limit: int, **parameters: Any) -> int:
        return self.records.erase(select, limit, parameters)

    def sweep(self, table: Table[Any], *, before: datetime, limit: int) -> int:
        return self.records.sweep(table, before, self.now - before, limit)

    # Work that follows -----------------------------------------------------------------------------------------

    def later(self, kind: str, body: msgspec.Struct, *, at: datetime | None = None, yields: bool = False) -> int:
        step = self.catalog.steps.get(kind)
        pulls = True if step is None else step.pulls
        if step is None:
            assert kind in self.catalog.effects, f"no service declares the due kind {kind!r}"
        due_at = self.now if at is None else at
        due_id = self.records.next_id(DUE)
        lane = self.lane_base + (WAITING if step is None else STEP)
        self.put(DUE, Due(due_id, lane, due_at, pulls, kind, 0, msgspec.json.encode(body)))
        if due_at > self.now:
            if self.earliest is None or due_at < self.earliest:
                self.earliest = due_at
        elif step is None:
            self.effects.append(due_id)
        elif yields:
            self.yielded = True
        else:
            self.ready.append((due_id, body))
        return due_id

    def cancel(self, due_id: int) -> None:
        self.records.delete(DUE, (due_id,))

    def wake(self, key: str, *, one: bool = False) -> None:
        self.wakes.append((key, one))

    def measure(
        self,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...] = (),
        value: float = 1.0,
        unit: str = "Count",
        *,
        caller: Caller | None = None,
    ) -> None:
        place = caller or self.caller
        self.measured.add((place.account, place.region, namespace, name, dimensions, unit), value)

    def measure_all(
        self,
        namespace: str,
        name: str,
        dimensions: tuple[tuple[str, str], ...],
        values: Sequence[float],
        unit: str = "Count",
        *,
        caller: Caller | None = None,
    ) -> None:
        place = caller or self.caller
        self.measured.add_all((place.account, place.region, namespace, name, dimensions, unit), values)

    def tally(self, metrics: Sequence[MetricKey], value: float, count: int = 1) -> None:
        self.measured.tally(metrics, value, count)

    def tally_sized(self, metrics: CountAndSize, size: float) -> None:
        self.measured.tally_sized(metrics, size)

    # Calls inside the call -------------------------------------------------------------------------------------

    def call(self, service: str, operation: str, request: Mapping[str, Any], *, caller: Caller | None = None) -> Any:
        assert self._depth < CALL_DEPTH_MAX, "calls inside calls without end"
        row = self.catalog.operation(service, operation)
        self.disturb(service, operation, request)
        typed = self.catalog.request(service, operation, request, checked=False)
        self.texts = False  # Who called wants values.
        before_caller, before_entropy = self.caller, self.entropy
        with self.overlay():
            try:
                self.caller = caller or before_caller
                self.entropy = before_entropy.seed()
                self._depth += 1
                outcome = row.handle(typed, self)
                if isinstance(outcome, Parked):
                    outcome = outcome.again(self, True)  # noqa: FBT003 the contract's positional "last"
            finally:
                self.caller, self.entropy = before_caller, before_entropy
                self._depth -= 1
        assert not isinstance(outcome, Parked | Perform), f"{service}:{operation} needs the outside"
        return {} if outcome is None else outcome

    def disturb(self, service: str, operation: str, request: Mapping[str, Any]) -> None:
        if self.catalog.faults:
            self.catalog.faults.inside(service, operation, request)

    @property
    def disturbed(self) -> bool:
        return bool(self.catalog.faults)

    def overlay(self) -> "_Overlay":
        return _Overlay(self)

    def forget(self, left: tuple[int, int, int]) -> None:
        """Drop what a refused overlay wanted to follow. (Its ids would be found gone anyway.)"""
        wakes, ready, effects = left
        del self.wakes[wakes:]
        while len(self.ready) > ready:
            self.ready.pop()
        while len(self.effects) > effects:
            self.effects.pop()


def next_pulling(work: BatchWork) -> int:
    """The instant (microseconds) to which a virtual clock may be pulled by this node's due work; 0 when nothing pulls."""
    return work.scalar(NEXT_PULLING, step=work.lane_base + STEP, waiting=work.lane_base + WAITING)


class _Overlay:
    """A context manager by hand: one stands around every call, step and call inside a call."""

    __slots__ = ("_left", "_mark", "_work")

    def __init__(self, work: BatchWork) -> None:
        self._work = work

    def __enter__(self) -> None:
        work = self._work
        self._mark = work.records.mark()
        self._left = (len(work.wakes), len(work.ready), len(work.effects))

    def __exit__(self, kind: object, error: object, traceback: object) -> None:
        if kind is not None:
            self._work.records.undo(self._mark)
            self._work.forget(self._left)
