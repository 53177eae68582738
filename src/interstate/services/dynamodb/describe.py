"""Tables as the API describes them.

Source: DynamoDB API Reference, TableDescription.
"""

from typing import Any

from interstate.core.tables.schema import Index, KeySchema, TableDefinition, Throughput
from interstate.services.dynamodb.counts import counted
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ItemTable


def description(table: ItemTable, work: Work, *, status: str | None = None) -> dict[str, Any]:
    """``TableDescription``. Counts are those of this moment, where DynamoDB's may be six hours old."""
    definition = table.definition
    count = counted(definition.id, work)
    answer: dict[str, Any] = {
        "TableName": table.name,
        "TableArn": table.arn,
        "TableId": definition.unique_id,
        "TableStatus": status or ("ACTIVE" if _at_rest(definition) else "UPDATING"),
        "CreationDateTime": definition.created,
        "AttributeDefinitions": _attributes(definition),
        "KeySchema": _key(definition.key),
        "ItemCount": count.items,
        "TableSizeBytes": count.bytes,
        "ProvisionedThroughput": _throughput(definition.throughput, definition),
        "DeletionProtectionEnabled": definition.protected,
    }
    if definition.paid_per_request:
        answer["BillingModeSummary"] = {
            "BillingMode": "PAY_PER_REQUEST",
            "LastUpdateToPayPerRequestDateTime": definition.paid_per_request_since or definition.created,
        }
    elif definition.paid_per_request_since is not None:
        answer["BillingModeSummary"] = {
            "BillingMode": "PROVISIONED",
            "LastUpdateToPayPerRequestDateTime": definition.paid_per_request_since,
        }
    local = [_index(index, table, work) for index in definition.indexes if not index.is_global]
    over_all = [_index(index, table, work) for index in definition.indexes if index.is_global]
    if local:
        answer["LocalSecondaryIndexes"] = local
    if over_all:
        answer["GlobalSecondaryIndexes"] = over_all
    answer.update(_settings(definition))
    return answer


def _at_rest(definition: TableDefinition) -> bool:
    return all(index.backfilled for index in definition.indexes)


def _settings(definition: TableDefinition) -> dict[str, Any]:
    answer: dict[str, Any] = {}
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


def _attributes(definition: TableDefinition) -> list[dict[str, str]]:
    schemas = (definition.key, *(index.key for index in definition.indexes))
    types = {attribute.name: attribute.type for schema in schemas for attribute in schema.attributes}
    return [{"AttributeName": name, "AttributeType": types[name]} for name in sorted(types)]


def _key(schema: KeySchema) -> list[dict[str, str]]:
    answer = [{"AttributeName": schema.partition.name, "KeyType": "HASH"}]
    if schema.sort is not None:
        answer.append({"AttributeName": schema.sort.name, "KeyType": "RANGE"})
    return answer


def _throughput(throughput: Throughput, definition: TableDefinition) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "NumberOfDecreasesToday": 0,
        "ReadCapacityUnits": throughput.read,
        "WriteCapacityUnits": throughput.write,
    }
    if definition.throughput_raised is not None:
        answer["LastIncreaseDateTime"] = definition.throughput_raised
    if definition.throughput_lowered is not None:
        answer["LastDecreaseDateTime"] = definition.throughput_lowered
    return answer


def _index(index: Index, table: ItemTable, work: Work) -> dict[str, Any]:
    count = counted(index.id, work)
    projection: dict[str, Any] = {"ProjectionType": index.projection}
    if index.attributes:
        projection["NonKeyAttributes"] = list(index.attributes)
    answer: dict[str, Any] = {
        "IndexName": index.name,
        "IndexArn": f"{table.arn}/index/{index.name}",
        "KeySchema": _key(index.key),
        "Projection": projection,
        "IndexSizeBytes": count.bytes,
        "ItemCount": count.items,
    }
    if index.is_global:
        answer["IndexStatus"] = "ACTIVE" if index.backfilled else "CREATING"
        if not index.backfilled:
            answer["Backfilling"] = True
        answer["ProvisionedThroughput"] = {
            "NumberOfDecreasesToday": 0,
            "ReadCapacityUnits": index.throughput.read,
            "WriteCapacityUnits": index.throughput.write,
        }
    return answer
