"""A Map Run's slices: start children, fail, stop, end.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/state-map-distributed.html, maprun-fail-threshold.html
"""

from collections.abc import Callable
from contextlib import suppress
from typing import Final

import msgspec

from interstate.base.arn import caller_of
from interstate.core.asl.errors import StateFailed
from interstate.core.asl.states.map_run import CHILDREN_MAX
from interstate.core.asl.vocabulary import MapRunSetup, TaskFailed, TaskSucceeded
from interstate.core.items.cursor import Cursor
from interstate.core.items.reading import Unreadable
from interstate.services.states.compiled import map_state
from interstate.services.states.distributed import items, redrives, results
from interstate.services.states.distributed.begin import schedule
from interstate.services.states.distributed.children import began, new_child
from interstate.services.states.distributed.inputs import Selecting, inputs
from interstate.services.states.distributed.redrives import THRESHOLD
from interstate.services.states.open_counts import forget_waiting, release, scope_of
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUNS, MAP_SOURCES, GoOn, MapRun
from interstate.store.records.states import (
    EXECUTIONS,
    EXECUTIONS_WITH_STATUS,
    REVISIONS,
    RUNNING,
    Deliveries,
    Delivery,
    Execution,
)

CHILDREN_AT_ONCE: Final = 50
"""Children that one slice starts or stops; the batch's time bounds it too."""
READER_FAILED: Final = "States.ItemReaderFailed"
_NEWEST = 2**62

Start = Callable[..., None]
Redrive = Callable[[Execution, Work], None]
Stop = Callable[[Execution, str | None, str | None, Work], None]


def go_on(body: GoOn, work: Work, *, start: Start, stop: Stop, redrive: Redrive) -> None:
    """One slice of a run. The step "states.map_run"."""
    run = work.get(MAP_RUNS, body.run)
    if run is None or work.get(MAP_SOURCES, run.id) is None:
        return
    run = msgspec.structs.replace(run, scheduled=False)
    if body.abort and run.status == RUNNING:
        run = _aborted(run, work)
    elif run.backlogged:
        return
    work.put(MAP_RUNS, run)
    if run.status != RUNNING or _fails(run):
        _stop_children(run, work, stop)
    elif run.redriving:
        _redrive_children(run, work, start, redrive)
    else:
        _start_children(run, work, start)
    run = _current(run, work)
    if run.counts.executions.running > 0 or run.redriving:
        return
    if run.status != RUNNING:
        _finish_aborted(run, work)
    elif _fails(run) or run.cursor.end:
        _finish(run, work)


def _aborted(run: MapRun, work: Work) -> MapRun:
    """Its execution was stopped."""
    if run.backlogged:
        forget_waiting(run.id, scope_of(run.machine), work)
    else:
        release(scope_of(run.machine), work)
    return msgspec.structs.replace(run, status="ABORTED", stopped=work.now, backlogged=False)


def _current(run: MapRun, work: Work) -> MapRun:
    found = work.get(MAP_RUNS, run.id)
    assert found is not None, run
    return found


def _fails(run: MapRun) -> bool:
    return run.error is not None


def _redrive_children(run: MapRun, work: Work, start: Start, redrive: Redrive) -> None:
    """A page of those that did not succeed; when there are no more, the run goes on with its items."""
    most = min(run.concurrency or CHILDREN_MAX, CHILDREN_MAX) - run.counts.executions.running
    if most > 0:
        redrives.redrive_page(run, min(most, CHILDREN_AT_ONCE), work, start=start, redrive=redrive)
        _again(_current(run, work), work)


# Starting ----------------------------------------------------------------------------------------------------------


def _start_children(run: MapRun, work: Work, start: Start) -> None:
    source = work.get(MAP_SOURCES, run.id)
    parent = work.get(EXECUTIONS, run.execution)
    assert source is not None, run
    assert parent is not None, run
    if exceeds_threshold(run):
        _fail(run, THRESHOLD, "The specified tolerated failure threshold was exceeded", work)
        return
    try:
        _start(run, source.setup, parent, work, start)
    except Unreadable as error:
        _fail(_current(run, work), READER_FAILED, str(error), work)
    except StateFailed as failed:
        _fail(_current(run, work), failed.error, failed.cause, work)


def _start(run: MapRun, setup: MapRunSetup, parent: Execution, work: Work, start: Start) -> None:
    most = min(run.concurrency or CHILDREN_MAX, CHILDREN_MAX)
    if run.cursor.end or run.counts.executions.running >= most:
        return
    revision = work.get(REVISIONS, parent.revision)
    assert revision is not None, parent
    selecting = Selecting(map_state(revision, run.state), setup, work)
    started = 0
    for text, count, cursor in inputs(
        items.items_from(run.cursor, setup, caller_of(run.execution_arn), work), selecting, setup
    ):
        run = msgspec.structs.replace(_current(run, work), cursor=cursor)
        if text is None:
            work.put(MAP_RUNS, run)
            continue
        run = began(run, count)
        work.put(MAP_RUNS, run)
        start(new_child(run, parent, text, work), work, at_once=True)
        started += 1
        run = _current(run, work)
        if run.cursor.end or run.counts.executions.running >= most or exceeds_threshold(run):
            break
        if started >= CHILDREN_AT_ONCE or work.is_late:
            break
    run = _current(run, work)
    if exceeds_threshold(run) or (not run.cursor.end and run.counts.executions.running < most):
        _again(run, work)


