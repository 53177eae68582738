from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.base.time import EPOCH
from interstate.core.tables import keys
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.schema import Index, KeyAttribute, KeySchema, TableDefinition, projected

HASH = KeySchema(KeyAttribute("a", "S"))
RANGE = KeySchema(KeyAttribute("a", "S"), KeyAttribute("b", "N"))
BINARY = KeySchema(KeyAttribute("a", "B"), KeyAttribute("b", "B"))
INDEX = Index(1, "byColour", KeySchema(KeyAttribute("c", "S"), KeyAttribute("d", "N")), "KEYS_ONLY")

MISMATCH = "The provided key element does not match the schema"
EMPTY = (
    "One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty {} "
    "value. Key: {}"
)
INVALID = "One or more parameter values were invalid: "
TOO_LONG = INVALID + "Size of hashkey has exceeded the maximum size limit of2048 bytes"
TOO_LONG_SORT = INVALID + "Aggregated size of all range keys has exceeded the size limit of 1024 bytes"

BROKEN_KEYS: tuple[tuple[KeySchema, dict[str, Any], str], ...] = (
    (HASH, {}, MISMATCH),
    (HASH, {"b": {"S": "a"}}, MISMATCH),
    (HASH, {"a": {"N": "1"}}, MISMATCH),
    (HASH, {"a": {"S": "a"}, "b": {"N": "1"}}, MISMATCH),
    (RANGE, {"a": {"S": "a"}}, MISMATCH),
    (RANGE, {"a": {"S": "a"}, "c": {"N": "1"}}, MISMATCH),
    (HASH, {"a": {"S": ""}}, EMPTY.format("string", "a")),
    (BINARY, {"a": {"B": b"x"}, "b": {"B": b""}}, EMPTY.format("binary", "b")),
    (HASH, {"a": {"S": "x" * 2049}}, TOO_LONG),
    (HASH, {"a": {"S": "한" * 683}}, TOO_LONG),
    (BINARY, {"a": {"B": b"x"}, "b": {"B": b"x" * 1025}}, TOO_LONG_SORT),
)

BROKEN_ITEMS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"b": {"N": "1"}}, INVALID + "Missing the key a in the item"),
    ({"a": {"S": "a"}}, INVALID + "Missing the key b in the item"),
    ({"a": {"N": "1"}, "b": {"N": "1"}}, INVALID + "Type mismatch for key a expected: S actual: N"),
    ({"a": {"S": ""}, "b": {"N": "1"}}, EMPTY.format("string", "a")),
)

BROKEN_INDEX_ITEMS: tuple[tuple[dict[str, Any], str], ...] = (
    ({"c": {"N": "1"}}, INVALID + "Type mismatch for Index Key c Expected: S Actual: N IndexName: byColour"),
    (
        {"c": {"S": ""}},
        (
            "One or more parameter values are not valid. A value specified for a secondary index key is not supported. "
            "The AttributeValue for a key attribute cannot contain an empty string value. IndexName: byColour, IndexKey: c"
        ),
    ),
    ({"c": {"S": "x" * 2049}}, TOO_LONG),
    ({"d": {"S": "1"}}, INVALID + "Type mismatch for Index Key d Expected: N Actual: S IndexName: byColour"),
)


@pytest.mark.parametrize(("schema", "key", "message"), BROKEN_KEYS)
def test_a_key_that_does_not_fit_is_refused(schema: KeySchema, key: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keys.key_of_request(key, schema)
    assert refused.value.message == message


@pytest.mark.parametrize(("item", "message"), BROKEN_ITEMS)
def test_an_item_without_its_key_is_refused(item: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keys.key_of_item(item, RANGE)
    assert refused.value.message == message


@pytest.mark.parametrize(("item", "message"), BROKEN_INDEX_ITEMS)
def test_an_item_that_an_index_cannot_hold_is_refused(item: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        keys.check_index_keys(item, INDEX)
    assert refused.value.message == message


def test_the_longest_keys_fit() -> None:
    assert keys.key_of_request({"a": {"B": b"x" * 2048}, "b": {"B": b"\xff" * 1024}}, BINARY)[1] < keys.ABOVE_ALL


def test_the_key_of_an_item_is_the_key_of_its_request() -> None:
    key = {"a": {"S": "x"}, "b": {"N": "-1.5"}}
    assert keys.key_of_item({**key, "c": {"S": "more"}}, RANGE) == keys.key_of_request(key, RANGE)


def test_an_item_may_lack_index_keys() -> None:
    keys.check_index_keys({}, INDEX)
    keys.check_index_keys({"c": {"S": "red"}, "d": {"N": "1"}}, INDEX)


def test_keys_have_no_inside() -> None:
    definition = TableDefinition(1, "id", EPOCH, RANGE, (INDEX,))
    keys.check_scalar_keys(frozenset({"x", "y"}), definition)
    keys.check_scalar_keys(frozenset(), definition)
    for name, where in (("b", "Key: b"), ("c", "IndexKey: c")):
        with pytest.raises(InvalidInput, match=f"are not allowed: {where}$"):
            keys.check_scalar_keys(frozenset({"x", name}), definition)


def test_an_index_is_found_by_its_name() -> None:
    definition = TableDefinition(1, "id", EPOCH, RANGE, (INDEX,))
    assert definition.index("byColour") is INDEX
    assert definition.index("other") is None


def test_an_item_without_all_attributes_is_not_in_the_index() -> None:
    whole = {"c": {"S": "red"}, "d": {"N": "1"}}
    assert keys.key_in_index(whole, INDEX) is not None
    assert keys.key_in_index({"c": {"S": "red"}}, INDEX) is None
    assert keys.key_in_index({**whole, "d": {"S": "1"}}, INDEX) is None


def test_an_index_holds_the_keys_of_table_and_index_and_what_it_includes() -> None:
    assert projected(INDEX, RANGE) == frozenset({"a", "b", "c", "d"})
    assert projected(Index(1, "i", HASH, "INCLUDE", ("x",)), HASH) == frozenset({"a", "x"})
    assert projected(Index(1, "i", HASH, "ALL"), HASH) is None


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_after_is_the_next_key(part: bytes, other: bytes) -> None:
    assert (other > part) is (other >= keys.after(part))


@given(st.binary(min_size=1, max_size=4), st.binary(max_size=6))
def test_a_prefix_is_a_range(prefix: bytes, other: bytes) -> None:
    assert other.startswith(prefix) is (prefix <= other < keys.above_prefix(prefix))
