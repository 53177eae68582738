"""Global tables (version 2019.11.21): replicas in other regions of the instance, made and taken away by UpdateTable.

Theory of operation
-------------------
A replica is a table of its own in its region, with the same key and indexes. It is filled in bounded steps with what its
source holds; those items count as written before everything else, so that whatever is written meanwhile, anywhere, wins.
Every replica names all the others.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GlobalTables.html
"""

import re
from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere, ServiceError, ValidationException
from interstate.base.time import EPOCH
from interstate.core.tables.schema import Replica, TableDefinition
from interstate.services.dynamodb import streams
from interstate.services.dynamodb.changes import LAST, as_it_was
from interstate.services.dynamodb.replication import Replicate, region_of
from interstate.services.dynamodb.stored import replicate
from interstate.services.dynamodb.tables import forget, made
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_TABLE_IDS, ITEM_TABLES, ItemTable

FILL_MAX = 100
_REGION = re.compile(r"[a-z]{2}(-[a-z]+){1,3}-[0-9]{1,2}").fullmatch


class CreateReplica(msgspec.Struct, frozen=True, rename="pascal"):
    region_name: str
    kms_master_key_id: str | None = msgspec.field(name="KMSMasterKeyId", default=None)
    provisioned_throughput_override: Any = None
    on_demand_throughput_override: Any = None
    global_secondary_indexes: Any = None
    table_class_override: str | None = None


class DeleteReplica(msgspec.Struct, frozen=True, rename="pascal"):
    region_name: str


class ReplicaUpdate(msgspec.Struct, frozen=True, rename="pascal"):
    create: CreateReplica | None = None
    update: CreateReplica | None = None
    delete: DeleteReplica | None = None
    disassociate: Any = None


class FillReplica(msgspec.Struct, frozen=True):
    """Fill a new replica with the items of its source behind a key."""

    source: str
    arn: str
    number: int
    partition: bytes = b""
    sort: bytes = b""


class ReplicaNotFoundException(ServiceError):
    """The table has no replica in that region."""


class ReplicaAlreadyExistsException(ServiceError):
    """The table has a replica in that region."""


def update(table: ItemTable, updates: Sequence[ReplicaUpdate], work: Work) -> ItemTable:
    """The table after replicas were made or taken away.

    Raises:
        ValidationException: an update is none, or the region is the table's own or has the table already.
        NotImplementedHere: a replica would have settings of its own.
    """
    for one in updates:
        given = [part for part in (one.create, one.update, one.delete, one.disassociate) if part is not None]
        if len(given) != 1:
            raise ValidationException(
                "One or more parameter values were invalid: ReplicaUpdates must contain exactly one of Create, Update "
                "or Delete"
            )
        if one.create is not None:
            table = _create(table, one.create, work)
        elif one.delete is not None:
            table = _delete(table, one.delete.region_name, work)
        elif one.update is not None:
            table = _change(table, one.update, work)
        else:
            raise NotImplementedHere("DynamoDB's Disassociate of replicas")
    return table


def _arn_in(table: ItemTable, region: str) -> str:
    parsed = parse_arn(table.arn)
    assert parsed is not None
    return str(msgspec.structs.replace(parsed, region=region))


def _check_overrides(wish: CreateReplica) -> None:
    for name, value in (
        ("ProvisionedThroughputOverride", wish.provisioned_throughput_override),
        ("OnDemandThroughputOverride", wish.on_demand_throughput_override),
        ("GlobalSecondaryIndexes", wish.global_secondary_indexes),
    ):
        if value is not None:
            raise NotImplementedHere(f"DynamoDB's {name} of a replica")


