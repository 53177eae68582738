"""Whose event is this? A history, sorted into the branches and the visits to states of which it tells.

Theory of operation
-------------------
Each event names the one before it (``previousEventId``). Most belong to the same branch as that one; the others say themselves
where they belong: a state that is entered after ParallelStateStarted begins a branch, MapIterationStarted an iteration, and an
event that names a state belongs to the nearest branch outwards that stands at it. A branch is told by its *place*:
how often its parent had entered a state before, how often that one had started branches, and which branch it is (an iteration's
index, a branch's first state). Two histories of one definition have the same places, however their branches were interleaved.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Literal

from interstate.core.asl.vocabulary import HistoryEvent

Place = tuple[tuple[int, int, int | str], ...]
Status = Literal["running", "succeeded", "caught", "failed", "aborted"]

_ANSWERED = ("Succeeded", "Failed", "TimedOut")
_BRANCHING = ("Parallel", "Map")


class Visit:
    """One visit to a state, from its entry to its exit."""

    __slots__ = ("attempts", "branch", "cause", "entered", "error", "events", "exited", "runs", "status", "type")

    def __init__(self, branch: "Branch", entered: HistoryEvent) -> None:
        self.branch = branch
        self.entered = entered
        self.type = entered.type.removesuffix("StateEntered")
        self.exited: HistoryEvent | None = None
        self.events: list[HistoryEvent] = []
        self.attempts = 0
        self.runs = 0
        self.status: Status = "running"
        self.error: str | None = None
        self.cause: str | None = None

    @property
    def state(self) -> str:
        """The state's name."""
        assert self.entered.name is not None
        return self.entered.name

    @property
    def ended_at(self) -> datetime | None:
        """When it ended: left, or failed or stopped with its last event; None while it runs."""
        if self.exited is not None:
            return self.exited.at
        return None if self.status == "running" else (self.events or [self.entered])[-1].at


class Branch:
    """The execution itself, a branch of a Parallel, or an iteration of a Map."""

    __slots__ = ("children", "index", "parent", "place", "variables", "visit", "visits")

    def __init__(self, parent: "Branch | None", place: Place) -> None:
        self.parent = parent
        self.place = place
        self.visits: list[Visit] = []
        self.visit: Visit | None = None  # Where it stands.
        self.children: list[Branch] = []
        self.variables: dict[str, str] = {}
        self.index = place[-1][2] if place else 0

    def outwards(self) -> "Iterator[Branch]":
        """It and all around it."""
        at: Branch | None = self
        while at is not None:
            yield at
            at = at.parent

    @property
    def names(self) -> list[str]:
        """Where it lies, from outside: ``["Each[3]", "Fork[Slow]"]``."""
        found: list[str] = []
        at = self
        while at.parent is not None:
            above = at.parent.visits[at.place[-1][0]]
            found.insert(0, f"{above.state}[{at.index}]")
            at = at.parent
        return found

    @property
    def seen(self) -> dict[str, str]:
        """The variables that its states see, as JSON text."""
        found: dict[str, str] = {}
        for branch in reversed(list(self.outwards())):
            found.update(branch.variables)
        return found


