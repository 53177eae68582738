"""Functions and all that hangs on them, as they survive; and the bodies of their due work.

``Invocation`` is the body of the effect "lambda.invoke": whoever wants a function called leaves one with
``work.later("lambda.invoke", Invocation(...))`` and gets the answer at its ``origin``:

* ``None``: a caller waits on the connection (``Perform``), nothing else happens;
* "states.task": a due step "states.task_answer" with a ``TaskAnswer``;
* "lambda.async": Lambda's asynchronous queue: retries, dead letters, destinations;
* "lambda.mapping": an event source mapping deletes the messages that were handled;
* "lambda.stream": an event source mapping goes on in its stream, or tries again.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.core.functions.scaling import Pace
from interstate.store.tables import Scalar, Select, Table

LATEST = "$LATEST"

# Due work ---------------------------------------------------------------------------------------------------------


class Invocation(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call of a function: ``function`` is its ARN without qualifier, ``payload`` JSON text.

    ``request_id`` is what makes a repetition recognizable: it is the same after a crash and for the retries of the
    asynchronous queue, and new for each Retry of a state. The qualifier (a version, an alias, ``$LATEST`` by default)
    is resolved when the call is carried out.
    """

    request_id: str
    function: str
    payload: str = "{}"
    qualifier: str | None = None
    origin: str | None = None
    origin_data: dict[str, Any] = msgspec.field(default_factory=dict)
    client_context: str | None = None  # JSON text, decoded from the header's base64.
    trace: str | None = None  # The X-Amzn-Trace-Id header.
    tail: bool = False  # LogType Tail: the answer carries the last 4 KiB of the log.
    attempt: int = 1  # Counted by the asynchronous queue.
    accepted: datetime | None = None  # When the asynchronous queue took it; its age counts from here.


class LogLine(msgspec.Struct, frozen=True, array_like=True):
    """One event of a function's log."""

    at: datetime
    message: str


class InvocationResult(msgspec.Struct, frozen=True, omit_defaults=True):
    """How a call ended.

    ``function_error`` is None, or "Unhandled": then ``payload`` is AWS's error document ({"errorMessage": ...,
    "errorType": ..., "stackTrace": [...]}). ``refused`` names a Lambda API error (TooManyRequestsException,
    ResourceNotFoundException): the function was not called, and ``payload`` is the message in plain text.
    """

    payload: str
    function_error: str | None = None
    refused: str | None = None
    executed_version: str = LATEST
    log: list[LogLine] = msgspec.field(default_factory=list)
    log_stream: str = ""
    log_tail: str = ""
    duration_ms: float = 0.0
    billed_ms: int = 0
    init_ms: float | None = None
    memory_max_mb: int = 0
    concurrent: int = 0  # Calls of the function that ran when it began, itself too.
    reason: str = ""  # Of a throttle: which limit was reached.
    streamed: bytes | None = None  # What a streaming handler wrote; ``payload`` is that as text.

    @property
    def ok(self) -> bool:
        """The handler returned."""
        return self.function_error is None and self.refused is None


class TaskAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A Task's function has answered; body of the step "states.task_answer".

    ``ok``: ``payload`` is the function's answer as JSON text. Otherwise ``error`` is what Catch compares with (the
    exception's name, "Lambda.TooManyRequestsException", "Sandbox.Timedout"), and ``cause`` the error document as text.
    """

    origin_data: dict[str, Any]
    request_id: str
    ok: bool
    payload: str = "null"
    executed_version: str = LATEST
    error: str = ""
    cause: str = ""
    log_tail: str = ""  # When the invocation asked for it.


class Poll(msgspec.Struct, frozen=True):
    """Look whether a mapping's source has a batch; body of the step "lambda.poll"."""

    mapping: str
    woken: int | None = None  # The node whose ``Wake`` this look answers.


class Preparation(msgspec.Struct, frozen=True):
    """Have a function's code and requirements ready before its first call; body of the effect "lambda.prepare"."""

    function: str
    qualifier: str | None = None
    warm: int = 0  # So many workers are started already, at most one a core.


# Functions --------------------------------------------------------------------------------------------------------


