"""Source: DynamoDB API Reference, CreateTable; texts as the service answers them."""

from collections.abc import Callable
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.core.tables.creation import (
    AttributeDefinition,
    IndexWish,
    KeyElement,
    Projection,
    Units,
    check_definitions,
    check_global_wishes,
    check_indexes,
    global_index,
    key_schema,
    local_indexes,
    throughput_of,
)
from interstate.core.tables.schema import Index, KeyAttribute, KeySchema, Throughput

DEFINITIONS = [AttributeDefinition(name, "S") for name in ("a", "b", "c")]
HASH = KeySchema(KeyAttribute("a", "S"))
RANGE = KeySchema(KeyAttribute("a", "S"), KeyAttribute("b", "S"))
ALL = Projection("ALL")


def elements(*names: str) -> list[KeyElement]:
    return [KeyElement(name, kind) for name, kind in zip(names, ("HASH", "RANGE", "RANGE"), strict=False)]


def wish(name: str, *keys: str, projection: Projection = ALL, units: Units | None = None) -> IndexWish:
    return IndexWish(name, elements(*keys), projection, units)


def test_elements_make_a_key() -> None:
    assert key_schema(elements("a"), DEFINITIONS) == HASH
    assert key_schema(elements("a", "b"), DEFINITIONS) == RANGE
    assert RANGE.names == ("a", "b")
    assert HASH.attributes == (KeyAttribute("a", "S"),)


def test_wishes_make_indexes() -> None:
    include = Projection("INCLUDE", ["x", "y"])
    made = local_indexes([wish("one", "a", "c", projection=include)], DEFINITIONS, RANGE, [7])
    key = KeySchema(KeyAttribute("a", "S"), KeyAttribute("c", "S"))
    assert made == (Index(7, "one", key, "INCLUDE", ("x", "y"), is_global=False),)
    assert local_indexes(None, DEFINITIONS, HASH, []) == ()
    assert global_index(wish("two", "b"), DEFINITIONS, 8, paid_per_request=True) == Index(
        8, "two", KeySchema(KeyAttribute("b", "S")), "ALL"
    )
    paid = global_index(wish("two", "b", units=Units(1, 2)), DEFINITIONS, 8, paid_per_request=False)
    assert paid.throughput == Throughput(1, 2)
    assert list(check_global_wishes(None)) == []
    assert len(check_global_wishes([wish("one", "a")])) == 1
    check_indexes([paid])


def test_units_are_provisioned_or_not() -> None:
    assert throughput_of(None, paid_per_request=True) == Throughput()
    assert throughput_of(Units(5, 6), paid_per_request=False) == Throughput(5, 6)


