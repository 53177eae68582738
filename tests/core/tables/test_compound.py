"""Keys of several attributes sort as their attributes do.

Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.DesignPattern.MultiAttributeKeys.html
"""

import operator
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from interstate.core.tables.compound import bounds, joined

# Few and awkward bytes, so that parts begin alike and meet the escapes.
PARTS = st.lists(st.sampled_from([0, 1, 2, 3, 97, 255]), min_size=1, max_size=4).map(bytes)
KEYS = st.lists(PARTS, min_size=2, max_size=2)
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "begins_with": bytes.startswith,
}


@given(one=KEYS, two=KEYS)
def test_joined_keys_sort_as_their_parts(one: list[bytes], two: list[bytes]) -> None:
    assert (joined(one) < joined(two)) is (one < two)
    assert (joined(one) == joined(two)) is (one == two)


@given(key=KEYS, wanted=PARTS, sign=st.sampled_from(sorted(COMPARISONS)), before=st.booleans())
def test_bounds_hold_what_the_operator_asks(key: list[bytes], wanted: bytes, sign: str, before: bool) -> None:
    stem = key[:1] if before else []
    low, high = bounds(stem, sign, [wanted])
    assert (low <= joined(key) < high) is COMPARISONS[sign](key[len(stem)], wanted)


@given(key=KEYS, low=PARTS, high=PARTS, other=PARTS)
def test_between_holds_its_bounds_behind_the_same_beginning(
    key: list[bytes], low: bytes, high: bytes, other: bytes
) -> None:
    first, last = bounds([other], "BETWEEN", [low, high])
    assert (first <= joined(key) < last) is (key[0] == other and low <= key[1] <= high)
