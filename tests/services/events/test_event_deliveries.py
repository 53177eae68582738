"""From PutEvents to targets: what arrives, what is repeated, what becomes a dead letter."""

from datetime import timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import loads as read
from interstate.services.events.aws_events import put_aws_event
from interstate.store.records.due import DUE
from interstate.store.records.events import ATTEMPTS_UP_TO
from interstate.store.records.metrics import POINTS_OF_SERIES, SERIES_OF_ACCOUNT
from interstate.store.tables import Scalar

WAITING = Scalar("SELECT count(*) FROM due WHERE kind LIKE 'events.%' AND kind <> 'events.log_sweep'", (DUE,))
ROLE = "arn:aws:iam::000000000000:role/r"
BUS = "arn:aws:events:us-east-1:000000000000:event-bus/"


def loads(text: str | bytes) -> Any:
    return read(text)


def due_steps(bench: Any) -> int:
    """How much due work of EventBridge waits."""
    count: int = bench.world.run(lambda work: work.scalar(WAITING))
    return count


def failures(bench: Any, rule: str, metric: str) -> int:
    """The sum of one of AWS's metrics of a rule."""

    def read(work: Any) -> Any:
        found = work.select(
            SERIES_OF_ACCOUNT, limit=999, account="000000000000", region="us-east-1", namespace="", name="", after=0
        )
        name = rule.rpartition("/")[2]
        ours = [one.id for one in found if one.name == metric and ("RuleName", name) in one.dimensions]
        since, until = work.now - timedelta(days=30), work.now + timedelta(days=1)
        points = [work.select(POINTS_OF_SERIES, limit=9_999, series=one, since=since, until=until) for one in ours]
        return sum(point.total for listed in points for point in listed)

    return int(bench.world.run(read))


def test_an_event_arrives_as_aws_writes_it(bench: Any) -> None:
    bench.rule("r", bench.queue("q"))
    event_id = bench.put('{ "n" : 1.50, "s": "서울" }', Resources=["arn:x"])["EventId"]
    expected = (
        f'{{"version":"0","id":"{event_id}","detail-type":"Order Placed","source":"shop","account":"000000000000",'
        '"time":"2026-01-01T00:00:00Z","region":"us-east-1","resources":["arn:x"],"detail":{"n":1.5,"s":"서울"}}'
    )
    assert bench.messages("q") == [expected]


