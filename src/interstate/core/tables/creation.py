"""From what a request says of a table or an index to its schema, with DynamoDB's checks.

Source: DynamoDB API Reference, CreateTable; texts as the service answers them.
"""

from collections.abc import Sequence

import msgspec

from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.schema import Index, KeyAttribute, KeySchema, KeyType, OnDemand, ProjectionType, Throughput

UNITS_MAX = 1_000_000_000_000
WARM_ON_DEMAND = Throughput(12_000, 4_000)
"""What a table that is paid per request takes at once. Source: Developer Guide, Warm throughput."""
LOCAL_INDEXES_MAX = 5
GLOBAL_INDEXES_MAX = 20
KEY_ATTRIBUTES_MAX = 4
PROJECTED_MAX = 100
"""Source: DynamoDB quotas, secondary indexes."""


class AttributeDefinition(msgspec.Struct, frozen=True, rename="pascal"):
    """The type of a key attribute."""

    attribute_name: str
    attribute_type: KeyType


class KeyElement(msgspec.Struct, frozen=True, rename="pascal"):
    """HASH or RANGE."""

    attribute_name: str
    key_type: str


class Projection(msgspec.Struct, frozen=True, rename="pascal"):
    """What an index holds."""

    projection_type: ProjectionType | None = None
    non_key_attributes: list[str] | None = None


class Units(msgspec.Struct, frozen=True, rename="pascal"):
    """Provisioned throughput."""

    read_capacity_units: int
    write_capacity_units: int


class RequestUnits(msgspec.Struct, frozen=True, rename="pascal"):
    """The most request units a second of what is paid per request."""

    max_read_request_units: int | None = None
    max_write_request_units: int | None = None


class WarmUnits(msgspec.Struct, frozen=True, rename="pascal"):
    """Units a second that are ready at once."""

    read_units_per_second: int | None = None
    write_units_per_second: int | None = None


class IndexWish(msgspec.Struct, frozen=True, rename="pascal"):
    """An index as a request describes it."""

    index_name: str
    key_schema: list[KeyElement]
    projection: Projection
    provisioned_throughput: Units | None = None
    on_demand_throughput: RequestUnits | None = None
    warm_throughput: WarmUnits | None = None


def key_schema(
    elements: Sequence[KeyElement], definitions: Sequence[AttributeDefinition], where: str = "keySchema"
) -> KeySchema:
    """The key of a table or a local index: one attribute, or two; ``where`` names it in a refusal.

    Raises:
        InvalidInput: the elements mean none.
    """
    if len(elements) > 2:
        listed = ", ".join(
            f"KeySchemaElement(attributeName={element.attribute_name}, keyType={element.key_type})"
            for element in elements
        )
        raise InvalidInput(
            f"1 validation error detected: Value '[{listed}]' at '{where}' failed to satisfy constraint: "
            "Member must have length less than or equal to 2"
        )
    attributes = _key_attributes(elements, definitions)
    for element, (place, wanted) in zip(elements, (("first", "HASH"), ("second", "RANGE")), strict=False):
        if element.key_type != wanted:
            raise InvalidInput(f"Invalid KeySchema: The {place} KeySchemaElement is not a {wanted} key type")
    return KeySchema(attributes[0], attributes[1] if len(attributes) == 2 else None)


