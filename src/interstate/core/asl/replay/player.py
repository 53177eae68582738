"""Replay: a recorded history against a changed definition.

Theory of operation
-------------------
The interpreter is a pure function of events (``core.asl.machine``), and a history holds all that ever came to an execution from
outside: tasks' answers and failures, the moments at which waits and retries ended, stops. The player runs the
changed definition by the interpreter and hands it those answers in their recorded order; what it writes into its own
history must be what was recorded at the same place of the same branch (``trace``). The first recorded event that it
does not write, or writes otherwise, is the difference.

What a history does not tell (ids, tokens, random numbers, the exact time) is found by playing twice side by side with another
clock and another seed; there what was recorded is taken over, so that later events are compared with what came of it.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.core.asl.dataflow import DataFlow
from interstate.core.asl.definition import Definition, Map
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.replay import difference as words
from interstate.core.asl.replay.difference import Difference, Differs
from interstate.core.asl.replay.map_result import recorded_flow, with_flow
from interstate.core.asl.replay.trace import Branch, Place, Trace
from interstate.core.asl.replay.values import Unequal, first_unequal, parsed, plain_cause
from interstate.core.asl.turn import machines_of
from interstate.core.asl.vocabulary import (
    Abort,
    ActivityStarted,
    Datum,
    End,
    Event,
    Execution,
    Frame,
    Gather,
    Gathered,
    Go,
    HistoryEvent,
    Retrying,
    Started,
    StartTask,
    Step,
    StopBranches,
    Stopped,
    TaskBegan,
    TaskFailed,
    Tasking,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    Waiting,
)

ENDS = ("ExecutionSucceeded", "ExecutionFailed", "ExecutionAborted", "ExecutionTimedOut")
_SILENT = ("LambdaFunctionStarted", "TaskStarted", "ActivityStarted")
_AGAIN_LATER = timedelta(milliseconds=1001)
_FACTS = ("resource", "resourceType", "timeoutInSeconds", "heartbeatInSeconds", "length", "index", "error")
_ALIKE = {"ScheduleFailed": "Failed", "StartFailed": "Failed", "SubmitFailed": "Failed"}
_DATA = {"StateEntered": words.INPUT, "Scheduled": words.PARAMETERS}


class Replay(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """What a replay came to: of the ``recorded`` events that say something, ``compared`` were the same, up to ``difference``, or to the end of what was recorded."""

    same: bool
    compared: int
    recorded: int
    status: str
    difference: Difference | None = None
    notes: tuple[str, ...] = ()


def replay(definition: Definition, history: Sequence[HistoryEvent], *, express: bool = False) -> Replay:
    """Play a recorded history against ``definition`` and tell where it first differs."""
    return Player(definition, history, express=express).play()


class _Side:
    """The frames of one of the two runs, and what their executions are called."""

    def __init__(self, definition: Definition, execution: Execution, late: timedelta, seed: int) -> None:
        self.definition = definition
        self.execution = execution
        self.frames: dict[int, Frame] = {0: first_frame(definition, execution)}
        self.flow: DataFlow | None = None  # Of the state that the next step leaves, in place of its own.
        self._late = late
        self._seed = seed
        self._steps = 0

    def chain(self, number: int) -> tuple[Frame, ...]:
        chain = [self.frames[number]]
        while chain[0].parent >= 0:
            chain.insert(0, self.frames[chain[0].parent])
        return tuple(chain)

    def step(self, number: int, event: Event, now: datetime) -> Step:
        self._steps += 1
        seed = (self._seed << 64 | self._steps).to_bytes(16)
        budget = 1 if isinstance(event, Go) else 0  # What was recorded is taken over between any two states.
        chain, at = self.chain(number), now + self._late
        definition = self.definition if self.flow is None else with_flow(self.definition, chain, self.flow)
        self.flow = None
        return advance(definition, self.execution, chain, event, now=at, seed=seed, budget=budget)

    def take(self, step: Step, recorded: Mapping[str, str], assigned: Mapping[str, str]) -> None:
        """Keep the step's frames, with what was recorded in place of what was made here."""
        for frame in step.frames:
            data = Datum(recorded[frame.data.text]) if frame.data.text in recorded else frame.data
            variables = frame.variables
            if assigned and frame.variables:
                taken = {name: Datum(text) for name, text in assigned.items() if name in variables}
                variables = {**variables, **taken}
            self.frames[frame.frame] = msgspec.structs.replace(frame, data=data, variables=variables)

    def below(self, number: int) -> list[Frame]:
        """All frames below, by number; they are forgotten."""
        above, found = {number}, []
        for at in sorted(self.frames):
            if self.frames[at].parent in above:
                above.add(at)
                found.append(self.frames.pop(at))
        return found


