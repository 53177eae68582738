"""A driver for the interpreter without a store: one execution in memory, its timers and its open tasks."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from interstate.base.json import dumps, loads
from interstate.core.asl.history import shown
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.parse import parse
from interstate.core.asl.vocabulary import (
    Datum,
    End,
    Event,
    Execution,
    Frame,
    Gather,
    Gathered,
    Go,
    HistoryEvent,
    SetTimer,
    Started,
    StartTask,
    StopBranches,
    Stopped,
    TaskBegan,
    TaskFailed,
    TimerFired,
)

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ROLE = "arn:aws:iam::000000000000:role/r"
MACHINE_ARN = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
EXECUTION_ARN = "arn:aws:states:us-east-1:000000000000:execution:m:e"


def execution(given: Any = None, *, text: str | None = None, express: bool = False) -> Execution:
    return Execution(
        id=7,
        arn=EXECUTION_ARN,
        name="e",
        role_arn=ROLE,
        started=NOW,
        input=Datum(text if text is not None else dumps({} if given is None else given)),
        machine_arn=MACHINE_ARN,
        machine_name="m",
        region="us-east-1",
        express=express,
    )


@dataclass
class Run:
    """An execution that is driven by hand; ``start`` begins it and runs it to its first stop."""

    states: dict[str, Any] | str
    start_at: str = ""
    given: Any = None
    text: str | None = None
    express: bool = False
    budget: int = 200
    top: dict[str, Any] = field(default_factory=dict)
    now: datetime = NOW

    def __post_init__(self) -> None:
        if isinstance(self.states, str):
            source = self.states
        else:
            source = dumps({"StartAt": self.start_at or next(iter(self.states)), "States": self.states, **self.top})
        self.definition = parse(source, express=self.express)
        self.execution = execution(self.given, text=self.text, express=self.express)
        first = first_frame(self.definition, self.execution)
        self.frames: dict[int, Frame] = {0: first}
        self.timers: dict[tuple[int, str], SetTimer] = {}
        self.tasks: dict[int, StartTask] = {}
        self.history: list[HistoryEvent] = []
        self.end: End | None = None
        self.faults: list[TaskFailed] = []  # Instead of beginning the next tasks.
        self.steps = 0

    def start(self) -> "Run":
        self.send(Started())
        return self

    def chain(self, number: int) -> tuple[Frame, ...]:
        chain = [self.frames[number]]
        while chain[0].parent >= 0:
            chain.insert(0, self.frames[chain[0].parent])
        return tuple(chain)

    def send(self, event: Event, frame: int = 0) -> None:
        """Fold an event, and everything that follows from it by itself."""
        waiting: list[tuple[int, Event]] = [(frame, event)]
        while waiting and self.end is None:
            number, event = waiting.pop(0)
            if number not in self.frames:
                continue
            self.steps += 1
            step = advance(
                self.definition,
                self.execution,
                self.chain(number),
                event,
                now=self.now,
                seed=self.steps.to_bytes(16),
                budget=self.budget,
            )
            self.history += step.history
            for changed in step.frames:
                before = self.frames.get(changed.frame)
                self.frames[changed.frame] = changed
                if before is not None and (before.visit != changed.visit or changed.awaiting is None):
                    self._forget_waits(changed.frame)
            answers = [answer for command in step.commands for answer in self._obey(command)]
            ready: list[tuple[int, Event]] = [(changed.frame, Go()) for changed in step.frames if changed.is_ready]
            waiting = answers + waiting + ready

    def _forget_waits(self, number: int) -> None:
        self.timers = {key: timer for key, timer in self.timers.items() if key[0] != number or key[1] == "execution"}
        self.tasks.pop(number, None)

    def _obey(self, command: Any) -> list[tuple[int, Event]]:
        match command:
            case SetTimer(frame=frame, timer=timer):
                self.timers[frame, timer] = command
            case StartTask(frame=frame):
                self.tasks[frame] = command
                if self.faults:
                    return [(frame, self.faults.pop())]
                return [(frame, TaskBegan(command))]
            case Gather(frame=frame):
                below = sorted((f for f in self.frames.values() if f.parent == frame), key=lambda f: f.branch)
                for child in below:
                    del self.frames[child.frame]
                return [(frame, Gathered(tuple(child.data.text for child in below)))]
            case StopBranches(frame=frame):
                below = [f for f in sorted(self.frames.values(), key=lambda f: f.frame) if self._is_below(f, frame)]
                for child in below:
                    del self.frames[child.frame]
                    self._forget_waits(child.frame)
                return [(frame, Stopped(tuple(below)))]
            case End():
                self.end = command
                self.timers.clear()
                self.tasks.clear()
        return []

    def _is_below(self, frame: Frame, above: int) -> bool:
        while frame.parent >= 0:
            if frame.parent == above:
                return True
            frame = self.frames[frame.parent]
        return False

    def fire(self) -> SetTimer:
        """Let the next timer fire, at its time."""
        key, timer = min(self.timers.items(), key=lambda item: (item[1].at, item[0]))
        del self.timers[key]
        self.now = max(self.now, timer.at)
        self.send(TimerFired(timer.visit, timer.timer), timer.frame)
        return timer

    def wait(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    # What came of it ----------------------------------------------------------------------------------------------

    @property
    def output(self) -> Any:
        assert self.end is not None, "it still runs"
        assert self.end.status == "SUCCEEDED", self.end
        assert self.end.output is not None
        return loads(self.end.output.text)

    @property
    def failure(self) -> tuple[str | None, str | None]:
        assert self.end is not None, "it still runs"
        return self.end.error, self.end.cause

    @property
    def story(self) -> list[str]:
        """The history in short: ``5 <- 4 PassStateExited P``."""
        lines = []
        for event in self.history:
            index = "" if not event.more or "index" not in event.more else f" {event.more['index']}"
            name = "" if event.name is None else f" {event.name}"
            lines.append(f"{event.id} <- {event.previous} {event.type}{name}{index}")
        return lines

    @property
    def types(self) -> list[str]:
        return [event.type for event in self.history]

    @property
    def shown(self) -> list[dict[str, Any]]:
        return [shown(event) for event in self.history]
