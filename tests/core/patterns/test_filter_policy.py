"""SNS filter policies. Source: https://docs.aws.amazon.com/sns/latest/dg/sns-subscription-filter-policies.html and the
pages on string, numeric and key matching below it."""

from typing import Any

import pytest

from interstate.core.patterns import PatternError
from interstate.core.patterns.policy import admits, parse_filter_policy

ATTRIBUTES: dict[str, dict[str, Any]] = {
    "store": {"DataType": "String", "StringValue": "example_corp"},
    "price": {"DataType": "Number", "StringValue": "210.75"},
    "interests": {"DataType": "String.Array", "StringValue": '["rugby", "baseball", true, null, 5]'},
    "broken": {"DataType": "String.Array", "StringValue": "[rugby"},
    "text": {"DataType": "Number", "StringValue": "many"},
    "photo": {"DataType": "Binary", "BinaryValue": b"x"},
}

ROWS: list[tuple[Any, bool]] = [
    ({"store": ["example_corp"]}, True),
    ({"store": [{"anything-but": "example_corp"}]}, False),
    ({"store": [{"prefix": "example"}], "price": [{"numeric": [">=", 100]}]}, True),
    ({"price": [210.75]}, True),
    ({"price": ["210.75"]}, False),
    ({"interests": ["soccer", "rugby"]}, True),
    ({"interests": [True]}, True),
    ({"interests": [None]}, True),
    ({"interests": [5]}, True),
    ({"interests": [{"anything-but": ["rugby", "tennis"]}]}, True),  # baseball is anything but these
    ({"broken": [{"exists": False}], "text": [{"exists": False}], "photo": [{"exists": False}]}, True),
    ({"missing": [{"exists": False}]}, True),
    ({"missing": [{"anything-but": "x"}]}, False),
    ({"store": ["example_corp"], "$or": [{"price": [1]}, {"interests": ["rugby"]}]}, True),
]


@pytest.mark.parametrize(("policy", "expected"), ROWS, ids=str)
def test_a_policy_over_attributes(policy: Any, expected: bool) -> None:
    assert admits(parse_filter_policy(policy, "MessageAttributes"), "body", ATTRIBUTES) is expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"order": {"state": "paid", "items": [{"n": 1}]}}', True),
        ('{"order": {"state": "open"}}', False),
        ("[1]", False),
        ("plain text", False),
    ],
)
def test_a_policy_over_the_body(body: str, expected: bool) -> None:
    policy = parse_filter_policy('{"order": {"state": ["paid"], "items": {"n": [1]}}}', "MessageBody")
    assert admits(policy, body, ATTRIBUTES) is expected


REFUSED: list[tuple[Any, str]] = [
    ({"order": {"state": ["paid"]}}, "does not support nested filter policy"),
    ({key: ["x"] for key in "abcdef"}, "can not have more than 5 keys"),
    ({"a": [str(n) for n in range(151)]}, "Filter policy is too complex"),
    ({"a": "x"}, "must be an object or an array"),
]


@pytest.mark.parametrize(("policy", "reason"), REFUSED, ids=[row[1] for row in REFUSED])
def test_what_a_policy_over_attributes_cannot_be(policy: Any, reason: str) -> None:
    with pytest.raises(PatternError, match=reason):
        parse_filter_policy(policy, "MessageAttributes")
