"""Where ResultPath puts a result. Source: https://states-language.net/#reference-paths."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.asl.context import Surroundings
from interstate.core.jsonpath.path import compile_path
from interstate.core.jsonpath.put import Unputtable, put

PUTS = [
    ({"a": 1}, "$", 9, 9),
    ({"a": 1}, "$.b", 9, {"a": 1, "b": 9}),
    ({"a": 1}, "$.a", 9, {"a": 9}),
    ({"a": 1}, "$.b.c.d", 9, {"a": 1, "b": {"c": {"d": 9}}}),
    ({"a": {"x": 1}}, "$.a.y", 9, {"a": {"x": 1, "y": 9}}),
    ({"a": [1, 2, 3]}, "$.a[1]", 9, {"a": [1, 9, 3]}),
    ({"a": [{"x": 1}]}, "$.a[0].y", 9, {"a": [{"x": 1, "y": 9}]}),
    ([1, 2], "$[0]", 9, [9, 2]),
    ({}, "$['odd name']", None, {"odd name": None}),
]


@pytest.mark.parametrize(("value", "path", "replacement", "expected"), PUTS)
def test_a_value_is_put_at_its_path(value: Any, path: str, replacement: Any, expected: Any) -> None:
    before = copy.deepcopy(value)
    assert put(value, compile_path(path), replacement) == expected
    assert value == before


@pytest.mark.parametrize(
    ("value", "path"),
    [
        ("text", "$.a"),
        (None, "$.a"),
        ({"a": 1}, "$.a.b"),
        ({"a": None}, "$.a.b"),
        ([1], "$.a"),
        ([1], "$[1]"),
        ({}, "$[0]"),
        ([1], "$[-1]"),
    ],
)
def test_what_is_no_object_or_array_has_no_place(value: Any, path: str) -> None:
    with pytest.raises(Unputtable):
        put(value, compile_path(path), 9)


NAMES = st.text("abc", min_size=1, max_size=2)
VALUES = st.recursive(st.none() | st.integers(), lambda inner: st.dictionaries(NAMES, inner, max_size=3), max_leaves=8)


@given(value=st.dictionaries(NAMES, VALUES), names=st.lists(NAMES, min_size=1, max_size=4), replacement=VALUES)
def test_what_was_put_is_selected_and_nothing_else_changes(value: Any, names: list[str], replacement: Any) -> None:
    path = compile_path("$." + ".".join(names))
    before = copy.deepcopy(value)
    try:
        after = put(value, path, replacement)
    except Unputtable:
        after = None
    assert value == before
    if isinstance(after, dict):
        assert path.select(after, Surroundings()) == replacement
        assert {k: v for k, v in after.items() if k != names[0]} == {k: v for k, v in before.items() if k != names[0]}
