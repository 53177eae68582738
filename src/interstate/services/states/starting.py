"""How executions start: which machine, version or alias, under which name, with which input.

Source: API Reference, StartExecution, StartSyncExecution; answers recorded from the service.
"""

import math
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import BrokenJSON, canonical, loads
from interstate.core.asl.vocabulary import DATA_SIZE_MAX
from interstate.services.operation import Outcome, Parked
from interstate.services.states import executor
from interstate.services.states.aliases import alias_at, routed
from interstate.services.states.arns import check_name, execution_arn, machine_arn
from interstate.services.states.broken_json import fault_of
from interstate.services.states.errors import (
    ExecutionAlreadyExists,
    InvalidArn,
    InvalidExecutionInput,
    StateMachineDoesNotExist,
    StateMachineTypeNotSupported,
    check_size,
)
from interstate.services.states.machines import active_machine, revision_of
from interstate.services.states.mocking import check_case, forget, split_case
from interstate.services.states.open_counts import EXECUTIONS_QUOTA, take_place
from interstate.services.states.texts import forget_input, input_of
from interstate.services.states.versions import version_at
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    EXPRESS,
    MACHINES,
    RUNNING,
    Execution,
    Parent,
    StateMachine,
)
from interstate.store.tables import Key

SYNC_WAIT_S = 330.0
"""Express executions end after 5 minutes of business time; when that stands still, callers get an answer at last too."""
BILLED_STEP_MS, BILLED_MEMORY_MB = 100, 64  # Source: Step Functions pricing, Express workflows.


