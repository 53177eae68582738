"""Events into executions: load the frames, fold, save; one commit takes the event, the new state and the new work.

Theory of operation
-------------------
An event for an execution is a due row "states.event". Its step loads the frame with its ancestors, folds the event, obeys the
commands, and goes on as long as some frame can go on by itself, up to the bounds of a *slice*: 200 transitions, 1 MiB of
history, or the batch's 5 ms. What is left is a due row like any other, so an endless loop shares the store with everybody and can be stopped
between any two slices. When the slice ends, frames that changed are written, and its history as one chunk.

Timers and tasks are due rows; their events bring the visit that they are meant for, so a row that could not be taken back does no
harm. Nothing folds into an execution while a slice has it in hand: whatever a Task's call does to the same execution
becomes a due row (an answered token) or makes the slice let go of it (a stop).
"""

from collections import deque
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from interstate.core.asl.definition import Definition
from interstate.core.asl.history import encode
from interstate.core.asl.machine import EXPRESS_S_MAX, advance, first_frame
from interstate.core.asl.vocabulary import (
    Abort,
    Command,
    End,
    Event,
    Frame,
    Gather,
    Gathered,
    Go,
    HistoryEvent,
    RedriveMapRun,
    SetTimer,
    Started,
    StartMapRun,
    StartTask,
    Step,
    StopBranches,
    Stopped,
    Stored,
    TaskBegan,
    TimerFired,
)
from interstate.services.operation import Step as DueStep
from interstate.services.states import ending, execution_logs, retention, tasks
from interstate.services.states.beginning import begin
from interstate.services.states.compiled import definition_of, facts_of
from interstate.services.states.distributed import begin as map_runs
from interstate.services.states.distributed import redrives, runs
from interstate.services.states.frames import PAGE as VARIABLES_PAGE
from interstate.services.states.frames import Frames
from interstate.services.states.redriven import redrive
from interstate.store.ports import Look, Work
from interstate.store.records.lambda_ import TaskAnswer
from interstate.store.records.map_runs import GoOn
from interstate.store.records.states import (
    EXECUTIONS,
    EXPRESS,
    FRAMES,
    HISTORY,
    RUNNING,
    VARIABLES_OF_FRAME,
    Deliveries,
    Delivery,
    Execution,
    HistoryChunk,
    Sweep,
)
from interstate.store.tables import Key

SLICE_TRANSITIONS_MAX = 200
SLICE_HISTORY_BYTES_MAX = 1 << 20
"""The bounds of a slice (design, law 7); the third, 5 ms, is the batch's (``Work.is_late``)."""
EXPRESS_RUN_MAX = 50_000
"""Transitions of an Express execution before it must wait for the clock; AWS hardly makes more in the five minutes of one.

Business time stands still while anything is under way, so an endless loop that never waits would stop it for all, and never
reach its own five minutes."""
_EXPRESS_GOES_ON_AT = EXPRESS_RUN_MAX // 2
_EXPRESS_WAIT_MIN = timedelta(seconds=1)
DELIVERIES_MAX = 200
"""Events in one due row: a slice never writes again what thousands of branches wait for."""
FOLD_TRANSITIONS_MAX = 50
"""Transitions of one fold: how often a slice looks at its bounds."""


def start(execution: Execution, work: Work, *, at_once: bool = False) -> None:
    """Take a new execution, which nobody has put yet; its first slice is due at once.

    With ``at_once`` that slice runs before this returns, for a caller who waits for the end: an execution that needs nothing from
    outside is over then, and leaves no due row. (A Task must not start its child so: it would run inside the parent's slice.)
    """
    began = begin(execution, work)
    if at_once:
        handle(began, work)
    else:
        work.later("states.event", began)


def stop(execution: Execution, error: str | None, cause: str | None, work: Work) -> None:
    """End an execution as ABORTED, in this transaction; nothing happens to one that has ended."""
    handle(Deliveries(execution.id, [Delivery(0, Abort(error, cause))]), work)