class Trace:
    """A history, event by event."""

    def __init__(self, events: Iterable[HistoryEvent] = ()) -> None:
        self.root = Branch(None, ())
        self.branches: dict[Place, Branch] = {(): self.root}
        self.visits: list[Visit] = []
        self.of: dict[int, Branch] = {}
        self.status = "RUNNING"
        self._last: dict[int, HistoryEvent] = {}
        for event in events:
            self.add(event)

    def add(self, event: HistoryEvent) -> Branch:
        """Take the next event; tells its branch."""
        branch = self._branch(event)
        self.of[event.id] = branch
        self._last[event.id] = event
        if event.type.startswith("Execution"):
            self._ended(event)
        elif event.type.endswith("StateEntered"):
            visit = Visit(branch, event)
            branch.visits.append(visit)
            branch.visit = visit
            self.visits.append(visit)
        elif branch.visit is not None and not event.type.startswith("MapIteration"):
            self._happened(branch, branch.visit, event)
        return branch

    # Whose ---------------------------------------------------------------------------------------------------------

    def _branch(self, event: HistoryEvent) -> Branch:
        kind, near = event.type, self.of.get(event.previous, self.root)
        if kind.startswith("Execution"):
            return self.root
        if kind.startswith("MapIteration"):
            above = next((one for one in near.outwards() if _stands(one, event.name)), self.root)
            return self._child(above, _index(event))
        if kind.endswith("StateEntered"):
            before = self._last.get(event.previous)
            begins = before is not None and before.type == "ParallelStateStarted"
            return self._child(near, event.name or "") if begins else near
        wanted = event.name if kind.endswith("StateExited") else (event.more or {}).get("state")
        if wanted is not None and kind != "MapStateStarted":
            return next((one for one in near.outwards() if _stands(one, str(wanted))), near)
        for container in _BRANCHING:
            if kind.startswith((f"{container}State", f"{container}Run")) and not kind.endswith("Aborted"):
                return next((one for one in near.outwards() if _may_start(one, container)), near)
        return near

    def _child(self, above: Branch, index: int | str) -> Branch:
        visit = above.visit
        runs = visit.runs if visit is not None else 0
        place = (*above.place, (len(above.visits) - 1, runs, index))
        if place not in self.branches:
            child = Branch(above, place)
            above.children.append(child)
            self.branches[place] = child
        return self.branches[place]

    # What ----------------------------------------------------------------------------------------------------------

    def _happened(self, branch: Branch, visit: Visit, event: HistoryEvent) -> None:
        kind, more = event.type, event.more or {}
        if kind.endswith("StateAborted"):
            return
        visit.events.append(event)
        if kind.endswith("StateExited"):
            visit.exited = event
            visit.status = "succeeded" if visit.error is None else "caught"
            branch.visit = None
            if visit.type in _BRANCHING:
                _stop_below(branch)
            assigned = more.get("assignedVariables")
            if isinstance(assigned, dict):
                branch.variables.update({name: str(text) for name, text in assigned.items()})
        elif kind in {"ParallelStateStarted", "MapStateStarted"}:
            _stop_below(branch)
            visit.runs += 1
            visit.attempts += 1
            visit.error = visit.cause = None
        elif kind.endswith("Scheduled"):
            visit.attempts += 1
        elif kind.endswith(("Failed", "TimedOut")):
            inner = next((child.visits[-1] for child in branch.children if _failed_at_last(child)), None)
            visit.error = _text(more.get("error")) or (inner.error if inner else None) or "States.TaskFailed"
            visit.cause = _text(more.get("cause")) or (inner.cause if inner else None)
        elif kind.endswith("Succeeded"):
            visit.error = visit.cause = None

    def _ended(self, event: HistoryEvent) -> None:
        words = event.type.removeprefix("Execution")
        if words in {"Started", "Redriven"}:
            self.status = "RUNNING"
            return
        self.status = {"TimedOut": "TIMED_OUT"}.get(words, words.upper())
        failing = set(self.of.get(event.previous, self.root).outwards()) if words == "Failed" else set()
        more = event.more or {}
        for branch in self.branches.values():
            visit = branch.visit
            if visit is None:
                continue
            visit.status = "failed" if branch in failing or visit.error is not None else "aborted"
            if visit.status == "failed" and visit.error is None:
                visit.error, visit.cause = _text(more.get("error")), _text(more.get("cause"))


def _stop_below(branch: Branch) -> None:
    below, branch.children = branch.children, []
    while below:
        child = below.pop()
        below += child.children
        if child.visit is not None:
            child.visit.status = "aborted" if child.visit.error is None else "failed"
            child.visit = None


def _stands(branch: Branch, state: str | None) -> bool:
    return branch.visit is not None and branch.visit.state == state


def _may_start(branch: Branch, container: str) -> bool:
    visit = branch.visit
    failed = visit is not None and bool(visit.events) and visit.events[-1].type.endswith("StateFailed")
    return visit is not None and visit.type == container and not failed


def _failed_at_last(branch: Branch) -> bool:
    return bool(branch.visits) and branch.visits[-1].error is not None


def _index(event: HistoryEvent) -> int:
    index = (event.more or {}).get("index")
    return index if isinstance(index, int) else 0


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
