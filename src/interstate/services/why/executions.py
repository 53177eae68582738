"""Why an execution stands where it stands."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from interstate.core.asl.history import decode
from interstate.core.asl.vocabulary import (
    Branching,
    HistoryEvent,
    Retrying,
    Stopping,
    Tasking,
    Waiting,
)
from interstate.core.why.failed_state import failed_state
from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.due import DUE
from interstate.store.records.states import (
    EXECUTION_ARNS,
    EXECUTIONS,
    FRAMES_OF_EXECUTION,
    HISTORY_BACK_FROM,
    RUNNING,
    Execution,
    FrameRow,
)

_BY_EVENT = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CHUNKS_MAX = 100
_FRAMES_MAX = 50
_NEWEST = 2**62
_TEXT_MAX = 2_000
_TIMERS = ("wait", "retry", "timeout", "heartbeat")


def execution_with(arn: str, work: Work) -> Execution | None:
    """The execution with this ARN; None when there is none (Express ones that ended are not kept under it)."""
    row = work.get(EXECUTION_ARNS, arn)
    return None if row is None else work.get(EXECUTIONS, row.execution)


def summary(execution: Execution, work: Work) -> dict[str, Any]:
    """An execution in short: status, where it failed and why, what it waits for."""
    told: dict[str, Any] = {
        "kind": "execution",
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "type": execution.type,
        "status": execution.status,
        "startedAt": execution.started,
        "stoppedAt": execution.stopped,
        "error": execution.error,
        "cause": None if execution.cause is None else execution.cause[:_TEXT_MAX],
        "redriveCount": execution.redrive_count or None,
    }
    if execution.status == RUNNING:
        told["waitsFor"] = _waits(execution, work)
    elif execution.status != "SUCCEEDED":
        told["failedState"] = _failed_state(execution, work)
    return {name: value for name, value in told.items() if value is not None}


def started_by(execution: Execution, work: Work) -> dict[str, Any]:
    """The event, the execution or the call that started it."""
    by_event = _BY_EVENT.fullmatch(execution.name)
    if by_event is not None:
        return {"kind": "event", "id": by_event[1]}
    if execution.parent is not None:
        parent = work.get(EXECUTIONS, execution.parent.execution)
        return {"kind": "execution", "executionArn": None if parent is None else parent.arn}
    return {"kind": "call", "note": "a call of StartExecution"}


def _failed_state(execution: Execution, work: Work) -> str | None:
    events: dict[int, HistoryEvent] = {}
    newest = 0
    page = work.select(HISTORY_BACK_FROM, limit=_CHUNKS_MAX, execution=execution.id, last=_NEWEST)
    for chunk in page:
        for event in decode(chunk.body):
            events[event.id] = event
            newest = max(newest, event.id)
    return failed_state(events, newest)


def _waits(execution: Execution, work: Work) -> list[dict[str, Any]]:
    """What each branch waits for; parents of branches are left out where the branches say more."""
    frames = work.select(FRAMES_OF_EXECUTION, limit=_FRAMES_MAX, execution=execution.id, after=-1)
    told = [_wait(frame, work) for frame in frames if not (isinstance(frame.awaiting, Branching) and len(frames) > 1)]
    return [one for one in told if one is not None]


def _wait(frame: FrameRow, work: Work) -> dict[str, Any] | None:
    times = _times(frame.due, work)
    told: dict[str, Any] = {"state": frame.at, "since": frame.entered_at}
    match frame.awaiting:
        case Waiting():
            told |= {"what": "a Wait", "until": times.get("wait")}
        case Retrying():
            told |= {"what": "its next try", "until": times.get("retry"), "retries": sum(frame.retries)}
        case Tasking(token=token):
            what = "SendTaskSuccess or SendTaskFailure for its token" if token else "the answer of its Task"
            told |= {"what": what, "until": times.get("timeout") or times.get("heartbeat")}
        case Branching(total=total, ended=ended):
            told |= {"what": f"its branches: {ended} of {total} have ended"}
        case Stopping(error=error):
            told |= {"what": f"its branches to stop, after {error}"}
        case None if frame.at:
            told |= {"what": "its next step"}
        case None:
            return None
    return {name: value for name, value in told.items() if value is not None}


def _times(due: Mapping[str, int], work: Work) -> dict[str, datetime]:
    found: dict[str, datetime] = {}
    for timer, number in due.items():
        row = work.get(DUE, number) if timer in _TIMERS else None
        if row is not None:
            found[timer] = row.due_at
    return found


def why_execution(execution: Execution, work: Work) -> dict[str, Any]:
    """The whole answer for an execution."""
    told = {
        **summary(execution, work),
        "startedBy": started_by(execution, work),
        "input": input_of(execution, work)[:_TEXT_MAX],
    }
    if execution.output is not None:
        told["output"] = execution.output[:_TEXT_MAX]
    return told
