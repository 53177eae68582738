"""The words of the interpreter: what a definition says, what an execution is, what comes in and what goes out.

A *frame* is a place where an execution stands: frame 0 is the execution itself, each branch of a Parallel and each iteration of a
Map is a frame of its own, whose parent stands at that state. Frames are values; siblings are never seen together: a
parent counts them.

All of it stands in one module, longer than others, because it is read as one page: nothing here decides anything.

Source: https://states-language.net/
"""

import json
from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Final, Literal

import msgspec

from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.core.asl.choice import Rule
from interstate.core.asl.dataflow import DataFlow, Put, Template
from interstate.core.asl.errors import RUNTIME, StateFailed
from interstate.core.jsonpath.path import Path

DATA_SIZE_MAX: Final = 262_144
"""Input, output and result in UTF-8 bytes. Source: Step Functions quotas, "Maximum input or output size"."""
HISTORY_EVENTS_MAX: Final = 25_000
"""Events of a Standard execution; the last one is its failure. Source: Step Functions quotas."""
CONCURRENCY_MAX: Final = 40
"""Iterations of an inline Map that run at once. Source: Step Functions Developer Guide, Map state in Inline mode."""


class Datum:
    """A JSON value and its text; each is made from the other when it is first asked for.

    A text that came in is kept as it came: a state that changes nothing hands on its very characters.
    """

    __slots__ = ("_text", "_value")

    def __init__(self, text: str | None = None, value: JSON | Enum = None) -> None:
        self._text = text
        self._value = value if text is None else _UNREAD

    @property
    def text(self) -> str:
        """The value as JSON text.

        Raises:
            StateFailed: the value is nested too deeply.
        """
        if self._text is None:
            try:
                self._text = dumps(self._value)  # type: ignore[arg-type]  # unread only while there is a text
            except TypeError:  # The fast writer stops at 254 levels; what was read may have a thousand.
                self._text = _written_slowly(self._value)
        return self._text

    @property
    def value(self) -> JSON:
        """The value; never to be changed.

        Raises:
            StateFailed: the text, put together from others, is nested too deeply.
        """
        if self._value is _UNREAD:
            assert self._text is not None
            try:
                self._value = loads(self._text)
            except BrokenJSON:
                raise StateFailed(RUNTIME, _TOO_DEEP) from None
        return self._value  # type: ignore[return-value]  # read above

    def exceeds(self, size_max: int) -> bool:
        """Whether the text is longer than ``size_max`` bytes of UTF-8."""
        text = self.text
        if len(text) * 4 <= size_max:  # No character takes more than four bytes.
            return False
        return len(text) > size_max or (not text.isascii() and len(text.encode()) > size_max)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Datum) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Datum({self.text!r})"


_TOO_DEEP = "The data is nested too deeply."


def _written_slowly(value: JSON | Enum) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    except RecursionError:
        raise StateFailed(RUNTIME, _TOO_DEEP) from None


class _Unread(Enum):
    """Marks a datum whose text was not read yet."""

    UNREAD = 0


_UNREAD = _Unread.UNREAD


# Definition -------------------------------------------------------------------------------------------------------


class Retrier(msgspec.Struct, frozen=True):
    """One element of ``Retry``."""

    error_equals: tuple[str, ...]
    interval_s: int = 1
    attempts_max: int = 3
    backoff_rate: float = 2.0
    delay_s_max: int | None = None
    jitter: Literal["NONE", "FULL"] = "NONE"


class Catcher(msgspec.Struct, frozen=True):
    """One element of ``Catch``."""

    error_equals: tuple[str, ...]
    next: str
    result_path: Put | None = None


class Resource(msgspec.Struct, frozen=True):
    """What a Task calls.

    ``kind`` is "lambda" for a function's ARN, "activity", or "service" for ``arn:aws:states:::TYPE:ACTION[.PATTERN]``; a
    service's ``type`` and ``action`` are the history's resourceType and resource without the pattern.
    """

    arn: str
    kind: Literal["lambda", "activity", "service"]
    type: str = ""
    action: str = ""
    pattern: Literal["", ".sync", ".sync:2", ".waitForTaskToken"] = ""

    @property
    def name(self) -> str:
        """The action with its pattern, as the history shows it."""
        return self.action + self.pattern


