"""Restart: a new execution that begins at any state of an ended one, with the input and the variables that it had there.

It runs the machine's current definition (a bug may have been mended) unless the original one is asked for. The ended execution
stays as it is; the new one names it (``restartedFrom``).
"""

from typing import Any

import msgspec

from interstate.base.json import BrokenJSON, loads
from interstate.core.asl.definition import Definition, Machine, Map, Parallel
from interstate.core.asl.history import encode
from interstate.core.asl.machine import advance
from interstate.core.asl.replay.trace import Trace, Visit
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Datum, Frame, Go, SetTimer, Started
from interstate.services.states import execution_logs
from interstate.services.states.announcing import announce
from interstate.services.states.arns import check_name, execution_arn
from interstate.services.states.beyond.errors import CannotRestart
from interstate.services.states.compiled import compiled, facts_of
from interstate.services.states.errors import ExecutionAlreadyExists, InvalidExecutionInput
from interstate.services.states.find import execution_at
from interstate.services.states.frames import Frames
from interstate.services.states.machines import active_machine, revision_of
from interstate.services.states.open_counts import check_executions, count_execution
from interstate.services.states.past import history_of
from interstate.services.states.texts import input_of, with_input_apart
from interstate.store.ports import Work
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    EXPRESS,
    HISTORY,
    RUNNING,
    Deliveries,
    Delivery,
    Execution,
    ExecutionArn,
    HistoryChunk,
    Restarted,
)

NAME_LENGTH_MAX = 80
_NUMBERED_MAX = 100
CURRENT, ORIGINAL = "current", "original"


class RestartExecution(msgspec.Struct, frozen=True, rename="camel"):
    """``input`` is JSON text; ``event`` is the one with which the state was entered, where that happened more than once."""

    execution: str
    state: str
    input: str | None = None
    name: str | None = None
    event: int | None = None
    definition: str = CURRENT


def restart_execution(request: RestartExecution, work: Work) -> dict[str, Any]:
    """Start a new execution at a state of one that has ended.

    Raises:
        ExecutionDoesNotExist: there is none.
        CannotRestart: it runs, it keeps no history, or there is no such place to begin at.
        InvalidExecutionInput: the input is not JSON, or too long.
        ExecutionAlreadyExists: the name was used.
        ExecutionLimitExceeded: as many executions are open as may be.
    """
    before = execution_at(request.execution, work)
    _check(before, request)
    machine = active_machine(before.machine, work)
    if machine.id != before.machine_id:
        raise CannotRestart(f"The machine of {before.name} was deleted; the one that has its name now is another one.")
    original = request.definition == ORIGINAL
    revision = revision_of(before.revision if original else machine.revision, work)
    definition = compiled(revision.definition, express=False)
    _check_state(definition.machine, request.state, original=original)
    trace = Trace(history_of(before, work))
    visit = _visit(trace, request)
    given = _input(request, visit)
    name = _name(request, before, work)
    check_executions(machine.scope, work)
    after = Execution(
        id=work.next_id(EXECUTIONS),
        arn=execution_arn(machine.arn, name),
        machine=machine.arn,
        machine_id=machine.id,
        name=name,
        type=before.type,
        revision=revision.id,
        role_arn=revision.role_arn,
        status=RUNNING,
        started=work.now,
        input=input_of(before, work),
        version_arn=before.version_arn if original else None,
        alias_arn=before.alias_arn if original else None,
        trace_header=before.trace_header,
        mock_case=before.mock_case,
        restarted=Restarted(before.arn, request.state, 0 if visit is None else visit.entered.id),
    )
    variables = _variables(before, trace, visit, work)
    _begin(after, definition, Frame(0, -1, 0, request.state, given, 0, 0, work.now, variables=variables), work)
    return {
        "executionArn": after.arn,
        "startDate": after.started,
        "restartedFrom": before.arn,
        "state": request.state,
        "event": 0 if visit is None else visit.entered.id,
        "definition": request.definition,
    }


def _check(before: Execution, request: RestartExecution) -> None:
    if request.definition not in {CURRENT, ORIGINAL}:
        raise CannotRestart(f'"definition" is {CURRENT} or {ORIGINAL}, not {request.definition!r}.')
    if before.status == RUNNING:
        raise CannotRestart(f"{before.name} still runs; stop it first, or wait for its end.")
    if before.type == EXPRESS:
        raise CannotRestart("Express executions keep no history, so that nothing is known of their states.")
    if before.machine_id < 0:
        raise CannotRestart(f"{before.name} is a child of a Map Run; restart the execution whose Map it belongs to.")


def _check_state(machine: Machine, state: str, *, original: bool) -> None:
    if state in machine.states:
        return
    outer = _around(machine, state)
    if outer is not None:
        raise CannotRestart(
            f"The state '{state}' stands inside of '{outer}', whose other branches would be missing; "
            f"restart from '{outer}'."
        )
    names = ", ".join(f"'{name}'" for name in machine.states)
    whose = "definition of the execution" if original else "machine's current definition"
    raise CannotRestart(f"The {whose} has no state '{state}'; it has {names}.")


