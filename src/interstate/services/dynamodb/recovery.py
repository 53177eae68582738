"""Point-in-time recovery: the setting of a table, its window, and the sweep of what is behind it.

Every write of such a table keeps what was there before (``changes``); a due row sweeps, every hour and never pulling the
clock, what is older than the window.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Point-in-time-recovery.html
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.core.tables.schema import TableDefinition
from interstate.services.dynamodb import changes
from interstate.services.dynamodb.backups import source_table
from interstate.services.dynamodb.snapshots import SWEEP_MAX, forget_changes
from interstate.services.dynamodb.tables import TableRequest
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES

SWEEP_EVERY = timedelta(hours=1)
DAYS_MAX = 35


class RecoverySpecification(msgspec.Struct, frozen=True, rename="pascal"):
    point_in_time_recovery_enabled: bool
    recovery_period_in_days: int | None = None


class UpdateContinuousBackups(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    point_in_time_recovery_specification: RecoverySpecification


class Sweep(msgspec.Struct, frozen=True):
    """Forget changes that are older than the table's window."""

    arn: str
    id: int
    since: datetime


def earliest(definition: TableDefinition, now: datetime) -> datetime:
    """The earliest instant to which the table can be restored."""
    assert definition.recovery_since is not None
    return max(definition.recovery_since, now - timedelta(days=definition.recovery_days))


def _description(definition: TableDefinition, now: datetime) -> dict[str, Any]:
    recovery: dict[str, Any] = {"PointInTimeRecoveryStatus": "DISABLED"}
    if definition.recovery_since is not None:
        recovery = {
            "PointInTimeRecoveryStatus": "ENABLED",
            "RecoveryPeriodInDays": definition.recovery_days,
            "EarliestRestorableDateTime": earliest(definition, now),
            "LatestRestorableDateTime": now,
        }
    return {
        "ContinuousBackupsDescription": {
            "ContinuousBackupsStatus": "ENABLED",
            "PointInTimeRecoveryDescription": recovery,
        }
    }


def describe_continuous_backups(request: TableRequest, work: Work) -> dict[str, Any]:
    """Whether a table can be restored to an instant, and to which.

    Raises:
        TableNotFoundException: there is no such table.
    """
    table = source_table(request.table_name, work, "DescribeContinuousBackups")
    return _description(table.definition, work.now)


def update_continuous_backups(request: UpdateContinuousBackups, work: Work) -> dict[str, Any]:
    """Turn point-in-time recovery on or off; turned off, its past is forgotten.

    Raises:
        TableNotFoundException: there is no such table.
    """
    table = source_table(request.table_name, work, "UpdateContinuousBackups")
    definition, wish = table.definition, request.point_in_time_recovery_specification
    days = wish.recovery_period_in_days or definition.recovery_days
    if not wish.point_in_time_recovery_enabled:
        definition = msgspec.structs.replace(definition, recovery_since=None, recovery_days=DAYS_MAX)
    elif definition.recovery_since is None:
        definition = msgspec.structs.replace(definition, recovery_since=work.now, recovery_days=days)
        body = Sweep(table.arn, definition.id, work.now)
        work.later("dynamodb.changes.sweep", body, at=work.now + SWEEP_EVERY)
    else:
        definition = msgspec.structs.replace(definition, recovery_days=days)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    if not definition.keeps_changes:
        forget_changes(table, work)
    return _description(definition, work.now)


def sweep(body: Sweep, work: Work) -> None:
    """Forget a bounded number of changes, then go on at once or in an hour."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is None or table.definition.id != body.id or table.definition.recovery_since != body.since:
        return
    cutoff = work.now - timedelta(days=table.definition.recovery_days)
    # A copy that is being made may need what has just left the window: it is swept afterwards.
    swept = 0 if table.definition.copies else changes.sweep(body.id, cutoff, SWEEP_MAX, work)
    at = work.now if swept == SWEEP_MAX else work.now + SWEEP_EVERY
    work.later("dynamodb.changes.sweep", body, at=at)
