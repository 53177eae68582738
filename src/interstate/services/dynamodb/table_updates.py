"""UpdateTable: billing, throughput, protection, encryption, the stream, and global indexes that come and go.

A new global index is CREATING while the items that were there before it are added in bounded steps; writes keep it up to
date meanwhile, and it cannot be read.

Source: DynamoDB API Reference, UpdateTable.
Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.html
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.core.tables.creation import (
    GLOBAL_INDEXES_MAX,
    WARM_ON_DEMAND,
    AttributeDefinition,
    IndexWish,
    RequestUnits,
    Units,
    WarmUnits,
    check_indexes,
    checked_units,
    global_index,
    on_demand_of,
    warm_of,
)
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.schema import Index, OnDemand, Stream, TableDefinition, Throughput
from interstate.services.dynamodb import replicas, streams
from interstate.services.dynamodb.describe import description
from interstate.services.dynamodb.errors import (
    LimitExceededException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from interstate.services.dynamodb.locate import described_table
from interstate.services.dynamodb.replicas import ReplicaUpdate
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
DECREASES_MAX = 4
DECREASE_EVERY = timedelta(hours=1)
"""Source: DynamoDB quotas, decreasing provisioned throughput."""


class UpdateIndex(msgspec.Struct, frozen=True, rename="pascal"):
    index_name: str
    provisioned_throughput: Units | None = None
    on_demand_throughput: RequestUnits | None = None
    warm_throughput: WarmUnits | None = None


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
    replica_updates: list[ReplicaUpdate] = []
    on_demand_throughput: RequestUnits | None = None
    warm_throughput: WarmUnits | None = None
    multi_region_consistency: str | None = None
    global_table_witness_updates: Any = None
    global_table_settings_replication_mode: Any = None
    disassociation_protection_enabled: Any = None
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
        GlobalTableWitnessUpdates=request.global_table_witness_updates,
        GlobalTableSettingsReplicationMode=request.global_table_settings_replication_mode,
        DisassociationProtectionEnabled=request.disassociation_protection_enabled,
        VectorIndexUpdates=request.vector_index_updates,
    )
    if request.multi_region_consistency == "STRONG":
        raise NotImplementedHere("DynamoDB's global tables of strong consistency")
    _check_something(request)
    table = described_table(request.table_name, work, "UpdateTable")
    before = table.definition
    if before.filling:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being created: {table.name}"
        )
    definition = _with_billing(request, before, work)
    definition = _with_settings(request, definition, work)
    definition = _with_indexes(request, table, definition, work)
    if request.stream_specification is not None:
        stream = _changed_stream(request.stream_specification, table, work)
        definition = msgspec.structs.replace(definition, stream=stream)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    if request.replica_updates:
        table = replicas.update(table, request.replica_updates, work)
    follow(request, table, work)
    answer = description(table, work, status="ACTIVE" if _only_protects(request) else "UPDATING")
    return {"TableDescription": {**answer, **_in_between(request, before, answer, table, work)}}


def _only_protects(request: UpdateTable) -> bool:
    """Whether nothing but the protection changes, which takes no time."""
    return request == UpdateTable(request.table_name, deletion_protection_enabled=request.deletion_protection_enabled)


def _in_between(
    request: UpdateTable, before: TableDefinition, answer: dict[str, Any], table: ItemTable, work: Work
) -> dict[str, Any]:
    """What UpdateTable's answer shows of changes that have only begun, as AWS's does."""
    more: dict[str, Any] = {}
    if request.sse_specification is not None:
        key = table.definition.encryption_key or before.encryption_key
        if key is not None:
            more["SSEDescription"] = {"Status": "UPDATING", "SSEType": "KMS", "KMSMasterKeyArn": key}
    gone = {update.delete.index_name for update in request.global_secondary_index_updates if update.delete}
    if gone:
        shown = description(msgspec.structs.replace(table, definition=before), work)["GlobalSecondaryIndexes"]
        leaving = [{**index, "IndexStatus": "DELETING"} for index in shown if index["IndexName"] in gone]
        more["GlobalSecondaryIndexes"] = [*answer.get("GlobalSecondaryIndexes", []), *leaving]
    return more


def follow(request: UpdateTable, table: ItemTable, work: Work) -> None:
    """Have the replicas of a global table change as this one did: billing, throughput and indexes are theirs too."""
    shared = msgspec.structs.replace(
        UpdateTable(request.table_name),
        attribute_definitions=request.attribute_definitions,
        billing_mode=request.billing_mode,
        provisioned_throughput=request.provisioned_throughput,
        global_secondary_index_updates=request.global_secondary_index_updates,
    )
    if shared == UpdateTable(request.table_name, attribute_definitions=request.attribute_definitions):
        return
    for replica in table.definition.replicas:
        other = work.get(ITEM_TABLES, replica.arn)
        if other is None:
            continue
        definition = _with_billing(shared, other.definition, work)
        definition = _with_indexes(shared, other, definition, work)
        work.put(ITEM_TABLES, msgspec.structs.replace(other, definition=definition))


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
            request.replica_updates,
            request.on_demand_throughput,
            request.warm_throughput,
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
    if definition.paid_per_request:
        definition = _with_first_units(request, definition)
    return _with_units(checked_units(units), definition, work)


def _with_first_units(request: UpdateTable, definition: TableDefinition) -> TableDefinition:
    """A table that becomes PROVISIONED needs units for each global index.

    Raises:
        InvalidParameters: an index has none.
    """
    given = {
        update.update.index_name: update.update.provisioned_throughput
        for update in request.global_secondary_index_updates
        if update.update is not None
    }
    for index in definition.indexes:
        if index.is_global and given.get(index.name) is None:
            raise InvalidParameters(f"ProvisionedThroughput must be specified for index: {index.name}")
    return msgspec.structs.replace(definition, on_demand=None)


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
    return msgspec.structs.replace(definition, paid_per_request=False, **_new_units(definition, wanted, work))


def _new_units(one: TableDefinition | Index, wanted: Throughput, work: Work) -> dict[str, Any]:
    """The changed fields of a table or an index.

    Raises:
        LimitExceededException: it was lowered too often today.
    """
    current = one.throughput
    changes: dict[str, Any] = {"throughput": wanted}
    if wanted.read > current.read or wanted.write > current.write:
        changes["throughput_raised"] = work.now
    if wanted.read < current.read or wanted.write < current.write:
        today = tuple(at for at in one.decreases if at.date() == work.now.date())
        _check_decreases(today, work.now)
        changes["throughput_lowered"] = work.now
        changes["decreases"] = (*today, work.now)
    return changes


def _check_decreases(today: Sequence[datetime], now: datetime) -> None:
    if len(today) < DECREASES_MAX or now - today[-1] >= DECREASE_EVERY:
        return
    shown = "%A, %B %d, %Y at %I:%M:%S %p Coordinated Universal Time"
    raise LimitExceededException(
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given UTC day. After the "
        f"first {DECREASES_MAX} decreases, each subsequent decrease in the same UTC day can be performed at most once "
        f"every {int(DECREASE_EVERY.total_seconds())} seconds. Number of decreases today: {len(today)}. "
        f"Last decrease at {today[-1]:{shown}}. Next decrease can be made at {today[-1] + DECREASE_EVERY:{shown}}"
    )


def _with_settings(request: UpdateTable, definition: TableDefinition, work: Work) -> TableDefinition:
    changes: dict[str, Any] = {}
    if request.table_class is not None:
        changes["table_class"] = request.table_class
    if request.deletion_protection_enabled is not None:
        changes["protected"] = request.deletion_protection_enabled
    if request.sse_specification is not None:
        changes["encryption_key"] = encryption_key(request.sse_specification, work)
    paid_per_request = definition.paid_per_request
    if request.on_demand_throughput is not None:
        bounds = on_demand_of(request.on_demand_throughput, paid_per_request=paid_per_request)
        assert bounds is not None
        changes["on_demand"] = _bounded(definition.on_demand, bounds)
    if request.warm_throughput is not None:
        least = definition.warm or (WARM_ON_DEMAND if paid_per_request else definition.throughput)
        changes["warm"] = warm_of(request.warm_throughput, least)
    return msgspec.structs.replace(definition, **changes)


def _bounded(before: OnDemand | None, wish: OnDemand) -> OnDemand | None:
    """Bounds with those that were not named as they were; -1 takes one away."""
    known = before or OnDemand()
    read = known.read if wish.read is None else wish.read
    write = known.write if wish.write is None else wish.write
    bounds = OnDemand(None if read == -1 else read, None if write == -1 else write)
    return None if bounds == OnDemand() else bounds


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
            definition = _with_index_units(update.update, definition, work)
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
    if definition.paid_per_request and wish.provisioned_throughput is not None:
        raise _no_units(wish.index_name)
    # The key's attributes are defined in the request, also those that the table knows.
    # Source: DynamoDB API Reference, UpdateTable, AttributeDefinitions
    number = work.next_id(ITEM_TABLE_IDS)
    index = global_index(wish, definitions, number, paid_per_request=definition.paid_per_request, backfilled=False)
    indexes = (*definition.indexes, index)
    check_indexes(indexes)
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


def _with_index_units(update: UpdateIndex, definition: TableDefinition, work: Work) -> TableDefinition:
    index = _global(update.index_name, definition)
    changes: dict[str, Any] = {}
    if update.provisioned_throughput is not None:
        changes = _index_units(index, update.provisioned_throughput, definition, work)
    if update.on_demand_throughput is not None:
        bounds = on_demand_of(update.on_demand_throughput, paid_per_request=definition.paid_per_request)
        assert bounds is not None
        changes["on_demand"] = _bounded(index.on_demand, bounds)
    if update.warm_throughput is not None:
        least = index.warm or (WARM_ON_DEMAND if definition.paid_per_request else index.throughput)
        changes["warm"] = warm_of(update.warm_throughput, least, f"index {index.name}")
    changed = msgspec.structs.replace(index, **changes)
    return msgspec.structs.replace(
        definition, indexes=tuple(changed if one.id == index.id else one for one in definition.indexes)
    )


def _no_units(index_name: str) -> InvalidParameters:
    """Source: https://github.com/circles-learning-labs/ecto_adapters_dynamodb/issues/11"""
    return InvalidParameters(
        f"Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: {index_name} "
        "when BillingMode is PAY_PER_REQUEST"
    )


def _index_units(index: Index, units: Units, definition: TableDefinition, work: Work) -> dict[str, Any]:
    if definition.paid_per_request:
        raise _no_units(index.name)
    wanted, current = checked_units(units), index.throughput
    if wanted == current:
        raise InvalidInput(
            f"The provisioned throughput for the index {index.name} will not change. The requested value equals the "
            f"current value. Current ReadCapacityUnits provisioned for the index: {current.read}. "
            f"Requested ReadCapacityUnits: {wanted.read}. "
            f"Current WriteCapacityUnits provisioned for the index: {current.write}. "
            f"Requested WriteCapacityUnits: {wanted.write}. "
            "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher limits."
        )
    return _new_units(index, wanted, work)


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
