"""An instance for tests: everything but sockets, processes and threads, with a standing clock.

``World`` decides batches as a server does, one call at a time, on SQLite in memory (or in a directory, to crash it).
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.time import from_micros
from interstate.runtime.batch import BATCH_WORK_S, Batches, Decided, Job
from interstate.runtime.catalog import Catalog, Validate, accept_all
from interstate.runtime.due_steps import end_of
from interstate.runtime.work import BatchWork, next_pulling
from interstate.services.operation import Parked, Perform, Service
from interstate.store.ports import Store
from interstate.store.records.due import DUE, IN_FLIGHT, NEXT, READY, STEP, WAITING, Due
from interstate.store.sequences import Sequences
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.sqlite.migrate import empty

START = datetime(2026, 1, 1, tzinfo=UTC)
Perform_ = Callable[[str, Any], Any]


OpenStore = Callable[[Path | None], tuple[Store, Sequences]]
"""Opens what lies in a directory (None: an empty store of its own), with the numbers that go with it."""


def _embedded(directory: Path | None) -> tuple[Store, Sequences]:
    """Numbers rise from one process to the next, as a server's do: those of rows that are gone are not given out again."""
    if directory is None:
        return SqliteStore(directory), Sequences()
    directory.mkdir(parents=True, exist_ok=True)
    opened = directory / "opened"
    generation = int(opened.read_text()) if opened.exists() else 0
    opened.write_text(str(generation + 1))
    database = directory / "interstate.db"
    if not database.exists():
        database.write_bytes(empty())  # To migrate it costs 15 ms; a test holds both ways to the same end.
    return SqliteStore(directory), Sequences(generation * 1_000_000)


class Crash(BaseException):
    """The process died here. Not an Exception: nothing of ours may catch it."""