class Function(msgspec.Struct, frozen=True):
    """What belongs to a function and not to one of its versions."""

    arn: str
    scope: str  # account/region, for lists.
    name: str
    next_version: int = 1
    reserved_concurrency: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    created: datetime | None = None
    recursion: str = "Terminate"  # RecursiveLoop: stored and described.
    code_signing: str | None = None  # The ARN of a code signing configuration.


class FunctionVersion(msgspec.Struct, frozen=True):
    """One version of a function's code and configuration; ``$LATEST`` is the one that changes.

    ``code`` says where the code lies: "sha256:<hex>" in the code store, or "dir:<absolute path>" used in place.
    """

    function: str  # The function's ARN without qualifier.
    version: str
    number: int  # The version as a number, 0 for $LATEST: the order of lists.
    name: str
    runtime: str
    role: str
    handler: str
    code: str
    code_sha256: str  # Base64, as the API shows it.
    code_size: int
    description: str
    timeout_s: int
    memory_mb: int
    ephemeral_mb: int
    environment: dict[str, str]
    layers: list[str]
    architecture: str
    revision: str
    modified: datetime
    dead_letter_arn: str | None = None
    kms_key_arn: str | None = None
    tracing: str = "PassThrough"
    log_group: str = ""
    log_format: str = "Text"
    further: dict[str, Any] = msgspec.field(default_factory=dict)  # Stored and described: VpcConfig, SnapStart...
    becoming: str = ""  # "Creating", "Updating": its code is not known to lie ready yet.


class CodeZip(msgspec.Struct, frozen=True):
    """An uploaded zip, kept once however many versions and layers use it; workers unpack it into a cache."""

    sha256: str  # Hexadecimal.
    content: bytes


class CodeKey(msgspec.Struct, frozen=True):
    """What addresses of code are signed with."""

    name: str
    secret: str


class Alias(msgspec.Struct, frozen=True):
    """A name for a version, with an optional share of calls for a second one."""

    function: str
    name: str
    version: str
    description: str
    weights: dict[str, float]
    revision: str


class EventInvokeConfig(msgspec.Struct, frozen=True):
    """How the asynchronous queue treats calls of a function under one qualifier."""

    function: str
    qualifier: str
    modified: datetime
    retries: int | None = None
    age_s_max: int | None = None
    on_success: str | None = None
    on_failure: str | None = None


class ProvisionedConcurrency(msgspec.Struct, frozen=True):
    """Workers of an alias or version that are kept ready."""

    function: str
    qualifier: str
    requested: int
    modified: datetime
    status: str = "READY"
    reason: str = ""


class FunctionUrl(msgspec.Struct, frozen=True):
    """The address of a function or alias."""

    function: str
    qualifier: str  # "" for the function itself.
    url_id: str
    auth: str
    invoke_mode: str
    cors: dict[str, Any] | None
    created: datetime
    modified: datetime


class CodeSigning(msgspec.Struct, frozen=True):
    """A code signing configuration: stored and described; zips carry no signature here."""

    arn: str
    scope: str
    id: str
    description: str
    publishers: list[str]
    policy: str
    modified: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class CapacityProvider(msgspec.Struct, frozen=True):
    """Instances that functions could run on: stored and described; none is started."""

    arn: str
    scope: str
    config: dict[str, Any]  # As the API shows it.
    modified: datetime
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class Policy(msgspec.Struct, frozen=True):
    """A resource policy of a function, a version or an alias."""

    function: str
    qualifier: str  # "" for the function itself.
    statements: list[dict[str, Any]]
    revision: str
    head: dict[str, Any] = msgspec.field(default_factory=dict)  # Version and Id of one that was put as a document.

    @property
    def document(self) -> dict[str, Any]:
        """The policy as the API shows it, and as it is asked."""
        return {**(self.head or {"Version": "2012-10-17", "Id": "default"}), "Statement": self.statements}


class LayerVersion(msgspec.Struct, frozen=True):
    """One version of a layer."""

    layer: str  # The layer's ARN without version.
    version: int
    scope: str
    name: str
    code: str
    code_sha256: str
    code_size: int
    description: str
    runtimes: list[str]
    architectures: list[str]
    license_info: str
    created: datetime


class LayerNumber(msgspec.Struct, frozen=True):
    """The version that a layer's next publication gets."""

    layer: str
    next_version: int


