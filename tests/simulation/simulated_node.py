"""A node without sockets, threads and real time: the real batches, commits and due work, driven one act at a time.

What is replaced is only what waits: a batch is decided when the schedule says so, a commit is made (or not) as the faults say,
an effect is performed and answered as two acts, and a node that dies forgets everything but its store.
"""

from collections import deque
from collections.abc import Callable, Coroutine, Generator, Mapping, Sequence
from datetime import datetime
from functools import cache, partial
from types import coroutine
from typing import Any

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime import testing
from interstate.runtime.activity import Activity
from interstate.runtime.batch import Batches, Decided, Job
from interstate.runtime.catalog import Catalog, accept_all
from interstate.runtime.commits import Commits
from interstate.runtime.due import DueWork
from interstate.runtime.testing import World
from interstate.services.operation import Parked, Perform
from interstate.services.tables import SERVICES
from interstate.store.ports import StoreUnavailable
from interstate.store.records.due import Due
from interstate.store.sqlite import engine
from interstate.store.sqlite.rows import SqliteRows

LATE, WHOLE = -1.0, 1e9
"""How long a batch may work: one job and no step that follows, or all of it. Nothing depends on how fast the machine is."""


TRIES_MAX = 10


def _nobody(_job: Job) -> None:
    """Nobody waits: the caller reads the job itself."""


class Died(BaseException):
    """The process is gone. Not an Exception: nothing of ours may catch it."""


class CommitRefused(Exception):
    """The disk refused at the last moment: the transaction is dropped, and everybody is told so."""


class Clock:
    """Business time, set by the schedule."""

    standing = True

    def __init__(self, now: datetime) -> None:
        self.time = now

    def now(self) -> datetime:
        return self.time


class MemoryStore(engine.SqliteStore):
    """An embedded store in memory that begins as a copy and outlives the nodes that use it."""

    def __init__(self, content: bytes) -> None:
        self._closed, self.directory, self._lock, self._path, self.reader = False, None, None, ":memory:", None
        self.writer = engine._connect(":memory:")
        self.writer.deserialize(content)
        self.writer.execute("PRAGMA synchronous = OFF")
        self.rows = SqliteRows(self.writer)


def embedded_world(performers: Mapping[str, Callable[[str, Any], Any]]) -> World:
    """A World on the embedded store, whatever store the others are on."""
    opened, World.open_store = World.open_store, staticmethod(testing._embedded)
    try:
        return World(performers=performers)
    finally:
        World.open_store = opened


class Interfering:
    """What a simulation does to a node: before and after each commit that wrote, and to the time that a batch has."""

    def before_commit(self, _node: "Node") -> None:
        """May raise ``Died``, or an error by which the commit fails."""

    def after_commit(self, _node: "Node") -> None:
        """May raise ``Died``: what was committed stays, its answers are lost."""

    def answer_lost(self, _key: str) -> None:
        """The store refused an effect's answer: the effect is performed again."""

    def work_s(self) -> float:
        """How long the next batch may work."""
        return WHOLE


@coroutine
def _outside(row: str, body: Any) -> Generator[tuple[str, Any], Any, Any]:
    """Where an effect leaves us: the schedule gets its key and body, and gives its result."""
    return (yield row, body)


class Loop:
    """What a node's commits wait for: the schedule looks at one socket at a time."""

    def __init__(self) -> None:
        self.readers: dict[int, Callable[[], None]] = {}
        self._soon: deque[Callable[[], None]] = deque()

    def add_reader(self, socket: int, look: Callable[[], None]) -> None:
        """Look when the schedule says so."""
        self.readers[socket] = look

    def remove_reader(self, socket: int) -> None:
        """Never mind."""
        self.readers.pop(socket, None)

    def call_soon(self, function: Callable[..., None], *given: Any) -> None:
        """At the end of this act."""
        self._soon.append(partial(function, *given))

    def call_later(self, _seconds: float, _function: Callable[..., None], *_given: Any) -> "Loop":
        """Only what is done when nothing comes for seconds: nothing for a database."""
        return self

    def cancel(self) -> None:
        """Nothing was begun."""

    def end_act(self) -> None:
        """Run what was to come soon."""
        while self._soon:
            self._soon.popleft()()