def test_entries_fail_one_by_one(bench: Any) -> None:
    bench.rule("r", bench.queue("q"))
    good = {"Source": "shop", "DetailType": "x", "Detail": "{}"}
    answer = bench("PutEvents", Entries=[good, {**good, "Detail": "?"}, {**good, "EventBusName": "none"}])
    assert answer["FailedEntryCount"] == 1
    assert answer["Entries"][1] == {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
    assert set(answer["Entries"][2]) == {"EventId"}  # Recorded: a bus that does not exist takes events, and drops them.
    assert len(bench.messages("q")) == 1


def test_entries_together_are_at_most_a_megabyte(bench: Any) -> None:
    entry = {"Source": "s", "DetailType": "t", "Detail": '{"a":"' + "x" * (1_048_576 - 10) + '"}'}
    assert bench("PutEvents", Entries=[entry])["FailedEntryCount"] == 0
    assert bench.error("PutEvents", Entries=[{**entry, "Source": "ss"}]) == (
        "ValidationException",
        "Total size of the entries in the request is over the limit.",
    )
    assert bench.error("PutEvents", Entries=[], EndpointId="a.b") == (
        "ValidationException",
        "EndpointId 'a.b' is not valid.",
    )


def test_only_matching_enabled_rules_of_the_bus_get_an_event(bench: Any) -> None:
    bench("CreateEventBus", Name="other")
    for name in ("all", "none", "off", "elsewhere"):
        bench.queue(name)
    bench.rule("all", "arn:aws:sqs:us-east-1:000000000000:all")
    bench.rule("none", "arn:aws:sqs:us-east-1:000000000000:none", pattern='{"source":["x"]}')
    bench.rule("off", "arn:aws:sqs:us-east-1:000000000000:off")
    bench("DisableRule", Name="off")
    bench.rule("elsewhere", "arn:aws:sqs:us-east-1:000000000000:elsewhere", bus="other")
    bench.put()
    assert [len(bench.messages(name)) for name in ("all", "none", "off", "elsewhere")] == [1, 0, 0, 0]
    bench.put(EventBusName=BUS + "other")
    bench("EnableRule", Name="off")
    bench.put()
    assert [len(bench.messages(name)) for name in ("all", "none", "off", "elsewhere")] == [1, 0, 1, 1]


def test_a_changed_rule_or_target_counts_from_the_next_event_on(bench: Any) -> None:
    one, two = bench.queue("one"), bench.queue("two")
    bench.rule("r", one)
    bench.put()
    bench("PutTargets", Rule="r", Targets=[{"Id": "t0", "Arn": two}])
    bench.put()
    bench("PutRule", Name="r", EventPattern='{"source":["x"]}')
    bench.put()
    assert [len(bench.messages(name)) for name in ("one", "two")] == [1, 1]
    bench("RemoveTargets", Rule="r", Ids=["t0"])
    bench("DeleteRule", Name="r")
    bench.put()
    assert bench.messages("two") == []


def test_inputs_are_shaped(bench: Any) -> None:
    for name in ("constant", "path", "template"):
        bench.queue(name)
    of = "arn:aws:sqs:us-east-1:000000000000:"
    template = {
        "InputPathsMap": {"n": "$.detail.n"},
        "InputTemplate": '{"number": <n>, "rule": "<aws.events.rule-name>"}',
    }
    bench.rule(
        "r",
        {"Arn": of + "constant", "Input": '{"fixed": true}'},
        {"Arn": of + "path", "InputPath": "$.detail"},
        {"Arn": of + "template", "InputTransformer": template},
    )
    bench.put()
    assert [bench.messages(name) for name in ("constant", "path", "template")] == [
        ['{"fixed": true}'],
        ['{"n":1}'],
        ['{"number": 1, "rule": "r"}'],
    ]


def test_every_service_is_called_in_its_own_words(bench: Any) -> None:
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    function = "arn:aws:lambda:us-east-1:000000000000:function:f"
    topic = "arn:aws:sns:us-east-1:000000000000:t"
    group = "arn:aws:logs:us-east-1:000000000000:log-group:/aws/events/x:*"
    bench.rule("r", {"Arn": machine, "RoleArn": ROLE, "InputPath": "$.detail"}, function, topic, group)
    event_id = bench.put()["EventId"]
    calls = dict(bench.others.calls)
    assert calls["stepfunctions:StartExecution"]["stateMachineArn"] == machine
    assert calls["stepfunctions:StartExecution"]["name"].startswith(event_id + "_")
    assert calls["stepfunctions:StartExecution"]["input"] == '{"n":1}'
    assert calls["lambda:Invoke"]["FunctionName"] == function
    assert calls["lambda:Invoke"]["InvocationType"] == "Event"
    assert loads(calls["lambda:Invoke"]["Payload"])["id"] == event_id
    assert loads(calls["sns:Publish"]["Message"])["id"] == event_id
    assert calls["logs:CreateLogStream"]["logGroupName"] == "/aws/events/x"
    written = calls["logs:PutLogEvents"]["logEvents"]
    assert written[0]["timestamp"] == 1_767_225_600_000
    assert loads(written[0]["message"])["id"] == event_id


def test_a_log_entry_may_name_its_time(bench: Any) -> None:
    group = "arn:aws:logs:us-east-1:000000000000:log-group:g"
    bench.rule("r", {"Arn": group, "Input": '{"timestamp": 5, "message": "m"}'})
    bench.put()
    assert dict(bench.others.calls)["logs:PutLogEvents"]["logEvents"] == [{"timestamp": 5, "message": "m"}]


# Failures -----------------------------------------------------------------------------------------------------------


def test_a_queue_that_is_gone_makes_a_dead_letter_at_once(bench: Any) -> None:
    dead = bench.queue("dead")
    gone = "arn:aws:sqs:us-east-1:000000000000:gone"
    rule = bench.rule("r", {"Arn": gone, "DeadLetterConfig": {"Arn": dead}})
    event_id = bench.put()["EventId"]
    [letter] = bench.received("dead")
    assert loads(letter["Body"])["id"] == event_id
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes == {
        "RULE_ARN": rule,
        "TARGET_ARN": gone,
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": "The specified queue does not exist.",
        "RETRY_ATTEMPTS": "0",
    }
    assert failures(bench, rule, "FailedInvocations") == 1
    assert failures(bench, rule, "InvocationsSentToDlq") == 1
    assert due_steps(bench) == 0


def test_without_a_dead_letter_queue_the_event_is_dropped_and_counted(bench: Any) -> None:
    rule = bench.rule("r", "arn:aws:sqs:us-east-1:000000000000:gone")
    bench.put()
    bench.put()
    assert failures(bench, rule, "FailedInvocations") == 2
    assert due_steps(bench) == 0


def test_a_dead_letter_queue_that_is_gone_loses_the_event_and_counts_it(bench: Any) -> None:
    gone = "arn:aws:sqs:us-east-1:000000000000:gone"
    rule = bench.rule("r", {"Arn": gone, "DeadLetterConfig": {"Arn": gone}})
    bench.put()
    assert failures(bench, rule, "InvocationsFailedToBeSentToDlq") == 1


def attempts(bench: Any) -> list[tuple[str, str | None]]:
    """How the attempts ended that the event log keeps."""
    rows = bench.world.run(lambda work: work.select(ATTEMPTS_UP_TO, limit=9_999, last=1 << 62))
    return [(row.outcome, row.message) for row in rows]


def test_a_dead_letter_queue_that_will_not_take_a_letter_is_told(bench: Any) -> None:
    """https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html ("Granting permissions to the DLQ")."""
    closed = bench.queue("closed", open_to=None)
    gone = "arn:aws:sqs:us-east-1:000000000000:gone"
    rule = bench.rule("r", {"Arn": gone, "DeadLetterConfig": {"Arn": closed}})
    bench.put()
    assert failures(bench, rule, "InvocationsFailedToBeSentToDlq") == 1
    assert failures(bench, rule, "InvocationsSentToDlq") == 0
    [(outcome, message)] = attempts(bench)
    assert outcome == "DLQ_REFUSED"
    assert message is not None
    assert message.startswith(f"The specified queue does not exist. (dead-letter queue {closed}: NO_PERMISSIONS: ")
    assert due_steps(bench) == 0


def test_a_dead_letter_queue_that_is_away_gets_the_letter_later_even_when_the_rule_is_gone(bench: Any) -> None:
    dead = bench.queue("dead")
    gone = "arn:aws:lambda:us-east-1:000000000000:function:gone"
    bench.others.error = ServiceError("Function not found", code="ResourceNotFoundException", status=404)
    rule = bench.rule("r", {"Arn": gone, "DeadLetterConfig": {"Arn": dead}})
    bench.world.catalog.faults.add({"target": "sqs:SendMessage", "error": "RequestThrottled"})
    event_id = bench.put()["EventId"]
    bench("RemoveTargets", Rule="r", Ids=["t0"])
    bench.advance(minutes=5)
    assert due_steps(bench) == 1
    assert failures(bench, rule, "InvocationsFailedToBeSentToDlq") == 0
    bench.world.catalog.faults.remove(None)
    bench.advance(minutes=10)
    [letter] = bench.received("dead")
    assert loads(letter["Body"])["id"] == event_id
    assert letter["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"] == "0"
    assert failures(bench, rule, "InvocationsSentToDlq") == 1
    outcomes = [outcome for outcome, _ in attempts(bench)]
    assert set(outcomes[:-1]) == {"DLQ_AGAIN"}
    assert outcomes[-1] == "SENT_TO_DLQ"


def test_a_dead_letter_queue_that_stays_away_loses_the_event_after_a_day_and_says_so(bench: Any) -> None:
    dead = bench.queue("dead")
    rule = bench.rule("r", {"Arn": "arn:aws:sqs:us-east-1:000000000000:gone", "DeadLetterConfig": {"Arn": dead}})
    bench.world.catalog.faults.add({"target": "sqs:SendMessage", "error": "ServiceUnavailable"})
    bench.world.catalog.faults.add({"target": "sqs:SendMessageBatch", "error": "QueueDoesNotExist"})
    bench.put()
    bench.advance(hours=23)  # The target itself is away, too.
    bench.advance(hours=23)
    assert failures(bench, rule, "InvocationsFailedToBeSentToDlq") == 0
    assert due_steps(bench) == 1
    bench.advance(hours=9)
    assert failures(bench, rule, "InvocationsFailedToBeSentToDlq") == 1
    assert attempts(bench)[-1][0] == "DLQ_REFUSED"
    assert due_steps(bench) == 0


FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
BUSY = ServiceError("Rate exceeded", code="TooManyRequestsException", status=429)


def test_a_busy_target_is_tried_again_and_delays_nobody(bench: Any) -> None:
    bench.others.error = BUSY
    bench.rule("busy", FUNCTION)
    bench.rule("idle", bench.queue("q"))
    bench.put()
    assert len(bench.messages("q")) == 1
    assert due_steps(bench) == 1
    bench.advance(seconds=10)
    assert bench.others.calls == []
    bench.others.error = None
    bench.advance(minutes=1)
    assert [name for name, _ in bench.others.calls] == ["lambda:Invoke"]
    assert due_steps(bench) == 0


@pytest.mark.parametrize(
    ("policy", "retries", "condition"),
    [
        ({"MaximumRetryAttempts": 0}, ["0"], "MaximumRetryAttempts"),
        ({"MaximumRetryAttempts": 3}, ["3"], "MaximumRetryAttempts"),
        (
            {"MaximumEventAgeInSeconds": 60},
            ["5", "6"],
            "MaximumEventAgeInSeconds",
        ),  # By the jitter: the store's numbers.
    ],
    ids=str,
)
def test_a_retry_policy_ends_in_a_dead_letter(bench: Any, policy: Any, retries: list[str], condition: str) -> None:
    bench.others.error = BUSY
    dead = bench.queue("dead")
    bench.rule("r", {"Arn": FUNCTION, "DeadLetterConfig": {"Arn": dead}, "RetryPolicy": policy})
    bench.put()
    bench.advance(hours=1)
    [letter] = bench.received("dead")
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert attributes["EXHAUSTED_RETRY_CONDITION"] == condition
    assert attributes["ERROR_CODE"] == "THROTTLING"
    assert attributes["RETRY_ATTEMPTS"] in retries


def test_a_delivery_that_waits_survives_a_crash_and_is_done_once(lasting: Any) -> None:
    lasting.others.error = BUSY
    lasting.rule("r", FUNCTION)
    event_id = lasting.put()["EventId"]
    lasting.world = lasting.world.restart()
    lasting.others.error = None
    lasting.advance(minutes=1)
    [(_, request)] = lasting.others.calls
    assert loads(request["Payload"])["id"] == event_id
    lasting.world = lasting.world.restart()
    lasting.advance(hours=1)
    assert len(lasting.others.calls) == 1


def test_rules_and_schedules_survive_a_crash(lasting: Any) -> None:
    queue = lasting.queue("q")
    lasting.rule("r", queue)
    lasting("PutRule", Name="s", ScheduleExpression="rate(1 hour)")
    lasting("PutTargets", Rule="s", Targets=[{"Id": "t", "Arn": queue}])
    lasting.world = lasting.world.restart()
    lasting.put()
    lasting.advance(hours=1)
    assert [event["source"] for event in lasting.events("q")] == ["shop", "aws.events"]


def test_the_default_policy_gives_up_after_a_day(bench: Any) -> None:
    bench.others.error = BUSY
    rule = bench.rule("r", FUNCTION)
    bench.put()
    bench.advance(hours=20)
    assert failures(bench, rule, "FailedInvocations") == 0
    bench.advance(hours=5)
    assert failures(bench, rule, "FailedInvocations") == 1
    assert due_steps(bench) == 0


def test_a_delivery_ends_with_its_rule_or_target(bench: Any) -> None:
    bench.others.error = BUSY
    for name in ("removed", "off", "stays"):
        bench.rule(name, FUNCTION)
    bench.put()
    bench("RemoveTargets", Rule="removed", Ids=["t0"])
    bench("DisableRule", Name="off")
    bench.others.error = None
    bench.advance(minutes=1)
    assert len(bench.others.calls) == 1
    assert due_steps(bench) == 0
    ended = [message for outcome, message in attempts(bench) if outcome == "GONE"]
    assert sorted(map(str, ended)) == [
        "The rule is gone or disabled since the event came.",
        "The target is gone or disabled since the event came.",
    ]


def test_a_template_that_gives_no_json_makes_a_dead_letter(bench: Any) -> None:
    template = {"InputPathsMap": {"all": "$.detail"}, "InputTemplate": '{"all": "<all>"}'}
    dead = bench.queue("dead")
    bench.rule("r", {"Arn": bench.queue("q"), "InputTransformer": template, "DeadLetterConfig": {"Arn": dead}})
    bench.put()
    assert bench.messages("q") == []
    [letter] = bench.received("dead")
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "INVALID_JSON"


def test_events_of_one_call_go_together_in_order_and_fail_alone(bench: Any) -> None:
    small, dead = bench.queue("small"), bench.queue("dead")
    url = "http://localhost/000000000000/small"
    bench.world.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"MaximumMessageSize": "1024"}})
    bench.rule("r", {"Arn": small, "InputPath": "$.detail", "DeadLetterConfig": {"Arn": dead}})
    details = ['{"n":0}', '{"n":1,"long":"' + "x" * 1_100 + '"}', '{"n":2}', '{"n":3}']
    bench("PutEvents", Entries=[{"Source": "shop", "DetailType": "x", "Detail": detail} for detail in details])
    assert [event["n"] for event in bench.events("small")] == [0, 2, 3]
    assert [event["detail"]["n"] for event in bench.events("dead")] == [1]


