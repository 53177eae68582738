"""How a Map Run begins."""

import msgspec

from interstate.base.arn import parse_arn
from interstate.core.asl.vocabulary import StartMapRun
from interstate.services.states.distributed import items
from interstate.services.states.open_counts import admit, scope_of
from interstate.store.ports import Work
from interstate.store.records.map_runs import (
    MAP_RUN_ARNS,
    MAP_RUNS,
    MAP_SOURCES,
    GoOn,
    MapRun,
    MapRunArn,
    MapSource,
)
from interstate.store.records.states import RUNNING, Execution


def begin(command: StartMapRun, execution: Execution, work: Work) -> int:
    """Take a run; its first slice is due at once, unless too many runs are open."""
    setup = command.setup
    source, cursor = items.put_apart(setup, work)
    number = work.next_id(MAP_RUNS)
    arn = parse_arn(setup.arn)
    assert arn is not None, setup.arn
    admitted = admit(number, scope_of(execution.machine), work)
    work.put(
        MAP_RUNS,
        MapRun(
            id=number,
            arn=setup.arn,
            execution=execution.id,
            execution_arn=execution.arn,
            frame=command.frame,
            visit=command.visit,
            state=command.state,
            machine=f"{execution.machine}/{setup.label}",
            express=setup.express,
            status=RUNNING,
            started=work.now,
            concurrency=setup.concurrency,
            cursor=cursor,
            scheduled=True,
            tolerated_count=setup.tolerated_count,
            tolerated_percentage=setup.tolerated_percentage,
            backlogged=not admitted,
        ),
    )
    work.put(MAP_RUN_ARNS, MapRunArn(setup.arn, number))
    work.put(MAP_SOURCES, MapSource(number, source))
    if admitted:
        work.later("states.map_run", GoOn(number))
    return number


def schedule(run: MapRun, work: Work) -> None:
    """Let the run go on soon, unless that is due already, or it waits for its turn."""
    if not run.scheduled and not run.backlogged:
        run = msgspec.structs.replace(run, scheduled=True)
        work.later("states.map_run", GoOn(run.id))
    work.put(MAP_RUNS, run)