class StreamSettings(msgspec.Struct, frozen=True):
    """What mappings from streams have and mappings from queues have not; -1 means without bound, as in the API."""

    position: str
    lanes: int = 1  # ParallelizationFactor.
    bisect: bool = False
    retries_max: int = -1
    age_s_max: int = -1
    tumbling_s: int = 0
    on_failure: str | None = None


class Part(msgspec.Struct, frozen=True, array_like=True):
    """Records of a batch that are tried again: those of the lane after ``after``, up to ``last``."""

    after: int
    last: int
    attempts: int  # That have failed.
    ready: datetime | None = None  # Not before.


class Lane(msgspec.Struct, frozen=True):
    """How far a mapping has read its part of a stream."""

    mapping: str
    lane: int
    after: int
    busy: bool = False
    awake: bool = False  # Of stores that were written before there was ``Wake``.
    pending: list[Part] = msgspec.field(default_factory=list)
    until: datetime | None = None
    window: datetime | None = None
    state: dict[str, Any] = msgspec.field(default_factory=dict)
    look_at: datetime | None = None  # Of lane 0: the mapping looks again then, whoever wakes it before.


class Wake(msgspec.Struct, frozen=True):
    """Whether a look at a mapping's stream is due that a node left."""

    mapping: str
    node: int
    awake: bool


class Mapping(msgspec.Struct, frozen=True):
    """An event source mapping from a queue, a table's stream or a Kafka topic to a function."""

    uuid: str
    scope: str
    source: str  # The ARN of the queue or stream.
    function: str
    qualifier: str | None
    batch_size: int
    window_s: int
    enabled: bool
    report_items: bool
    concurrency_max: int | None
    filters: list[str]
    modified: datetime
    result: str = ""
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    window_until: datetime | None = None  # The batch that is being gathered goes out then.
    stream: StreamSettings | None = None
    metrics: list[str] = msgspec.field(default_factory=list)
    further: dict[str, Any] = msgspec.field(default_factory=dict)  # What only some sources know, as the API shows it.

    @property
    def batches_max(self) -> int | None:
        """Batches at once, as far as a user has set it."""
        pollers = self.further.get("ProvisionedPollerConfig")
        return self.concurrency_max if pollers is None else pollers["MaximumPollers"] * BATCHES_OF_POLLER

    @property
    def batches_least(self) -> int:
        """Batches at once that a mapping may have without growing to them first."""
        pollers = self.further.get("ProvisionedPollerConfig")
        return 0 if pollers is None else int(pollers["MinimumPollers"]) * BATCHES_OF_POLLER


BATCHES_OF_POLLER = 10
"""Source: services-sqs-parameters: each poller handles up to "10 concurrent invocations"."""


class MappedQueue(msgspec.Struct, frozen=True):
    """The enabled mappings that read a queue or stream: a ``Poll`` is left for each when there is something to read."""

    queue: str
    mappings: list[str]


class Batch(msgspec.Struct, frozen=True):
    """A batch of messages that a mapping's function has in hand."""

    mapping: str
    request_id: str
    since: datetime
    attempt: int = 1  # Throttled ones are tried again.


FUNCTIONS = Table("lambda_functions", Function, ("arn",), shared=True)
VERSIONS = Table("lambda_versions", FunctionVersion, ("function", "version"), shared=True)
CODE = Table("lambda_code", CodeZip, ("sha256",), shared=True)
CODE_KEYS = Table("lambda_code_keys", CodeKey, ("name",))
ALIASES = Table("lambda_aliases", Alias, ("function", "name"), shared=True)
EVENT_INVOKE_CONFIGS = Table("lambda_event_invoke_configs", EventInvokeConfig, ("function", "qualifier"), shared=True)
PROVISIONED = Table("lambda_provisioned", ProvisionedConcurrency, ("function", "qualifier"), shared=True)
POLICIES = Table("lambda_policies", Policy, ("function", "qualifier"), shared=True)
LAYERS = Table("lambda_layers", LayerVersion, ("layer", "version"), shared=True)
MAPPINGS = Table("lambda_mappings", Mapping, ("uuid",))
MAPPED_QUEUES = Table("lambda_mapped_queues", MappedQueue, ("queue",), shared=True, kept=True)
BATCHES = Table("lambda_batches", Batch, ("mapping", "request_id"))
URLS = Table("lambda_urls", FunctionUrl, ("function", "qualifier"), shared=True)
CODE_SIGNING = Table("lambda_code_signing", CodeSigning, ("arn",), shared=True)
CAPACITY_PROVIDERS = Table("lambda_capacity_providers", CapacityProvider, ("arn",), shared=True)
LAYER_NUMBERS = Table("lambda_layer_numbers", LayerNumber, ("layer",))
PACES = Table("lambda_paces", Pace, ("mapping",))
LANES = Table("lambda_lanes", Lane, ("mapping", "lane"))
WAKES = Table("lambda_wakes", Wake, ("mapping", "node"))

