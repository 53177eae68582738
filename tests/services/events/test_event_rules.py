"""Buses, rules, targets, tags. Words as recorded in tests/aws/services/events/*.snapshot.json of
github.com/localstack/localstack; where none is recorded, the EventBridge API Reference."""

from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.services.events.rules import RULES_QUOTA
from interstate.store.records.due import SETTINGS, Setting

BUS = "arn:aws:events:us-east-1:000000000000:event-bus/"
RULE = "arn:aws:events:us-east-1:000000000000:rule/"
PATTERN = '{"source": ["shop"]}'
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"


def test_a_bus_is_made_described_changed_listed_and_deleted(bench: Any) -> None:
    answer = bench("CreateEventBus", Name="orders", Description="d", Tags=[{"Key": "k", "Value": "v"}])
    assert answer == {"EventBusArn": BUS + "orders", "Description": "d"}
    described = bench("DescribeEventBus", Name="orders")
    assert (described["Name"], described["Arn"], described["CreationTime"]) == (
        "orders",
        BUS + "orders",
        bench.world.now,
    )
    assert bench("DescribeEventBus", Name=BUS + "orders") == described
    changed = bench("UpdateEventBus", Name="orders", DeadLetterConfig={"Arn": QUEUE})
    assert changed["DeadLetterConfig"] == {"Arn": QUEUE}
    assert changed["Description"] == "d"
    assert [bus["Name"] for bus in bench("ListEventBuses")["EventBuses"]] == ["default", "orders"]
    bench("DeleteEventBus", Name="orders")
    bench("DeleteEventBus", Name="orders")
    assert [bus["Name"] for bus in bench("ListEventBuses")["EventBuses"]] == ["default"]


def test_the_default_bus_is_there_from_the_beginning(bench: Any) -> None:
    assert bench("DescribeEventBus") == {"Name": "default", "Arn": BUS + "default"}
    bench("TagResource", ResourceARN=BUS + "default", Tags=[{"Key": "a", "Value": "b"}])
    assert bench("ListTagsForResource", ResourceARN=BUS + "default") == {"Tags": [{"Key": "a", "Value": "b"}]}


def test_buses_are_listed_in_pages(bench: Any) -> None:
    for name in ("a", "b", "c", "zoo"):
        bench("CreateEventBus", Name=name)
    names: list[list[str]] = []
    token: dict[str, Any] = {}
    for _ in range(3):
        answer = bench("ListEventBuses", Limit=2, **token)
        names.append([bus["Name"] for bus in answer["EventBuses"]])
        token = {"NextToken": answer.get("NextToken")}
    assert names == [["a", "b"], ["c", "default"], ["zoo"]]
    assert [bus["Name"] for bus in bench("ListEventBuses", NamePrefix="b")["EventBuses"]] == ["b"]


def test_state_is_kept_by_account_and_region(bench: Any) -> None:
    bench("CreateEventBus", Name="orders")
    other = Caller("111111111111", "eu-west-1")
    listed = bench.world.call("events", "ListEventBuses", {}, caller=other)["EventBuses"]
    assert [bus["Arn"] for bus in listed] == ["arn:aws:events:eu-west-1:111111111111:event-bus/default"]


def test_nobody_else_changes_a_bus(bench: Any) -> None:
    bench("CreateEventBus", Name="orders")
    other = Caller("111111111111", "us-east-1")
    request = {"Name": "r", "EventPattern": PATTERN, "EventBusName": BUS + "orders"}
    with pytest.raises(ServiceError, match="not authorized to perform: events:PutRule on resource"):
        bench.world.call("events", "PutRule", request, caller=other)


def test_a_rule_is_made_described_switched_and_deleted(bench: Any) -> None:
    assert bench("PutRule", Name="r", EventPattern=PATTERN, Description="d") == {"RuleArn": RULE + "r"}
    assert bench("DescribeRule", Name="r") == {
        "Name": "r",
        "Arn": RULE + "r",
        "EventPattern": PATTERN,
        "State": "ENABLED",
        "Description": "d",
        "EventBusName": "default",
        "CreatedBy": "000000000000",
    }
    bench("DisableRule", Name="r")
    assert bench("DescribeRule", Name="r")["State"] == "DISABLED"
    bench("EnableRule", Name="r")
    assert bench("DescribeRule", Name="r")["State"] == "ENABLED"
    bench("DeleteRule", Name="r")
    bench("DeleteRule", Name="r")
    assert bench("ListRules") == {"Rules": []}


def test_a_rule_put_again_keeps_targets_and_tags(bench: Any) -> None:
    bench("CreateEventBus", Name="b")
    tags = [{"Key": "k", "Value": "v"}]
    assert bench("PutRule", Name="r", EventBusName="b", EventPattern=PATTERN, Tags=tags)["RuleArn"] == RULE + "b/r"
    bench("PutTargets", Rule="r", EventBusName="b", Targets=[{"Id": "t", "Arn": QUEUE}])
    bench("PutRule", Name="r", EventBusName="b", EventPattern='{"source": ["other"]}')
    assert bench("ListTagsForResource", ResourceARN=RULE + "b/r")["Tags"] == tags
    assert bench("ListTargetsByRule", Rule="r", EventBusName=BUS + "b") == {"Targets": [{"Id": "t", "Arn": QUEUE}]}
    assert bench("DescribeRule", Name="r", EventBusName="b")["EventPattern"] == '{"source": ["other"]}'
    bench("UntagResource", ResourceARN=RULE + "b/r", TagKeys=["k", "other"])
    assert bench("ListTagsForResource", ResourceARN=RULE + "b/r") == {"Tags": []}