class Player:
    """One replay."""

    def __init__(self, definition: Definition, history: Sequence[HistoryEvent], *, express: bool = False) -> None:
        self._notes: list[str] = []
        self._history = self._playable(history)
        self._recorded = Trace(self._history)
        self._threads: dict[Place, list[HistoryEvent]] = {}
        for event in self._history:
            if not _is_silent(event):
                self._threads.setdefault(self._place_of(self._recorded, event), []).append(event)
        self._matched: dict[Place, int] = {}
        self._done: set[int] = set()
        self._beyond: set[Place] = set()  # Branches of which nothing more was recorded.
        self._numbers: dict[Place, int] = {(): 0}
        self._places: dict[int, Place] = {0: ()}
        self._made = Trace()
        execution = _execution(self._history[0], express=express)
        other = msgspec.structs.replace(
            execution, arn=f"{execution.arn}-", name="again", started=execution.started + _AGAIN_LATER,
            machine_arn=f"{execution.machine_arn}-", machine_name="again",
        )  # fmt: skip
        self._now = _Side(definition, execution, timedelta(0), 1)
        self._again = _Side(definition, other, _AGAIN_LATER, 2)
        self._over = False

    def _playable(self, history: Sequence[HistoryEvent]) -> list[HistoryEvent]:
        redriven = next((event.id for event in history if event.type == "ExecutionRedriven"), None)
        if redriven is None:
            return list(history)
        self._notes.append(f"The execution was redriven (event {redriven}); what came before that is compared.")
        return [event for event in history if event.id < redriven]

    def play(self) -> Replay:
        """Hand over what was recorded, event by event."""
        difference = None
        try:
            self._fold(0, Started(), self._history[0].at)
            for event in self._history:
                if event.id not in self._done and not _is_silent(event):
                    self._hand_over(event)
        except Differs as differs:
            difference = differs.difference
        status = self._recorded.status
        if difference is None and status == "RUNNING":
            self._notes.append("The recorded execution has not ended; all that was recorded is the same.")
        return Replay(
            difference is None,
            len(self._done),
            sum(map(len, self._threads.values())),
            status,
            difference,
            tuple(self._notes),
        )

    def _place_of(self, trace: Trace, event: HistoryEvent) -> Place:
        return trace.of[event.id].place

    # From outside ----------------------------------------------------------------------------------------------------

    def _hand_over(self, event: HistoryEvent) -> None:
        """A recorded event that nothing so far led to: it came from outside, or the definition no longer leads to it."""
        place = self._place_of(self._recorded, event)
        number = self._numbers.get(place)
        frame = None if number is None else self._now.frames.get(number)
        if number is None or frame is None or place in self._beyond:
            if self._is_cut(place):
                return
            raise self._unlike(event, None)
        given = self._given(event, frame, place)
        if given is not None:
            self._fold(number, given, event.at)
        if event.id not in self._done:
            raise self._unlike(event, frame)

    def _is_cut(self, place: Place) -> bool:
        """Whether the branch was stopped before its end because another one failed, or because the execution ended."""
        branch = self._recorded.branches.get(place)
        if branch is None or branch.parent is None:
            return False
        return not self._succeeded(branch)

    def _succeeded(self, branch: Branch) -> bool:
        """Whether the run to which a branch belongs ended with success."""
        assert branch.parent is not None
        at, run, _index = branch.place[-1]
        if at >= len(branch.parent.visits):
            return False
        visit = branch.parent.visits[at]
        return visit.runs == run and any(event.type.endswith("StateSucceeded") for event in visit.events)

    def _given(self, event: HistoryEvent, frame: Frame, place: Place) -> Event | None:
        kind, awaiting = event.type, frame.awaiting
        if kind in ENDS:
            return self._end(event)
        if isinstance(awaiting, Retrying) and kind.endswith(("Scheduled", "StateStarted")):
            return TimerFired(frame.visit, "retry")
        if isinstance(awaiting, Waiting) and kind == "WaitStateExited":
            return TimerFired(frame.visit, "wait")
        if not isinstance(awaiting, Tasking):
            return None
        if kind == "MapRunSucceeded":
            return self._of_run(frame, place)
        return _answer(event, frame.visit, awaiting, self._asked_at(place))

    def _of_run(self, frame: Frame, place: Place) -> Event:
        """A distributed Map has its result, which is in no history: what its state made of it is taken as recorded."""
        chain = self._now.chain(frame.frame)
        state = machines_of(self._now.definition.machine, chain)[-1].states[frame.at]
        assert isinstance(state, Map), state
        found = recorded_flow(state, self._left(place))
        note = "The result of a distributed Map is in no history: what its state left behind is taken as recorded."
        if note not in self._notes:
            self._notes.append(note)
        if found is None:
            return TaskSucceeded(frame.visit, "[]")
        self._now.flow = self._again.flow = found[0]
        return TaskSucceeded(frame.visit, found[1])

    def _end(self, event: HistoryEvent) -> Event | None:
        more = event.more or {}
        if event.type == "ExecutionAborted":
            return Abort(_text(more.get("error")), _text(more.get("cause")))
        if event.type == "ExecutionTimedOut" and self._now.definition.timeout_s is not None:
            return TimerFired(0, "execution")
        return None

    def _left(self, place: Place) -> list[HistoryEvent]:
        return self._threads.get(place, [])[self._matched.get(place, 0) :]

    def _asked_at(self, place: Place) -> datetime:
        asked = [one.at for one in self._threads[place][: self._matched[place]] if one.type.endswith("Scheduled")]
        return asked[-1] if asked else self._history[0].at

    # Both runs -------------------------------------------------------------------------------------------------------

    def _fold(self, number: int, event: Event, at: datetime) -> None:
        """Fold an event and all that follows from it by itself."""
        waiting: list[tuple[int, Event, Event]] = [(number, event, event)]
        while waiting and not self._over:
            number, event, other = waiting.pop(0)
            if number not in self._now.frames or self._places[number] in self._beyond:
                continue
            left = self._left(self._places[number])
            now = max(at, left[0].at) if left and isinstance(event, Go) else at
            step = self._now.step(number, event, now)
            again = self._second(number, other, now, step)
            self._compare(step, again)
            answers = [pair for pair in map(self._obey, step.commands, again.commands) if pair is not None]
            ready: list[tuple[int, Event, Event]] = [
                (frame.frame, Go(), Go()) for frame in step.frames if frame.is_ready
            ]
            waiting = answers + waiting + ready

    def _second(self, number: int, event: Event, now: datetime, first: Step) -> Step:
        """The same step of the second run; where that goes another way, it follows the first."""
        step = self._again.step(number, event, now)
        if _form(step) == _form(first):
            return step
        self._again.frames = dict(self._now.frames)
        return first

    def _compare(self, step: Step, again: Step) -> None:
        texts: dict[str, str] = {}
        others: dict[str, str] = {}
        assigned: dict[str, str] = {}
        for event, other in zip(step.history, again.history, strict=True):
            branch = self._made.add(event)
            if _is_silent(event):
                continue
            recorded = self._next(branch.place, event)
            if recorded is None:
                self._beyond.add(branch.place)
                continue
            self._same(recorded, event, other, branch)
            if recorded.data is not None:
                for kept, one in ((texts, event), (others, other)):
                    if one.data is not None and one.data != recorded.data:
                        kept[one.data] = recorded.data
            variables = (recorded.more or {}).get("assignedVariables")
            if isinstance(variables, dict):
                assigned.update({name: str(text) for name, text in variables.items()})
        self._now.take(step, texts, assigned)
        self._again.take(again, others, assigned)
        for frame in step.frames:
            if frame.frame not in self._places:
                self._name(frame)

    def _name(self, frame: Frame) -> None:
        """The place of a frame that was just born: its parent stands at what bears it."""
        above = self._made.branches[self._places[frame.parent]]
        visit = above.visit
        assert visit is not None, frame
        index: int | str = frame.at if visit.type == "Parallel" else frame.branch
        place = (*above.place, (len(above.visits) - 1, visit.runs, index))
        self._places[frame.frame] = place
        self._numbers[place] = frame.frame

    def _next(self, place: Place, event: HistoryEvent) -> HistoryEvent | None:
        """What was recorded at this place; None where nothing more was, and that says nothing."""
        matched = self._matched.get(place, 0)
        thread = self._threads.get(place, [])
        if matched < len(thread):
            self._matched[place] = matched + 1
            return thread[matched]
        branch = self._recorded.branches.get(place)
        if place == () and self._recorded.status == "RUNNING":
            return None
        if branch is not None and branch.parent is not None and not self._succeeded(branch):
            return None
        if branch is None and self._recorded.status != "SUCCEEDED":
            return None
        raise Differs(self._more(place, event))

    def _obey(self, command: Any, other: Any) -> tuple[int, Event, Event] | None:
        match command:
            case StartTask(frame=number, visit=visit):
                if self._places[number] in self._beyond:
                    return None
                left = self._left(self._places[number])
                if left and not left[0].type.endswith(("Scheduled", "ScheduleFailed", "StartFailed")):
                    fault = TaskFailed(visit, *_fault(left[0]), state_fault=True)
                    return number, fault, fault
                return number, TaskBegan(command), TaskBegan(other)
            case Gather(frame=number):
                return number, self._gathered(self._now, number), self._gathered(self._again, number)
            case StopBranches(frame=number):
                return number, Stopped(tuple(self._now.below(number))), Stopped(tuple(self._again.below(number)))
            case End():
                self._over = True
        return None

    def _gathered(self, side: _Side, number: int) -> Gathered:
        below = sorted(side.below(number), key=lambda frame: frame.branch)
        return Gathered(tuple(frame.data.text for frame in below))

    # Comparing -------------------------------------------------------------------------------------------------------

    def _same(self, recorded: HistoryEvent, now: HistoryEvent, again: HistoryEvent, branch: Branch) -> None:
        """Two events at one place.

        Raises:
            Differs: they are not the same.
        """
        if _kind(recorded) != _kind(now) or recorded.name != now.name:
            raise Differs(self._event_differs(recorded, now, branch))
        checks: list[Callable[[], Difference | None]] = [
            lambda: self._facts(recorded, now, branch),
            lambda: self._data(recorded, now, again, branch),
            lambda: self._variables(recorded, now, again, branch),
        ]
        for check in checks:
            found = check()
            if found is not None:
                raise Differs(found)
        self._done.add(recorded.id)

    def _data(
        self, recorded: HistoryEvent, now: HistoryEvent, again: HistoryEvent, branch: Branch
    ) -> Difference | None:
        if recorded.data is None or recorded.type == "ExecutionStarted":
            return None
        found = first_unequal(parsed(recorded.data), parsed(now.data), parsed(again.data))
        if found is None:
            return None
        kind = next((kind for end, kind in _DATA.items() if recorded.type.endswith(end)), words.OUTPUT)
        what = kind.removeprefix("other ")
        where = f"the {what} of '{_state(branch, recorded)}' at {found.path}"
        sentence = f"{where} was {words.told(found.recorded)}, and is {words.told(found.now)} now"
        return self._difference(recorded, kind, found, sentence, branch)

    def _variables(
        self, recorded: HistoryEvent, now: HistoryEvent, again: HistoryEvent, branch: Branch
    ) -> Difference | None:
        was, does, other = (_assigned(event) for event in (recorded, now, again))
        found = first_unequal(was, does, other)
        if found is None:
            return None
        sentence = f"the variable at {found.path} was {words.told(found.recorded)}, and is {words.told(found.now)} now"
        return self._difference(recorded, words.VARIABLES, found, sentence, branch)

    def _facts(self, recorded: HistoryEvent, now: HistoryEvent, branch: Branch) -> Difference | None:
        was, does = recorded.more or {}, now.more or {}
        pairs = {name: (was.get(name), does.get(name)) for name in _FACTS}
        pairs["cause"] = (plain_cause(was.get("cause")), plain_cause(does.get("cause")))
        for name, (before, after) in pairs.items():
            if before != after:
                kind = words.OTHER_ERROR if name in {"error", "cause"} else words.OTHER
                sentence = f"the {name} was {words.told(before)}, and is {words.told(after)} now"
                return self._difference(recorded, kind, Unequal("", before, after), sentence, branch)
        return None

    # Telling ---------------------------------------------------------------------------------------------------------

    def _event_differs(self, recorded: HistoryEvent, now: HistoryEvent, branch: Branch) -> Difference:
        was, does = words.shape(recorded), words.shape(now)
        sentence = f"recorded: {was}; the changed definition: {does}"
        return self._difference(recorded, words.kind_of(recorded, now), Unequal("", was, does), sentence, branch)

    def _more(self, place: Place, now: HistoryEvent) -> Difference:
        """The changed definition goes on where the recorded execution had come to its end."""
        branch = self._made.branches[place]
        last = (self._threads.get(place) or [self._history[-1]])[-1]
        does = words.shape(now)
        sentence = f"recorded: nothing more here; the changed definition: {does}"
        return self._difference(last, words.NEXT_STATE, Unequal("", None, does), sentence, branch)

    def _unlike(self, event: HistoryEvent, frame: Frame | None) -> Differs:
        """A recorded event to which the changed definition does not lead."""
        was, branch = words.shape(event), self._recorded.of[event.id]
        does = "the execution is over" if self._over else _standing(frame)
        kind = words.NOT_AWAITED
        if frame is not None and isinstance(frame.awaiting, Retrying):
            kind, does = words.OTHER_ERROR, f"the state '{frame.at}' is tried again (Retry)"
        elif event.type.endswith("StateEntered"):
            kind = words.NEXT_STATE
        sentence = f"recorded: {was}; the changed definition: {does}"
        return Differs(self._difference(event, kind, Unequal("", was, does), sentence, branch))

    def _difference(
        self, event: HistoryEvent, kind: str, unequal: Unequal, sentence: str, branch: Branch
    ) -> Difference:
        name = f"Event {event.id} ({event.type})"
        state, within = _state(branch, event), tuple(branch.names)
        path, recorded, now = unequal
        sentence = f"{name}: {sentence}."
        return Difference(event.id, event.type, state, kind, recorded, now, sentence, path or None, within)


