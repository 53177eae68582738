"""State machines and their executions, as they survive; and the bodies of their due work.

A machine's definition lives in *revisions*, numbered by an integer: an execution names the revision with which it was
started, so that an update never changes what runs. An execution is keyed by an integer too; its ARN leads to it through
``EXECUTION_ARNS``. What an execution is doing is one row per active branch (``FRAMES``); what it did is ``HISTORY``:
one append-only chunk a step, in order of creation.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.core.asl.vocabulary import Awaiting, Stored
from interstate.store.tables import Scalar, Select, Table

STANDARD, EXPRESS = "STANDARD", "EXPRESS"
RUNNING = "RUNNING"

# Machines ---------------------------------------------------------------------------------------------------------


class StateMachine(msgspec.Struct, frozen=True):
    """A state machine as it is now. ``id`` is the number of its first revision and stays."""

    arn: str
    id: int
    scope: str  # account/region, for lists.
    name: str
    type: str
    status: str
    role_arn: str
    revision: int  # Its current revision.
    created: datetime
    next_version: int = 1
    logging: dict[str, Any] | None = None
    tracing: dict[str, Any] | None = None
    encryption: dict[str, Any] | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Revision(msgspec.Struct, frozen=True):
    """One definition of a machine with what was configured beside it; never changed."""

    id: int
    machine: str
    revision_id: str  # "" for the first: the API shows no revisionId for it.
    definition: str
    role_arn: str
    created: datetime
    logging: dict[str, Any] | None = None
    tracing: dict[str, Any] | None = None
    encryption: dict[str, Any] | None = None


class Version(msgspec.Struct, frozen=True):
    """A published version: a number for a revision."""

    arn: str
    machine: str
    number: int
    revision: int
    description: str
    created: datetime


class Alias(msgspec.Struct, frozen=True):
    """A name that routes to one version or two. ``routing`` is ``[{"stateMachineVersionArn": ..., "weight": 90}, ...]``."""

    arn: str
    machine: str
    name: str
    description: str | None
    routing: list[dict[str, Any]]
    created: datetime
    updated: datetime


class Activity(msgspec.Struct, frozen=True):
    """A task that workers elsewhere poll for."""

    arn: str
    scope: str
    name: str
    created: datetime
    encryption: dict[str, Any] | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class ActivityTask(msgspec.Struct, frozen=True):
    """A scheduled activity that no worker has taken yet; oldest first by ``id``."""

    id: int
    activity: str
    token: str
    input: str


# Executions -------------------------------------------------------------------------------------------------------


class Parent(msgspec.Struct, frozen=True):
    """The Task that waits for this execution; ``style`` is ".sync" or ".sync:2" (whose output is JSON, not text)."""

    execution: int
    frame: int
    visit: int
    style: str


class Restarted(msgspec.Struct, frozen=True):
    """The execution from which another was restarted: at which state, and at which of its events (0: it never got there)."""

    execution: str
    state: str
    event: int


class Execution(msgspec.Struct, frozen=True):
    """One execution; ``input`` and ``output`` are JSON text as given and made."""

    id: int
    arn: str
    machine: str  # The machine's ARN without qualifier.
    machine_id: int
    name: str
    type: str
    revision: int
    role_arn: str
    status: str
    started: datetime
    input: str
    stopped: datetime | None = None
    output: str | None = None
    error: str | None = None
    cause: str | None = None
    version_arn: str | None = None
    alias_arn: str | None = None
    trace_header: str | None = None
    parent: Parent | None = None
    redrive_count: int = 0
    redriven: datetime | None = None
    redrive_tokens: list[tuple[str, int]] = []  # The last client tokens that redrove it, and when (milliseconds).
    mock_case: str = ""  # The test case of the mock configuration under which it runs.
    restarted: Restarted | None = None
    input_at: int = 0  # Where ``input`` is long, it is "" and lies in this row of ``TEXTS``.


class Text(msgspec.Struct, frozen=True):
    """A long text of an execution: its input, the data of a frame, the value of a variable.

    A row of a table is read, and written again, as a whole; what is long lies beside the rows that each step touches, under a number
    that is never used again, and is read by the steps that need it.
    """

    id: int
    execution: int
    text: str


class MockCalls(msgspec.Struct, frozen=True):
    """How often an execution has asked the mocks of one of its states."""

    execution: int
    state: str
    calls: int


class MockConfiguration(msgspec.Struct, frozen=True):
    """The mock configuration file that the server was started with."""

    name: str
    text: str


class ExecutionArn(msgspec.Struct, frozen=True):
    """Leads from an execution's ARN to its number; the row also keeps a name from being used again."""

    arn: str
    execution: int


