"""Broken laws: each mutant is one that somebody might write, and the simulation must notice it within a few seeds.

A mutant that survives all its seeds fails its test: then the simulation has grown blind, not the mutant harmless.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from tests.simulation.playing import play
from tests.simulation.simulated_node import Call, Node, _Driven, _Line

from interstate.base.arn import Caller
from interstate.runtime.batch import Batches, Job
from interstate.runtime.due import DueWork
from interstate.runtime.metrics import Counts, Metrics
from interstate.runtime.work import BatchWork
from interstate.services.dynamodb import stored as items
from interstate.services.events import archiving, replays, sending
from interstate.services.lambda_ import polling
from interstate.services.sqs import fifo, receive
from interstate.services.states.distributed import children
from interstate.store.records.due import DUE, IN_FLIGHT, NEXT, STEP, WAITING
from interstate.store.records.sqs import DEDUPLICATIONS, MESSAGES
from interstate.store.tables import Table

SEEDS = 40
"""A mutant is noticed within so many seeds."""

Patch = pytest.MonkeyPatch


def effect_before_commit(patch: Patch) -> None:
    """Effects are performed when they are taken, before the commit that says so."""
    take, start = Batches._take_effects, _Driven._start
    early: dict[int, Any] = {}

    def taken(self: Any, work: Any, effects_max: int) -> Any:
        rows = take(self, work, effects_max)
        for row in rows:
            body = msgspec.json.decode(row.body, type=self.catalog.effects[row.kind].body)
            early[row.id] = self.interfering.outside(row.kind, str(row.id), body)
        return rows

    def started(self: Any, rows: Any) -> None:
        start(self, rows)
        for effect in self.node.effects:
            if effect.row.id in early and not effect.performed:
                effect.performed, effect.result = True, early.pop(effect.row.id)

    patch.setattr(Batches, "_take_effects", taken)
    patch.setattr(_Driven, "_start", started)


def row_deleted_after_its_step(patch: Patch) -> None:
    """A step is done in one commit, and its row deleted in the next."""
    run = Batches.run_step

    def run_step(self: Any, work: Any, due_id: int, body: Any = None) -> None:
        done = self.__dict__.setdefault("done", set())
        row = work.get(DUE, due_id)
        if row is None:
            return
        if due_id in done:
            work.delete(DUE, due_id)
            return
        run(self, work, due_id, body)
        if work.get(DUE, due_id) is None:
            work.put(DUE, row)
            done.add(due_id)
            work.yielded = True

    patch.setattr(Batches, "run_step", run_step)


def key_new_at_each_repeat(patch: Patch) -> None:
    """After a crash an effect waits under another number."""

    def recover(self: Any, work: Any) -> bool:
        for row in work.select(NEXT, limit=1000, lane=self._lane(IN_FLIGHT)):
            work.delete(DUE, row.id)
            work.put(DUE, msgspec.structs.replace(row, id=work.next_id(DUE), lane=self._lane(WAITING)))
        return False

    patch.setattr(DueWork, "recover", recover)


def answer_taken_twice(patch: Patch) -> None:
    """An effect's end does not look whether its row is still there."""

    async def perform(self: Any, row: Any) -> None:
        effect = self._catalog.effects[row.kind]
        body = msgspec.json.decode(row.body, type=effect.body)
        result = await self.carry_out(row.kind, str(row.id), body)

        def finish(work: Any) -> None:
            work.delete(DUE, row.id)
            effect.finish(body, result, work)

        self._activity.begin()
        for _ in range(2):
            self._commits.submit(Job(finish, lambda job: self._performed(row, job), self._seed()))

    patch.setattr(DueWork, "_perform", perform)


def in_flight_for_ever(patch: Patch) -> None:
    """A node that starts does not look at what was in flight."""
    patch.setattr(DueWork, "recover", lambda _self, _work: False)