class World:
    """A synchronous instance.

    ``performers`` maps an effect's kind to ``(key, body) -> result``; an effect without a performer stays in the store.
    ``open_store`` is the embedded store unless somebody who tests another one replaces it.
    ``crash_before_commit`` raises ``Crash`` instead of that commit (counted from 1); ``commits`` counts them.
    ``work_s`` are the seconds of work of a batch: who tests what becomes of work that is cut into slices, whatever the machine's speed,
    takes many of them.
    """

    open_store: ClassVar[OpenStore] = staticmethod(_embedded)
    crash_before_commit: int | None = None
    commits = 0
    work_s = BATCH_WORK_S

    def __init__(
        self,
        services: Iterable[Service] | None = None,
        *,
        directory: Path | None = None,
        validate: Validate = accept_all,
        performers: Mapping[str, Perform_] | None = None,
        now: datetime = START,
    ) -> None:
        if services is None:
            from interstate.services.tables import SERVICES  # noqa: PLC0415 all services, only for tests that want them

            services = SERVICES
        self.directory = directory
        self.store, sequences = World.open_store(directory)
        self.catalog = Catalog(services, validate)
        self.batches = Batches(self.store, self.catalog, b"world", sequences)
        self.now = now
        self.performers = dict(performers or {})
        self.caller = Caller()
        self.wakes: list[tuple[str, bool]] = []
        self._calls = 0

    def _lane(self, lane: int) -> int:
        return self.store.lane_base + lane

    # Calls -----------------------------------------------------------------------------------------------------

    def call(
        self, service: str, operation: str, request: Mapping[str, Any] | None = None, *, caller: Caller | None = None
    ) -> Any:
        """One API call, committed. A parked call is run a last time at once; a performed one is performed.

        Raises:
            ServiceError: as the API would answer.
        """
        row = self.catalog.operation(service, operation)
        typed = self.catalog.request(service, operation, request or {}, checked=False)
        keys = () if row.keys is None else tuple(row.keys(typed, caller or self.caller))
        outcome = self.run(lambda work: row.handle(typed, work), caller=caller, keys=keys)
        if isinstance(outcome, Parked):
            self.run_due()
            again = outcome.again
            outcome = self.run(lambda work: again(work, True), caller=caller)  # noqa: FBT003 the contract's positional "last"
        if isinstance(outcome, Perform):
            return self._perform(outcome)
        return {} if outcome is None else outcome

    def run(self, function: Callable[[BatchWork], Any], *, caller: Caller | None = None, keys: Any = ()) -> Any:
        """Any function of a work, as a batch of its own."""
        self._calls += 1
        job = Job(function, _nothing, self._calls.to_bytes(16), caller or self.caller, keys)
        self._commit([job])
        if job.error is not None:
            raise job.error
        return job.outcome

    def _commit(self, jobs: list[Job]) -> list[Decided]:
        decided = self.batches.decide(jobs, self.now, effects_max=0, work_s=self.work_s)
        if decided[-1].wrote:
            self.commits += 1
            if self.commits == self.crash_before_commit:
                self.store.rollback()
                self.batches.forget()
                raise Crash
        try:
            self.store.commit()
        except self.store.refusals as error:
            self.batches.forget()
            if not self.batches.may_decide_again(error):
                raise
            self.store.rollback()
            last = decided.pop()
            decided += self.batches.decide(
                jobs[len(jobs) - last.jobs :], self.now, effects_max=0, work_s=self.work_s, settles=True
            )
            self.store.commit()
        for part in decided:
            self.wakes.extend(part.wakes)
        return decided

    def _perform(self, perform: Perform) -> Any:
        effect = self.catalog.effects[perform.kind]
        result = self.performers[perform.kind]("call", perform.body)
        self.run(lambda work: effect.finish(perform.body, result, work))
        return perform.answer(result)

    # Due work --------------------------------------------------------------------------------------------------

    def run_due(self, *, effects: bool = True) -> int:
        """Do everything that is due now, and what follows from it; tells how many rows were done."""
        done = 0
        while batch := self._due_rows(effects=effects):
            for row in batch:
                self._do(row)
                done += 1
        return done

    def _due_rows(self, *, effects: bool) -> list[Due]:
        def read(work: BatchWork) -> list[Due]:
            steps = work.select(READY, limit=64, lane=self._lane(STEP), now=work.now)
            waiting = work.select(READY, limit=64, lane=self._lane(WAITING), now=work.now) if effects else []
            return steps + [row for row in waiting if row.kind in self.performers]

        found: list[Due] = self.run(read)
        return found

    def _do(self, row: Due) -> None:
        if row.kind in self.catalog.steps:
            self.run(lambda work: self.batches.run_step(work, row.id))
            return
        effect = self.catalog.effects[row.kind]
        body = msgspec.json.decode(row.body, type=effect.body)
        result = self.performers[row.kind](str(row.id), body)
        finish, keys = end_of(effect, row, body, result)
        self.run(finish, keys=keys)

    def next_due(self) -> datetime | None:
        """The next instant to which waiting work pulls the clock."""
        micros: int = self.run(next_pulling)
        return from_micros(micros) if micros else None

    def advance(self, by: timedelta) -> None:
        """Let business time pass, firing all that is due on the way, in order."""
        goal = self.now + by
        self.run_due()
        while (due := self.next_due()) is not None and due <= goal and due > self.now:
            self.now = due
            self.run_due()
        self.now = goal
        self.run_due()

    def run_until_idle(self, limit: timedelta = timedelta(days=400)) -> None:
        """Let business time jump from one due instant to the next until nothing waits any more."""
        goal = self.now + limit
        self.run_due()
        while (due := self.next_due()) is not None and self.now < due <= goal:
            self.now = due
            self.run_due()

    def restart(self) -> "World":
        """Close without ceremony and open the same directory again, as after a crash."""
        directory = self.directory
        assert directory is not None, "only a World in a directory survives"
        self.store.close()
        world = World(
            self.catalog.services,
            directory=directory,
            validate=self.catalog.validate,
            performers=self.performers,
            now=self.now,
        )
        world.caller, world.work_s = self.caller, self.work_s
        world._calls = self._calls + 1_000_000
        return world

    def recover(self) -> None:
        """What a server does at its start: effects that were in flight wait again."""
        while self.run(self._recover):
            pass

    def _recover(self, work: BatchWork) -> bool:
        page = work.select(NEXT, limit=1000, lane=self._lane(IN_FLIGHT))
        for row in page:
            work.put(DUE, msgspec.structs.replace(row, lane=self._lane(WAITING)))
        return len(page) == 1000

    def close(self) -> None:
        """Release the store."""
        self.store.close()


def _nothing(_job: Job) -> None:
    """Nobody waits: the caller reads the job itself."""


__all__ = ["IN_FLIGHT", "START", "ServiceError", "World"]