def test_events_that_are_too_large_together_go_alone(bench: Any) -> None:
    bench.rule("r", bench.queue("q"), bench.queue("again"))
    entry = {"Source": "shop", "DetailType": "x", "Detail": '{"a":"' + "x" * 523_000 + '"}'}
    assert bench("PutEvents", Entries=[entry, entry])["FailedEntryCount"] == 0
    assert [len(bench.messages(name)) for name in ("q", "again")] == [2, 2]


def test_events_of_one_call_are_repeated_alone(bench: Any) -> None:
    bench.others.error = BUSY
    bench.rule("r", FUNCTION)
    entry = {"Source": "shop", "DetailType": "x", "Detail": "{}"}
    bench("PutEvents", Entries=[entry] * 3)
    bench.world.run_due()
    assert due_steps(bench) == 3
    bench.others.error = None
    bench.advance(minutes=1)
    assert len(bench.others.calls) == 3


# Other buses --------------------------------------------------------------------------------------------------------


def test_an_event_crosses_to_another_bus_as_it_is_and_no_further(bench: Any) -> None:
    bench("CreateEventBus", Name="two")
    bench("CreateEventBus", Name="three")
    dead = bench.queue("dead")
    bench.rule("first", BUS + "two")
    bench.rule("second", bench.queue("q"), {"Arn": BUS + "three", "DeadLetterConfig": {"Arn": dead}}, bus="two")
    bench.rule("third", bench.queue("never"), bus="three")
    event_id = bench.put(Time=bench.world.now - timedelta(days=1))["EventId"]
    [event] = bench.events("q")
    assert (event["id"], event["time"]) == (event_id, "2025-12-31T00:00:00Z")
    assert bench.messages("never") == []
    [letter] = bench.received("dead")
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "THIRD_ACCOUNT_HOP_DETECTED"


