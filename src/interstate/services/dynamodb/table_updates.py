"""UpdateTable: billing, throughput, protection, encryption, the stream, and global indexes that come and go.

A new global index is CREATING while the items that were there before it are added in bounded steps; writes keep it up to
date meanwhile, and it cannot be read.

Source: DynamoDB API Reference, UpdateTable.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.core.tables.creation import (
    GLOBAL_INDEXES_MAX,
    AttributeDefinition,
    IndexWish,
    Units,
    check_index_names,
    checked_units,
    global_index,
)
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.schema import Index, Stream, TableDefinition, Throughput
from interstate.services.dynamodb import streams
from interstate.services.dynamodb.describe import description
from interstate.services.dynamodb.errors import (
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.stored import add_entry
from interstate.services.dynamodb.tables import (
    Drop,
    SSESpecification,
    StreamSpecification,
    encryption_key,
    refuse_absent_features,
)
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLE_IDS, ITEM_TABLES, ITEMS_AFTER, ItemTable, ItemTableId

BACKFILL_MAX = 200


class UpdateIndex(msgspec.Struct, frozen=True, rename="pascal"):
    index_name: str
    provisioned_throughput: Units | None = None
    on_demand_throughput: Any = None
    warm_throughput: Any = None


class DeleteIndex(msgspec.Struct, frozen=True, rename="pascal"):
    index_name: str


class IndexUpdate(msgspec.Struct, frozen=True, rename="pascal"):
    update: UpdateIndex | None = None
    create: IndexWish | None = None
    delete: DeleteIndex | None = None


class UpdateTable(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    attribute_definitions: list[AttributeDefinition] = []
    billing_mode: str | None = None
    provisioned_throughput: Units | None = None
    global_secondary_index_updates: list[IndexUpdate] = []
    stream_specification: StreamSpecification | None = None
    sse_specification: SSESpecification | None = msgspec.field(name="SSESpecification", default=None)
    table_class: str | None = None
    deletion_protection_enabled: bool | None = None
    replica_updates: Any = None
    on_demand_throughput: Any = None
    warm_throughput: Any = None
    multi_region_consistency: Any = None
    vector_index_updates: Any = None


class Backfill(msgspec.Struct, frozen=True):
    """Add the items behind a key to an index."""

    arn: str
    index_id: int
    partition: bytes = b""
    sort: bytes = b""


def update_table(request: UpdateTable, work: Work) -> dict[str, Any]:
    """Change a table's settings.

    Raises:
        TableMissing: there is no such table.
        InvalidInput: the change is none, or does not fit.
        LimitExceededException: more than one index would come or go.
        ResourceInUseException: an index is still being made.
    """
    refuse_absent_features(
        ReplicaUpdates=request.replica_updates,
        OnDemandThroughput=request.on_demand_throughput,
        WarmThroughput=request.warm_throughput,
        MultiRegionConsistency=request.multi_region_consistency,
        VectorIndexUpdates=request.vector_index_updates,
    )
    _check_something(request)
    table = described_table(request.table_name, work)
    definition = _with_billing(request, table.definition, work)
    definition = _with_settings(request, definition, work)
    definition = _with_indexes(request, table, definition, work)
    if request.stream_specification is not None:
        stream = _changed_stream(request.stream_specification, table, work)
        definition = msgspec.structs.replace(definition, stream=stream)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    return {"TableDescription": description(table, work)}


def _check_something(request: UpdateTable) -> None:
    if all(
        wish is None or wish == []
        for wish in (
            request.billing_mode,
            request.provisioned_throughput,
            request.global_secondary_index_updates,
            request.stream_specification,
            request.sse_specification,
            request.table_class,
            request.deletion_protection_enabled,
        )
    ):
        raise InvalidInput(
            "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, GlobalSecondaryIndexUpdates or "
            "SSESpecification or ReplicaUpdates is required"
        )


# Settings ----------------------------------------------------------------------------------------------------------


def _with_billing(request: UpdateTable, definition: TableDefinition, work: Work) -> TableDefinition:
    mode, units = request.billing_mode, request.provisioned_throughput
    paid_per_request = definition.paid_per_request if mode is None else mode == "PAY_PER_REQUEST"
    if paid_per_request:
        if units is not None:
            raise InvalidParameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        if definition.paid_per_request:
            return definition
        indexes = tuple(msgspec.structs.replace(index, throughput=Throughput()) for index in definition.indexes)
        return msgspec.structs.replace(
            definition,
            paid_per_request=True,
            paid_per_request_since=work.now,
            throughput=Throughput(),
            indexes=indexes,
        )
    if units is None:
        if definition.paid_per_request:
            raise InvalidParameters("ProvisionedThroughput must be specified when BillingMode is PROVISIONED")
        return definition
    return _with_units(checked_units(units), definition, work)


def _with_units(wanted: Throughput, definition: TableDefinition, work: Work) -> TableDefinition:
    current = definition.throughput
    if wanted == current and not definition.paid_per_request:
        raise InvalidInput(
            "The provisioned throughput for the table will not change. The requested value equals the current value. "
            f"Current ReadCapacityUnits provisioned for the table: {current.read}. "
            f"Requested ReadCapacityUnits: {wanted.read}. "
            f"Current WriteCapacityUnits provisioned for the table: {current.write}. "
            f"Requested WriteCapacityUnits: {wanted.write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    raised = wanted.read > current.read or wanted.write > current.write
    lowered = wanted.read < current.read or wanted.write < current.write
    return msgspec.structs.replace(
        definition,
        paid_per_request=False,
        throughput=wanted,
        throughput_raised=work.now if raised else definition.throughput_raised,
        throughput_lowered=work.now if lowered else definition.throughput_lowered,
    )


def _with_settings(request: UpdateTable, definition: TableDefinition, work: Work) -> TableDefinition:
    changes: dict[str, Any] = {}
    if request.table_class is not None:
        changes["table_class"] = request.table_class
    if request.deletion_protection_enabled is not None:
        changes["protected"] = request.deletion_protection_enabled
    if request.sse_specification is not None:
        changes["encryption_key"] = encryption_key(request.sse_specification, work)
    return msgspec.structs.replace(definition, **changes)


def _changed_stream(wish: StreamSpecification, table: ItemTable, work: Work) -> Stream:
    """The table's stream after it was turned on or off.

    Raises:
        ValidationException: it is so already.
    """
    current = table.definition.stream
    if wish.stream_enabled:
        if current is not None and current.enabled:
            raise ValidationException(f"Table already has an enabled stream: TableName: {table.name}")
        return streams.turn_on(table.arn, table.name, table.definition.key, wish.stream_view_type, work)
    if current is None or not current.enabled:
        raise ValidationException(f"Table has no stream to disable: TableName: {table.name}")
    return streams.turn_off(current, work)


# Indexes -----------------------------------------------------------------------------------------------------------


def _with_indexes(request: UpdateTable, table: ItemTable, definition: TableDefinition, work: Work) -> TableDefinition:
    updates = request.global_secondary_index_updates
    _check_updates(updates)
    changing = [update for update in updates if update.create or update.delete]
    if changing and not all(index.backfilled for index in definition.indexes):
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being updated: {table.name}"
        )
    for update in updates:
        if update.create is not None:
            definition = _with_index(update.create, request.attribute_definitions, table, definition, work)
        elif update.delete is not None:
            definition = _without_index(update.delete.index_name, definition, work)
        elif update.update is not None:
            definition = _with_index_units(update.update, definition)
    return definition


def _check_updates(updates: Sequence[IndexUpdate]) -> None:
    names = set()
    for update in updates:
        one = update.update or update.create or update.delete
        if one is None:
            raise InvalidParameters(
                "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate.Create, "
                "GlobalSecondaryIndexUpdate.Delete must not be null"
            )
        if one.index_name in names:
            raise InvalidParameters(
                f"Only one global secondary index update per index is allowed simultaneously. Index: {one.index_name}"
            )
        names.add(one.index_name)
    if sum(1 for update in updates if update.create or update.delete) > 1:
        raise LimitExceededException(
            "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table"
        )


def _with_index(
    wish: IndexWish,
    definitions: Sequence[AttributeDefinition],
    table: ItemTable,
    definition: TableDefinition,
    work: Work,
) -> TableDefinition:
    known = [
        AttributeDefinition(attribute.name, attribute.type)
        for schema in (definition.key, *(index.key for index in definition.indexes))
        for attribute in schema.attributes
    ]
    number = work.next_id(ITEM_TABLE_IDS)
    index = global_index(
        wish, [*known, *definitions], number, paid_per_request=definition.paid_per_request, backfilled=False
    )
    indexes = (*definition.indexes, index)
    check_index_names(indexes)
    if sum(1 for one in indexes if one.is_global) > GLOBAL_INDEXES_MAX:
        raise InvalidParameters("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    work.put(ITEM_TABLE_IDS, ItemTableId(number, table.arn))
    work.later("dynamodb.backfill", Backfill(table.arn, number))
    return msgspec.structs.replace(definition, indexes=indexes)


def _global(name: str, definition: TableDefinition) -> Index:
    index = definition.index(name)
    if index is None or not index.is_global:
        raise ResourceNotFoundException
    return index


def _without_index(name: str, definition: TableDefinition, work: Work) -> TableDefinition:
    gone = _global(name, definition)
    work.later("dynamodb.drop", Drop(None, [gone.id]))
    return msgspec.structs.replace(
        definition, indexes=tuple(index for index in definition.indexes if index.id != gone.id)
    )


def _with_index_units(update: UpdateIndex, definition: TableDefinition) -> TableDefinition:
    refuse_absent_features(OnDemandThroughput=update.on_demand_throughput, WarmThroughput=update.warm_throughput)
    index = _global(update.index_name, definition)
    if update.provisioned_throughput is None:
        return definition
    if definition.paid_per_request:
        raise InvalidParameters(
            f"ProvisionedThroughput should not be specified for index: {index.name} when BillingMode is PAY_PER_REQUEST"
        )
    changed = msgspec.structs.replace(index, throughput=checked_units(update.provisioned_throughput))
    return msgspec.structs.replace(
        definition, indexes=tuple(changed if one.id == index.id else one for one in definition.indexes)
    )


def backfill(body: Backfill, work: Work) -> None:
    """Add a bounded number of items to a new index, then the rest; the index is ACTIVE after the last."""
    table = work.get(ITEM_TABLES, body.arn)
    if table is None:
        return
    definition = table.definition
    index = next((one for one in definition.indexes if one.id == body.index_id), None)
    if index is None:
        return
    rows = work.select(ITEMS_AFTER, limit=BACKFILL_MAX, table=definition.id, partition=body.partition, sort=body.sort)
    for row in rows:
        add_entry(index, definition, row, work)
    if len(rows) == BACKFILL_MAX:
        last = rows[-1]
        work.later("dynamodb.backfill", msgspec.structs.replace(body, partition=last.partition_key, sort=last.sort_key))
        return
    done = msgspec.structs.replace(index, backfilled=True)
    indexes = tuple(done if one.id == index.id else one for one in definition.indexes)
    work.put(
        ITEM_TABLES, msgspec.structs.replace(table, definition=msgspec.structs.replace(definition, indexes=indexes))
    )
