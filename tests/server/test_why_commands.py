"""``interstate why``, ``events`` and ``metrics`` against a server. Source: docs/how-to/why.md."""

import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from tests.server_process import ServerProcess
from typer.testing import CliRunner

from interstate.cli.app import app

pytestmark = pytest.mark.server
QUEUE = "arn:aws:sqs:us-east-1:000000000000:"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path_factory.mktemp("why") / "data")
    server.start()
    _shop(server)
    yield server
    server.stop()


def _shop(server: ServerProcess) -> None:
    events, queues, states = server.client("events"), server.client("sqs"), server.client("stepfunctions")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE + "orders",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    queues.create_queue(QueueName="orders", Attributes={"Policy": policy})
    role = "arn:aws:iam::000000000000:role/any"
    definition = {
        "StartAt": "Refuse",
        "States": {"Refuse": {"Type": "Fail", "Error": "NoStock", "Cause": "only 5 left"}},
    }
    machine = states.create_state_machine(name="ship", definition=json.dumps(definition), roleArn=role)[
        "stateMachineArn"
    ]
    events.create_event_bus(Name="shop")
    rules: dict[str, tuple[Any, dict[str, Any]]] = {
        "ship": ({"detail-type": ["OrderPlaced"]}, {"Arn": machine, "RoleArn": role}),
        "count": ({"source": ["shop"]}, {"Arn": QUEUE + "orders"}),
        "big": ({"detail": {"total": [{"numeric": [">", 1000]}]}}, {"Arn": QUEUE + "orders"}),
    }
    for name, (pattern, target) in rules.items():
        events.put_rule(Name=name, EventBusName="shop", EventPattern=json.dumps(pattern))
        events.put_targets(Rule=name, EventBusName="shop", Targets=[{"Id": "1", **target}])


def run(server: ServerProcess, *words: str, given: str = "", exit_code: int = 0) -> str:
    result = CliRunner().invoke(app, [*words, "--endpoint-url", server.url], input=given)
    assert result.exit_code == exit_code, result.output
    return result.output


def told_when(server: ServerProcess, words: str, *command: str) -> str:
    """What a command tells as soon as it says these words: what an event does is done after it is taken."""
    ends = time.monotonic() + 60
    while words not in (told := run(server, *command)):
        assert time.monotonic() < ends, told
        time.sleep(0.05)
    return told


def put(server: ServerProcess, detail: str) -> str:
    words = ("--bus", "shop", "--source", "shop", "--detail-type", "OrderPlaced", "--detail", detail)
    return run(server, "events", "put", *words).strip()


def test_why_tells_rules_deliveries_and_what_they_started(server: ServerProcess) -> None:
    event_id = put(server, '{"orderId": "ORD-2025-001234", "total": 350}')
    for asked in (event_id, "ORD-2025-001234"):
        told = told_when(server, "deliveries: 2 delivered.", "why", asked)
        assert "rule count: matched" in told
        assert "detail.total is 350; wanted > 1000" in told
        assert "FAILED in Refuse" in told
        assert "NoStock: only 5 left" in told
        assert "2 of 3 rules matched; deliveries: 2 delivered." in told
    answer = json.loads(run(server, "events", "why", event_id, "--json"))["answers"][0]
    started = [
        rule["targets"][0]["deliveries"][0]["started"] for rule in answer["buses"][0]["rules"] if "targets" in rule
    ]
    by_kind = {one["kind"]: one for one in started}
    assert f"by event {event_id}" in run(server, "why", by_kind["execution"]["executionArn"])
    assert f"sent by rule shop/count for event {event_id}" in run(server, "why", by_kind["message"]["messageId"])


def test_an_event_that_went_from_bus_to_bus_is_told_once(server: ServerProcess) -> None:
    events = server.client("events")
    onto = events.create_event_bus(Name="yard")["EventBusArn"]
    events.put_rule(Name="cross", EventBusName="shop", EventPattern='{"source": ["gate"]}')
    target = {"Id": "1", "Arn": onto, "RoleArn": "arn:aws:iam::000000000000:role/any"}
    events.put_targets(Rule="cross", EventBusName="shop", Targets=[target])
    entry = {"Source": "gate", "DetailType": "Opened", "EventBusName": "shop", "Detail": '{"gate": "GATE-17"}'}
    event_id = events.put_events(Entries=[entry])["Entries"][0]["EventId"]
    told = told_when(server, "bus yard", "why", "GATE-17")
    assert told.count(f"event {event_id}  Opened from gate") == 1
    assert "also:" not in told


