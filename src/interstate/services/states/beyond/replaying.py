"""Replay through the API: a history that is given, or that of an execution here, against a definition."""

from typing import Any

import msgspec

from interstate.core.asl.replay.player import replay
from interstate.core.asl.replay.recorded import NoHistory, read_history
from interstate.services.states.beyond.errors import CannotReplay
from interstate.services.states.definitions import read
from interstate.services.states.find import execution_at
from interstate.services.states.machines import active_machine, revision_of
from interstate.services.states.past import history_of
from interstate.store.ports import Work
from interstate.store.records.states import EXPRESS


class ReplayExecution(msgspec.Struct, frozen=True, rename="camel"):
    """One of ``history`` (an answer of GetExecutionHistory) and ``execution``; without ``definition`` the machine's current one."""

    execution: str | None = None
    history: Any = None
    definition: str | None = None


def replay_execution(request: ReplayExecution, work: Work) -> dict[str, Any]:
    """Whether the definition does what was recorded, and where it first does not.

    Raises:
        CannotReplay: there is no history, or no definition.
        InvalidDefinition: the definition is refused.
        ExecutionDoesNotExist: there is no such execution.
    """
    definition = request.definition
    if request.execution is not None:
        execution = execution_at(request.execution, work)
        if execution.type == EXPRESS:
            raise CannotReplay("Express executions keep no history.")
        if execution.restarted is not None:
            raise CannotReplay(f"{execution.name} did not begin at the machine's first state: it was restarted.")
        history = history_of(execution, work)
        if definition is None:
            machine = active_machine(execution.machine, work)
            definition = revision_of(machine.revision, work).definition
    else:
        try:
            history = read_history(request.history)
        except NoHistory as error:
            raise CannotReplay(str(error)) from error
    if definition is None:
        raise CannotReplay("Give the definition against which to replay.")
    found: dict[str, Any] = msgspec.to_builtins(replay(read(definition, kind="STANDARD"), history))
    return found
