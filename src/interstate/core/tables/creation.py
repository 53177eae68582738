"""From what a request says of a table or an index to its schema, with DynamoDB's checks.

Source: DynamoDB API Reference, CreateTable; texts as the service answers them.
"""

from collections.abc import Sequence

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.core.tables.errors import InvalidInput, InvalidParameters
from interstate.core.tables.schema import Index, KeyAttribute, KeySchema, KeyType, ProjectionType, Throughput

UNITS_MAX = 1_000_000_000_000
LOCAL_INDEXES_MAX = 5
GLOBAL_INDEXES_MAX = 20
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


class IndexWish(msgspec.Struct, frozen=True, rename="pascal"):
    """An index as a request describes it."""

    index_name: str
    key_schema: list[KeyElement]
    projection: Projection
    provisioned_throughput: Units | None = None


def key_schema(elements: Sequence[KeyElement], definitions: Sequence[AttributeDefinition]) -> KeySchema:
    """The key that the elements mean.

    Raises:
        InvalidInput: they mean none.
    """
    types = {definition.attribute_name: definition.attribute_type for definition in definitions}
    names = [element.attribute_name for element in elements]
    if len(elements) > 2:
        raise NotImplementedHere("keys of more than one attribute each (multi-attribute keys of global indexes)")
    if any(name not in types for name in names):
        raise InvalidParameters(
            "Some index key attributes are not defined in AttributeDefinitions. "
            f"Keys: [{', '.join(names)}], AttributeDefinitions: [{', '.join(types)}]"
        )
    if len(set(names)) < len(names):
        raise InvalidInput("Both the Hash Key and the Range Key element in the KeySchema have the same name")
    for element, (place, wanted) in zip(elements, (("first", "HASH"), ("second", "RANGE")), strict=False):
        if element.key_type != wanted:
            raise InvalidInput(f"Invalid KeySchema: The {place} KeySchemaElement is not a {wanted} key type")
    attributes = [KeyAttribute(name, types[name]) for name in names]
    return KeySchema(attributes[0], attributes[1] if len(attributes) == 2 else None)


def check_definitions(definitions: Sequence[AttributeDefinition], used: set[str], *, indexed: bool) -> None:
    """Refuse definitions of attributes that no key uses.

    Raises:
        InvalidParameters: there are some.
    """
    defined = [definition.attribute_name for definition in definitions]
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
    for number, wish in zip(ids, wishes, strict=False):
        schema = key_schema(wish.key_schema, definitions)
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
    schema = key_schema(wish.key_schema, definitions)
    projection, attributes = _projection(wish.projection)
    units = wish.provisioned_throughput
    if paid_per_request and units is not None:
        raise InvalidParameters(
            f"ProvisionedThroughput should not be specified for index: {wish.index_name} "
            "when BillingMode is PAY_PER_REQUEST"
        )
    if not paid_per_request and units is None:
        raise InvalidParameters(f"ProvisionedThroughput must be specified for index: {wish.index_name}")
    throughput = Throughput() if units is None else checked_units(units)
    return Index(number, wish.index_name, schema, projection, attributes, throughput=throughput, backfilled=backfilled)


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


def check_index_names(indexes: Sequence[Index]) -> None:
    """Refuse two indexes of one name.

    Raises:
        InvalidParameters: naming it.
    """
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
