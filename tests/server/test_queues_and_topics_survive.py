"""Queues and topics through boto3, on a server that is killed without warning again and again.

No acknowledged message is lost; none is told twice before its visibility has ended; FIFO order and deduplication hold across the kills.
Clients do as AWS's do: what was not answered is sent again, under the same deduplication id.
"""

import contextlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
GROUPS, EACH = 4, 40
KILLS = 3
STEADY = {"VisibilityTimeout": 43_200, "MaxNumberOfMessages": 10}


def persistent(call: Callable[[], Any]) -> Any:
    """Call until it is answered, over restarts."""
    ends = time.monotonic() + 90
    while True:
        try:
            return call()
        except (BotoCoreError, ClientError):
            assert time.monotonic() < ends, "the server did not come back"
            time.sleep(0.02)


def run(server: ServerProcess, threads: list[threading.Thread], progress: Callable[[], int], total: int) -> None:
    """Let the threads work, and kill the server at even steps of their progress."""
    for thread in threads:
        thread.start()
    for kill in range(1, KILLS + 1):
        ends = time.monotonic() + 90
        while progress() < total * kill // (KILLS + 1):
            assert time.monotonic() < ends, f"only {progress()} of {total}"
            time.sleep(0.005)
        server.kill()
        server.start()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()


def test_fifo_order_and_deduplication_hold_across_kills(server: ServerProcess) -> None:
    sqs = server.client("sqs")
    url = sqs.create_queue(QueueName="work.fifo", Attributes={"FifoQueue": "true"})["QueueUrl"]
    sent: Counter[str] = Counter()
    ids: dict[str, set[str]] = {}
    seen: list[dict[str, Any]] = []

    def send(group: str) -> None:
        client = server.client("sqs")
        for number in range(EACH):
            body = f"{group}-{number}"
            request = {"QueueUrl": url, "MessageBody": body, "MessageGroupId": group, "MessageDeduplicationId": body}
            for _ in range(1 + number % 2):  # Every other one twice, whether it was answered or not.
                ids.setdefault(body, set()).add(persistent(partial(client.send_message, **request))["MessageId"])
            sent[group] += 1

    def receive() -> None:
        client = server.client("sqs")
        while len(seen) < GROUPS * EACH:
            # Asked again under the same attempt id, the queue gives what a kill has swallowed: the groups are not blocked.
            request = {"QueueUrl": url, "WaitTimeSeconds": 1, "ReceiveRequestAttemptId": str(uuid4()), **STEADY}
            for message in persistent(partial(client.receive_message, **request)).get("Messages", []):
                seen.append(message)
                persistent(partial(client.delete_message, QueueUrl=url, ReceiptHandle=message["ReceiptHandle"]))

    threads = [threading.Thread(target=send, args=(f"g{number}",)) for number in range(GROUPS)]
    run(server, [*threads, threading.Thread(target=receive)], lambda: len(seen), GROUPS * EACH)
    bodies = [message["Body"] for message in seen]
    for number in range(GROUPS):
        got = [body for body in bodies if body.startswith(f"g{number}-")]
        assert got == [f"g{number}-{position}" for position in range(EACH)], "in order, each once"
    assert {body: len(found) for body, found in ids.items() if len(found) != 1} == {}, "one message for one id"
    assert {message["MessageId"] for message in seen} == set().union(*ids.values())


def test_no_message_is_lost_or_told_twice_while_it_is_hidden(server: ServerProcess) -> None:
    """Answers that a kill swallows may have taken messages along: these stay hidden, and are not told to others."""
    total = 240
    url = server.client("sqs").create_queue(QueueName="work")["QueueUrl"]
    acknowledged: dict[str, str] = {}
    seen: Counter[str] = Counter()
    done = threading.Event()

    def send(sender: int) -> None:
        client = server.client("sqs")
        for number in range(total // 2):
            body = f"{sender}-{number}"
            answer = persistent(partial(client.send_message, QueueUrl=url, MessageBody=body))
            acknowledged[answer["MessageId"]] = body

    def receive() -> None:
        client = server.client("sqs")
        while not done.is_set():
            with contextlib.suppress(BotoCoreError, ClientError):
                messages = client.receive_message(QueueUrl=url, WaitTimeSeconds=1, **STEADY).get("Messages", [])
                seen.update(message["MessageId"] for message in messages)

    consumers = [threading.Thread(target=receive) for _ in range(3)]
    for consumer in consumers:
        consumer.start()
    run(server, [threading.Thread(target=send, args=(n,)) for n in range(2)], lambda: len(acknowledged), total)
    ends = time.monotonic() + 90
    attributes = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    counts: dict[str, str] = {}
    while counts.get("ApproximateNumberOfMessages") != "0":
        assert time.monotonic() < ends
        counts = server.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=attributes)["Attributes"]
    done.set()
    for consumer in consumers:
        consumer.join(90)
    assert max(seen.values()) == 1, "none is told twice"
    hidden = int(counts["ApproximateNumberOfMessagesNotVisible"])
    assert hidden >= total, "nobody has deleted any: all are there"
    assert len(acknowledged.keys() - seen.keys()) <= hidden - len(seen), "what nobody saw is hidden, not lost"


def test_what_a_topic_acknowledged_is_in_each_queue_once_and_in_order(server: ServerProcess) -> None:
    sns, sqs = server.client("sns"), server.client("sqs")
    topic = sns.create_topic(Name="news.fifo", Attributes={"FifoTopic": "true"})["TopicArn"]
    urls = []
    for name in ("a.fifo", "b.fifo"):
        arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
        statement = {"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": arn}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        urls.append(sqs.create_queue(QueueName=name, Attributes={"FifoQueue": "true", "Policy": policy})["QueueUrl"])
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
    published: Counter[str] = Counter()

    def publish(group: str) -> None:
        client = server.client("sns")
        for number in range(EACH):
            body = f"{group}-{number}"
            request = {"TopicArn": topic, "Message": body, "MessageGroupId": group, "MessageDeduplicationId": body}
            persistent(partial(client.publish, **request))
            published[group] += 1

    threads = [threading.Thread(target=publish, args=(f"g{number}",)) for number in range(2)]
    run(server, threads, published.total, 2 * EACH)
    for url in urls:
        bodies: list[str] = []
        ends = time.monotonic() + 90
        while len(bodies) < 2 * EACH:
            assert time.monotonic() < ends, f"{len(bodies)} came"
            for message in sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1, **STEADY).get("Messages", []):
                bodies.append(message["Body"])
                sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        for group in ("g0", "g1"):
            assert [body for body in bodies if body.startswith(group)] == [f"{group}-{n}" for n in range(EACH)]