class Pass(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    result: Datum | None = None


class Task(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    resource: Resource
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()
    timeout: int | Path | None = None
    heartbeat: int | Path | None = None
    credentials: Template | None = None


class Choice(msgspec.Struct, frozen=True):
    name: str
    flow: DataFlow
    choices: tuple[tuple[Rule, str], ...]
    default: str | None


class Seconds(msgspec.Struct, frozen=True):
    """A Wait's ``Seconds``."""

    seconds: int


class Timestamp(msgspec.Struct, frozen=True):
    """A Wait's ``Timestamp``."""

    at: datetime


class SecondsPath(msgspec.Struct, frozen=True):
    """A Wait's ``SecondsPath``."""

    path: Path


class TimestampPath(msgspec.Struct, frozen=True):
    """A Wait's ``TimestampPath``."""

    path: Path


class Wait(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    until: Seconds | Timestamp | SecondsPath | TimestampPath


class Succeed(msgspec.Struct, frozen=True):
    name: str
    flow: DataFlow


class Fail(msgspec.Struct, frozen=True):
    name: str
    error: str | Template | None = None  # A template comes from ErrorPath.
    cause: str | Template | None = None


class Parallel(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow
    branches: tuple["Machine", ...]
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


class Map(msgspec.Struct, frozen=True):
    name: str
    next: str | None
    flow: DataFlow  # Its ``parameters`` are the item selector, which sees one item at a time.
    processor: "Machine"
    items_path: Path | None = None  # None: the input itself.
    concurrency: int | Path = 0
    retry: tuple[Retrier, ...] = ()
    catch: tuple[Catcher, ...] = ()


State = Pass | Task | Choice | Wait | Succeed | Fail | Parallel | Map


class Machine(msgspec.Struct, frozen=True):
    """States and where to start: a whole definition, a branch of a Parallel, the processor of a Map."""

    start_at: str
    states: Mapping[str, State]


class Definition(msgspec.Struct, frozen=True):
    """A state machine, read and compiled."""

    machine: Machine
    timeout_s: int | None = None
    comment: str = ""


# Executions -------------------------------------------------------------------------------------------------------


class Waiting(msgspec.Struct, frozen=True, tag="wait"):
    """A Wait stands still until its timer fires."""


class Retrying(msgspec.Struct, frozen=True, tag="retry"):
    """A state that failed is tried again when its timer fires."""


class Tasking(msgspec.Struct, frozen=True, tag="task"):
    """A Task waits for its answer; ``token`` is what SendTaskSuccess must bring, "" where nobody was given one."""

    token: str = ""
    heartbeat_s: int | None = None
    timeout_s: int | None = None


class Branching(msgspec.Struct, frozen=True, tag="branches"):
    """A Parallel or a Map counts its branches: so many in all, started, ended with success."""

    total: int
    started: int
    ended: int = 0


class Stopping(msgspec.Struct, frozen=True, tag="stopping"):
    """A branch has failed; its siblings are being stopped."""

    frame: int
    error: str | None
    cause: str | None


Awaiting = Waiting | Retrying | Tasking | Branching | Stopping


class Execution(msgspec.Struct, frozen=True):
    """What stays the same while an execution runs; most of the context object."""

    id: int
    arn: str
    name: str
    role_arn: str
    started: datetime
    input: Datum
    machine_arn: str
    machine_name: str
    region: str
    express: bool = False
    version_arn: str | None = None
    alias_arn: str | None = None


class Frame(msgspec.Struct, frozen=True):
    """Where one branch of an execution stands.

    * ``at``: the state's name, "" when the frame has ended; ``data``: that state's input, or the frame's output;
    * ``awaiting``: what it waits for; None means that it can go on by itself;
    * ``visit``: counts what it ever waited for; timers and answers carry it, so that late ones are known as such;
    * ``previous``: the last event of its history; ``entered``: the event with which it entered its state, 0 before it did;
    * ``retries``: how often each Retrier of its state was used;
    * ``events`` and ``frames`` count the execution's history events and frames, in frame 0 only.
    """

    frame: int
    parent: int
    branch: int
    at: str
    data: Datum
    previous: int
    entered: int
    entered_at: datetime
    visit: int = 0
    awaiting: Awaiting | None = None
    retries: tuple[int, ...] = ()
    events: int = 0
    frames: int = 1

    @property
    def is_ready(self) -> bool:
        """It can go on by itself."""
        return self.awaiting is None and self.at != ""


# Events in --------------------------------------------------------------------------------------------------------

Timer = Literal["wait", "retry", "timeout", "heartbeat", "execution"]


class Started(msgspec.Struct, frozen=True, tag="started"):
    """The execution begins."""


class Go(msgspec.Struct, frozen=True, tag="go"):
    """A frame that is ready goes on."""


class TimerFired(msgspec.Struct, frozen=True, tag="timer"):
    """A timer of the frame's visit has fired; ``execution`` timers belong to no visit."""

    visit: int
    timer: Timer


class TaskBegan(msgspec.Struct, frozen=True, tag="began"):
    """A Task's work was taken on: it is scheduled and, but for an activity, started; the first answer to ``StartTask``."""

    command: "StartTask"

    @property
    def visit(self) -> int:
        """The visit that asked."""
        return self.command.visit


class TaskSubmitted(msgspec.Struct, frozen=True, tag="submitted"):
    """A service accepted the request of a ``.sync`` or ``.waitForTaskToken`` Task; its answer comes later."""

    visit: int
    output: str


class TaskSucceeded(msgspec.Struct, frozen=True, tag="succeeded"):
    """A Task's answer; ``output`` is JSON text."""

    visit: int
    output: str


class TaskFailed(msgspec.Struct, frozen=True, tag="failed"):
    """A Task failed. ``state_fault``: the state is at fault, nothing was started, and the history does not show a Task."""

    visit: int
    error: str | None = None
    cause: str | None = None
    state_fault: bool = False


class Heartbeat(msgspec.Struct, frozen=True, tag="heartbeat"):
    """A Task is alive."""

    visit: int


class ActivityStarted(msgspec.Struct, frozen=True, tag="activity"):
    """A worker has taken an activity's task."""

    visit: int
    worker: str | None = None


class Gathered(msgspec.Struct, frozen=True, tag="gathered"):
    """The outputs of all branches, in their order; the answer to ``Gather``."""

    outputs: tuple[str, ...]


class Stopped(msgspec.Struct, frozen=True, tag="stopped"):
    """The frames that stood below when a branch failed, by number; the answer to ``StopBranches``."""

    frames: tuple[Frame, ...]


class Abort(msgspec.Struct, frozen=True, tag="abort"):
    """StopExecution."""

    error: str | None = None
    cause: str | None = None


Event = (
    Started
    | Go
    | TimerFired
    | TaskBegan
    | TaskSubmitted
    | TaskSucceeded
    | TaskFailed
    | Heartbeat
    | ActivityStarted
    | Gathered
    | Stopped
    | Abort
)


Stored = Started | Go | TimerFired | TaskSubmitted | TaskSucceeded | TaskFailed | Heartbeat | ActivityStarted | Abort
"""The events that can wait in a store; the others are answers that follow their command at once."""


# Commands out -----------------------------------------------------------------------------------------------------


class SetTimer(msgspec.Struct, frozen=True):
    """Fire ``timer`` of ``visit`` at ``at``; a timer of the same name is replaced. Timers of earlier visits are void."""

    frame: int
    visit: int
    timer: Timer
    at: datetime


class StartTask(msgspec.Struct, frozen=True):
    """Carry out a Task: answer with ``TaskBegan`` at once, unless the state is at fault, and then with an event of ``visit``.

    ``input`` is what the resource is given. ``request_id`` stays the same when the command is repeated after a crash, and is
    another one for each Retry.
    """

    frame: int
    visit: int
    state: str
    resource: Resource
    input: Datum
    token: str
    request_id: str
    heartbeat_s: int | None = None
    timeout_s: int | None = None
    role_arn: str | None = None


class Gather(msgspec.Struct, frozen=True):
    """Bring the outputs of the frame's branches (``Gathered``) and forget those."""

    frame: int


class StopBranches(msgspec.Struct, frozen=True):
    """Stop everything below the frame, forget it, and tell what stood there (``Stopped``)."""

    frame: int


class End(msgspec.Struct, frozen=True):
    """The execution is over; all that is below frame 0 stops."""

    status: Literal["SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED"]
    output: Datum | None = None
    error: str | None = None
    cause: str | None = None


Command = SetTimer | StartTask | Gather | StopBranches | End


class HistoryEvent(msgspec.Struct, frozen=True, array_like=True):
    """One event of the history; ``name`` is the state's or the iteration's, ``data`` its input or output as text.

    ``more`` has what else the event's details hold, under AWS's names.
    """

    id: int
    previous: int
    type: str
    at: datetime
    name: str | None = None
    data: str | None = None
    more: Mapping[str, JSON] | None = None


class Step(msgspec.Struct, frozen=True):
    """What one event does: frames that changed or are new, what is to be done, what the history says."""

    frames: tuple[Frame, ...] = ()
    commands: tuple[Command, ...] = ()
    history: tuple[HistoryEvent, ...] = ()
    transitions: int = 0
