"""The loop of batches: gather what is ready, decide it, commit it, tell everybody.

Theory of operation
-------------------
The event loop's thread decides a batch and runs its SQL; only COMMIT, the disk's wait, goes to a helper thread (PostgreSQL's
answer comes by a socket: the loop waits for it among others), while the loop reads the next requests. A batch closes when
nothing more is ready, never by a timer that would delay a lone caller. What a job answers, whom it wakes and which effects it
starts counts only after the commit (design, law 1).
``sqlite3`` gives up the GIL at every row, so SQL in a second thread would be slower than here (design, section 4).

Where the store has room for it (several connections to PostgreSQL), the next batch of calls is decided while commits are on
their way; what those have locked it waits for in the database, as for another node's. Scans of due work are alone: no other
commit is on its way then.

Scans of due work take turns with calls: a batch of one, then a batch of the other, and beside callers a scan gets less
time. So an endless loop costs a call at most one short slice, and calls without end do not starve what is due.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from interstate.base.time import Clock
from interstate.runtime.activity import Activity
from interstate.runtime.batch import (
    BATCH_JOBS_MAX,
    BATCH_WORK_S,
    Batches,
    Decided,
    Job,
)
from interstate.runtime.commit_thread import CommitThread, Done
from interstate.store.ports import Ahead, Aside, Commit, Store, StoreUnavailable

SCAN_WORK_S = 0.002
"""What a scan of due work may use while callers wait."""

WAL_BYTES_MAX = 64 * 1024 * 1024
WAL_IDLE_BYTES = 1024 * 1024
WAL_IDLE_S = 5.0
"""Above the first the WAL is restarted between batches; above the second it is truncated when nothing has come for 5 s."""

BESIDE_SHARE = 2
"""A batch beside others begins when so many times its jobs are as many as the largest of those has."""

_CHECK_WAL_EVERY = 256
_log = logging.getLogger("interstate.commits")

Committed = Callable[[Decided], None]


@dataclass(slots=True)
class _Batch:
    """Jobs on their way through their commits; ``decided`` are the parts so far, of which the last may be open."""

    queue: deque[Job]
    jobs: list[Job]
    decided: list[Decided]
    now: datetime
    work_s: float
    alone: bool
    commit: Commit | None = None  # On its way.
    ahead: Ahead | None = None  # What it has asked for is on its way.


class Commits:
    """Owns the store's transactions. Everything here runs on the loop's thread but the commit itself."""

    def __init__(self, batches: Batches, clock: Clock, activity: Activity) -> None:
        self._batches = batches
        self._store: Store = batches.store
        self._clock = clock
        self._activity = activity
        self._jobs: deque[Job] = deque()
        self._scans: deque[Job] = deque()
        self._called = False  # The last batch was one of calls.
        self._pumping = False
        self._flying: dict[int, _Batch] = {}  # Whose commits are on their way.
        self._ends: dict[int, Callable[[], None]] = {}  # Wait for one whose answer comes by a socket.
        self._asked: _Batch | None = None  # The batch that is decided as soon as its rows come.
        self._aside: set[Aside] = set()  # What the store has not answered at once; meanwhile no batch begins.
        self._shortening = False
        self.overlaps = True
        self._closed = False
        self._count = 0
        self._helper = CommitThread("commit")
        self.effects_room: Callable[[], int] = lambda: 0
        self.committed: Committed = lambda _decided: None
        self.moment: Callable[[], int] = lambda: 0
        self.landed: Callable[[], None] = lambda: None  # Called when no commit is on its way any more.
        self.telling: Callable[[], None] = lambda: None  # Called before anybody is told what a commit has made.
        self.wal_idle_s, self.wal_idle_bytes = WAL_IDLE_S, WAL_IDLE_BYTES
        self._idle: asyncio.TimerHandle | None = None
        self._between: deque[tuple[Callable[[], None], asyncio.Future[None]]] = deque()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """Where this waits for what comes by a socket, or later."""
        return asyncio.get_running_loop()

    def submit(self, job: Job, *, background: bool = False) -> None:
        """Decide the job in the next batch of its kind; its ``done`` is called after the commit."""
        assert not self._closed
        (self._scans if background else self._jobs).append(job)
        self._activity.begin()
        self._schedule()

    async def between(self, function: Callable[[], None]) -> None:
        """Run a function while no transaction is open."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._between.append((function, done))
        self._schedule()
        await done

    def _schedule(self) -> None:
        if not self._pumping and self._may_decide():
            self._pumping = True
            self._loop.call_soon(self._pump)

    @property
    def _committing(self) -> bool:
        return bool(self._flying or self._aside) or self._asked is not None or self._shortening

    def _may_decide(self) -> bool:
        """Whether a batch may be decided now: beside others only one of calls, and not a small one beside large ones."""
        if not self._committing:
            return True
        if (
            self._asked is not None
            or self._aside
            or self._shortening
            or self._between
            or not (self.overlaps and self._jobs)
            or (self._scans and self._called)
        ):
            return False
        if any(batch.alone for batch in self._flying.values()):
            return False
        largest = max(len(batch.jobs) for batch in self._flying.values())
        return len(self._jobs) * BESIDE_SHARE >= largest and not self._clock_stands() and self._store.has_room()

    def _clock_stands(self) -> bool:
        """Then two batches would have the very same instant."""
        return getattr(self._clock, "standing", False)

    def _pump(self) -> None:
        self._pumping = False
        if not self._may_decide():
            return
        if self._between:
            self.telling()
        while self._between:
            function, done = self._between.popleft()
            try:
                function()
            except Exception as error:  # noqa: BLE001 it belongs to whoever asked
                done.set_exception(error)
            else:
                done.set_result(None)
        if not self._jobs and not self._scans:
            return
        scanning = bool(self._scans) and (self._called or not self._jobs) and not self._committing
        work_s = SCAN_WORK_S if scanning and (self._called or self._jobs) else BATCH_WORK_S
        self._called = not scanning
        queue = self._scans if scanning else self._jobs
        jobs = [queue.popleft() for _ in range(min(BATCH_JOBS_MAX, len(queue)))]
        moment = self.moment()
        for job in jobs:
            job.began = moment
        self._begin(_Batch(queue, jobs, [], self._clock.now(), work_s, alone=scanning))

    def _begin(self, batch: "_Batch") -> None:
        """Decide a batch; where its rows come by a socket the loop goes on until they are there."""
        ahead = self._batches.ask(batch.jobs) if self._store.durable and not batch.alone else None
        if ahead is None:
            self._decide(batch)
            return

        def look() -> None:
            if ahead.has_come():
                self._loop.remove_reader(ahead.socket)
                self._asked = None
                self._decide(batch, ahead=ahead)

        batch.ahead, self._asked = ahead, batch
        self._loop.add_reader(ahead.socket, look)

    def _take_back(self) -> None:
        """A batch that waits for its rows holds locks: whoever decides now would wait for them. It begins again later."""
        batch, self._asked = self._asked, None
        if batch is not None and batch.ahead is not None:
            self._loop.remove_reader(batch.ahead.socket)
            batch.ahead.drop()
            batch.queue.extendleft(reversed(batch.jobs))

    def _decide(self, batch: "_Batch", *, settles: bool = False, ahead: Ahead | None = None) -> None:
        """Decide what is left of a batch and have it committed."""
        done = sum(part.jobs for part in batch.decided)
        taken = [part for one in (batch, *self._flying.values()) for part in one.decided]
        room = max(0, self.effects_room() - sum(len(part.effects) for part in taken))
        left = batch.jobs[done:]
        decided = self._batches.decide(left, batch.now, room, batch.work_s, settles=settles, ahead=ahead)
        unreached = decided[-1].unreached
        if unreached:
            batch.queue.extendleft(reversed(batch.jobs[-unreached:]))
            del batch.jobs[-unreached:]
        batch.decided += decided
        if decided[-1].aside is not None:
            self._put_aside(decided[-1].aside)
        if not decided[-1].open:
            self._finish(batch, None)
        elif self._store.durable and decided[-1].wrote:
            self._flying[id(batch)] = batch
            self._commit_beside(batch, lambda error: self._committed(batch, error, settles=settles))
            if self._jobs:
                self._schedule()
        else:
            self._committed(batch, self._end_read_only(), settles=settles)

    def _put_aside(self, aside: Aside) -> None:
        """What was not decided begins anew when the store has answered, or will not any more."""

        def look() -> None:
            if aside.has_come():
                self._loop.remove_reader(aside.socket)
                self._aside.remove(aside)
                aside.drop()
                self._schedule()

        self._aside.add(aside)
        self._loop.add_reader(aside.socket, look)

    def _commit_beside(self, batch: "_Batch", done: Done) -> None:
        """Commit while the loop goes on: where the store's answer comes by a socket the loop waits for it, elsewhere a thread."""
        loop = self._loop
        try:
            commit = batch.commit = self._store.send_commit()
        except Exception as error:  # noqa: BLE001 the border: whatever it is belongs to the batch
            self._store.rollback()
            loop.call_soon(done, error)
            return
        if commit is None:
            batch.alone = True  # The helper thread uses the store as it is now.
            self._helper.run(self._commit, done)
            return

        def end() -> None:
            del self._ends[id(batch)]
            loop.remove_reader(commit.socket)
            error: Exception | None = None
            try:
                commit.end()
                self._count += 1
            except Exception as raised:  # noqa: BLE001 as above
                error = raised
            done(error)

        def look() -> None:
            if commit.has_come():
                end()

        self._ends[id(batch)] = end
        loop.add_reader(commit.socket, look)

    def _end_read_only(self) -> Exception | None:
        try:
            self._store.commit()
        except self._store.refusals as error:
            return error
        except StoreUnavailable as error:
            return error
        return None

    def _committed(self, batch: "_Batch", error: BaseException | None, *, settles: bool) -> None:
        """The commit is made, or was refused: then its jobs are decided again, with every refusal shown to its own job."""
        self._flying.pop(id(batch), None)
        if error is None or settles or not self._batches.may_decide_again(error):
            self._finish(batch, error)
            return
        self._drop(batch)
        self._take_back()
        batch.decided.pop()
        self._decide(batch, settles=True)

    def _drop(self, batch: "_Batch") -> None:
        """Roll back what could not be committed."""
        if batch.commit is None:
            self._store.rollback()
        else:
            batch.commit.drop()
            batch.commit = None
        self._batches.forget()

    def _commit(self) -> None:
        self._store.commit()
        self._count += 1
        if self._count % _CHECK_WAL_EVERY == 0 and self._store.wal_bytes() > WAL_BYTES_MAX:
            self._store.shorten_wal(truncate=False)

    def _finish(self, batch: "_Batch", error: BaseException | None) -> None:
        self.telling()
        jobs, decided = batch.jobs, batch.decided
        if error is not None:
            # The disk refused at the last moment: nothing of the batch happened, and everybody is told so.
            _log.error("a commit failed: %s", error)
            self._drop(batch)
            for job in jobs[len(jobs) - decided.pop().jobs :]:
                job.outcome, job.error = None, self._batches.failure(error)
        for job in jobs:
            job.done(job)
        for part in decided:
            self.committed(part)
        if not self._flying and self._asked is None and not self._aside:
            self.landed()
        for _ in jobs:
            self._activity.end()
        if self._jobs or self._scans or self._between:
            self._schedule()
        elif self._store.durable and self._idle is None and not self._flying:
            self._idle = self._loop.call_later(self.wal_idle_s, self._when_idle, self._count)

    def _when_idle(self, count: int) -> None:
        """Truncate the WAL when no commit was made since; otherwise look again after the next one."""
        self._idle = None
        if self._closed or self._committing or self._jobs or self._scans:
            return
        if count != self._count:
            self._idle = self._loop.call_later(self.wal_idle_s, self._when_idle, self._count)
        elif self._store.wal_bytes() > self.wal_idle_bytes:
            self._shortening = True
            self._helper.run(partial(self._store.shorten_wal, truncate=True), self._shortened)

    def _shortened(self, error: BaseException | None) -> None:
        self._shortening = False
        if error is not None:
            _log.warning("the WAL could not be truncated: %s", error)
        if self._jobs or self._scans or self._between:
            self._schedule()

    async def close(self) -> None:
        """Let the running commit end; no job is taken any more."""
        self._closed = True
        if self._idle is not None:
            self._idle.cancel()
        self._take_back()
        for aside in self._aside:
            self._loop.remove_reader(aside.socket)
        for end in list(self._ends.values()):
            end()
        self._helper.close()
        await asyncio.sleep(0)
