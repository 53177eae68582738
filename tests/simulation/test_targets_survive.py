"""Every kind of target under faults and crashes drawn from a seed: ``make simulate SEED=7`` plays one that nobody played.

Events on a bus go to a queue, a FIFO queue, a topic, a workflow, a function, a log group, another bus, an API destination and
a queue that lets nobody in. Services refuse now and then, the endpoint fails, does not answer or is too busy, the topic
vanishes and comes back, and the process dies before random commits. In the end every accepted event is at each target, or in the
dead-letter queue with that target's name: once inside the store, at least once outside.
"""

import io
import random
import zipfile
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.base.json import loads as read
from interstate.runtime.testing import Crash, World
from interstate.store.records.events_connections import HttpAnswer, HttpCall
from interstate.store.records.lambda_ import Invocation, InvocationResult, Preparation

ROLE = "arn:aws:iam::000000000000:role/any"
EVENTS = 6
MACHINE = '{"StartAt": "A", "States": {"A": {"Type": "Pass", "End": true}}}'
FAULTS = [
    ("sqs:q", "Throttle"),
    ("sns:t", "Throttle"),
    ("lambda:f", "Throttle"),
    ("stepfunctions:StartExecution", "ExecutionLimitExceeded"),
    ("logs:PutLogEvents", "ThrottlingException"),
]


def loads(text: str) -> Any:
    return read(text)


def arn(service: str, resource: str) -> str:
    return f"arn:aws:{service}:us-east-1:000000000000:{resource}"


TARGETS: dict[str, dict[str, Any]] = {
    "q": {"Arn": arn("sqs", "q")},
    "q.fifo": {"Arn": arn("sqs", "q.fifo"), "SqsParameters": {"MessageGroupId": "g"}},
    "closed": {"Arn": arn("sqs", "closed")},
    "t": {"Arn": arn("sns", "t")},
    "m": {"Arn": arn("states", "stateMachine:m"), "RoleArn": ROLE},
    "f": {"Arn": arn("lambda", "function:f")},
    "g": {"Arn": arn("logs", "log-group:g")},
    "b": {"Arn": arn("events", "event-bus/b"), "RoleArn": ROLE},
}


