"""The words of the interpreter: what an execution is, what comes in and what goes out (``definition`` has those of a definition).

A *frame* is a place where an execution stands: frame 0 is the execution itself, each branch of a Parallel and each iteration of a
Map is a frame of its own, whose parent stands at that state. Frames are values; siblings are never seen together: a
parent counts them.

All of it stands in one module because it is read as one page: nothing here decides anything.

Source: https://states-language.net/
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

import msgspec

from interstate.base.json import JSON
from interstate.core.asl.datum import Datum as Datum  # noqa: PLC0414 - the first word of this page
from interstate.core.asl.definition import Resource

DATA_SIZE_MAX: Final = 262_144
"""Input, output and result in UTF-8 bytes. Source: Step Functions quotas, "Maximum input or output size"."""
HISTORY_EVENTS_MAX: Final = 25_000
"""Events of a Standard execution; the last one is its failure. Source: Step Functions quotas."""
CONCURRENCY_MAX: Final = 40
"""Iterations of an inline Map that run at once. Source: Step Functions Developer Guide, Map state in Inline mode."""

# Executions -------------------------------------------------------------------------------------------------------


class Waiting(msgspec.Struct, frozen=True, tag="wait"):
    """A Wait stands still until its timer fires."""


class Retrying(msgspec.Struct, frozen=True, tag="retry"):
    """A state that failed is tried again when its timer fires; a Map by redriving ``run``, where one is named, once more."""

    run: str = ""
    redrives: int = 0


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
    role_arn: str | None  # None: a state that is tested without a role.
    started: datetime
    input: Datum
    machine_arn: str
    machine_name: str
    region: str
    express: bool = False
    redrive_count: int = 0
    redriven: datetime | None = None
    context: JSON | None = None  # What expressions see in place of the context object.
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None  # What its calls go on with.


class Frame(msgspec.Struct, frozen=True):
    """Where one branch of an execution stands.

    * ``at``: the state's name, "" when the frame has ended; ``data``: that state's input, or the frame's output;
    * ``awaiting``: what it waits for; None means that it can go on by itself;
    * ``visit``: counts what it ever waited for; timers and answers carry it, so that late ones are known as such;
    * ``previous``: the last event of its history; ``entered``: the event with which it entered its state, 0 before it did;
    * ``retries``: how often each Retrier of its state was used;
    * ``variables``: those that were assigned here; the states of inner frames read them too;
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
    variables: Mapping[str, Datum] = {}  # Never changed.

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
    attempt: int = 0  # How often the state was tried before.


class MapReading(msgspec.Struct, frozen=True):
    """An item reader with its fields evaluated; ``arguments`` are those of the S3 call."""

    action: str
    arguments: dict[str, str]
    input_type: str | None = None
    header_location: str | None = None
    headers: tuple[str, ...] = ()
    delimiter: str = "COMMA"
    max_items: int | None = None
    items_pointer: str | None = None
    manifest_type: str | None = None
    transformation: str = "NONE"


class MapBatching(msgspec.Struct, frozen=True):
    """An item batcher with its fields evaluated; ``batch_input`` is JSON text."""

    max_items: int | None = None
    max_bytes: int | None = None
    batch_input: str | None = None


class MapWriting(msgspec.Struct, frozen=True):
    """A result writer with its fields evaluated; without a ``bucket`` only the form is told."""

    bucket: str = ""
    prefix: str = ""
    transformation: str | None = None
    output_type: str | None = None


class MapRunSetup(msgspec.Struct, frozen=True):
    """All that a Map Run needs of its state: ``data``, ``context`` and ``variables`` are what its item selector, if it has one, sees, as JSON text."""

    arn: str
    label: str
    express: bool
    concurrency: int
    data: str
    context: str
    variables: dict[str, str]
    items: str | None = None  # The array or object that the state was given; None where they come from elsewhere.
    reading: MapReading | None = None
    batching: MapBatching | None = None
    writing: MapWriting | None = None
    tolerated_count: int | None = None
    tolerated_percentage: float | None = None
    given: int | None = None  # How many items the state was given, where they lie in a body of their own.


class StartMapRun(msgspec.Struct, frozen=True):
    """Run a distributed Map: answered by ``TaskSucceeded`` or ``TaskFailed`` of ``visit``."""

    frame: int
    visit: int
    state: str
    setup: MapRunSetup


class RedriveMapRun(msgspec.Struct, frozen=True):
    """Let a Map Run go on with what did not succeed: answered as ``StartMapRun`` is."""

    frame: int
    visit: int
    arn: str


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


Command = SetTimer | StartTask | StartMapRun | RedriveMapRun | Gather | StopBranches | End


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