def _answer(event: HistoryEvent, visit: int, awaiting: Tasking, asked_at: datetime) -> Event | None:
    more = event.more or {}
    error, cause = _text(more.get("error")), _text(more.get("cause"))
    if event.type.endswith("TimedOut"):
        beats = awaiting.heartbeat_s is not None
        whole = awaiting.timeout_s is not None
        in_time = whole and (event.at - asked_at).total_seconds() < (awaiting.timeout_s or 0)
        return TimerFired(visit, "heartbeat" if beats and (in_time or not whole) else "timeout")
    if event.type.endswith("Failed"):
        return TaskFailed(visit, error, cause)
    if event.type == "TaskSubmitted":
        return TaskSubmitted(visit, event.data or "null")
    if event.type.endswith("Succeeded"):
        return TaskSucceeded(visit, event.data or "null")
    if event.type == "ActivityStarted":
        return ActivityStarted(visit)
    return None


def _execution(event: HistoryEvent, *, express: bool) -> Execution:
    role = (event.more or {}).get("roleArn")
    arn = "arn:aws:states:us-east-1:000000000000"
    return Execution(
        id=1, arn=f"{arn}:execution:replayed:replay", name="replay", role_arn=_text(role), started=event.at,
        input=Datum(event.data or "{}"), machine_arn=f"{arn}:stateMachine:replayed", machine_name="replayed",
        region="us-east-1", express=express,
    )  # fmt: skip


