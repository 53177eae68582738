"""Which worker takes which call.

Theory of operation
-------------------
At most ``running_max`` calls run at once; the others wait, in order of arrival. A worker that becomes free takes the next call of
its own function, as long as that makes nobody wait much longer: it is warm. A new worker is started when a function has fewer
than the machine has cores, or when its call has waited for a moment: workers that compute would only share the cores, and those
that wait for something outside are soon enough. Idle workers cost memory and no time, so they are kept for the next call of their
function, up to ``idle_max`` and as long as the machine has memory; the one that was used longest ago goes first.

A function may call a function and wait for it, and then every place may be held by somebody who waits for one: when nothing
has moved for a moment, the first in the queue gets a place beyond the limit (up to ``OVERCOMMIT`` times as many), so that
no circle of calls stands still for long.
"""

import asyncio
import os
import time
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import islice

from interstate.runtime.functions import usage
from interstate.runtime.functions.code import Prepared
from interstate.runtime.functions.worker import Worker

STANDSTILL_S = 0.1
OVERCOMMIT = 4
IDLE_S_MAX = 600.0
INSPECT_S = 0.05
OVERTAKEN_S = 0.25  # So long the first in the queue may be overtaken by calls that find a warm worker.
OVERTAKERS = 256  # So far into the queue a call is looked for that can go.
GROWTH_S = 0.1  # So long a call waits for one of its function's workers, if those are enough for the cores.
IDLE_MAX = 64  # A worker with a few boto3 clients has 12 MiB of its own.
MEMORY_KEPT_MB = 512  # With less than this left on the machine, idle workers go, and none is added beyond the first.

Key = tuple[str, str, str, str]
Start = Callable[[Prepared], Awaitable[Worker]]


@dataclass(eq=False)
class _Waiting:
    prepared: Prepared
    since: float = field(default_factory=time.monotonic)
    place: asyncio.Future[Worker | None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())


@dataclass(frozen=True)
class _Idle:
    worker: Worker
    since: float
    key: Key  # Of its function: each call looks at all that are idle.