def timers_lost_on_restart(patch: Patch) -> None:
    """Waits live in the process."""
    recover = DueWork.recover

    def forget(self: Any, work: Any) -> bool:
        for row in work.select(NEXT, limit=1000, lane=self._lane(STEP)):
            if row.due_at > work.now and row.kind == "states.event":
                work.delete(DUE, row.id)
        return recover(self, work)

    patch.setattr(DueWork, "recover", forget)


def retry_forgets_its_row(patch: Patch) -> None:
    """A call that failed is tried again by whoever remembers it."""
    later = BatchWork.later

    def forget(self: Any, kind: str, body: Any, **members: Any) -> int:
        due_id = later(self, kind, body, **members)
        if kind == "lambda.invoke" and body.attempt > 1:
            self.cancel(due_id)
        return due_id

    patch.setattr(BatchWork, "later", forget)


def message_not_hidden(patch: Patch) -> None:
    """A claim answers, and leaves the message visible."""
    take = receive._Taker.take

    def taken(self: Any, message: Any) -> Any:
        found = take(self, message)
        return None if found is None else msgspec.structs.replace(found, visible_at=message.visible_at)

    patch.setattr(receive._Taker, "take", taken)


def deduplication_in_another_commit(patch: Patch) -> None:
    """What was sent is remembered when the next message comes; a crash in between forgets it."""
    accept_all = fifo.accept_all
    begin: Any = Node.__init__
    left: list[Any] = []

    def accepts(queue: Any, messages: Any, work: Any) -> Any:
        for row in left:
            work.put(DEDUPLICATIONS, row)
        left.clear()
        answer = accept_all(queue, messages, work)
        for message in messages:
            scope = message.group_id if fifo._is_by_group(queue, work) else ""
            row = work.get(DEDUPLICATIONS, queue.id, message.deduplication_id, scope)
            if row is not None and row.message == message.id:
                left.append(row)
                work.delete(DEDUPLICATIONS, queue.id, message.deduplication_id, scope)
        return answer

    def begun(self: Any, *members: Any, **named: Any) -> None:
        left.clear()
        begin(self, *members, **named)

    patch.setattr(fifo, "accept_all", accepts)
    patch.setattr(Node, "__init__", begun)


def stream_record_in_another_commit(patch: Patch) -> None:
    """A change is told with the next change; a crash in between is never told."""
    keep: Any = items._record
    begin: Any = Node.__init__
    left: list[Any] = []

    def recorded(definition: Any, stream: Any, change: Any, text: Any, work: Any) -> None:
        for one in left:
            keep(*one, work)
        left[:] = [(definition, stream, change, text)]

    def begun(self: Any, *members: Any, **named: Any) -> None:
        left.clear()
        begin(self, *members, **named)

    patch.setattr(items, "_record", recorded)
    patch.setattr(Node, "__init__", begun)


def answer_before_commit(patch: Patch) -> None:
    """A call is answered when it was decided; whether it is kept is seen later."""

    def submit(self: Any, service: str, operation: str, request: Any, answered: Any = None) -> Call:
        row = self.catalog.operation(service, operation)
        typed = self.catalog.request(service, operation, request, checked=False)
        call = Call(answered)
        keys = () if row.keys is None else tuple(row.keys(typed, Caller()))

        def run(work: Any) -> Any:
            call.answer = row.handle(typed, work) or {}
            call.ended = True
            call.answered(call.answer)

        def done(job: Job) -> None:
            if job.error is not None and not call.ended:
                call.error, call.ended = job.error, True

        self.line.submit(Job(run, done, self.seed(), keys=keys))
        return call

    patch.setattr(Node, "submit", submit)


def depth_out_of_step(patch: Patch) -> None:
    """A message that is removed stays counted."""
    for module in (receive, polling):
        patch.setattr(module, "remove", lambda _queue, message, work: work.delete(MESSAGES, message.id))