def _is_silent(event: HistoryEvent) -> bool:
    """Events that say nothing by themselves: that work began, that a branch was stopped with its siblings."""
    return event.type in _SILENT or (event.type.endswith("Aborted") and not event.type.startswith("Execution"))


def _kind(event: HistoryEvent) -> str:
    for end, plain in _ALIKE.items():
        if event.type.endswith(end):
            return event.type.removesuffix(end) + plain
    return event.type


def _form(step: Step) -> tuple[Any, ...]:
    """What two runs of a step must have in common to go side by side."""
    return (
        [(event.type, event.name) for event in step.history],
        [(frame.frame, frame.at) for frame in step.frames],
        [type(command) for command in step.commands],
    )


def _assigned(event: HistoryEvent) -> dict[str, Any]:
    variables = (event.more or {}).get("assignedVariables")
    return {name: parsed(str(text)) for name, text in variables.items()} if isinstance(variables, dict) else {}


def _fault(event: HistoryEvent) -> tuple[str | None, str | None]:
    more = event.more or {}
    return _text(more.get("error")) or "States.Runtime", _text(more.get("cause"))


def _standing(frame: Frame | None) -> str:
    if frame is None:
        return "there is no such branch"
    if frame.awaiting is None:
        return "this branch has ended"
    doing = {"Waiting": "waits", "Tasking": "waits for an answer", "Branching": "waits for its branches"}
    return f"'{frame.at}' {doing.get(type(frame.awaiting).__name__, 'stops its branches')}"


def _state(branch: Branch, event: HistoryEvent) -> str | None:
    if event.name is not None:
        return event.name
    return None if branch.visit is None else branch.visit.state


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
