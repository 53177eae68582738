"""EventBridge's buses, rules, targets, archives and replays, as they survive; and the bodies of their due work."""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.tables import Scalar, Select, Table

ENABLED, DISABLED = "ENABLED", "DISABLED"


class Bus(msgspec.Struct, frozen=True):
    """A bus. Equal revisions mean equal rules, targets and archives, in any store (they are hashes of the changes)."""

    arn: str
    scope: str  # account/region
    name: str
    revision: str = ""
    created: datetime | None = None
    modified: datetime | None = None
    description: str | None = None
    kms_key: str | None = None
    dead_letter_arn: str | None = None
    log_config: dict[str, str] | None = None
    policy: dict[str, Any] | None = None
    tags: dict[str, str] = {}


class Rule(msgspec.Struct, frozen=True):
    """A rule: a pattern, a schedule, or both."""

    arn: str
    bus: str
    name: str
    state: str
    created_by: str
    pattern: str | None = None
    schedule: str | None = None
    schedule_due: int | None = None
    description: str | None = None
    role_arn: str | None = None
    tags: dict[str, str] = {}
    managed_by: str | None = None
    changed: datetime | None = None


class TargetRow(msgspec.Struct, frozen=True):
    """A target of a rule; ``members`` is what PutTargets was given."""

    rule: str
    id: str
    bus: str
    rule_name: str
    arn: str
    members: dict[str, Any]
    position: int = 0


class Archive(msgspec.Struct, frozen=True):
    """An archive of a bus; ``id`` names it in its events."""

    arn: str
    scope: str
    name: str
    bus: str
    id: int
    created: datetime
    retention_days: int = 0
    event_count: int = 0
    size_bytes: int = 0
    description: str | None = None
    pattern: str | None = None
    kms_key: str | None = None
    state: str = ENABLED
    reason: str | None = None


class ArchiveCount(msgspec.Struct, frozen=True):
    """What a node has put into an archive, less what it has forgotten; the archive holds the sum."""

    archive: int
    node: int
    events: int = 0
    bytes: int = 0


class Archived(msgspec.Struct, frozen=True):
    """An event in an archive; ``at`` is the time that it carries, by which replays choose."""

    id: int
    archive: int
    at: datetime
    size_bytes: int
    body: bytes


class Replay(msgspec.Struct, frozen=True):
    """A replay; ``reached`` and ``reached_id`` are the place up to which events were sent again."""

    arn: str
    scope: str
    name: str
    archive: str
    bus: str
    rules: list[str]
    first: datetime
    last: datetime
    state: str
    started: datetime
    ended: datetime | None = None
    reached: datetime | None = None
    reached_id: int = 0
    description: str | None = None
    reason: str | None = None


class Logged(msgspec.Struct, frozen=True):
    """The events that one call brought onto a bus, in order; ``body`` is their JSON list."""

    id: int
    bus: str
    at: datetime
    count: int
    body: bytes


class Attempt(msgspec.Struct, frozen=True):
    """How one attempt to deliver went; ``places`` says which events of the log's row ``log`` it was for.

    ``made`` has what came of each: a message's id, an execution's ARN, a request's id; "" where nothing is known.
    """

    id: int
    log: int
    places: list[int]
    at: datetime
    rule: str
    target: str
    target_arn: str
    outcome: str
    retries: int
    code: str | None = None
    message: str | None = None
    next_at: datetime | None = None
    made: list[str] = []


class Sweep(msgspec.Struct, frozen=True):
    """When a table's old rows are forgotten next."""

    name: str
    planned: datetime


BUSES = Table("events_buses", Bus, ("arn",), shared=True, kept=True)
RULES = Table("events_rules", Rule, ("arn",), shared=True, kept=True)
TARGETS = Table("events_targets", TargetRow, ("rule", "id"), shared=True, kept=True)
ARCHIVES = Table("events_archives", Archive, ("arn",), shared=True)
ARCHIVE_COUNTS = Table("events_archive_counts", ArchiveCount, ("archive", "node"), own=True)
ARCHIVED = Table("events_archived", Archived, ("id",))
REPLAYS = Table("events_replays", Replay, ("arn",))
LOG = Table("events_log", Logged, ("id",), appends=True, ages="at")
ATTEMPTS = Table("events_attempts", Attempt, ("id",), appends=True, ages="at")
SWEEPS = Table("events_sweeps", Sweep, ("name",), shared=True)

