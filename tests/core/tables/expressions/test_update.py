from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables.item_strategies import NAMES, items, values

from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.update import compile_update

ITEM: dict[str, Any] = {
    "n": {"N": "5"},
    "s": {"S": "text"},
    "ss": {"SS": ["a", "b"]},
    "list": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}]},
    "doc": {"M": {"x": {"N": "1"}, "in": {"M": {"y": {"S": "deep"}}}}},
}
VALUES: dict[str, Any] = {
    ":n": {"N": "2"}, ":s": {"S": "new"}, ":t": {"S": "other"}, ":l": {"L": [{"S": "9"}]},
    ":ss": {"SS": ["b", "c"]}, ":ab": {"SS": ["a", "b"]}, ":ns": {"NS": ["1"]}, ":m": {"M": {}},
}  # fmt: skip
GONE = None

# (expression, what is different afterwards). Source: DynamoDB Developer Guide, Update expressions.
CHANGES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("SET s = :s", {"s": {"S": "new"}}),
    ("SET fresh = :s", {"fresh": {"S": "new"}}),
    ("set s = n, n = s", {"s": {"N": "5"}, "n": {"S": "text"}}),
    ("SET n = n + :n", {"n": {"N": "7"}}),
    ("SET n = n - :n", {"n": {"N": "3"}}),
    ("SET n = :n - n", {"n": {"N": "-3"}}),
    ("SET n = (n + :n)", {"n": {"N": "7"}}),
    ("SET n = (n) + (:n)", {"n": {"N": "7"}}),
    ("SET n = if_not_exists(n, :n) + :n", {"n": {"N": "7"}}),
    ("SET z = if_not_exists(z, :n) + :n", {"z": {"N": "4"}}),
    ("SET z = if_not_exists(z, if_not_exists(q, :s))", {"z": {"S": "new"}}),
    ("SET s = if_not_exists(s, :s)", {}),
    ("SET #l = list_append(#l, :l)", {"list": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"S": "9"}]}}),
    ("SET #l = list_append(:l, #l)", {"list": {"L": [{"S": "9"}, {"S": "0"}, {"S": "1"}, {"S": "2"}]}}),
    ("SET z = list_append(if_not_exists(z, :l), :l)", {"z": {"L": [{"S": "9"}, {"S": "9"}]}}),
    ("SET #l[1] = :s", {"list": {"L": [{"S": "0"}, {"S": "new"}, {"S": "2"}]}}),
    ("SET #l[9] = :s, #l[7] = :t", {"list": {"L": [{"S": "0"}, {"S": "1"}, {"S": "2"}, {"S": "other"}, {"S": "new"}]}}),
    ("REMOVE #l[0], #l[1]", {"list": {"L": [{"S": "2"}]}}),
    ("REMOVE #l[1] SET #l[2] = :s", {"list": {"L": [{"S": "0"}, {"S": "new"}]}}),
    ("REMOVE #l[7]", {}),
    ("SET #d.x = :s", {"doc": {"M": {"x": {"S": "new"}, "in": {"M": {"y": {"S": "deep"}}}}}}),
    ("SET #d.#in.z = :s", {"doc": {"M": {"x": {"N": "1"}, "in": {"M": {"y": {"S": "deep"}, "z": {"S": "new"}}}}}}),
    ("SET #d.x = #d.x + :n REMOVE #d.#in.y", {"doc": {"M": {"x": {"N": "3"}, "in": {"M": {}}}}}),
    ("REMOVE s, absent", {"s": GONE}),
    ("REMOVE #d.absent", {}),
    ("ADD n :n", {"n": {"N": "7"}}),
    ("ADD z :n", {"z": {"N": "2"}}),
    ("ADD ss :ss", {"ss": {"SS": ["a", "b", "c"]}}),
    ("ADD z :ss", {"z": {"SS": ["b", "c"]}}),
    ("DELETE ss :ss", {"ss": {"SS": ["a"]}}),
    ("DELETE ss :ab", {"ss": GONE}),
    ("DELETE z :ss", {}),
    (
        "SET s = :s REMOVE #l ADD n :n DELETE ss :ss",
        {"s": {"S": "new"}, "list": GONE, "n": {"N": "7"}, "ss": {"SS": ["a"]}},
    ),
)
PLACEHOLDERS = {"#l": "list", "#d": "doc", "#in": "in"}

