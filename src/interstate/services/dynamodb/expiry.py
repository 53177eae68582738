"""When items expire, and the one due row of each table that waits for it.

Theory of operation
-------------------
Each table with a time to live has at most one due row, a minute behind the earliest expiry that was seen; writing an
item that expires earlier moves it. The sweep (``time_to_live``) deletes what has expired, a bounded number at once, and
waits for the next. Nothing polls, and the row never pulls the clock: an expired item may be read until the sweep, as in
DynamoDB, whose own sweeps take up to a few days.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
"""

from datetime import datetime, timedelta
from decimal import Decimal

import msgspec

from interstate.base.time import EPOCH
from interstate.core.tables.values import Item
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_EXPIRIES, ItemExpiry, ItemTable

SWEEP_DELAY = timedelta(minutes=1)
_SECONDS_MAX = 253_402_300_000  # The year 9999.


class Sweep(msgspec.Struct, frozen=True):
    """Delete what has expired in a table."""

    arn: str
    id: int


def expires_at(item: Item, attribute: str) -> int | None:
    """The second in which an item expires; None when it never does (no number, or one that is no instant)."""
    number = item.get(attribute, {}).get("N")
    if number is None:
        return None
    seconds = int(Decimal(number))
    return seconds if 0 < seconds <= _SECONDS_MAX else None


def expect(table: ItemTable, seconds: int, work: Work) -> None:
    """Have the table swept soon after this second, if it would not be swept before."""
    at = max(EPOCH + timedelta(seconds=seconds), work.now) + SWEEP_DELAY
    current = work.get(ITEM_EXPIRIES, table.definition.id)
    if current is None or at < current.at:
        if current is not None:
            work.cancel(current.due_id)
        wait(table, at, work)


def wait(table: ItemTable, at: datetime, work: Work) -> None:
    """Have the table swept at this instant."""
    number = table.definition.id
    due_id = work.later("dynamodb.ttl", Sweep(table.arn, number), at=at)
    work.put(ITEM_EXPIRIES, ItemExpiry(number, at, due_id))


def forget(number: int, work: Work) -> None:
    """Sweep a table no more."""
    current = work.get(ITEM_EXPIRIES, number)
    if current is not None:
        work.cancel(current.due_id)
        work.delete(ITEM_EXPIRIES, number)
