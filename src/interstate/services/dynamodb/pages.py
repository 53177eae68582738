"""Pages of a Query or Scan: how far to read, and where to go on.

Theory of operation
-------------------
A page ends at ``Limit`` items, at 1 MB, or where the range ends; filters come afterwards, so what they drop counts. The
store is read in small steps that grow with what was seen, so that neither many small items nor a few large ones cost more
than a page needs. A page of a parallel scan also ends after a bounded number of rows, since most of them belong to other
segments; like DynamoDB's, it may then be empty and still have a next one.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Query.Pagination.html
"""

from collections.abc import Callable, Sequence
from hashlib import blake2b

import msgspec

from interstate.core.tables.expressions.key_condition import KeyRange
from interstate.core.tables.keys import Encoded, after
from interstate.core.tables.schema import Index
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    ENTRIES_AFTER,
    INDEX_ASCENDING,
    INDEX_DESCENDING,
    ITEMS_AFTER,
    PARTITION_ASCENDING,
    PARTITION_DESCENDING,
    IndexEntry,
    StoredItem,
)

PAGE_BYTES_MAX = 1024 * 1024
"""Source: DynamoDB quotas, Query and Scan."""
STEP_FIRST = 32
STEP_MAX = 1000
ROWS_MAX = 10_000

Row = StoredItem | IndexEntry


class Place(msgspec.Struct, frozen=True):
    """Where a row stands: its key in the index (empty without one), and its item's key."""

    item: Encoded
    index: Encoded = (b"", b"")


class Page(msgspec.Struct, frozen=True):
    """Rows that were looked at. ``ended`` when nothing comes behind them; ``place`` is the last one's otherwise."""

    rows: list[Row]
    size: int
    ended: bool
    place: Place | None = None


Fetch = Callable[[Place | None, int], Sequence[Row]]
"""At most so many rows behind a place, in order."""


def read_page(fetch: Fetch, *, start: Place | None, limit: int | None, belongs: Callable[[Row], bool] | None) -> Page:
    """The next page."""
    rows: list[Row] = []
    size = seen = 0
    place = start
    step = min(limit or STEP_FIRST, STEP_FIRST)
    while True:
        found = fetch(place, step)
        for row in found:
            if belongs is not None and not belongs(row):
                continue
            rows.append(row)
            size += row.size
            if len(rows) == limit or size >= PAGE_BYTES_MAX:
                return Page(rows, size, ended=False, place=place_of(row))
        seen += len(found)
        if len(found) < step:
            return Page(rows, size, ended=True)
        place = place_of(found[-1])
        if seen >= ROWS_MAX and belongs is not None:
            return Page(rows, size, ended=False, place=place)
        step = _next_step(found, len(rows), size, limit)


def _next_step(found: Sequence[Row], count: int, size: int, limit: int | None) -> int:
    mean = sum(row.size for row in found) // len(found) + 1
    wanted = (PAGE_BYTES_MAX - size) // mean + 1
    if limit is not None:
        wanted = min(wanted, limit - count)
    return max(1, min(wanted, STEP_MAX))


def place_of(row: Row) -> Place:
    """The place of a row."""
    if isinstance(row, IndexEntry):
        return Place((row.item_partition, row.item_sort), (row.partition_key, row.sort_key))
    return Place((row.partition_key, row.sort_key))


# Ranges ------------------------------------------------------------------------------------------------------------


def partition_of_table(table_id: int, wanted: KeyRange, work: Work, *, forward: bool) -> Fetch:
    """Rows of one partition of a table."""

    def fetch(behind: Place | None, count: int) -> Sequence[Row]:
        low, high = wanted.low, wanted.high
        if behind is not None:
            low, high = (after(behind.item[1]), high) if forward else (low, behind.item[1])
        select = PARTITION_ASCENDING if forward else PARTITION_DESCENDING
        return work.select(select, limit=count, table=table_id, partition=wanted.partition, low=low, high=high)

    return fetch


def partition_of_index(index: Index, wanted: KeyRange, work: Work, *, forward: bool) -> Fetch:
    """Rows of one partition of an index."""
    select = INDEX_ASCENDING if forward else INDEX_DESCENDING
    # No entry's item key is empty, so that an empty one stands before all entries of its sort key.
    begin = Place((b"", b""), (wanted.partition, wanted.low if forward else wanted.high))

    def fetch(behind: Place | None, count: int) -> Sequence[Row]:
        place = behind or begin
        return work.select(
            select,
            limit=count,
            index=index.id,
            partition=wanted.partition,
            low=wanted.low,
            high=wanted.high,
            start=place.index[1],
            start_partition=place.item[0],
            start_sort=place.item[1],
        )

    return fetch


def whole_table(table_id: int, work: Work) -> Fetch:
    """All rows of a table."""

    def fetch(behind: Place | None, count: int) -> Sequence[Row]:
        partition, sort = (b"", b"") if behind is None else behind.item
        return work.select(ITEMS_AFTER, limit=count, table=table_id, partition=partition, sort=sort)

    return fetch


def whole_index(index: Index, work: Work) -> Fetch:
    """All rows of an index."""

    def fetch(behind: Place | None, count: int) -> Sequence[Row]:
        place = behind or Place((b"", b""))
        return work.select(
            ENTRIES_AFTER,
            limit=count,
            index=index.id,
            partition=place.index[0],
            start=place.index[1],
            start_partition=place.item[0],
            start_sort=place.item[1],
        )

    return fetch


def in_segment(segment: int, segments: int) -> Callable[[Row], bool]:
    """Whether a row belongs to a segment of a parallel scan: items of one partition stay together."""

    def belongs(row: Row) -> bool:
        digest = blake2b(row.partition_key, digest_size=8).digest()
        return int.from_bytes(digest) % segments == segment

    return belongs