def test_rules_are_listed_in_pages_and_by_prefix(bench: Any) -> None:
    for at in range(5):
        bench("PutRule", Name=f"r{at}", EventPattern=PATTERN)
    first = bench("ListRules", Limit=3, NamePrefix="r")
    assert [rule["Name"] for rule in first["Rules"]] == ["r0", "r1", "r2"]
    second = bench("ListRules", Limit=3, NamePrefix="r", NextToken=first["NextToken"])
    assert [rule["Name"] for rule in second["Rules"]] == ["r3", "r4"]
    assert "NextToken" not in second
    assert bench("ListRules", NamePrefix="x") == {"Rules": []}


def test_targets_are_put_replaced_listed_and_removed(bench: Any) -> None:
    bench("PutRule", Name="r", EventPattern=PATTERN)
    members = {"DeadLetterConfig": {"Arn": QUEUE}, "RetryPolicy": {"MaximumRetryAttempts": 1}}
    target = {"Id": "t", "Arn": QUEUE, "InputPath": "$.detail", **members}
    assert bench("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": QUEUE}]) == {
        "FailedEntryCount": 0,
        "FailedEntries": [],
    }
    bench("PutTargets", Rule="r", Targets=[target])
    assert bench("ListTargetsByRule", Rule="r") == {"Targets": [target]}
    assert bench("RemoveTargets", Rule="r", Ids=["t", "other"]) == {"FailedEntryCount": 0, "FailedEntries": []}
    assert bench("ListTargetsByRule", Rule="r") == {"Targets": []}


def test_rules_are_found_by_their_target(bench: Any) -> None:
    for at in range(5):
        bench.rule(f"r{at}", QUEUE, {"Arn": QUEUE, "Id": "again"})
    bench.rule("other", "arn:aws:sqs:us-east-1:000000000000:other")
    first = bench("ListRuleNamesByTarget", TargetArn=QUEUE, Limit=3)
    assert first["RuleNames"] == ["r0", "r1", "r2"]
    second = bench("ListRuleNamesByTarget", TargetArn=QUEUE, Limit=3, NextToken=first["NextToken"])
    assert second == {"RuleNames": ["r3", "r4"]}
    assert bench("ListRuleNamesByTarget", TargetArn="arn:aws:sqs:us-east-1:000000000000:none") == {"RuleNames": []}


def test_permissions_are_given_and_taken(bench: Any) -> None:
    bench("PutPermission", Action="events:PutEvents", Principal="222222222222", StatementId="s")
    assert '"Sid":"s"' in bench("DescribeEventBus")["Policy"]
    assert bench.error("RemovePermission", StatementId="x") == (
        "ResourceNotFoundException",
        "Statement with the provided id does not exist.",
    )
    bench("RemovePermission", StatementId="s")
    assert "Policy" not in bench("DescribeEventBus")
    bench(
        "PutPermission", Policy='{"Statement": {"Sid": "p", "Effect": "Allow", "Principal": "*", "Action": "events:*"}}'
    )
    assert bench("DescribeEventBus")["Policy"].startswith('{"Statement":[{')
    bench("RemovePermission", RemoveAllPermissions=True)
    assert "Policy" not in bench("DescribeEventBus")


