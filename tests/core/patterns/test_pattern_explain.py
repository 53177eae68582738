"""An explanation agrees with the matcher and says what each field wanted and found."""

from typing import Any

import pytest
from hypothesis import given
from tests.core.patterns.drawn_patterns import EVENTS, drawn_patterns

from interstate.core.patterns import Pattern, matches, parse_pattern
from interstate.core.patterns.explain import AlternativeReport, Explanation, FieldReport, explain

WORDS: list[tuple[Any, str]] = [
    ("a", '"a"'),
    (1, "1"),
    (True, "true"),
    (None, "null"),
    ({"prefix": "a"}, 'prefix "a"'),
    ({"suffix": "a"}, 'suffix "a"'),
    ({"prefix": {"equals-ignore-case": "a"}}, 'prefix, ignoring case, "a"'),
    ({"suffix": {"equals-ignore-case": "a"}}, 'suffix, ignoring case, "a"'),
    ({"equals-ignore-case": "a"}, 'equals-ignore-case "a"'),
    ({"wildcard": "a*b"}, 'wildcard "a*b"'),
    ({"anything-but": ["b", "a"]}, 'anything but "a", "b"'),
    ({"anything-but": {"prefix": ["a", "b"]}}, 'anything but prefix "a", prefix "b"'),
    ({"numeric": ["=", 5]}, "= 5"),
    ({"numeric": [">", 0, "<=", 5]}, "> 0 and <= 5"),
    ({"numeric": [">=", 0]}, ">= 0"),
    ({"numeric": ["<", 5]}, "< 5"),
    ({"cidr": "10.0.0.0/24"}, "an address in 10.0.0.0/24"),
    ({"cidr": "2001:db8::/64"}, "an address in 2001:db8::/64"),
    ({"exists": True}, "to exist"),
    ({"exists": False}, "not to exist"),
]


@pytest.mark.parametrize(("value", "word"), WORDS, ids=[row[1] for row in WORDS])
def test_each_operator_has_its_words(value: Any, word: str) -> None:
    assert explain(parse_pattern({"f": [value]}), {}).alternatives[0].fields[0].wanted == [word]


def test_a_field_that_fails_shows_what_it_found() -> None:
    pattern = parse_pattern({"source": ["shop"], "detail": {"state": ["paid"], "gone": [{"exists": True}]}})
    assert explain(pattern, {"source": "shop", "detail": {"state": "open"}}) == Explanation(
        matches=False,
        alternatives=[
            AlternativeReport(
                matches=False,
                scattered=False,
                fields=[
                    FieldReport("detail.gone", passes=False, wanted=["to exist"], found=[], hint="detail has no gone"),
                    FieldReport("detail.state", passes=False, wanted=['"paid"'], found=["open"]),
                    FieldReport("source", passes=True, wanted=['"shop"'], found=["shop"]),
                ],
            )
        ],
    )


def test_values_in_different_elements_are_called_scattered() -> None:
    pattern = parse_pattern({"d": {"a": [1], "b": [2]}})
    [report] = explain(pattern, {"d": [{"a": 1}, {"b": 2}]}).alternatives
    assert (report.matches, report.scattered) == (False, True)


