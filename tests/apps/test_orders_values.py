from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ordering.values import from_item, from_value, to_item, to_json, to_value

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=15,
)


@given(st.dictionaries(st.text(min_size=1, max_size=4), VALUES, max_size=5))
def test_what_is_written_comes_back(item: dict[str, Any]) -> None:
    assert from_item(to_item(item)) == item


@pytest.mark.parametrize(
    ("plain", "typed"),
    [
        ("x", {"S": "x"}),
        (True, {"BOOL": True}),
        (7, {"N": "7"}),
        (4.8533, {"N": "4.8533"}),
        (Decimal("0.10"), {"N": "0.10"}),
        (None, {"NULL": True}),
        ([1, "a"], {"L": [{"N": "1"}, {"S": "a"}]}),
        ({"a": 1}, {"M": {"a": {"N": "1"}}}),
    ],
)
def test_each_type_has_its_letter(plain: Any, typed: Any) -> None:
    assert to_value(plain) == typed


def test_a_float_keeps_the_decimals_that_json_wrote() -> None:
    assert from_value(to_value(4.8533)) == Decimal("4.8533")


def test_a_value_that_no_order_has_is_refused() -> None:
    with pytest.raises(TypeError, match="set is no value of an order"):
        to_value({1})
    with pytest.raises(TypeError, match="B is no type"):
        from_value({"B": b""})


def test_json_gets_numbers_not_decimals() -> None:
    assert to_json({"a": [Decimal("1.50"), Decimal(2)], "b": ("x",)}) == {"a": [1.5, 2], "b": ["x"]}
