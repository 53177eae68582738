"""Tables of items: what they are, what they hold, and by what their indexes find it."""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
import orjson

from interstate.core.tables.schema import KeySchema, TableDefinition
from interstate.core.tables.values import Item, Value
from interstate.store.tables import Scalar, Select, Table


class ItemTable(msgspec.Struct, frozen=True):
    """A table."""

    arn: str
    scope: str  # account/region
    name: str
    definition: TableDefinition
    tags: dict[str, str]


class ItemTableId(msgspec.Struct, frozen=True):
    """A number of a table, an index or a stream."""

    id: int
    arn: str


class StoredItem(msgspec.Struct, frozen=True):
    """An item under its encoded key."""

    table_id: int
    partition_key: bytes
    sort_key: bytes
    item: bytes
    size: int
    expires_at: int | None = None


class IndexEntry(msgspec.Struct, frozen=True):
    """An item as an index holds it, under the index's key and the item's."""

    index_id: int
    partition_key: bytes
    sort_key: bytes
    item_partition: bytes
    item_sort: bytes
    item: bytes
    size: int


class ItemCount(msgspec.Struct, frozen=True):
    """How much a table or an index holds."""

    id: int
    items: int
    bytes: int


class ItemCountDelta(msgspec.Struct, frozen=True):
    """What a batch of a node added to a count, until it is folded in."""

    number: int
    at: datetime
    items: int
    bytes: int
    node: int = 0


class ItemCollection(msgspec.Struct, frozen=True):
    """How much the items of one partition hold, in a table with local indexes."""

    table_id: int
    partition_key: bytes
    bytes: int


class ItemChange(msgspec.Struct, frozen=True):
    """What an item was before it changed; None: there was none."""

    id: int
    table_id: int
    at: datetime
    partition_key: bytes
    sort_key: bytes
    before: bytes | None
    size: int


class ItemBackup(msgspec.Struct, frozen=True):
    """A copy of a table; its items lie under ``number``."""

    arn: str
    number: int
    scope: str  # account/region
    table_arn: str
    table_name: str
    name: str
    kind: str  # USER, SYSTEM
    status: str  # CREATING, AVAILABLE
    created: datetime
    definition: TableDefinition
    expires: datetime | None = None
    items: int = 0
    bytes: int = 0


class ItemTransfer(msgspec.Struct, frozen=True):
    """An export to, or an import from, a bucket."""

    arn: str
    kind: str  # EXPORT, IMPORT
    scope: str  # account/region
    table_arn: str
    token: str
    request: bytes
    started: datetime
    status: str  # IN_PROGRESS, COMPLETED, FAILED
    details: dict[str, Any]
    ended: datetime | None = None


class ItemVersion(msgspec.Struct, frozen=True):
    """When and where an item of a global table was written last."""

    table_id: int
    partition_key: bytes
    sort_key: bytes
    at: datetime
    region: str


class ItemPolicy(msgspec.Struct, frozen=True):
    """The policy of a table or a stream."""

    arn: str
    policy: str
    revision: str


class ItemThroughput(msgspec.Struct, frozen=True):
    """Units that a table or an index may still spend, as of an instant."""

    id: int
    read: float
    write: float
    at: datetime


class ItemExpiry(msgspec.Struct, frozen=True):
    """When the next item of a table expires, and the due row that waits for it."""

    table_id: int
    at: datetime
    due_id: int


class TransactionToken(msgspec.Struct, frozen=True):
    """A transaction that was done."""

    token: str
    request: bytes
    until: datetime


class ShardStart(msgspec.Struct, frozen=True):
    """Where a shard begins: the number before its first record."""

    first: int
    at: datetime


class ItemStream(msgspec.Struct, frozen=True):
    """A table's stream, now or once. ``first`` and ``last`` stand before and behind the numbers of its records.

    ``shards`` are those that began after the first.
    """

    arn: str
    id: int
    scope: str  # account/region
    table_name: str
    label: str
    view: str
    key: KeySchema
    created: datetime
    first: int
    last: int | None = None
    disabled: datetime | None = None
    shards: tuple[ShardStart, ...] = ()