# (values of the pattern at detail.f, event's detail, the reason)
REASONS: list[tuple[list[Any], dict[str, Any], str]] = [
    (["paid"], {"f": "open"}, 'detail.f is "open"; wanted "paid"'),
    (["paid", "sent"], {"f": "open"}, 'detail.f is "open"; wanted "paid" or "sent"'),
    (["paid"], {"f": ["open", "new"]}, 'detail.f has "open", "new"; wanted "paid"'),
    (["paid"], {}, 'detail.f does not exist; wanted "paid" (detail has no f)'),
    (["paid"], {"f": {"g": 1}}, 'detail.f does not exist; wanted "paid" (an object stands there)'),
    (["paid"], {"f": []}, 'detail.f does not exist; wanted "paid" (an empty array stands there)'),
    (["Paid"], {"f": "paid"}, 'detail.f is "paid"; wanted "Paid" (only the case differs)'),
    ([300], {"f": "300"}, 'detail.f is "300"; wanted 300 (the event has a text)'),
    (["300"], {"f": 300}, 'detail.f is 300; wanted "300" (the event has a number)'),
    (["true"], {"f": True}, 'detail.f is true; wanted "true" (the event has a boolean)'),
    ([1], {"f": True}, "detail.f is true; wanted 1"),
    ([None], {"f": 0}, "detail.f is 0; wanted null"),
    ([{"prefix": "us-"}], {"f": "eu-west-1"}, 'detail.f is "eu-west-1"; wanted prefix "us-"'),
    (
        [{"prefix": "1"}],
        {"f": 12},
        'detail.f is 12; wanted prefix "1" (the event has a number, and only texts are compared so)',
    ),
    ([{"prefix": {"equals-ignore-case": "us"}}], {"f": "EU"}, 'detail.f is "EU"; wanted prefix, ignoring case, "us"'),
    ([{"suffix": ".png"}], {"f": "a.gif"}, 'detail.f is "a.gif"; wanted suffix ".png"'),
    (
        [{"suffix": {"equals-ignore-case": ".png"}}],
        {"f": "a.gif"},
        'detail.f is "a.gif"; wanted suffix, ignoring case, ".png"',
    ),
    ([{"equals-ignore-case": "alice"}], {"f": "bob"}, 'detail.f is "bob"; wanted equals-ignore-case "alice"'),
    ([{"wildcard": "a*c"}], {"f": "abd"}, 'detail.f is "abd"; wanted wildcard "a*c"'),
    ([{"anything-but": "paid"}], {"f": "paid"}, 'detail.f is "paid"; wanted anything but "paid"'),
    ([{"anything-but": "paid"}], {}, 'detail.f does not exist; wanted anything but "paid" (detail has no f)'),
    ([{"anything-but": {"prefix": "p"}}], {"f": "paid"}, 'detail.f is "paid"; wanted anything but prefix "p"'),
    ([{"anything-but": {"suffix": "d"}}], {"f": "paid"}, 'detail.f is "paid"; wanted anything but suffix "d"'),
    ([{"anything-but": {"wildcard": "p*"}}], {"f": "paid"}, 'detail.f is "paid"; wanted anything but wildcard "p*"'),
    (
        [{"anything-but": {"equals-ignore-case": "PAID"}}],
        {"f": "paid"},
        'detail.f is "paid"; wanted anything but equals-ignore-case "PAID"',
    ),
    ([{"numeric": [">", 5]}], {"f": 5}, "detail.f is 5; wanted > 5"),
    (
        [{"numeric": ["=", 5]}],
        {"f": "5"},
        'detail.f is "5"; wanted = 5 (the event has a text, and numeric compares numbers)',
    ),
    ([{"cidr": "10.0.0.0/8"}], {"f": "11.0.0.1"}, 'detail.f is "11.0.0.1"; wanted an address in 10.0.0.0/8'),
    ([{"exists": True}], {}, "detail.f does not exist; wanted to exist (detail has no f)"),
    ([{"exists": False}], {"f": None}, "detail.f is null; wanted not to exist"),
]


@pytest.mark.parametrize(("values", "detail", "reason"), REASONS, ids=[row[2] for row in REASONS])
def test_each_failure_is_a_sentence(values: list[Any], detail: dict[str, Any], reason: str) -> None:
    [report] = explain(parse_pattern({"detail": {"f": values}}), {"detail": detail}).alternatives
    assert report.reasons == [reason]


def test_each_alternative_of_or_has_its_reasons() -> None:
    pattern = parse_pattern({"$or": [{"a": ["x"]}, {"b": ["y"]}], "c": ["z"]})
    assert [report.reasons for report in explain(pattern, {"a": "1", "b": "2", "c": "z"}).alternatives] == [
        ['a is "1"; wanted "x"'],
        ['b is "2"; wanted "y"'],
    ]


def test_scattered_values_are_told_in_a_sentence() -> None:
    [report] = explain(parse_pattern({"d": {"a": [1], "b": [2]}}), {"d": [{"a": 1}, {"b": 2}]}).alternatives
    assert report.reasons == ["each field passes, but not with values of the same array element: d.a, d.b"]


PATTERNS = drawn_patterns([row[0] for row in WORDS if isinstance(row[0], dict)])


@given(PATTERNS, EVENTS)
def test_the_verdict_is_the_matchers_and_a_refusal_has_its_reason(pattern: Pattern, event: dict[str, Any]) -> None:
    explanation = explain(pattern, event)
    assert explanation.matches == matches(pattern, event)
    for report in explanation.alternatives:
        assert bool(report.reasons) != report.matches
