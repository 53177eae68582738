"""Bus policies: who puts which events, and who manages rules on another account's bus.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html, .../eb-use-conditions.html
"""

from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.services.events.rules import PATTERN_QUOTA
from interstate.store.records.due import SETTINGS, Setting

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/central"
RULES = "arn:aws:events:us-east-1:000000000000:rule/central/*"
OTHER = Caller("222222222222", "us-east-1")
PATTERN = '{"source":["shop"],"detail-type":["Placed","Paid"]}'


def let(bench: Any, action: str | list[str], resource: str, condition: Any = None, effect: str = "Allow") -> None:
    """The central bus's policy for the other account."""
    statement = {"Sid": "s", "Effect": effect, "Action": action, "Resource": resource}
    statement["Principal"] = {"AWS": "arn:aws:iam::222222222222:root"}  # type: ignore[assignment]  # texts and one object
    if condition is not None:
        statement["Condition"] = condition
    policy = dumps({"Version": "2012-10-17", "Statement": [statement]})
    bench("PutPermission", EventBusName="central", Policy=policy)


@pytest.fixture(autouse=True)
def _central(bench: Any) -> None:
    bench("CreateEventBus", Name="central")


def refusal(bench: Any, operation: str, caller: Caller = OTHER, **request: Any) -> str | None:
    """The code with which a call of another account is refused; None when it is not."""
    try:
        bench.world.call("events", operation, request, caller=caller)
    except ServiceError as error:
        return error.code
    return None


@pytest.mark.parametrize(
    ("condition", "taken"),
    [
        ({"StringEquals": {"events:source": "shop"}}, True),
        ({"StringEquals": {"events:source": "else"}}, False),
        ({"StringEquals": {"events:detail-type": ["Placed", "Paid"]}}, True),
        ({"StringLike": {"events:detail-type": "Ord*"}}, False),
        ({"Bool": {"events:eventBusInvocation": "false"}}, True),
        ({"Bool": {"events:eventBusInvocation": "true"}}, False),
    ],
    ids=str,
)
def test_conditions_choose_what_another_account_puts(bench: Any, condition: Any, taken: bool) -> None:
    let(bench, "events:PutEvents", BUS, condition)
    entry = {"Source": "shop", "DetailType": "Placed", "Detail": "{}", "EventBusName": BUS}
    [answer] = bench.world.call("events", "PutEvents", {"Entries": [entry]}, caller=OTHER)["Entries"]
    assert ("EventId" in answer) is taken
    if not taken:
        assert answer["ErrorCode"] == "AccessDeniedException"


@pytest.mark.parametrize(
    ("condition", "arrives"),
    [
        (None, True),
        ({"StringEquals": {"events:source": "shop"}}, True),
        ({"StringEquals": {"events:source": "else"}}, False),
        ({"StringEquals": {"events:detail-type": "Order Placed"}}, True),
        ({"Bool": {"events:eventBusInvocation": "true"}}, True),
        ({"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/send"}}, True),
        ({"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::222222222222:role/send"}}, False),
    ],
    ids=str,
)
def test_conditions_choose_what_a_rule_sends_to_another_accounts_bus(
    bench: Any,
    condition: Any,
    arrives: bool,
) -> None:
    let(bench, "events:PutEvents", BUS, condition)
    bench.rule("all", bench.queue("q"), bus="central")
    bench.world.call("events", "PutRule", {"Name": "out", "EventPattern": PATTERN[:18] + "}"}, caller=OTHER)
    role = "arn:aws:iam::222222222222:role/send"
    target = {"Id": "t", "Arn": BUS, "RoleArn": role}
    bench.world.call("events", "PutTargets", {"Rule": "out", "Targets": [target]}, caller=OTHER)
    entry = {"Source": "shop", "DetailType": "Order Placed", "Detail": "{}"}
    bench.world.call("events", "PutEvents", {"Entries": [entry]}, caller=OTHER)
    assert [event["account"] for event in bench.events("q")] == ["222222222222"] * arrives


def test_a_deny_binds_the_buss_own_account(bench: Any) -> None:
    statement = {"Sid": "s", "Effect": "Deny", "Principal": "*", "Action": "events:PutEvents", "Resource": BUS}
    bench("PutPermission", EventBusName="central", Policy=dumps({"Statement": [statement]}))
    entry = {"Source": "shop", "DetailType": "Placed", "Detail": "{}", "EventBusName": "central"}
    assert bench("PutEvents", Entries=[entry])["Entries"][0]["ErrorCode"] == "AccessDeniedException"


