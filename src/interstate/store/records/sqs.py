"""Queues, their messages, and what they remember of them."""

from datetime import datetime

import msgspec

from interstate.core.queues.message import Message
from interstate.store.tables import Scalar, Select, Table


class Queue(msgspec.Struct, frozen=True):
    """A queue; ``id`` names it in its messages. ``attributes`` holds what was set, as text; defaults are not stored."""

    arn: str
    id: int
    scope: str  # account/region
    name: str
    created: datetime
    modified: datetime
    attributes: dict[str, str]
    tags: dict[str, str]
    purged: datetime | None = None
    purged_to: int = 0  # Messages up to this number are gone, and so is their deduplication.
    scope_before: str = ""  # The deduplication scope that a change replaced.
    scope_changed: datetime | None = None

    @property
    def is_fifo(self) -> bool:
        """A queue's type stands in its name."""
        return self.name.endswith(".fifo")


class QueueId(msgspec.Struct, frozen=True):
    """Numbers of queues, so that a new queue of an old name never sees the old one's messages."""

    id: int
    arn: str


class Depth(msgspec.Struct, frozen=True):
    """What a node has added to a queue's depth, which is the sum over all nodes.

    The sum of ``claimed`` is at least the number in flight (a timeout that ends is not an event).
    """

    queue_id: int
    node: int
    messages: int = 0
    claimed: int = 0


class Forgets(msgspec.Struct, frozen=True):
    """A step waits that forgets the queue's old deduplication ids."""

    queue_id: int
    at: datetime


class Group(msgspec.Struct, frozen=True):
    """A group of a FIFO queue that has messages; see ``services/sqs/groups.py``."""

    queue_id: int
    group_id: str
    ready_at: datetime  # A lower bound, as ``head`` is; both are set right by the next claim.
    head: int
    waiting: str = ""  # The numbers of its last messages.
    has_parts: bool = False  # There may be parts with those before.


class GroupPart(msgspec.Struct, frozen=True):
    """A part of a group's list of messages; ``first`` and ``last`` are its lowest and highest number when it was put aside."""

    queue_id: int
    group_id: str
    first: int
    last: int
    numbers: str


class Deduplication(msgspec.Struct, frozen=True):
    """A message that was sent; ``scope`` is its group, or empty when ids count for the whole queue."""

    queue_id: int
    scope: str
    id: str
    message: int
    message_id: str
    expires: datetime


class DeduplicationCall(msgspec.Struct, frozen=True):
    """What one call left among the deduplications, to be forgotten together."""

    queue_id: int
    first: int  # Its first message; calls are forgotten in this order.
    expires: datetime
    ids: str  # Scope and id of each, with a space after either; neither has any.


class Attempt(msgspec.Struct, frozen=True):
    """What a receive gave out: number and receipt of each message."""

    queue_id: int
    id: str
    messages: list[tuple[int, str]]
    expires: datetime
    until: datetime  # How long they are hidden, as far as the attempt knows.


class DeletedQueue(msgspec.Struct, frozen=True):
    """A name that was given up a moment ago."""

    arn: str
    deleted: datetime


class MoveTask(msgspec.Struct, frozen=True):
    """A move of dead letters. ``rate`` 0 is as fast as it goes; no ``destination``: back to where each came from."""

    number: int
    id: str
    source: str
    destination: str
    rate: int
    status: str
    moved: int
    to_move: int
    started: datetime
    failure: str = ""


QUEUES = Table("queues", Queue, ("arn",), shared=True, kept=True)
QUEUE_IDS = Table("queue_ids", QueueId, ("id",), shared=True, kept=True)
MESSAGES = Table("messages", Message, ("id",))
DEPTHS = Table("queue_counts", Depth, ("queue_id", "node"), own=True, kept=True)
FORGETS = Table("queue_forgets", Forgets, ("queue_id",), shared=True, kept=True)
GROUPS = Table("message_groups", Group, ("queue_id", "group_id"), kept=True)
PARTS = Table("message_group_parts", GroupPart, ("queue_id", "group_id", "first"))
DEDUPLICATIONS = Table("deduplications", Deduplication, ("queue_id", "id", "scope"))
DEDUPLICATION_CALLS = Table("deduplication_calls", DeduplicationCall, ("queue_id", "first"), appends=True)
ATTEMPTS = Table("receive_attempts", Attempt, ("queue_id", "id"))
DELETED_QUEUES = Table("deleted_queues", DeletedQueue, ("arn",))
MOVE_TASKS = Table("message_move_tasks", MoveTask, ("number",))

QUEUES_OF_SCOPE = Select(QUEUES, "scope = :scope AND name > :after AND name >= :prefix", "name")
VISIBLE = Select(MESSAGES, "queue_id = :queue AND visible_at <= :now", "visible_at, id", claims=True)
HIDDEN = Select(MESSAGES, "queue_id = :queue AND visible_at > :now", "visible_at, id")
OF_QUEUE = Select(MESSAGES, "queue_id = :queue", "visible_at, id")
SENT_BEFORE = Select(MESSAGES, "queue_id = :queue AND sent_at < :before", "sent_at")
READY_GROUPS = Select(GROUPS, "queue_id = :queue AND ready_at <= :now", "ready_at, head", claims=True)
LATER_GROUPS = Select(GROUPS, "queue_id = :queue AND ready_at > :now", "ready_at, head")
GROUPS_OF_QUEUE = Select(GROUPS, "queue_id = :queue", "ready_at, head")
NEXT_PART = Select(PARTS, "queue_id = :queue AND group_id = :group AND first > :after", "first")
PART_AROUND = Select(PARTS, "queue_id = :queue AND group_id = :group AND first <= :number", "first DESC")
PARTS_UP_TO = Select(PARTS, "queue_id = :queue AND last <= :last", "last")
DEDUPLICATIONS_OF_QUEUE = Select(DEDUPLICATIONS, "queue_id = :queue", "id, scope")
OLDEST_CALLS = Select(DEDUPLICATION_CALLS, "queue_id = :queue", "first")
OLD_ATTEMPTS = Select(ATTEMPTS, "queue_id = :queue AND expires <= :now", "expires")
OLDEST_ATTEMPT = Select(ATTEMPTS, "queue_id = :queue", "expires")
MOVES_OF_SOURCE = Select(MOVE_TASKS, "source = :source", "number DESC")

DEPTHS_OF_QUEUE = Select(DEPTHS, "queue_id = :queue", "node")
DEPTH = Scalar("SELECT SUM(messages) FROM queue_counts WHERE queue_id = :queue", (DEPTHS,))
CLAIMED = Scalar("SELECT SUM(claimed) FROM queue_counts WHERE queue_id = :queue", (DEPTHS,))
# What is hidden is counted in the index; what is visible is the rest of the depth.
COUNT_DELAYED = Scalar(
    "SELECT count(*) FROM messages WHERE queue_id = :queue AND visible_at > :now AND receive_count = 0", (MESSAGES,)
)
COUNT_IN_FLIGHT = Scalar(
    "SELECT count(*) FROM messages WHERE queue_id = :queue AND visible_at > :now AND receive_count > 0", (MESSAGES,)
)
# Expired and not swept yet; those that are hidden as well were counted above.
# (The bound keeps the inner part whole, so that it is read by age, not by visibility.)
COUNT_EXPIRED = Scalar(
    "SELECT count(*) FROM (SELECT visible_at FROM messages WHERE queue_id = :queue AND sent_at < :since LIMIT 1000000)"
    " AS old WHERE visible_at <= :now",
    (MESSAGES,),
)
