"""Where an execution that ended without success goes on: read from its history.

What failed has left no frames; its history says which states were entered and not left. A state that waits for work (Task, Parallel,
Map) is started again without being entered again; others are entered again. Branches and iterations that succeeded are kept with
their outputs. A Parallel or Map that its own Retry had started again is run anew as a whole.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html ("Redrive behavior of individual states").
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from interstate.base.json import dumps
from interstate.core.asl.definition import Choice, Machine, Map, Parallel, State, Task
from interstate.core.asl.vocabulary import Branching, Datum, Event, Frame, Go, HistoryEvent, Retrying, TimerFired

_ENTERED, _EXITED = "StateEntered", "StateExited"
_RUNS = ("MapRunStarted", "MapRunRedriven")
_MOVES = (_ENTERED, _EXITED)


class _Child(NamedTuple):
    """The execution, a branch or an iteration: ended with ``output``, or to be resumed from what ``scope`` tells."""

    branch: int
    machine: Machine
    scope: Sequence[HistoryEvent]
    given: Datum
    previous: int
    output: str | None = None


class _Stand(NamedTuple):
    """Where a frame stands; ``entered`` is None where its state is to be entered (again)."""

    at: str
    data: Datum
    entered: HistoryEvent | None = None
    awaiting: Branching | Retrying | None = None
    children: Sequence[_Child] = ()


class Resumed:
    """Frames that stand where the execution failed, and the events that let them go on.

    They have a visit of their own, so that nothing that is meant for earlier ones finds them.
    """

    def __init__(self, now: datetime, visit: int, runs: frozenset[str]) -> None:
        self.runs = runs
        self.frames: list[Frame] = []
        self.events: list[tuple[int, Event]] = []
        self._now = now
        self._visit = visit

    def add(self, parent: int, child: _Child, stand: _Stand, variables: Mapping[str, Datum]) -> int:
        """A frame, numbered above its parent; one that can go on is told to."""
        number = len(self.frames)
        entered = stand.entered
        frame = Frame(
            number,
            parent,
            child.branch,
            stand.at,
            stand.data,
            child.previous if entered is None or parent < 0 else entered.id,
            0 if entered is None else entered.id,
            self._now if entered is None else entered.at,
            self._visit,
            stand.awaiting,
            variables=variables,
        )
        self.frames.append(frame)
        if isinstance(frame.awaiting, Retrying):
            self.events.append((number, TimerFired(frame.visit, "retry")))
        elif frame.is_ready:
            self.events.append((number, Go()))
        return number


def resumed(
    machine: Machine,
    history: Sequence[HistoryEvent],
    given: Datum,
    redriven: int,
    *,
    now: datetime,
    runs: frozenset[str] = frozenset(),
) -> Resumed:
    """The frames of an execution of ``machine`` that began with ``given`` and goes on behind the event ``redriven``.

    ``runs`` are the Map Runs that can go on; other distributed Maps start theirs anew.
    """
    found = Resumed(now, 4 * redriven, runs)
    _resume(found, -1, _Child(0, machine, history, given, redriven))
    found.frames[0] = msgspec.structs.replace(found.frames[0], events=redriven, frames=len(found.frames))
    return found


def _resume(found: Resumed, parent: int, child: _Child) -> None:
    """Add a frame and those below it."""
    if child.output is not None:
        found.add(parent, child, _Stand("", Datum(child.output)), {})
        return
    own = [event for event in child.scope if event.name in child.machine.states and event.type.endswith(_MOVES)]
    stand = _stand(child, own, found.runs)
    number = found.add(parent, child, stand, _variables(own))
    for below in stand.children:
        _resume(found, number, below)


def _stand(child: _Child, own: Sequence[HistoryEvent], runs: frozenset[str]) -> _Stand:
    """Where a frame stands whose states were entered and left as ``own`` tells."""
    if not own:
        return _Stand(child.machine.start_at, child.given)
    last = own[-1]
    assert last.name is not None
    state = child.machine.states[last.name]
    data = Datum(last.data)
    if last.type.endswith(_ENTERED):
        if isinstance(state, Task | Parallel | Map):
            return _Stand(last.name, data, last, *_awaited(state, last, child.scope, runs))
        return _Stand(last.name, data)
    if isinstance(state, Choice):  # Left, but where to? It decides again.
        before = next(event.data for event in reversed(own) if event.type.endswith(_ENTERED))
        return _Stand(last.name, Datum(before))
    return _Stand(getattr(state, "next", None) or "", data)


def _awaited(
    state: Task | Parallel | Map, entered: HistoryEvent, scope: Sequence[HistoryEvent], runs: frozenset[str]
) -> tuple[Branching | Retrying, list[_Child]]:
    """What the state waits for when it goes on, and its branches; without any it starts from the beginning."""
    inside = [event for event in scope if event.id > entered.id]
    children: list[_Child] = []
    total = 0
    if isinstance(state, Parallel):
        total, children = len(state.branches), _branches(state, entered, inside)
    elif isinstance(state, Map) and state.distributed is None:
        total, children = _iterations(state, entered, inside)
    elif isinstance(state, Map):
        return _run_again(inside, runs), []
    ended = sum(child.output is not None for child in children)
    if not children or ended == total:
        return Retrying(), []
    return Branching(total, len(children), ended), children


def _run_again(inside: Sequence[HistoryEvent], runs: frozenset[str]) -> Retrying:
    """The last run of the state goes on, where it can."""
    told = [event.more for event in inside if event.type in _RUNS and event.more is not None]
    if not told or told[-1]["mapRunArn"] not in runs:
        return Retrying()
    arn = str(told[-1]["mapRunArn"])
    return Retrying(arn, sum(more["mapRunArn"] == arn for more in told))


def _branches(state: Parallel, entered: HistoryEvent, inside: Sequence[HistoryEvent]) -> list[_Child]:
    started = [event for event in inside if event.type == "ParallelStateStarted" and event.previous == entered.id]
    children: list[_Child] = []
    for index, machine in enumerate(state.branches):
        begun = [event for event in inside if event.name == machine.start_at and event.previous in _ids(started)]
        if len(begun) > 1:
            return []
        own = [event for event in inside if event.name in machine.states]
        output = _output(machine, own)
        given = Datum(entered.data if not begun else begun[0].data)
        previous = own[-1].id if own else entered.id
        children.append(_Child(index, machine, inside, given, previous, output))
    restarted = sum(event.type == "ParallelStateStarted" for event in inside) > 1 and bool(state.retry)
    return [] if restarted or not started else children


def _ids(events: Iterable[HistoryEvent]) -> frozenset[int]:
    return frozenset(event.id for event in events)


def _iterations(state: Map, entered: HistoryEvent, inside: Sequence[HistoryEvent]) -> tuple[int, list[_Child]]:
    started = next(
        (event for event in inside if event.type == "MapStateStarted" and event.previous == entered.id), None
    )
    if started is None or started.more is None:
        return 0, []
    total = started.more["length"]
    assert isinstance(total, int)
    begun = [event for event in inside if event.type == "MapIterationStarted" and event.name == state.name]
    indices = [_index(event) for event in begun]
    if len(set(indices)) < len(indices):  # Its own Retry had begun it again.
        return total, []
    children: list[_Child] = []
    for event, index in zip(begun, indices, strict=True):
        scope = _below(event, inside, state.name)
        own = [one for one in scope if one.name in state.processor.states]
        first = next((one for one in own if one.type.endswith(_ENTERED)), None)
        if first is None:  # Its input is in no event: the Map begins from the beginning.
            return total, []
        output = _output(state.processor, own)
        children.append(_Child(index, state.processor, scope, Datum(first.data), own[-1].id, output))
    return total, children


def _index(event: HistoryEvent) -> int:
    index = (event.more or {}).get("index")
    assert isinstance(index, int), event
    return index


def _below(first: HistoryEvent, events: Sequence[HistoryEvent], name: str) -> list[HistoryEvent]:
    """The events that follow ``first`` by their chains, other iterations of the same Map left out."""
    ids = {first.id}
    found: list[HistoryEvent] = []
    for event in events:
        iteration = event.type.startswith("MapIteration") and event.name == name
        if event.previous in ids and not iteration:
            ids.add(event.id)
            found.append(event)
    return found


def _output(machine: Machine, own: Sequence[HistoryEvent]) -> str | None:
    """The output of a branch that has ended."""
    moves = [event for event in own if event.type.endswith(_MOVES)]
    if not moves or not moves[-1].type.endswith(_EXITED):
        return None
    assert moves[-1].name is not None
    return moves[-1].data if _ends(machine.states[moves[-1].name]) else None


def _ends(state: State) -> bool:
    return not isinstance(state, Choice) and getattr(state, "next", None) is None


def _variables(own: Sequence[HistoryEvent]) -> dict[str, Datum]:
    """What the states of a frame have assigned."""
    variables: dict[str, Datum] = {}
    for event in own:
        assigned = (event.more or {}).get("assignedVariables")
        if isinstance(assigned, dict):
            for name, text in assigned.items():
                variables[name] = Datum(text if isinstance(text, str) else dumps(text))
    return variables