class _Timed(Batches):
    """Batches whose time is drawn, not measured."""

    interfering: Interfering
    node: "Node"
    wrote = False

    def decide(
        self,
        jobs: Any,
        now: datetime,
        effects_max: int,
        work_s: float = 0.0,
        *,
        settles: bool = False,
        ahead: Any = None,
    ) -> list[Decided]:
        del work_s
        decided = super().decide(jobs, now, effects_max, self.interfering.work_s(), settles=settles, ahead=ahead)
        self.wrote = decided[-1].wrote
        made = sum(part.jobs for part in decided[:-1])
        if made:  # In halves: the first of them are committed.
            self.node.tell_commit(jobs[:made])
        return decided


class _Line(Commits):
    """Commits that are made when the schedule says so."""

    node: "Node"

    @property
    def _loop(self) -> Any:
        return self.node.loop

    def _schedule(self) -> None:
        """The schedule knows by ``Node.has_jobs``."""

    def _clock_stands(self) -> bool:
        """A node whose batches overlap has a clock that ticks with each of them."""
        return not self._store.durable

    def _end_read_only(self) -> Exception | None:
        wrote = self.node.batches.wrote
        try:
            if wrote:
                self.node.interfering.before_commit(self.node)
            self._store.commit()
        except Exception as error:  # noqa: BLE001 as the executor's future has any error
            return error
        if wrote:
            self.node.commits_made += 1
            self.node.interfering.after_commit(self.node)
        return None

    def batch_of(self, commit: Any) -> Any:
        """Whose commit this is; None when it was given up."""
        return next((batch for batch in self._flying.values() if batch.commit is commit), None)


class Performing:
    """An effect on its way."""

    def __init__(self, row: Due, steps: Coroutine[Any, Any, None]) -> None:
        self.row = row
        self.steps = steps
        self.key, self.body = steps.send(None)
        self.result: Any = None
        self.performed = False


class _Driven(DueWork):
    """Due work whose effects are performed when the schedule says so."""

    node: "Node"

    def _start(self, rows: list[Due]) -> None:
        for row in rows:
            self._activity.begin()
            self._in_flight[row.id] = None  # type: ignore[assignment]  # its task, which nobody here looks at
            self.node.effects.append(Performing(row, self._perform(row)))

    def _put_off(self, row: Due) -> None:
        self.node.interfering.answer_lost(str(row.id))
        super()._put_off(row)

    def _again_soon(self, function: Callable[[], None]) -> None:
        function()


class Call:
    """A client's call."""

    def __init__(self, answered: Callable[[Any], None]) -> None:
        self.answered = answered
        self.answer: Any = None
        self.error: ServiceError | None = None
        self.ended = False
        self.job: Job | None = None  # The one that may answer it.
        self._seen = False

    def committed(self) -> None:
        """What it did is in the store, whether its caller is told or not."""
        job = self.job
        if job is not None and not self._seen and job.error is None and not isinstance(job.outcome, Parked | Perform):
            self._seen = True
            self.answered(job.outcome or {})


@cache
def catalog() -> Catalog:
    """All services; one for all simulations of a process."""
    return Catalog(SERVICES, accept_all)


