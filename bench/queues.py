"""FIFO queues, and what a backlog of a million messages costs."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count, repeat
from typing import Any

from bench.client import LIMIT, Connection, Result, load, request

Figure = tuple[str, float, str, float]
GROUPS = 100


def _check(result: Result) -> Result:
    if result.errors:
        raise SystemExit(f"{result.errors} calls failed: {result.first_error}")
    return result


async def _fifo(port: int, name: str) -> str:
    client = await Connection(port).open()
    attributes = {"FifoQueue": "true", "DeduplicationScope": "messageGroup", "FifoThroughputLimit": "perMessageGroupId"}
    answer = await client.json("sqs", "CreateQueue", {"QueueName": name, "Attributes": attributes})
    client.close()
    url: str = answer["QueueUrl"]
    return url


def _message(number: int) -> dict[str, str]:
    return {
        "MessageBody": "x" * 100,
        "MessageGroupId": f"g{number % GROUPS}",
        "MessageDeduplicationId": str(number),
    }


def _sends(url: str, port: int, calls: int) -> Iterator[bytes]:
    for number in range(calls):
        yield request("sqs", "SendMessage", {"QueueUrl": url, **_message(number)}, port=port)


def _batches(url: str, port: int, calls: int) -> Iterator[bytes]:
    numbers = count()
    for _ in range(calls):
        entries = [{"Id": str(at), **_message(next(numbers))} for at in range(10)]
        yield request("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries}, port=port)


async def drain(port: int, url: str, wanted: int, name: str, consumers: int = 8) -> float:
    """Receive and delete by tens until so many were handled, or ``LIMIT`` ends it; messages a second."""
    done = 0
    until = LIMIT.ends()

    async def consume(connection: Connection) -> None:
        nonlocal done
        while done < wanted and time.perf_counter() < until:
            answer = await connection.json("sqs", "ReceiveMessage", {"QueueUrl": url, "MaxNumberOfMessages": 10})
            messages = answer.get("Messages", [])
            if not messages:
                return
            done += len(messages)
            entries = [
                {"Id": str(at), "ReceiptHandle": message["ReceiptHandle"]} for at, message in enumerate(messages)
            ]
            await connection.json("sqs", "DeleteMessageBatch", {"QueueUrl": url, "Entries": entries})

    connections = [await Connection(port).open() for _ in range(consumers)]
    begin = time.perf_counter()
    await asyncio.gather(*map(consume, connections))
    rate = done / (time.perf_counter() - begin)
    LIMIT.told(name, min(done, wanted), wanted)
    for connection in connections:
        connection.close()
    return rate


async def fifo(port: int, scale: float) -> list[Figure]:
    """Groups of one queue; every message has a deduplication id of its own."""
    sends, calls = int(20_000 * scale), int(4000 * scale)
    one = list(_sends(await _fifo(port, "one.fifo"), port, sends))
    single = _check(await load(port, 32, one))
    url = await _fifo(port, "ten.fifo")
    ten = _check(await load(port, 16, _batches(url, port, calls)))
    drained = "FIFO receive 10 and delete"
    return [
        single.figure("FIFO SendMessage, 32 connections, 100 groups", "messages/s", 7000),
        ten.figure("FIFO SendMessageBatch of 10, 16 connections", "messages/s", 30_000, each=10),
        (drained, await drain(port, url, ten.calls * 10, drained), "messages/s", 15_000),
    ]


async def backlog(port: int, scale: float) -> list[Figure]:
    """The same calls at 1,000 and at 1,000,000 messages (times the scale)."""
    client = await Connection(port).open()
    url = (await client.json("sqs", "CreateQueue", {"QueueName": "deep"}))["QueueUrl"]
    entries = [{"Id": str(number), "MessageBody": "x" * 100} for number in range(10)]
    batch = request("sqs", "SendMessageBatch", {"QueueUrl": url, "Entries": entries}, port=port)
    figures: list[Figure] = []
    held = 0
    for wanted in (1000, max(2000, int(1_000_000 * scale))):
        _check(await load(port, 16, repeat(batch, (wanted - held) // 10)))
        held = wanted
        figures += [(f"{name} at {wanted:,} messages, p50", p50, "ms", 0) for name, p50 in await _calls(port, url)]
    client.close()
    return figures


async def _calls(port: int, url: str) -> list[tuple[str, float]]:
    """Each call a hundred times, one after another."""
    one = {"QueueUrl": url, "MaxNumberOfMessages": 1, "VisibilityTimeout": 600}
    every = [
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
        "ApproximateNumberOfMessagesDelayed",
    ]
    calls: dict[str, dict[str, Any]] = {
        "SendMessage": {"QueueUrl": url, "MessageBody": "x" * 100},
        "ReceiveMessage": one,
        "GetQueueAttributes": {"QueueUrl": url, "AttributeNames": every},
    }
    found: list[tuple[str, float]] = []
    for operation, body in calls.items():
        result = _check(await load(port, 1, repeat(request("sqs", operation, body, port=port), 100)))
        found.append((f"SQS {operation}", result.percentile(0.5) * 1e3))
    return found
