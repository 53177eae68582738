"""Choice rules, one row a case. Sources: https://states-language.net/#choice-state and answers recorded from Step Functions."""

from typing import Any

import pytest

from interstate.core.asl.choice import COMPARISONS, OPERATORS, compile_rule
from interstate.core.asl.context import Surroundings
from interstate.core.asl.errors import RUNTIME, InvalidField, StateFailed

T0, T1 = "2012-10-09T19:00:55Z", "2012-10-09T19:00:56Z"


def holds(rule: Any, data: Any) -> bool:
    return compile_rule(rule, "/States/Choose/Choices[0]").matches(data, Surroundings({"State": {"Name": "Choose"}}))


# operator, reference value, values for which it holds, values for which it does not
COMPARED: list[tuple[str, Any, list[Any], list[Any]]] = [
    ("BooleanEquals", True, [True], [False, 1, "true", None, []]),
    ("StringEquals", "Hello", ["Hello"], ["hello", "Hello ", 1, None, ["Hello"]]),
    ("StringLessThan", "B", ["A", "", "AB"], ["B", "C", 1]),
    ("StringGreaterThan", "B", ["BA", "b", "é"], ["B", "A", 1]),
    ("StringLessThanEquals", "AB", ["A", "AB", ""], ["ABC", None]),
    ("StringGreaterThanEquals", "\uffff", ["\uffff"], ["\U0001f600", "a", {}]),  # By UTF-16 code units.
    ("NumericEquals", 1, [1, 1.0], [1.1, "1", True, None]),
    ("NumericEquals", 2.22, [2.22], [2]),
    ("NumericLessThan", 1, [0, 0.99], [1, True, "0"]),
    ("NumericGreaterThan", 1, [2], [1, "2"]),
    ("NumericLessThanEquals", 1, [1, 0], [2]),
    ("NumericGreaterThanEquals", 1, [1, 2], [0]),
    (
        "TimestampEquals",
        T0,
        [T0, "2012-10-09T20:00:55+01:00", "2012-10-09T19:00:55.000Z"],
        [T1, "2012-10-09T19:00:55", 0],
    ),
    ("TimestampLessThan", T1, [T0], [T1, "2012", None]),
    ("TimestampGreaterThan", T0, [T1], [T0]),
    ("TimestampLessThanEquals", T0, [T0], [T1]),
    ("TimestampGreaterThanEquals", T1, [T1], [T0, "2023-02-24 12:15:56.832957"]),
    ("IsBoolean", True, [True, False], [0, "true", None]),
    ("IsNull", True, [None], [0, "", [], {}]),
    ("IsNumeric", True, [0, 1.1], [True, "1", None]),
    ("IsString", True, ["", T0], [1, None]),
    ("IsTimestamp", True, [T0, "2012-10-09T19:00:55+01:00"], ["2012-10-09T19:00:55", "2023-02-24", "", 0]),
    ("IsNull", False, [0, "x"], [None]),
    ("StringMatches", "log-*.txt", ["log-.txt", "log-a.b.txt", "log-\n.txt"], ["log-a.txt2", "alog-.txt", 1]),
    ("StringMatches", "*a*b*", ["ab", "xaxbx"], ["ba"]),
    ("StringMatches", r"a\*b\\*", ["a*b\\", "a*b\\c"], ["aXb\\", "a*b"]),
    ("StringMatches", "a.c", ["a.c"], ["abc"]),
]
ROWS = [
    pytest.param(name, reference, value, expected, id=f"{name} {reference!r} {value!r}")
    for name, reference, yes, no in COMPARED
    for expected, values in ((True, yes), (False, no))
    for value in values
]


@pytest.mark.parametrize(("name", "reference", "value", "expected"), ROWS)
def test_an_operator_compares(name: str, reference: Any, value: Any, *, expected: bool) -> None:
    assert holds({"Variable": "$.v", name: reference}, {"v": value}) is expected
    if name in COMPARISONS:
        assert holds({"Variable": "$.v", f"{name}Path": "$.r"}, {"v": value, "r": reference}) is expected
        assert holds({"Variable": "$.v", f"{name}Path": "$.r"}, {"v": value, "r": []}) is False


