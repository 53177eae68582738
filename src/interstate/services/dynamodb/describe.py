"""Tables as the API describes them.

Source: DynamoDB API Reference, TableDescription.
"""

from datetime import datetime
from typing import Any

from interstate.core.tables.creation import WARM_ON_DEMAND
from interstate.core.tables.schema import Index, KeySchema, OnDemand, Replica, TableDefinition
from interstate.services.dynamodb.counts import counted
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable


def description(table: ItemTable, work: Work, *, status: str | None = None) -> dict[str, Any]:
    """``TableDescription``. Counts are those of this moment, where DynamoDB's may be six hours old."""
    definition = table.definition
    count = counted(definition.id, work)
    answer: dict[str, Any] = {
        "AttributeDefinitions": _attributes(definition),
        "TableName": table.name,
        "KeySchema": _key(definition.key),
        "TableStatus": status or status_of(definition),
        "CreationDateTime": definition.created,
        "ProvisionedThroughput": _throughput(definition, work.now),
        "TableSizeBytes": count.bytes,
        "ItemCount": count.items,
        "TableArn": table.arn,
        "TableId": definition.unique_id,
    }
    answer.update(_billing(definition, created=status == "CREATING"))
    local = [_index(index, table, work) for index in definition.indexes if not index.is_global]
    over_all = [_index(index, table, work) for index in definition.indexes if index.is_global]
    if local:
        answer["LocalSecondaryIndexes"] = local
    if over_all:
        answer["GlobalSecondaryIndexes"] = over_all
    answer.update(_settings(definition))
    answer.update(_copies(definition))
    if status is not None and definition.warm is not None:
        answer["WarmThroughput"] = {**warm(definition, definition), "Status": "UPDATING"}
    if status is None:
        answer["WarmThroughput"] = warm(definition, definition)
        for index, shown in zip((one for one in definition.indexes if one.is_global), over_all, strict=True):
            shown["WarmThroughput"] = warm(index, definition)
    return answer


def farewell(table: ItemTable, work: Work) -> dict[str, Any]:
    """What DeleteTable tells of a table that is DELETING."""
    definition = table.definition
    count = counted(definition.id, work)
    return {
        "TableName": table.name,
        "TableStatus": "DELETING",
        "ProvisionedThroughput": _throughput(definition, work.now),
        "TableSizeBytes": count.bytes,
        "ItemCount": count.items,
        "TableArn": table.arn,
        "TableId": definition.unique_id,
        "DeletionProtectionEnabled": definition.protected,
        **{name: value for name, value in _billing(definition, created=False).items() if name == "BillingModeSummary"},
    }


def status_of(definition: TableDefinition) -> str:
    """CREATING while it is filled from a copy, UPDATING while an index or a replica comes, else ACTIVE."""
    if definition.filling:
        return "CREATING"
    at_rest = all(index.backfilled for index in definition.indexes) and all(
        replica.active for replica in definition.replicas
    )
    return "ACTIVE" if at_rest else "UPDATING"


def _billing(definition: TableDefinition, *, created: bool) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if definition.paid_per_request:
        summary: dict[str, Any] = {"BillingMode": "PAY_PER_REQUEST"}
        if not created:
            summary["LastUpdateToPayPerRequestDateTime"] = definition.paid_per_request_since or definition.created
        answer["BillingModeSummary"] = summary
    elif definition.paid_per_request_since is not None:
        answer["BillingModeSummary"] = {
            "BillingMode": "PROVISIONED",
            "LastUpdateToPayPerRequestDateTime": definition.paid_per_request_since,
        }
    if definition.on_demand is not None:
        answer["OnDemandThroughput"] = on_demand(definition.on_demand)
    return answer


def on_demand(bounds: OnDemand) -> dict[str, int]:
    """``OnDemandThroughput``."""
    return {
        name: units
        for name, units in (("MaxReadRequestUnits", bounds.read), ("MaxWriteRequestUnits", bounds.write))
        if units is not None
    }


def warm(one: TableDefinition | Index, definition: TableDefinition) -> dict[str, Any]:
    """Warm throughput: what was asked for, or what billing gives."""
    least = WARM_ON_DEMAND if definition.paid_per_request else one.throughput
    units = one.warm or least
    return {"ReadUnitsPerSecond": units.read, "WriteUnitsPerSecond": units.write, "Status": "ACTIVE"}