def _around(machine: Machine, wanted: str) -> str | None:
    """The outermost state within which the wanted one stands."""
    for name, state in machine.states.items():
        inner = state.branches if isinstance(state, Parallel) else (state.processor,) if isinstance(state, Map) else ()
        if any(wanted in below.states or _around(below, wanted) is not None for below in inner):
            return name
    return None


def _visit(trace: Trace, request: RestartExecution) -> Visit | None:
    """The visit from which to go on: the last one unless an event is named; None where the state was never entered.

    Raises:
        CannotRestart: the event is none with which the state was entered; or nothing is known of its input.
    """
    visits = [visit for visit in trace.root.visits if visit.state == request.state]
    if request.event is not None:
        found = next((visit for visit in visits if visit.entered.id == request.event), None)
        if found is None:
            known = ", ".join(str(visit.entered.id) for visit in visits) or "none"
            raise CannotRestart(f"'{request.state}' was not entered with event {request.event}, but with: {known}.")
        return found
    if not visits and request.input is None:
        raise CannotRestart(f"The execution never entered '{request.state}': give the input with which to begin.")
    return visits[-1] if visits else None


def _input(request: RestartExecution, visit: Visit | None) -> Datum:
    if request.input is None:
        assert visit is not None, request
        return Datum(visit.entered.data)
    try:
        loads(request.input)
    except BrokenJSON as error:
        raise InvalidExecutionInput(f"The input is not JSON: {error}") from error
    data = Datum(request.input)
    if data.exceeds(DATA_SIZE_MAX):
        raise InvalidExecutionInput(f"The input is longer than {DATA_SIZE_MAX} bytes.")
    return data


def _variables(before: Execution, trace: Trace, visit: Visit | None, work: Work) -> dict[str, Datum]:
    """What was assigned before the visit; all that ever was, where the state was never entered.

    An execution that was itself restarted began with what was assigned in the one before it.

    Raises:
        CannotRestart: that one has been forgotten.
    """
    found: dict[str, Datum] = {}
    if before.restarted is not None:
        row = work.get(EXECUTION_ARNS, before.restarted.execution)
        source = None if row is None else work.get(EXECUTIONS, row.execution)
        if source is None:
            raise CannotRestart(f"{before.restarted.execution}, from which {before.name} began, has been forgotten.")
        earlier = Trace(history_of(source, work))
        at = before.restarted.event
        visits = [visit for visit in earlier.root.visits if visit.entered.id == at]
        found = _variables(source, earlier, visits[0] if visits else None, work)
    for past in trace.root.visits:
        if visit is not None and past.entered.id >= visit.entered.id:
            break
        assigned = ((past.exited and past.exited.more) or {}).get("assignedVariables")
        if isinstance(assigned, dict):
            found.update({name: Datum(str(text)) for name, text in assigned.items()})
    return found


def _name(request: RestartExecution, before: Execution, work: Work) -> str:
    """The name that is asked for; else the old one with a number."""
    if request.name is not None:
        check_name(request.name)
        if work.get(EXECUTION_ARNS, execution_arn(before.machine, request.name)) is not None:
            raise ExecutionAlreadyExists(execution_arn(before.machine, request.name))
        return request.name
    for number in range(2, _NUMBERED_MAX):
        end = f"-{number}"
        name = before.name[: NAME_LENGTH_MAX - len(end)] + end
        if work.get(EXECUTION_ARNS, execution_arn(before.machine, name)) is None:
            return name
    return work.entropy.uuid()


def _begin(execution: Execution, definition: Definition, first: Frame, work: Work) -> None:
    """Write the new execution: its row, its first frame, its first event and timer; its first slice is due."""
    execution = with_input_apart(execution, work)
    facts = facts_of(execution, work)
    step = advance(definition, facts, (first,), Started(), now=work.now, seed=work.entropy.bytes(16), budget=0)
    frames = Frames(facts, work, input_at=execution.input_at)
    for frame in step.frames:
        frames.put(frame)
    for command in step.commands:
        assert isinstance(command, SetTimer), command
        frames.set_timer(command)
    frames.write()
    for chunk in encode(step.history):
        work.put(HISTORY, HistoryChunk(work.next_id(HISTORY), execution.id, chunk.first, chunk.last, chunk.body))
    work.put(EXECUTIONS, execution)
    work.put(EXECUTION_ARNS, ExecutionArn(execution.arn, execution.id))
    count_execution(execution.machine, 1, work)
    execution_logs.log(execution, list(step.history), work)
    announce(execution, work)
    work.later("states.event", Deliveries(execution.id, [Delivery(0, Go())]))
