"""Due work: one scan at a time, one timer, and the effects that are being performed.

Theory of operation
-------------------
The store knows what is due; this module only knows when to look. It looks when a batch left steps that it had no time
for, when effects wait and there is room, when the timer of the earliest future row rings, and once at the start. A
scan is a job like any other: it reads a page of what is due, does the steps, marks effects as in flight, and tells when
to look next. On a standing clock no timer is set: the clock's control asks for a scan when it has moved.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any, cast

import msgspec

from interstate.runtime.activity import Activity
from interstate.runtime.batch import Batches, Decided, Job, ServiceUnavailable
from interstate.runtime.clock import BusinessClock
from interstate.runtime.commits import Commits
from interstate.runtime.due_steps import end_of, run_steps
from interstate.runtime.work import BatchWork
from interstate.store.ports import Look
from interstate.store.records.due import DUE, IN_FLIGHT, LATER, NEXT, READY, STEP, WAITING, Due
from interstate.store.records.lambda_ import Invocation
from interstate.store.tables import Key

PAGE = 64
EFFECTS_IN_FLIGHT_MAX = 256
"""More wait in the store, in order of arrival. Function workers are fewer; HTTP deliveries may be this many."""

_TIMER_S_MAX = 3600.0
_RETRY_MAX = timedelta(minutes=10)
_ASK_AGAIN_S = 1.0
_log = logging.getLogger("interstate.due")

Performer = Callable[[str, Any], Awaitable[Any]]
"""``(key, body) -> result``; the key is the same whenever the effect is repeated; failures are values."""


class _Found(msgspec.Struct):
    effects: list[Due]
    more: bool
    waiting: bool
    next_at: datetime | None
    absences: int  # Of the store, that are settled by it.


class DueWork:
    """Drives steps and effects."""

    def __init__(
        self, batches: Batches, commits: Commits, clock: BusinessClock, activity: Activity, seed: Callable[[], bytes]
    ) -> None:
        self._batches = batches
        self._catalog = batches.catalog
        self._commits = commits
        self._clock = clock
        self._activity = activity
        self._seed = seed
        self.performers: dict[str, Performer] = {}
        self._in_flight: dict[int, asyncio.Task[None]] = {}
        self._backlog = False  # Effects wait in the store: newer ones queue up behind them.
        self._scanning = False
        self._again = False
        self._stopping = False
        self._held = False
        self._absences = self._settled = 0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at: datetime | None = None
        self.left_work: Callable[[], None] = lambda: None  # Where this node does none: others should take it up.
        commits.effects_room = self.room

    # When to look ----------------------------------------------------------------------------------------------

    def room(self) -> int:
        """How many effects may start in this batch."""
        if not self._batches.store.works:
            return 0
        return 0 if self._backlog or self._stopping or self._held else EFFECTS_IN_FLIGHT_MAX - len(self._in_flight)

    def committed(self, decided: Decided) -> None:
        """What a committed batch left for us."""
        self._start(decided.effects)
        if not self._batches.store.works:
            if decided.waiting or decided.unfinished or decided.earliest is not None:
                self.left_work()
            return
        if decided.waiting:
            self._backlog = True
        if decided.unfinished or (decided.waiting and not self._in_flight):
            self.look()
        if decided.earliest is not None:
            self._ring_at(decided.earliest)

    def hold_effects(self) -> None:
        """Start no effect until ``release_effects``: what they call is not there yet. The clock stands still meanwhile."""
        if not self._held:
            self._held = True
            self._activity.begin()

    def release_effects(self) -> None:
        """Start what waits."""
        if self._held:
            self._held = False
            self._activity.end()
            self.look()

    def look(self) -> None:
        """Scan now, or once more after the scan that runs."""
        if self._stopping or not self._batches.store.works:
            return
        if self._scanning:
            self._again = True
            return
        self._scanning = True
        self._activity.begin()
        self._commits.submit(Job(self._scan, self._scanned, self._seed()), background=True)

    def _ring_at(self, at: datetime) -> None:
        """Set the timer, when it rings earlier than the one that is set."""
        if self._clock.standing or (self._timer_at is not None and self._timer_at <= at):
            return
        if self._timer is not None:
            self._timer.cancel()
        delay = max(0.0, min((at - self._clock.now()).total_seconds(), _TIMER_S_MAX))
        self._timer_at = at
        self._timer = asyncio.get_running_loop().call_later(delay, self._ring)

    def _ring(self) -> None:
        self._timer = self._timer_at = None
        self.look()

    def forget_timer(self) -> None:
        """The clock was set: what the timer was set to means nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._timer_at = None

    def _lane(self, lane: int) -> int:
        return self._batches.store.lane_base + lane

    # A scan ----------------------------------------------------------------------------------------------------

    def _scan(self, work: BatchWork) -> _Found:
        absences = self._absences
        if absences > self._settled:
            self._settle(work)
        room = 0 if self._held else max(0, EFFECTS_IN_FLIGHT_MAX - len(self._in_flight))
        step, wait = ({"lane": self._lane(lane), "now": work.now} for lane in (STEP, WAITING))
        looks = Look(READY, step, PAGE), Look(READY, wait, room + 1), Look(LATER, step, 1), Look(LATER, wait, 1)
        steps, waiting, *nexts = cast("list[list[Due]]", work.records.select_all(looks))
        done = run_steps(self._batches, work, steps)
        if work.effects:  # Those that were there are older.
            waiting = work.select(READY, limit=room + 1, **wait)
        taken = [msgspec.structs.replace(row, lane=self._lane(IN_FLIGHT)) for row in waiting[:room]]
        for row in taken:
            work.put(DUE, row)
        more = len(steps) == PAGE or done < len(steps)
        # What these steps have left for later is told by the batch. (Some of it may be taken back by now.)
        later = [row.due_at for rows in nexts for row in rows if work.get(DUE, row.id) is not None]
        return _Found(taken, more, len(waiting) > room, min(later, default=None), absences)

    def _scanned(self, job: Job) -> None:
        self._scanning = False
        found = job.outcome
        again, self._again = self._again, False
        if isinstance(found, _Found):
            self._backlog = found.waiting
            self._settled = found.absences
            self._start(found.effects)
            if found.next_at is not None:
                self._ring_at(found.next_at)
            if found.more or again:
                self.look()
        else:
            _log.error("a scan of due work failed: %s", job.error)
            self._again_soon(self.look)
        self._activity.end()

    def _again_soon(self, function: Callable[[], None]) -> None:
        """The store refused (a full disk): ask it again."""
        asyncio.get_running_loop().call_later(_ASK_AGAIN_S, function)

    # Effects ---------------------------------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """How many effects are being performed."""
        return len(self._in_flight)

    def _start(self, rows: list[Due]) -> None:
        for row in rows:
            self._activity.begin()
            self._in_flight[row.id] = asyncio.get_running_loop().create_task(self._perform(row))

    async def carry_out(self, kind: str, key: str, body: Any) -> Any:
        """Perform an effect, with the faults that were asked for."""
        performer = self.performers[kind]
        if self._catalog.faults and isinstance(body, Invocation):
            return await self._catalog.faults.around_function(body, lambda: performer(key, body))
        return await performer(key, body)

    async def _perform(self, row: Due) -> None:
        """Carry one effect out and take its answer once."""
        effect = self._catalog.effects[row.kind]
        try:
            body = msgspec.json.decode(row.body, type=effect.body)
            result = await self._carried_out(row, body)
        except asyncio.CancelledError:
            raise
        except Exception:  # noqa: BLE001 the border: a performer's bug puts its effect off, loudly
            _log.exception("effect %s %d failed by a bug", row.kind, row.id)
            self._commits.submit(
                Job(lambda work: _put_off(row, work), lambda job: self._performed(row, job), self._seed())
            )
            return

        finish, keys = end_of(effect, row, body, result)
        self._hand_in(row, finish, keys)

    async def _carried_out(self, row: Due, body: Any) -> Any:
        """What it needs to know may lie in a store that is away: then it has not begun, and waits for that."""
        while True:
            try:
                return await self.carry_out(row.kind, str(row.id), body)
            except ServiceUnavailable as away:
                _log.warning("effect %s %d waits: %s", row.kind, row.id, away)
                await asyncio.sleep(_ASK_AGAIN_S)

    def _hand_in(self, row: Due, finish: Callable[[BatchWork], None], keys: tuple[Key, ...]) -> None:
        if not self._stopping:
            job = Job(finish, lambda job: self._handed_in(row, finish, job), self._seed(), keys=keys)
            self._commits.submit(job)

    def _handed_in(self, row: Due, finish: Callable[[BatchWork], None], job: Job) -> None:
        """A store that is away, or full, takes the result later: it is not asked for again outside."""
        if isinstance(job.error, ServiceUnavailable):
            self._again_soon(lambda: self._hand_in(row, finish, cast("tuple[Key, ...]", job.keys)))
        else:
            self._performed(row, job)

    def _performed(self, row: Due, job: Job) -> None:
        self._in_flight.pop(row.id, None)
        if job.error is not None:
            # Its answer could not be taken (a bug in ``finish``): the row stays in flight in the store and is put off.
            self._put_off(row)
        if self._backlog:
            self.look()
        self._activity.end()

    def _put_off(self, row: Due) -> None:
        """Let an effect wait again, until the store has taken that: nobody else knows of it before the next start."""
        if not self._stopping:
            self._commits.submit(
                Job(lambda work: _put_off(row, work), lambda job: self._was_put_off(row, job), self._seed())
            )

    def _was_put_off(self, row: Due, job: Job) -> None:
        if job.error is not None:
            self._again_soon(lambda: self._put_off(row))

    def came_back(self) -> None:
        """The store was away: effects that ended meanwhile could not say so, and timers may have been missed."""
        self._absences += 1
        self.look()

    def _settle(self, work: BatchWork) -> None:
        """Effects that are in flight in the store and not in hand wait again, for this very scan.

        No other commit is on its way while a scan is decided: what one of them hands out would be in flight in the store
        before it is in hand here, and would be performed twice.
        """
        for row in work.select(NEXT, limit=EFFECTS_IN_FLIGHT_MAX + 64, lane=self._lane(IN_FLIGHT)):
            if row.id not in self._in_flight:  # As it is now: the batch that came back may have begun some.
                work.put(DUE, msgspec.structs.replace(row, lane=self._lane(WAITING)))

    async def abandon(self) -> None:
        """Give up what is being performed: the store is about to be exchanged."""
        self.forget_timer()
        tasks = list(self._in_flight.values())
        for row, task in self._in_flight.items():
            task.cancel()
            task.add_done_callback(lambda _task, row=row: self._given_up(row))  # type: ignore[misc]  # the loop's variable
        await asyncio.gather(*tasks, return_exceptions=True)

    def _given_up(self, row: int) -> None:
        if self._in_flight.pop(row, None) is not None:
            self._activity.end()

    # Start and stop --------------------------------------------------------------------------------------------

    def recover(self, work: BatchWork) -> bool:
        """After a crash: a page of effects in flight waits again; tells whether there may be more."""
        page = work.select(NEXT, limit=1000, lane=self._lane(IN_FLIGHT))
        for row in page:
            work.put(DUE, msgspec.structs.replace(row, lane=self._lane(WAITING)))
        return len(page) == 1000

    def close(self) -> None:
        """Start nothing any more; what runs may end."""
        self._stopping = True
        self.forget_timer()

    async def stop(self) -> None:
        """Start nothing any more; effects in flight are left to the next start."""
        self.close()
        tasks = list(self._in_flight.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _put_off(row: Due, work: BatchWork) -> None:
    """Try again later; the wait doubles."""
    found = work.get(DUE, row.id)
    if found is None or found.lane != work.lane_base + IN_FLIGHT:
        return  # It was cancelled, or another node has taken it over.
    wait = min(timedelta(seconds=2 ** min(row.tries, 20)), _RETRY_MAX)
    at = work.now + wait
    work.put(DUE, msgspec.structs.replace(found, lane=work.lane_base + WAITING, due_at=at, tries=row.tries + 1))
    work.earliest = at if work.earliest is None else min(work.earliest, at)
