"""A small application under crashes drawn from a seed: ``make simulate SEED=7`` plays one that nobody played before.

Events on a bus start workflows; each takes a payment through a function that fails now and then, waits an hour, writes an
item and sends a message. The process dies before random commits, effects are carried out and their answer is lost, and
in the end every order has exactly one item, one message and one payment.
"""

import io
import random
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash, World
from interstate.store.records.lambda_ import Invocation, InvocationResult, Preparation

ROLE = "arn:aws:iam::000000000000:role/any"
QUEUE = "http://localhost/000000000000/shipped"
ORDERS = 6
DEFINITION = {
    "StartAt": "Pay",
    "States": {
        "Pay": {
            "Type": "Task",
            "Resource": "arn:aws:states:::lambda:invoke",
            "Parameters": {"FunctionName": "pay", "Payload": {"orderId.$": "$.detail.orderId"}},
            "ResultPath": None,
            "Retry": [{"ErrorEquals": ["States.ALL"], "IntervalSeconds": 5, "MaxAttempts": 20, "BackoffRate": 1.0}],
            "Next": "Term",
        },
        "Term": {"Type": "Wait", "Seconds": 3600, "Next": "Both"},
        "Both": {
            "Type": "Parallel",
            "Branches": [
                {
                    "StartAt": "Keep",
                    "States": {
                        "Keep": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::dynamodb:putItem",
                            "Parameters": {
                                "TableName": "orders",
                                "Item": {"orderId": {"S.$": "$.detail.orderId"}},
                                "ConditionExpression": "attribute_not_exists(orderId)",
                            },
                            "End": True,
                        }
                    },
                },
                {
                    "StartAt": "Tell",
                    "States": {
                        "Tell": {
                            "Type": "Task",
                            "Resource": "arn:aws:states:::sqs:sendMessage",
                            "Parameters": {"QueueUrl": QUEUE, "MessageBody.$": "$.detail.orderId"},
                            "End": True,
                        }
                    },
                },
            ],
            "End": True,
        },
    },
}


class Provider:
    """Takes payments, idempotent by order, as the outside is; fails and dies as the seed says."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.paid: dict[str, int] = {}

    def __call__(self, _key: str, body: Invocation) -> InvocationResult:
        order = loads(body.payload)
        assert isinstance(order, dict)
        luck = self.dice.random()
        if luck < 0.2:
            return InvocationResult(dumps({"errorType": "Declined"}), function_error="Unhandled")
        self.paid[order["orderId"]] = 1
        if luck < 0.4:
            raise Crash  # The payment was taken, and the process died before it could say so.
        return InvocationResult("{}")


def build(directory: Path, provider: Provider) -> World:
    world = World(directory=directory, performers={"lambda.invoke": provider, "lambda.prepare": prepared})
    world.call("sqs", "CreateQueue", {"QueueName": "shipped"})
    key = [{"AttributeName": "orderId", "KeyType": "HASH"}]
    kinds = [{"AttributeName": "orderId", "AttributeType": "S"}]
    table = {"TableName": "orders", "KeySchema": key, "AttributeDefinitions": kinds, "BillingMode": "PAY_PER_REQUEST"}
    world.call("dynamodb", "CreateTable", table)
    function = {"FunctionName": "pay", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE}
    world.call("lambda", "CreateFunction", {**function, "Code": {"ZipFile": ZIP}})
    machine = {"name": "orders", "definition": dumps(DEFINITION), "roleArn": ROLE}
    arn = world.call("stepfunctions", "CreateStateMachine", machine)["stateMachineArn"]
    world.call("events", "PutRule", {"Name": "placed", "EventPattern": '{"source": ["shop"]}'})
    target = {"Id": "orders", "Arn": arn, "RoleArn": ROLE}
    world.call("events", "PutTargets", {"Rule": "placed", "Targets": [target]})
    return world


def prepared(_key: str, _body: Preparation) -> None:
    """Nothing to prepare: the function is the provider above."""


def play(world: World, dice: random.Random) -> tuple[World, int]:
    """Place every order, then let a day pass; die now and then and go on. Tells the last world and the crashes."""
    crashes, placed = 0, 0
    end = world.now + timedelta(days=1)
    while True:
        world.crash_before_commit = world.commits + dice.randint(1, 25 if crashes else 5)
        try:
            while placed < ORDERS:
                entry = {"Source": "shop", "DetailType": "Placed", "Detail": dumps({"orderId": f"o-{placed}"})}
                world.call("events", "PutEvents", {"Entries": [entry]})
                placed += 1
            world.advance(end - world.now)
        except Crash:
            crashes += 1
            world = world.restart()
            world.recover()
        else:
            return world, crashes


def contents(world: World) -> tuple[list[str], list[str]]:
    items = world.call("dynamodb", "Scan", {"TableName": "orders"})["Items"]
    messages: list[Any] = []
    while page := world.call("sqs", "ReceiveMessage", {"QueueUrl": QUEUE, "MaxNumberOfMessages": 10}).get("Messages"):
        messages += page
    return sorted(item["orderId"]["S"] for item in items), sorted(message["Body"] for message in messages)


@pytest.mark.parametrize("number", range(8))
def test_nothing_is_lost_and_nothing_is_done_twice(tmp_path: Path, seed: int, number: int) -> None:
    dice = random.Random(f"{seed}/{number}")
    provider = Provider(dice)
    world, crashes = play(build(tmp_path, provider), dice)
    world.crash_before_commit = None
    orders = [f"o-{number}" for number in range(ORDERS)]
    assert crashes > 0
    assert contents(world) == (orders, orders)
    assert provider.paid == dict.fromkeys(orders, 1)
    world.close()


def _zip() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("app.py", "def handler(event, context): return {}\n")
    return buffer.getvalue()


ZIP = _zip()
