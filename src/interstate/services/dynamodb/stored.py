"""Items in the store, with everything that follows them: index entries, counts, expiry, stream records.

Theory of operation
-------------------
``replace`` is the only door through which an item changes. What it writes is one transaction with its call, so an index,
a count or a stream never disagrees with the table.
"""

import msgspec

from interstate.core.tables.capacity import Consumed, write_units
from interstate.core.tables.keys import Encoded, key_in_index
from interstate.core.tables.schema import Index, Stream, TableDefinition, projected
from interstate.core.tables.values import Item, item_bytes
from interstate.services.dynamodb import expiry, replication
from interstate.services.dynamodb.changes import keep
from interstate.services.dynamodb.collections import collect
from interstate.services.dynamodb.consumers import wake_mappings
from interstate.services.dynamodb.counts import count
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    INDEX_ENTRIES,
    ITEM_TABLES,
    ITEMS,
    STREAM_RECORDS,
    IndexEntry,
    ItemTable,
    StoredItem,
    StreamRecord,
    decode_item,
    encode_item,
)


def load(table: ItemTable, key: Encoded, work: Work) -> StoredItem | None:
    """The item under the key."""
    return work.get(ITEMS, table.definition.id, *key)


class Change(msgspec.Struct, frozen=True):
    """An item before and after. ``old`` and ``new`` are None where there is none; ``size`` is the new one's.

    ``old`` may be left out where neither index nor stream needs it. ``expired``: its time to live ended it.
    ``replicated``: another replica of a global table was written, and this one follows.
    """

    key: Encoded
    before: StoredItem | None
    old: Item | None
    new: Item | None
    size: int = 0
    expired: bool = False
    replicated: bool = False


def replace(table: ItemTable, change: Change, work: Work) -> Consumed:
    """Write an item, or delete it, and all that follows it; tells what that consumed."""
    definition = table.definition
    before, new = change.before, change.new
    consumed = Consumed(write_units(0 if before is None else before.size, change.size))
    if before is None and new is None:
        return consumed
    if new is None:
        work.delete(ITEMS, definition.id, *change.key)
        text = b""
    else:
        text = encode_item(new)
        attribute = definition.expiry_attribute
        expires_at = None if attribute is None else expiry.expires_at(new, attribute)
        work.put(ITEMS, StoredItem(definition.id, *change.key, text, change.size, expires_at))
        if expires_at is not None:
            expiry.expect(table, expires_at, work)
    count(definition.id, (new is not None) - (before is not None), change.size - (before.size if before else 0), work)
    if definition.indexes:
        consumed = consumed.plus(_replace_entries(definition, change, text, work))
    if definition.stream is not None and definition.stream.enabled:
        _record(definition, definition.stream, change, text, work)
    if definition.keeps_changes:
        keep(definition.id, change.key, before, work)
    if definition.replicas and not change.replicated:
        replication.send(table, change.key, new, change.size, work, expired=change.expired)
    return consumed


def _record(definition: TableDefinition, stream: Stream, change: Change, text: bytes, work: Work) -> None:
    """Tell the table's stream; a write that changed nothing is not told."""
    old, new = change.old, change.new
    if old == new:
        return
    item = new if new is not None else old
    assert item is not None
    shows_old = stream.view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") and change.before is not None
    shows_new = stream.view in ("NEW_IMAGE", "NEW_AND_OLD_IMAGES") and new is not None
    keys = {name: item[name] for name in definition.key.names}
    size = item_bytes(keys) + (change.size if shows_new else 0)
    if shows_old and change.before is not None:
        size += change.before.size
    work.put(
        STREAM_RECORDS,
        StreamRecord(
            id=work.next_id(STREAM_RECORDS),
            stream_id=stream.id,
            at=work.now,
            event="INSERT" if change.before is None else "REMOVE" if new is None else "MODIFY",
            keys=encode_item(keys),
            old=change.before.item if shows_old and change.before is not None else None,
            new=text if shows_new else None,
            size=size,
            expired=change.expired,
        ),
    )
    work.wake(f"dynamodb-stream:{stream.arn}")
    wake_mappings(stream.arn, work)


# Indexes -----------------------------------------------------------------------------------------------------------


def _replace_entries(definition: TableDefinition, change: Change, text: bytes, work: Work) -> Consumed:
    local: dict[str, float] = {}
    over_all: dict[str, float] = {}
    has_local = False
    growth = change.size - (change.before.size if change.before else 0)
    for index in definition.indexes:
        units, grown = _replace_entry(index, definition, change, text, work)
        if units:
            (over_all if index.is_global else local)[index.name] = units
        if not index.is_global:
            has_local = True
            growth += grown
    if has_local:
        collect(definition.id, change.key[0], growth, work)
    return Consumed(0, local, over_all)


def _replace_entry(
    index: Index, definition: TableDefinition, change: Change, text: bytes, work: Work
) -> tuple[int, int]:
    """The units that an index spends on a change, and by how many bytes it grows."""
    old_key = None if change.old is None else key_in_index(change.old, index)
    new_key = None if change.new is None else key_in_index(change.new, index)
    if old_key is None and new_key is None:
        return 0, 0
    old = None if old_key is None else work.get(INDEX_ENTRIES, index.id, *old_key, *change.key)
    new = None
    if new_key is not None:
        assert change.new is not None
        new = entry_of(index, definition, change.key, change.new, text)
        if old == new:
            return 0, 0
    units = 0
    if old is not None and old_key != new_key:
        work.delete(INDEX_ENTRIES, index.id, *_place(old))
        units += write_units(old.size, 0)
    if new is not None:
        work.put(INDEX_ENTRIES, new)
        units += write_units(old.size if old is not None and old_key == new_key else 0, new.size)
    growth = (new.size if new else 0) - (old.size if old else 0)
    count(index.id, (new is not None) - (old is not None), growth, work)
    return units, growth


def _place(entry: IndexEntry) -> tuple[bytes, bytes, bytes, bytes]:
    return entry.partition_key, entry.sort_key, entry.item_partition, entry.item_sort


def entry_of(index: Index, definition: TableDefinition, key: Encoded, item: Item, text: bytes) -> IndexEntry | None:
    """The item as the index holds it; ``text`` is its encoding. None when the item is not in the index."""
    place = key_in_index(item, index)
    if place is None:
        return None
    kept = projected(index, definition.key)
    if kept is None:
        return IndexEntry(index.id, *place, *key, text, item_bytes(item))
    part = {name: value for name, value in item.items() if name in kept}
    return IndexEntry(index.id, *place, *key, encode_item(part), item_bytes(part))


def add_entry(index: Index, definition: TableDefinition, stored: StoredItem, work: Work) -> None:
    """Put an item that was there before the index into it; nothing happens when it is in it already."""
    key = (stored.partition_key, stored.sort_key)
    entry = entry_of(index, definition, key, decode_item(stored.item), stored.item)
    if entry is not None and work.get(INDEX_ENTRIES, index.id, *_place(entry)) is None:
        work.put(INDEX_ENTRIES, entry)
        count(index.id, 1, entry.size, work)


def replicate(body: replication.Replicate, work: Work) -> None:
    """Take over a write of another replica, if none of ours is later."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is None or not replication.is_later(table, body, work):
        return
    key = (body.partition, body.sort)
    before = load(table, key, work)
    old = None if before is None else decode_item(before.item)
    replace(
        table,
        Change(key, before, old, replication.item_of(body), body.size, expired=body.expired, replicated=True),
        work,
    )
