"""Executions: describe, list, stop, and what they did.

Source: API Reference, DescribeExecution and its siblings; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.core.asl.history import decode, shown
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.services.states import executor
from interstate.services.states.arns import machine_arn
from interstate.services.states.distributed.children import item_count
from interstate.services.states.distributed.redrives import (
    PENDING_REDRIVE,
    status_in_run,
    waiting_for_redrive,
)
from interstate.services.states.errors import (
    StateMachineTypeNotSupported,
    ValidationException,
)
from interstate.services.states.find import execution_at, map_run_at
from interstate.services.states.machines import machine_at, revision_of, shown_revision
from interstate.services.states.pages import limit_of, number_of, page, token_for
from interstate.services.states.redrivable import shown_redrive
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.map_runs import MAP_RUNS
from interstate.store.records.states import (
    EXECUTIONS_OF_MACHINE,
    EXECUTIONS_WITH_STATUS,
    EXPRESS,
    HISTORY_BACK_FROM,
    HISTORY_FROM,
    RUNNING,
    Execution,
    StateMachine,
)

_NEWEST = 2**62  # Above every execution's number and every event's.
_LOOKED_AT_MAX = 1000  # Executions that one page of a filtered list reads.
_CHUNKS_AT_ONCE = 50  # A chunk holds 1 to 200 events.


class ExecutionRequest(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    included_data: str = "ALL_DATA"


class StopExecution(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    error: str | None = None
    cause: str | None = None


class ListExecutions(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str | None = None
    status_filter: str | None = None
    max_results: int | None = None
    next_token: str | None = None
    map_run_arn: str | None = None
    redrive_filter: str | None = None


class GetExecutionHistory(msgspec.Struct, frozen=True, rename="camel"):
    execution_arn: str
    max_results: int | None = None
    reverse_order: bool = False
    next_token: str | None = None
    include_execution_data: bool = True


# Describing ------------------------------------------------------------------------------------------------------


def describe_execution(request: ExecutionRequest, work: Work) -> dict[str, Any]:
    """An execution as it is now, with input and output unless ``METADATA_ONLY`` is asked for."""
    execution = execution_at(request.execution_arn, work)
    with_data = request.included_data == "ALL_DATA"
    answer: dict[str, Any] = {
        **_listed(execution),
        "inputDetails": {"included": with_data},
        **shown_redrive(execution, work),
        **_of_run(execution, work),
    }
    if execution.output is not None:
        answer["outputDetails"] = {"included": with_data}
    data = {"input": input_of(execution, work), "output": execution.output} if with_data else {}
    told = {**data, "error": execution.error, "cause": execution.cause, "traceHeader": execution.trace_header}
    return answer | {name: value for name, value in told.items() if value is not None}


def _of_run(execution: Execution, work: Work) -> dict[str, str]:
    """The Map Run whose child the execution is, and its status there."""
    run = work.get(MAP_RUNS, -execution.machine_id) if execution.machine_id < 0 else None
    return {} if run is None else {"mapRunArn": run.arn, "status": status_in_run(execution, run)}


def _listed(execution: Execution) -> dict[str, Any]:
    """What a list shows of an execution."""
    told = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "name": execution.name,
        "status": execution.status,
        "startDate": execution.started,
        "stopDate": execution.stopped,
        "stateMachineVersionArn": execution.version_arn,
        "stateMachineAliasArn": execution.alias_arn,
        "redriveCount": execution.redrive_count,
        "redriveDate": execution.redriven,
    }
    return {name: value for name, value in told.items() if value is not None}


def describe_state_machine_for_execution(request: ExecutionRequest, work: Work) -> dict[str, Any]:
    """The definition with which an execution was started, whatever its machine has become."""
    execution = execution_at(request.execution_arn, work)
    revision = revision_of(execution.revision, work)
    run = _of_run(execution, work)
    label = {"label": execution.machine.rpartition("/")[2]} if run else {}
    return {
        "stateMachineArn": execution.machine,
        "name": execution.machine.rpartition(":")[2],
        "updateDate": revision.created,
        **shown_revision(revision, request.included_data),
        **run,
        **label,
    }


# Listing ---------------------------------------------------------------------------------------------------------


def list_executions(request: ListExecutions, work: Work) -> dict[str, Any]:
    """Executions of a machine, or of one of its versions or aliases; newest first.

    Raises:
        StateMachineDoesNotExist: there is no such machine.
        StateMachineTypeNotSupported: the machine is Express.
    """
    if request.map_run_arn is not None:
        if request.state_machine_arn is not None:
            raise ValidationException("Must provide either a State Machine ARN or Map Run ARN, not both")
        return _of_map_run(request, work)
    if request.state_machine_arn is None:
        raise ValidationException("Must provide a State Machine ARN or Map Run ARN")
    arn = machine_arn(request.state_machine_arn)
    machine = machine_at(arn.base, work, asked=request.state_machine_arn)
    if machine.type == EXPRESS:
        raise StateMachineTypeNotSupported
    limit = limit_of(request.max_results)
    below = number_of(request.next_token, _NEWEST)
    if request.status_filter == PENDING_REDRIVE:
        raise ValidationException("PENDING_REDRIVE is only supported when listing executions of a Map Run")
    if arn.qualifier is None and request.redrive_filter is None:
        found = _read(machine, request.status_filter, below, limit + 1, work)
        return page("executions", found, limit, show=_listed, place=lambda execution: str(execution.id))
    return _filtered(machine, request, below, limit, work)


def _of_map_run(request: ListExecutions, work: Work) -> dict[str, Any]:
    """The children of a Map Run; Express ones are not told. They have the run's number, negated, in place of a machine's."""
    assert request.map_run_arn is not None
    run = map_run_at(request.map_run_arn, work)
    if run.express:
        raise StateMachineTypeNotSupported
    limit, below = limit_of(request.max_results), number_of(request.next_token, _NEWEST)
    wanted = request.status_filter
    if wanted is None:
        found = work.select(EXECUTIONS_OF_MACHINE, limit=limit + 1, machine_id=-run.id, below=below)
    elif wanted == PENDING_REDRIVE:
        found = waiting_for_redrive(run, below, limit + 1, work)
    else:
        found = work.select(EXECUTIONS_WITH_STATUS, limit=limit + 1, machine_id=-run.id, status=wanted, below=below)

    def show(execution: Execution) -> dict[str, Any]:
        status = status_in_run(execution, run)
        return {**_listed(execution), "status": status, "mapRunArn": run.arn, "itemCount": item_count(execution, work)}

    answer = page("executions", found, limit, show=show, place=lambda execution: str(execution.id))
    if wanted is not None:  # Of those that failed, some may wait to be redriven.
        answer["executions"] = [one for one in answer["executions"] if one["status"] == wanted]
    return answer


def _read(machine: StateMachine, status: str | None, below: int, limit: int, work: Work) -> list[Execution]:
    if status is None:
        return work.select(EXECUTIONS_OF_MACHINE, limit=limit, machine_id=machine.id, below=below)
    return work.select(EXECUTIONS_WITH_STATUS, limit=limit, machine_id=machine.id, status=status, below=below)


def _filtered(machine: StateMachine, request: ListExecutions, below: int, limit: int, work: Work) -> dict[str, Any]:
    """Pages of a version's or alias's executions, or of those that were redriven (or not).

    A page looks at a bounded number, so it can have fewer than asked.
    """
    looked_at = _read(machine, request.status_filter, below, _LOOKED_AT_MAX, work)
    wanted = [row for row in looked_at if _is_wanted(row, request)]
    answer = page("executions", wanted, limit, show=_listed, place=lambda execution: str(execution.id))
    if "nextToken" not in answer and len(looked_at) == _LOOKED_AT_MAX:
        answer["nextToken"] = token_for(str(looked_at[-1].id))
    return answer


def _is_wanted(row: Execution, request: ListExecutions) -> bool:
    if request.redrive_filter is not None and (request.redrive_filter == "REDRIVEN") != bool(row.redrive_count):
        return False
    return request.state_machine_arn in {row.machine, row.version_arn, row.alias_arn}


# Stopping --------------------------------------------------------------------------------------------------------


def stop_execution(request: StopExecution, work: Work) -> dict[str, Any]:
    """End an execution as ABORTED; one that has ended stays as it is."""
    execution = execution_at(request.execution_arn, work)
    if execution.status != RUNNING:
        return {"stopDate": execution.stopped}
    executor.stop(execution, request.error, request.cause, work)
    return {"stopDate": work.now}


# History ---------------------------------------------------------------------------------------------------------


def get_execution_history(request: GetExecutionHistory, work: Work) -> dict[str, Any]:
    """What an execution did, event by event. A token names the event with which its page begins."""
    execution = execution_at(request.execution_arn, work)
    limit = limit_of(request.max_results)
    if request.reverse_order:
        found = _back_from(execution.id, number_of(request.next_token, _NEWEST), limit + 1, work)
    else:
        found = _from(execution.id, number_of(request.next_token, 1), limit + 1, work)
    answer: dict[str, Any] = {
        "events": [shown(event, with_data=request.include_execution_data) for event in found[:limit]]
    }
    if len(found) > limit:
        answer["nextToken"] = token_for(str(found[limit].id))
    return answer


def _from(execution: int, first: int, count: int, work: Work) -> list[HistoryEvent]:
    found: list[HistoryEvent] = []
    while len(found) < count:
        chunks = work.select(HISTORY_FROM, limit=_chunks_for(count), execution=execution, first=first)
        for chunk in chunks:
            found += [event for event in decode(chunk.body) if event.id >= first]
            first = chunk.last + 1
            if len(found) >= count:
                break
        if len(chunks) < _chunks_for(count):
            break
    return found[:count]


def _back_from(execution: int, last: int, count: int, work: Work) -> list[HistoryEvent]:
    """As ``_from``, backwards. A chunk that reaches beyond ``last`` is found by its end, so it is asked for separately."""
    found: list[HistoryEvent] = []
    if last != _NEWEST:
        beyond = work.select(HISTORY_FROM, limit=1, execution=execution, first=last)
        for chunk in beyond:
            found += [event for event in reversed(decode(chunk.body)) if event.id <= last]
            last = chunk.first - 1
    while len(found) < count:
        chunks = work.select(HISTORY_BACK_FROM, limit=_chunks_for(count), execution=execution, last=last)
        for chunk in chunks:
            found += reversed(decode(chunk.body))
            last = chunk.first - 1
            if len(found) >= count:
                break
        if len(chunks) < _chunks_for(count):
            break
    return found[:count]


def _chunks_for(count: int) -> int:
    """How many chunks are read at once; few suffice where they are full."""
    return min(count, _CHUNKS_AT_ONCE)