BUSES_OF_SCOPE = Select(BUSES, "scope = :scope AND name > :after AND name >= :prefix", "name")
RULES_OF_BUS = Select(RULES, "bus = :bus AND name > :after AND name >= :prefix", "name")
TARGETS_OF_RULE = Select(TARGETS, "rule = :rule", "id")
TARGETS_OF_BUS = Select(TARGETS, "bus = :bus", "rule, id")
TARGETS_BY_ARN = Select(TARGETS, "bus = :bus AND arn = :arn AND rule_name > :after", "rule_name, id")
ARCHIVES_OF_SCOPE = Select(ARCHIVES, "scope = :scope AND name > :after AND name >= :prefix", "name")
COUNTS_OF_ARCHIVE = Select(ARCHIVE_COUNTS, "archive = :archive", "node")
ARCHIVES_OF_BUS = Select(ARCHIVES, "bus = :bus", "name")
# The rest of an instant, and what is after it: two ranges of one index, whatever came at the same instant.
ARCHIVED_AT = Select(ARCHIVED, "archive = :archive AND at = :at AND id > :after", "id")
ARCHIVED_BETWEEN = Select(ARCHIVED, "archive = :archive AND at > :after AND at < :last", "at, id")
ARCHIVED_BEFORE = Select(ARCHIVED, "archive = :archive AND at < :before", "at, id")
REPLAYS_OF_SCOPE = Select(REPLAYS, "scope = :scope AND name > :after AND name >= :prefix", "name")

LOG_OF_BUS = Select(LOG, "bus = :bus AND id > :after", "id", follows=True)
LOG_UP_TO = Select(LOG, "id <= :last", "id")
ATTEMPTS_OF_LOG = Select(ATTEMPTS, "log = :log AND id > :after", "id")
ATTEMPTS_UP_TO = Select(ATTEMPTS, "id <= :last", "id")

RULE_COUNT = Scalar("SELECT count(*) FROM events_rules WHERE bus = :bus", (RULES,))
BUS_COUNT = Scalar("SELECT count(*) FROM events_buses WHERE scope = :scope", (BUSES,))
REPLAYS_RUNNING = Scalar(
    "SELECT count(*) FROM events_replays WHERE scope = :scope AND state IN ('STARTING', 'RUNNING', 'CANCELLING')",
    (REPLAYS,),
)


# Due work -----------------------------------------------------------------------------------------------------------


class Carried(msgspec.Struct, frozen=True, array_like=True):
    """An event on its way, written as its targets see it; ``trace`` is the trace header that it came with.

    ``place`` is where the log has it (row and place), for whoever would have to read that from the id.
    """

    event_id: str
    text: msgspec.Raw
    trace: str | None = None
    place: tuple[int, int] | None = None


class Delivery(msgspec.Struct, frozen=True, omit_defaults=True):
    """Events of one call on their way to one target, in order; body of the step "events.delivery".

    ``retries`` and ``hops`` (the buses that the events have crossed) are the same for all of them: an event that must be
    delivered again goes on alone.
    """

    bus: str
    rule: str
    target: str
    events: list[Carried]
    since: datetime
    retries: int = 0
    hops: int = 0
    admitted: bool = False  # It has waited for the account's rate.


class DeadLetter(msgspec.Struct, frozen=True, omit_defaults=True):
    """An event that its target did not take, on its way to the dead-letter queue; body of the step "events.dead_letter".

    It needs neither the rule nor the target any more. ``since`` is when the delivery ended.
    """

    delivery: Delivery
    queue: str
    target_arn: str
    code: str
    message: str
    since: datetime
    exhausted: str | None = None
    tries: int = 0


class LogSweep(msgspec.Struct, frozen=True):
    """Forget what is older than the event log keeps; body of the step "events.log_sweep"."""


class Tick(msgspec.Struct, frozen=True):
    """A rule's schedule fires; body of the step "events.schedule"."""

    rule: str


class ReplayPage(msgspec.Struct, frozen=True):
    """A replay's next page; body of the step "events.replay"."""

    replay: str
    begun: int = 0  # A number drawn as it began: what other nodes were archiving then has lower ones.


class ArchiveSweep(msgspec.Struct, frozen=True):
    """Forget what is older than an archive's retention; body of the step "events.sweep".

    Without ``arn`` the archive is gone, and all of it goes.
    """

    archive: int
    arn: str | None
