"""New tables from copies: from a backup, or from what a table was at an instant.

The new table is CREATING, and open to neither reads nor writes, while bounded steps fill it and its indexes.

Source: DynamoDB API Reference, RestoreTableFromBackup, RestoreTableToPointInTime.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ServiceError, ValidationException
from interstate.core.tables.creation import (
    IndexWish,
    RequestUnits,
    Units,
    checked_units,
    on_demand_of,
    throughput_of,
)
from interstate.core.tables.errors import InvalidParameters
from interstate.core.tables.keys import Encoded
from interstate.core.tables.schema import Index, Restored, TableDefinition, Throughput
from interstate.services.dynamodb.backups import BackupInUseException, found_backup, source_table
from interstate.services.dynamodb.changes import LAST, as_it_was, last_until
from interstate.services.dynamodb.describe import description
from interstate.services.dynamodb.locate import check_name, table_arn
from interstate.services.dynamodb.recovery import earliest
from interstate.services.dynamodb.snapshots import begin, end
from interstate.services.dynamodb.stored import Change, replace
from interstate.services.dynamodb.tables import SSESpecification, encryption_key, made
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLE_IDS, ITEM_TABLES, ItemTable, decode_item

FILL_MAX = 100


class RestoreTableFromBackup(msgspec.Struct, frozen=True, rename="pascal"):
    target_table_name: str
    backup_arn: str
    billing_mode_override: str | None = None
    global_secondary_index_override: list[IndexWish] | None = None
    local_secondary_index_override: list[IndexWish] | None = None
    provisioned_throughput_override: Units | None = None
    on_demand_throughput_override: RequestUnits | None = None
    sse_specification_override: SSESpecification | None = msgspec.field(name="SSESpecificationOverride", default=None)
    vector_index_override: Any = None


class RestoreTableToPointInTime(msgspec.Struct, frozen=True, rename="pascal"):
    target_table_name: str
    source_table_arn: str | None = None
    source_table_name: str | None = None
    use_latest_restorable_time: bool = False
    restore_date_time: datetime | None = None
    billing_mode_override: str | None = None
    global_secondary_index_override: list[IndexWish] | None = None
    local_secondary_index_override: list[IndexWish] | None = None
    provisioned_throughput_override: Units | None = None
    on_demand_throughput_override: RequestUnits | None = None
    sse_specification_override: SSESpecification | None = msgspec.field(name="SSESpecificationOverride", default=None)
    vector_index_override: Any = None


Restore = RestoreTableFromBackup | RestoreTableToPointInTime


class Fill(msgspec.Struct, frozen=True):
    """Fill a new table with the items behind a key. ``source`` is the table whose copy ends with it."""

    arn: str
    id: int
    number: int
    since: int
    source: str | None = None
    partition: bytes = b""
    sort: bytes = b""


class TableAlreadyExistsException(ServiceError):
    """The table that would be made exists."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Table already exists: {name}")


class InvalidRestoreTimeException(ServiceError):
    """The instant lies outside the table's window."""