class StreamRecord(msgspec.Struct, frozen=True):
    """What happened to an item; images as the stream's view has them."""

    id: int
    stream_id: int
    at: datetime
    event: str
    keys: bytes
    old: bytes | None
    new: bytes | None
    size: int
    expired: bool


ITEM_TABLES = Table("item_tables", ItemTable, ("arn",), shared=True, kept=True)
ITEM_TABLE_IDS = Table("item_table_ids", ItemTableId, ("id",), shared=True, kept=True)
ITEMS = Table("items", StoredItem, ("table_id", "partition_key", "sort_key"))
INDEX_ENTRIES = Table(
    "index_entries", IndexEntry, ("index_id", "partition_key", "sort_key", "item_partition", "item_sort")
)
ITEM_COUNTS = Table("item_counts", ItemCount, ("id",))
ITEM_EXPIRIES = Table("item_expiries", ItemExpiry, ("table_id",), shared=True)
ITEM_STREAMS = Table("item_streams", ItemStream, ("arn",), shared=True)
STREAM_RECORDS = Table("stream_records", StreamRecord, ("id",), appends=True)
TRANSACTION_TOKENS = Table("transaction_tokens", TransactionToken, ("token",))

ITEM_COUNT_DELTAS = Table("item_count_deltas", ItemCountDelta, ("number", "at", "node"))
ITEM_COLLECTIONS = Table("item_collections", ItemCollection, ("table_id", "partition_key"))
ITEM_CHANGES = Table("item_changes", ItemChange, ("id",), appends=True)
ITEM_BACKUPS = Table("item_backups", ItemBackup, ("arn",))
ITEM_TRANSFERS = Table("item_transfers", ItemTransfer, ("arn",))
ITEM_VERSIONS = Table("item_versions", ItemVersion, ("table_id", "partition_key", "sort_key"))
ITEM_POLICIES = Table("item_policies", ItemPolicy, ("arn",), shared=True)
ITEM_THROUGHPUTS = Table("item_throughputs", ItemThroughput, ("id",))

TABLES_OF_SCOPE = Select(ITEM_TABLES, "scope = :scope AND name > :after", "name")

_IN_PARTITION = "table_id = :table AND partition_key = :partition AND sort_key >= :low AND sort_key < :high"
PARTITION_ASCENDING = Select(ITEMS, _IN_PARTITION, "sort_key")
PARTITION_DESCENDING = Select(ITEMS, _IN_PARTITION, "sort_key DESC")
ITEMS_AFTER = Select(
    ITEMS, "table_id = :table AND (partition_key, sort_key) > (:partition, :sort)", "partition_key, sort_key"
)
ITEMS_OF_TABLE = Select(ITEMS, "table_id = :table", "partition_key, sort_key")
EXPIRING = Select(ITEMS, "table_id = :table AND expires_at IS NOT NULL AND expires_at > :after", "expires_at")

# An entry's place in a partition is its sort key and its item's key: index keys need not be unique.
# The row comparison comes first, so that a page begins by one search however many entries share a sort key.
_IN_INDEX = "index_id = :index AND partition_key = :partition AND "
INDEX_ASCENDING = Select(
    INDEX_ENTRIES,
    _IN_INDEX + "(sort_key, item_partition, item_sort) > (:start, :start_partition, :start_sort) AND sort_key < :high",
    "sort_key, item_partition, item_sort",
)
INDEX_DESCENDING = Select(
    INDEX_ENTRIES,
    _IN_INDEX + "(sort_key, item_partition, item_sort) < (:start, :start_partition, :start_sort) AND sort_key >= :low",
    "sort_key DESC, item_partition DESC, item_sort DESC",
)
ENTRIES_AFTER = Select(
    INDEX_ENTRIES,
    "index_id = :index AND (partition_key, sort_key, item_partition, item_sort) > "
    "(:partition, :start, :start_partition, :start_sort)",
    "partition_key, sort_key, item_partition, item_sort",
)
ENTRIES_OF_INDEX = Select(INDEX_ENTRIES, "index_id = :index", "partition_key, sort_key, item_partition, item_sort")

