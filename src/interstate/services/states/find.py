"""Executions and Map Runs by their ARNs."""

from interstate.base.arn import parse_arn
from interstate.services.states.arns import check_execution_arn
from interstate.services.states.errors import ExecutionDoesNotExist, InvalidArn, ResourceNotFound
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUN_ARNS, MAP_RUNS, MapRun
from interstate.store.records.states import EXECUTION_ARNS, EXECUTIONS, Execution


def execution_at(arn: str, work: Work) -> Execution:
    """The Standard execution with this ARN.

    Raises:
        InvalidArn: it is no ARN of one.
        ExecutionDoesNotExist: there is none.
    """
    check_execution_arn(arn)
    row = work.get(EXECUTION_ARNS, arn)
    execution = None if row is None else work.get(EXECUTIONS, row.execution)
    if execution is None:
        raise ExecutionDoesNotExist(arn)
    return execution


def map_run_at(text: str, work: Work) -> MapRun:
    """The run with this ARN.

    Raises:
        InvalidArn: it is no ARN of one.
        ResourceNotFound: there is none.
    """
    if not text.startswith("arn:"):
        raise InvalidArn.prefix(text)
    arn = parse_arn(text)
    if arn is None or arn.service != "states":
        raise InvalidArn(f"ARN does not match required pattern: {text}")
    if not arn.resource.startswith("mapRun:"):
        raise InvalidArn.kind(arn.resource.partition(":")[0])
    row = work.get(MAP_RUN_ARNS, text)
    run = None if row is None else work.get(MAP_RUNS, row.run)
    if run is None:
        raise ResourceNotFound(text)
    return run
