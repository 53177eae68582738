"""Tables: their life. A new table is ACTIVE as soon as its creation is committed.

Source: DynamoDB API Reference, CreateTable, DescribeTable, DeleteTable, ListTables.
"""

from hashlib import blake2b
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.base.ids import Entropy
from interstate.core.tables.creation import (
    WARM_ON_DEMAND,
    AttributeDefinition,
    IndexWish,
    KeyElement,
    RequestUnits,
    Units,
    WarmUnits,
    check_definitions,
    check_global_wishes,
    check_indexes,
    global_index,
    key_schema,
    local_indexes,
    on_demand_of,
    throughput_of,
    warm_of,
)
from interstate.core.tables.schema import TableDefinition
from interstate.services.dynamodb import counts, expiry, streams
from interstate.services.dynamodb.copies import keep_deleted
from interstate.services.dynamodb.describe import description, farewell
from interstate.services.dynamodb.errors import ResourceInUseException
from interstate.services.dynamodb.locate import check_name, described_table
from interstate.services.dynamodb.policy_documents import new_policy
from interstate.services.dynamodb.tags import Tag, checked_tags
from interstate.store.ports import Work
from interstate.store.records.dynamodb import (
    CHANGES_OF_TABLE,
    COLLECTIONS_OF_TABLE,
    ENTRIES_OF_INDEX,
    ITEM_TABLE_IDS,
    ITEM_TABLES,
    ITEM_THROUGHPUTS,
    ITEMS_OF_TABLE,
    TABLES_OF_SCOPE,
    VERSIONS_OF_TABLE,
    ItemTable,
    ItemTableId,
)
from interstate.store.tables import Select

LIST_MAX = 100
DROP_MAX = 500


class SSESpecification(msgspec.Struct, frozen=True, rename="pascal"):
    enabled: bool = False
    sse_type: str | None = msgspec.field(name="SSEType", default=None)
    kms_master_key_id: str | None = msgspec.field(name="KMSMasterKeyId", default=None)


class StreamSpecification(msgspec.Struct, frozen=True, rename="pascal"):
    stream_enabled: bool
    stream_view_type: str | None = None


