"""An execution as it is, and as it was after any of its events."""

from typing import Any

import msgspec

from interstate.base.time import to_iso
from interstate.core.asl.history import shown
from interstate.core.asl.replay.standing import shown_visits, standing
from interstate.core.asl.replay.trace import Trace
from interstate.core.asl.vocabulary import HistoryEvent
from interstate.services.operation import Outcome, Parked
from interstate.services.states.beyond.errors import NoSuchEvent
from interstate.services.states.find import execution_at
from interstate.services.states.machines import revision_of
from interstate.services.states.past import history_of
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.states import HISTORY_BACK_FROM, RUNNING, Execution

WAIT_S_MAX = 50.0
_NEWEST = 2**62


class InspectExecution(msgspec.Struct, frozen=True, rename="camel"):
    """``at``: as it was after this event. ``after`` and ``wait_s``: wait until there is an event beyond ``after``."""

    execution: str
    at: int | None = None
    full: bool = False
    after: int | None = None
    wait_s: float = 0.0


def inspect_execution(request: InspectExecution, work: Work) -> Outcome:
    """An execution with its visits to states, its definition, and where it stands.

    Raises:
        ExecutionDoesNotExist: there is none.
        NoSuchEvent: the history is not that long.
    """
    return _look(request, work, last=request.wait_s <= 0)


def _look(request: InspectExecution, work: Work, *, last: bool) -> Outcome:
    execution = execution_at(request.execution, work)
    newest = work.select(HISTORY_BACK_FROM, limit=1, execution=execution.id, last=_NEWEST)
    nothing_new = request.after is not None and (not newest or newest[0].last <= request.after)
    if nothing_new and execution.status == RUNNING and not last:
        return Parked(
            f"history:{execution.arn}",
            min(request.wait_s, WAIT_S_MAX),
            lambda work, last: _look(request, work, last=last),
        )
    return _told(request, execution, history_of(execution, work), work)


def _told(request: InspectExecution, execution: Execution, history: list[HistoryEvent], work: Work) -> dict[str, Any]:
    if request.at is not None:
        if not 1 <= request.at <= len(history):
            raise NoSuchEvent(request.at, len(history))
        history = history[: request.at]
    trace = Trace(history)
    found: dict[str, Any] = {
        "executionArn": execution.arn,
        "name": execution.name,
        "stateMachineArn": execution.machine,
        "status": execution.status if request.at is None else trace.status,
        "startDate": to_iso(execution.started),
        "now": to_iso(work.now),
        "events": len(history),
        "visits": shown_visits(trace, full=request.full),
        "standing": standing(trace),
        "definition": revision_of(execution.revision, work).definition,
    }
    if request.at is not None:
        event = shown(history[-1])
        found["event"] = {**event, "timestamp": to_iso(event["timestamp"])}
    else:
        found |= _end_of(execution)
    if execution.restarted is not None:
        found["restartedFrom"] = msgspec.to_builtins(execution.restarted)
    if request.full:
        found["input"] = input_of(execution, work)
    return found


def _end_of(execution: Execution) -> dict[str, Any]:
    stopped = execution.stopped
    told = {
        "stopDate": None if stopped is None else to_iso(stopped),
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
    }
    return {name: value for name, value in told.items() if value is not None}