def test_an_event_that_crossed_goes_on_to_no_third_region(bench: Any) -> None:
    """The codes of dead letters: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html"""
    bench("CreateEventBus", Name="two")
    dead = bench.queue("dead")
    far = "arn:aws:events:eu-west-1:000000000000:event-bus/default"
    bench.rule("first", BUS + "two")
    bench.rule("second", {"Arn": far, "RoleArn": ROLE, "DeadLetterConfig": {"Arn": dead}}, bus="two")
    bench.put()
    [letter] = bench.received("dead")
    assert letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] == "THIRD_REGION_HOP_DETECTED"


def test_a_bus_that_is_its_own_target_does_not_loop(bench: Any) -> None:
    bench.rule("loop", BUS + "default", bench.queue("q"))
    bench.put()
    assert len(bench.messages("q")) == 2
    assert due_steps(bench) == 0


def test_a_shaped_input_becomes_the_detail_on_the_other_bus(bench: Any) -> None:
    bench("CreateEventBus", Name="two")
    dead = bench.queue("dead")
    bench.rule(
        "first",
        {"Arn": BUS + "two", "InputPath": "$.detail.data"},
        {"Arn": BUS + "two", "InputPath": "$.source", "DeadLetterConfig": {"Arn": dead}},
        {"Arn": BUS + "none", "DeadLetterConfig": {"Arn": dead}},
    )
    bench.rule("second", bench.queue("q"), bus="two")
    bench.put('{"data": {"n": 2}}')
    assert [event["detail"] for event in bench.events("q")] == [{"n": 2}]
    codes = [letter["MessageAttributes"]["ERROR_CODE"]["StringValue"] for letter in bench.received("dead")]
    assert codes == ["INVALID_JSON", "NO_RESOURCE"]


