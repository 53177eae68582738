"""Deliveries to the services as they are: the calls exist, take what is sent, and refuse in words that are understood."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.base.json import loads as read
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"
DEFINITION = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:000000000000:{resource}"


def loads(text: str) -> Any:
    return read(text)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    for name in ("dead", "subscribed"):
        statement = {
            "Effect": "Allow",
            "Principal": {"Service": ["events.amazonaws.com", "sns.amazonaws.com"]},
            "Action": "sqs:SendMessage",
            "Resource": arn("sqs", name),
        }
        policy = dumps({"Version": "2012-10-17", "Statement": [statement]})
        world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": {"Policy": policy}})
    world.call("events", "PutRule", {"Name": "r", "EventPattern": '{"source":["shop"]}'})
    yield world
    world.close()


def deliver(world: World, *targets: dict[str, Any]) -> str:
    rows = [
        {"Id": f"t{at}", "DeadLetterConfig": {"Arn": arn("sqs", "dead")}, **target} for at, target in enumerate(targets)
    ]
    world.call("events", "PutTargets", {"Rule": "r", "Targets": rows})
    entry = {"Source": "shop", "DetailType": "x", "Detail": '{"n":1}'}
    event_id: str = world.call("events", "PutEvents", {"Entries": [entry]})["Entries"][0]["EventId"]
    world.run_due()
    return event_id


def received(world: World, queue: str) -> list[Any]:
    request = {
        "QueueUrl": f"http://localhost/000000000000/{queue}",
        "MaxNumberOfMessages": 10,
        "MessageAttributeNames": ["All"],
    }
    messages: list[Any] = world.call("sqs", "ReceiveMessage", request).get("Messages", [])
    return messages


def test_a_state_machine_is_started_with_the_event(world: World) -> None:
    machine = arn("states", "stateMachine:m")
    world.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": DEFINITION, "roleArn": ROLE})
    event_id = deliver(world, {"Arn": machine, "RoleArn": ROLE})
    [execution] = world.call("stepfunctions", "ListExecutions", {"stateMachineArn": machine})["executions"]
    assert execution["name"].startswith(event_id + "_")
    described = world.call("stepfunctions", "DescribeExecution", {"executionArn": execution["executionArn"]})
    assert loads(described["input"])["detail"] == {"n": 1}


def test_a_topic_publishes_the_event_to_its_subscribers(world: World) -> None:
    topic = arn("sns", "t")
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sns:Publish",
        "Resource": topic,
    }
    policy = dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.call("sns", "CreateTopic", {"Name": "t", "Attributes": {"Policy": policy}})
    queue = arn("sqs", "subscribed")
    world.call("sns", "Subscribe", {"TopicArn": topic, "Protocol": "sqs", "Endpoint": queue})
    event_id = deliver(world, {"Arn": topic})
    [message] = received(world, "subscribed")
    assert loads(loads(message["Body"])["Message"])["id"] == event_id


def test_a_log_group_takes_the_event_into_a_stream_of_its_own(world: World) -> None:
    world.call("logs", "CreateLogGroup", {"logGroupName": "/aws/events/g"})
    event_id = deliver(world, {"Arn": arn("logs", "log-group:/aws/events/g")})
    [line] = world.call("logs", "FilterLogEvents", {"logGroupName": "/aws/events/g"})["events"]
    assert loads(line["message"])["id"] == event_id
    assert line["logStreamName"].startswith(event_id)


GONE = [
    arn("sqs", "gone"),
    arn("states", "stateMachine:gone"),
    arn("lambda", "function:gone"),
    arn("sns", "gone"),
    arn("logs", "log-group:gone"),
    arn("events", "event-bus/gone"),
]


@pytest.mark.parametrize("target", GONE)
def test_what_is_gone_makes_a_dead_letter_at_once(world: World, target: str) -> None:
    deliver(world, {"Arn": target, "RoleArn": ROLE})
    [letter] = received(world, "dead")
    attributes = {name: value["StringValue"] for name, value in letter["MessageAttributes"].items()}
    assert (attributes["ERROR_CODE"], attributes["TARGET_ARN"], attributes["RETRY_ATTEMPTS"]) == (
        "NO_RESOURCE",
        target,
        "0",
    )
