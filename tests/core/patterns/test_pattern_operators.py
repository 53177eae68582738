"""What each operator matches, as rows. Sources stand over each table; the behaviour of the whole set was compared with the
answers that AWS gave to TestEventPattern (the recorded cases of github.com/localstack/localstack, tests/aws/services/events)."""

from typing import Any

import pytest

from interstate.core.patterns import matches, parse_pattern

ABSENT = ...  # Its name is the same in every process that collects these rows.

# https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html, unless a row says otherwise.
# (values of the pattern, value in the event, matches)
VALUES: list[tuple[list[Any], Any, bool]] = [
    # Exact values.
    (["running"], "running", True),
    (["running"], "Running", False),
    (["stopped", "running"], "running", True),
    ([""], "", True),
    ([{"exactly": "running"}], "running", True),
    ([300], 300, True),
    ([300], 300.0, True),  # event-ruler README: numbers compare by value
    ([3.018e2], 301.8, True),
    ([300], "300", False),
    (["300"], 300, False),
    ([9007199254740993], 9007199254740993, True),
    ([True], True, True),
    ([True], False, False),
    ([True], 1, False),
    ([1], True, False),
    ([0], False, False),
    ([True], "true", False),
    ([None], None, True),
    ([None], "null", False),
    ([None], ABSENT, False),
    ([None], [], False),  # eb-event-patterns-null-values.html
    # Arrays are sets: one common value is enough (eb-event-patterns-arrays.html).
    (["a", "b"], ["x", "b"], True),
    (["a", "b"], ["x", "y"], False),
    (["a"], [], False),
    (["a"], [["a"]], True),
    # prefix, suffix.
    ([{"prefix": "us-"}], "us-east-1", True),
    ([{"prefix": "us-"}], "eu-west-1", False),
    ([{"prefix": ""}], "anything", True),
    ([{"prefix": "1"}], 12, False),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], "EVENTBRIDGE", True),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], "xeventb", False),
    ([{"prefix": {"equals-ignore-case": "EventB"}}], None, False),
    ([{"suffix": ".png"}], "photo.png", True),
    ([{"suffix": ".png"}], "photo.PNG", False),
    ([{"suffix": ""}], "anything", True),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "photo.PNG", True),
    ([{"suffix": {"equals-ignore-case": ".png"}}], "photo.png.gz", False),
    # equals-ignore-case; the last three: EqualsIgnoreCaseParser of event-ruler, lower and upper form of each character.
    ([{"equals-ignore-case": "alice"}], "ALICE", True),
    ([{"equals-ignore-case": "alice"}], "alicea", False),
    ([{"equals-ignore-case": ""}], "", True),
    ([{"equals-ignore-case": "straße"}], "STRASSE", True),
    ([{"equals-ignore-case": "strasse"}], "straße", False),
    ([{"equals-ignore-case": "서울-a"}], "서울-A", True),
    # wildcard.
    ([{"wildcard": "dir/*.png"}], "dir/a/b.png", True),
    ([{"wildcard": "dir/*.png"}], "dir/.png", True),
    ([{"wildcard": "dir/*.png"}], "dir/.pn", False),
    ([{"wildcard": "a*a"}], "a", False),
    ([{"wildcard": "a*a"}], "aa", True),
    ([{"wildcard": "*"}], "", True),
    ([{"wildcard": "*b*"}], "abc", True),
    ([{"wildcard": "a*b*c"}], "a-b-b-c", True),
    ([{"wildcard": "a*b*c"}], "a-c-b", False),
    ([{"wildcard": "plain"}], "plain", True),
    ([{"wildcard": r"a\*b"}], "a*b", True),
    ([{"wildcard": r"a\*b"}], "axb", False),
    ([{"wildcard": r"a\\*"}], "a\\x", True),
    ([{"wildcard": "*"}], 1, False),
    # anything-but.
    ([{"anything-but": "initializing"}], "running", True),
    ([{"anything-but": "initializing"}], "initializing", False),
    ([{"anything-but": "initializing"}], None, True),
    ([{"anything-but": "initializing"}], ABSENT, False),
    ([{"anything-but": ["stopped", "overloaded"]}], "overloaded", False),
    ([{"anything-but": 123}], 123.0, False),
    ([{"anything-but": 123}], "123", True),
    ([{"anything-but": 1}], True, True),
    ([{"anything-but": [100, 200]}], 300, True),
    ([{"anything-but": "a"}], ["a", "b"], True),  # One value that is another is enough.
    ([{"anything-but": {"prefix": "init"}}], "initializing", False),
    ([{"anything-but": {"prefix": "init"}}], 5, True),
    ([{"anything-but": {"prefix": ["init", "error"]}}], "error-1", False),
    ([{"anything-but": {"suffix": ".txt"}}], "a.png", True),
    ([{"anything-but": {"suffix": [".txt", ".rtf"]}}], "a.rtf", False),
    ([{"anything-but": {"equals-ignore-case": "Stopped"}}], "STOPPED", False),
    ([{"anything-but": {"equals-ignore-case": ["Stopped", "x"]}}], "running", True),
    ([{"anything-but": {"wildcard": "*/lib/*"}}], "usr/lib/x", False),
    ([{"anything-but": {"wildcard": ["*/lib/*", "*/bin/*"]}}], "usr/share/x", True),
    ([{"anything-but": {"wildcard": ""}}], "x", True),
    # numeric.
    ([{"numeric": [">", 0, "<=", 5]}], 5, True),
    ([{"numeric": [">", 0, "<=", 5]}], 0, False),
    ([{"numeric": [">=", 0, "<", 5]}], 0, True),
    ([{"numeric": [">=", 0, "<", 5]}], 5, False),
    ([{"numeric": ["<", 10]}], -1e30, True),
    ([{"numeric": ["<=", 10]}], 10, True),
    ([{"numeric": [">", 10]}], 10, False),
    ([{"numeric": [">=", 10]}], 10.0, True),
    ([{"numeric": ["=", 3.018e2]}], 301.8, True),
    ([{"numeric": ["=", 5]}], "5", False),
    ([{"numeric": [">=", 0]}], None, False),
    ([{"numeric": [">=", 0]}], True, False),
    ([{"numeric": [">=", 0]}], 9007199254740993, False),  # ComparableNumber of event-ruler: beyond double precision
    ([{"numeric": [">=", 0]}], 10**400, False),
    # cidr, and IPv6 addresses as plain texts (CIDR of event-ruler).
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.255", True),
    ([{"cidr": "10.0.0.0/24"}], "10.0.1.0", False),
    ([{"cidr": "10.0.0.7/8"}], "10.255.0.1", True),
    ([{"cidr": "2001:db8:1234:1a00::/64"}], "2001:db8:1234:1a00::1", True),
    ([{"cidr": "2001:db8:1234:1a00::/64"}], "2001:db9::", False),
    ([{"cidr": "0.0.0.0/0"}], "::1", False),
    ([{"cidr": "10.0.0.0/24"}], "10.0.0.999", False),
    ([{"cidr": "10.0.0.0/24"}], "host", False),
    ([{"cidr": "10.0.0.0/24"}], 10, False),
    (["::1"], "0:0:0:0:0:0:0:1", True),
    (["10.0.0.1"], "10.0.0.1", True),
    # exists: leaves only (eb-event-patterns-null-values.html for null and the empty array).
    ([{"exists": True}], "x", True),
    ([{"exists": True}], None, True),
    ([{"exists": True}], [], False),
    ([{"exists": True}], {"c1": 100}, False),
    ([{"exists": True}], ABSENT, False),
    ([{"exists": False}], ABSENT, True),
    ([{"exists": False}], {"c1": 100}, True),
    ([{"exists": False}], {}, True),
    ([{"exists": False}], "x", False),
    ([{"exists": False}], None, False),
    ([{"exists": False}, {"anything-but": ["roses"]}], ABSENT, True),
    ([{"exists": False}, "x"], "x", True),
    ([{"exists": False}, "x"], "y", False),
]