FUNCTIONS_OF_SCOPE = Select(FUNCTIONS, "scope = :scope AND name > :after", "name")
VERSIONS_OF_FUNCTION = Select(VERSIONS, "function = :function AND number >= :from_number", "number")
ALIASES_OF_FUNCTION = Select(ALIASES, "function = :function AND name > :after", "name")
EVENT_INVOKE_CONFIGS_OF_FUNCTION = Select(
    EVENT_INVOKE_CONFIGS, "function = :function AND qualifier > :after", "qualifier"
)
PROVISIONED_OF_FUNCTION = Select(PROVISIONED, "function = :function AND qualifier > :after", "qualifier")
POLICIES_OF_FUNCTION = Select(POLICIES, "function = :function", "qualifier")
LAYER_VERSIONS = Select(LAYERS, "layer = :layer AND version < :below", "version DESC")
LAYERS_OF_SCOPE = Select(LAYERS, "scope = :scope AND layer > :after", "layer, version DESC")
MAPPINGS_OF_SCOPE = Select(MAPPINGS, "scope = :scope AND uuid > :after", "uuid")
MAPPINGS_OF_SOURCE = Select(MAPPINGS, "source = :source", "uuid")
MAPPINGS_OF_FUNCTION = Select(MAPPINGS, "function = :function", "uuid")

URL_BY_ID = Select(URLS, "url_id = :url_id", "url_id")
URLS_OF_FUNCTION = Select(URLS, "function = :function AND qualifier > :after", "qualifier")
CODE_SIGNING_OF_SCOPE = Select(CODE_SIGNING, "scope = :scope AND arn > :after", "arn")
CAPACITY_PROVIDERS_OF_SCOPE = Select(CAPACITY_PROVIDERS, "scope = :scope AND arn > :after", "arn")
FUNCTIONS_OF_CODE_SIGNING = Select(FUNCTIONS, "code_signing = :config AND arn > :after", "arn")
LANES_OF_MAPPING = Select(LANES, "mapping = :mapping", "lane")
WAKES_OF_MAPPING = Select(WAKES, "mapping = :mapping", "node")
BATCHES_OF_MAPPING = Select(BATCHES, "mapping = :mapping", "request_id")

FUNCTION_COUNT = Scalar("SELECT COUNT(*) FROM lambda_functions WHERE scope = :scope", (FUNCTIONS,))
PROVISIONED_OF_SCOPE = Scalar(
    "SELECT SUM(requested) FROM lambda_provisioned WHERE function > :first AND function < :last", (PROVISIONED,)
)
RESERVED_CONCURRENCY = Scalar(
    "SELECT SUM(reserved_concurrency) FROM lambda_functions WHERE scope = :scope", (FUNCTIONS,)
)
TOTAL_CODE_SIZE = Scalar(
    "SELECT SUM(code_size) FROM lambda_versions WHERE function > :first AND function < :last", (VERSIONS,)
)
TOTAL_LAYER_SIZE = Scalar("SELECT SUM(code_size) FROM lambda_layers WHERE scope = :scope", (LAYERS,))
BATCHES_IN_HAND = Scalar("SELECT COUNT(*) FROM lambda_batches WHERE mapping = :mapping", (BATCHES,))
CODE_USERS = Scalar(
    "SELECT (SELECT COUNT(*) FROM lambda_versions WHERE code = :code)"
    " + (SELECT COUNT(*) FROM lambda_layers WHERE code = :code)",
    (VERSIONS, LAYERS),
)
