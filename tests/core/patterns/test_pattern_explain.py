"""An explanation agrees with the matcher and says what each field wanted and found."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.patterns import matches, parse_pattern
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
    ({"cidr": "10.0.0.0/24"}, "an IPv4 address of 24 fixed bits"),
    ({"cidr": "2001:db8::/64"}, "an IPv6 address of 64 fixed bits"),
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
                    FieldReport("detail.gone", passes=False, wanted=["to exist"], found=[]),
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


FIELDS = st.dictionaries(
    st.sampled_from(["a", "b"]),
    st.lists(st.sampled_from(["x", "y", {"exists": False}, {"anything-but": "x"}]), min_size=1, max_size=2),
    min_size=1,
)
EVENTS = st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "y", None]))


@given(FIELDS, st.lists(EVENTS, max_size=3) | EVENTS)
def test_the_verdict_is_the_matchers(fields: dict[str, Any], inner: Any) -> None:
    pattern, event = parse_pattern({"d": fields}), {"d": inner}
    explanation = explain(pattern, event)
    assert explanation.matches == matches(pattern, event)
    for report in explanation.alternatives:
        assert report.matches or report.scattered or not all(field.passes for field in report.fields)
