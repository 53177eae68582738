"""DynamoDB and its streams: tables, items, expressions, indexes, transactions, time to live.

Legacy parameters (Expected, AttributeUpdates, KeyConditions, ...), PartiQL, backups, global tables and exports are refused
by name.

Source: botocore's models dynamodb/2012-08-10, streams.dynamodb/2012-08-10; DynamoDB API Reference.
"""

from typing import Any

from interstate.services.dynamodb import (
    account,
    backups,
    batches,
    expiry,
    exports,
    imports,
    insights,
    items,
    partiql,
    queries,
    recovery,
    replicas,
    resource_policies,
    restores,
    scaling,
    snapshots,
    stored,
    streams,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from interstate.services.dynamodb.copies import Expire
from interstate.services.dynamodb.replication import Replicate
from interstate.services.dynamodb.throughput import counted
from interstate.services.operation import Operation, Service, Step

_OPERATIONS: tuple[Operation[Any], ...] = (
    Operation("BatchExecuteStatement", partiql.BatchExecuteStatement, partiql.batch_execute_statement),
    Operation("BatchGetItem", batches.BatchGetItem, batches.batch_get_item, keys=batches.keys_of_tables,
              reads=True),
    Operation("BatchWriteItem", batches.BatchWriteItem, batches.batch_write_item, keys=batches.keys_of_tables),
    Operation("CreateBackup", backups.CreateBackup, backups.create_backup),
    Operation("CreateTable", tables.CreateTable, tables.create_table),
    Operation("DeleteBackup", backups.BackupRequest, backups.delete_backup),
    Operation("DeleteItem", items.DeleteItem, items.delete_item, keys=items.keys_of_table),
    Operation("DeleteResourcePolicy", resource_policies.DeleteResourcePolicy,
              resource_policies.delete_resource_policy),
    Operation("DeleteTable", tables.TableRequest, tables.delete_table),
    Operation("DescribeBackup", backups.BackupRequest, backups.describe_backup, reads=True),
    Operation("DescribeContinuousBackups", tables.TableRequest, recovery.describe_continuous_backups, reads=True),
    Operation("DescribeContributorInsights", insights.DescribeContributorInsights,
              insights.describe_contributor_insights, reads=True),
    Operation("DescribeEndpoints", account.Nothing, account.describe_endpoints, reads=True),
    Operation("DescribeExport", exports.DescribeExport, exports.describe_export, reads=True),
    Operation("DescribeImport", imports.DescribeImport, imports.describe_import, reads=True),
    Operation("DescribeLimits", account.Nothing, account.describe_limits, reads=True),
    Operation("DescribeTable", tables.TableRequest, tables.describe_table, reads=True),
    Operation("DescribeTableReplicaAutoScaling", tables.TableRequest, scaling.describe_scaling, reads=True),
    Operation("DescribeTimeToLive", time_to_live.DescribeTimeToLive, time_to_live.describe_time_to_live,
              reads=True),
    Operation("ExecuteStatement", partiql.ExecuteStatement, partiql.execute_statement),
    Operation("ExecuteTransaction", partiql.ExecuteTransaction, partiql.execute_transaction),
    Operation("ExportTableToPointInTime", exports.ExportTableToPointInTime, exports.export_table),
    Operation("GetItem", items.GetItem, items.get_item, keys=items.keys_of_table, reads=True),
    Operation("GetResourcePolicy", resource_policies.GetResourcePolicy, resource_policies.get_resource_policy,
              reads=True),
    Operation("ImportTable", imports.ImportTable, imports.import_table),
    Operation("ListBackups", backups.ListBackups, backups.list_backups, reads=True),
    Operation("ListContributorInsights", insights.ListContributorInsights, insights.list_contributor_insights,
              reads=True),
    Operation("ListExports", exports.ListExports, exports.list_exports, reads=True),
    Operation("ListImports", imports.ListImports, imports.list_imports, reads=True),
    Operation("ListTables", tables.ListTables, tables.list_tables, reads=True),
    Operation("ListTagsOfResource", tags.ListTags, tags.list_tags_of_resource, reads=True),
    Operation("PutItem", items.PutItem, items.put_item, keys=items.keys_of_table),
    Operation("PutResourcePolicy", resource_policies.PutResourcePolicy, resource_policies.put_resource_policy),
    Operation("Query", queries.Query, queries.query, keys=queries.keys_of_table, reads=True),
    Operation("RestoreTableFromBackup", restores.RestoreTableFromBackup, restores.restore_table_from_backup),
    Operation("RestoreTableToPointInTime", restores.RestoreTableToPointInTime,
              restores.restore_table_to_point_in_time),
    Operation("Scan", queries.Scan, queries.scan, keys=queries.keys_of_table, reads=True),
    Operation("TagResource", tags.TagResource, tags.tag_resource),
    Operation("TransactGetItems", transactions.TransactGetItems, transactions.transact_get_items,
              keys=transactions.keys_of_get, reads=True),
    Operation("TransactWriteItems", transactions.TransactWriteItems, transactions.transact_write_items,
              keys=transactions.keys_of_write),
    Operation("UntagResource", tags.UntagResource, tags.untag_resource),
    Operation("UpdateContinuousBackups", recovery.UpdateContinuousBackups, recovery.update_continuous_backups),
    Operation("UpdateContributorInsights", insights.UpdateContributorInsights,
              insights.update_contributor_insights),
    Operation("UpdateItem", items.UpdateItem, items.update_item, keys=items.keys_of_table),
    Operation("UpdateTable", table_updates.UpdateTable, table_updates.update_table),
    Operation("UpdateTableReplicaAutoScaling", scaling.UpdateTableReplicaAutoScaling, scaling.update_scaling),
    Operation("UpdateTimeToLive", time_to_live.UpdateTimeToLive, time_to_live.update_time_to_live),
)  # fmt: skip

SERVICE = Service(
    "dynamodb",
    operations=tuple(counted(row) for row in _OPERATIONS),
    steps=(
        Step("dynamodb.backfill", table_updates.Backfill, table_updates.backfill),
        Step("dynamodb.backup", backups.Copy, backups.copy),
        Step("dynamodb.backup.expire", Expire, backups.expire, pulls=False),
        Step("dynamodb.changes.forget", snapshots.Forget, snapshots.forget),
        Step("dynamodb.changes.sweep", recovery.Sweep, recovery.sweep, pulls=False),
        Step("dynamodb.export", exports.Write, exports.write),
        Step("dynamodb.import", imports.Read, imports.read),
        Step("dynamodb.fill", restores.Fill, restores.fill),
        Step("dynamodb.replica.fill", replicas.FillReplica, replicas.fill),
        Step("dynamodb.replicate", Replicate, stored.replicate),
        Step("dynamodb.drop", tables.Drop, tables.drop),
        Step("dynamodb.expiries", time_to_live.Backfill, time_to_live.backfill),
        Step("dynamodb.trim", streams.Trim, streams.trim, pulls=False),
        Step("dynamodb.ttl", expiry.Sweep, time_to_live.sweep, pulls=False),
    ),
    notes={
        "CreateTable": "ACTIVE as soon as it is committed. A customer's key is kept and described; nothing is encrypted.",
        "DescribeTable": "Counts are exact and of this moment.",
        "Scan": "In the order of keys; parallel segments are filtered while reading.",
        "UpdateTimeToLive": "Expired items are swept a minute after their time; the sweep never pulls the clock.",
    },
)  # fmt: skip

STREAMS = Service(
    "dynamodbstreams",
    operations=(
        Operation("DescribeStream", streams.DescribeStream, streams.describe_stream, reads=True),
        Operation("GetRecords", streams.GetRecords, streams.get_records, reads=True),
        Operation("GetShardIterator", streams.GetShardIterator, streams.get_shard_iterator, reads=True),
        Operation("ListStreams", streams.ListStreams, streams.list_streams, reads=True),
    ),
    notes={"DescribeStream": "One shard is open; after four hours with records its child follows."},
)

SERVICES = (SERVICE, STREAMS)