class CreateTable(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str
    attribute_definitions: list[AttributeDefinition] = []
    key_schema: list[KeyElement] = []
    local_secondary_indexes: list[IndexWish] | None = None
    global_secondary_indexes: list[IndexWish] | None = None
    billing_mode: str = "PROVISIONED"
    provisioned_throughput: Units | None = None
    stream_specification: StreamSpecification | None = None
    sse_specification: SSESpecification | None = msgspec.field(name="SSESpecification", default=None)
    tags: list[Tag] = []
    table_class: str = "STANDARD"
    deletion_protection_enabled: bool = False
    warm_throughput: WarmUnits | None = None
    on_demand_throughput: RequestUnits | None = None
    resource_policy: str | None = None
    global_table_source_arn: Any = None
    global_table_settings_replication_mode: Any = None
    vector_indexes: Any = None


class TableRequest(msgspec.Struct, frozen=True, rename="pascal"):
    table_name: str


class ListTables(msgspec.Struct, frozen=True, rename="pascal"):
    exclusive_start_table_name: str = ""
    limit: int = LIST_MAX


_OF_A_TABLE: tuple[Select[Any], ...] = (ITEMS_OF_TABLE, COLLECTIONS_OF_TABLE, VERSIONS_OF_TABLE, CHANGES_OF_TABLE)


class Drop(msgspec.Struct, frozen=True):
    """Forget the items of a table that is gone, and the entries of indexes that are."""

    table_id: int | None
    index_ids: list[int]


class _Missing(ValidationException):
    """Members that the model does not require, but the service does."""

    code = "ValidationException"

    def __init__(self, members: list[str]) -> None:
        faults = "; ".join(
            f"Value null at '{name}' failed to satisfy constraint: Member must not be null" for name in members
        )
        many = "s" if len(members) > 1 else ""
        super().__init__(f"{len(members)} validation error{many} detected: {faults}")


def create_table(request: CreateTable, work: Work) -> dict[str, Any]:
    """Create a table.

    Raises:
        ResourceInUseException: it exists.
        InvalidInput: its key, indexes or throughput.
        NotImplementedHere: it wants what Interstate does not have.
    """
    check_name(request.table_name)
    refuse_absent_features(
        GlobalTableSourceArn=request.global_table_source_arn,
        GlobalTableSettingsReplicationMode=request.global_table_settings_replication_mode,
        VectorIndexes=request.vector_indexes,
    )
    definition = new_definition(request, work)
    name = request.table_name
    arn = name if name.startswith("arn:") else work.caller.arn("dynamodb", f"table/{name}")
    if work.get(ITEM_TABLES, arn) is not None:
        raise ResourceInUseException(f"Table already exists: {name_of(arn)}")
    tags = checked_tags(request.tags)
    table = made(arn, definition, tags, work)
    return {"TableDescription": description(table, work, status="CREATING")}


def name_of(arn: str) -> str:
    """The name of a table."""
    return arn.rpartition("/")[2]


def made(arn: str, definition: TableDefinition, tags: dict[str, str], work: Work) -> ItemTable:
    """A new table, in the account and region that its ARN names."""
    place = caller_of(arn)
    table = ItemTable(arn, f"{place.account}/{place.region}", name_of(arn), definition, tags)
    work.put(ITEM_TABLES, table)
    for number in (definition.id, *(index.id for index in definition.indexes)):
        work.put(ITEM_TABLE_IDS, ItemTableId(number, arn))
    return table


def refuse_absent_features(**parameters: Any) -> None:
    """Refuse parameters of features that Interstate does not have.

    Raises:
        NotImplementedHere: naming the first that is given.
    """
    for name, value in parameters.items():
        if value is not None:
            raise NotImplementedHere(f"DynamoDB's {name}")


def new_definition(request: CreateTable, work: Work) -> TableDefinition:
    """The settings that a request asks for, with numbers of its own.

    Raises:
        InvalidInput: its key, indexes or throughput.
    """
    missing = [
        name
        for name, value in (
            ("attributeDefinitions", request.attribute_definitions),
            ("keySchema", request.key_schema),
        )
        if not value
    ]
    if missing:
        raise _Missing(missing)
    paid_per_request = request.billing_mode == "PAY_PER_REQUEST"
    throughput = throughput_of(request.provisioned_throughput, paid_per_request=paid_per_request)
    definitions = request.attribute_definitions
    key = key_schema(request.key_schema, definitions)
    local_wishes, global_wishes = request.local_secondary_indexes, request.global_secondary_indexes
    local_ids = [work.next_id(ITEM_TABLE_IDS) for _ in local_wishes or ()]
    indexes = (
        *local_indexes(local_wishes, definitions, key, local_ids),
        *(
            global_index(wish, definitions, work.next_id(ITEM_TABLE_IDS), paid_per_request=paid_per_request)
            for wish in check_global_wishes(global_wishes)
        ),
    )
    check_indexes(indexes)
    used = {name for schema in (key, *(index.key for index in indexes)) for name in schema.names}
    check_definitions(definitions, used, indexed=bool(indexes))
    wish, stream = request.stream_specification, None
    if wish is not None and wish.stream_enabled:
        arn = work.caller.arn("dynamodb", f"table/{request.table_name}")
        stream = streams.turn_on(arn, request.table_name, key, wish.stream_view_type, work)
    least = WARM_ON_DEMAND if paid_per_request else throughput
    return TableDefinition(
        id=work.next_id(ITEM_TABLE_IDS),
        unique_id=work.entropy.uuid(),
        created=work.now,
        key=key,
        indexes=indexes,
        paid_per_request=paid_per_request,
        paid_per_request_since=work.now if paid_per_request else None,
        throughput=throughput,
        table_class=request.table_class,
        encryption_key=encryption_key(request.sse_specification, work),
        protected=request.deletion_protection_enabled,
        stream=stream,
        on_demand=on_demand_of(request.on_demand_throughput, paid_per_request=paid_per_request),
        warm=warm_of(request.warm_throughput, least),
        policy=None if request.resource_policy is None else new_policy(request.resource_policy, work),
    )


def encryption_key(wish: SSESpecification | None, work: Work) -> str | None:
    """The ARN of the key that a table names for its encryption. (Interstate keeps the name; it encrypts nothing.)

    Without a key it is the account's own for DynamoDB, ``alias/aws/dynamodb`` at KMS.
    """
    if wish is None or not wish.enabled:
        return None
    key = wish.kms_master_key_id
    if key is None or key.endswith("alias/aws/dynamodb"):
        seed = blake2b(f"dynamodb/{work.caller.account}/{work.caller.region}".encode(), digest_size=16).digest()
        return work.caller.arn("kms", f"key/{Entropy(seed).uuid()}")
    if key.startswith("arn:"):
        return key
    return work.caller.arn("kms", key if key.startswith("alias/") else f"key/{key}")


def describe_table(request: TableRequest, work: Work) -> dict[str, Any]:
    """What a table is, and how much it holds.

    Raises:
        TableMissing: there is no such table.
    """
    return {"Table": description(described_table(request.table_name, work), work)}


def list_tables(request: ListTables, work: Work) -> dict[str, Any]:
    """The names of the caller's tables, in order, page by page."""
    scope = f"{work.caller.account}/{work.caller.region}"
    found = work.select(TABLES_OF_SCOPE, limit=request.limit + 1, scope=scope, after=request.exclusive_start_table_name)
    names = [table.name for table in found[: request.limit]]
    answer: dict[str, Any] = {"TableNames": names}
    if len(found) > request.limit:
        answer["LastEvaluatedTableName"] = names[-1]
    return answer


def delete_table(request: TableRequest, work: Work) -> dict[str, Any]:
    """Forget a table at once; its items go in bounded steps.

    Raises:
        TableMissing: there is no such table.
        ValidationException: it is protected.
    """
    table = described_table(request.table_name, work, "DeleteTable")
    definition = table.definition
    if definition.protected:
        raise ValidationException(
            "Resource cannot be deleted as it is currently protected against deletion. "
            "Disable deletion protection first."
        )
    _check_free(table)
    answer = {"TableDescription": farewell(table, work)}
    forget(table, work, keeps_items=keep_deleted(table, work))
    return answer


def _check_free(table: ItemTable) -> None:
    definition = table.definition
    if definition.filling:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being created: {table.name}"
        )
    if not all(index.backfilled for index in definition.indexes):
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Table is being updated with an index: {table.name}"
        )
    if definition.copies:
        raise ResourceInUseException(
            f"Attempt to change a resource which is still in use: Backup of table is in progress: {table.name}"
        )
    if definition.replicas:
        regions = ", ".join(replica.region for replica in definition.replicas)
        raise ValidationException(
            "Replica cannot be deleted because it has acted as a source region for new replica(s) being added to the "
            f"table in the last 24 hours. Remove the replicas first: {regions}"
        )


