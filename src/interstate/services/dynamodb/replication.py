"""Writes of global tables on their way to the other replicas.

Theory of operation
-------------------
A write to one replica leaves a due row for each other replica in the same transaction. The row carries the item, the
instant and the region of the write. A replica takes it when it is later than its own last write of that key (the region
decides between equal instants), so that all replicas end with the last writer's item, in whatever order rows arrive.
A batch has one instant for all its writes: a write on top of another one therefore counts as at least a microsecond later,
wherever that one was made. Versions of deleted items are kept, so that a late write cannot bring one back.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/V2globaltables_HowItWorks.html
"""

from datetime import datetime, timedelta

import msgspec

from interstate.base.arn import parse_arn
from interstate.core.tables.keys import Encoded
from interstate.core.tables.values import Item
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_VERSIONS, ItemTable, ItemVersion, decode_item, encode_item

_TICK = timedelta(microseconds=1)


class Replicate(msgspec.Struct, frozen=True):
    """Write an item as another replica has it; no item: it was deleted."""

    arn: str
    partition: bytes
    sort: bytes
    item: bytes | None
    size: int
    at: datetime
    region: str
    expired: bool = False


def region_of(arn: str) -> str:
    """The region of a table."""
    parsed = parse_arn(arn)
    assert parsed is not None
    return parsed.region


def send(table: ItemTable, key: Encoded, item: Item | None, size: int, work: Work, *, expired: bool = False) -> None:
    """Note the version of a write and leave it for the other replicas."""
    region = region_of(table.arn)
    known = work.get(ITEM_VERSIONS, table.definition.id, *key)
    at = work.now if known is None else max(work.now, known.at + _TICK)
    work.put(ITEM_VERSIONS, ItemVersion(table.definition.id, *key, at, region))
    text = None if item is None else encode_item(item)
    for replica in table.definition.replicas:
        body = Replicate(replica.arn, *key, text, size, at, region, expired)
        work.later("dynamodb.replicate", body)


def is_later(table: ItemTable, body: Replicate, work: Work) -> bool:
    """Whether a write is later than what the replica has; notes its version if so."""
    key = (body.partition, body.sort)
    known = work.get(ITEM_VERSIONS, table.definition.id, *key)
    if known is not None and (known.at, known.region) >= (body.at, body.region):
        return False
    work.put(ITEM_VERSIONS, ItemVersion(table.definition.id, *key, body.at, body.region))
    return True


def item_of(body: Replicate) -> Item | None:
    """The item that a row carries."""
    return None if body.item is None else decode_item(body.item)


__all__ = ["Replicate", "is_later", "item_of", "region_of", "send"]
