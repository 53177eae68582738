"""Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html; the statement as recorded in
tests/aws/services/events/test_events.snapshot.json of github.com/localstack/localstack (test_put_permission)."""

from typing import Any

import pytest

from interstate.core.events.policy import lets_in, statement, with_statement, without_statement

BUS = "arn:aws:events:us-east-1:111111111111:event-bus/b"


def of(principal: str, sid: str = "one", condition: tuple[str, str, str] | None = None) -> dict[str, Any]:
    return statement(sid=sid, principal=principal, action="events:PutEvents", bus_arn=BUS, condition=condition)


def test_a_statement_is_written_as_aws_writes_it() -> None:
    assert of("222222222222") == {
        "Sid": "one",
        "Effect": "Allow",
        "Principal": {"AWS": "arn:aws:iam::222222222222:root"},
        "Action": "events:PutEvents",
        "Resource": BUS,
    }
    assert of("*")["Principal"] == "*"
    condition = of("*", condition=("StringEquals", "aws:PrincipalOrgID", "o-1"))["Condition"]
    assert condition == {"StringEquals": {"aws:PrincipalOrgID": "o-1"}}


def test_a_statement_replaces_the_one_of_its_name() -> None:
    policy = with_statement(with_statement(None, of("1")), of("2"))
    assert policy["Statement"] == [of("2")]
    assert without_statement(policy, "one") is None
    two = with_statement(policy, of("3", "two"))
    assert without_statement(two, "two") == policy
    with pytest.raises(KeyError):
        without_statement(policy, "other")


LETS_IN: list[tuple[Any, bool]] = [
    (None, False),
    (with_statement(None, of("222222222222")), True),
    (with_statement(None, of("333333333333")), False),
    (with_statement(None, of("*")), True),
    (with_statement(None, of("*", condition=("StringEquals", "aws:PrincipalOrgID", "o-1"))), False),
    ({"Statement": [{"Effect": "Deny", "Principal": "*", "Action": "events:*"}]}, False),
    ({"Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["events:PutRule"]}]}, False),
    ({"Statement": [{"Effect": "Allow", "Principal": {"AWS": ["222222222222"]}, "Action": ["events:*"]}]}, True),
]


@pytest.mark.parametrize(("policy", "expected"), LETS_IN, ids=str)
def test_who_may_put_events(policy: Any, expected: bool) -> None:
    assert lets_in(policy, "222222222222") is expected