class FrameRow(msgspec.Struct, frozen=True):
    """A branch of an execution that has not ended, or whose output waits for its siblings; frame 0 is the execution.

    The fields are told at ``core.asl.vocabulary.Frame``. ``due`` has the due rows of its timers and tasks, by their names.
    """

    execution: int
    frame: int
    parent: int
    branch: int
    at: str
    data: str
    previous: int
    entered: int
    entered_at: datetime
    visit: int
    awaiting: Awaiting | None
    retries: list[int]
    events: int
    frames: int
    due: dict[str, int]
    variables: int = 0  # How many it has; they are rows of their own.
    data_at: int = 0  # Where ``data`` is long, it is "" and lies in this row of ``TEXTS``; it may be that of the execution's input.


class VariableRow(msgspec.Struct, frozen=True):
    """A variable of a frame, as JSON text. Where that is long, ``value`` is "", and the row of ``TEXTS`` and its bytes are told."""

    execution: int
    frame: int
    name: str
    value: str
    value_at: int = 0
    size: int = 0


class HistoryChunk(msgspec.Struct, frozen=True):
    """The history events ``first`` to ``last`` of an execution, as ``core.asl.history`` encodes them."""

    id: int
    execution: int
    first: int
    last: int
    body: bytes


# Due work ---------------------------------------------------------------------------------------------------------


class Delivery(msgspec.Struct, frozen=True, array_like=True):
    """An event for a frame."""

    frame: int
    event: Stored


