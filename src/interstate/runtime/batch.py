"""Deciding a batch: jobs in, outcomes and what must follow out. Synchronous; the loop around it is ``commits.py``.

Theory of operation
-------------------
A job is an API call, a due step, or the end of an effect. All jobs of a batch share one transaction and one ``now``;
each has a seed of its own and an overlay, so a refused one touches nobody. Steps that became due inside the batch (a
delivery, the next slice of an execution) run in it too, as long as its budget lasts: their rows never reach the disk.
When the database refuses, everything is rolled back and run again in halves, down to one by one, with the same ``now``
and the same seeds; a job that fails alone is answered with an internal failure.
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from hashlib import blake2b
from time import monotonic
from typing import Any, cast

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.ids import Entropy
from interstate.runtime.catalog import Catalog
from interstate.runtime.foresight import Foresight
from interstate.runtime.metrics import Metrics
from interstate.runtime.work import BatchWork
from interstate.services.cloudwatch import upkeep
from interstate.store.known_rows import Kept, OwnRows
from interstate.store.ports import Ahead, Aside, Look, Slow, Store, StoreUnavailable
from interstate.store.records.due import DUE, IN_FLIGHT, WAITING, Due
from interstate.store.sequences import Sequences
from interstate.store.tables import Demand, Key, Table
from interstate.store.unit_of_work import UnitOfWork

BATCH_JOBS_MAX = 64
BATCH_WORK_S = 0.005
FOLLOWING_STEPS_MAX = 1000
"""A batch closes at 64 calls or after 5 ms of work (design, section 4); steps that follow are bounded as well."""

_RETRY_STEP_MAX = timedelta(hours=1)
_CONTENDED_TRIES_MAX = 8
"""So often is a batch run again as it is when other nodes were faster, before it is run in halves."""

_log = logging.getLogger("interstate.batch")


class ServiceUnavailable(ServiceError):
    """The store cannot be used now. Clients of AWS try again by themselves."""

    status = 503

    def __init__(self, reason: object) -> None:
        super().__init__(
            f"Interstate cannot use its database now ({reason}). Nothing that was acknowledged is lost; try again."
        )


class InternalFailure(ServiceError):
    """A bug of ours, or a store that refuses; the log has the traceback."""

    status = 500

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"Interstate failed while it carried out the call ({reason}). Nothing was changed; its log has the details."
        )


@dataclass(slots=True, eq=False)
class Job:
    """One thing to decide. ``outcome`` or ``error`` is set when its batch has run; they count after the commit."""

    run: Callable[[BatchWork], Any]
    done: Callable[["Job"], None]
    seed: bytes
    caller: Caller = field(default_factory=Caller)
    keys: Iterable[Key | Demand] = ()
    outcome: Any = None
    error: ServiceError | None = None
    began: int = 0  # The moment of wakes at which it was decided: who was woken later may have missed it.


@dataclass(slots=True)
class Decided:
    """What a batch decided; valid once it is committed."""

    wakes: list[tuple[str, bool]]
    effects: list[Due]
    earliest: datetime | None
    unfinished: bool  # Steps due now were left in the store.
    waiting: bool  # Effects due now were left in the store.
    wrote: bool
    jobs: int  # So many jobs were run.
    unreached: int  # So many of the last jobs were not run: the time was over.
    open: bool = True  # A transaction waits for its commit.
    aside: Aside | None = None  # The store has not answered: the jobs that were not run begin anew when it has.


class Batches:
    """Runs batches against one store."""

    def __init__(self, store: Store, catalog: Catalog, seed: bytes, sequences: Sequences) -> None:
        self.store = store
        self.catalog = catalog
        self.seed = seed
        self.sequences = sequences
        self._refusals: tuple[type[Exception], ...] = (*store.refusals, StoreUnavailable)
        self.metrics = Metrics()
        self._own: dict[int, OwnRows] = {}
        self._foresight = Foresight()
        self._kept: Kept = {}  # Empty while a batch is decided, so that nothing is left of one that fails.

    def forget(self) -> None:
        """What was written last is not there: a commit failed, or the store was emptied or exchanged."""
        self.metrics.forget()
        self._own.clear()
        self._kept = {}

    def _own_rows(self) -> OwnRows | None:
        """Of who writes now; where one process owns the store, what is known of rows is kept whole."""
        writer = self.store.node
        if not writer:
            return None
        own = self._own.get(writer)
        if own is None:
            own = self._own[writer] = OwnRows(writer)
        return own

    def decide(
        self,
        jobs: Sequence[Job],
        now: datetime,
        effects_max: int,
        work_s: float = BATCH_WORK_S,
        *,
        settles: bool = False,
        ahead: Ahead | None = None,
    ) -> list[Decided]:
        """Run the jobs and leave the (last) transaction open for the caller to commit.

        ``settles``: what the database refuses is to show here. Without it a refusal may come from the commit; then the caller
        decides the jobs of the last part again, with it. ``ahead``: what ``ask`` gave for these jobs, when its answer has come.

        All but the last element of the answer are committed already: they exist when the database refused the batch.
        The last ``unreached`` jobs of the answer's parts were not run.
        """
        error: Exception
        for tried in range(_CONTENDED_TRIES_MAX):
            try:
                asked = None if tried else ahead
                return [self._attempt(jobs, now, effects_max, work_s, settles=settles, ahead=asked)]
            except Slow as slow:
                self.forget()
                return [_put_aside(jobs, slow.aside)]
            except StoreUnavailable as away:
                self.forget()
                self.store.rollback()
                return [_unavailable(jobs, away)]
            except Exception as refusal:  # noqa: BLE001 the border: what a record cannot be written as fails its own call, too
                error = refusal
                self.forget()  # It may have taken a row to be there that another node has swept.
                self.store.rollback()
                if (unusable := self.store.unavailable(refusal)) is not None:
                    return [_unavailable(jobs, unusable)]
                if not isinstance(refusal, self.store.retries):
                    break
        _log.warning("the store refused a batch of %d: %r", len(jobs), error)
        if len(jobs) <= 1:
            try:
                return [self._give_up(jobs, now, error)]
            except Slow as slow:
                return [_put_aside(jobs, slow.aside)]
            except StoreUnavailable as away:
                return [_unavailable(jobs, away)]
        return self._decide_halves(jobs, now, effects_max, work_s)

    def ask(self, jobs: Sequence[Job]) -> Ahead | None:
        """Begin a batch of jobs, which the database answers meanwhile. None: ``decide`` begins it, and meets whatever is wrong."""
        wanted = _wanted(jobs) if self.store.asks_ahead else None
        if not wanted:
            return None
        looks = self._foresee(wanted, [job.keys for job in jobs])
        in_order = sorted(wanted.items(), key=lambda pair: pair[0].name)
        try:
            return self.store.ask_ahead([(table, sorted(keys)) for table, keys in in_order], looks)
        except Exception as error:  # noqa: BLE001 the border: who decides meets it again, and tells it to the right job
            _log.debug("a batch could not be begun ahead: %r", error)
            self.store.rollback()
            return None

    def _foresee(
        self, wanted: dict[Any, set[tuple[Any, ...]]], told: Sequence[Iterable[Key | Demand | Look]]
    ) -> list[Look]:
        """The ranges that who told this will probably read, as others have before; rows by key are added to those wanted."""
        looks: list[Look] = []
        for what, limit, asked in self._foresight.of(told):
            if isinstance(what, Table):
                wanted.setdefault(what, set()).add(asked)
            else:
                looks.append(Look(what, dict(asked), limit))
        return looks

    def read_ahead(self, records: UnitOfWork, told: Sequence[Sequence[Key | Look]]) -> None:
        """Read what some steps have told, and what is foreseen, with one wait."""
        wanted: dict[Any, set[tuple[Any, ...]]] = {}
        looks: dict[tuple[Any, ...], Look] = {}
        for keys in told:
            for key in keys:
                if isinstance(key, Key):
                    wanted.setdefault(key.table, set()).add(key.values)
                else:
                    looks[key.what, key.limit, *key.asked.values()] = key
        foreseen = self._foresee(wanted, told)
        records.read_ahead(wanted, [*looks.values(), *foreseen])

    def learn(self, records: UnitOfWork, told: Iterable[Key | Demand | Look]) -> None:
        """Remember what who told this had to wait for."""
        if records.glances and self.store.asks_ahead:
            self._foresight.learn(told, records.glances)
            records.glances.clear()

    def failure(self, error: BaseException) -> ServiceError:
        """What callers are told when the commit of what they asked for fails: nothing of it happened, or nobody knows."""
        away = self.store.unavailable(error) if isinstance(error, Exception) else None
        return InternalFailure(f"the commit failed: {error}") if away is None else ServiceUnavailable(away)

    def may_decide_again(self, error: BaseException) -> bool:
        """Whether a commit failed because of what was written in it, and nothing of it happened."""
        return (
            bool(self.store.retries)
            and isinstance(error, self.store.refusals)
            and not isinstance(error, StoreUnavailable)
        )

    def _decide_halves(self, jobs: Sequence[Job], now: datetime, effects_max: int, work_s: float) -> list[Decided]:
        half = len(jobs) // 2
        first = self.decide(jobs[:half], now, effects_max, work_s, settles=True)
        unreached = first[-1].unreached
        if unreached:  # Then the second half was not reached either.
            return [*first[:-1], replace(first[-1], unreached=unreached + len(jobs) - half)]
        try:
            if first[-1].open:
                self.store.commit()
        except StoreUnavailable as away:
            return [*first[:-1], _unavailable(jobs, away)]
        taken = sum(len(decided.effects) for decided in first)
        return first + self.decide(jobs[half:], now, max(0, effects_max - taken), work_s, settles=True)

    def _give_up(self, jobs: Sequence[Job], now: datetime, error: Exception) -> Decided:
        for job in jobs:
            job.outcome, job.error = None, InternalFailure(f"the store refused: {error}")
        return self._attempt((), now, 0, BATCH_WORK_S)

    def _attempt(
        self,
        jobs: Sequence[Job],
        now: datetime,
        effects_max: int,
        work_s: float,
        *,
        settles: bool = False,
        ahead: Ahead | None = None,
    ) -> Decided:
        found = None
        if ahead is None:
            self.store.begin()
        else:
            found = ahead.take()
        kept, self._kept = self._kept, {}
        records = UnitOfWork(self.store.rows, self.sequences, self._own_rows(), kept)
        work = BatchWork(records, self.catalog, now)
        work.until = monotonic() + work_s
        work.lane_base, work.node = self.store.lane_base, self.store.node
        if ahead is not None and found is not None:
            told = len(ahead.wanted)
            records.have(ahead.wanted, found[:told])
            records.have_ranges(ahead.looks, cast("list[list[msgspec.Struct]]", found[told:]))
        else:
            records.prefetch(_wanted(jobs))
            records.glances.clear()
        work.demands = _demands(jobs)
        done = 0
        for job in jobs:
            if done and work.is_late:
                break  # The batch closes; who was not reached goes first in the next one.
            self._run(job, work)
            self._follow(work, work.until + work_s)
            done += 1
            self.learn(records, job.keys)
        effects = self._take_effects(work, effects_max)
        self.metrics.fold(work.measured, now, records, self.store.node)
        if self.metrics.has_new_series and upkeep.SWEEP in self.catalog.steps:
            upkeep.plan(work)
        records.flush()
        if settles:
            self.store.settle()
        self.metrics.written()
        if self.store.node:
            records.teach_own()
        else:
            self._kept = records.keep()
        return Decided(
            work.wakes,
            effects,
            work.earliest,
            bool(work.ready) or work.yielded,
            bool(work.effects),
            records.wrote,
            done,
            len(jobs) - done,
        )

    def _run(self, job: Job, work: BatchWork) -> None:
        work.caller, work.entropy = job.caller, Entropy(job.seed)
        job.outcome = job.error = None
        try:
            with work.overlay():
                job.outcome = job.run(work)
        except ServiceError as error:
            job.error = error
        except self._refusals:
            raise
        except Exception as error:  # noqa: BLE001 the border: a bug fails its own call, loudly, and no other
            _log.exception("a call failed by a bug")
            job.error = InternalFailure(type(error).__name__)

    # Due steps -------------------------------------------------------------------------------------------------

    def _follow(self, work: BatchWork, until: float) -> None:
        """Run steps that are due now, oldest first, right after the job that left them.

        They get as much time again as jobs do: a row that is done here is never written.
        """
        count = 0
        while work.ready and count < FOLLOWING_STEPS_MAX and monotonic() < until:
            due_id, body = work.ready.popleft()
            self.run_step(work, due_id, body)
            count += 1

    def run_step(self, work: BatchWork, due_id: int, body: msgspec.Struct | None = None) -> None:
        """Consume one due row and do its step, or put it off when a bug stops it."""
        row = work.get(DUE, due_id)
        if row is None:
            return
        step = self.catalog.steps[row.kind]
        work.caller = Caller()
        work.entropy = Entropy(self._seed_of(row))
        try:
            with work.overlay():
                work.delete(DUE, due_id)
                step.handle(msgspec.json.decode(row.body, type=step.body) if body is None else body, work)
        except self._refusals:
            raise
        except Exception:  # noqa: BLE001 the border: a bug stops one row, which stays and is tried again
            _log.exception("due step %s %d failed by a bug", row.kind, due_id)
            wait = min(timedelta(seconds=2**row.tries), _RETRY_STEP_MAX)
            at = work.now + wait
            work.put(DUE, msgspec.structs.replace(row, due_at=at, tries=row.tries + 1))
            work.earliest = at if work.earliest is None else min(work.earliest, at)

    def _seed_of(self, row: Due) -> bytes:
        """The same whenever the row is run again, also after a crash."""
        return blake2b(f"{row.id}.{row.tries}".encode(), digest_size=16, key=self.seed).digest()

    # Effects ---------------------------------------------------------------------------------------------------

    def _take_effects(self, work: BatchWork, effects_max: int) -> list[Due]:
        """Mark effects as in flight, as far as there is room for them; the others wait in the store.

        A scan of due work in this batch may have taken them already.
        """
        taken: list[Due] = []
        waiting = self.store.lane_base + WAITING
        while work.effects and len(taken) < effects_max:
            row = work.get(DUE, work.effects.popleft())
            if row is not None and row.lane == waiting:
                taken.append(msgspec.structs.replace(row, lane=self.store.lane_base + IN_FLIGHT))
                work.put(DUE, taken[-1])
        return taken


def _unavailable(jobs: Sequence[Job], away: Exception) -> Decided:
    for job in jobs:
        job.outcome, job.error = None, ServiceUnavailable(away)
    return Decided([], [], None, False, False, False, len(jobs), 0, open=False)  # noqa: FBT003 nothing follows from it


def _put_aside(jobs: Sequence[Job], aside: Aside) -> Decided:
    return Decided([], [], None, False, False, False, 0, len(jobs), False, aside)  # noqa: FBT003 as above


def _wanted(jobs: Sequence[Job]) -> dict[Any, set[tuple[Any, ...]]]:
    wanted: dict[Any, set[tuple[Any, ...]]] = {}
    for job in jobs:
        for key in job.keys:
            if isinstance(key, Key):
                wanted.setdefault(key.table, set()).add(key.values)
    return wanted


def _demands(jobs: Sequence[Job]) -> dict[str, int]:
    """Rows of ranges that jobs will take."""
    demands: dict[str, int] = {}
    for job in jobs:
        for key in job.keys:
            if isinstance(key, Demand):
                demands[key.name] = demands.get(key.name, 0) + key.count
    return demands