class Pool:
    """The workers, and the calls that wait for one."""

    def __init__(
        self,
        start: Start,
        running_max: int,
        idle_max: int = IDLE_MAX,
        *,
        standstill_s: float = STANDSTILL_S,
        overtaken_s: float = OVERTAKEN_S,
        growth_s: float = GROWTH_S,
    ) -> None:
        self._start = start
        self._growth_s = growth_s
        self._enough = os.cpu_count() or 1
        self._standstill_s = standstill_s
        self._overtaken_s = overtaken_s
        self.running_max = running_max
        self.idle_max = idle_max
        self.busy: set[Worker] = set()
        self._starting: Counter[Key] = Counter()
        self._busy_of: Counter[Key] = Counter()
        self._idle: deque[_Idle] = deque()  # The one that was used longest ago comes first.
        self._waiting: deque[_Waiting] = deque()
        self._moved = 0
        self._standstill: asyncio.TimerHandle | None = None
        self._growth: asyncio.TimerHandle | None = None
        self._inspection: asyncio.TimerHandle | None = None
        self._expiry: asyncio.TimerHandle | None = None

    @property
    def size(self) -> int:
        """Workers that there are, or will be in a moment."""
        return self.running + len(self._idle)

    @property
    def running(self) -> int:
        """Places that are taken."""
        return len(self.busy) + self._starting.total()

    async def acquire(self, prepared: Prepared) -> Worker:
        """A worker for one call; give it back with ``release``."""
        self._end_outdated(prepared)
        waiting = _Waiting(prepared)
        self._waiting.append(waiting)
        self._serve()
        try:
            worker = await waiting.place
        except asyncio.CancelledError:
            self._forget(waiting)
            raise
        return worker if worker is not None else await self._start_one(prepared)

    async def warm(self, prepared: Prepared, count: int) -> None:
        """Have idle workers of a function, as far as there are places that nobody needs."""
        has = sum(worker.prepared.key == prepared.key for worker in (*self.busy, *(idle.worker for idle in self._idle)))
        for _ in range(count - has):
            if self._waiting or self.running >= self.running_max or not _memory_left():
                break
            self._starting[prepared.key] += 1
            self.release(await self._start_one(prepared))

    def release(self, worker: Worker) -> None:
        """The worker's call is over."""
        self._moved += 1
        if not worker.ended and self._next_of(worker):
            return
        self.busy.discard(worker)
        _less(self._busy_of, worker.prepared.key)
        if not worker.ended:
            self._idle.append(_Idle(worker, time.monotonic(), worker.prepared.key))
            self._end_idle(self.idle_max)
            self._watch_idle()
        self._serve()

    def close(self) -> None:
        """End everybody."""
        for timer in (self._standstill, self._growth, self._inspection, self._expiry):
            if timer is not None:
                timer.cancel()
        for worker in [*self.busy, *(idle.worker for idle in self._idle)]:
            worker.end()
        self._idle.clear()
        for waiting in self._waiting:
            waiting.place.cancel()

    # Places -------------------------------------------------------------------------------------------------------

    def _next_of(self, worker: Worker) -> bool:
        """Give a worker that has become free the next call of its function, if that one may go first."""
        self._drop_gone()
        if not self._waiting or self.running > self.running_max:
            return False
        may_overtake = time.monotonic() - self._waiting[0].since < self._overtaken_s
        for waiting in islice(self._waiting, OVERTAKERS if may_overtake else 1):
            if waiting.prepared.key == worker.prepared.key and not waiting.place.done():
                self._waiting.remove(waiting)
                waiting.place.set_result(worker)
                return True
        return False

    def _serve(self) -> None:
        """Give places to those who wait, as long as there are some."""
        self._drop_gone()
        now = time.monotonic()
        for waiting in tuple(islice(self._waiting, OVERTAKERS)):
            if self.running >= self.running_max:
                break
            if waiting.place.done():
                continue
            worker = self._idle_of(waiting.prepared)
            if worker is None and not self._may_start(waiting, now):
                continue
            self._waiting.remove(waiting)
            if worker is None:
                self._make_room(waiting.prepared)
            waiting.place.set_result(worker)
        if self._waiting:
            self._watch_standstill()
            self._watch_growth()

    def _idle_of(self, prepared: Prepared) -> Worker | None:
        """An idle worker of the function, now busy."""
        key = prepared.key
        for idle in reversed(self._idle):
            if idle.key == key and not idle.worker.ended:
                self._idle.remove(idle)
                self._occupy(idle.worker)
                return idle.worker
        return None

    def _may_start(self, waiting: _Waiting, now: float) -> bool:
        key = waiting.prepared.key
        if self._busy_of[key] + self._starting[key] >= self._enough and now - waiting.since < self._growth_s:
            return False
        return bool(self._idle) or self.size == 0 or _memory_left()

    def _make_room(self, prepared: Prepared) -> None:
        """Keep a place for a new worker of the function."""
        self._end_idle(self.idle_max if _memory_left() else max(len(self._idle) - 1, 0))
        self._starting[prepared.key] += 1

    def _end_idle(self, left: int) -> None:
        while len(self._idle) > left:
            self._idle.popleft().worker.end()

    def _drop_gone(self) -> None:
        while self._waiting and self._waiting[0].place.done():
            self._waiting.popleft()

    async def _start_one(self, prepared: Prepared) -> Worker:
        try:
            worker = await self._start(prepared)
        except BaseException:
            _less(self._starting, prepared.key)
            self._serve()
            raise
        _less(self._starting, prepared.key)
        self._occupy(worker)
        return worker

    def _occupy(self, worker: Worker) -> None:
        self.busy.add(worker)
        self._busy_of[worker.prepared.key] += 1
        if self._inspection is None:
            self._inspection = asyncio.get_running_loop().call_later(INSPECT_S, self._inspect)

    def _forget(self, waiting: _Waiting) -> None:
        """A caller has gone; what it was given at the same moment goes back."""
        if waiting.place.done() and not waiting.place.cancelled():
            worker = waiting.place.result()
            if worker is not None:
                self.release(worker)
            else:
                _less(self._starting, waiting.prepared.key)
                self._serve()
        elif waiting in self._waiting:
            self._waiting.remove(waiting)

    def _end_outdated(self, prepared: Prepared) -> None:
        """End idle workers that run older code or configuration of the same version."""
        key = prepared.key
        for idle in [
            idle for idle in self._idle if idle.key[0] == key[0] and idle.key[1] == key[1] and idle.key != key
        ]:
            self._idle.remove(idle)
            idle.worker.end()

    # Timers -------------------------------------------------------------------------------------------------------

    def _watch_standstill(self) -> None:
        if self._standstill is None:
            loop = asyncio.get_running_loop()
            self._standstill = loop.call_later(self._standstill_s, self._on_standstill, self._moved)

    def _on_standstill(self, moved: int) -> None:
        self._standstill = None
        self._drop_gone()
        if not self._waiting:
            return
        if moved == self._moved and self.running_max <= self.running < self.running_max * OVERCOMMIT and _memory_left():
            waiting = self._waiting.popleft()
            self._make_room(waiting.prepared)
            waiting.place.set_result(None)
        self._watch_standstill()

    def _watch_growth(self) -> None:
        """Look again when the first call has waited long enough for a worker of its own."""
        if self._growth is None and self.running < self.running_max:
            self._growth = asyncio.get_running_loop().call_later(self._growth_s, self._on_growth)

    def _on_growth(self) -> None:
        self._growth = None
        self._serve()

    def _inspect(self) -> None:
        self._inspection = None
        for worker in tuple(self.busy):
            worker.inspect()
        if self.busy:
            self._inspection = asyncio.get_running_loop().call_later(INSPECT_S, self._inspect)

    def _watch_idle(self) -> None:
        if self._expiry is None and self._idle:
            left_s = self._idle[0].since + IDLE_S_MAX - time.monotonic()
            self._expiry = asyncio.get_running_loop().call_later(max(left_s, 0.0), self._on_expiry)

    def _on_expiry(self) -> None:
        self._expiry = None
        while self._idle and self._idle[0].since + IDLE_S_MAX <= time.monotonic():
            self._idle.popleft().worker.end()
        self._watch_idle()


def _memory_left() -> bool:
    available_mb = usage.available_mb()
    return available_mb is None or available_mb >= MEMORY_KEPT_MB


def _less(counter: Counter[Key], key: Key) -> None:
    """Count one less; what has come to nothing is forgotten."""
    counter[key] -= 1
    if not counter[key]:
        del counter[key]