@pytest.mark.parametrize(("values", "value", "expected"), VALUES, ids=str)
def test_a_field_matches_by_its_operators(values: list[Any], value: Any, expected: bool) -> None:
    pattern = parse_pattern({"detail": {"field": values}})
    event = {"detail": {"other": 1} if value is ABSENT else {"field": value}}
    assert matches(pattern, event) is expected


# eb-event-patterns.html ("considerations"): names on the way are joined by dots.
PATHS: list[tuple[Any, Any, bool]] = [
    ({"detail": {"state": {"status": ["running"]}}}, {"detail": {"state.status": "running"}}, True),
    ({"detail": {"state.status": ["running"]}}, {"detail": {"state": {"status": "running"}}}, True),
    ({"detail": {"state.status": {"status": ["running"]}}}, {"detail": {"state": {"status": "running"}}}, False),
    ({"a": ["x"]}, {"": {"a": "x"}}, False),
    ({"": {"a": ["x"]}}, {"": {"a": "x"}}, True),
    ({"detail": {"STATE": ["running"]}}, {"detail": {"state": "running"}}, False),
    ({"source": ["a"], "detail-type": ["b"]}, {"source": "a", "detail-type": "b", "more": 1}, True),
    ({"source": ["a"], "detail-type": ["b"]}, {"source": "a"}, False),
    ({"detail": {"a": ["x"]}}, {"detail": '{"a": "x"}'}, False),
]


@pytest.mark.parametrize(("pattern", "event", "expected"), PATHS, ids=str)
def test_paths_are_names_joined_by_dots(pattern: Any, event: Any, expected: bool) -> None:
    assert matches(parse_pattern(pattern), event) is expected


