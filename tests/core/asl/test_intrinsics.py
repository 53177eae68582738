"""The intrinsic functions, one row a case.

Sources: https://docs.aws.amazon.com/step-functions/latest/dg/intrinsic-functions.html and answers recorded from Step Functions.
"""

from typing import Any

import pytest

from interstate.base.ids import Entropy
from interstate.core.asl.context import Surroundings
from interstate.core.asl.errors import INTRINSIC_FAILURE, RUNTIME, StateFailed
from interstate.core.asl.intrinsics import FUNCTIONS, InvalidIntrinsic, compile_call

DATA: Any = {
    "name": "Arnav",
    "template": r"Hello \ {}.",
    "list": [1, 2, 3, 3, 1.0, True, "1", [1], {"a": 1, "b": 2}, {"b": 2, "a": 1}],
    "nine": [1, 2, 3, 4, 5, 6, 7, 8, 9],
    "object": {"Arg1": 1, "Arg2": [], "x": {"y": None}},
    "left": {"a": {"a1": 1}, "b": 2},
    "right": {"a": {"a3": 1}, "c": 3},
    "json": '{"foo": [1]}',
    "long": "x" * 10_001,
}


def evaluate(text: str, seed: bytes = b"seed") -> Any:
    return compile_call(text)(DATA, Surroundings({"StateMachine": {"Name": "a-b-c"}}), Entropy(seed))