def test_another_account_manages_the_rules_that_it_made(bench: Any) -> None:
    """The guide's example: all actions on rules, where ``events:creatorAccount`` is the caller's."""
    bench.rule("ours", bus="central")
    actions = [f"events:{one}" for one in ("PutRule", "PutTargets", "DeleteRule", "RemoveTargets", "DescribeRule")]
    let(bench, actions, RULES, {"StringEqualsIfExists": {"events:creatorAccount": "${aws:PrincipalAccount}"}})
    made = {"Name": "theirs", "EventBusName": BUS, "EventPattern": PATTERN}
    answer = bench.world.call("events", "PutRule", made, caller=OTHER)
    assert answer["RuleArn"] == "arn:aws:events:us-east-1:000000000000:rule/central/theirs"
    described = bench("DescribeRule", Name="theirs", EventBusName="central")
    assert described["CreatedBy"] == OTHER.account
    target = {"Id": "t", "Arn": bench.queue("q")}
    assert refusal(bench, "PutTargets", Rule="theirs", EventBusName=BUS, Targets=[target]) is None
    assert refusal(bench, "PutRule", Name="ours", EventBusName=BUS, EventPattern=PATTERN) == "AccessDeniedException"
    assert refusal(bench, "DeleteRule", Name="ours", EventBusName=BUS) == "AccessDeniedException"
    assert refusal(bench, "DisableRule", Name="theirs", EventBusName=BUS) == "AccessDeniedException"
    assert refusal(bench, "RemoveTargets", Rule="theirs", EventBusName=BUS, Ids=["t"]) is None
    assert refusal(bench, "DeleteRule", Name="theirs", EventBusName=BUS) is None


@pytest.mark.parametrize(
    ("condition", "code"),
    [
        ({"StringEquals": {"events:source": "shop"}}, None),
        ({"StringEquals": {"events:source": "else"}}, "AccessDeniedException"),
        ({"ForAllValues:StringEquals": {"events:detail-type": ["Placed", "Paid", "Sent"]}}, None),
        ({"ForAllValues:StringEquals": {"events:detail-type": ["Placed"]}}, "AccessDeniedException"),
        ({"Null": {"events:source": "false"}}, None),
    ],
    ids=str,
)
def test_conditions_choose_which_rules_may_be_made(bench: Any, condition: Any, code: str | None) -> None:
    let(bench, "events:PutRule", RULES, condition)
    assert refusal(bench, "PutRule", Name="r", EventBusName=BUS, EventPattern=PATTERN) == code


def test_a_pattern_without_a_source_has_none_to_compare(bench: Any) -> None:
    let(bench, "events:PutRule", RULES, {"Null": {"events:source": "false"}})
    wide = '{"$or":[{"source":["shop"]},{"account":["1"]}]}'
    assert refusal(bench, "PutRule", Name="r", EventBusName=BUS, EventPattern=wide) == "AccessDeniedException"


def test_conditions_choose_targets(bench: Any) -> None:
    queue = bench.queue("q")
    let(bench, ["events:PutRule", "events:PutTargets"], RULES, {"StringLikeIfExists": {"events:TargetArn": "*:q"}})
    assert refusal(bench, "PutRule", Name="r", EventBusName=BUS, EventPattern=PATTERN) is None
    good, bad = {"Id": "t", "Arn": queue}, {"Id": "t", "Arn": queue + "2"}
    assert refusal(bench, "PutTargets", Rule="r", EventBusName=BUS, Targets=[good]) is None
    assert refusal(bench, "PutTargets", Rule="r", EventBusName=BUS, Targets=[bad]) == "AccessDeniedException"


def test_rules_are_managed_in_their_region(bench: Any) -> None:
    let(bench, "events:*", RULES)
    elsewhere = Caller(OTHER.account, "eu-west-1")
    assert refusal(bench, "ListRules", elsewhere, EventBusName=BUS) == "ResourceNotFoundException"
    assert refusal(bench, "ListRules", EventBusName=BUS) is None


def test_a_pattern_is_as_long_as_the_quota_says(bench: Any) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html: 2,048 characters, raised on request."""
    fits = '{"source":["' + "x" * (2_048 - 15) + '"]}'
    assert len(fits) == 2_048
    bench("PutRule", Name="r", EventPattern=fits)
    longer = fits.replace("x", "xx", 1)
    assert bench.error("PutRule", Name="r", EventPattern=longer) == (
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    )

    bench.world.run(lambda work: work.put(SETTINGS, Setting(PATTERN_QUOTA, "4096")))
    bench("PutRule", Name="r", EventPattern=longer)