def forget(table: ItemTable, work: Work, *, keeps_items: bool = False) -> None:
    """Forget a table at once, its items (unless a backup has them now) in bounded steps."""
    definition = table.definition
    work.delete(ITEM_TABLES, table.arn)
    expiry.forget(definition.id, work)
    if definition.stream is not None and definition.stream.enabled:
        streams.turn_off(definition.stream, work)
    work.later("dynamodb.drop", Drop(None if keeps_items else definition.id, [one.id for one in definition.indexes]))


def drop(body: Drop, work: Work) -> None:
    """Forget a bounded number of items or entries, then the rest."""
    room = DROP_MAX
    table_id, index_ids = body.table_id, list(body.index_ids)
    if table_id is not None:
        for select in _OF_A_TABLE:
            room -= work.erase(select, limit=room, table=table_id)
            if not room:
                break
        if room:
            _forget_number(table_id, work)
            table_id = None
    while room and index_ids:
        room -= work.erase(ENTRIES_OF_INDEX, limit=room, index=index_ids[0])
        if room:
            _forget_number(index_ids.pop(0), work)
    if table_id is not None or index_ids:
        work.later("dynamodb.drop", Drop(table_id, index_ids))


def _forget_number(number: int, work: Work) -> None:
    counts.forget(number, work)
    work.delete(ITEM_TABLE_IDS, number)
    work.delete(ITEM_THROUGHPUTS, number)
