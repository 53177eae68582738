"""One answer for each way in which an event can fail to arrive, and for what it starts.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-troubleshooting.html (the ways).
"""

import io
import json
import zipfile
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import START, World
from interstate.store.records.lambda_ import InvocationResult, LogLine

ACCOUNT, REGION = "000000000000", "us-east-1"
BUS = f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:{REGION}:{ACCOUNT}:{resource}"


class Shop:
    """Short words for what these tests do all the time."""

    def __init__(self) -> None:
        self.world = World(performers={"lambda.invoke": self._called})
        self.functions: dict[str, InvocationResult] = {}
        self.called: list[Any] = []

    def _called(self, _key: str, body: Any) -> InvocationResult:
        self.called.append(body)
        return self.functions[body.function.rsplit(":", 1)[1]]

    def call(self, service: str, operation: str, **request: Any) -> Any:
        return self.world.call(service, operation, request)

    def queue(self, name: str, *, lets_in: bool = True, **attributes: str) -> str:
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": "events.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", name),
        }
        if lets_in:
            attributes["Policy"] = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.call("sqs", "CreateQueue", QueueName=name, Attributes=attributes)
        return arn("sqs", name)

    def function(self, name: str, result: InvocationResult) -> str:
        code = io.BytesIO()
        with zipfile.ZipFile(code, "w") as archive:
            archive.writestr("app.py", "")
        self.call(
            "lambda",
            "CreateFunction",
            FunctionName=name,
            Role=ROLE,
            Runtime="python3.11",
            Handler="app.handler",
            Code={"ZipFile": code.getvalue()},
        )
        self.call(
            "lambda",
            "AddPermission",
            FunctionName=name,
            StatementId="s",
            Action="lambda:InvokeFunction",
            Principal="events.amazonaws.com",
        )
        self.functions[name] = result
        return arn("lambda", f"function:{name}")

    def machine(self, name: str, **states: Any) -> str:
        definition = {"StartAt": next(iter(states)), "States": states}
        answer = self.call(
            "stepfunctions", "CreateStateMachine", name=name, definition=json.dumps(definition), roleArn=ROLE
        )
        found: str = answer["stateMachineArn"]
        return found

    def rule(self, name: str, *targets: Any, bus: str = "default", state: str = "ENABLED", **pattern: Any) -> None:
        text = json.dumps(pattern or {"source": ["shop"]})
        self.call("events", "PutRule", Name=name, EventPattern=text, EventBusName=bus, State=state)
        given = [target if isinstance(target, dict) else {"Arn": target} for target in targets]
        rows = [{"Id": f"t{at}", **target} for at, target in enumerate(given)]
        if rows:
            answer = self.call("events", "PutTargets", Rule=name, EventBusName=bus, Targets=rows)
            assert answer["FailedEntryCount"] == 0, answer

    def put(self, detail: Any = None, **members: Any) -> str:
        entry = {"Source": "shop", "DetailType": "Order Placed", "Detail": json.dumps(detail or {"n": 1}), **members}
        [answer] = self.call("events", "PutEvents", Entries=[entry])["Entries"]
        self.world.run_due()
        event_id: str = answer["EventId"]
        return event_id

    def why(self, asked: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.call("interstate.why", "Why", id=asked)
        return answer

    def rules(self, event_id: str, bus: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.why(event_id)["buses"][bus]["rules"]
        return found

    def delivery(self, event_id: str, at: int = -1) -> dict[str, Any]:
        """The last delivery of the first rule's first target."""
        found: dict[str, Any] = self.rules(event_id)[0]["targets"][0]["deliveries"][at]
        return found


@pytest.fixture
def shop() -> Iterator[Shop]:
    shop = Shop()
    yield shop
    shop.world.close()


# Events ------------------------------------------------------------------------------------------------------------


def test_an_event_that_arrived_leads_to_its_message(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders"))
    event_id = shop.put({"orderId": "o-1"})
    answer = shop.why(event_id)
    assert (answer["bus"], answer["receivedAt"], answer["event"]["detail"]) == (
        BUS + "default",
        START,
        {"orderId": "o-1"},
    )
    assert answer["summary"] == "1 of 1 rule matched; deliveries: 1 delivered."
    started = shop.delivery(event_id)["started"]
    assert (started["kind"], started["queueArn"], started["state"], started["receiveCount"]) == (
        "message",
        arn("sqs", "orders"),
        "visible",
        0,
    )
    message = shop.why(started["messageId"])
    assert message["sentBy"] == {
        "kind": "rule",
        "ruleArn": arn("events", "rule/placed"),
        "target": "t0",
        "logRow": message["sentBy"]["logRow"],
        "place": 0,
        "eventId": event_id,
    }


def test_a_bus_that_does_not_exist_takes_events_and_forgets_them(shop: Shop) -> None:
    event_id = shop.put(EventBusName="nowhere")
    with pytest.raises(ServiceError, match="a bus that does not exist") as refused:
        shop.why(event_id)
    assert refused.value.status == 404


def test_no_rule_at_all(shop: Shop) -> None:
    assert shop.why(shop.put())["summary"] == "The bus has no rules: nobody asked for the event."


def test_no_rule_matched_and_each_says_why(shop: Shop) -> None:
    target = shop.queue("orders")
    shop.rule("big", target, detail={"total": [{"numeric": [">", 100]}]})
    pattern: dict[str, Any] = {"$or": [{"source": ["warehouse"]}, {"detail-type": ["Order Sent"]}]}
    shop.rule("either", target, **pattern)
    event_id = shop.put({"total": 7})
    assert shop.why(event_id)["summary"] == "None of 2 rules matched the event."
    big, either = shop.rules(event_id)
    assert (big["verdict"], big["reasons"]) == ("not matched", [["detail.total is 7; wanted > 100"]])
    assert big["failedFields"] == [{"path": "detail.total", "wanted": ["> 100"], "found": [7]}]
    assert either["reasons"] == [
        ['source is "shop"; wanted "warehouse"'],
        ['detail-type is "Order Placed"; wanted "Order Sent"'],
    ]


def test_a_disabled_rule_is_told_with_its_match(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders"), state="DISABLED")
    event_id = shop.put()
    [rule] = shop.rules(event_id)
    assert (rule["verdict"], rule["state"], rule["notes"]) == ("matched", "DISABLED", ["the rule is disabled"])
    assert shop.why(event_id)["summary"] == "Only disabled rules match the event."


def test_a_rule_that_was_made_or_changed_after_the_event_says_so(shop: Shop) -> None:
    target = shop.queue("orders")
    shop.rule("old", target, source=["warehouse"])
    event_id = shop.put()
    shop.world.advance(timedelta(minutes=1))
    shop.rule("old", target, source=["warehouse"])  # The same again is no change.
    shop.rule("new", target)
    new, old = shop.rules(event_id)
    changed = "the rule was made or changed at 2026-01-01 00:01:00Z, after the event came"
    assert (new["rule"], new["notes"]) == ("new", [changed])
    assert new["targets"][0]["deliveries"] == []
    assert "notes" not in old
    assert "nothing was delivered" in shop.why(event_id)["summary"]


def test_a_rule_without_targets_says_so(shop: Shop) -> None:
    shop.rule("placed")
    assert shop.rules(shop.put())[0]["notes"] == ["the rule has no targets"]


def test_a_rule_that_is_gone_still_has_its_deliveries(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders"))
    event_id = shop.put()
    shop.call("events", "RemoveTargets", Rule="placed", Ids=["t0"])
    shop.call("events", "DeleteRule", Name="placed")
    [rule] = shop.rules(event_id)
    assert (rule["rule"], rule["notes"]) == ("placed", ["the rule is gone"])
    assert rule["targets"][0]["deliveries"][0]["state"] == "delivered"


def test_a_target_that_is_gone_drops_or_buries_the_event(shop: Shop) -> None:
    target = {"Arn": shop.queue("orders"), "DeadLetterConfig": {"Arn": shop.queue("dead")}}
    shop.rule("placed", target)
    shop.call("sqs", "DeleteQueue", QueueUrl=f"http://localhost/{ACCOUNT}/orders")
    event_id = shop.put()
    delivery = shop.delivery(event_id)
    assert delivery["state"] == "dead letter"
    assert delivery["attempts"][0]["errorCode"] == "NO_RESOURCE"
    shop.call("events", "PutTargets", Rule="placed", Targets=[{"Id": "t0", "Arn": arn("sqs", "orders")}])
    assert shop.delivery(shop.put())["state"] == "dropped"
    [dead] = shop.call("sqs", "ReceiveMessage", QueueUrl=f"http://localhost/{ACCOUNT}/dead")["Messages"]
    message = shop.why(dead["MessageId"])
    assert message["sentBy"] == {
        "kind": "rule",
        "ruleArn": arn("events", "rule/placed"),
        "note": "a dead letter of the rule's target",
        "eventId": event_id,
    }
    assert message["attributes"]["ERROR_CODE"] == "NO_RESOURCE"


def test_a_policy_that_refuses_is_told(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders", lets_in=False))
    [attempt] = shop.delivery(shop.put())["attempts"]
    assert (attempt["outcome"], attempt["errorCode"]) == ("DROPPED", "NO_PERMISSIONS")
    assert attempt["errorMessage"]


def test_a_retry_that_waits_tells_its_next_instant(shop: Shop) -> None:
    shop.function("handle", InvocationResult("null"))
    shop.rule("placed", arn("lambda", "function:handle"))
    shop.world.catalog.faults.add({"target": "lambda:Invoke", "error": "TooManyRequestsException"})
    event_id = shop.put()
    delivery = shop.delivery(event_id)
    assert (delivery["state"], delivery["attempts"][0]["errorCode"]) == ("waiting", "THROTTLING")
    assert delivery["nextAt"] > START
    shop.world.catalog.faults.remove(None)
    shop.world.advance(timedelta(minutes=1))
    delivery = shop.delivery(event_id)
    assert (delivery["state"], [one["outcome"] for one in delivery["attempts"]]) == (
        "delivered",
        ["AGAIN", "DELIVERED"],
    )


def test_a_function_that_fails_is_told_with_its_log(shop: Shop) -> None:
    result = InvocationResult('{"errorMessage": "no stock"}', function_error="Unhandled", log_stream="s")
    shop.rule("placed", shop.function("handle", result))
    shop.functions["handle"] = result
    event_id = shop.put()
    started = shop.delivery(event_id)["started"]
    assert (started["kind"], started["state"], started["attempt"]) == ("function request", "waiting", 2)
    request_id = started["requestId"]
    shop.functions["handle"] = InvocationResult(
        "null",
        function_error="Unhandled",
        log=[LogLine(START, f"[ERROR] {request_id} no stock")],
        log_stream="s",
    )
    for _ in range(4):
        shop.world.advance(timedelta(minutes=1))
    started = shop.delivery(event_id)["started"]
    assert (started["state"], started["failed"]) == ("ended", True)
    assert started["log"][0] == f"[ERROR] {request_id} no stock"
    assert {call.request_id for call in shop.called} == {request_id}


def test_a_function_that_is_throttled_waits(shop: Shop) -> None:
    throttled = InvocationResult("Rate Exceeded.", refused="TooManyRequestsException")
    shop.rule("placed", shop.function("handle", throttled))
    started = shop.delivery(shop.put())["started"]
    assert (started["state"], started["until"] > START) == ("waiting", True)


FAILED: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"Refuse": {"Type": "Fail", "Error": "NoStock", "Cause": "none left"}},
     {"status": "FAILED", "error": "NoStock", "cause": "none left", "failedState": "Refuse"}),
    ({"Pause": {"Type": "Wait", "Seconds": 60, "Next": "Refuse"}, "Refuse": {"Type": "Fail", "Error": "E"}},
     {"status": "RUNNING"}),
]  # fmt: skip


@pytest.mark.parametrize(("states", "expected"), FAILED, ids=["failed", "waiting"])
def test_an_execution_is_told_with_its_state(shop: Shop, states: dict[str, Any], expected: dict[str, Any]) -> None:
    shop.rule("placed", {"Arn": shop.machine("ship", **states), "RoleArn": ROLE})
    event_id = shop.put()
    started = shop.delivery(event_id)["started"]
    assert {name: started[name] for name in expected} == expected
    if expected["status"] == "RUNNING":
        [wait] = started["waitsFor"]
        assert wait == {"state": "Pause", "since": START, "what": "a Wait", "until": START + timedelta(seconds=60)}
    answer = shop.why(started["executionArn"])
    assert answer["startedBy"] == {"kind": "event", "id": event_id}
    assert json.loads(answer["input"])["id"] == event_id


def test_an_execution_that_timed_out_tells_where(shop: Shop) -> None:
    machine = shop.machine(
        "wait",
        Ask={"Type": "Task", "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken", "TimeoutSeconds": 30,
             "Parameters": {"QueueUrl": f"http://localhost/{ACCOUNT}/orders",
                            "MessageBody": {"token.$": "$$.Task.Token"}}, "End": True},
    )  # fmt: skip
    shop.queue("orders")
    execution = shop.call("stepfunctions", "StartExecution", stateMachineArn=machine)["executionArn"]
    shop.world.run_due()
    answer = shop.why(execution)
    assert answer["startedBy"] == {"kind": "call", "note": "a call of StartExecution"}
    assert answer["waitsFor"] == [
        {
            "state": "Ask",
            "since": START,
            "what": "SendTaskSuccess or SendTaskFailure for its token",
            "until": START + timedelta(seconds=30),
        }
    ]
    shop.world.advance(timedelta(minutes=1))
    answer = shop.why(execution)
    assert (answer["status"], answer["error"], answer["failedState"]) == ("FAILED", "States.Timeout", "Ask")


def test_a_message_received_too_often_is_found_among_the_dead_letters(shop: Shop) -> None:
    dead = shop.queue("dead")
    policy = {"deadLetterTargetArn": dead, "maxReceiveCount": 2}
    shop.rule("placed", shop.queue("orders", RedrivePolicy=json.dumps(policy)))
    event_id = shop.put()
    url = f"http://localhost/{ACCOUNT}/orders"
    for _ in range(2):
        shop.call("sqs", "ReceiveMessage", QueueUrl=url, VisibilityTimeout=0)
    started = shop.delivery(event_id)["started"]
    assert (started["receiveCount"], json.loads(started["redrivePolicy"])) == (2, policy)
    shop.call("sqs", "ReceiveMessage", QueueUrl=url)
    started = shop.delivery(event_id)["started"]
    assert (started["queueArn"], started["deadLetterOf"], started["receiveCount"]) == (dead, arn("sqs", "orders"), 2)


def test_a_message_that_was_deleted_is_gone(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders"))
    event_id = shop.put()
    url = f"http://localhost/{ACCOUNT}/orders"
    [message] = shop.call("sqs", "ReceiveMessage", QueueUrl=url)["Messages"]
    shop.call("sqs", "DeleteMessage", QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    started = shop.delivery(event_id)["started"]
    assert (started["messageId"], started["state"]) == (message["MessageId"], "gone")
    with pytest.raises(ServiceError, match="received and deleted"):
        shop.why(message["MessageId"])


def test_an_event_that_crossed_is_told_on_both_buses(shop: Shop) -> None:
    shop.call("events", "CreateEventBus", Name="warehouse")
    shop.rule("over", {"Arn": BUS + "warehouse", "RoleArn": ROLE})
    shop.rule("pick", shop.queue("picks"), bus="warehouse")
    shop.rule("other", shop.queue("others"), bus="warehouse", source=["elsewhere"])
    event_id = shop.put()
    here, there = shop.why(event_id)["buses"]
    assert (here["bus"], there["bus"]) == (BUS + "default", BUS + "warehouse")
    assert here["rules"][0]["targets"][0]["deliveries"][0]["started"] == {
        "kind": "event",
        "id": event_id,
        "bus": BUS + "warehouse",
    }
    assert [(rule["rule"], rule["verdict"]) for rule in there["rules"]] == [
        ("pick", "matched"),
        ("other", "not matched"),
    ]


def test_a_copy_of_a_global_endpoint_is_told_in_its_region(shop: Shop) -> None:
    west = Caller(ACCOUNT, "us-west-2")
    buses = []
    for caller in (Caller(), west):
        shop.world.call("events", "CreateEventBus", {"Name": "shop"}, caller=caller)
        request = {"Name": "placed", "EventPattern": '{"source":["shop"]}', "EventBusName": "shop"}
        shop.world.call("events", "PutRule", request, caller=caller)
        target = {"Id": "t", "Arn": caller.arn("sqs", "none")}
        shop.world.call(
            "events", "PutTargets", {"Rule": "placed", "EventBusName": "shop", "Targets": [target]}, caller=caller
        )
        buses.append(caller.arn("events", "event-bus/shop"))
    endpoint = shop.call(
        "events",
        "CreateEndpoint",
        Name="both",
        EventBuses=[{"EventBusArn": bus} for bus in buses],
        RoutingConfig={
            "FailoverConfig": {
                "Primary": {"HealthCheck": "arn:aws:route53:::healthcheck/h"},
                "Secondary": {"Route": "us-west-2"},
            }
        },
        ReplicationConfig={"State": "ENABLED"},
        RoleArn=ROLE,
    )
    shop.world.run_due()
    found = shop.call("events", "DescribeEndpoint", Name="both")
    entry = {"Source": "shop", "DetailType": "d", "Detail": "{}", "EventBusName": "shop"}
    [answer] = shop.call("events", "PutEvents", Entries=[entry], EndpointId=found["EndpointId"])["Entries"]
    shop.world.run_due()
    told = shop.why(answer["EventId"])["buses"]
    assert [bus["bus"] for bus in told] == buses, endpoint
    assert [bus["rules"][0]["targets"][0]["deliveries"][0]["state"] for bus in told] == ["dropped", "dropped"]


def test_archives_and_replays_are_told(shop: Shop) -> None:
    shop.call("events", "CreateArchive", ArchiveName="all", EventSourceArn=BUS + "default")
    shop.call(
        "events", "CreateArchive", ArchiveName="none", EventSourceArn=BUS + "default", EventPattern='{"source":["no"]}'
    )
    shop.rule("placed", shop.queue("orders"))
    event_id = shop.put()
    assert shop.why(event_id)["buses"][0]["archives"] == [
        {"archive": "all", "kept": True},
        {"archive": "none", "kept": False},
    ]
    shop.call(
        "events",
        "StartReplay",
        ReplayName="again",
        EventSourceArn=arn("events", "archive/all"),
        EventStartTime=START - timedelta(hours=1),
        EventEndTime=START + timedelta(hours=1),
        Destination={"Arn": BUS + "default"},
    )
    shop.world.advance(timedelta(minutes=10))
    deliveries = shop.rules(event_id)[0]["targets"][0]["deliveries"]
    assert [delivery["state"] for delivery in deliveries] == ["delivered", "delivered"]


def test_several_events_of_a_call_are_told_apart(shop: Shop) -> None:
    shop.rule("placed", shop.queue("orders"), detail={"n": [2]})
    entries = [{"Source": "shop", "DetailType": "d", "Detail": f'{{"n":{number}}}'} for number in (1, 2, 3)]
    answers = shop.call("events", "PutEvents", Entries=entries)["Entries"]
    shop.world.run_due()
    verdicts = [shop.rules(answer["EventId"])[0]["verdict"] for answer in answers]
    assert verdicts == ["not matched", "matched", "not matched"]


def test_a_transformed_message_still_leads_to_its_rule(shop: Shop) -> None:
    shop.rule("placed", {"Arn": shop.queue("orders"), "InputPath": "$.detail"})
    event_id = shop.put()
    started = shop.delivery(event_id)["started"]
    sender = shop.why(started["messageId"])["sentBy"]
    assert (sender["kind"], sender["ruleArn"]) == ("rule", arn("events", "rule/placed"))


SENDERS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("plain", {}, {"kind": "call", "senderId": ACCOUNT}),
    (json.dumps({"Type": "Notification", "TopicArn": "t", "MessageId": "m"}), {}, {"kind": "topic", "topicArn": "t"}),
    (
        "{}",
        {
            "RequestID": {"DataType": "String", "StringValue": "r"},
            "ErrorMessage": {"DataType": "String", "StringValue": "e"},
        },
        {"kind": "function", "requestId": "r"},
    ),
]


@pytest.mark.parametrize(("body", "attributes", "sender"), SENDERS, ids=["call", "topic", "function"])
def test_the_sender_of_a_message_is_told(
    shop: Shop, body: str, attributes: dict[str, Any], sender: dict[str, Any]
) -> None:
    shop.queue("orders")
    request = {"QueueUrl": f"http://localhost/{ACCOUNT}/orders", "MessageBody": body, "MessageAttributes": attributes}
    message_id = shop.call("sqs", "SendMessage", **request)["MessageId"]
    answer = shop.why(message_id)
    assert {name: answer["sentBy"][name] for name in sender} == sender


@pytest.mark.parametrize("asked", ["ORD-1", "", "arn:aws:states:us-east-1:000000000000:execution:m:e"])
def test_what_is_not_known_is_said(shop: Shop, asked: str) -> None:
    with pytest.raises(ServiceError) as refused:
        shop.why(asked)
    assert (refused.value.code, refused.value.status) == ("NotFound", 404)


def test_events_are_forgotten_with_the_log(shop: Shop) -> None:
    event_id = shop.put()
    assert shop.call("interstate.why", "GetEvent", id=event_id)["event"]["id"] == event_id
    shop.world.now = START + timedelta(days=4)
    shop.world.run_due()
    for operation in ("Why", "GetEvent"):
        with pytest.raises(ServiceError, match="kept for 3 days"):
            shop.call("interstate.why", operation, id=event_id)


# Search and tail ---------------------------------------------------------------------------------------------------


def search(shop: Shop, **wanted: Any) -> list[int]:
    """The numbers of the events found, page by page."""
    found: list[int] = []
    while True:
        page = shop.call("interstate.why", "SearchEvents", **wanted)
        found += [one["event"]["detail"]["n"] for one in page["events"]]
        if "next" not in page:
            return found
        wanted["below"] = page["next"]


def test_a_search_finds_by_bus_source_type_text_pattern_and_time(shop: Shop) -> None:
    shop.call("events", "CreateEventBus", Name="warehouse")
    for number in range(1, 6):
        shop.put({"n": number, "order": f"ORD-2026-{number:03}"}, Source="shop" if number % 2 else "store")
        shop.world.advance(timedelta(minutes=1))
    shop.put({"n": 6, "order": "ORD-2026-002"}, EventBusName="warehouse", DetailType="Picked")
    assert search(shop) == [6, 5, 4, 3, 2, 1]
    assert search(shop, bus="default") == [5, 4, 3, 2, 1]
    assert search(shop, source="store") == [4, 2]
    assert search(shop, detailType="Picked") == [6]
    assert search(shop, text="ORD-2026-002") == [6, 2]
    assert search(shop, text='"order"') == []  # A quote in a text is escaped there, too.
    assert search(shop, pattern='{"detail":{"n":[{"numeric":[">",4]}]}}') == [6, 5]
    assert search(shop, since=START + timedelta(minutes=3)) == [6, 5, 4]
    assert search(shop, until=START + timedelta(minutes=2)) == [2, 1]
    assert search(shop, limit=1) == [6, 5, 4, 3, 2, 1]
    with pytest.raises(ServiceError, match="pattern is not valid"):
        search(shop, pattern="{")


def test_a_page_looks_at_a_bounded_number_of_rows(shop: Shop) -> None:
    for number in range(250):
        shop.call("events", "PutEvents", Entries=[{"Source": "s", "DetailType": "d", "Detail": f'{{"n":{number}}}'}])
    page = shop.call("interstate.why", "SearchEvents", text='"n":0}')
    assert (page["events"], "next" in page) == ([], True)
    assert search(shop, text="nowhere") == []
    assert search(shop, pattern='{"detail":{"n":[0]}}') == [0]


def test_executions_are_found_by_name_input_and_output(shop: Shop) -> None:
    machine = shop.machine("m", Done={"Type": "Pass", "Result": {"made": "R-77"}, "End": True})
    for name, text in (("first-ORD-1", "{}"), ("second", '{"order":"ORD-1"}'), ("third", "{}")):
        shop.call("stepfunctions", "StartExecution", stateMachineArn=machine, name=name, input=text)
    shop.world.run_due()

    def found(text: str) -> list[str]:
        page = shop.call("interstate.why", "SearchExecutions", text=text)
        return [one["executionArn"].rsplit(":", 1)[1] for one in page["executions"]]

    assert (found("ORD-1"), found("R-77"), found("none")) == (
        ["second", "first-ORD-1"],
        ["third", "second", "first-ORD-1"],
        [],
    )


def test_a_bus_is_followed(shop: Shop) -> None:
    shop.put({"n": 1})
    start = shop.call("interstate.why", "TailEvents")
    assert start["events"] == []
    quiet = shop.call("interstate.why", "TailEvents", after=start["after"], waitS=5.0)
    assert quiet == start
    shop.world.wakes.clear()
    shop.put({"n": 2}, Source="other")
    shop.put({"n": 3})
    assert (f"events.log:{BUS}default", False) in shop.world.wakes
    page = shop.call("interstate.why", "TailEvents", after=start["after"], source="shop")
    assert [one["event"]["detail"]["n"] for one in page["events"]] == [3]
    with pytest.raises(ServiceError, match="nowhere does not exist"):
        shop.call("interstate.why", "TailEvents", bus="nowhere")