def handle(body: Deliveries, work: Work) -> None:
    """Fold events into an execution, and run it to its next stop or the end of a slice. The step "states.event"."""
    execution = work.get(EXECUTIONS, body.execution)
    if execution is None or execution.status != RUNNING:
        return
    in_hand = InHand(execution, definition_of(execution, work), work, before=body.transitions)
    events: list[tuple[int, Event]] = [(delivery.frame, delivery.event) for delivery in body.events]
    if isinstance(body.events[0].event, Abort) and in_hand.frames.get(0) is None:  # Stopped before its first slice.
        events.insert(0, (0, Started()))
        in_hand.begins = True
    if len(body.events) > 1:
        in_hand.frames.load(delivery.frame for delivery in body.events)
    in_hand.run(events)


def keys_of(body: Deliveries) -> list[Key | Look]:
    """What a slice reads first: the execution, the frames that events are for, and frame 0, which nearly all are below."""
    execution = body.execution
    frames = {0, *(delivery.frame for delivery in body.events)}
    variables = Look(VARIABLES_OF_FRAME, {"execution": execution, "frame": 0, "after": ""}, VARIABLES_PAGE)
    return [Key(EXECUTIONS, (execution,)), *(Key(FRAMES, (execution, frame)) for frame in frames), variables]