def global_key_schema(elements: Sequence[KeyElement], definitions: Sequence[AttributeDefinition]) -> KeySchema:
    """The key of a global index: up to four partition attributes, then up to four sort attributes.

    Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.html#GSI.MultiAttributeKeys

    Raises:
        InvalidInput: the elements mean none.
    """
    attributes = _key_attributes(elements, definitions)
    kinds = [element.key_type for element in elements]
    count = kinds.index("RANGE") if "RANGE" in kinds else len(kinds)
    if not count:
        raise InvalidInput("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
    if "HASH" in kinds[count:]:
        raise InvalidInput("Invalid KeySchema: The HASH KeySchemaElements must come before the RANGE KeySchemaElements")
    for kind in ("HASH", "RANGE"):
        if kinds.count(kind) > KEY_ATTRIBUTES_MAX:
            raise InvalidInput(
                f"Invalid KeySchema: Number of {kind} KeySchemaElements exceeds the limit of {KEY_ATTRIBUTES_MAX}"
            )
    partitions, sorts = attributes[:count], attributes[count:]
    return KeySchema(partitions[0], sorts[0] if sorts else None, tuple(partitions[1:]), tuple(sorts[1:]))


def _key_attributes(elements: Sequence[KeyElement], definitions: Sequence[AttributeDefinition]) -> list[KeyAttribute]:
    types = {definition.attribute_name: definition.attribute_type for definition in definitions}
    names = [element.attribute_name for element in elements]
    known = [name for name in names if name in types]
    if known and len(known) < len(names):  # Source: https://github.com/aws-cloudformation/cfn-lint/issues/1037
        raise InvalidInput("Invalid KeySchema: Some index key attribute have no definition")
    if not known:  # Source: https://github.com/scalar-labs/scalardb/issues/187
        raise InvalidParameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )
    if len(set(names)) < len(names):
        raise InvalidInput("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    return [KeyAttribute(name, types[name]) for name in names]


def check_definitions(definitions: Sequence[AttributeDefinition], used: set[str], *, indexed: bool) -> None:
    """Refuse definitions of attributes that no key uses.

    Raises:
        InvalidParameters: there are some.
    """
    defined = [definition.attribute_name for definition in definitions]
    for place, name in enumerate(defined):
        if name in defined[:place]:
            raise InvalidParameters(f"Duplicate AttributeName in AttributeDefinitions: {name}")
    if not indexed and len(defined) != len(used):
        raise InvalidParameters(
            "Number of attributes in KeySchema does not exactly match number of attributes defined in "
            "AttributeDefinitions"
        )
    if set(defined) != used:
        raise InvalidParameters(
            "Some AttributeDefinitions are not used. "
            f"AttributeDefinitions: [{', '.join(defined)}], keys used: [{', '.join(sorted(used))}]"
        )


def throughput_of(units: Units | None, *, paid_per_request: bool) -> Throughput:
    """A table's provisioned units.

    Raises:
        InvalidInput: they are missing, not wanted, or too many.
    """
    if paid_per_request:
        if units is not None:
            raise InvalidParameters(
                "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST"
            )
        return Throughput()
    if units is None:
        raise InvalidParameters(
            "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED"
        )
    return checked_units(units)


def checked_units(units: Units) -> Throughput:
    """Provisioned units within bounds.

    Raises:
        InvalidInput: they are too many.
    """
    for name, count in (
        ("ReadCapacityUnits", units.read_capacity_units),
        ("WriteCapacityUnits", units.write_capacity_units),
    ):
        if count > UNITS_MAX:
            raise InvalidInput(f"Given value {count} for {name} is out of bounds")
    return Throughput(units.read_capacity_units, units.write_capacity_units)


def on_demand_of(wish: RequestUnits | None, *, paid_per_request: bool) -> OnDemand | None:
    """The bounds of what is paid per request; -1 takes a bound away.

    Raises:
        InvalidParameters: nothing is paid per request, or a bound is none.
    """
    if wish is None:
        return None
    if not paid_per_request:
        raise InvalidParameters("OnDemandThroughput cannot be specified when BillingMode is PROVISIONED")
    for name, units in (
        ("MaxReadRequestUnits", wish.max_read_request_units),
        ("MaxWriteRequestUnits", wish.max_write_request_units),
    ):
        if units is not None and units != -1 and units < 1:
            raise InvalidParameters(f"{name} must be -1 or at least 1")
    return OnDemand(wish.max_read_request_units, wish.max_write_request_units)


def warm_of(wish: WarmUnits | None, least: Throughput, what: str = "table") -> Throughput | None:
    """Warm throughput that was asked for, never below what is warm already.

    Raises:
        InvalidParameters: it is below.
    """
    if wish is None:
        return None
    read = least.read if wish.read_units_per_second is None else wish.read_units_per_second
    write = least.write if wish.write_units_per_second is None else wish.write_units_per_second
    for name, units, now in (("Read", read, least.read), ("Write", write, least.write)):
        if units < now:
            raise InvalidParameters(
                f"Requested {name}UnitsPerSecond for WarmThroughput for {what} is lower than current WarmThroughput"
            )
    return Throughput(read, write)


def local_indexes(
    wishes: Sequence[IndexWish] | None,
    definitions: Sequence[AttributeDefinition],
    key: KeySchema,
    ids: Sequence[int],
) -> tuple[Index, ...]:
    """The local indexes of a new table, numbered by ``ids``.

    Raises:
        InvalidInput: one does not fit the table.
    """
    if wishes is None:
        return ()
    if not wishes:
        raise InvalidParameters("List of LocalSecondaryIndexes is empty")
    if key.sort is None:
        raise InvalidParameters(
            "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex"
        )
    indexes = []
    for place, (number, wish) in enumerate(zip(ids, wishes, strict=False), 1):
        schema = key_schema(wish.key_schema, definitions, f"localSecondaryIndexes.{place}.member.keySchema")
        if schema.sort is None:
            raise InvalidParameters(f"Index KeySchema does not have a range key for index: {wish.index_name}")
        if schema.partition.name != key.partition.name:
            raise InvalidParameters(
                "Index KeySchema does not have the same leading hash key as table KeySchema for index: "
                f"{wish.index_name}. index hash key: {schema.partition.name}, table hash key: {key.partition.name}"
            )
        projection, attributes = _projection(wish.projection)
        indexes.append(Index(number, wish.index_name, schema, projection, attributes, is_global=False))
    if len(indexes) > LOCAL_INDEXES_MAX:
        raise InvalidParameters("Number of LocalSecondaryIndexes exceeds per-table limit of 5")
    return tuple(indexes)


def global_index(
    wish: IndexWish,
    definitions: Sequence[AttributeDefinition],
    number: int,
    *,
    paid_per_request: bool,
    backfilled: bool = True,
) -> Index:
    """A global index.

    Raises:
        InvalidInput: its key, projection or throughput.
    """
    schema = global_key_schema(wish.key_schema, definitions)
    projection, attributes = _projection(wish.projection)
    units = wish.provisioned_throughput
    if paid_per_request and units is not None:
        raise InvalidParameters(
            f"ProvisionedThroughput should not be specified for index: {wish.index_name} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    if not paid_per_request and units is None:
        # Source: https://github.com/awsdocs/amazon-dynamodb-developer-guide/issues/246
        raise InvalidParameters(f"ProvisionedThroughput is not specified for index: {wish.index_name}")
    throughput = Throughput() if units is None else checked_units(units)
    least = WARM_ON_DEMAND if paid_per_request else throughput
    return Index(
        number,
        wish.index_name,
        schema,
        projection,
        attributes,
        throughput=throughput,
        backfilled=backfilled,
        on_demand=on_demand_of(wish.on_demand_throughput, paid_per_request=paid_per_request),
        warm=warm_of(wish.warm_throughput, least, f"index {wish.index_name}"),
    )


def check_global_wishes(wishes: Sequence[IndexWish] | None) -> Sequence[IndexWish]:
    """The wished global indexes of a new table.

    Raises:
        InvalidParameters: an empty list, or too many.
    """
    if wishes is None:
        return ()
    if not wishes:
        raise InvalidParameters("List of GlobalSecondaryIndexes is empty")
    if len(wishes) > GLOBAL_INDEXES_MAX:
        raise InvalidParameters("GlobalSecondaryIndex count exceeds the per-table limit of 20")
    return wishes


def check_indexes(indexes: Sequence[Index]) -> None:
    """Refuse two indexes of one name, and more projected attributes than a table's indexes may name together.

    Raises:
        InvalidParameters: telling which.
    """
    named = sum(len(index.attributes) for index in indexes)
    if named > PROJECTED_MAX:
        raise InvalidParameters(
            f"Number of NonKeyAttributes of all secondary indexes exceeds the limit of {PROJECTED_MAX}: {named}"
        )
    names: set[str] = set()
    for index in indexes:
        if index.name in names:
            raise InvalidParameters(f"Duplicate index name: {index.name}")
        names.add(index.name)


def _projection(projection: Projection) -> tuple[ProjectionType, tuple[str, ...]]:
    kind, attributes = projection.projection_type, projection.non_key_attributes
    if kind is None:
        raise InvalidParameters("Unknown ProjectionType: null")
    if attributes is not None and kind != "INCLUDE":
        raise InvalidParameters(f"ProjectionType is {kind}, but NonKeyAttributes is specified")
    if kind == "INCLUDE" and not attributes:
        raise InvalidParameters("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
    return kind, tuple(attributes or ())