class Node:
    """One process of the instance."""

    def __init__(
        self,
        name: str,
        store: Any,
        sequences: Any,
        *,
        clock: Clock,
        interfering: Interfering,
        seed: Callable[[], bytes],
    ) -> None:
        self.name, self.store, self.clock, self.interfering, self.seed = name, store, clock, interfering, seed
        self.catalog = catalog()
        self.activity = Activity()
        self.commits_made = 0
        self.batches = _Timed(store, self.catalog, b"simulation", sequences)
        self.batches.interfering = interfering
        self.batches.node = self
        self.loop = Loop()
        self.line = _Line(self.batches, clock, self.activity)
        self.line.node = self
        self.due = _Driven(self.batches, self.line, clock, self.activity, seed)  # type: ignore[arg-type]  # the same
        self.due.node = self
        self.line.committed = self.due.committed
        for kind in self.catalog.effects:
            self.due.performers[kind] = _outside
        self.effects: list[Performing] = []
        self.calls: list[Call] = []
        self.asked: list[tuple[Call, Perform]] = []  # Calls that wait for an effect.

    # Acts ------------------------------------------------------------------------------------------------------

    @property
    def has_jobs(self) -> bool:
        """Whether a batch can be decided."""
        return bool(self.line._jobs or self.line._scans) and self.line._may_decide()

    def batch(self) -> None:
        """Decide and commit one batch.

        Raises:
            Died: the process is gone.
        """
        self.line._pump()
        self.loop.end_act()

    def tell_commit(self, jobs: Sequence[Job]) -> None:
        """These jobs are committed: what their calls did is so."""
        calls = {id(call.job): call for call in self.calls}
        for job in jobs:
            if id(job) in calls:
                calls[id(job)].committed()

    def perform(self, effect: Performing, outside: Callable[[str, str, Any], Any]) -> None:
        """Carry an effect out; nobody knows yet what came of it."""
        effect.result, effect.performed = outside(effect.row.kind, effect.key, effect.body), True

    def answer(self, effect: Performing) -> None:
        """Hand an effect's result over; a batch takes it."""
        self.effects.remove(effect)
        try:
            effect.steps.send(effect.result)
        except StopIteration:
            return
        raise AssertionError("an effect is performed once")

    def die(self) -> None:
        """Forget everything."""
        for effect in self.effects:
            effect.steps.close()
        if isinstance(self.store, MemoryStore):
            self.store.rollback()
        self.line._helper.close()

    # Calls -----------------------------------------------------------------------------------------------------

    def submit(
        self,
        service: str,
        operation: str,
        request: dict[str, Any],
        answered: Callable[[Any], None] = lambda _answer: None,
    ) -> Call:
        """A call from outside; it is answered by a later batch, and ``answered`` is told in the order of commits."""
        row = self.catalog.operation(service, operation)
        typed = self.catalog.request(service, operation, request, checked=False)
        call = Call(answered)
        keys = () if row.keys is None else tuple(row.keys(typed, Caller()))
        self.calls.append(call)
        call.job = Job(lambda work: row.handle(typed, work), lambda job: self._ended(call, job), self.seed(), keys=keys)
        self.line.submit(call.job)
        return call

    def _ended(self, call: Call, job: Job) -> None:
        if isinstance(job.outcome, Parked) and job.error is None:
            again = job.outcome.again
            call.job = Job(lambda work: again(work, True), lambda job: self._ended(call, job), self.seed())
            self.line.submit(call.job)
            return
        if isinstance(job.outcome, Perform) and job.error is None:
            self.asked.append((call, job.outcome))
            return
        self.calls.remove(call)
        call.answer, call.error, call.ended, call.job = job.outcome or {}, job.error, True, job
        call.committed()

    def perform_call(self, call: Call, perform: Perform, result: Any) -> None:
        """The effect that a call waits for has ended so; its end is a commit of its own, then the call is answered."""
        self.asked.remove((call, perform))
        effect = self.catalog.effects[perform.kind]

        def ended(job: Job) -> None:
            job.outcome = None if job.error is not None else perform.answer(result)
            self._ended(call, job)

        self.line.submit(Job(lambda work: effect.finish(perform.body, result, work), ended, self.seed()))

    def run(self, function: Callable[[Any], Any]) -> Any:
        """Any function of a work, at once, as a batch of its own; nothing may interfere."""
        for _ in range(
            TRIES_MAX
        ):  # A node that was fenced, or whose rows another one has in hand, needs more than one.
            job = Job(function, _nobody, self.seed())
            decided = self.batches.decide([job], self.clock.now(), 0)
            try:
                if decided[-1].open:
                    self.store.commit()
            except (StoreUnavailable, *self.store.refusals):
                self.store.rollback()
                self.batches.forget()  # As ``Commits`` does: what it took to be there may be gone.
                continue
            if job.error is None:
                return job.outcome
            if job.error.status < 500:
                raise job.error
        raise AssertionError(f"the store refuses {TRIES_MAX} times: {job.error}")

    def recover(self) -> None:
        """What a server does at its start."""
        while self.run(self.due.recover):
            pass
        self.due.look()