class StartExecution(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    name: str | None = None
    input: str = "{}"
    trace_header: str | None = None


class StartSyncExecution(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    name: str | None = None
    input: str = "{}"
    trace_header: str | None = None
    included_data: str = "ALL_DATA"


class StillRunning(ServiceError):
    """The caller waited as long as a caller may (or the server ends); the execution goes on without him."""

    code = "ServiceUnavailable"
    status = 503

    def __init__(self, arn: str) -> None:
        super().__init__(f"The execution has not ended yet: '{arn}'")


class _Started(msgspec.Struct, frozen=True):
    """What of a machine an execution runs."""

    machine: StateMachine
    revision: int
    version_arn: str | None = None
    alias_arn: str | None = None


def keys_of_start(request: StartExecution | StartSyncExecution, _caller: Caller) -> list[Key]:
    """The machine, and the name when it is told: fetched for a whole batch at once."""
    try:
        arn = machine_arn(split_case(request.state_machine_arn)[0])
    except InvalidArn:
        return []
    keys = [Key(MACHINES, (arn.base,)), Key(SETTINGS, (EXECUTIONS_QUOTA,))]
    if request.name is not None:
        keys.append(Key(EXECUTION_ARNS, (execution_arn(arn.base, request.name),)))
    return keys


def start_execution(request: StartExecution, work: Work) -> dict[str, Any]:
    """Start an execution. The same name and input answer the same while it runs.

    Raises:
        StateMachineDoesNotExist: no such machine, version or alias.
        InvalidExecutionInput: the input is not JSON.
        ExecutionAlreadyExists: the name was used for another input, or its execution has ended.
        ExecutionLimitExceeded: as many Standard executions are open as may be.
    """
    execution = start(request, work)
    return {"executionArn": execution.arn, "startDate": execution.started}


def start(request: StartExecution, work: Work, *, parent: Parent | None = None, at_once: bool = False) -> Execution:
    """As ``start_execution``; ``parent`` is the Task that waits for its end, ``at_once`` runs the first slice now."""
    asked, case = split_case(request.state_machine_arn)
    started = _started(asked, work)
    if case:
        check_case(request.state_machine_arn, started.machine.name, case, work)
    if request.name is not None:
        check_name(request.name)
    _check_input(request.input)
    name = request.name or work.entropy.uuid()
    if started.machine.type == EXPRESS:
        arn = execution_arn(started.machine.arn, name, express_id=work.entropy.uuid())
    else:
        arn = execution_arn(started.machine.arn, name)
        earlier = _same_name(arn, started.machine, work)
        if earlier is not None:
            if earlier.status == RUNNING and canonical(loads(input_of(earlier, work))) == canonical(
                loads(request.input)
            ):
                return earlier
            raise ExecutionAlreadyExists(arn)
        take_place(started.machine.scope, work)
    execution = Execution(
        id=work.next_id(EXECUTIONS),
        arn=arn,
        machine=started.machine.arn,
        machine_id=started.machine.id,
        name=name,
        type=started.machine.type,
        revision=started.revision,
        role_arn=revision_of(started.revision, work).role_arn,
        status=RUNNING,
        started=work.now,
        input=request.input,
        version_arn=started.version_arn,
        alias_arn=started.alias_arn,
        trace_header=request.trace_header,
        parent=parent,
        mock_case=case,
    )
    executor.start(execution, work, at_once=at_once, counted=True)
    return execution


def _started(text: str, work: Work) -> _Started:
    arn = machine_arn(text)
    machine = active_machine(arn.base, work, asked=text)
    if arn.qualifier is None:
        return _Started(machine, machine.revision)
    version = version_at(arn, work)
    if version is not None:
        return _Started(machine, version.revision, version.arn)
    alias = alias_at(text, work)
    if alias is None:
        raise StateMachineDoesNotExist(text)
    version = version_at(machine_arn(routed(alias, work.entropy)), work)
    assert version is not None, alias  # A version with an alias cannot be deleted.
    return _Started(machine, version.revision, version.arn, alias.arn)


def _check_input(text: str) -> None:
    check_size("input", text, DATA_SIZE_MAX)
    if not text.strip():
        raise InvalidExecutionInput("Invalid execution input.")
    try:
        loads(text)
    except BrokenJSON as error:
        raise InvalidExecutionInput(fault_of(text).reason) from error


def _same_name(arn: str, machine: StateMachine, work: Work) -> Execution | None:
    """The execution that has the name; those of a deleted machine of the same name do not count."""
    row = work.get(EXECUTION_ARNS, arn)
    earlier = None if row is None else work.get(EXECUTIONS, row.execution)
    return earlier if earlier is not None and earlier.machine_id == machine.id else None


# Synchronous -----------------------------------------------------------------------------------------------------


def start_sync_execution(request: StartSyncExecution, work: Work) -> Outcome:
    """Start an Express execution and answer with its end.

    Raises:
        StateMachineTypeNotSupported: the machine is Standard.
    """
    execution = start_express(request, work)
    return _answer_at_the_end(execution.id, request.included_data, work, last=False)


def start_express(request: StartSyncExecution, work: Work, *, parent: Parent | None = None) -> Execution:
    """Start an Express execution on whose end somebody waits: a caller, or the Task ``parent``.

    Raises:
        StateMachineTypeNotSupported: the machine is Standard.
    """
    if _started(split_case(request.state_machine_arn)[0], work).machine.type != EXPRESS:
        raise StateMachineTypeNotSupported
    plain = StartExecution(request.state_machine_arn, request.name, request.input, request.trace_header)
    return start(plain, work, parent=parent, at_once=parent is None)


def _answer_at_the_end(number: int, included: str, work: Work, *, last: bool) -> Outcome:
    execution = work.get(EXECUTIONS, number)
    assert execution is not None, number
    if execution.status == RUNNING and not last:
        return Parked(
            f"execution:{execution.arn}",
            SYNC_WAIT_S,
            lambda work, last: _answer_at_the_end(number, included, work, last=last),
        )
    if execution.status == RUNNING:
        raise StillRunning(execution.arn)
    if execution.mock_case:
        forget(execution.id, work)
    answer = ended(execution, work, included)
    forget_input(execution, work)
    work.delete(EXECUTIONS, execution.id)  # Nobody can ask for an Express execution again.
    work.delete(EXECUTION_ARNS, execution.arn)
    return answer


def ended(execution: Execution, work: Work, included: str = "ALL_DATA") -> dict[str, Any]:
    """The answer of StartSyncExecution."""
    stopped = execution.stopped
    assert stopped is not None
    with_data = included == "ALL_DATA"
    answer: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "name": execution.name,
        "startDate": execution.started,
        "stopDate": stopped,
        "status": "FAILED" if execution.status == "ABORTED" else execution.status,
        "inputDetails": {"included": with_data},
        "outputDetails": {"included": with_data},
        "billingDetails": {
            "billedDurationInMilliseconds": _billed_ms(execution.started, stopped),
            "billedMemoryUsedInMB": BILLED_MEMORY_MB,
        },
    }
    data = {"input": input_of(execution, work), "output": execution.output} if with_data else {}
    told = {**data, "error": execution.error, "cause": execution.cause, "traceHeader": execution.trace_header}
    return answer | {name: value for name, value in told.items() if value is not None}


def _billed_ms(started: datetime, stopped: datetime) -> int:
    """Rounded up to the next 100 ms, at least one."""
    milliseconds = (stopped - started).total_seconds() * 1000
    return max(1, math.ceil(milliseconds / BILLED_STEP_MS)) * BILLED_STEP_MS
