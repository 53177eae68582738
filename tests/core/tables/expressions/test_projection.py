from typing import Any

import pytest
from hypothesis import given
from tests.core.tables.item_strategies import items

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.projection import compile_projection

ITEM: dict[str, Any] = {
    "a": {"S": "1"},
    "b": {"M": {"x": {"N": "1"}, "y": {"L": [{"S": "0"}, {"S": "1"}, {"M": {"z": {"S": "deep"}}}]}}},
    "c": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
}

# Source: DynamoDB Developer Guide, Projection expressions.
PICKED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("a", {"a": {"S": "1"}}),
    ("a, absent", {"a": {"S": "1"}}),
    ("absent", {}),
    ("#b.x", {"b": {"M": {"x": {"N": "1"}}}}),
    ("b.absent", {}),
    ("a.x", {}),
    ("b.y[2].z", {"b": {"M": {"y": {"L": [{"M": {"z": {"S": "deep"}}}]}}}}),
    ("c[2], c[0]", {"c": {"L": [{"S": "0"}, {"S": "2"}]}}),
    ("c[9]", {}),
    ("b.x, b.y[0]", {"b": {"M": {"x": {"N": "1"}, "y": {"L": [{"S": "0"}]}}}}),
)

TOUCH = "must remove or rewrite one of these paths; path one: {}, path two: {}"
FAULTS = (
    ("", "The expression can not be empty;"),
    ("a, status", "Attribute name is a reserved keyword; reserved keyword: status"),
    ("#z", "An expression attribute name used in the document path is not defined; attribute name: #z"),
    ("a, a", "Two document paths overlap with each other; " + TOUCH.format("[a]", "[a]")),
    ("b.x, #b", "Two document paths overlap with each other; " + TOUCH.format("[b, x]", "[b]")),
    ("b, b[1].x", "Two document paths overlap with each other; " + TOUCH.format("[b]", "[b, [1], x]")),
    ("b.x, b[1]", "Two document paths conflict with each other; " + TOUCH.format("[b, x]", "[b, [1]]")),
)


@pytest.mark.parametrize(("text", "expected"), PICKED)
def test_a_projection_picks_what_it_names(text: str, expected: dict[str, Any]) -> None:
    assert compile_projection(text, {"#b": "b"}).picked(ITEM) == expected


@pytest.mark.parametrize(("text", "fault"), FAULTS)
def test_faults_are_told_in_dynamodbs_words(text: str, fault: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        compile_projection(text, {"#b": "b"})
    assert refused.value.message == f"Invalid ProjectionExpression: {fault}"


@given(items())
def test_naming_every_attribute_picks_the_item(item: dict[str, Any]) -> None:
    assert compile_projection("a, b, c, d1, #e", {"#e": "_e"}).picked(item) == item
