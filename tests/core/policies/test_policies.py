"""Resource policies. Source of each rule: the IAM User Guide's pages that the modules name."""

import json
from typing import Any

import pytest

from interstate.core.policies import Access, PolicyFault, Verdict, compiled, decide

QUEUE = "arn:aws:sqs:us-east-1:111111111111:orders"
RULE = "arn:aws:events:us-east-1:111111111111:rule/placed"


def verdict(statements: Any, **access: Any) -> Verdict:
    given = {"account": "222222222222", "action": "sqs:SendMessage", "resource": QUEUE, **access}
    return decide([compiled(json.dumps({"Version": "2012-10-17", "Statement": statements}))], Access(**given))


def allow(**members: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": QUEUE, **members}


def test_a_deny_wins_over_every_allow() -> None:
    assert verdict([allow(), allow(Effect="Deny")]) is Verdict.DENIED
    assert verdict([allow(Effect="Deny"), allow()]) is Verdict.DENIED


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"Action": "sqs:*"}, Verdict.ALLOWED),
        ({"Action": "SQS:sendmessage"}, Verdict.ALLOWED),
        ({"Action": "sqs:Send?essage"}, Verdict.ALLOWED),
        ({"Action": ["sqs:ReceiveMessage", "*"]}, Verdict.ALLOWED),
        ({"Action": "sqs:ReceiveMessage"}, Verdict.SILENT),
        ({"Resource": "arn:aws:sqs:*:111111111111:or*"}, Verdict.ALLOWED),
        ({"Resource": "arn:aws:sqs:us-east-1:111111111111:Orders"}, Verdict.SILENT),
        ({"Principal": {"AWS": "222222222222"}}, Verdict.ALLOWED),
        ({"Principal": {"AWS": "arn:aws:iam::222222222222:root"}}, Verdict.ALLOWED),
        ({"Principal": {"AWS": "arn:aws:iam::222222222222:role/sender"}}, Verdict.ALLOWED),
        ({"Principal": {"AWS": ["111111111111", "333333333333"]}}, Verdict.SILENT),
        ({"Principal": {"Service": "sns.amazonaws.com"}}, Verdict.SILENT),
    ],
)
def test_principal_action_and_resource_select(members: Any, expected: Any) -> None:
    assert verdict([allow(**members)]) is expected


def test_what_is_left_out_is_selected_by_the_not_elements() -> None:
    one = allow()
    del one["Action"]
    assert verdict([{**one, "NotAction": "sqs:DeleteQueue"}]) is Verdict.ALLOWED
    assert verdict([{**one, "NotAction": "sqs:Send*"}]) is Verdict.SILENT
    two = allow(Effect="Deny")
    del two["Principal"]
    assert verdict([{**two, "NotPrincipal": {"AWS": "222222222222"}}]) is Verdict.SILENT
    assert verdict([{**two, "NotPrincipal": {"AWS": "333333333333"}}]) is Verdict.DENIED


def test_a_deny_for_a_role_does_not_hit_the_whole_account() -> None:
    denied = allow(Effect="Deny", Principal={"AWS": "arn:aws:iam::222222222222:role/other"})
    assert verdict([allow(), denied]) is Verdict.ALLOWED


def test_a_service_is_let_in_by_its_name_and_source() -> None:
    written = allow(Principal={"Service": "events.amazonaws.com"}, Condition={"ArnEquals": {"aws:SourceArn": RULE}})
    for service, source, expected in (
        ("events.amazonaws.com", RULE, Verdict.ALLOWED),
        ("events.amazonaws.com", RULE + "2", Verdict.SILENT),
        ("sns.amazonaws.com", RULE, Verdict.SILENT),
        ("", RULE, Verdict.SILENT),
    ):
        assert verdict([written], service=service, context={"aws:sourcearn": (source,)}) is expected


@pytest.mark.parametrize(
    ("operator", "wanted", "value", "met"),
    [
        ("StringEquals", "a", "a", True),
        ("StringEquals", ["b", "a"], "a", True),
        ("StringNotEquals", ["b", "a"], "a", False),
        ("StringNotEquals", "b", "a", True),
        ("StringNotEquals", "b", None, True),
        ("StringEqualsIgnoreCase", "A", "a", True),
        ("StringLike", "a*c", "abbc", True),
        ("StringNotLike", "a*c", "abbc", False),
        ("StringEquals", "a", None, False),
        ("StringEqualsIfExists", "a", None, True),
        ("NumericLessThan", "10", "9", True),
        ("NumericGreaterThanEquals", "10", "9.99", False),
        ("NumericEquals", "1", "x", False),
        ("DateLessThan", "2026-01-01T00:00:00Z", "2025-12-31T23:59:59Z", True),
        ("DateGreaterThan", "2026-01-01", "2026-01-01T00:00:01Z", True),
        ("Bool", True, "true", True),
        ("IpAddress", "10.0.0.0/8", "10.1.2.3", True),
        ("NotIpAddress", "10.0.0.0/8", "10.1.2.3", False),
        ("IpAddress", "10.0.0.0/8", "nonsense", False),
        ("ArnLike", "arn:aws:sns:*:1:t*", "arn:aws:sns:us-east-1:1:topic", True),
        ("ArnLike", "arn:aws:sns:*:topic", "arn:aws:sns:us-east-1:1:topic", False),
        ("ArnNotEquals", "arn:aws:sns:us-east-1:1:t", "arn:aws:sns:us-east-1:1:t", False),
        ("Null", "true", None, True),
        ("Null", "false", None, False),
        ("StringDoesWhat", "a", "a", False),
    ],
)
def test_a_condition_holds_or_not(operator: Any, wanted: Any, value: Any, met: Any) -> None:
    context = {} if value is None else {"k": (value,)}
    found = verdict([allow(Condition={operator: {"K": wanted}})], context=context)
    assert (found is Verdict.ALLOWED) == met


def test_keys_of_many_values() -> None:
    every = allow(Condition={"ForAllValues:StringEquals": {"k": ["a", "b"]}})
    some = allow(Condition={"ForAnyValue:StringEquals": {"k": ["a", "b"]}})
    for values, by_every, by_some in ((("a", "c"), False, True), (("a", "b"), True, True), (("c",), False, False)):
        assert (verdict([every], context={"k": values}) is Verdict.ALLOWED) == by_every
        assert (verdict([some], context={"k": values}) is Verdict.ALLOWED) == by_some
    none = allow(Condition={"ForAnyValue:StringNotEquals": {"k": "a"}})
    assert verdict([none], context={}) is Verdict.SILENT
    assert verdict([every], context={}) is Verdict.ALLOWED
    assert verdict([some], context={}) is Verdict.SILENT


def test_policy_variables_stand_for_context() -> None:
    one = allow(Condition={"StringEquals": {"who": "${aws:PrincipalAccount}"}})
    context = {"who": ("222222222222",), "aws:principalaccount": ("222222222222",)}
    assert verdict([one], context=context) is Verdict.ALLOWED
    assert verdict([one], context={"who": ("1",), "aws:principalaccount": ("2",)}) is Verdict.SILENT


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        '{"Statement": [1]}',
        '{"Statement": [{"Effect": "Maybe"}]}',
        '{"Statement":{"Effect":"Allow","Principal":3}}',
    ],
)
def test_what_is_no_policy_is_refused(text: Any) -> None:
    with pytest.raises(PolicyFault):
        compiled(text)
