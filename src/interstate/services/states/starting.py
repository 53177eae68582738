"""How executions start: which machine, version or alias, under which name, with which input.

Source: API Reference, StartExecution, StartSyncExecution; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.json import BrokenJSON, canonical, loads
from interstate.core.asl.vocabulary import DATA_SIZE_MAX
from interstate.services.states.aliases import alias_at, routed
from interstate.services.states.arns import check_name, execution_arn, machine_arn
from interstate.services.states.beginning import begin
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
from interstate.services.states.mocking import check_case, split_case
from interstate.services.states.open_counts import EXECUTIONS_QUOTA, take_place
from interstate.services.states.texts import input_of
from interstate.services.states.versions import version_at
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    EXPRESS,
    MACHINES,
    RUNNING,
    Deliveries,
    Execution,
    Parent,
    StateMachine,
)
from interstate.store.tables import Key


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


def start(request: StartExecution, work: Work, *, parent: Parent | None = None) -> Execution:
    """As ``start_execution``; ``parent`` is the Task that waits for its end."""
    execution, began = _begin(request, work, parent)
    if began is not None:
        work.later("states.event", began)
    return execution


def _begin(request: StartExecution, work: Work, parent: Parent | None) -> tuple[Execution, Deliveries | None]:
    """The execution and its first event; without an event it was begun by an earlier call."""
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
                return earlier, None
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
    return execution, begin(execution, work, counted=True)


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


# Express, and somebody waits ------------------------------------------------------------------------------------


def start_express(request: StartSyncExecution, work: Work, *, parent: Parent) -> Execution:
    """Start an Express execution for whose end the Task ``parent`` waits.

    Raises:
        StateMachineTypeNotSupported: the machine is Standard.
    """
    execution, began = begin_express(request, work, parent=parent)
    work.later("states.event", began)
    return execution


def begin_express(
    request: StartSyncExecution, work: Work, *, parent: Parent | None = None
) -> tuple[Execution, Deliveries]:
    """An Express execution on whose end somebody waits, and its first event, which is due.

    Raises:
        StateMachineTypeNotSupported: the machine is Standard.
    """
    if _started(split_case(request.state_machine_arn)[0], work).machine.type != EXPRESS:
        raise StateMachineTypeNotSupported
    plain = StartExecution(request.state_machine_arn, request.name, request.input, request.trace_header)
    execution, began = _begin(plain, work, parent)
    assert began is not None, execution  # Names of Express executions are free.
    return execution, began