CASES: list[tuple[str, Any]] = [
    ("States.Format('Hello, my name is {}.', $.name)", "Hello, my name is Arnav."),
    ("States.Format($.template, $.name)", r"Hello \ Arnav."),
    (r"States.Format('\{\} is not {}, it\'s \\', 1)", r"{} is not 1, it's \\"[:-1]),
    ("States.Format('{}{}{}{}', null, true, 1.1, $.object)", "nulltrue1.1{Arg1=1, Arg2=[], x={y=null}}"),
    ("States.Format('plain')", "plain"),
    ("States.StringToJson($.json)", {"foo": [1]}),
    ("States.StringToJson('')", None),
    ("States.StringToJson(' ')", None),
    ("States.StringToJson('-0')", 0),
    ('States.StringToJson(\'{"constant": "false"}\')', {"constant": "false"}),
    ("States.JsonToString($.left)", '{"a":{"a1":1},"b":2}'),
    ("States.JsonToString($.name)", '"Arnav"'),
    ("States.Array()", []),
    ("States.Array($.name, 1, 'x', null)", ["Arnav", 1, "x", None]),
    ("States.ArrayPartition($.nine,4)", [[1, 2, 3, 4], [5, 6, 7, 8], [9]]),
    ("States.ArrayPartition(States.Array(), 1)", []),
    ("States.ArrayPartition($.nine, 8.5)", [[1, 2, 3, 4, 5, 6, 7, 8, 9]]),
    ("States.ArrayContains($.nine, 5)", True),
    ("States.ArrayContains($.nine, '5')", False),
    ("States.ArrayContains(States.Array(1), true)", False),
    ("States.ArrayContains($.list, $.list[9])", True),
    ("States.ArrayRange(1, 9, 2)", [1, 3, 5, 7, 9]),
    ("States.ArrayRange(0, 10, 3)", [0, 3, 6, 9]),
    ("States.ArrayRange(3, 1, -1)", [3, 2, 1]),
    ("States.ArrayGetItem($.nine, 5)", 6),
    ("States.ArrayLength($.nine)", 9),
    ("States.ArrayUnique($.list)", [1, 2, 3, 1.0, True, "1", [1], {"a": 1, "b": 2}]),
    ("States.Base64Encode('Data to encode')", "RGF0YSB0byBlbmNvZGU="),
    ("States.Base64Decode('RGF0YSB0byBlbmNvZGU=')", "Data to encode"),
    ("States.Hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
    ("States.Hash('input data', 'MD5')", "812f45842bc6d66ee14572ce20db8e86"),
    ("States.JsonMerge($.left, $.right, false)", {"a": {"a3": 1}, "b": 2, "c": 3}),
    ("States.MathAdd(111, -1)", 110),
    ("States.MathAdd(1.49, 1.5)", 3),
    ("States.MathAdd(-1.5, -1.51)", -3),
    ("States.MathAdd(-0.5, 0.5)", 1),
    ("States.StringSplit('1,2,3,4,5', ',')", ["1", "2", "3", "4", "5"]),
    ("States.StringSplit('This.is+a,test=string', '.+,=')", ["This", "is", "a", "test", "string"]),
    ("States.StringSplit(', , ,', ',')", [" ", " "]),
    ("States.StringSplit('a]b^c', ']^')", ["a", "b", "c"]),
    ("States.StringSplit('Hello\nWorld', '\n')", ["Hello", "World"]),
    (
        "States.ArrayGetItem(States.StringSplit($$.StateMachine.Name, '-'), States.MathAdd(States.ArrayLength($.nine), -7))",
        "c",
    ),
    ("States.Array($.nine[?(@ > 7)], $['name'])", [[8, 9], "Arnav"]),
]


@pytest.mark.parametrize(("text", "expected"), CASES, ids=[text for text, _ in CASES])
def test_a_call_gives(text: str, expected: object) -> None:
    result = evaluate(text)
    assert result == expected
    assert repr(result) == repr(expected) or isinstance(expected, dict)


FAILURES = [
    ("States.Format('{} {}', 1)", "2 occurrences of {}"),
    ("States.Format($.nine)", "must be a string"),
    ("States.StringToJson('{')", "not valid JSON"),
    ("States.StringToJson(1)", "must be a string"),
    ("States.ArrayPartition($.nine, 0)", "must be a positive number"),
    ("States.ArrayPartition($.nine, 'a')", "must be a number"),
    ("States.ArrayLength($.name)", "must be an array"),
    ("States.ArrayRange(1, 2, 0)", "must not be zero"),
    ("States.ArrayRange(0, 1000, 1)", "more than 1000 elements"),
    ("States.ArrayGetItem($.nine, 9)", "out of bounds"),
    ("States.ArrayGetItem($.nine, -1)", "out of bounds"),
    ("States.Base64Encode($.long)", "longer than 10000 characters"),
    ("States.Base64Decode('!')", "not valid Base64"),
    ("States.Hash('x', 'CRC')", "The algorithm 'CRC'"),
    ("States.JsonMerge($.left, $.right, true)", "only shallow"),
    ("States.JsonMerge($.left, $.nine, false)", "must be objects"),
    ("States.MathRandom(2, 2)", "must be less"),
    ("States.MathAdd(2147483648, 0)", "must be between"),
    ("States.MathAdd(true, 0)", "must be a number"),
]


@pytest.mark.parametrize(("text", "reason"), FAILURES, ids=[text for text, _ in FAILURES])
def test_values_that_a_function_does_not_take_fail_the_state(text: str, reason: str) -> None:
    with pytest.raises(StateFailed) as caught:
        evaluate(text)
    assert caught.value.error == INTRINSIC_FAILURE
    assert caught.value.cause is not None
    assert caught.value.cause.startswith(f"The function '{text}' had the following error: ")
    assert reason in caught.value.cause


def test_a_path_to_nothing_fails_as_runtime_error() -> None:
    with pytest.raises(StateFailed) as caught:
        evaluate("States.Format('{}', $.no.such)")
    assert caught.value.error == RUNTIME
    assert "The JsonPath argument for the field '$.no.such' could not be found in the input '{" in str(
        caught.value.cause
    )


@pytest.mark.parametrize(
    "text",
    [
        "States.Nothing()",
        "States.Format",
        "States.Format(",
        "States.Format()",
        "States.UUID(1)",
        "States.UUID() x",
        "States.Array(1 2)",
        "States.Array(1,)",
        "States.Array(truth)",
        "States.Array($.a[)",
        "States.Array($.)",
        "States.Array('open)",
        r"States.StringToJson('{\"a\"}')",
        r"States.Format('\n')",
        "States.Array(" * 11 + ")" * 11,
    ],
)
def test_text_that_is_no_call_is_found_before_it_runs(text: str) -> None:
    with pytest.raises(InvalidIntrinsic):
        compile_call(text)


def test_the_longest_range_has_a_thousand_elements() -> None:
    assert len(evaluate("States.ArrayRange(1, 1000, 1)")) == 1000


def test_random_values_follow_the_seed() -> None:
    numbers = [evaluate("States.MathRandom(-5, 5)", bytes([seed])) for seed in range(100)]
    assert min(numbers) == -5
    assert max(numbers) == 4
    assert evaluate("States.UUID()", b"a") == evaluate("States.UUID()", b"a") != evaluate("States.UUID()", b"b")
    assert evaluate("States.MathRandom(0, 999, 3)", b"a") == evaluate("States.MathRandom(0, 999, 3)", b"b")


def test_all_functions_of_the_language_are_there() -> None:
    assert len(FUNCTIONS) == 18
