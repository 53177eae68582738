from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables.item_strategies import items, values

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.values import DEPTH_MAX, checked, checked_item, item_bytes, same, value_bytes

INVALID = "One or more parameter values were invalid: "

# Source: DynamoDB API Reference, AttributeValue; texts as the service answers them.
REFUSED: tuple[tuple[dict[str, Any], str], ...] = (
    ({}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"X": "?"}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    ({"X": None, "Y": 1}, "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"),
    (
        {"S": "a", "N": "1"},
        "Supplied AttributeValue has more than one datatypes set, must contain exactly one of the supported datatypes",
    ),
    ({"S": "a", "N": "b"}, "The parameter cannot be converted to a numeric value: b"),
    ({"NULL": False}, INVALID + "Null attribute value types must have the value of true"),
    ({"SS": []}, INVALID + "An string set  may not be empty"),
    ({"NS": []}, INVALID + "An number set  may not be empty"),
    ({"BS": []}, INVALID + "Binary sets should not be empty"),
    ({"SS": ["a", "a"]}, INVALID + "Input collection [a, a] contains duplicates."),
    ({"NS": ["1", "1.0"]}, "Input collection contains duplicates"),
    ({"BS": [b"b", b"b"]}, INVALID + "Input collection [Yg==, Yg==]of type BS contains duplicates."),
    ({"NS": ["1", "x"]}, "The parameter cannot be converted to a numeric value: x"),
    ({"L": [{"M": {"a": {"SS": []}}}]}, INVALID + "An string set  may not be empty"),
    ({"B": "not base64!"}, "Invalid base64 in a Binary attribute value"),
)

# Source: DynamoDB Developer Guide, Item sizes: 3 bytes for a list or map, 1 for each element or pair.
SIZES: tuple[tuple[dict[str, Any], int], ...] = (
    ({"S": "abc"}, 3),
    ({"S": "한글"}, 6),
    ({"N": "12"}, 2),
    ({"B": b"1234"}, 4),
    ({"B": "MTIzNA=="}, 4),
    ({"BOOL": False}, 1),
    ({"NULL": True}, 1),
    ({"SS": ["a", "bc"]}, 3),
    ({"NS": ["1", "200"]}, 4),
    ({"BS": [b"a", b"bc"]}, 3),
    ({"L": []}, 3),
    ({"M": {}}, 3),
    ({"L": [{"S": "a"}, {"S": "b"}]}, 3 + 2 + 2),
    ({"M": {"ab": {"S": "c"}}}, 3 + 2 + 1 + 1),
)


@pytest.mark.parametrize(("value", "message"), REFUSED)
def test_what_is_no_value_is_refused(value: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        checked(value)
    assert refused.value.message == message
    assert refused.value.code == "ValidationException"


@pytest.mark.parametrize(("value", "size"), SIZES)
def test_values_are_measured_as_dynamodb_measures_them(value: dict[str, Any], size: int) -> None:
    fine, measured = checked(value)
    assert measured == size
    assert value_bytes(fine) == size


def test_numbers_become_canonical_everywhere() -> None:
    value = {"L": [{"N": "1.0"}, {"NS": ["2.50", "1e1"]}, {"M": {"a": {"N": "007"}}}]}
    assert checked(value)[0] == {"L": [{"N": "1"}, {"NS": ["2.5", "10"]}, {"M": {"a": {"N": "7"}}}]}


def test_base64_text_becomes_bytes() -> None:
    assert checked({"L": [{"B": "AQI="}, {"BS": ["AA=="]}]})[0] == {"L": [{"B": b"\x01\x02"}, {"BS": [b"\x00"]}]}


@pytest.mark.parametrize(("levels", "fits"), [(DEPTH_MAX, True), (DEPTH_MAX + 1, False), (5000, False)])
def test_nesting_ends_at_32_levels(levels: int, fits: bool) -> None:
    value: dict[str, Any] = {"S": "bottom"}
    for _ in range(levels):
        value = {"L": [value]}
    if fits:
        checked(value)
    else:
        with pytest.raises(InvalidInput, match="Nesting Levels have exceeded supported limits"):
            checked(value)


@given(items())
def test_a_checked_item_is_canonical_and_measured_once(item: dict[str, Any]) -> None:
    fine, size = checked_item(item)
    assert fine == item
    assert size == item_bytes(item)


@given(values(), values())
def test_sameness_is_equality_without_the_order_of_sets(one: dict[str, Any], two: dict[str, Any]) -> None:
    def plain(value: dict[str, Any]) -> object:
        [(kind, content)] = value.items()
        match kind:
            case "SS" | "NS" | "BS":
                return kind, frozenset(content)
            case "L":
                return kind, tuple(map(plain, content))
            case "M":
                return kind, frozenset((name, plain(member)) for name, member in content.items())
            case _:
                return kind, content

    assert same(one, two) is (plain(one) == plain(two))


@given(
    st.lists(st.text(), min_size=1, unique=True).flatmap(lambda all_: st.tuples(st.just(all_), st.permutations(all_)))
)
def test_sets_in_any_order_are_the_same_also_inside_maps(orders: tuple[list[str], list[str]]) -> None:
    one, two = ({"M": {"a": {"L": [{"SS": order}]}}} for order in orders)
    assert same(one, two)


def test_a_type_that_nobody_knows_counts_for_nothing() -> None:
    assert checked({"X": "?", "S": "a"}) == ({"S": "a"}, 1)
