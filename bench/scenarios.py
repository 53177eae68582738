"""What is measured. A figure is (name, value, unit, the design's goal or 0); goals are for benchmarks, never tests."""

import asyncio
import base64
import io
import json
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from itertools import repeat
from typing import Any

from bench import flows, lives, queues
from bench.client import LIMIT, Connection, Result, form, load, request, rest

Figure = tuple[str, float, str, float]
ROLE = "arn:aws:iam::000000000000:role/bench"
ORDERS_PAUSE_S = 0.25
ORDER_ENDS = ("SHIPPED", "OUT_OF_STOCK", "PAYMENT_FAILED")


@dataclass(frozen=True)
class Scenario:
    name: str
    run: Callable[[Any, float], Any]  # Given a port, an Awaitable of figures; or see ``lives``.
    command: str = "serve"
    only: bool = False  # Peers are not asked: it needs what Interstate alone has.
    lives: bool = False  # ``run`` gets the server itself, not started yet, and starts and ends it as it likes.
    peer_scale: float = 1.0  # A peer's part of the work; less only where figures do not depend on how much it is.


def _check(result: Result) -> Result:
    if result.errors:
        raise SystemExit(f"{result.errors} calls failed: {result.first_error}")
    return result


async def _client(port: int) -> Connection:
    return await Connection(port).open()


async def _queue(client: Connection, name: str, open_to: str | None = None) -> str:
    """A queue; ``open_to`` is the service that its policy lets in."""
    request: dict[str, Any] = {"QueueName": name}
    if open_to is not None:
        statement = {"Effect": "Allow", "Principal": {"Service": open_to}, "Action": "sqs:SendMessage", "Resource": "*"}
        request["Attributes"] = {"Policy": json.dumps({"Version": "2012-10-17", "Statement": [statement]})}
    url: str = (await client.json("sqs", "CreateQueue", request))["QueueUrl"]
    return url