NOT_A_PATTERN = (
    'Event pattern is not valid. Reason: "a" must be an object or an array\n'
    ' at [Source: (String)"{"a": "b"}"; line: 1, column: 8]'
)
MANY = [{"Id": f"t{at}", "Arn": QUEUE} for at in range(6)]
MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
REFUSED: list[tuple[str, dict[str, Any], str, str]] = [
    ("DescribeEventBus", {"Name": "x"}, "ResourceNotFoundException", "Event bus x does not exist."),
    ("CreateEventBus", {"Name": "default"}, "ResourceAlreadyExistsException", "Event bus default already exists."),
    ("CreateEventBus", {"Name": "b"}, "ResourceAlreadyExistsException", "Event bus b already exists."),
    ("CreateEventBus", {"Name": "a/b"}, "ValidationException", "Event bus name must not contain '/'."),
    ("DeleteEventBus", {"Name": "default"}, "ValidationException", "Cannot delete event bus default."),
    ("DeleteEventBus", {"Name": "b"}, "ValidationException", "EventBus can't be deleted since it has rules."),
    ("DescribeRule", {"Name": "x"}, "ResourceNotFoundException", "Rule x does not exist on EventBus default."),
    (
        "EnableRule",
        {"Name": "x", "EventBusName": "b"},
        "ResourceNotFoundException",
        "Rule x does not exist on EventBus b.",
    ),
    ("ListRules", {"EventBusName": "x"}, "ResourceNotFoundException", "Event bus x does not exist."),
    ("DeleteRule", {"Name": "r"}, "ValidationException", "Rule can't be deleted since it has targets."),
    (
        "PutRule",
        {"Name": "n"},
        "ValidationException",
        "Parameter(s) EventPattern or ScheduleExpression must be specified.",
    ),
    (
        "PutRule",
        {"Name": "n", "ScheduleExpression": "rate(1 minute)", "EventBusName": "b"},
        "ValidationException",
        "ScheduleExpression is supported only on the default event bus.",
    ),
    (
        "PutRule",
        {"Name": "n", "ScheduleExpression": "rate(1 minutes)"},
        "ValidationException",
        "Parameter ScheduleExpression is not valid.",
    ),
    (
        "PutRule",
        {"Name": "n", "EventPattern": '{"a": "b"}'},
        "InvalidEventPatternException",
        NOT_A_PATTERN,
    ),
    (
        "PutTargets",
        {"Rule": "x", "Targets": []},
        "ResourceNotFoundException",
        "Rule x does not exist on EventBus default.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": MANY},
        "LimitExceededException",
        "The requested resource exceeds the maximum number allowed.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": "q"}]},
        "ValidationException",
        "Parameter q is not valid. Reason: Provided Arn is not in correct format.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": MACHINE}]},
        "ValidationException",
        f"RoleArn is required for target {MACHINE}.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE + ".fifo"}]},
        "ValidationException",
        "Parameter(s) SqsParameters must be specified for target: t.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "Input": "1", "InputPath": "$.a"}]},
        "ValidationException",
        "Only one of Input, InputPath, or InputTransformer must be provided for target t.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "InputTransformer": {"InputTemplate": '"<x>"'}}]},
        "ValidationException",
        "InputTemplate for target t contains invalid placeholder x.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "InputPath": "detail"}]},
        "ValidationException",
        "InputPath for target t is not a valid JSON path: detail.",
    ),
    (
        "PutTargets",
        {"Rule": "r", "Targets": [{"Id": "t", "Arn": QUEUE, "DeadLetterConfig": {"Arn": QUEUE + ".fifo"}}]},
        "ValidationException",
        f"Parameter {QUEUE}.fifo is not valid. Reason: FIFO queues cannot be dead-letter queues.",
    ),
    (
        "ListTagsForResource",
        {"ResourceARN": RULE + "b/x"},
        "ResourceNotFoundException",
        "Rule x does not exist on EventBus b.",
    ),
    ("ListTagsForResource", {"ResourceARN": BUS + "x"}, "ResourceNotFoundException", "Event bus x does not exist."),
    ("ListRules", {"NextToken": "?"}, "ValidationException", "Invalid pagination token provided."),
    (
        "PutPermission",
        {"Action": "events:PutEvents"},
        "ValidationException",
        "Parameter(s) Action, Principal and StatementId must be specified.",
    ),
    ("PutPermission", {"Policy": "{"}, "ValidationException", "Parameter Policy is not valid. Reason: Invalid JSON."),
    ("PutPermission", {"EventBusName": "x"}, "ResourceNotFoundException", "Event bus x does not exist."),
]


@pytest.mark.parametrize(("operation", "request_", "code", "message"), REFUSED, ids=str)
def test_what_is_refused(bench: Any, operation: str, request_: dict[str, Any], code: str, message: str) -> None:
    bench("CreateEventBus", Name="b")
    bench.rule("of-b", bus="b")
    bench.rule("r", QUEUE)
    assert bench.error(operation, **request_) == (code, message)


def test_targets_of_services_that_are_not_here_are_refused_by_name(bench: Any) -> None:
    bench.rule("r")
    stream = "arn:aws:kinesis:us-east-1:000000000000:stream/s"
    code, message = bench.error("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": stream}])
    assert code == "NotImplemented"
    assert stream in message
    archive = "arn:aws:events:us-east-1:000000000000:archive/x"
    assert bench.error("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": archive}])[0] == "NotImplemented"


def test_a_bus_has_three_hundred_rules_unless_the_quota_was_raised(bench: Any) -> None:
    bench.world.run(lambda work: work.put(SETTINGS, Setting(RULES_QUOTA, "2")))
    bench.rule("a")
    bench.rule("b")
    assert bench.error("PutRule", Name="c", EventPattern=PATTERN)[0] == "LimitExceededException"
    bench.rule("b")


def test_targets_are_listed_in_the_order_in_which_they_were_added(bench: Any) -> None:
    bench.rule("r")
    for name in ("b", "c", "a", "c"):
        bench("PutTargets", Rule="r", Targets=[{"Id": name, "Arn": QUEUE, "Input": f'"{name}"'}])
    first = bench("ListTargetsByRule", Rule="r", Limit=2)
    assert [target["Id"] for target in first["Targets"]] == ["b", "c"]
    rest = bench("ListTargetsByRule", Rule="r", NextToken=first["NextToken"])
    assert [target["Id"] for target in rest["Targets"]] == ["a"]
