"""How a Map Run begins."""

import msgspec

from interstate.base.arn import parse_arn
from interstate.core.asl.vocabulary import StartMapRun
from interstate.services.states.distributed import items
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
    """Take a run; its first slice is due at once."""
    setup = command.setup
    source, cursor = items.put_apart(setup, work)
    number = work.next_id(MAP_RUNS)
    arn = parse_arn(setup.arn)
    assert arn is not None, setup.arn
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
        ),
    )
    work.put(MAP_RUN_ARNS, MapRunArn(setup.arn, number))
    work.put(MAP_SOURCES, MapSource(number, source))
    work.later("states.map_run", GoOn(number))
    return number


def schedule(run: MapRun, work: Work) -> None:
    """Let the run go on soon, unless that is due already."""
    if not run.scheduled:
        run = msgspec.structs.replace(run, scheduled=True)
        work.later("states.map_run", GoOn(run.id))
    work.put(MAP_RUNS, run)