def _create(table: ItemTable, wish: CreateReplica, work: Work) -> ItemTable:
    _check_overrides(wish)
    region = wish.region_name
    if not _REGION(region):
        raise ValidationException(f"One or more parameter values were invalid: Invalid region name: {region}")
    own = region_of(table.arn)
    if region == own or any(replica.region == region for replica in table.definition.replicas):
        raise ValidationException(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    arn = _arn_in(table, region)
    if work.get(ITEM_TABLES, arn) is not None:
        raise ValidationException(
            f"Failed to create a the new replica of table with name: '{table.name}' because one or more replicas "
            "already existed as tables."
        )
    table = _with_stream(table, work)
    new = Replica(
        region, arn, active=False, encryption_key=wish.kms_master_key_id, table_class=wish.table_class_override
    )
    others = table.definition.replicas
    definition = _copy_of(table.definition, wish, work)
    siblings = (Replica(own, table.arn), *others)
    replica = _with_stream(made(arn, msgspec.structs.replace(definition, replicas=siblings), {}, work), work)
    work.put(ITEM_TABLES, replica)
    for other in others:
        sibling = work.get(ITEM_TABLES, other.arn)
        if sibling is not None:
            _put(sibling, (*sibling.definition.replicas, msgspec.structs.replace(new, active=True)), work)
    table = _put(table, (*others, new), work)
    work.later("dynamodb.replica.fill", FillReplica(table.arn, arn, definition.id))
    return table


def _put(table: ItemTable, replicas: tuple[Replica, ...], work: Work) -> ItemTable:
    definition = msgspec.structs.replace(table.definition, replicas=replicas)
    table = msgspec.structs.replace(table, definition=definition)
    work.put(ITEM_TABLES, table)
    return table


def _with_stream(table: ItemTable, work: Work) -> ItemTable:
    """Replicas have streams of new and old images."""
    stream = table.definition.stream
    if stream is not None and stream.enabled:
        if stream.view != "NEW_AND_OLD_IMAGES":
            raise ValidationException(
                "Table must have DynamoDB Streams enabled with StreamViewType set to New and Old Images"
            )
        return table
    stream = streams.turn_on(table.arn, table.name, table.definition.key, "NEW_AND_OLD_IMAGES", work)
    return msgspec.structs.replace(table, definition=msgspec.structs.replace(table.definition, stream=stream))


def _copy_of(source: TableDefinition, wish: CreateReplica, work: Work) -> TableDefinition:
    indexes = tuple(
        msgspec.structs.replace(index, id=work.next_id(ITEM_TABLE_IDS), backfilled=True) for index in source.indexes
    )
    return TableDefinition(
        id=work.next_id(ITEM_TABLE_IDS),
        unique_id=work.entropy.uuid(),
        created=work.now,
        key=source.key,
        indexes=indexes,
        paid_per_request=source.paid_per_request,
        paid_per_request_since=source.paid_per_request_since,
        throughput=source.throughput,
        table_class=wish.table_class_override or source.table_class,
        encryption_key=wish.kms_master_key_id,
        expiry_attribute=source.expiry_attribute,
        on_demand=source.on_demand,
    )


def _found(table: ItemTable, region: str) -> Replica:
    for replica in table.definition.replicas:
        if replica.region == region:
            return replica
    raise ReplicaNotFoundException(
        f"Update global table operation failed because one or more replicas were not part of the global table: {region}"
    )


def _delete(table: ItemTable, region: str, work: Work) -> ItemTable:
    if region == region_of(table.arn):
        raise ValidationException("A replica cannot be deleted from its own region; delete it from another one")
    gone = _found(table, region)
    for replica in table.definition.replicas:
        sibling = work.get(ITEM_TABLES, replica.arn)
        if sibling is not None and replica is not gone:
            _put(sibling, tuple(one for one in sibling.definition.replicas if one.region != region), work)
    leaving = work.get(ITEM_TABLES, gone.arn)
    if leaving is not None:
        forget(leaving, work)
    return _put(table, tuple(one for one in table.definition.replicas if one.region != region), work)


def _change(table: ItemTable, wish: CreateReplica, work: Work) -> ItemTable:
    _check_overrides(wish)
    known = _found(table, wish.region_name)
    changed = msgspec.structs.replace(
        known,
        encryption_key=wish.kms_master_key_id or known.encryption_key,
        table_class=wish.table_class_override or known.table_class,
    )
    return _put(table, tuple(changed if one is known else one for one in table.definition.replicas), work)


def fill(body: FillReplica, work: Work) -> None:
    """Bring a bounded number of items to a new replica, then the rest; it is ACTIVE after the last."""
    source = work.get(ITEM_TABLES, body.source)
    replica = work.get(ITEM_TABLES, body.arn)
    if source is None or replica is None or replica.definition.id != body.number:
        return
    region = region_of(source.arn)
    snapshot = as_it_was(source.definition.id, LAST, (body.partition, body.sort), FILL_MAX, work)
    for row in snapshot.items:
        replicate(Replicate(body.arn, row.partition_key, row.sort_key, row.item, row.size, EPOCH, region), work)
    if snapshot.end is not None:
        partition, sort = snapshot.end
        again = msgspec.structs.replace(body, partition=partition, sort=sort)
        work.later("dynamodb.replica.fill", again, yields=True)
        return
    target = region_of(body.arn)
    ready = tuple(
        msgspec.structs.replace(one, active=True) if one.region == target else one for one in source.definition.replicas
    )
    _put(source, ready, work)