class InHand:
    """An execution during one slice."""

    def __init__(self, execution: Execution, definition: Definition, work: Work, *, before: int = 0) -> None:
        self.row = execution
        self.definition = definition
        self.facts = facts_of(execution, work)
        self.work = work
        self.frames = Frames(self.facts, work, input_at=execution.input_at)
        self.before = before
        self.transitions = 0
        self.bytes = 0
        self.history: list[HistoryEvent] = []
        self.over = False
        self.begins = False  # It only begins, so that it can be stopped: no state is entered.

    def run(self, events: Iterable[tuple[int, Event]]) -> None:
        """Fold the events and all that follows from them by itself, within the bounds of a slice."""
        waiting = deque(events)
        while waiting and not self.over:
            number, event = waiting.popleft()
            if isinstance(event, Go) and self._is_spent:
                waiting.appendleft((number, event))
                break
            step = self._fold(number, event)
            if step is not None:
                waiting.extendleft(reversed(self._obey(step.commands)))
                waiting.extend((frame.frame, Go()) for frame in step.frames if frame.is_ready)
        if not self.over:
            self.write()
            if waiting:
                self._postpone(waiting)

    @property
    def _is_spent(self) -> bool:
        if self.transitions == 0:  # Whatever the hour is, a slice moves on.
            return False
        return self.transitions >= SLICE_TRANSITIONS_MAX or self.bytes >= SLICE_HISTORY_BYTES_MAX or self.work.is_late

    def _fold(self, number: int, event: Event) -> Step | None:
        chain = self._chain(number, event)
        if chain is None:
            return None
        if isinstance(event, TimerFired):
            self.frames.fired(number, event.timer)
        step = advance(
            self.definition,
            self.facts,
            chain,
            event,
            now=self.work.now,
            seed=self.work.entropy.bytes(16),
            budget=self._budget(chain),
        )
        self.transitions += step.transitions
        self.history += step.history
        self.bytes += sum(len(happened.data) for happened in step.history if happened.data is not None)
        for frame in step.frames:
            self.frames.put(frame)
        return step

    def _budget(self, chain: tuple[Frame, ...]) -> int:
        """Transitions for one fold: fewer where data are long, so that the bound on bytes is seen in time."""
        left = min(SLICE_TRANSITIONS_MAX - self.transitions, FOLD_TRANSITIONS_MAX)
        if self.begins:
            return 0
        long = len(chain[-1].data.text)
        return max(1, min(left, (SLICE_HISTORY_BYTES_MAX - self.bytes) // (2 * long + 1)))

    def _chain(self, number: int, event: Event) -> tuple[Frame, ...] | None:
        if isinstance(event, Started):
            if self.row.redrive_count:  # It was stopped before its first slice, and set in motion again since.
                return None
            return (first_frame(self.definition, self.facts),)
        return self.frames.chain(number)

    # Commands ------------------------------------------------------------------------------------------------------

    def _obey(self, commands: Iterable[Command]) -> list[tuple[int, Event]]:
        """Do what the interpreter asks for; gives the answers that come at once."""
        answers: list[tuple[int, Event]] = []
        for command in commands:
            match command:
                case SetTimer():
                    self.frames.set_timer(command)
                case StartTask():
                    answers += self._start_task(command)
                case StartMapRun():
                    self.frames.set_map_run(command.frame, map_runs.begin(command, self.row, self.work))
                case RedriveMapRun():
                    self.frames.set_map_run(command.frame, redrives.begin_again(command, self.work))
                case Gather(frame=number):
                    frame = self._frame(number)
                    answers.append((number, Gathered(self.frames.take_outputs(frame, _total(frame)))))
                case StopBranches(frame=number):
                    answers.append((number, Stopped(self.frames.take_below(number))))
                case End():
                    self._end(command)
            if self.over:
                return []
        return answers

    def _frame(self, number: int) -> Frame:
        frame = self.frames.get(number)
        assert frame is not None, number
        return frame

    def _start_task(self, command: StartTask) -> list[tuple[int, Event]]:
        if tasks.may_look_at_executions(command):
            self.write()
        begun = tasks.start(command, self.facts, self.work)
        if begun.child is not None:
            self.frames.set_child(command.frame, begun.child)
        now = self.work.get(EXECUTIONS, self.row.id)
        assert now is not None, self.row
        if now.status != RUNNING:  # It stopped itself.
            self.over = True
        self.row = now
        return [(command.frame, answer) for answer in begun.events]

    def _end(self, end: End) -> None:
        if end.status != "SUCCEEDED":
            self.frames.take_below(0)
        if end.status in {"ABORTED", "TIMED_OUT"}:
            self.frames.stop_left_child()
        self.frames.remove(0)
        self.write()
        ending.end(self.row, end, self.work)
        self.over = True

    # Saving ---------------------------------------------------------------------------------------------------------

    def write(self) -> None:
        """Write the frames that changed and the history since the last write."""
        self.frames.write()
        if self.row.type != EXPRESS:  # An Express execution leaves no history behind.
            for chunk in encode(self.history):
                number = self.work.next_id(HISTORY)
                self.work.put(HISTORY, HistoryChunk(number, self.row.id, chunk.first, chunk.last, chunk.body))
        execution_logs.log(self.row, self.history, self.work)
        if self.history:
            self.work.wake(f"history:{self.row.arn}")
        self.history.clear()

    def _postpone(self, waiting: Iterable[tuple[int, Event]]) -> None:
        left = [Delivery(number, _stored(event)) for number, event in waiting]
        made = self.before + self.transitions if self.row.type == EXPRESS else 0
        if made < EXPRESS_RUN_MAX:
            for at in range(0, len(left), DELIVERIES_MAX):
                part = Deliveries(self.row.id, left[at : at + DELIVERIES_MAX], made)
                self.work.later("states.event", part, yields=True)
            return
        now, ends = self.work.now, self.row.started + timedelta(seconds=EXPRESS_S_MAX)
        when = min(now + max(_EXPRESS_WAIT_MIN, now - self.row.started), max(now, ends))
        self.work.later("states.event", Deliveries(self.row.id, left, _EXPRESS_GOES_ON_AT), at=when)


def go_on(body: GoOn, work: Work) -> None:
    """Let a Map Run start children, or end. The step "states.map_run"."""
    runs.go_on(body, work, start=start, stop=stop, redrive=redrive)


def _stored(event: Event) -> Stored:
    assert not isinstance(event, Gathered | Stopped | TaskBegan), event  # They are folded as soon as they are made.
    return event


def _total(frame: Frame) -> int:
    total = getattr(frame.awaiting, "total", None)
    assert isinstance(total, int), frame
    return total


STEPS: tuple[DueStep[Any], ...] = (
    DueStep("states.event", Deliveries, handle, keys_of),
    DueStep("states.task_answer", TaskAnswer, tasks.answer_of_function),
    DueStep("states.map_run", GoOn, go_on),
    DueStep("states.map_forget", GoOn, runs.forget_results, pulls=False),
    DueStep("states.sweep", Sweep, retention.sweep, pulls=False),
)
"""The due work of executions."""
