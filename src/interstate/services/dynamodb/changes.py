"""What items were before: the log from which a table is read as it was.

Theory of operation
-------------------
While a table keeps changes, every write appends the item as it was before. The item of a key at an instant is then the
``before`` of its first change behind that instant, or, without one, the item that is there now. A copy of a table
(backup, export, restore) walks the keys in bounded steps and reads each so, while writes go on.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from datetime import datetime

import msgspec

from interstate.core.tables.keys import Encoded
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    CHANGES_AFTER,
    CHANGES_BEFORE,
    CHANGES_OF_ITEM,
    CHANGES_OF_TABLE,
    CHANGES_UNTIL,
    ITEM_CHANGES,
    ITEMS,
    ITEMS_AFTER,
    ItemChange,
    StoredItem,
)

LAST = (1 << 63) - 1
"""Since this change nothing has changed: an item is what it is now."""
START: Encoded = (b"", b"")


class Snapshot(msgspec.Struct, frozen=True):
    """Items of a key range as they were, and where the range ended; None: there is nothing behind."""

    items: list[StoredItem]
    end: Encoded | None


def keep(table_id: int, key: Encoded, before: StoredItem | None, work: Work) -> None:
    """Note what an item was before a write."""
    work.put(
        ITEM_CHANGES,
        ItemChange(
            work.next_id(ITEM_CHANGES),
            table_id,
            work.now,
            *key,
            None if before is None else before.item,
            0 if before is None else before.size,
        ),
    )


def as_it_was(table_id: int, since: int, behind: Encoded, limit: int, work: Work) -> Snapshot:
    """The items behind a key as they were before the change ``since + 1``: at most so many keys."""
    rows = work.select(ITEMS_AFTER, limit=limit, table=table_id, partition=behind[0], sort=behind[1])
    changes = work.select(CHANGES_AFTER, limit=limit, table=table_id, partition=behind[0], sort=behind[1], after=LAST)
    # Both pages end at a key that was seen; what lies behind the nearer end is read by the next step.
    ends = [(page[-1].partition_key, page[-1].sort_key) for page in (rows, changes) if len(page) == limit]
    end = min(ends) if ends else None
    found: dict[Encoded, StoredItem | None] = {(row.partition_key, row.sort_key): row for row in rows}
    for key in {(change.partition_key, change.sort_key) for change in changes if end is None or _key(change) <= end}:
        first = work.select(CHANGES_OF_ITEM, limit=1, table=table_id, partition=key[0], sort=key[1], since=since)
        if first:
            change = first[0]
            found[key] = None if change.before is None else StoredItem(table_id, *key, change.before, change.size)
    items = [row for key, row in sorted(found.items()) if row is not None and (end is None or key <= end)]
    return Snapshot(items, end)


def _key(change: ItemChange) -> Encoded:
    return change.partition_key, change.sort_key


def last_until(table_id: int, until: datetime, work: Work) -> int:
    """The number of the last change up to an instant; 0 when there is none."""
    found = work.select(CHANGES_UNTIL, limit=1, table=table_id, until=until)
    return found[0].id if found else 0


def sweep(table_id: int, before: datetime, limit: int, work: Work) -> int:
    """Forget a bounded number of changes from before an instant; tells how many."""
    return work.erase(CHANGES_BEFORE, limit=limit, table=table_id, before=before)


def forget(table_id: int, limit: int, work: Work) -> int:
    """Forget a bounded number of a table's changes, oldest first; tells how many."""
    return work.erase(CHANGES_OF_TABLE, limit=limit, table=table_id)


class Difference(msgspec.Struct, frozen=True):
    """An item at two instants; None: there was none."""

    key: Encoded
    at: datetime
    old: StoredItem | None
    new: StoredItem | None


def changed_between(
    table_id: int, span: tuple[int, int], behind: Encoded, limit: int, work: Work
) -> tuple[list[Difference], Encoded | None]:
    """Items behind a key that changed after one change up to another, and where to go on (None: nothing is left)."""
    since, until = span
    page = work.select(CHANGES_AFTER, limit=limit, table=table_id, partition=behind[0], sort=behind[1], after=LAST)
    differences = []
    for key in sorted({_key(change) for change in page}):
        partition, sort = key
        first = work.select(CHANGES_OF_ITEM, limit=1, table=table_id, partition=partition, sort=sort, since=since)
        if not first or first[0].id > until:
            continue
        later = work.select(CHANGES_OF_ITEM, limit=1, table=table_id, partition=partition, sort=sort, since=until)
        new = _before(later[0]) if later else work.get(ITEMS, table_id, partition, sort)
        differences.append(Difference(key, first[0].at, _before(first[0]), new))
    return differences, _key(page[-1]) if len(page) == limit else None


def _before(change: ItemChange) -> StoredItem | None:
    if change.before is None:
        return None
    return StoredItem(change.table_id, change.partition_key, change.sort_key, change.before, change.size)