def test_what_is_unknown_is_said(server: ServerProcess) -> None:
    assert "is no id of an event" in run(server, "why", "ORD-NOWHERE", exit_code=1)
    assert "There is no execution" in run(
        server, "why", "arn:aws:states:us-east-1:000000000000:execution:a:b", exit_code=1
    )
    assert "is not valid" in run(server, "events", "search", "--pattern", "{", exit_code=1)
    assert '"from"' in run(server, "events", "search", "--from", "yesterday", exit_code=1)


def test_events_are_put_from_lines_shown_and_found(server: ServerProcess) -> None:
    lines = [
        {"source": "store", "detail-type": "Picked", "detail": {"orderId": "ORD-7"}},
        {"Source": "store", "DetailType": "Packed", "Detail": '{"orderId": "ORD-7"}', "EventBusName": "shop"},
    ]
    ids = run(server, "events", "put", "-", "--bus", "shop", given="\n".join(map(json.dumps, lines))).split()
    shown = run(server, "events", "show", ids[0])
    assert '"detail-type": "Picked"' in shown
    found = run(server, "events", "search", "--text", "ORD-7", "--json").splitlines()
    assert [json.loads(line)["event"]["id"] for line in found] == ids[::-1]
    assert "Packed" in run(server, "events", "search", "--source", "store", "--detail-type", "Packed", "--bus", "shop")


BROKEN = [
    ('{"source": "s"}', "needs a DetailType"),
    ('{"source": "s", "detail-type": "d", "detail": [1]}', "no JSON object"),
    ('{"Source": "s", "DetailType": "d", "Detail": "{"}', "detail is not JSON"),
    ('{"Source": "s", "DetailType": "d", "Nonsense": 1}', "no Nonsense"),
    ("[1]", "no JSON object"),
    ("{}\nnonsense", "line 2 is not JSON"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN, ids=[row[1] for row in BROKEN])
def test_nothing_is_sent_when_one_event_is_broken(server: ServerProcess, text: str, words: str) -> None:
    told = run(server, "events", "put", "-", given=text, exit_code=1)
    assert words in told
    assert "Nothing was sent" in told


def test_a_bus_is_followed_as_it_goes(server: ServerProcess) -> None:
    told: list[str] = []
    words = ("events", "tail", "--bus", "shop", "--count", "1", "--text", "ORD-TAIL", "--json")
    follower = threading.Thread(target=lambda: told.append(run(server, *words)))
    follower.start()
    stop = threading.Event()
    entry = {"Source": "shop", "DetailType": "OrderPlaced", "EventBusName": "shop"}
    details = ('{"orderId": "ORD-TAIL"}', '{"orderId": "other"}')
    while follower.is_alive():  # It begins to listen at a moment that nobody is told.
        # Not by the command: two of them in one process would share the standard output.
        server.client("events").put_events(Entries=[{**entry, "Detail": detail} for detail in details])
        stop.wait(0.2)
    follower.join()
    assert json.loads(told[0].splitlines()[-1])["event"]["detail"] == {"orderId": "ORD-TAIL"}


def test_metrics_are_a_table(server: ServerProcess) -> None:
    put(server, '{"orderId": "m"}')
    told = run(server, "metrics", "AWS/Events", "MatchedEvents")
    assert "EventBusName=shop, RuleName=count" in told
    assert "█" in told
    assert "No such metric" in run(server, "metrics", "Nonsense")


def test_cloudwatch_is_spoken_with_boto3(server: ServerProcess) -> None:
    cloudwatch = server.client("cloudwatch")
    data = [{"MetricName": f"m{number:03}", "Value": float(number), "Unit": "Count"} for number in range(300)]
    cloudwatch.put_metric_data(Namespace="shop", MetricData=data)  # Long enough for boto3 to compress it.
    listed = [
        one for page in cloudwatch.get_paginator("list_metrics").paginate(Namespace="shop") for one in page["Metrics"]
    ]
    assert len(listed) == 300
    with pytest.raises(cloudwatch.exceptions.InvalidParameterValueException):
        cloudwatch.put_metric_data(Namespace="AWS/shop", MetricData=data[:1])