class Outside:
    """The endpoint and the function; they outlive the crashes, fail as the seed says, and remember what they took."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.took: dict[str, Counter[str]] = {"api": Counter(), "f": Counter()}

    def endpoint(self, _key: str, call: HttpCall) -> HttpAnswer:
        luck = self.dice.random()
        if luck < 0.2:
            return HttpAnswer(0, error="timed out", code="CONNECTION_FAILURE")
        if luck < 0.5:
            return HttpAnswer(self.dice.choice((429, 500, 503)), retry_after=self.dice.choice(("", "7")))
        self.took["api"][call.headers["X-Interstate-Event-Id"]] += 1
        if luck < 0.6:
            raise Crash  # It was taken, and the process died before it could say so.
        return HttpAnswer(200)

    def function(self, _key: str, body: Invocation) -> InvocationResult:
        event = loads(body.payload)
        self.took["f"][event["id"]] += 1
        if self.dice.random() < 0.1:
            raise Crash
        return InvocationResult("{}")

    def performers(self) -> dict[str, Any]:
        return {"events.http": self.endpoint, "lambda.invoke": self.function, "lambda.prepare": _prepared}


def _prepared(_key: str, _body: Preparation) -> None:
    """The function is ``Outside.function``."""


def statement(principal: str, action: str, resource: str) -> str:
    allow = {"Effect": "Allow", "Principal": {"Service": principal}, "Action": action, "Resource": resource}
    return dumps({"Version": "2012-10-17", "Statement": [allow]})


def queue(world: World, name: str, principal: str = "events.amazonaws.com") -> None:
    attributes = {"Policy": statement(principal, "sqs:SendMessage", arn("sqs", name))}
    if name.endswith(".fifo"):
        attributes |= {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    world.call("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})


def topic(world: World) -> None:
    policy = statement("events.amazonaws.com", "sns:Publish", arn("sns", "t"))
    world.call("sns", "CreateTopic", {"Name": "t", "Attributes": {"Policy": policy}})
    subscription = {"TopicArn": arn("sns", "t"), "Protocol": "sqs", "Endpoint": arn("sqs", "subscribed")}
    world.call("sns", "Subscribe", {**subscription, "Attributes": {"RawMessageDelivery": "true"}})


def build(directory: Path, outside: Outside) -> World:
    world = World(directory=directory, performers=outside.performers())
    for name in ("q", "q.fifo", "dead", "crossed"):
        queue(world, name)
    queue(world, "subscribed", "sns.amazonaws.com")
    world.call("sqs", "CreateQueue", {"QueueName": "closed"})
    topic(world)
    world.call("stepfunctions", "CreateStateMachine", {"name": "m", "definition": MACHINE, "roleArn": ROLE})
    function = {"FunctionName": "f", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    world.call("lambda", "CreateFunction", {**function, "Code": {"ZipFile": code()}})
    permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "events.amazonaws.com"}
    world.call("lambda", "AddPermission", {"FunctionName": "f", **permission})
    world.call("logs", "CreateLogGroup", {"logGroupName": "g"})
    world.call("events", "CreateEventBus", {"Name": "b"})
    rule(world, "onward", [{"Id": "crossed", "Arn": arn("sqs", "crossed")}], bus="b")
    auth = {"ApiKeyAuthParameters": {"ApiKeyName": "k", "ApiKeyValue": "v"}}
    made = world.call(
        "events", "CreateConnection", {"Name": "c", "AuthorizationType": "API_KEY", "AuthParameters": auth}
    )
    api = {"Name": "d", "ConnectionArn": made["ConnectionArn"], "InvocationEndpoint": "https://h", "HttpMethod": "POST"}
    there: dict[str, dict[str, Any]] = {
        "api": {"Arn": world.call("events", "CreateApiDestination", api)["ApiDestinationArn"]}
    }
    rows = [
        {"Id": name, "DeadLetterConfig": {"Arn": arn("sqs", "dead")}, **target}
        for name, target in (TARGETS | there).items()
    ]
    rule(world, "first", rows[:5])
    rule(world, "second", rows[5:])
    return world


def rule(world: World, name: str, targets: list[dict[str, Any]], bus: str = "default") -> None:
    world.call("events", "PutRule", {"Name": name, "EventPattern": '{"source": ["shop"]}', "EventBusName": bus})
    world.call("events", "PutTargets", {"Rule": name, "EventBusName": bus, "Targets": targets})


def code() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("app.py", "def handler(event, context): return {}\n")
    return buffer.getvalue()


def put(world: World, dice: random.Random) -> None:
    """Put one to four events in a call."""
    numbers = range(dice.randint(1, 4))
    entry = {"Source": "shop", "DetailType": "Placed", "Detail": "{}"}
    world.call("events", "PutEvents", {"Entries": [entry for _ in numbers]})


def play(world: World, dice: random.Random) -> tuple[World, int]:
    """Put events while things fail, let two days pass, and tell the last world and its crashes."""
    crashes = puts = 0
    spoil(world, dice)
    end = world.now + timedelta(days=2)
    while True:
        world.crash_before_commit = world.commits + dice.randint(1, 40 if crashes else 10)
        try:
            while puts < EVENTS:
                put(world, dice)
                puts += 1
                vanish(world, puts)
                world.advance(timedelta(seconds=dice.choice((0, 1, 90))))
            world.advance(end - world.now)
        except Crash:
            crashes += 1
            world = world.restart()
            spoil(world, dice)
            world.recover()
        else:
            world.crash_before_commit = None
            return world, crashes


def spoil(world: World, dice: random.Random) -> None:
    """Let services refuse now and then."""
    for target, error in FAULTS:
        world.catalog.faults.add({"target": target, "error": error, "rate": 0.5, "seed": dice.randint(0, 999)})


def vanish(world: World, puts: int) -> None:
    """The topic is away for some calls. (What was published to it has its deliveries already.)"""
    crash_at, world.crash_before_commit = world.crash_before_commit, None
    if puts == 3:
        world.call("sns", "DeleteTopic", {"TopicArn": arn("sns", "t")})
    if puts == 5:
        topic(world)
    world.crash_before_commit = crash_at if crash_at is None or crash_at > world.commits else world.commits + 1


def url(name: str) -> str:
    return f"http://localhost/000000000000/{name}"


def taken(world: World, name: str) -> list[Any]:
    request = {"QueueUrl": url(name), "MaxNumberOfMessages": 10, "MessageAttributeNames": ["All"]}
    messages: list[Any] = []
    while page := world.call("sqs", "ReceiveMessage", request).get("Messages"):
        messages += page
        for message in page:
            world.call("sqs", "DeleteMessage", {"QueueUrl": url(name), "ReceiptHandle": message["ReceiptHandle"]})
    return messages


def ids(texts: Iterable[str]) -> Counter[str]:
    return Counter(loads(text)["id"] for text in texts)


def arrived(world: World, outside: Outside) -> dict[str, Counter[str]]:
    """How often each event is at each target."""
    found = {name: ids(m["Body"] for m in taken(world, name)) for name in ("q", "q.fifo", "closed")}
    found["t"] = ids(m["Body"] for m in taken(world, "subscribed"))
    found["b"] = ids(m["Body"] for m in taken(world, "crossed"))
    executions = world.call("stepfunctions", "ListExecutions", {"stateMachineArn": TARGETS["m"]["Arn"]})["executions"]
    found["m"] = Counter(execution["name"].partition("_")[0] for execution in executions)
    lines = world.call("logs", "FilterLogEvents", {"logGroupName": "g"})["events"]
    found["g"] = ids(line["message"] for line in lines)
    return found | outside.took


def survive(directory: Path, dice: random.Random) -> None:
    outside = Outside(dice)
    world, crashes = play(build(directory, outside), dice)
    assert crashes > 0
    names = {target["Arn"]: name for name, target in TARGETS.items()}
    dead: dict[str, Counter[str]] = {}
    for letter in taken(world, "dead"):
        there = letter["MessageAttributes"]["TARGET_ARN"]["StringValue"]
        dead.setdefault(names.get(there, "api"), Counter())[loads(letter["Body"])["id"]] += 1
    found = arrived(world, outside)
    accepted = found["q"]
    assert len(accepted) >= EVENTS
    assert set(dead["closed"]) == set(accepted)
    assert not found["closed"]
    for name in (*TARGETS, "api"):
        both = found[name] + dead.get(name, Counter())
        assert set(both) == set(accepted), name
        if name not in outside.took:
            assert set(both.values()) == {1}, name
    world.close()


@pytest.mark.parametrize("number", range(1))
def test_every_event_reaches_each_target_or_its_dead_letters(tmp_path: Path, seed: int, number: int) -> None:
    survive(tmp_path, random.Random(f"{seed}/{number}"))


@pytest.mark.slow
@pytest.mark.parametrize("number", range(1, 30))
def test_many_times_over(tmp_path: Path, seed: int, number: int) -> None:
    survive(tmp_path, random.Random(f"{seed}/{number}"))
