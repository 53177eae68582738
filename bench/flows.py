"""A small order application, one order at a time; and writers and readers at once."""

import asyncio
import base64
import io
import json
import time
import zipfile
from typing import Any

from bench.client import Connection, load, request

Figure = tuple[str, float, str, float]
ROLE = "arn:aws:iam::000000000000:role/bench"
ARN = "arn:aws:{}:us-east-1:000000000000:{}"
STEPS = ("Reserve", "Pay", "Ship")


async def _functions(client: Connection) -> None:
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "def handler(event, context):\n    return event\n")
    for name in STEPS:
        body = {
            "FunctionName": name, "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE,
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }  # fmt: skip
        await client.rest("lambda", "POST", "/2015-03-31/functions", body)
        await client.rest("lambda", "POST", f"/2015-03-31/functions/{name}/invocations", {"warm": True})


async def _application(client: Connection) -> str:
    """Bus, rule, workflow of three functions, topic, and the queue that is told; the queue's URL."""
    await _functions(client)
    policy = {"Effect": "Allow", "Principal": {"Service": "sns.amazonaws.com"}, "Action": "sqs:*", "Resource": "*"}
    attributes = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [policy]})}
    url: str = (await client.json("sqs", "CreateQueue", {"QueueName": "shipped", "Attributes": attributes}))["QueueUrl"]
    topic = await client.form("sns", {"Action": "CreateTopic", "Name": "shipped"}, "TopicArn")
    subscription = {
        "Action": "Subscribe",
        "TopicArn": topic,
        "Protocol": "sqs",
        "Endpoint": ARN.format("sqs", "shipped"),
    }
    await client.form("sns", subscription, "SubscriptionArn")
    states: dict[str, Any] = {
        name: {"Type": "Task", "Resource": ARN.format("lambda", f"function:{name}"), "Next": following}
        for name, following in zip(STEPS, (*STEPS[1:], "Tell"), strict=True)
    }
    told = {"TopicArn": topic, "Message.$": "States.JsonToString($)"}
    states["Tell"] = {"Type": "Task", "Resource": "arn:aws:states:::sns:publish", "Parameters": told, "End": True}
    definition = json.dumps({"StartAt": STEPS[0], "States": states})
    machine = {"name": "order", "definition": definition, "roleArn": ROLE}
    arn = (await client.json("states", "CreateStateMachine", machine))["stateMachineArn"]
    await client.json("events", "CreateEventBus", {"Name": "orders"})
    pattern = json.dumps({"source": ["shop"], "detail-type": ["OrderPlaced"]})
    await client.json("events", "PutRule", {"Name": "placed", "EventBusName": "orders", "EventPattern": pattern})
    target = {"Id": "workflow", "Arn": arn, "RoleArn": ROLE}
    await client.json("events", "PutTargets", {"Rule": "placed", "EventBusName": "orders", "Targets": [target]})
    return url


async def order(port: int, scale: float) -> list[Figure]:
    """From PutEvents to the notification that a long poll receives."""
    client, poller = await Connection(port).open(), await Connection(port).open()
    url = await _application(client)
    receive = {"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 1}
    times: list[float] = []
    for number in range(int(200 * scale) + 10):
        polling = asyncio.ensure_future(poller.json("sqs", "ReceiveMessage", receive))
        await asyncio.sleep(0.005)  # The poll waits by then.
        detail = json.dumps({"orderId": f"o-{number}", "total": 10})
        entry = {"Source": "shop", "DetailType": "OrderPlaced", "Detail": detail, "EventBusName": "orders"}
        begin = time.perf_counter()
        await client.json("events", "PutEvents", {"Entries": [entry]})
        [message] = (await polling)["Messages"]
        times.append(time.perf_counter() - begin)
        assert f"o-{number}" in message["Body"], message
        await client.json("sqs", "DeleteMessage", {"QueueUrl": url, "ReceiptHandle": message["ReceiptHandle"]})
    ordered = sorted(times[10:])
    return [
        ("order flow (bus, workflow, 3 functions, topic, queue), p50", ordered[len(ordered) // 2] * 1e3, "ms", 30),
        ("  its p99", ordered[int(len(ordered) * 0.99)] * 1e3, "ms", 0),
    ]


async def mixed(port: int, scale: float) -> list[Figure]:
    """16 connections send messages and put items, 16 read items and depths, all at once."""
    client = await Connection(port).open()
    url = (await client.json("sqs", "CreateQueue", {"QueueName": "mixed"}))["QueueUrl"]
    table = {
        "TableName": "mixed", "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
    }  # fmt: skip
    await client.json("dynamodb", "CreateTable", table)
    count = int(8000 * scale)

    def write(number: int) -> bytes:
        if number % 2:
            return request("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 100}, port=port)
        item = {"pk": {"S": f"k{number % 500}"}, "text": {"S": "x" * 100}}
        return request("dynamodb", "PutItem", {"TableName": "mixed", "Item": item}, port=port)

    def read(number: int) -> bytes:
        if number % 4 == 0:
            names = ["ApproximateNumberOfMessages"]
            return request("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": names}, port=port)
        key = {"pk": {"S": f"k{number % 500}"}}
        return request("dynamodb", "GetItem", {"TableName": "mixed", "Key": key}, port=port)

    writes, reads = [write(number) for number in range(count)], [read(number) for number in range(count)]
    writing, reading = await asyncio.gather(load(port, 16, writes), load(port, 16, reads))
    for result in (writing, reading):
        if result.errors:
            raise SystemExit(f"{result.errors} calls failed: {result.first_error}")
    return [
        writing.figure("mixed load, 16 writers and 16 readers: writes", "calls/s", 0),
        ("  their p99", writing.percentile(0.99) * 1e3, "ms", 20),
        reading.figure("mixed load: reads", "calls/s", 0),
        ("  their p99", reading.percentile(0.99) * 1e3, "ms", 20),
    ]