def test_another_account_needs_the_buss_leave(bench: Any) -> None:
    bench.rule("r", bench.queue("q"))
    other = Caller("222222222222", "us-east-1")
    entry = {"Source": "shop", "DetailType": "x", "Detail": "{}", "EventBusName": BUS + "default"}
    refused = bench.world.call("events", "PutEvents", {"Entries": [entry]}, caller=other)["Entries"][0]
    assert refused["ErrorCode"] == "AccessDeniedException"
    bench("PutPermission", Action="events:PutEvents", Principal="222222222222", StatementId="s")
    taken = bench.world.call("events", "PutEvents", {"Entries": [entry]}, caller=other)
    assert taken["FailedEntryCount"] == 0
    assert [event["account"] for event in bench.events("q")] == ["222222222222"]


# AWS's own events, schedules ----------------------------------------------------------------------------------------


def test_awss_own_events_appear_on_the_default_bus(bench: Any) -> None:
    def change(work: Any) -> None:
        put_aws_event(
            work, work.caller, "aws.states", "Step Functions Execution Status Change", {"status": "FAILED"}, ["arn:x"]
        )

    bench.world.run(change)
    bench.rule("r", bench.queue("q"), pattern='{"source":["aws.states"],"detail":{"status":["FAILED"]}}')
    bench.world.run(change)
    [event] = bench.events("q")
    assert (event["source"], event["resources"]) == ("aws.states", ["arn:x"])


