"""How many items a table or an index holds, and how many bytes.

Theory of operation
-------------------
Every write changes a count, so a count in one row would be the row on which all writers of a table meet. Each batch
therefore appends what it added under its own instant and its node's number; reading adds those few rows to the folded count, and now and then
a batch folds older ones in.
"""

from interstate.base.time import to_micros
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ADDED_BYTES,
    ADDED_ITEMS,
    DELTAS_BEFORE,
    DELTAS_OF,
    ITEM_COUNT_DELTAS,
    ITEM_COUNTS,
    ItemCount,
    ItemCountDelta,
)

FOLD_ONE_IN = 64
FOLD_MAX = 1000


def count(number: int, items: int, size: int, work: Work) -> None:
    """Count items and bytes that came (or, below zero, went)."""
    if not items and not size:
        return
    delta = work.get(ITEM_COUNT_DELTAS, number, work.now, work.node)
    if delta is None:
        work.put(ITEM_COUNT_DELTAS, ItemCountDelta(number, work.now, items, size, work.node))
        if to_micros(work.now) % FOLD_ONE_IN == 0:
            fold(number, work)
    else:
        work.put(
            ITEM_COUNT_DELTAS, ItemCountDelta(number, work.now, delta.items + items, delta.bytes + size, work.node)
        )


def fold(number: int, work: Work) -> None:
    """Add what earlier batches appended to the count, a bounded number of them."""
    deltas = work.select(DELTAS_BEFORE, limit=FOLD_MAX, number=number, before=work.now)
    if not deltas:
        return
    known = work.get(ITEM_COUNTS, number) or ItemCount(number, 0, 0)
    items = known.items + sum(delta.items for delta in deltas)
    work.put(ITEM_COUNTS, ItemCount(number, items, known.bytes + sum(delta.bytes for delta in deltas)))
    for delta in deltas:
        work.delete(ITEM_COUNT_DELTAS, number, delta.at, delta.node)


def counted(number: int, work: Work) -> ItemCount:
    """The count of this moment."""
    known = work.get(ITEM_COUNTS, number) or ItemCount(number, 0, 0)
    items = work.scalar(ADDED_ITEMS, number=number)
    return ItemCount(number, known.items + items, known.bytes + work.scalar(ADDED_BYTES, number=number))


def forget(number: int, work: Work) -> None:
    """Count a table or an index no more."""
    work.delete(ITEM_COUNTS, number)
    while work.erase(DELTAS_OF, limit=FOLD_MAX, number=number) == FOLD_MAX:
        pass
