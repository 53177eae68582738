from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordering.stock import judge, movement, payable

A, B = ({"productId": name, "quantity": 5, "price": 2.5} for name in "AB")
PRODUCTS = st.sampled_from(["A", "B", "C", "D"])
ITEMS = st.dictionaries(PRODUCTS, st.integers(1, 9), min_size=1).map(
    lambda lines: [{"productId": name, "quantity": quantity, "price": 1.5} for name, quantity in lines.items()]
)


@pytest.mark.parametrize(
    ("stock", "status", "taken", "back"),
    [
        ({"A": 5, "B": 9}, "AVAILABLE", {"A": 5, "B": 5}, {}),
        ({"A": 5, "B": 4}, "PARTIAL", {"A": 5, "B": 4}, {"B": 1}),
        ({"A": 5}, "PARTIAL", {"A": 5}, {"B": 5}),
        ({}, "UNAVAILABLE", {}, {"A": 5, "B": 5}),
        ({"A": -3, "B": 0}, "UNAVAILABLE", {}, {"A": 5, "B": 5}),
    ],
)
def test_an_order_is_divided_into_what_is_there_and_what_is_not(
    stock: dict[str, int], status: str, taken: dict[str, int], back: dict[str, int]
) -> None:
    judgement = judge([A, B], stock)
    assert judgement.status == status
    assert {line["productId"]: line["quantity"] for line in judgement.available} == taken
    assert {line["productId"]: line["quantity"] for line in judgement.back_order} == back


def test_an_unavailable_line_tells_what_is_there_and_what_is_short() -> None:
    (line,) = judge([A], {"A": 3}).unavailable
    assert line == {"productId": "A", "quantity": 5, "price": 2.5, "availableQuantity": 3, "shortfall": 2}


@given(ITEMS, st.dictionaries(PRODUCTS, st.integers(-2, 12)))
def test_no_unit_is_lost_or_invented_and_none_is_taken_that_is_not_there(
    items: list[dict[str, Any]], stock: dict[str, int]
) -> None:
    judgement = judge(items, stock)
    ordered = Counter({item["productId"]: item["quantity"] for item in items})
    taken = Counter({line["productId"]: line["quantity"] for line in judgement.available})
    back = Counter({line["productId"]: line["quantity"] for line in judgement.back_order})
    assert taken + back == ordered
    assert all(quantity <= stock.get(product, 0) for product, quantity in taken.items())
    assert (judgement.status == "AVAILABLE") == (not back)
    assert (judgement.status == "UNAVAILABLE") == (not taken)


@pytest.mark.parametrize(
    ("kind", "giving", "taking"),
    [("reserve", "available", "reserved"), ("release", "reserved", "available"), ("ship", "reserved", "shipped")],
)
def test_a_movement_takes_from_one_counter_what_it_gives_to_another(kind: str, giving: str, taking: str) -> None:
    (action,) = movement(kind, "Inventory", [A])
    update = action["Update"]
    assert update["ExpressionAttributeNames"] == {"#giving": giving, "#taking": taking}
    assert update["ConditionExpression"] == "#giving >= :quantity"
    assert update["ExpressionAttributeValues"] == {":quantity": {"N": "5"}}


@pytest.mark.parametrize(
    ("price", "quantity", "cents"), [(0.005, 1, "0.00"), (0.015, 1, "0.02"), (0.025, 1, "0.02"), (4.8533, 83, "402.82")]
)
def test_amounts_are_rounded_half_even(price: float, quantity: int, cents: str) -> None:
    assert str(payable([{"productId": "A", "quantity": quantity, "price": price}])) == cents
