"""What an execution did, state by state, and where it stood at a moment of its past: rebuilt from its history."""

from collections.abc import Mapping
from typing import Any

from interstate.base.time import to_iso
from interstate.core.asl.replay.trace import Branch, Trace, Visit
from interstate.core.asl.replay.values import parsed
from interstate.core.asl.vocabulary import HistoryEvent

_ANSWERS = ("Succeeded", "Failed", "TimedOut", "Submitted")


def shown_visits(trace: Trace, *, full: bool) -> list[dict[str, Any]]:
    """Every visit to a state, in order of entry; with ``full`` also the data."""
    return [_shown(visit, full=full) for visit in trace.visits]


def _shown(visit: Visit, *, full: bool) -> dict[str, Any]:
    ended = visit.ended_at
    found: dict[str, Any] = {
        "state": visit.state,
        "type": visit.type,
        "within": visit.branch.names,
        "event": visit.entered.id,
        "enteredAt": to_iso(visit.entered.at),
        "endedAt": None if ended is None else to_iso(ended),
        "status": visit.status,
        "attempts": visit.attempts,
        "error": visit.error,
        "cause": visit.cause,
        "input": parsed(visit.entered.data) if full else None,
        "output": parsed(visit.exited.data) if full and visit.exited is not None else None,
    }
    return {name: value for name, value in found.items() if value not in (None, [])}


def standing(trace: Trace) -> list[dict[str, Any]]:
    """The states that are active after the last event of the trace, outer ones first."""
    active = [branch for branch in trace.branches.values() if branch.visit is not None]
    active.sort(key=lambda branch: (len(branch.place), branch.visit.entered.id if branch.visit else 0))
    return [_stands(branch, branch.visit) for branch in active if branch.visit is not None]


def _stands(branch: Branch, visit: Visit) -> dict[str, Any]:
    return {
        "state": visit.state,
        "type": visit.type,
        "within": branch.names,
        "event": visit.entered.id,
        "enteredAt": to_iso(visit.entered.at),
        "input": parsed(visit.entered.data),
        "variables": {name: parsed(text) for name, text in branch.seen.items()},
        "waitsFor": _waits_for(branch, visit),
        "attempts": visit.attempts,
        "answers": [_answer(event) for event in visit.events if event.type.endswith(_ANSWERS)],
    }


def _waits_for(branch: Branch, visit: Visit) -> str:
    last = visit.events[-1].type if visit.events else ""
    if visit.type == "Wait":
        return "its time"
    if visit.type in {"Parallel", "Map"}:
        if visit.error is not None:
            return "its next attempt"
        if last == "MapRunStarted":
            return "its Map Run"
        running = sum(child.visit is not None for child in branch.children)
        return f"its branches: {len(branch.children)} begun, {running} in a state"
    if last.endswith(("Failed", "TimedOut")):
        return "its next attempt"
    if last.endswith("Submitted"):
        return "the end of what it submitted"
    return "an answer" if last.endswith(("Scheduled", "Started")) else "its next step"


def _answer(event: HistoryEvent) -> dict[str, Any]:
    more: Mapping[str, Any] = event.more or {}
    found = {
        "event": event.id,
        "type": event.type,
        "output": parsed(event.data),
        "error": more.get("error"),
        "cause": more.get("cause"),
    }
    return {name: value for name, value in found.items() if value is not None}