# The deltas are folded before they are many, so that adding them up reads a bounded number.
DELTAS_BEFORE = Select(ITEM_COUNT_DELTAS, "number = :number AND at < :before", "at, node")
DELTAS_OF = Select(ITEM_COUNT_DELTAS, "number = :number", "at, node")
ADDED_ITEMS = Scalar("SELECT SUM(items) FROM item_count_deltas WHERE number = :number", (ITEM_COUNT_DELTAS,))
ADDED_BYTES = Scalar("SELECT SUM(bytes) FROM item_count_deltas WHERE number = :number", (ITEM_COUNT_DELTAS,))
COLLECTIONS_OF_TABLE = Select(ITEM_COLLECTIONS, "table_id = :table", "partition_key")
VERSIONS_OF_TABLE = Select(ITEM_VERSIONS, "table_id = :table", "partition_key, sort_key")

CHANGES_OF_ITEM = Select(
    ITEM_CHANGES,
    "table_id = :table AND partition_key = :partition AND sort_key = :sort AND id > :since",
    "id",
)
CHANGES_AFTER = Select(
    ITEM_CHANGES,
    "table_id = :table AND (partition_key, sort_key, id) > (:partition, :sort, :after)",
    "partition_key, sort_key, id",
)
CHANGES_OF_TABLE = Select(ITEM_CHANGES, "table_id = :table", "at, id")
CHANGES_BEFORE = Select(ITEM_CHANGES, "table_id = :table AND at < :before", "at, id")
CHANGES_UNTIL = Select(ITEM_CHANGES, "table_id = :table AND at <= :until", "at DESC, id DESC")

BACKUPS_OF_SCOPE = Select(ITEM_BACKUPS, "scope = :scope AND arn > :after", "arn")
TRANSFERS_OF_SCOPE = Select(ITEM_TRANSFERS, "scope = :scope AND kind = :kind AND arn > :after", "arn")
TRANSFERS_OF_TOKEN = Select(ITEM_TRANSFERS, "scope = :scope AND kind = :kind AND token = :token", "arn")

STREAMS_OF_SCOPE = Select(ITEM_STREAMS, "scope = :scope AND (table_name, arn) > (:name, :after)", "table_name, arn")
STREAMS_OF_TABLE = Select(ITEM_STREAMS, "scope = :scope AND table_name = :name AND arn > :after", "arn")
RECORDS_AFTER = Select(STREAM_RECORDS, "stream_id = :stream AND id > :after", "id", follows=True)
RECORDS_BACKWARDS = Select(STREAM_RECORDS, "stream_id = :stream AND id < :below", "id DESC")
RECORDS_UP_TO = Select(STREAM_RECORDS, "stream_id = :stream AND id <= :up_to", "id")

TOKENS_BEFORE = Select(TRANSACTION_TOKENS, "until <= :now", "until")


def encode_item(item: Item) -> bytes:
    """The item as JSON; binaries in base64."""
    return orjson.dumps(item, default=_base64)


def _base64(value: Any) -> str:
    assert isinstance(value, bytes)
    return b64encode(value).decode()


def decode_item(text: bytes) -> Item:
    """The item of a JSON text, its binaries as bytes."""
    item: Item = orjson.loads(text)
    if b'"B":' in text or b'"BS":' in text:
        return {name: _with_bytes(value) for name, value in item.items()}
    return item


def decode_items(texts: Sequence[bytes]) -> list[Item]:
    """The items of JSON texts, read at one go."""
    together = b",".join(texts)
    if b'"B":' in together or b'"BS":' in together:
        return [decode_item(text) for text in texts]
    found: list[Item] = orjson.loads(b"[%b]" % together)
    return found


def _with_bytes(value: Value) -> Value:
    for kind, content in value.items():
        match kind:
            case "B":
                return {"B": b64decode(content)}
            case "BS":
                return {"BS": [b64decode(part) for part in content]}
            case "L":
                return {"L": [_with_bytes(part) for part in content]}
            case "M":
                return {"M": {name: _with_bytes(part) for name, part in content.items()}}
            case _:
                pass
    return value
