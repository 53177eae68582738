"""Auto scaling of tables and their replicas: kept and described; capacity follows nothing by itself.

Source: DynamoDB API Reference, UpdateTableReplicaAutoScaling, DescribeTableReplicaAutoScaling.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.services.dynamodb.describe import status_of
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.replication import region_of
from interstate.services.dynamodb.tables import TableRequest
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLES, ItemTable

ROLE = (
    "arn:aws:iam::{account}:role/aws-service-role/dynamodb.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_DynamoDBTable"
)
_TABLE = ""  # Where settings of a table itself stand, beside those of its indexes by name.


class IndexScaling(msgspec.Struct, frozen=True, rename="pascal"):
    index_name: str | None = None
    provisioned_write_capacity_auto_scaling_update: dict[str, Any] | None = None
    provisioned_read_capacity_auto_scaling_update: dict[str, Any] | None = None


class ReplicaScaling(msgspec.Struct, frozen=True, rename="pascal"):
    region_name: str
    replica_global_secondary_index_updates: list[IndexScaling] = []
    replica_provisioned_read_capacity_auto_scaling_update: dict[str, Any] | None = None


class UpdateTableReplicaAutoScaling(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    global_secondary_index_updates: list[IndexScaling] = []
    provisioned_write_capacity_auto_scaling_update: dict[str, Any] | None = None
    replica_updates: list[ReplicaScaling] = []


def update_scaling(request: UpdateTableReplicaAutoScaling, work: Work) -> dict[str, Any]:
    """Keep auto scaling settings of a table, its indexes and its replicas.

    Raises:
        TableMissing: there is no such table.
        ValidationException: it is paid per request, or an index or a region is not its own.
    """
    table = described_table(request.table_name, work, "UpdateTableReplicaAutoScaling")
    if table.definition.paid_per_request:
        raise ValidationException("Auto scaling is not supported for tables whose BillingMode is PAY_PER_REQUEST")
    scaling: dict[str, dict[str, Any]] = {place: dict(one) for place, one in (table.definition.scaling or {}).items()}
    _keep(scaling, "Write", _TABLE, request.provisioned_write_capacity_auto_scaling_update, table)
    for index in request.global_secondary_index_updates:
        name = _index(index.index_name, table)
        _keep(scaling, "Write", name, index.provisioned_write_capacity_auto_scaling_update, table)
    for replica in request.replica_updates:
        region = _region(replica.region_name, table)
        update = replica.replica_provisioned_read_capacity_auto_scaling_update
        _keep(scaling, f"Read/{region}", _TABLE, update, table)
        for index in replica.replica_global_secondary_index_updates:
            name = _index(index.index_name, table)
            _keep(scaling, f"Read/{region}", name, index.provisioned_read_capacity_auto_scaling_update, table)
    definition = msgspec.structs.replace(table.definition, scaling=scaling)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    return {"TableAutoScalingDescription": _description(table)}


def describe_scaling(request: TableRequest, work: Work) -> dict[str, Any]:
    """Auto scaling settings of a table and its replicas.

    Raises:
        TableMissing: there is no such table.
    """
    table = described_table(request.table_name, work, "DescribeTableReplicaAutoScaling")
    return {"TableAutoScalingDescription": _description(table)}


def _index(name: str | None, table: ItemTable) -> str:
    index = None if name is None else table.definition.index(name)
    if index is None or not index.is_global:
        raise ValidationException(f"The table does not have the specified index: {name}")
    return index.name


def _region(region: str, table: ItemTable) -> str:
    if region not in _regions(table):
        raise ValidationException(f"The table has no replica in region: {region}")
    return region


def _regions(table: ItemTable) -> list[str]:
    return [region_of(table.arn), *(replica.region for replica in table.definition.replicas)]


def _keep(
    scaling: dict[str, dict[str, Any]], kind: str, name: str, update: Mapping[str, Any] | None, table: ItemTable
) -> None:
    if update is None:
        return
    known = scaling.setdefault(kind, {})
    if update.get("AutoScalingDisabled"):
        known.pop(name, None)
        return
    policy = update.get("ScalingPolicyUpdate")
    settings = dict(known.get(name, {}))
    settings.update({member: update[member] for member in ("MinimumUnits", "MaximumUnits") if member in update})
    if "MinimumUnits" not in settings or "MaximumUnits" not in settings:
        raise ValidationException("MinimumUnits and MaximumUnits must be specified when auto scaling is enabled")
    settings["AutoScalingRoleArn"] = update.get("AutoScalingRoleArn") or ROLE.format(account=table.scope.split("/")[0])
    if policy is not None:
        own = f"DynamoDB{kind.split('/', maxsplit=1)[0]}CapacityUtilization:table/{table.name}" + (
            f"/index/{name}" if name else ""
        )
        named = {"PolicyName": policy.get("PolicyName", own)}
        target = "TargetTrackingScalingPolicyConfiguration"
        settings["ScalingPolicies"] = [{**named, target: policy[target]}]
    known[name] = settings


def _description(table: ItemTable) -> dict[str, Any]:
    status = status_of(table.definition)
    return {
        "TableName": table.name,
        "TableStatus": status,
        "Replicas": [_replica(region, table, status) for region in _regions(table)],
    }


def _replica(region: str, table: ItemTable, status: str) -> dict[str, Any]:
    scaling = table.definition.scaling or {}
    reads, writes = scaling.get(f"Read/{region}", {}), scaling.get("Write", {})
    off = {"AutoScalingDisabled": True}
    indexes = [
        {
            "IndexName": index.name,
            "IndexStatus": "ACTIVE" if index.backfilled else "CREATING",
            "ProvisionedReadCapacityAutoScalingSettings": reads.get(index.name, off),
            "ProvisionedWriteCapacityAutoScalingSettings": writes.get(index.name, off),
        }
        for index in table.definition.indexes
        if index.is_global
    ]
    return {
        "RegionName": region,
        "GlobalSecondaryIndexes": indexes,
        "ReplicaProvisionedReadCapacityAutoScalingSettings": reads.get(_TABLE, off),
        "ReplicaProvisionedWriteCapacityAutoScalingSettings": writes.get(_TABLE, off),
        "ReplicaStatus": status,
    }