class PointInTimeRecoveryUnavailableException(ServiceError):
    """The table does not keep its past."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Point in time recovery is not enabled for table '{name}'")


def restore_table_from_backup(request: RestoreTableFromBackup, work: Work) -> dict[str, Any]:
    """A new table from a backup.

    Raises:
        BackupNotFoundException: there is no such backup.
        BackupInUseException: it is still being made.
        TableAlreadyExistsException: the new table exists.
    """
    _check_target(request, work)
    backup = found_backup(request.backup_arn, work)
    if backup.status != "AVAILABLE":
        raise BackupInUseException(f"Backup is being created: {backup.arn}")
    restored = Restored(backup.table_arn, backup.created, backup.arn)
    table = _made(request, backup.definition, restored, work)
    work.later("dynamodb.fill", Fill(table.arn, table.definition.id, backup.number, LAST))
    return {"TableDescription": description(table, work, status="CREATING")}


def restore_table_to_point_in_time(request: RestoreTableToPointInTime, work: Work) -> dict[str, Any]:
    """A new table with the items that another one had at an instant.

    Raises:
        TableNotFoundException: there is no such source.
        TableAlreadyExistsException: the new table exists.
        PointInTimeRecoveryUnavailableException: the source does not keep its past.
        InvalidRestoreTimeException: it does not go back so far.
        ValidationException: no instant is given.
    """
    name = request.source_table_arn or request.source_table_name
    if name is None:
        raise ValidationException("One of SourceTableArn or SourceTableName must be specified")
    _check_target(request, work)
    source = source_table(name, work, "RestoreTableToPointInTime")
    definition = source.definition
    if definition.recovery_since is None:
        raise PointInTimeRecoveryUnavailableException(source.name)
    at = work.now if request.use_latest_restorable_time else request.restore_date_time
    if at is None:
        raise ValidationException(
            "One or more parameter values were invalid: Either RestoreDateTime or UseLatestRestorableTime must be "
            "specified"
        )
    if not earliest(definition, work.now) <= at <= work.now:
        raise InvalidRestoreTimeException(
            "RestoreDateTime must be between EarliestRestorableDateTime and LatestRestorableDateTime"
        )
    now_on = begin(source, work)
    since = now_on if at == work.now else last_until(definition.id, at, work)
    table = _made(request, definition, Restored(source.arn, at), work)
    work.later("dynamodb.fill", Fill(table.arn, table.definition.id, definition.id, since, source.arn))
    return {"TableDescription": description(table, work, status="CREATING")}


def _check_target(request: Restore, work: Work) -> None:
    if request.vector_index_override is not None:
        raise NotImplementedHere("DynamoDB's VectorIndexOverride")
    check_name(request.target_table_name)
    if work.get(ITEM_TABLES, table_arn(request.target_table_name, work.caller)) is not None:
        raise TableAlreadyExistsException(request.target_table_name)


def _made(request: Restore, source: TableDefinition, restored: Restored, work: Work) -> ItemTable:
    paid_per_request, throughput = _billing(request, source)
    on_demand = on_demand_of(request.on_demand_throughput_override, paid_per_request=paid_per_request)
    if on_demand is None and paid_per_request:
        on_demand = source.on_demand
    key = source.encryption_key
    if request.sse_specification_override is not None:
        key = encryption_key(request.sse_specification_override, work)
    definition = TableDefinition(
        id=work.next_id(ITEM_TABLE_IDS),
        unique_id=work.entropy.uuid(),
        created=work.now,
        key=source.key,
        indexes=_indexes(request, source, work, paid_per_request=paid_per_request),
        paid_per_request=paid_per_request,
        paid_per_request_since=work.now if paid_per_request else None,
        throughput=throughput,
        table_class=source.table_class,
        encryption_key=key,
        filling=True,
        on_demand=on_demand,
        restored=restored,
    )
    return made(table_arn(request.target_table_name, work.caller), definition, {}, work)


def _billing(request: Restore, source: TableDefinition) -> tuple[bool, Throughput]:
    override, units = request.billing_mode_override, request.provisioned_throughput_override
    paid_per_request = source.paid_per_request if override is None else override == "PAY_PER_REQUEST"
    if units is None and not paid_per_request and not source.paid_per_request:
        return False, source.throughput
    return paid_per_request, throughput_of(units, paid_per_request=paid_per_request)


def _indexes(request: Restore, source: TableDefinition, work: Work, *, paid_per_request: bool) -> tuple[Index, ...]:
    kept = [
        *_kept(request.local_secondary_index_override, [one for one in source.indexes if not one.is_global]),
        *_kept(request.global_secondary_index_override, [one for one in source.indexes if one.is_global]),
    ]
    answer = []
    for index, wish in kept:
        throughput = Throughput() if paid_per_request else index.throughput
        if wish is not None and wish.provisioned_throughput is not None and not paid_per_request:
            throughput = checked_units(wish.provisioned_throughput)
        answer.append(
            Index(
                work.next_id(ITEM_TABLE_IDS),
                index.name,
                index.key,
                index.projection,
                index.attributes,
                is_global=index.is_global,
                throughput=throughput,
            )
        )
    return tuple(answer)


def _kept(wishes: Sequence[IndexWish] | None, indexes: Sequence[Index]) -> list[tuple[Index, IndexWish | None]]:
    """The indexes that come along: those that the override names, or all without one."""
    if wishes is None:
        return [(index, None) for index in indexes]
    known = {index.name: index for index in indexes}
    for wish in wishes:
        if wish.index_name not in known:
            raise InvalidParameters(
                f"Index {wish.index_name} does not exist in the source; indexes can be left out only"
            )
    return [(known[wish.index_name], wish) for wish in wishes]


def fill(body: Fill, work: Work) -> None:
    """Put a bounded number of items into a new table, then the rest; it is ACTIVE after the last."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is None or table.definition.id != body.id:
        return
    snapshot = as_it_was(body.number, body.since, (body.partition, body.sort), FILL_MAX, work)
    for row in snapshot.items:
        key: Encoded = (row.partition_key, row.sort_key)
        replace(table, Change(key, None, None, decode_item(row.item), row.size), work)
    if snapshot.end is not None:
        partition, sort = snapshot.end
        work.later("dynamodb.fill", msgspec.structs.replace(body, partition=partition, sort=sort), yields=True)
        return
    opened(table, work)
    source = None if body.source is None else work.get(ITEM_TABLES, body.source)
    if source is not None and source.definition.id == body.number:
        end(source, work)


def opened(table: ItemTable, work: Work) -> None:
    """Open a table that is filled."""
    definition = msgspec.structs.replace(table.definition, filling=False)
    work.put(ITEM_TABLES, msgspec.structs.replace(table, definition=definition))