MISSING = "The provided expression refers to an attribute that does not exist in the item"
MISMATCH = "An operand in the update expression has an incorrect data type"
NOWHERE = "The document path provided in the update expression is invalid for update"
REFUSED = (
    ("SET z = absent", MISSING),
    ("SET z = absent + :n", MISSING),
    ("SET z = #d.absent", MISSING),
    ("SET z = list_append(absent, :l)", MISSING),
    ("SET z = s + :n", MISMATCH),
    ("SET z = list_append(s, :l)", MISMATCH),
    ("ADD s :n", MISMATCH),
    ("ADD ss :ns", MISMATCH),
    ("DELETE ss :ns", MISMATCH),
    ("DELETE n :ss", MISMATCH),
    ("SET absent.x = :s", NOWHERE),
    ("SET s.x = :s", NOWHERE),
    ("SET #d[0] = :s", NOWHERE),
    ("SET #l.x = :s", NOWHERE),
    ("SET #l[9].x = :s", NOWHERE),
    ("REMOVE absent.x", NOWHERE),
    ("ADD absent.x :n", NOWHERE),
)

TOUCH = "must remove or rewrite one of these paths; path one: {}, path two: {}"
TYPE = "Incorrect operand type for operator or function; operator or function: {}, operand type: {}"
SECTION = "Incorrect operand type for operator or function; operator: {0}, operand type: {1}, typeSet: ALLOWED_FOR_{0}_OPERAND"
FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("", {}, "The expression can not be empty;"),
    (" set #c = :c set abOrt = true ", {}, "Attribute name is a reserved keyword; reserved keyword: abOrt"),
    (" remove Absolute ", {}, "Attribute name is a reserved keyword; reserved keyword: Absolute"),
    ("set #c = if_not_exist(:c) set c = d", {}, "Invalid function name; function: if_not_exist"),
    (
        "set a = attribute_exists(c)",
        {},
        "The function is not allowed in an update expression; function: attribute_exists",
    ),
    ("set a = #c set c = :d", {}, 'The "SET" section can only be used once in an update expression;'),
    ("remove #d set a = b remove e", {}, 'The "REMOVE" section can only be used once in an update expression;'),
    ("add #d :e set a = b add e :f", {}, 'The "ADD" section can only be used once in an update expression;'),
    ("delete #d :e set a = b delete #e :f", {}, 'The "DELETE" section can only be used once in an update expression;'),
    (
        "SET #q = if_not_exists(:c)",
        {},
        "An expression attribute name used in the document path is not defined; attribute name: #q",
    ),
    (
        "SET a = if_not_exists(:c)",
        {},
        "An expression attribute value used in expression is not defined; attribute value: :c",
    ),
    (
        "set d[1] = a, d.b = a, c[1].a = a, #c = if_not_exists(a)",
        {},
        "Two document paths conflict with each other; " + TOUCH.format("[d, [1]]", "[d, b]"),
    ),
    (
        "set #c[3].#d = a, #c[3] = a",
        {},
        "Two document paths overlap with each other; " + TOUCH.format("[c, [3], [3]]", "[c, [3]]"),
    ),
    (
        "remove a.#c set a[1] = #d",
        {},
        "Two document paths conflict with each other; " + TOUCH.format("[a, c]", "[a, [1]]"),
    ),
    ("add a.b :a", {":a": {"S": "a"}}, SECTION.format("ADD", "STRING")),
    ("add a.b :a", {":a": {"BOOL": False}}, SECTION.format("ADD", "BOOLEAN")),
    ("delete a.b :a", {":a": {"N": "1"}}, SECTION.format("DELETE", "NUMBER")),
    ("delete a.b :a", {":a": {"M": {}}}, SECTION.format("DELETE", "MAP")),
    (
        "set a = if_not_exists(c)",
        {},
        (
            "Incorrect number of operands for operator or function; operator or function: if_not_exists, "
            "number of operands: 1"
        ),
    ),
    (
        "set a = if_not_exists(:a, c)",
        {":a": {"S": "a"}},
        "Operator or function requires a document path; operator or function: if_not_exists",
    ),
    ("set a = list_append(:a, a)", {":a": {"S": "a"}}, TYPE.format("list_append", "S")),
    ("set a = list_append(a, :a)", {":a": {"M": {}}}, TYPE.format("list_append", "M")),
    ("set a = a + :a", {":a": {"S": "a"}}, TYPE.format("+", "S")),
    ("set a = :a - a", {":a": {"L": []}}, TYPE.format("-", "L")),
    ("set a = ((:a))", {":a": {"L": []}}, "The expression has redundant parentheses;"),
    (
        f"remove {'.'.join('a' * 33)}",
        {},
        "The document path has too many nesting elements; nesting depth: 33",
    ),
    ("remove a[2147483648]", {}, "List index is not within the allowable range; index: [2147483648]"),
)