def _again(run: MapRun, work: Work) -> None:
    """The next slice, behind everybody else."""
    if not run.scheduled:
        work.put(MAP_RUNS, msgspec.structs.replace(run, scheduled=True))
        work.later("states.map_run", GoOn(run.id), yields=True)


def exceeds_threshold(run: MapRun) -> bool:
    """Whether too many items have failed. A percentage is of all items, so it is looked at when all are known."""
    counts = run.counts.items
    failed = counts.failed + counts.timed_out + (counts.aborted if run.status == RUNNING else 0)
    if failed == 0:
        return False
    if run.tolerated_count is None and run.tolerated_percentage is None:
        return True
    if run.tolerated_count is not None and failed > run.tolerated_count:
        return True
    if run.tolerated_percentage is None or not run.cursor.end:
        return False
    return failed * 100 > run.tolerated_percentage * counts.total


# Ending ------------------------------------------------------------------------------------------------------------


def _fail(run: MapRun, error: str | None, cause: str | None, work: Work) -> None:
    schedule(msgspec.structs.replace(run, error=error, cause=cause), work)


def _stop_children(run: MapRun, work: Work, stop: Stop) -> None:
    """Stop a page of the children that run."""
    page = work.select(
        EXECUTIONS_WITH_STATUS, limit=CHILDREN_AT_ONCE, machine_id=-run.id, status=RUNNING, below=_NEWEST
    )
    for child in page:
        stop(child, None, None, work)
    if len(page) == CHILDREN_AT_ONCE:
        _again(_current(run, work), work)


def _finish(run: MapRun, work: Work) -> None:
    """All children have ended: bring their results where they belong, then answer the Map."""
    if not _fails(run) and exceeds_threshold(run):
        run = msgspec.structs.replace(
            run, error=THRESHOLD, cause="The specified tolerated failure threshold was exceeded"
        )
    source = work.get(MAP_SOURCES, run.id)
    assert source is not None, run
    setup = source.setup
    try:
        gathered = results.gather(run, setup, work)
    except results.WriterFailed as error:
        run = msgspec.structs.replace(run, error="States.ResultWriterFailed", cause=str(error))
        gathered = results.Gathered(run, None)
    run = gathered.run
    if gathered.again:
        _again(run, work)
        return
    if gathered.error is not None and not _fails(run):
        run = msgspec.structs.replace(run, error=gathered.error[0], cause=gathered.error[1])
    status = "FAILED" if _fails(run) else "SUCCEEDED"
    run = msgspec.structs.replace(run, status=status, stopped=work.now)
    work.put(MAP_RUNS, run)
    release(scope_of(run.machine), work)
    event: TaskSucceeded | TaskFailed
    if _fails(run) or gathered.output is None:
        event = TaskFailed(run.visit, run.error, run.cause)
    else:
        event = TaskSucceeded(run.visit, gathered.output)
    work.later("states.event", Deliveries(run.execution, [Delivery(run.frame, event)]))
    _let_go(run, work)


def _finish_aborted(run: MapRun, work: Work) -> None:
    """A run that was stopped leaves its results where they belong, like one that failed; nobody waits for an answer.

    Source: Developer Guide, ResultWriter: PENDING files tell what was not started "because the Map Run failed or aborted".
    """
    source = work.get(MAP_SOURCES, run.id)
    writes = source is not None and source.setup.writing is not None and source.setup.writing.bucket
    if source is not None and writes and not run.writing.done:
        with suppress(results.WriterFailed):  # There is no bucket any more, and nobody to be told.
            gathered = results.gather(run, source.setup, work)
            run = gathered.run
            work.put(MAP_RUNS, run)
            if gathered.again:
                _again(run, work)
                return
    _let_go(run, work)


def _let_go(run: MapRun, work: Work) -> None:
    """Let go of what a run needs, unless it may be redriven."""
    if not redrives.is_kept(run, work.get(EXECUTIONS, run.execution)):
        forget(run, work)


def forget(run: MapRun, work: Work) -> None:
    """Let go of what only a running run needs; a page of results at a time."""
    run = results.stop_writing(run, work)
    work.delete(MAP_SOURCES, run.id)
    items.release(run.cursor, work)
    work.put(MAP_RUNS, msgspec.structs.replace(run, cursor=Cursor(taken=run.cursor.taken, end=True)))
    work.later("states.map_forget", GoOn(run.id), yields=True)


def forget_results(body: GoOn, work: Work) -> None:
    """Forget the results of a run that is over. The step "states.map_forget"."""
    if results.forget_page(body.run, work):
        work.later("states.map_forget", body, yields=True)