def effect_taken_by_scan_and_batch(patch: Patch) -> None:
    """A scan's own step leaves an effect, which is begun by the scan and by the end of its batch."""
    rows: Table[Any] = DUE

    def taken(self: Any, work: Any, effects_max: int) -> list[Any]:
        found: list[Any] = []
        while work.effects and len(found) < effects_max:
            row = work.get(rows, work.effects.popleft())
            if row is not None:
                found.append(msgspec.structs.replace(row, lane=self.store.lane_base + IN_FLIGHT))
                work.put(rows, found[-1])
        return found

    patch.setattr(Batches, "_take_effects", taken)


def metrics_in_another_commit(patch: Patch) -> None:
    """What a batch measured is written with the next batch; a crash in between forgets it."""
    fold: Any = Metrics.fold

    def folded(self: Any, measured: Any, *others: Any) -> None:
        left, self.__dict__["left"] = self.__dict__.get("left", Counts()), measured
        fold(self, left, *others)

    patch.setattr(Metrics, "fold", folded)


def deduplication_forgotten(patch: Patch) -> None:
    """What was sent once is not remembered."""
    accept_all = fifo.accept_all

    def accepts(queue: Any, messages: Any, work: Any) -> Any:
        answer = accept_all(queue, messages, work)
        for message in messages:
            scope = message.group_id if fifo._is_by_group(queue, work) else ""
            if work.get(DEDUPLICATIONS, queue.id, message.deduplication_id, scope) is not None:
                work.delete(DEDUPLICATIONS, queue.id, message.deduplication_id, scope)
        return answer

    patch.setattr(fifo, "accept_all", accepts)


def commit_that_never_was(patch: Patch) -> None:
    """A commit is answered before the store has it: what a crash takes was acknowledged."""
    end: Any = _Line._end_read_only

    def ended(self: Any) -> Any:
        if self.node.batches.wrote and self.node.interfering.dice.random() < 0.05:
            self._store.rollback()  # The disk never had it, and nobody is told.
            return None
        return end(self)

    patch.setattr(_Line, "_end_read_only", ended)


def event_not_archived(patch: Patch) -> None:
    """An event that arrives with others of its second is taken to be in the archive."""
    keep, seen = archiving.keep, set[tuple[int, str]]()

    def kept(archive: Any, event: Any, text: bytes, work: Any) -> None:
        if (archive.id, event["time"]) not in seen:
            keep(archive, event, text, work)
        seen.add((archive.id, event["time"]))

    patch.setattr(sending, "keep", kept)


def child_counted_as_another(patch: Patch) -> None:
    """A child of a Map Run that failed is counted among those that went well."""
    count = children._ended
    patch.setattr(
        children, "_ended", lambda counts, status, by: count(counts, status.replace("FAILED", "SUCCEEDED"), by)
    )


def replay_begins_a_page_late(patch: Patch) -> None:
    """A replay takes the first event of its archive to be sent."""
    page = replays._page

    def paged(archive: Any, replay: Any, work: Any) -> Any:
        events = page(archive, replay, work)
        return events[1:] if replay.reached is None else events

    patch.setattr(replays, "_page", paged)


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    effect_before_commit,
    row_deleted_after_its_step,
    key_new_at_each_repeat,
    answer_taken_twice,
    in_flight_for_ever,
    timers_lost_on_restart,
    retry_forgets_its_row,
    message_not_hidden,
    deduplication_in_another_commit,
    stream_record_in_another_commit,
    answer_before_commit,
    depth_out_of_step,
    effect_taken_by_scan_and_batch,
    metrics_in_another_commit,
    deduplication_forgotten,
    commit_that_never_was,
    event_not_archived,
    child_counted_as_another,
    replay_begins_a_page_late,
)


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_broken_law_is_noticed(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    assert any(play(seed).unlawful for seed in range(SEEDS)), f"{mutate.__name__} survives {SEEDS} seeds"
