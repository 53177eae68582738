"""What a table is: its key, its indexes, its settings.

These are the values that a table's row holds. ``id`` numbers a table or an index for the store, so that a table that is
made again under an old name never sees old items.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_TableDescription.html
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

KeyType = Literal["S", "N", "B"]
ProjectionType = Literal["ALL", "KEYS_ONLY", "INCLUDE"]


class KeyAttribute(msgspec.Struct, frozen=True):
    """An attribute that is part of a key."""

    name: str
    type: KeyType


class KeySchema(msgspec.Struct, frozen=True):
    """A partition key and, for most, a sort key. Those of a global index may go on with more attributes."""

    partition: KeyAttribute
    sort: KeyAttribute | None = None
    more_partitions: tuple[KeyAttribute, ...] = ()
    more_sorts: tuple[KeyAttribute, ...] = ()

    @property
    def is_compound(self) -> bool:
        """Whether its partition or its sort key has several attributes."""
        return bool(self.more_partitions or self.more_sorts)

    @property
    def partitions(self) -> tuple[KeyAttribute, ...]:
        """The attributes of the partition key."""
        return (self.partition, *self.more_partitions)

    @property
    def sorts(self) -> tuple[KeyAttribute, ...]:
        """The attributes of the sort key."""
        return () if self.sort is None else (self.sort, *self.more_sorts)

    @property
    def attributes(self) -> tuple[KeyAttribute, ...]:
        """Partition key, then sort key."""
        if self.is_compound:
            return (*self.partitions, *self.sorts)
        return (self.partition,) if self.sort is None else (self.partition, self.sort)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the key's attributes."""
        if self.is_compound:
            return tuple(attribute.name for attribute in self.attributes)
        return (self.partition.name,) if self.sort is None else (self.partition.name, self.sort.name)


class Throughput(msgspec.Struct, frozen=True):
    """Provisioned units; 0 and 0 when the table is paid per request."""

    read: int = 0
    write: int = 0


class OnDemand(msgspec.Struct, frozen=True):
    """The most units a second of a table that is paid per request; -1 stands for no bound."""

    read: int | None = None
    write: int | None = None


class Insights(msgspec.Struct, frozen=True):
    """Contributor insights of a table or an index."""

    enabled: bool
    mode: str
    changed: datetime


class Restored(msgspec.Struct, frozen=True):
    """From what a table was made."""

    source_table: str
    at: datetime
    backup: str | None = None
    done: bool = False


class ResourcePolicy(msgspec.Struct, frozen=True):
    """A table's own policy, as it was given, and the number of its revision."""

    text: str
    revision: str


class Replica(msgspec.Struct, frozen=True):
    """A copy of a global table in another region."""

    region: str
    arn: str
    active: bool = True
    encryption_key: str | None = None
    table_class: str | None = None


class Index(msgspec.Struct, frozen=True):
    """A secondary index, global or local. ``attributes`` are the projected non-key attributes of INCLUDE.

    ``backfilled`` is false while items that were there before it are still being added.
    """

    id: int
    name: str
    key: KeySchema
    projection: ProjectionType
    attributes: tuple[str, ...] = ()
    is_global: bool = True
    throughput: Throughput = Throughput()
    backfilled: bool = True
    on_demand: OnDemand | None = None
    warm: Throughput | None = None
    insights: Insights | None = None
    throughput_raised: datetime | None = None
    throughput_lowered: datetime | None = None
    decreases: tuple[datetime, ...] = ()


class Stream(msgspec.Struct, frozen=True):
    """A table's stream; ``label`` names it apart from the streams that the table had before."""

    id: int
    arn: str
    label: str
    view: str  # KEYS_ONLY, NEW_IMAGE, OLD_IMAGE, NEW_AND_OLD_IMAGES
    enabled: bool


class TableDefinition(msgspec.Struct, frozen=True):
    """A table's settings."""

    id: int
    unique_id: str
    created: datetime
    key: KeySchema
    indexes: tuple[Index, ...] = ()
    paid_per_request: bool = True
    paid_per_request_since: datetime | None = None
    throughput: Throughput = Throughput()
    throughput_raised: datetime | None = None
    throughput_lowered: datetime | None = None
    table_class: str = "STANDARD"
    encryption_key: str | None = None  # The ARN of a customer's key; None: DynamoDB's own key, which is not described.
    protected: bool = False
    expiry_attribute: str | None = None
    stream: Stream | None = None
    filling: bool = False  # It is restored or imported: CREATING, and not yet open to reads and writes.
    on_demand: OnDemand | None = None
    warm: Throughput | None = None
    decreases: tuple[datetime, ...] = ()  # Of today.
    recovery_since: datetime | None = None
    recovery_days: int = 35
    copies: int = 0  # Copies that are being made of it now.
    insights: Insights | None = None
    restored: Restored | None = None
    replicas: tuple[Replica, ...] = ()
    scaling: Mapping[str, Any] | None = None
    policy: ResourcePolicy | None = None

    @property
    def has_local_indexes(self) -> bool:
        """Whether its items form collections."""
        return any(not index.is_global for index in self.indexes)

    @property
    def keeps_changes(self) -> bool:
        """Whether every write notes what was there before."""
        return self.recovery_since is not None or self.copies > 0

    def index(self, name: str) -> Index | None:
        """The index of that name."""
        for index in self.indexes:
            if index.name == name:
                return index
        return None


def projected(index: Index, key: KeySchema) -> frozenset[str] | None:
    """The attributes that the index holds; None: all."""
    if index.projection == "ALL":
        return None
    return frozenset((*key.names, *index.key.names, *index.attributes))