async def one_call(port: int, scale: float) -> list[Figure]:
    url = await _queue(await _client(port), "idle")
    send = request("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 100}, port=port)
    await load(port, 1, repeat(send, 200))
    result = _check(await load(port, 1, repeat(send, int(2000 * scale))))
    return [("one call on an idle server, p50", result.percentile(0.5) * 1e3, "ms", 0.6)]


async def sqs_send(port: int, scale: float) -> list[Figure]:
    url = await _queue(await _client(port), "send")
    send = request("sqs", "SendMessage", {"QueueUrl": url, "MessageBody": "x" * 100}, port=port)
    entries = [{"Id": str(number), "MessageBody": "x" * 100} for number in range(10)]
    batch = request("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries}, port=port)
    single = _check(await load(port, 32, repeat(send, int(30_000 * scale))))
    ten = _check(await load(port, 16, repeat(batch, int(5000 * scale))))
    return [
        single.figure("SQS SendMessage, 32 connections", "messages/s", 10_000),
        ten.figure("SQS SendMessageBatch of 10, 16 connections", "messages/s", 50_000, each=10),
    ]


async def sqs_receive(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    url = await _queue(client, "receive")
    entries = [{"Id": str(number), "MessageBody": "x" * 100} for number in range(10)]
    asked = int(20_000 * scale)
    batch = request("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries}, port=port)
    filled = _check(await load(port, 16, repeat(batch, asked // 10 + 500)))
    wanted = filled.calls * 10 - 5000
    connections = [await Connection(port).open() for _ in range(8)]
    done = 0

    async def drain(connection: Connection) -> None:
        nonlocal done
        while done < wanted and time.perf_counter() < until:
            answer = await connection.json("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
            messages = answer.get("Messages", [])
            done += len(messages)
            delete = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
            await connection.json("sqs", "DeleteMessageBatch", {"QueueUrl": url, "Entries": delete})

    begin, until = time.perf_counter(), LIMIT.ends()
    await asyncio.gather(*map(drain, connections))
    seconds, name = time.perf_counter() - begin, "SQS receive 10 and delete, backlog of 5,000 and more"
    LIMIT.told(name, min(done, asked), asked)
    return [(name, done / seconds, "messages/s", 20_000)]


async def _machine(client: Connection, name: str, definition: Any, kind: str = "STANDARD") -> str:
    body = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE, "type": kind}
    arn: str = (await client.json("states", "CreateStateMachine", body))["stateMachineArn"]
    return arn


async def _ended(client: Connection, arn: str) -> None:
    while (await client.json("states", "DescribeExecution", {"executionArn": arn}))["status"] == "RUNNING":
        await asyncio.sleep(0.005)


async def chains(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    states = {f"S{n}": {"Type": "Pass", "Next": f"S{n + 1}"} for n in range(9)} | {"S9": {"Type": "Pass", "End": True}}
    arn = await _machine(client, "chain", {"StartAt": "S0", "States": states})
    count = int(2000 * scale)
    start = request("states", "StartExecution", {"stateMachineArn": arn, "input": '{"order": "o-1"}'}, port=port)
    begin = time.perf_counter()
    started = _check(await load(port, 32, repeat(start, count)))
    while True:
        running = await client.json("states", "ListExecutions", {"stateMachineArn": arn, "statusFilter": "RUNNING"})
        if not running["executions"]:
            break
    seconds = time.perf_counter() - begin
    name = "2,000 executions of 10 Pass states, 32 connections"
    LIMIT.told(name, started.calls * 10, count * 10)
    return [(name, started.calls * 10 / seconds, "transitions/s", 20_000)]


async def loop(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    turns = int(5000 * scale)
    definition = {
        "StartAt": "Count",
        "States": {
            "Count": {"Type": "Pass", "Parameters": {"n.$": "States.MathAdd($.n, 1)"}, "Next": "Enough"},
            "Enough": {
                "Type": "Choice",
                "Choices": [{"Variable": "$.n", "NumericLessThan": turns, "Next": "Count"}],
                "Default": "Done",
            },
            "Done": {"Type": "Succeed"},
        },
    }
    arn = await _machine(client, "loop", definition, "EXPRESS")
    begin = time.perf_counter()
    answer = await client.json("states", "StartSyncExecution", {"stateMachineArn": arn, "input": '{"n": 0}'})
    assert answer["status"] == "SUCCEEDED", answer
    return [
        (
            "one execution, Choice/Pass loop of 10,000 transitions",
            turns * 2 / (time.perf_counter() - begin),
            "transitions/s",
            40_000,
        )
    ]


async def express(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    states = {"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Pass", "Next": "C"}, "C": {"Type": "Succeed"}}
    arn = await _machine(client, "express", {"StartAt": "A", "States": states}, "EXPRESS")
    start = request("states", "StartSyncExecution", {"stateMachineArn": arn, "input": "{}"}, port=port)
    one = _check(await load(port, 1, repeat(start, int(2000 * scale))))
    many = _check(await load(port, 16, repeat(start, int(10_000 * scale))))
    return [
        one.figure("Express, synchronous, 3 states, 1 connection", "calls/s", 700),
        many.figure("Express, synchronous, 3 states, 16 connections", "calls/s", 2500),
        ("  its p99", many.percentile(0.99) * 1e3, "ms", 20),
    ]


async def map_items(port: int, _scale: float) -> list[Figure]:
    client = await _client(port)
    definition = {
        "StartAt": "Each",
        "States": {
            "Each": {
                "Type": "Map",
                "ItemProcessor": {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}},
                "End": True,
            }
        },
    }
    arn = await _machine(client, "map", definition)
    begin = time.perf_counter()
    started = await client.json(
        "states", "StartExecution", {"stateMachineArn": arn, "input": json.dumps(list(range(1000)))}
    )
    await _ended(client, started["executionArn"])
    return [("inline Map of 1,000 Pass items", time.perf_counter() - begin, "s", 0.1)]


async def events(port: int, scale: float) -> list[Figure]:
    figures = []
    quota = {"name": "rules-per-bus", "value": 1_000, "region": "us-east-1", "account": "000000000000"}
    for rules, goal in ((1, 25_000.0), (100, 0.0), (1_000, 20_000.0)):
        client = await _client(port)
        await client.call(
            rest("events", "POST", "/_interstate/events/quotas", quota, port=port)
        )  # Peers have no quota.
        bus = f"bus{rules}"
        await client.json("events", "CreateEventBus", {"Name": bus})
        url = await _queue(client, bus, "events.amazonaws.com")
        arn = f"arn:aws:sqs:us-east-1:000000000000:{bus}"
        for number in range(rules):
            pattern = json.dumps(
                {"source": ["bench"], "detail-type": [f"type-{number}"], "detail": {"total": [{"numeric": [">", 5]}]}}
            )
            await client.json(
                "events", "PutRule", {"Name": f"rule-{number}", "EventBusName": bus, "EventPattern": pattern}
            )
            await client.json(
                "events",
                "PutTargets",
                {"Rule": f"rule-{number}", "EventBusName": bus, "Targets": [{"Id": "q", "Arn": arn}]},
            )
        detail = json.dumps({"orderId": "o-1", "total": 10, "items": [{"productId": "p", "quantity": 2}]})
        entry = {"Source": "bench", "DetailType": "type-0", "Detail": detail, "EventBusName": bus}
        put = request("events", "PutEvents", {"Entries": [entry] * 10}, port=port)
        count = int(2500 * scale)
        begin = time.perf_counter()
        sent = _check(await load(port, 16, repeat(put, count)))
        while True:
            found = await client.json(
                "sqs",
                "GetQueueAttributes",
                {"QueueUrl": url, "AttributeNames": ["ApproximateNumberOfMessages"]},
            )
            if int(found["Attributes"]["ApproximateNumberOfMessages"]) >= sent.calls * 10:
                break
            await asyncio.sleep(0.01)
        seconds = time.perf_counter() - begin
        name = f"PutEvents of 10, {rules} rules, one matches, to a queue"
        LIMIT.told(name, sent.calls * 10, count * 10)
        figures.append((name, sent.calls * 10 / seconds, "events/s", goal))
    return figures


async def event_latency(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    url = await _queue(client, "latency", "events.amazonaws.com")
    await client.json("events", "PutRule", {"Name": "latency", "EventPattern": '{"source": ["bench"]}'})
    await client.json(
        "events",
        "PutTargets",
        {"Rule": "latency", "Targets": [{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:000000000000:latency"}]},
    )
    count = int(300 * scale) or 30
    latencies: list[float] = []

    async def receive() -> None:
        poller = await Connection(port).open()
        while len(latencies) < count:
            answer = await poller.json(
                "sqs", "ReceiveMessage", {"QueueUrl": url, "WaitTimeSeconds": 20, "MaxNumberOfMessages": 10}
            )
            now = time.perf_counter()
            latencies.extend(
                now - json.loads(message["Body"])["detail"]["at"] for message in answer.get("Messages", [])
            )

    receiving = asyncio.ensure_future(receive())
    for _ in range(count):
        detail = json.dumps({"at": time.perf_counter()})
        await client.json(
            "events", "PutEvents", {"Entries": [{"Source": "bench", "DetailType": "t", "Detail": detail}]}
        )
        await asyncio.sleep(0.01)
    await receiving
    ordered = sorted(latencies)
    return [
        ("event accepted to message received by a long poll, p50", ordered[len(ordered) // 2] * 1e3, "ms", 5),
        ("  its p99", ordered[int(len(ordered) * 0.99)] * 1e3, "ms", 20),
    ]


async def items(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    await client.json(
        "dynamodb",
        "CreateTable",
        {
            "TableName": "bench",
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "N"},
            ],
        },
    )
    count = int(10_000 * scale)

    def item(number: int) -> dict[str, Any]:
        return {
            "pk": {"S": f"p{number // 50}"},
            "sk": {"N": str(number)},
            "status": {"S": "NEW"},
            "n": {"N": "1"},
            "text": {"S": "x" * 100},
        }

    def key(number: int) -> dict[str, Any]:
        return {"pk": {"S": f"p{number // 50}"}, "sk": {"N": str(number)}}

    def update(number: int) -> dict[str, Any]:
        return {
            "TableName": "bench",
            "Key": key(number),
            "UpdateExpression": "SET #s = :s, n = n + :one",
            "ConditionExpression": "#s = :old",
            "ExpressionAttributeNames": {"#s": "status"},
            "ExpressionAttributeValues": {":s": {"S": "NEW"}, ":old": {"S": "NEW"}, ":one": {"N": "1"}},
        }

    def transact(number: int) -> dict[str, Any]:
        return {"TransactItems": [{"Update": update(number)}, {"Update": update((number + 7) % count)}]}

    def query(number: int) -> dict[str, Any]:
        return {
            "TableName": "bench",
            "KeyConditionExpression": "pk = :p",
            "ExpressionAttributeValues": {":p": {"S": f"p{number // 50}"}},
            "Limit": 20,
        }

    plan: list[tuple[str, str, Callable[[int], dict[str, Any]], float]] = [
        ("PutItem", "PutItem", lambda number: {"TableName": "bench", "Item": item(number)}, 8000),
        ("GetItem", "GetItem", lambda number: {"TableName": "bench", "Key": key(number)}, 10_000),
        ("conditional UpdateItem", "UpdateItem", update, 6000),
        ("TransactWriteItems of 2", "TransactWriteItems", transact, 4000),
        ("Query of 20", "Query", query, 4000),
    ]
    figures: list[Figure] = []
    for name, operation, body, goal in plan:
        requests = [request("dynamodb", operation, body(number), port=port) for number in range(count)]
        result = _check(await load(port, 16, requests))
        figures.append(result.figure(f"DynamoDB {name}, 16 connections", "calls/s", goal))
        count = result.calls  # What follows is about items that are there.
    return figures


async def topics(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    topic = await client.form("sns", {"Action": "CreateTopic", "Name": "bench"}, "TopicArn")
    for number in range(3):
        await _queue(client, f"topic-{number}", open_to="sns.amazonaws.com")
        queue = f"arn:aws:sqs:us-east-1:000000000000:topic-{number}"
        await client.form(
            "sns", {"Action": "Subscribe", "TopicArn": topic, "Protocol": "sqs", "Endpoint": queue}, "SubscriptionArn"
        )
    publish = form("sns", {"Action": "Publish", "TopicArn": topic, "Message": "x" * 100}, port=port)
    result = _check(await load(port, 16, repeat(publish, int(10_000 * scale))))
    return [result.figure("SNS Publish to 3 queues, 16 connections", "publishes/s", 6000)]


async def functions(port: int, scale: float) -> list[Figure]:
    client = await _client(port)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", "def handler(event, context):\n    return event\n")
    cold: list[float] = []
    for number in range(11):
        body = {
            "FunctionName": f"bench{number}", "Runtime": "python3.11", "Handler": "app.handler", "Role": ROLE,
            "Code": {"ZipFile": base64.b64encode(archive.getvalue()).decode()},
        }  # fmt: skip
        await client.rest("lambda", "POST", "/2015-03-31/functions", body)
        begin = time.perf_counter()
        await client.rest("lambda", "POST", f"/2015-03-31/functions/bench{number}/invocations", {"n": 1})
        cold.append(time.perf_counter() - begin)
    call = rest("lambda", "POST", "/2015-03-31/functions/bench0/invocations", {"n": 1}, port=port)
    warm = _check(await load(port, 1, repeat(call, int(1000 * scale))))
    return [
        ("function call, the first one of a server", cold[0] * 1e3, "ms", 0),
        ("function call, cold, p50 of 10", sorted(cold[1:])[5] * 1e3, "ms", 100),
        ("function call, warm, one caller, p50", warm.percentile(0.5) * 1e3, "ms", 3),
        ("  its p99", warm.percentile(0.99) * 1e3, "ms", 0),
    ]


async def orders(port: int, scale: float) -> list[Figure]:
    """One order of the order application at a time, from its POST to the word on its topic that it is shipped.

    A queue hears the topic and is polled long: looking at the API would be a function's call on the server's core each time.
    Between two orders there is a pause, so that what follows a shipment (labels, messages, statistics) is over.
    """
    client, listener = await _client(port), await _client(port)
    api = await _order_api(client)
    queue = await _queue(client, "bench-status", "sns.amazonaws.com")
    subscription = {
        "Action": "Subscribe", "Protocol": "sqs", "Endpoint": "arn:aws:sqs:us-east-1:000000000000:bench-status",
        "TopicArn": "arn:aws:sns:us-east-1:000000000000:OrderStatusTopic",
        "Attributes.entry.1.key": "RawMessageDelivery", "Attributes.entry.1.value": "true",
    }  # fmt: skip
    await client.form("sns", subscription, "")
    times: list[float] = []
    for number in range(int(100 * scale) + 10):
        order = {
            "orderId": f"ORD-2026-{number:06d}", "customerId": "CUST-000001", "currency": "GBP", "totalAmount": 19.98,
            "items": [{"productId": "P-001", "quantity": 2, "price": 9.99}],
            "shippingAddress": {"street": "1 Quay", "city": "Dover", "country": "GB", "zipCode": "CT16"},
        }  # fmt: skip
        begin = time.perf_counter()
        status, answer = await client.call(rest("execute-api", "POST", f"/_apis/{api}/orders", order, port=port))
        assert status in (200, 201, 202), answer
        times.append(await _shipped(listener, queue, order["orderId"]) - begin)
        await asyncio.sleep(ORDERS_PAUSE_S)
        _, answer = await client.call(
            rest("execute-api", "GET", f"/_apis/{api}/orders/{order['orderId']}", None, port=port)
        )
        assert json.loads(answer)["status"] == "SHIPPED", answer
    ordered = sorted(times[10:])
    return [
        ("one order at a time, posted to told shipped, p50", ordered[len(ordered) // 2] * 1e3, "ms", 0),
        ("  its p99", ordered[int(len(ordered) * 0.99)] * 1e3, "ms", 0),
    ]


async def _shipped(listener: Connection, queue: str, order_id: Any) -> float:
    """When the queue was told."""
    while True:
        poll = {"QueueUrl": queue, "MaxNumberOfMessages": 10, "WaitTimeSeconds": 20}
        messages = (await listener.json("sqs", "ReceiveMessage", poll)).get("Messages", [])
        now = time.perf_counter()
        told = [json.loads(message["Body"]) for message in messages]
        entries = [{"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)]
        if entries:
            await listener.json("sqs", "DeleteMessageBatch", {"QueueUrl": queue, "Entries": entries})
        ends = [each["status"] for each in told if each["orderId"] == order_id and each["status"] in ORDER_ENDS]
        if ends:
            assert ends == ["SHIPPED"], told
            return now


async def _order_api(client: Connection) -> str:
    for _ in range(600):
        _, answer = await client.call(b"GET /_interstate/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if json.loads(answer)["deployed"]:
            break
        await asyncio.sleep(0.1)
    found: str = await client.form("cloudformation", {"Action": "DescribeStacks", "StackName": "orders"}, "")
    return found.split("<OutputKey>OrdersApiId</OutputKey>")[1].split("<OutputValue>")[1].split("<", maxsplit=1)[0]


ALL = (
    Scenario("call", one_call),
    Scenario("sqs-send", sqs_send),
    Scenario("sqs-receive", sqs_receive),
    Scenario("sqs-fifo", queues.fifo),
    Scenario("sqs-backlog", queues.backlog, peer_scale=0.2),
    Scenario("states-chains", chains),
    Scenario("states-loop", loop),
    Scenario("states-express", express),
    Scenario("states-map", map_items),
    Scenario("events-put", events),
    Scenario("events-latency", event_latency),
    Scenario("items", items),
    Scenario("topics", topics),
    Scenario("functions", functions, peer_scale=0.2),
    Scenario("flow", flows.order, peer_scale=0.2),
    Scenario("mixed", flows.mixed),
    Scenario("start", lives.start, lives=True, peer_scale=0.2),
    Scenario("restart", lives.restart, lives=True, peer_scale=0.2),
    Scenario("orders", orders, command="up"),
)
