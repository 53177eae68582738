"""Queues and their messages."""

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


class QueueId(msgspec.Struct, frozen=True):
    """Numbers of queues, so that a new queue of an old name never sees the old one's messages."""

    id: int
    arn: str


QUEUES = Table("queues", Queue, ("arn",))
QUEUE_IDS = Table("queue_ids", QueueId, ("id",))
MESSAGES = Table("messages", Message, ("id",))

QUEUES_OF_SCOPE = Select(QUEUES, "scope = :scope AND name > :after AND name >= :prefix", "name")
VISIBLE = Select(MESSAGES, "queue_id = :queue AND visible_at <= :now", "visible_at, id")
HIDDEN = Select(MESSAGES, "queue_id = :queue AND visible_at > :now", "visible_at, id")
OF_QUEUE = Select(MESSAGES, "queue_id = :queue", "visible_at, id")
SENT_BEFORE = Select(MESSAGES, "queue_id = :queue AND sent_at < :before", "sent_at")

COUNT_VISIBLE = Scalar(
    "SELECT count(*) FROM messages WHERE queue_id = :queue AND visible_at <= :now AND sent_at >= :since", (MESSAGES,)
)
COUNT_DELAYED = Scalar(
    "SELECT count(*) FROM messages WHERE queue_id = :queue AND visible_at > :now AND receive_count = 0", (MESSAGES,)
)
COUNT_IN_FLIGHT = Scalar(
    "SELECT count(*) FROM messages WHERE queue_id = :queue AND visible_at > :now AND receive_count > 0", (MESSAGES,)
)
