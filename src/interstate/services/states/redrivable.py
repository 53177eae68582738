"""Whether an execution can be redriven.

Source: API Reference, RedriveExecution; DescribeExecution, redriveStatus and redriveStatusReason.
"""

from datetime import timedelta
from typing import Any

from interstate.core.asl.vocabulary import HISTORY_EVENTS_MAX
from interstate.store.ports import Work
from interstate.store.records.states import HISTORY_FROM, MACHINES, RUNNING, Execution

REDRIVABLE_FOR = timedelta(days=14)
OPEN_FOR = timedelta(days=365)
EVENTS_MAX = HISTORY_EVENTS_MAX - 1
"""Source: API Reference, RedriveExecution: fewer than 24,999 events, within 14 days, within one year of its start."""


def redrive_obstacle(execution: Execution, work: Work) -> str | None:
    """Why the execution cannot be redriven; None when it can."""
    machine = work.get(MACHINES, execution.machine)
    if execution.status in {RUNNING, "SUCCEEDED"}:
        return f"Execution is {execution.status} and cannot be redriven"
    if machine is not None and machine.status != "ACTIVE":
        return "State machine is in DELETING status"
    if execution.restarted is not None:  # Its history does not tell with which variables it began.
        return "Execution was restarted from another one; restart it again"
    assert execution.stopped is not None, execution
    if work.now - execution.stopped > REDRIVABLE_FOR:
        return "Execution redrivable period exceeded"
    if work.now - execution.started > OPEN_FOR:
        return "Execution has exceeded the max execution time"
    last = work.select(HISTORY_FROM, limit=1, execution=execution.id, first=EVENTS_MAX - 1)
    return "Execution history event limit exceeded" if last else None


def shown_redrive(execution: Execution, work: Work) -> dict[str, Any]:
    """What a description and an event tell of redrives."""
    reason = redrive_obstacle(execution, work)
    shown: dict[str, Any] = {"redriveCount": execution.redrive_count}
    if execution.redriven is not None:
        shown["redriveDate"] = execution.redriven
    if reason is None:
        return {**shown, "redriveStatus": "REDRIVABLE"}
    return {**shown, "redriveStatus": "NOT_REDRIVABLE", "redriveStatusReason": reason}