class Deliveries(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events for an execution, in their order; body of the step "states.event".

    ``transitions`` are those that an Express execution made before without a wait, when it left this for itself.
    """

    execution: int
    events: list[Delivery]
    transitions: int = 0


class Place(msgspec.Struct, frozen=True):
    """The Task that waits for an answer from outside."""

    execution: int
    frame: int
    visit: int


class ApiCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Task's call of an operation that may wait, or that needs the outside itself; body of the effect "states.call".

    ``input`` is what the Task gave, as JSON text; the request is made of it when the call is performed.
    """

    place: Place
    resource: str
    input: str
    request_id: str
    execution_arn: str
    account: str
    region: str


class ApiAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an ``ApiCall`` came to: the Task's output as JSON text, or an error and its cause."""

    output: str = ""
    error: str = ""
    cause: str = ""


class HttpCall(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Task's HTTP request; body of the effect "states.http". ``form`` is "http" or "apigateway".

    ``connection`` names the EventBridge connection that authorizes it: secrets are added when it is sent, and never stored.
    """

    place: Place
    form: str
    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None
    key: str  # The same whenever the request is repeated.
    timeout_s: float
    connection: str = ""
    reveals: bool = False  # The answer tells what was sent, secrets included.
    submits: bool = False  # ``.waitForTaskToken``: the response only says that the request was taken.


class HttpAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an ``HttpCall`` came to: the response, or ``fault`` when there was none ("timeout", "socket", "authorization")."""

    status: int = 0
    reason: str = ""
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    fault: str = ""
    told: str = ""
    sent: tuple[str, list[tuple[str, str]], str] | None = None  # URL, headers, body.


class Sweep(msgspec.Struct, frozen=True):
    """Forget executions that ended long ago; body of the step "states.sweep", and its row: there is one for all."""

    name: str = "executions"


MACHINES = Table("states_machines", StateMachine, ("arn",), shared=True)
REVISIONS = Table("states_revisions", Revision, ("id",), shared=True)
VERSIONS = Table("states_versions", Version, ("arn",), shared=True)
ALIASES = Table("states_aliases", Alias, ("arn",), shared=True)
ACTIVITIES = Table("states_activities", Activity, ("arn",), shared=True)
ACTIVITY_TASKS = Table("states_activity_tasks", ActivityTask, ("id",))
EXECUTIONS = Table("states_executions", Execution, ("id",))
EXECUTION_ARNS = Table("states_execution_arns", ExecutionArn, ("arn",))
FRAMES = Table("states_frames", FrameRow, ("execution", "frame"))
VARIABLES = Table("states_variables", VariableRow, ("execution", "frame", "name"))
TEXTS = Table("states_texts", Text, ("id",))
HISTORY = Table("states_history", HistoryChunk, ("id",), appends=True)

MOCK_CONFIGURATION = Table("states_mock_configuration", MockConfiguration, ("name",), shared=True)
MOCK_CALLS = Table("states_mock_calls", MockCalls, ("execution", "state"))
SWEEPS = Table("states_sweeps", Sweep, ("name",), shared=True)

MOCK_CALLS_OF_EXECUTION = Select(MOCK_CALLS, "execution = :execution", "state")
MACHINES_OF_SCOPE = Select(MACHINES, "scope = :scope AND name > :after", "name")
REVISIONS_OF_MACHINE = Select(REVISIONS, "machine = :machine AND id > :after", "id")
VERSIONS_OF_MACHINE = Select(VERSIONS, "machine = :machine AND number < :below", "number DESC")
ALIASES_OF_MACHINE = Select(ALIASES, "machine = :machine AND name > :after", "name")
ACTIVITIES_OF_SCOPE = Select(ACTIVITIES, "scope = :scope AND name > :after", "name")
TASKS_OF_ACTIVITY = Select(ACTIVITY_TASKS, "activity = :activity", "id", claims=True)
EXECUTIONS_OF_MACHINE = Select(EXECUTIONS, "machine_id = :machine_id AND id < :below", "id DESC")
EXECUTIONS_WITH_STATUS = Select(EXECUTIONS, "machine_id = :machine_id AND status = :status AND id < :below", "id DESC")
EXECUTIONS_ENDED = Select(EXECUTIONS, "type = :type AND stopped < :before", "stopped")
FRAMES_OF_EXECUTION = Select(FRAMES, "execution = :execution AND frame > :after", "frame")
CHILDREN_OF_FRAME = Select(FRAMES, "execution = :execution AND parent = :parent AND frame > :after", "frame")
VARIABLES_OF_FRAME = Select(VARIABLES, "execution = :execution AND frame = :frame AND name > :after", "name")
HISTORY_FROM = Select(HISTORY, "execution = :execution AND last >= :first", "last")
HISTORY_BACK_FROM = Select(HISTORY, "execution = :execution AND last <= :last", "last DESC")
MACHINES_COUNT = Scalar("SELECT COUNT(*) FROM states_machines WHERE scope = :scope", (MACHINES,))
ACTIVITIES_COUNT = Scalar("SELECT COUNT(*) FROM states_activities WHERE scope = :scope", (ACTIVITIES,))
VERSIONS_COUNT = Scalar("SELECT COUNT(*) FROM states_versions WHERE machine = :machine", (VERSIONS,))
ALIASES_COUNT = Scalar("SELECT COUNT(*) FROM states_aliases WHERE machine = :machine", (ALIASES,))
RUNNING_OF_MACHINE = Scalar(
    "SELECT COUNT(*) FROM states_executions WHERE machine_id = :machine_id AND status = 'RUNNING'", (EXECUTIONS,)
)
