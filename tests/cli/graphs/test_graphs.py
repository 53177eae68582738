"""Pictures: every state has its place, boxes do not touch, arrows lead from edge to edge, colours tell what happened."""

import xml.etree.ElementTree as ET
from itertools import combinations
from typing import Any

import pytest
from rich.text import Text
from tests.simulation.machine_corpus import CORPUS

from interstate.cli.graphs.layout import END, START, Picture, laid_out
from interstate.cli.graphs.machine import Part, condition, happened, inner, part_of
from interstate.cli.graphs.svg import drawn
from interstate.cli.graphs.tree import lines

PASS: dict[str, Any] = {"Type": "Pass"}
LOOP: dict[str, Any] = {
    "StartAt": "A",
    "States": {
        "A": {**PASS, "Next": "B"},
        "B": {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericLessThan": 3, "Next": "A"}], "Default": "C"},
        "C": {
            "Type": "Parallel",
            "Branches": [
                {"StartAt": "D", "States": {"D": {**PASS, "End": True}}},
                {
                    "StartAt": "E",
                    "States": {"E": {"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage", "End": True}},
                },
            ],
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "F"}],
            "Next": "G",
        },
        "G": {"Type": "Succeed"},
        "F": {"Type": "Fail"},
    },
}
DEFINITIONS = {
    "loop": LOOP,
    **{name: {"StartAt": next(iter(case.states)), "States": case.states} for name, case in CORPUS.items()},
}


def names_in(part: Part) -> set[str]:
    found = set(part.states)
    for state in part.states.values():
        for below in inner(state):
            found |= names_in(below)
    return found


def check(picture: Picture) -> set[str]:
    """Boxes lie within the picture and apart from one another; ways begin and end at edges; tells the names."""
    names = set()
    for box in picture.boxes:
        assert box.x >= -0.01
        assert box.x + box.width <= picture.width + 0.01
        assert box.y >= -0.01
        assert box.y + box.height <= picture.height + 0.01
        names.add(box.name)
        for one in box.inside:
            assert one.x + one.width <= box.width
            assert one.y + one.height <= box.height
            names |= check(one)
    for one_box, other in combinations(picture.boxes, 2):
        beside = one_box.x + one_box.width <= other.x or other.x + other.width <= one_box.x
        above = one_box.y + one_box.height <= other.y or other.y + other.height <= one_box.y
        assert beside or above, (one_box.name, other.name)
    by_name = {box.name: box for box in picture.boxes}
    for way in picture.ways:
        for point, name in ((way.points[0], way.arrow.source), (way.points[-1], way.arrow.target)):
            box = by_name[name]
            assert box.x <= point.x <= box.x + box.width
            assert point.y in (box.y, box.y + box.height) or way.arrow.source == way.arrow.target
    return names


@pytest.mark.parametrize("name", DEFINITIONS)
def test_boxes_lie_apart_and_arrows_at_their_edges(name: str) -> None:
    part = part_of(DEFINITIONS[name])
    assert check(laid_out(part)) == names_in(part) | {START, END}


@pytest.mark.parametrize("name", DEFINITIONS)
def test_every_state_stands_in_the_svg_and_in_the_tree(name: str) -> None:
    part = part_of(DEFINITIONS[name])
    root = ET.fromstring(drawn(part))
    titles = {element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}title")}
    tree = "\n".join(Text.from_markup(line).plain for line in lines(part))
    for state in names_in(part):
        assert any(title.startswith(f"{state}: ") for title in titles)
        assert state in tree


def test_the_same_definition_gives_the_same_picture() -> None:
    assert drawn(part_of(LOOP)) == drawn(part_of(LOOP))


def test_no_arrow_crosses_a_state_that_stands_between() -> None:
    """C to F goes past G; B back to A goes beside nothing."""
    picture = laid_out(part_of(LOOP))
    for way in picture.ways:
        ends = {way.arrow.source, way.arrow.target}
        for point in way.points[1:-1]:
            inside = [
                box.name
                for box in picture.boxes
                if box.name not in ends and box.x < point.x < box.x + box.width and box.y < point.y < box.y + box.height
            ]
            assert inside == []


def visit(state: str, status: str = "succeeded", *within: str, error: str = "") -> dict[str, Any]:
    return {"state": state, "status": status, "within": list(within), "error": error}


def test_what_happened_is_the_last_visit_outside_and_the_worst_inside() -> None:
    visits = [
        visit("A", "caught", error="Bad"),
        visit("B"),
        visit("A"),
        visit("D", "failed", "C[0]", error="X"),
        visit("D", "succeeded", "C[1]"),
    ]
    states, taken = happened(visits)
    assert (states["A"].status, states["A"].times) == ("succeeded", 2)
    assert (states["D"].status, states["D"].times, states["D"].error) == ("failed", 2, "X")
    assert taken == {("A", "B"), ("B", "A")}


def test_an_execution_colours_its_states() -> None:
    states, taken = happened([visit("A"), visit("B"), visit("C", "failed", error="<Bad>")])
    text = drawn(part_of(LOOP), states, frozenset(taken))
    ET.fromstring(text)
    assert "C: Parallel, failed, &lt;Bad&gt;" in text
    assert "never reached" in text
    tree = [Text.from_markup(line).plain for line in lines(part_of(LOOP), states)]
    assert "✓ A  Pass" in tree
    assert "✕ C  Parallel <Bad>" in tree
    assert "· G  Succeed" in tree


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"Variable": "$.n", "NumericGreaterThanEquals": 3}, "$.n ≥ 3"),
        ({"Variable": "$.s", "StringEquals": "x"}, "$.s = x"),
        ({"Variable": "$.s", "StringEqualsPath": "$.t"}, "$.s = $.t"),
        ({"Variable": "$.s", "StringMatches": "a*"}, "$.s StringMatches a*"),
        ({"Variable": "$.s", "IsPresent": False}, "$.s is not present"),
        ({"Variable": "$.b", "BooleanEquals": True}, "$.b = true"),
        ({"Not": {"Variable": "$.s", "IsNull": True}}, "not ($.s is null)"),
        (
            {"Or": [{"Variable": "$.a", "IsNull": True}, {"Variable": "$.b", "IsNull": True}]},
            "$.a is null or $.b is null",
        ),
        ({"Condition": "{% $n < 3 %}"}, "$n < 3"),
    ],
)
def test_a_rule_in_short(rule: dict[str, Any], words: str) -> None:
    assert condition(rule) == words