def _settings(definition: TableDefinition) -> dict[str, Any]:
    answer: dict[str, Any] = {"DeletionProtectionEnabled": definition.protected}
    if definition.encryption_key is not None:
        answer["SSEDescription"] = {
            "Status": "ENABLED",
            "SSEType": "KMS",
            "KMSMasterKeyArn": definition.encryption_key,
        }
    if definition.table_class != "STANDARD":
        answer["TableClassSummary"] = {"TableClass": definition.table_class}
    stream = definition.stream
    if stream is not None:
        answer["LatestStreamArn"] = stream.arn
        answer["LatestStreamLabel"] = stream.label
        if stream.enabled:
            answer["StreamSpecification"] = {"StreamEnabled": True, "StreamViewType": stream.view}
    return answer


def _copies(definition: TableDefinition) -> dict[str, Any]:
    """From what the table was made, and its replicas."""
    answer: dict[str, Any] = {}
    restored = definition.restored
    if restored is not None:
        answer["RestoreSummary"] = {
            "SourceTableArn": restored.source_table,
            "RestoreDateTime": restored.at,
            "RestoreInProgress": definition.filling,
        }
        if restored.backup is not None:
            answer["RestoreSummary"]["SourceBackupArn"] = restored.backup
    if definition.replicas:
        answer["Replicas"] = [_replica(replica, definition) for replica in definition.replicas]
        answer["GlobalTableVersion"] = "2019.11.21"
    return answer


def _replica(replica: Replica, definition: TableDefinition) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "RegionName": replica.region,
        "ReplicaStatus": "ACTIVE" if replica.active else "CREATING",
    }
    if replica.encryption_key is not None:
        answer["KMSMasterKeyId"] = replica.encryption_key
    if replica.table_class is not None:
        answer["ReplicaTableClassSummary"] = {"TableClass": replica.table_class}
    names = [index.name for index in definition.indexes if index.is_global]
    if names:
        answer["GlobalSecondaryIndexes"] = [{"IndexName": name} for name in names]
    return answer


def _attributes(definition: TableDefinition) -> list[dict[str, str]]:
    schemas = (definition.key, *(index.key for index in definition.indexes))
    types = {attribute.name: attribute.type for schema in schemas for attribute in schema.attributes}
    return [{"AttributeName": name, "AttributeType": types[name]} for name in sorted(types)]


def _key(schema: KeySchema) -> list[dict[str, str]]:
    partitions = [{"AttributeName": attribute.name, "KeyType": "HASH"} for attribute in schema.partitions]
    return [*partitions, *({"AttributeName": attribute.name, "KeyType": "RANGE"} for attribute in schema.sorts)]


def _throughput(one: TableDefinition | Index, now: datetime) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "NumberOfDecreasesToday": sum(1 for at in one.decreases if at.date() == now.date()),
        "ReadCapacityUnits": one.throughput.read,
        "WriteCapacityUnits": one.throughput.write,
    }
    if one.throughput_raised is not None:
        answer["LastIncreaseDateTime"] = one.throughput_raised
    if one.throughput_lowered is not None:
        answer["LastDecreaseDateTime"] = one.throughput_lowered
    return answer


def _index(index: Index, table: ItemTable, work: Work) -> dict[str, Any]:
    count = counted(index.id, work)
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.attributes:
        projection["NonKeyAttributes"] = list(index.attributes)
    answer: dict[str, Any] = {
        "IndexName": index.name,
        "KeySchema": _key(index.key),
        "Projection": projection,
        "IndexSizeBytes": count.bytes,
        "ItemCount": count.items,
        "IndexArn": f"{table.arn}/index/{index.name}",
    }
    if index.is_global:
        answer["IndexStatus"] = "ACTIVE" if index.backfilled else "CREATING"
        if not index.backfilled:
            answer["Backfilling"] = True
        answer["ProvisionedThroughput"] = _throughput(index, work.now)
        if index.on_demand is not None:
            answer["OnDemandThroughput"] = on_demand(index.on_demand)
    return answer
