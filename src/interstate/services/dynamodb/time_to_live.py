"""Time to live: the setting of a table, and the sweep that deletes what has expired.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import ValidationException
from interstate.base.time import EPOCH, to_micros
from interstate.services.dynamodb.expiry import SWEEP_DELAY, Sweep, expect, expires_at, forget, wait
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.stored import Change, replace
from interstate.services.dynamodb.throughput import NAMESPACE
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    EXPIRING,
    ITEM_EXPIRIES,
    ITEM_TABLES,
    ITEMS,
    ITEMS_AFTER,
    ItemTable,
    StoredItem,
    decode_item,
)

SWEEP_MAX = 100
BACKFILL_MAX = 200
AGE_MAX = timedelta(days=5 * 365)
"""An instant more than five years ago is taken for a mistake; the item stays. Source: TTL, formatting the attribute."""


class Specification(msgspec.Struct, frozen=True, rename="pascal"):
    enabled: bool
    attribute_name: str


class UpdateTimeToLive(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    time_to_live_specification: Specification


class DescribeTimeToLive(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str


class Backfill(msgspec.Struct, frozen=True):
    """Read the expiry of items that are older than the table's time to live, from a key on."""

    arn: str
    id: int
    attribute: str
    partition: bytes = b""
    sort: bytes = b""


def update_time_to_live(request: UpdateTimeToLive, work: Work) -> dict[str, Any]:
    """Turn a table's time to live on or off.

    Raises:
        ValidationException: it is so already.
        TableMissing: there is no such table.
    """
    table = described_table(request.table_name, work, "UpdateTimeToLive")
    wanted = request.time_to_live_specification
    current = table.definition.expiry_attribute
    if current is not None and current != wanted.attribute_name:
        raise ValidationException(
            f"TimeToLive is active on a different AttributeName: current AttributeName is {current}"
        )
    if wanted.enabled and current is not None:
        raise ValidationException("TimeToLive is already enabled")
    if not wanted.enabled and current is None:
        raise ValidationException("TimeToLive is already disabled")
    attribute = wanted.attribute_name if wanted.enabled else None
    replicas = (work.get(ITEM_TABLES, replica.arn) for replica in table.definition.replicas)
    for one in (table, *(replica for replica in replicas if replica is not None)):
        _set(one, attribute, work)
    return {"TimeToLiveSpecification": {"Enabled": wanted.enabled, "AttributeName": wanted.attribute_name}}


def _set(table: ItemTable, attribute: str | None, work: Work) -> None:
    definition = msgspec.structs.replace(table.definition, expiry_attribute=attribute)
    work.put(ITEM_TABLES, msgspec.structs.replace(table, definition=definition))
    if attribute is None:
        forget(definition.id, work)
    else:
        work.later("dynamodb.expiries", Backfill(table.arn, definition.id, attribute))


def describe_time_to_live(request: DescribeTimeToLive, work: Work) -> dict[str, Any]:
    """Whether a table has a time to live, and by which attribute."""
    attribute = described_table(request.table_name, work).definition.expiry_attribute
    if attribute is None:
        return {"TimeToLiveDescription": {"TimeToLiveStatus": "DISABLED"}}
    return {"TimeToLiveDescription": {"TimeToLiveStatus": "ENABLED", "AttributeName": attribute}}


def sweep(body: Sweep, work: Work) -> None:
    """Delete what has expired, and wait for the next."""
    work.delete(ITEM_EXPIRIES, body.id)
    table = work.get(ITEM_TABLES, body.arn)
    if table is None or table.definition.id != body.id or table.definition.expiry_attribute is None:
        return
    oldest = _seconds(work.now - AGE_MAX)
    rows = work.select(EXPIRING, limit=SWEEP_MAX + 1, table=body.id, after=oldest)
    now = _seconds(work.now)
    expired = [row for row in rows[:SWEEP_MAX] if _expiry(row) <= now]
    for row in expired:
        key = (row.partition_key, row.sort_key)
        replace(table, Change(key, row, decode_item(row.item), None, expired=True), work)
    if expired:
        owner = caller_of(table.arn)
        dimensions = (("TableName", table.name),)
        work.measure(NAMESPACE, "TimeToLiveDeletedItemCount", dimensions, float(len(expired)), caller=owner)
    rest = rows[len(expired) :]
    if rest:
        wait(table, max(EPOCH + timedelta(seconds=_expiry(rest[0])) + SWEEP_DELAY, work.now), work)


def _expiry(row: StoredItem) -> int:
    assert row.expires_at is not None
    return row.expires_at


def _seconds(at: datetime) -> int:
    return to_micros(at) // 1_000_000


def backfill(body: Backfill, work: Work) -> None:
    """Take up items that were written before the table had a time to live, a bounded number at once."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is None or table.definition.id != body.id or table.definition.expiry_attribute != body.attribute:
        return
    rows = work.select(ITEMS_AFTER, limit=BACKFILL_MAX, table=body.id, partition=body.partition, sort=body.sort)
    for row in rows:
        seconds = expires_at(decode_item(row.item), body.attribute)
        if seconds != row.expires_at:
            work.put(ITEMS, msgspec.structs.replace(row, expires_at=seconds))
        if seconds is not None:
            expect(table, seconds, work)
    if len(rows) == BACKFILL_MAX:
        last = rows[-1]
        work.later("dynamodb.expiries", msgspec.structs.replace(body, partition=last.partition_key, sort=last.sort_key))
