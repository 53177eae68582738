"""A Map Run goes on, redriven with its execution: children that did not succeed run again, items without children follow.

Standard children are redriven from where they failed; Express children run anew, as other executions. A run is redriven when its
children failed it, or when it was stopped; where its reader or its writer failed, the redriven state starts another run.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
"""

from collections.abc import Callable
from typing import Final

import msgspec

from interstate.base.json import loads
from interstate.core.asl.vocabulary import MapRunSetup, RedriveMapRun
from interstate.services.states.distributed.begin import schedule
from interstate.services.states.distributed.children import (
    all_redriven,
    began,
    counted_again,
    items_in,
    items_of,
    new_child,
    stays_ended,
    to_redrive,
)
from interstate.services.states.distributed.results import stop_writing
from interstate.services.states.open_counts import admit, scope_of
from interstate.services.states.redrivable import redrive_obstacle
from interstate.store.ports import Work
from interstate.store.records.map_runs import (
    MAP_RESULTS,
    MAP_RUN_ARNS,
    MAP_RUNS,
    MAP_SOURCES,
    RESULTS_OF_KIND,
    RESULTS_OF_KIND_BACK,
    RUNS_OF_EXECUTION,
    MapResult,
    MapRun,
    Tally,
    Writing,
)
from interstate.store.records.states import EXECUTIONS, RUNNING, STANDARD, Execution

REDRIVES_MAX: Final = 1_000
"""Source: the page above, "Redrive eligibility for child workflows in a Map Run"."""
PENDING_REDRIVE: Final = "PENDING_REDRIVE"
THRESHOLD: Final = "States.ExceedToleratedFailureThreshold"
_RUNS_MAX: Final = 1_000


def is_kept(run: MapRun, parent: Execution | None) -> bool:
    """Whether a run that is over may be redriven, so that what it needs is kept until its execution is forgotten."""
    failed = run.status == "ABORTED" or (run.status == "FAILED" and run.error == THRESHOLD)
    return failed and parent is not None and parent.type == STANDARD


def redrivable_runs(execution: Execution, work: Work) -> frozenset[str]:
    """The ARNs of the runs of an execution that can go on."""
    runs = work.select(RUNS_OF_EXECUTION, limit=_RUNS_MAX, execution=execution.id, after=0)
    return frozenset(
        run.arn
        for run in runs
        if is_kept(run, execution) and run.redrive_count < REDRIVES_MAX and work.get(MAP_SOURCES, run.id) is not None
    )


def status_in_run(child: Execution, run: MapRun) -> str:
    """A child's status; of one that ended without success and is to be redriven with its run, ``PENDING_REDRIVE``.

    Source: API Reference, DescribeExecution and ListExecutions, "status".
    """
    waits = run.status == RUNNING and run.redriven_to < child.id < run.redriving
    return PENDING_REDRIVE if waits and child.status not in {RUNNING, "SUCCEEDED"} else child.status


def waiting_for_redrive(run: MapRun, below: int, limit: int, work: Work) -> list[Execution]:
    """The children that wait to be redriven, the newest first."""
    if run.status != RUNNING or not run.redriving:
        return []
    results = work.select(
        RESULTS_OF_KIND_BACK,
        limit=limit,
        run=run.id,
        kind="FAILED",
        after=run.redriven_to,
        below=min(below, run.redriving),
    )
    children = [work.get(EXECUTIONS, result.child) for result in results]
    return [child for child in children if child is not None]


def begin_again(command: RedriveMapRun, work: Work) -> int:
    """Set a run in motion; its first slice is due at once, unless too many runs are open."""
    row = work.get(MAP_RUN_ARNS, command.arn)
    assert row is not None, command
    run = work.get(MAP_RUNS, row.run)
    assert run is not None, command
    stop_writing(run, work)
    schedule(
        msgspec.structs.replace(
            run,
            frame=command.frame,
            visit=command.visit,
            status=RUNNING,
            stopped=None,
            error=None,
            cause=None,
            writing=Writing(),
            counts=Tally(to_redrive(run.counts.executions), to_redrive(run.counts.items)),
            redrive_count=run.redrive_count + 1,
            redriven=work.now,
            redriving=work.next_id(EXECUTIONS),
            redriven_to=0,
            backlogged=not admit(run.id, scope_of(run.machine), work),
        ),
        work,
    )
    return run.id


def redrive_page(
    run: MapRun, most: int, work: Work, *, start: Callable[..., None], redrive: Callable[[Execution, Work], None]
) -> None:
    """Let as many unsuccessful children as ``most`` run again; the run says whether there are more."""
    source = work.get(MAP_SOURCES, run.id)
    parent = work.get(EXECUTIONS, run.execution)
    assert source is not None, run
    assert parent is not None, run
    found = work.select(RESULTS_OF_KIND, limit=most, run=run.id, kind="FAILED", after=run.redriven_to)
    page = [result for result in found if result.child < run.redriving]  # Not those that failed since.
    for result in page:
        if run.express:
            child = _replaced(run, result, parent, source.setup, work)
            start(child, work, at_once=True)
        else:
            _redriven(run, result, source.setup, work, redrive)
    now = work.get(MAP_RUNS, run.id)
    assert now is not None, run
    if len(page) < most:
        counts = Tally(all_redriven(now.counts.executions), all_redriven(now.counts.items))
        work.put(MAP_RUNS, msgspec.structs.replace(now, redriving=0, redriven_to=0, counts=counts))
    else:
        work.put(MAP_RUNS, msgspec.structs.replace(now, redriven_to=page[-1].child))


def _redriven(
    run: MapRun, result: MapResult, setup: MapRunSetup, work: Work, redrive: Callable[[Execution, Work], None]
) -> None:
    """A child that cannot be redriven stays failed."""
    child = work.get(EXECUTIONS, result.child)
    if child is None or child.status == RUNNING:
        return
    now = work.get(MAP_RUNS, run.id)
    assert now is not None, run
    if redrive_obstacle(child, work) is not None:
        work.put(MAP_RUNS, stays_ended(now, items_in(child, setup, work)))
        return
    work.delete(MAP_RESULTS, run.id, result.child)
    work.put(MAP_RUNS, counted_again(now, child.status, items_in(child, setup, work)))
    redrive(child, work)


def _replaced(run: MapRun, result: MapResult, parent: Execution, setup: MapRunSetup, work: Work) -> Execution:
    """Another child with the input of one that failed, counted in its place."""
    told = loads(result.text)
    assert isinstance(told, dict), result
    status, text = told["Status"], told["Input"]
    assert isinstance(status, str), result
    assert isinstance(text, str), result
    work.delete(MAP_RESULTS, run.id, result.child)
    now = work.get(MAP_RUNS, run.id)
    assert now is not None, run
    count = 1 if setup.batching is None else items_of(text)
    now = counted_again(now, status, count, leaves=True)
    work.put(MAP_RUNS, began(now, count))
    return new_child(now, parent, text, work)
