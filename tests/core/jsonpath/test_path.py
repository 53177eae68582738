"""Which nodes a path finds. Sources: https://states-language.net/#path; reasons as recorded from Step Functions."""

import pytest

from interstate.core.asl.context import Surroundings
from interstate.core.jsonpath.path import InvalidPath, NoSuchPath, compile_path

DATA = {
    "a": {"b": [10, {"c": "deep"}, None], "b-c": 1, "": "empty"},
    "list": [{"p": 1, "q": "x"}, {"p": 2, "q": "y"}, {"p": 3}],
    "it's": True,
    r'a\""b"': "quotes",
    "null": None,
    "text": "abc",
    "tags": [{"n": 1, "t": ["a"]}, {"n": 2, "t": ["a", "b"]}],
}

FOUND = [
    ("$", DATA),
    ("$.a.b[1].c", "deep"),
    ("$.a.b[-3]", 10),
    ("$['a']['b-c']", 1),
    ('$["a"].b-c', 1),
    (r"$['it\'s']", True),
    (r"""$['a\""b"']""", "quotes"),
    (r"""$["a\\\"\"b\""]""", "quotes"),
    ("$.a['']", "empty"),
    ("$.null", None),
    ("$.a.b[2]", None),
    ("$$.Execution.Id", "arn:x"),
    ("$$.Execution.Input.text", "abc"),
    ("$.list[*].p", [1, 2, 3]),
    ("$.list[0:2].p", [1, 2]),
    ("$.list[?(@.p > 1)].p", [2, 3]),
    ("$.list[?(@.p > 9)]", []),
    ("$..q", ["x", "y"]),
    ("$.list[0,2].p", [1, 3]),
    ("$.text[*]", []),
    ("$.nothing[*].x", []),
    ("$.no.such[1:5]", []),
    ("$$.Execution.Input.list[*].q", ["x", "y"]),
    ("$$.Execution.Id ", "arn:x"),
    ("$.list[?(@.q==y)].p", [2]),
    ("$.list[?(@.q == y && @.p != null)].p", [2]),
    ("$.list[?(@.q == 'y')].p", [2]),
    ("$.list[?(@.p == $.a.b-c)].q", ["x"]),
    ("$.list[?(@.q nin ['x', 'z'])].p", [2, 3]),
    ("$.list[?(@.q in ['x', 'z'])].p", [1]),
    ("$..[?(@.b size 3)].b-c", [1]),
    ("$.list[?(@.q empty false)].p", [1, 2]),
    ("$.tags[?(@.t subsetof ['a', \"it's\"])].n", [1]),
    ("$.tags[?(@.t anyof ['b'])].n", [2]),
    ("$.tags[?(@.t noneof ['b', 'c'])].n", [1]),
    ("$.list.length()", 3),
    ("$.list[*].q.length()", 2),
    ("$.text.length()", 3),
    ("$$.Execution.Input.list.length()", 3),
]

MISSING = [
    ("$.nothing", "No results for path: $['nothing']"),
    ("$.no.such.path", "Missing property in path $['no']"),
    ("$.a.nothing", "No results for path: $['a']['nothing']"),
    ("$.a.b[7]", "No results for path: $['a']['b'][7]"),
    ("$.a[0]", "Filter: [0] can only be applied to arrays."),
    ("$.text.x", "Expected to find an object with property ['x'] in path $['text'] but found 'java.lang.String'."),
    ("$.null.x", "Expected to find an object with property ['x'] in path $['null'] but found 'null'."),
    ("$.list.x", "Expected to find an object with property ['x'] in path $['list'] but found 'java.util.ArrayList'."),
    (
        "$.list[0].p.x[0]",
        "Expected to find an object with property ['x'] in path $['list'][0]['p'] but found 'java.lang.Integer'.",
    ),
    ("$$.Task.Token", "Missing property in path $['Task']"),
    ("$.list.sum()", "No results for path: $.list.sum()"),
    ("$.null.length()", "No results for path: $.null.length()"),
]


@pytest.mark.parametrize(("text", "expected"), FOUND, ids=[text for text, _ in FOUND])
def test_a_path_finds(text: str, expected: object) -> None:
    assert compile_path(text).select(DATA, Surroundings({"Execution": {"Id": "arn:x", "Input": DATA}})) == expected


@pytest.mark.parametrize(("text", "reason"), MISSING, ids=[text for text, _ in MISSING])
def test_a_path_to_nothing_says_where_it_stopped(text: str, reason: str) -> None:
    with pytest.raises(NoSuchPath) as caught:
        compile_path(text).select(DATA, Surroundings({"Execution": {"Id": "arn:x", "Input": DATA}}))
    assert caught.value.reason.startswith(reason)
    assert str(caught.value) == f"Invalid path '{text}' : {caught.value.reason}"


@pytest.mark.parametrize("text", ["", "a", "$.", "$1", "$.a[", "$.a[x", "$.list[?(@.p >)]", "$ .a", "$.a b"])
def test_other_text_is_no_path(text: str) -> None:
    with pytest.raises(InvalidPath):
        compile_path(text)


@pytest.mark.parametrize(
    ("text", "is_reference"),
    [("$", True), ("$.a[0]['x']", True), ("$.a[*]", False), ("$..a", False), ("$.a[0:1]", False)],
)
def test_only_a_path_to_one_node_is_a_reference(text: str, *, is_reference: bool) -> None:
    assert compile_path(text).is_reference is is_reference


def test_a_reference_path_gives_the_node_itself_not_a_copy() -> None:
    context = Surroundings({"Execution": {"Id": "arn:x", "Input": DATA}})
    assert compile_path("$.a.b").select(DATA, context) is DATA["a"]["b"]  # type: ignore[index]  # DATA is of many kinds


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("$.l.[1]", 2),
        ("$.['l'].[0]", 1),
        ("$.l.[?(@ > 1)]", [2, 3]),
        ("$.o.[*].['a.[', 'b']", [1, 2]),
        ("$..['a.[']", [1]),
    ],
)
def test_a_dot_before_a_bracket_is_nothing(text: str, found: object) -> None:
    data = {"l": [1, 2, 3], "o": [{"a.[": 1, "b": 2}]}
    assert compile_path(text).select(data, Surroundings()) == found
