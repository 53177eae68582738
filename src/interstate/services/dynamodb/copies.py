"""Copies of tables: how a backup is named, described and kept.

Source: DynamoDB API Reference, BackupDescription.
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.time import to_millis
from interstate.core.tables.schema import TableDefinition
from interstate.services.dynamodb.counts import counted
from interstate.services.dynamodb.describe import description
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_BACKUPS, ItemBackup, ItemTable

SYSTEM_BACKUP_LIFE = timedelta(days=35)
"""Source: Developer Guide, Point-in-time recovery, Deleting a table with point-in-time recovery enabled."""


class Expire(msgspec.Struct, frozen=True):
    """Delete a backup that DynamoDB made by itself."""

    arn: str


def backup_arn(table_arn: str, work: Work) -> str:
    """A new backup's ARN: its instant and a random part."""
    return f"{table_arn}/backup/{to_millis(work.now):014d}-{work.entropy.hex(8)}"


def keep_deleted(table: ItemTable, work: Work) -> bool:
    """Make a backup of a table that is deleted while it has point-in-time recovery; tells whether it has its items."""
    definition = table.definition
    if definition.recovery_since is None:
        return False
    arn = backup_arn(table.arn, work)
    count = counted(definition.id, work)
    expires = work.now + SYSTEM_BACKUP_LIFE
    work.put(
        ITEM_BACKUPS,
        ItemBackup(
            arn=arn,
            number=definition.id,
            scope=table.scope,
            table_arn=table.arn,
            table_name=table.name,
            name=f"{table.name}$DeletedTableBackup",
            kind="SYSTEM",
            status="AVAILABLE",
            created=work.now,
            definition=definition,
            expires=expires,
            items=count.items,
            bytes=count.bytes,
        ),
    )
    work.later("dynamodb.backup.expire", Expire(arn), at=expires)
    return True


def details(backup: ItemBackup) -> dict[str, Any]:
    """``BackupDetails``."""
    answer: dict[str, Any] = {
        "BackupArn": backup.arn,
        "BackupName": backup.name,
        "BackupSizeBytes": backup.bytes,
        "BackupStatus": backup.status,
        "BackupType": backup.kind,
        "BackupCreationDateTime": backup.created,
    }
    if backup.expires is not None:
        answer["BackupExpiryDateTime"] = backup.expires
    return answer


def summary(backup: ItemBackup) -> dict[str, Any]:
    """``BackupSummary``."""
    return {
        "TableName": backup.table_name,
        "TableId": backup.definition.unique_id,
        "TableArn": backup.table_arn,
        **details(backup),
    }


_INDEX_MEMBERS = ("IndexName", "KeySchema", "Projection")


def backup_description(backup: ItemBackup, work: Work) -> dict[str, Any]:
    """``BackupDescription``: the backup, the table as it was, and its features."""
    definition = backup.definition
    table = ItemTable(backup.table_arn, backup.scope, backup.table_name, definition, {})
    shown = description(table, work)
    throughput = shown["ProvisionedThroughput"]
    source = {
        "TableName": backup.table_name,
        "TableId": definition.unique_id,
        "TableArn": backup.table_arn,
        "TableSizeBytes": backup.bytes,
        "KeySchema": shown["KeySchema"],
        "TableCreationDateTime": definition.created,
        "ProvisionedThroughput": {name: throughput[name] for name in ("ReadCapacityUnits", "WriteCapacityUnits")},
        "ItemCount": backup.items,
        "BillingMode": "PAY_PER_REQUEST" if definition.paid_per_request else "PROVISIONED",
    }
    if "OnDemandThroughput" in shown:
        source["OnDemandThroughput"] = shown["OnDemandThroughput"]
    return {
        "BackupDetails": details(backup),
        "SourceTableDetails": source,
        "SourceTableFeatureDetails": _features(shown, definition),
    }


def _features(shown: dict[str, Any], definition: TableDefinition) -> dict[str, Any]:
    features: dict[str, Any] = {}
    for name in ("LocalSecondaryIndexes", "GlobalSecondaryIndexes"):
        if name in shown:
            more = ("ProvisionedThroughput",) if name == "GlobalSecondaryIndexes" else ()
            features[name] = [
                {member: index[member] for member in (*_INDEX_MEMBERS, *more) if member in index}
                for index in shown[name]
            ]
            for index in features[name]:
                if "ProvisionedThroughput" in index:
                    units = index["ProvisionedThroughput"]
                    index["ProvisionedThroughput"] = {
                        member: units[member] for member in ("ReadCapacityUnits", "WriteCapacityUnits")
                    }
    if "StreamSpecification" in shown:
        features["StreamDescription"] = shown["StreamSpecification"]
    status = "DISABLED" if definition.expiry_attribute is None else "ENABLED"
    features["TimeToLiveDescription"] = {"TimeToLiveStatus": status}
    if definition.expiry_attribute is not None:
        features["TimeToLiveDescription"]["AttributeName"] = definition.expiry_attribute
    if "SSEDescription" in shown:
        features["SSEDescription"] = shown["SSEDescription"]
    return features