@pytest.mark.parametrize(
    ("data", "present"), [({"v": None}, True), ({"v": 0}, True), ({}, False), ([], False), (None, False)]
)
def test_presence_needs_no_value(data: Any, *, present: bool) -> None:
    assert holds({"Variable": "$.v", "IsPresent": True}, data) is present
    assert holds({"Variable": "$.v", "IsPresent": False}, data) is not present


YES, NO = {"Variable": "$.v", "NumericEquals": 1}, {"Variable": "$.v", "NumericEquals": 2}
COMBINED = [
    ({"And": [YES, YES]}, True),
    ({"And": [YES, NO]}, False),
    ({"Or": [NO, YES]}, True),
    ({"Or": [NO, NO]}, False),
    ({"Not": NO}, True),
    ({"Not": {"And": [YES, {"Not": NO}]}}, False),
    ({"And": [{"Variable": "$.w", "IsPresent": True}, {"Variable": "$.w", "NumericEquals": 1}]}, False),
    ({"Variable": "$$.State.Name", "StringEquals": "Choose", "Comment": "of the context", "Next": "X"}, True),
    ({"Variable": "$", "IsNull": False}, True),
]


@pytest.mark.parametrize(("rule", "expected"), COMBINED)
def test_rules_combine_from_left_to_right_as_far_as_needed(rule: Any, *, expected: bool) -> None:
    assert holds(rule, {"v": 1}) is expected


@pytest.mark.parametrize(
    ("rule", "path"),
    [
        ({"Variable": "$.w", "NumericEquals": 1}, "$.w"),
        ({"Variable": "$.w", "IsNull": True}, "$.w"),
        ({"Variable": "$.v", "NumericEqualsPath": "$.w"}, "$.w"),
        ({"Not": {"Variable": "$$.Task", "StringMatches": "*"}}, "$$.Task"),
    ],
)
def test_a_variable_that_is_not_there_fails_the_state(rule: Any, path: str) -> None:
    with pytest.raises(StateFailed) as caught:
        holds(rule, {"v": 1})
    assert caught.value.error == RUNTIME
    assert (
        caught.value.cause == f"Invalid path '{path}': The choice state's condition path references an invalid value."
    )


COMPARING = ", ".join(sorted(OPERATORS - {"And", "Or", "Not"}))
KINDS = "The object must have only one of the following fields, [And, Or, Not, Variable, Condition]"


@pytest.mark.parametrize(
    ("rule", "message", "place"),
    [
        ("text", "Expected value of type Object", ""),
        ({"Variable": "$.v"}, f"This object should have only one of the following fields: [{COMPARING}]", ""),
        (
            {"Variable": "$.v", "IsNull": True, "IsString": True},
            f"There should only be one of the following fields: [{COMPARING}]",
            "",
        ),
        ({"NumericEquals": 1}, KINDS, ""),
        ({"Variable": "$.v", "IsNull": True, "Not": {}}, KINDS, ""),
        ({"Variable": 1, "NumericEquals": 1}, "Expected value of type String", "/Variable"),
        ({"Not": {"Variable": "$.v", "IsNull": True, "Next": "X"}}, "Field 'Next' is not supported", "/Not"),
        ({"Variable": "v", "NumericEquals": 1}, "Value is not a Reference Path: a path starts with $", "/Variable"),
        (
            {"Variable": "$.v[*]", "NumericEquals": 1},
            "Value is not a Reference Path: it can find more than one node",
            "/Variable",
        ),
        ({"Variable": "$.v", "NumericEquals": "1"}, "Expected value of type Number", "/NumericEquals"),
        ({"Variable": "$.v", "StringMatches": 1}, "Expected value of type String", "/StringMatches"),
        ({"Variable": "$.v", "IsPresent": "yes"}, "Expected value of type Boolean", "/IsPresent"),
        ({"Variable": "$.v", "TimestampEquals": "now"}, "String does not match RFC3339 timestamp", "/TimestampEquals"),
        ({"And": []}, "Value cannot be empty", "/And"),
        ({"Or": [{"Not": {"Variable": "$.v", "IsNull": 1}}]}, "Expected value of type Boolean", "/Or[0]/Not/IsNull"),
    ],
)
def test_a_rule_that_means_nothing_is_refused_with_its_place(rule: Any, message: str, place: str) -> None:
    with pytest.raises(InvalidField) as caught:
        compile_rule(rule, "/R")
    assert (caught.value.message, caught.value.place) == (message, "/R" + place)