INVALID = "One or more parameter values were invalid: "
REFUSED: tuple[tuple[Callable[[], Any], str], ...] = (
    (
        lambda: key_schema(elements("z"), DEFINITIONS),
        INVALID + "Some index key attributes are not defined in AttributeDefinitions. "
        "Keys: [z], AttributeDefinitions: [a, b, c]",
    ),
    (
        lambda: key_schema(elements("a", "a"), DEFINITIONS),
        "Both the Hash Key and the Range Key element in the KeySchema have the same name",
    ),
    (
        lambda: key_schema([KeyElement("a", "RANGE")], DEFINITIONS),
        "Invalid KeySchema: The first KeySchemaElement is not a HASH key type",
    ),
    (
        lambda: key_schema([KeyElement("a", "HASH"), KeyElement("b", "HASH")], DEFINITIONS),
        "Invalid KeySchema: The second KeySchemaElement is not a RANGE key type",
    ),
    (
        lambda: check_definitions(DEFINITIONS, {"a"}, indexed=False),
        INVALID + "Number of attributes in KeySchema does not exactly match number of attributes defined in "
        "AttributeDefinitions",
    ),
    (
        lambda: check_definitions(DEFINITIONS, {"a", "b"}, indexed=True),
        INVALID + "Some AttributeDefinitions are not used. AttributeDefinitions: [a, b, c], keys used: [a, b]",
    ),
    (
        lambda: throughput_of(Units(1, 1), paid_per_request=True),
        INVALID + "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST",
    ),
    (
        lambda: throughput_of(None, paid_per_request=False),
        INVALID + "ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED",
    ),
    (
        lambda: throughput_of(Units(10**12 + 1, 1), paid_per_request=False),
        "Given value 1000000000001 for ReadCapacityUnits is out of bounds",
    ),
    (
        lambda: throughput_of(Units(1, 10**12 + 1), paid_per_request=False),
        "Given value 1000000000001 for WriteCapacityUnits is out of bounds",
    ),
    (lambda: local_indexes([], DEFINITIONS, RANGE, []), INVALID + "List of LocalSecondaryIndexes is empty"),
    (
        lambda: local_indexes([wish("one", "a", "b")], DEFINITIONS, HASH, [1]),
        INVALID + "Table KeySchema does not have a range key, which is required when specifying a LocalSecondaryIndex",
    ),
    (
        lambda: local_indexes([wish("one", "a")], DEFINITIONS, RANGE, [1]),
        INVALID + "Index KeySchema does not have a range key for index: one",
    ),
    (
        lambda: local_indexes([wish("one", "b", "c")], DEFINITIONS, RANGE, [1]),
        INVALID + "Index KeySchema does not have the same leading hash key as table KeySchema for index: one. "
        "index hash key: b, table hash key: a",
    ),
    (
        lambda: local_indexes([wish(str(n), "a", "c") for n in range(6)], DEFINITIONS, RANGE, range(6)),
        INVALID + "Number of LocalSecondaryIndexes exceeds per-table limit of 5",
    ),
    (lambda: check_global_wishes([]), INVALID + "List of GlobalSecondaryIndexes is empty"),
    (
        lambda: check_global_wishes([wish(str(n), "a") for n in range(21)]),
        INVALID + "GlobalSecondaryIndex count exceeds the per-table limit of 20",
    ),
    (
        lambda: check_indexes([Index(1, "one", HASH, "ALL"), Index(2, "one", HASH, "ALL")]),
        INVALID + "Duplicate index name: one",
    ),
    (
        lambda: global_index(wish("one", "a", units=Units(1, 1)), DEFINITIONS, 1, paid_per_request=True),
        INVALID + "ProvisionedThroughput should not be specified for index: one when BillingMode is PAY_PER_REQUEST",
    ),
    (
        lambda: global_index(wish("one", "a"), DEFINITIONS, 1, paid_per_request=False),
        INVALID + "ProvisionedThroughput is not specified for index: one",
    ),
    (
        lambda: global_index(wish("one", "a", projection=Projection()), DEFINITIONS, 1, paid_per_request=True),
        INVALID + "Unknown ProjectionType: null",
    ),
    (
        lambda: global_index(
            wish("one", "a", projection=Projection("KEYS_ONLY", ["x"])), DEFINITIONS, 1, paid_per_request=True
        ),
        INVALID + "ProjectionType is KEYS_ONLY, but NonKeyAttributes is specified",
    ),
    (
        lambda: global_index(wish("one", "a", projection=Projection("INCLUDE")), DEFINITIONS, 1, paid_per_request=True),
        INVALID + "ProjectionType is INCLUDE, but NonKeyAttributes is not specified",
    ),
)


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_cannot_be_is_refused(make: Callable[[], Any], message: str) -> None:
    with pytest.raises(ServiceError) as refused:
        make()
    assert (refused.value.code, refused.value.message) == ("ValidationException", message)


def test_only_global_indexes_have_keys_of_many_attributes() -> None:
    with pytest.raises(ServiceError, match="at 'keySchema' failed to satisfy constraint") as refused:
        key_schema(elements("a", "b", "c"), DEFINITIONS)
    assert refused.value.code == "ValidationException"