@pytest.mark.parametrize(("text", "difference"), CHANGES)
def test_an_update_changes_what_it_names_and_nothing_else(text: str, difference: dict[str, Any]) -> None:
    before = deepcopy(ITEM)
    after = compile_update(text, PLACEHOLDERS, VALUES).apply(ITEM, VALUES)
    expected = {name: value for name, value in {**ITEM, **difference}.items() if value is not GONE}
    assert after == expected
    assert before == ITEM


@pytest.mark.parametrize(("text", "message"), REFUSED)
def test_an_update_that_does_not_fit_the_item_is_refused(text: str, message: str) -> None:
    update = compile_update(text, PLACEHOLDERS, VALUES)
    with pytest.raises(InvalidInput) as refused:
        update.apply(ITEM, VALUES)
    assert refused.value.message == message


@pytest.mark.parametrize(("text", "given_values", "fault"), FAULTS)
def test_faults_are_told_in_dynamodbs_words(text: str, given_values: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compile_update(text, {"#c": "c", "#d": "[3]" if "[3]" in text else "d", "#e": "e"}, given_values)
    assert refused.value.message == f"Invalid UpdateExpression: {fault}"


def test_an_update_reaches_through_lists() -> None:
    item = {"l": {"L": [{"S": "0"}, {"L": [{"N": "1"}, {"M": {"x": {"S": "old"}}}]}]}}
    update = compile_update("SET l[1][1].x = :s, l[1][0] = l[1][0] + :n", {}, VALUES)
    assert update.apply(item, VALUES) == {
        "l": {"L": [{"S": "0"}, {"L": [{"N": "3"}, {"M": {"x": {"S": "new"}}}]}]},
    }  # fmt: skip
    assert update.tree.picked(item) == {"l": {"L": [{"L": [{"N": "1"}, {"M": {"x": {"S": "old"}}}]}]}}


@pytest.mark.parametrize(
    ("text", "creates"),
    [("SET a = :s", True), ("ADD a :n", True), ("REMOVE a", False), ("DELETE a :ss REMOVE b", False)],
)
def test_what_only_takes_away_makes_no_item(text: str, creates: bool) -> None:
    assert compile_update(text, {}, VALUES).creates is creates


def test_updated_attributes_are_picked_by_the_updates_own_paths() -> None:
    update = compile_update("SET #d.x = :s, #l[1] = :t REMOVE s", PLACEHOLDERS, VALUES)
    assert update.tree.picked(ITEM) == {
        "doc": {"M": {"x": {"N": "1"}}}, "list": {"L": [{"S": "1"}]}, "s": {"S": "text"},
    }  # fmt: skip
    assert update.tree.picked(update.apply(ITEM, VALUES)) == {
        "doc": {"M": {"x": {"S": "new"}}}, "list": {"L": [{"S": "other"}]},
    }  # fmt: skip
    assert update.heads == {"doc", "list", "s"}
    assert update.nested == {"doc", "list"}


@given(items(), values(), st.sampled_from(NAMES), st.sampled_from(NAMES))
def test_set_then_remove_is_remove(item: dict[str, Any], value: dict[str, Any], name: str, other: str) -> None:
    given_values = {":v": value}
    done = compile_update(f"SET {name} = :v", {}, given_values).apply(item, given_values)
    assert done[name] == value
    assert {key: kept for key, kept in done.items() if key != name} == {
        key: kept for key, kept in item.items() if key != name
    }
    removed = compile_update(f"REMOVE {name}", {}, {}).apply(done, {})
    assert removed == {key: kept for key, kept in item.items() if key != name}
    if other != name and other in done:
        moved = compile_update(f"SET {name} = {other} REMOVE {other}", {}, {}).apply(done, {})
        assert moved[name] == done[other]
        assert other not in moved


@given(items(), st.lists(st.integers(0, 6), min_size=1, max_size=4, unique=True))
def test_removed_places_count_as_they_were_before(item: dict[str, Any], places: list[int]) -> None:
    elements = [{"N": str(place)} for place in range(5)]
    text = "REMOVE " + ", ".join(f"list1[{place}]" for place in places)
    done = compile_update(text, {}, {}).apply({**item, "list1": {"L": elements}}, {})
    assert done["list1"]["L"] == [element for place, element in enumerate(elements) if place not in places]
