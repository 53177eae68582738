"""Who may use a resource. Source: the IAM User Guide, policy evaluation logic and its cross-account page."""

import json
from datetime import UTC, datetime
from typing import Any

from interstate.base.arn import Caller
from interstate.services.access import is_allowed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
TOPIC = "arn:aws:sns:us-east-1:111111111111:t"
OWNER, STRANGER = Caller("111111111111"), Caller("222222222222")
RULE = "arn:aws:events:us-east-1:111111111111:rule/r"


def may(policy: Any, caller: Any, **more: Any) -> bool:
    return is_allowed(policy, caller, action="sns:Publish", resource=TOPIC, now=NOW, **more)


def statement(effect: Any, principal: Any, **more: Any) -> dict[str, Any]:
    return {
        "Statement": [{"Effect": effect, "Principal": principal, "Action": "sns:Publish", "Resource": TOPIC, **more}]
    }


def test_silence_lets_in_the_owner_alone() -> None:
    assert may(None, OWNER)
    assert not may(None, STRANGER)
    assert not may(None, OWNER.on_behalf_of("events.amazonaws.com", RULE))
    assert may("not a policy", OWNER)


def test_an_allow_lets_others_in_and_a_deny_keeps_the_owner_out() -> None:
    assert may(statement("Allow", {"AWS": "222222222222"}), STRANGER)
    assert not may(statement("Deny", "*"), OWNER)


def test_a_service_comes_with_the_arn_and_account_of_its_source() -> None:
    service = OWNER.on_behalf_of("events.amazonaws.com", RULE)
    for key, value in (("aws:SourceArn", RULE), ("aws:SourceAccount", "111111111111")):
        policy = statement("Allow", {"Service": "events.amazonaws.com"}, Condition={"StringEquals": {key: value}})
        assert may(policy, service)
        assert not may(policy, OWNER.on_behalf_of("sns.amazonaws.com", RULE))


def test_a_services_own_condition_keys() -> None:
    policy = statement("Allow", "*", Condition={"StringEquals": {"sns:Protocol": "https"}})
    assert may(policy, STRANGER, context={"sns:Protocol": ["https"]})
    assert not may(policy, STRANGER, context={"sns:Protocol": ["http"]})


def test_an_arn_without_account_names_its_owner_apart() -> None:
    assert is_allowed(None, OWNER, action="s3:GetObject", resource="arn:aws:s3:::b", now=NOW, owner="111111111111")


def test_a_policy_that_ends_is_asked_at_each_time_however_it_is_spelled() -> None:
    ends = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2026-01-01T12:00:00Z"}}}
    text = json.dumps(statement("Allow", "*", **ends))
    for policy in (text, text.replace("CurrentTime", "Current\\u0054ime")):
        allowed = [
            is_allowed(policy, STRANGER, action="sns:Publish", resource=TOPIC, now=NOW.replace(hour=hour))
            for hour in (11, 13, 11)
        ]
        assert allowed == [True, False, True], policy
