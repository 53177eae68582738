"""Map Runs as the API shows them: describe, list, update.

Source: API Reference, DescribeMapRun, ListMapRuns, UpdateMapRun; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.services.states.distributed.begin import schedule
from interstate.services.states.distributed.items import items_given
from interstate.services.states.errors import ValidationException
from interstate.services.states.find import execution_at, map_run_at
from interstate.services.states.pages import limit_of, number_of, page
from interstate.store.ports import Work
from interstate.store.records.map_runs import (
    MAP_SOURCES,
    RUNS_OF_EXECUTION,
    Counts,
    MapRun,
)
from interstate.store.records.states import RUNNING


class DescribeMapRun(msgspec.Struct, frozen=True, rename="camel"):
    map_run_arn: str


class ListMapRuns(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    max_results: int | None = None
    next_token: str | None = None


class UpdateMapRun(msgspec.Struct, frozen=True, rename="camel"):
    map_run_arn: str
    max_concurrency: int | None = None
    tolerated_failure_percentage: float | None = None
    tolerated_failure_count: int | None = None


def describe_map_run(request: DescribeMapRun, work: Work) -> dict[str, Any]:
    """A run's settings, and what became of its executions and items so far."""
    run = map_run_at(request.map_run_arn, work)
    items, executions = _pending(run, work)
    answer: dict[str, Any] = {
        "mapRunArn": run.arn,
        "executionArn": run.execution_arn,
        "status": run.status,
        "startDate": run.started,
        "maxConcurrency": run.concurrency,
        "toleratedFailurePercentage": run.tolerated_percentage or 0.0,
        "toleratedFailureCount": run.tolerated_count or 0,
        "itemCounts": _counts(run.counts.items, items, run),
        "executionCounts": _counts(run.counts.executions, executions, run),
        "redriveCount": run.redrive_count,
    }
    dates = {"redriveDate": run.redriven, "stopDate": run.stopped}
    return answer | {name: date for name, date in dates.items() if date is not None}


def _pending(run: MapRun, work: Work) -> tuple[int, int]:
    """Items that have no child yet, and the children that they will have.

    Of items from S3 that is not known before they are read; a run that waits for its turn has read nothing. (Source: Developer Guide,
    metrics of Map Runs: "The count of items will be zero while the Map Run is backlogged.")
    """
    waits = run.cursor.end or (run.backlogged and not run.redrive_count)
    source = None if waits else work.get(MAP_SOURCES, run.id)
    given = None if source is None else items_given(source.setup)
    if source is None or given is None:
        return 0, 0
    items = given - run.cursor.taken
    batching = source.setup.batching
    return items, items if batching is None or items == 0 else -(-items // (batching.max_items or items))


def _counts(counts: Counts, pending: int, run: MapRun) -> dict[str, int]:
    found = {
        "pending": pending,
        "running": counts.running,
        "succeeded": counts.succeeded,
        "failed": counts.failed,
        "timedOut": counts.timed_out,
        "aborted": counts.aborted,
        "total": counts.total + pending,
        "resultsWritten": counts.written,
    }
    waiting = counts.to_redrive if run.status == RUNNING else 0
    redrives = {"failuresNotRedrivable": counts.not_redrivable, "pendingRedrive": waiting}
    return found | {name: count for name, count in redrives.items() if count}


def list_map_runs(request: ListMapRuns, work: Work) -> dict[str, Any]:
    """The runs of an execution, in the order in which they began."""
    execution = execution_at(request.execution_arn, work)
    limit = limit_of(request.max_results)
    after = number_of(request.next_token, 0)
    found = work.select(RUNS_OF_EXECUTION, limit=limit + 1, execution=execution.id, after=after)
    return page("mapRuns", found, limit, show=_listed, place=lambda run: str(run.id))


def _listed(run: MapRun) -> dict[str, Any]:
    shown = {
        "executionArn": run.execution_arn,
        "mapRunArn": run.arn,
        "stateMachineArn": run.machine,
        "startDate": run.started,
    }
    return shown if run.stopped is None else {**shown, "stopDate": run.stopped}


def update_map_run(request: UpdateMapRun, work: Work) -> dict[str, Any]:
    """Change the settings of a run that is under way.

    Raises:
        ValidationException: nothing is to be changed, or the run is over.
    """
    run = map_run_at(request.map_run_arn, work)
    told = {
        "concurrency": request.max_concurrency,
        "tolerated_percentage": request.tolerated_failure_percentage,
        "tolerated_count": request.tolerated_failure_count,
    }
    changes = {name: value for name, value in told.items() if value is not None}
    if not changes:
        raise ValidationException(
            "Must provide at least one of MaxConcurrency, ToleratedFailureCount or ToleratedFailurePercentage"
        )
    if run.status != RUNNING:
        raise ValidationException(f"Map Run is {run.status} and cannot be updated")
    schedule(msgspec.structs.replace(run, **changes), work)
    return {}