def test_a_schedule_fires_until_it_is_switched_off(bench: Any) -> None:
    queue = bench.queue("q")
    rule = bench("PutRule", Name="r", ScheduleExpression="rate(5 minutes)")["RuleArn"]
    bench("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": queue}])
    for minute in (1, 4, 3, 2):
        bench.advance(minutes=minute)
    events = bench.events("q")
    assert [event["time"] for event in events] == ["2026-01-01T00:05:00Z", "2026-01-01T00:10:00Z"]
    assert {(event["detail-type"], event["source"]) for event in events} == {("Scheduled Event", "aws.events")}
    assert events[0]["resources"] == [rule]
    assert events[0]["detail"] == {}
    bench("DisableRule", Name="r")
    bench.advance(hours=1)
    assert bench.messages("q") == []
    bench("PutRule", Name="r", ScheduleExpression="cron(0 12 * * ? *)")
    bench.advance(hours=11)
    assert [event["time"][11:16] for event in bench.events("q")] == ["12:10"]
    bench("RemoveTargets", Rule="r", Ids=["t"])
    bench("DeleteRule", Name="r")
    assert due_steps(bench) == 0


def test_a_schedule_never_pulls_the_clock(bench: Any) -> None:
    bench("PutRule", Name="r", ScheduleExpression="rate(1 minute)")
    assert bench.world.next_due() is None


def test_a_rule_may_match_and_fire(bench: Any) -> None:
    queue = bench.queue("q")
    bench("PutRule", Name="r", ScheduleExpression="rate(1 minute)", EventPattern='{"source":["shop"]}')
    bench("PutTargets", Rule="r", Targets=[{"Id": "t", "Arn": queue}])
    bench.put()
    bench.advance(minutes=1)
    assert [event["source"] for event in bench.events("q")] == ["shop", "aws.events"]


def test_a_schedule_that_never_fires_again_plans_nothing(bench: Any) -> None:
    bench("PutRule", Name="r", ScheduleExpression="cron(0 12 * * ? 2020)")
    assert due_steps(bench) == 0


# Patterns -----------------------------------------------------------------------------------------------------------


def test_a_pattern_is_tried(bench: Any) -> None:
    event = '{"id":"1","account":"2","source":"shop","time":"t","region":"r","detail-type":"d","resources":[],"detail":{"n":5}}'
    assert bench("TestEventPattern", EventPattern='{"detail":{"n":[5]}}', Event=event) == {"Result": True}
    assert bench("TestEventPattern", EventPattern='{"detail":{"n":[6]}}', Event=event) == {"Result": False}
    assert bench.error("TestEventPattern", EventPattern="{}", Event=event)[0] == "InvalidEventPatternException"
    for broken in ("?", "[]", '{"source": "shop"}'):
        assert bench.error("TestEventPattern", EventPattern='{"a":[1]}', Event=broken) == (
            "ValidationException",
            "Parameter Event is not valid.",
        )


def test_a_refused_call_leaves_no_delivery(bench: Any) -> None:
    bench.rule("r", FUNCTION)

    def refused(work: Any) -> None:
        work.call("events", "PutEvents", {"Entries": [{"Source": "shop", "DetailType": "x", "Detail": "{}"}]})
        raise ServiceError("no", code="No")

    with pytest.raises(ServiceError):
        bench.world.run(refused)
    bench.world.run_due()
    assert bench.others.calls == []
    assert due_steps(bench) == 0