# The README of event-ruler ("Matching JSON arrays"): values of one match stand in one element.
ARRAYS: list[tuple[str, Any, Any, bool]] = [
    ("one element", {"d": {"a": [1], "b": [2]}}, {"d": [{"a": 1, "b": 2}]}, True),
    ("two elements", {"d": {"a": [1], "b": [2]}}, {"d": [{"a": 1}, {"b": 2}]}, False),
    ("the last element", {"d": {"a": [1], "b": [2]}}, {"d": [{"a": 1}, {"b": 2}, {"a": 1, "b": 2}]}, True),
    ("two arrays", {"d": {"a": [1]}, "e": {"b": [2]}}, {"d": [{"a": 0}, {"a": 1}], "e": [{"b": 2}]}, True),
    ("beside an array", {"d": {"a": [1]}, "e": [2]}, {"d": [{"a": 0}, {"a": 1}], "e": 2}, True),
    ("nested, one branch", {"d": {"a": [1], "x": {"b": [2]}}}, {"d": [{"a": 1, "x": [{"b": 3}, {"b": 2}]}]}, True),
    ("nested, two branches", {"d": {"a": [1], "x": {"b": [2]}}}, {"d": [{"a": 1}, {"x": [{"b": 2}]}]}, False),
    ("one element and a plain value", {"d": {"a": [1], "b": [2]}, "e": [3]}, {"d": [{"a": 1, "b": 2}], "e": 3}, True),
    ("one inner element", {"d": {"x": {"a": [1], "b": [2]}}}, {"d": [{"x": [{"a": 1}, {"a": 1, "b": 2}]}]}, True),
    ("two inner elements", {"d": {"x": {"a": [1], "b": [2]}}}, {"d": [{"x": [{"a": 1}, {"b": 2}]}]}, False),
    ("values in an array", {"d": {"a": [1], "b": [2]}}, {"d": {"a": [0, 1], "b": [2, 3]}}, True),
    ("absent beside it", {"d": {"a": [1], "b": [{"exists": False}]}}, {"d": [{"a": 1}, {"b": 2}]}, True),
    ("absent in it", {"d": {"a": [1], "b": [{"exists": False}]}}, {"d": [{"a": 1, "b": 2}]}, False),
    ("absent alone", {"d": {"b": [{"exists": False}]}}, {"d": [{"a": 1}, {"b": 2}]}, False),
    ("absent before", {"d": {"a": [{"exists": False}], "b": [2]}}, {"d": [{"a": 1}, {"b": 2}]}, False),
]


@pytest.mark.parametrize(("pattern", "event", "expected"), [row[1:] for row in ARRAYS], ids=[row[0] for row in ARRAYS])
def test_values_of_one_match_stand_in_one_element(pattern: Any, event: Any, expected: bool) -> None:
    assert matches(parse_pattern(pattern), event) is expected


CLOUDWATCH = {"source": "aws.cloudwatch", "metricName": "ReadLatency", "namespace": "AWS/EC2", "spaceId": 1000}
# The README of event-ruler, "The $or primitive".
OR: list[tuple[str, Any, bool]] = [
    ("first", {"source": ["aws.cloudwatch"], "$or": [{"metricName": ["ReadLatency"]}, {"namespace": ["x"]}]}, True),
    ("second", {"source": ["aws.cloudwatch"], "$or": [{"metricName": ["x"]}, {"namespace": ["AWS/EC2"]}]}, True),
    ("none", {"source": ["aws.cloudwatch"], "$or": [{"metricName": ["x"]}, {"namespace": ["x"]}]}, False),
    ("and the rest", {"$or": [{"metricName": ["ReadLatency"]}, {"namespace": ["x"]}], "source": ["x"]}, False),
    ("two", {"$or": [{"metricName": ["x"]}, {"spaceId": [1000]}], "a": [{"exists": False}]}, True),
    (
        "nested",
        {"$or": [{"scope": ["x"]}, {"namespace": ["AWS/EC2"], "$or": [{"metricId": [1]}, {"spaceId": [1000]}]}]},
        True,
    ),
    (
        "nested, inner fails",
        {"$or": [{"scope": ["x"]}, {"namespace": ["AWS/EC2"], "$or": [{"metricId": [1]}, {"spaceId": [1]}]}]},
        False,
    ),
]


@pytest.mark.parametrize(("pattern", "expected"), [row[1:] for row in OR], ids=[row[0] for row in OR])
def test_or_asks_for_one_of_its_objects(pattern: Any, expected: bool) -> None:
    assert matches(parse_pattern(pattern), CLOUDWATCH) is expected


def test_a_long_array_costs_its_length() -> None:
    rows = [{"a": 1, "b": 0} for _ in range(3_000)] + [{"a": 0, "b": 1}]
    assert not matches(parse_pattern({"d": {"a": [1], "b": [1]}}), {"d": rows})


def test_an_event_may_be_nested_a_thousand_deep() -> None:
    event: Any = "x"
    for _ in range(1_000):
        event = [event]
    assert matches(parse_pattern({"a": ["x"]}), {"a": event})
