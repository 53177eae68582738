"""DynamoDB and its streams: tables, items, expressions, indexes, transactions, time to live.

Legacy parameters (Expected, AttributeUpdates, KeyConditions, ...), PartiQL, backups, global tables and exports are refused
by name.

Source: botocore's models dynamodb/2012-08-10, streams.dynamodb/2012-08-10; DynamoDB API Reference.
"""

from interstate.services.dynamodb import (
    account,
    batches,
    expiry,
    items,
    queries,
    streams,
    table_updates,
    tables,
    tags,
    time_to_live,
    transactions,
)
from interstate.services.operation import Operation, Service, Step

SERVICE = Service(
    "dynamodb",
    operations=(
        Operation("BatchGetItem", batches.BatchGetItem, batches.batch_get_item, keys=batches.keys_of_tables,
                  reads=True),
        Operation("BatchWriteItem", batches.BatchWriteItem, batches.batch_write_item, keys=batches.keys_of_tables),
        Operation("CreateTable", tables.CreateTable, tables.create_table),
        Operation("DeleteItem", items.DeleteItem, items.delete_item, keys=items.keys_of_table),
        Operation("DeleteTable", tables.TableRequest, tables.delete_table),
        Operation("DescribeContinuousBackups", tables.TableRequest, account.describe_continuous_backups, reads=True),
        Operation("DescribeLimits", account.DescribeLimits, account.describe_limits, reads=True),
        Operation("DescribeTable", tables.TableRequest, tables.describe_table, reads=True),
        Operation("DescribeTimeToLive", time_to_live.DescribeTimeToLive, time_to_live.describe_time_to_live,
                  reads=True),
        Operation("GetItem", items.GetItem, items.get_item, keys=items.keys_of_table, reads=True),
        Operation("ListTables", tables.ListTables, tables.list_tables, reads=True),
        Operation("ListTagsOfResource", tags.ListTags, tags.list_tags_of_resource, reads=True),
        Operation("PutItem", items.PutItem, items.put_item, keys=items.keys_of_table),
        Operation("Query", queries.Query, queries.query, keys=queries.keys_of_table, reads=True),
        Operation("Scan", queries.Scan, queries.scan, keys=queries.keys_of_table, reads=True),
        Operation("TagResource", tags.TagResource, tags.tag_resource),
        Operation("TransactGetItems", transactions.TransactGetItems, transactions.transact_get_items,
                  keys=transactions.keys_of_get, reads=True),
        Operation("TransactWriteItems", transactions.TransactWriteItems, transactions.transact_write_items,
                  keys=transactions.keys_of_write),
        Operation("UntagResource", tags.UntagResource, tags.untag_resource),
        Operation("UpdateContinuousBackups", account.UpdateContinuousBackups, account.update_continuous_backups),
        Operation("UpdateItem", items.UpdateItem, items.update_item, keys=items.keys_of_table),
        Operation("UpdateTable", table_updates.UpdateTable, table_updates.update_table),
        Operation("UpdateTimeToLive", time_to_live.UpdateTimeToLive, time_to_live.update_time_to_live),
    ),
    steps=(
        Step("dynamodb.backfill", table_updates.Backfill, table_updates.backfill),
        Step("dynamodb.drop", tables.Drop, tables.drop),
        Step("dynamodb.expiries", time_to_live.Backfill, time_to_live.backfill),
        Step("dynamodb.trim", streams.Trim, streams.trim, pulls=False),
        Step("dynamodb.ttl", expiry.Sweep, time_to_live.sweep, pulls=False),
    ),
    notes={
        "CreateTable": "ACTIVE as soon as it is committed. A customer's key is kept and described; nothing is encrypted.",
        "DescribeContinuousBackups": "Always DISABLED.",
        "DescribeTable": "Counts are exact and of this moment.",
        "Scan": "In the order of keys; parallel segments are filtered while reading.",
        "UpdateContinuousBackups": "Turning point-in-time recovery on is refused.",
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
    notes={"DescribeStream": "A stream has one shard.", "GetShardIterator": "AT_TIMESTAMP is refused."},
)

SERVICES = (SERVICE, STREAMS)
