"""Log groups, their streams, and chunks of events that are only ever appended."""

from datetime import datetime

import msgspec

from interstate.store.tables import Scalar, Select, Table


class LogGroup(msgspec.Struct, frozen=True):
    """A log group; ``id`` names it in its streams and chunks, so that a new group of an old name starts empty."""

    arn: str  # Without the ":*" that some answers add.
    id: int
    scope: str  # account/region
    name: str
    created: datetime
    tags: dict[str, str]
    retention_days: int | None = None
    kms_key_id: str | None = None
    log_class: str = "STANDARD"
    sweep: int | None = None  # The due row that looks for what is too old; there is one while there is a retention.


class LogGroupId(msgspec.Struct, frozen=True):
    """Numbers of groups."""

    id: int
    arn: str


class LogStream(msgspec.Struct, frozen=True):
    """A stream of a group, with what DescribeLogStreams tells of its events."""

    group_id: int
    name: str
    created: datetime
    first_at: datetime | None = None
    last_at: datetime | None = None
    ingested: datetime | None = None
    stored_bytes: int = 0


class LogChunk(msgspec.Struct, frozen=True):
    """Events of one stream that were written together, oldest first: milliseconds since the epoch, and the message."""

    id: int
    group_id: int
    stream: str
    first_at: datetime
    last_at: datetime
    ingested: datetime
    stored_bytes: int
    events: list[tuple[int, str]]


GROUPS = Table("log_groups", LogGroup, ("arn",), shared=True)
GROUP_IDS = Table("log_group_ids", LogGroupId, ("id",), shared=True)
STREAMS = Table("log_streams", LogStream, ("group_id", "name"))
CHUNKS = Table("log_chunks", LogChunk, ("id",))

GROUPS_OF_SCOPE = Select(GROUPS, "scope = :scope AND name > :after AND name >= :first", "name")
STREAMS_BY_NAME = Select(STREAMS, "group_id = :group AND name > :after AND name >= :first", "name")
STREAMS_BY_NAME_DOWN = Select(STREAMS, "group_id = :group AND name < :below", "name DESC")
STREAMS_BY_TIME = Select(
    STREAMS, "group_id = :group AND (coalesce(last_at, 0), name) > (:at, :after)", "coalesce(last_at, 0), name"
)
STREAMS_BY_TIME_DOWN = Select(
    STREAMS, "group_id = :group AND (coalesce(last_at, 0), name) < (:at, :below)", "coalesce(last_at, 0) DESC, name DESC"
)  # fmt: skip
STREAMS_OF_GROUP = Select(STREAMS, "group_id = :group", "name")

CHUNKS_OF_GROUP = Select(
    CHUNKS, "group_id = :group AND (first_at, id) >= (:at, :id) AND first_at <= :until AND last_at >= :since", "first_at, id"
)  # fmt: skip
CHUNKS_OF_STREAM = Select(
    CHUNKS,
    "group_id = :group AND stream = :stream AND (first_at, id) >= (:at, :id) AND first_at <= :until AND last_at >= :since",
    "first_at, id",
)
CHUNKS_OF_STREAM_DOWN = Select(
    CHUNKS,
    "group_id = :group AND stream = :stream AND (first_at, id) <= (:at, :id) AND first_at <= :until AND last_at >= :since",
    "first_at DESC, id DESC",
)
CHUNKS_BEFORE = Select(CHUNKS, "group_id = :group AND first_at < :before", "first_at, id")
CHUNKS_GONE = Select(CHUNKS, "group_id = :group", "first_at, id")
CHUNKS_OF_GONE_STREAM = Select(CHUNKS, "group_id = :group AND stream = :stream AND id <= :up_to", "first_at, id")

STORED_BYTES = Scalar("SELECT SUM(stored_bytes) FROM log_streams WHERE group_id = :group", (STREAMS,))
