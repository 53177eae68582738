"""Backups on demand: a table's settings and items, copied while writes go on.

Theory of operation
-------------------
From the moment of CreateBackup on, the table keeps what its items were before each write (``changes``). Bounded steps walk
its keys and copy each item as it was at that moment under the backup's own number; a backup is AVAILABLE after the last.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.services.dynamodb.changes import as_it_was
from interstate.services.dynamodb.copies import Expire, backup_arn, backup_description, details, summary
from interstate.services.dynamodb.errors import LimitExceededException, ResourceInUseException, TableMissing
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.snapshots import begin, end
from interstate.services.dynamodb.tables import Drop
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    BACKUPS_OF_SCOPE,
    ITEM_BACKUPS,
    ITEM_TABLE_IDS,
    ITEM_TABLES,
    ITEMS,
    ItemBackup,
    ItemTable,
    ItemTableId,
)

COPY_MAX = 200
LIST_MAX = 100
COPIES_MAX = 50
"""Source: DynamoDB quotas, backups at once."""
_PAGE = 200


class CreateBackup(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    backup_name: str


class BackupRequest(msgspec.Struct, frozen=True, rename="pascal"):
    backup_arn: str


class ListBackups(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str | None = None
    limit: int = LIST_MAX
    time_range_lower_bound: datetime | None = None
    time_range_upper_bound: datetime | None = None
    exclusive_start_backup_arn: str = ""
    backup_type: str = "ALL"


class Copy(msgspec.Struct, frozen=True):
    """Copy the items behind a key into a backup."""

    arn: str
    since: int
    partition: bytes = b""
    sort: bytes = b""


class TableNotFoundException(ServiceError):
    """Backups name a missing table by an error of their own."""

    def __init__(self, name: str) -> None:
        super().__init__(f"Table not found: {name}")


class BackupNotFoundException(ServiceError):
    """There is no such backup."""

    def __init__(self, arn: str) -> None:
        super().__init__(f"Backup not found: {arn}")


class BackupInUseException(ServiceError):
    """The backup is still being made."""


def source_table(name: str, work: Work, action: str) -> ItemTable:
    """The table that is copied.

    Raises:
        TableNotFoundException: there is none.
    """
    try:
        return described_table(name, work, action)
    except TableMissing as error:
        raise TableNotFoundException(name.rpartition("/")[2]) from error


def create_backup(request: CreateBackup, work: Work) -> dict[str, Any]:
    """Copy a table as it is now.

    Raises:
        TableNotFoundException: there is no such table.
        ResourceInUseException: it is still being filled.
        LimitExceededException: too many copies are being made of it.
    """
    table = source_table(request.table_name, work, "CreateBackup")
    if table.definition.filling:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being created: {table.name}"
        )
    if table.definition.copies >= COPIES_MAX:
        raise LimitExceededException(f"Subscriber limit exceeded: There is a limit of {COPIES_MAX} concurrent backups")
    arn = backup_arn(table.arn, work)
    number = work.next_id(ITEM_TABLE_IDS)
    work.put(ITEM_TABLE_IDS, ItemTableId(number, arn))
    backup = ItemBackup(
        arn=arn,
        number=number,
        scope=table.scope,
        table_arn=table.arn,
        table_name=table.name,
        name=request.backup_name,
        kind="USER",
        status="CREATING",
        created=work.now,
        definition=table.definition,
    )
    work.put(ITEM_BACKUPS, backup)
    work.later("dynamodb.backup", Copy(arn, begin(table, work)))
    return {"BackupDetails": details(backup)}


def copy(body: Copy, work: Work) -> None:
    """Copy a bounded number of items, then the rest."""
    backup = work.get(ITEM_BACKUPS, body.arn)
    if backup is None:
        return
    snapshot = as_it_was(backup.definition.id, body.since, (body.partition, body.sort), COPY_MAX, work)
    for row in snapshot.items:
        work.put(ITEMS, msgspec.structs.replace(row, table_id=backup.number, expires_at=None))
    backup = msgspec.structs.replace(
        backup,
        items=backup.items + len(snapshot.items),
        bytes=backup.bytes + sum(row.size for row in snapshot.items),
        status="AVAILABLE" if snapshot.end is None else "CREATING",
    )
    work.put(ITEM_BACKUPS, backup)
    if snapshot.end is not None:
        work.later("dynamodb.backup", Copy(body.arn, body.since, *snapshot.end), yields=True)
        return
    table = work.get(ITEM_TABLES, backup.table_arn)
    if table is not None and table.definition.id == backup.definition.id:
        end(table, work)


def found_backup(arn: str, work: Work) -> ItemBackup:
    """The caller's backup.

    Raises:
        BackupNotFoundException: there is none.
    """
    backup = work.get(ITEM_BACKUPS, arn)
    if backup is None or backup.scope != f"{work.caller.account}/{work.caller.region}":
        raise BackupNotFoundException(arn)
    return backup


def describe_backup(request: BackupRequest, work: Work) -> dict[str, Any]:
    """A backup, and the table as it was.

    Raises:
        BackupNotFoundException: there is none.
    """
    return {"BackupDescription": backup_description(found_backup(request.backup_arn, work), work)}


def delete_backup(request: BackupRequest, work: Work) -> dict[str, Any]:
    """Forget a backup at once, its items in bounded steps.

    Raises:
        BackupNotFoundException: there is none.
        BackupInUseException: it is still being made.
    """
    backup = found_backup(request.backup_arn, work)
    if backup.status == "CREATING":
        raise BackupInUseException(f"Backup is being created: {backup.arn}")
    answer = backup_description(backup, work)
    answer["BackupDetails"] = {**answer["BackupDetails"], "BackupStatus": "DELETED"}
    _forget(backup, work)
    return {"BackupDescription": answer}


def _forget(backup: ItemBackup, work: Work) -> None:
    work.delete(ITEM_BACKUPS, backup.arn)
    work.later("dynamodb.drop", Drop(backup.number, []))


def expire(body: Expire, work: Work) -> None:
    """Forget a backup whose time is over."""
    backup = work.get(ITEM_BACKUPS, body.arn)
    if backup is not None:
        _forget(backup, work)


def list_backups(request: ListBackups, work: Work) -> dict[str, Any]:
    """The account's backups, of one table or all, page by page."""
    scope = f"{work.caller.account}/{work.caller.region}"
    name = None if request.table_name is None else request.table_name.rpartition("/")[2]
    after = request.exclusive_start_backup_arn
    found: list[ItemBackup] = []
    more = True
    while more and len(found) <= request.limit:
        page = work.select(BACKUPS_OF_SCOPE, limit=_PAGE, scope=scope, after=after)
        found.extend(backup for backup in page if _is_wanted(backup, name, request))
        more = len(page) == _PAGE
        after = page[-1].arn if page else after
    answer: dict[str, Any] = {"BackupSummaries": [summary(backup) for backup in found[: request.limit]]}
    if len(found) > request.limit:
        answer["LastEvaluatedBackupArn"] = found[request.limit - 1].arn
    return answer


def _is_wanted(backup: ItemBackup, name: str | None, request: ListBackups) -> bool:
    lower, upper = request.time_range_lower_bound, request.time_range_upper_bound
    return (
        (name is None or backup.table_name == name)
        and request.backup_type in ("ALL", backup.kind)
        and (lower is None or backup.created >= lower)
        and (upper is None or backup.created < upper)
    )
