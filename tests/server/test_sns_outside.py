"""SNS's ways out through a real server with real clients: gateways, back-off, dead letters, status logs, replays.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-message-delivery-retries.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-topic-attributes.html (delivery status),
https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
"""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from tests.server_process import ServerProcess

pytestmark = pytest.mark.server
ROLE = "arn:aws:iam::000000000000:role/feedback"


class Outside:
    """An HTTP server that keeps what it is told; it answers with the next status."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], Any]] = []
        self.statuses: list[int] = []
        posts, statuses = self.posts, self.statuses

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                posts.append(({name.lower(): value for name, value in self.headers.items()}, json.loads(body)))
                self.send_response(statuses.pop(0) if statuses else 200)
                self.end_headers()

            def log_message(self, *_of: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def outside() -> Iterator[Outside]:
    outside = Outside()
    yield outside
    outside.close()


@pytest.fixture
def server(tmp_path: Path, outside: Outside) -> Iterator[ServerProcess]:
    gateways = ("--sms-gateway", outside.url, "--push-gateway", outside.url)
    process = ServerProcess(tmp_path / "data", "--clock", "frozen", *gateways)
    process.start()
    yield process
    process.stop()


def advance(server: ServerProcess, by: str) -> None:
    """Let time pass; it stands while something is in the air, so all that was due has been done then."""
    server.control("POST", "clock", {"advance": by})


def queue(server: ServerProcess, name: str, **attributes: str) -> tuple[str, str]:
    arn = f"arn:aws:sqs:us-east-1:000000000000:{name}"
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs = server.client("sqs")
    return arn, sqs.create_queue(QueueName=name, Attributes={"Policy": policy, **attributes})["QueueUrl"]


def received(server: ServerProcess, url: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    sqs = server.client("sqs")
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        found += messages
    return found


def test_short_messages_and_pushes_go_to_their_gateways_and_again_when_these_fail(
    server: ServerProcess, outside: Outside
) -> None:
    sns = server.client("sns")
    platform = sns.create_platform_application(Name="app", Platform="GCM", Attributes={"PlatformCredential": "secret"})[
        "PlatformApplicationArn"
    ]
    device = sns.create_platform_endpoint(PlatformApplicationArn=platform, Token="t-1")["EndpointArn"]
    outside.statuses[:] = [500]
    texted = sns.publish(PhoneNumber="+821012345678", Message="shipped")["MessageId"]
    advance(server, "1h")
    assert [(body["protocol"], body["recipient"], body["body"], body["messageId"]) for _, body in outside.posts] == [
        ("sms", "+821012345678", "shipped", texted)
    ] * 2
    outside.posts.clear()
    texts = {"default": "hi", "GCM": json.dumps({"notification": {"title": "Order"}})}
    sns.publish(TargetArn=device, Message=json.dumps(texts), MessageStructure="json")
    advance(server, "1s")
    ((headers, body),) = outside.posts
    assert (body["protocol"], body["recipient"]) == ("application", device)
    assert json.loads(body["body"]) == {"notification": {"title": "Order"}}
    assert headers["x-interstate-key"]


def test_a_delivery_policy_backs_off_then_the_subscriptions_dead_letters_and_the_log_have_it(
    server: ServerProcess, outside: Outside
) -> None:
    sns = server.client("sns")
    feedback = {
        "HTTPSuccessFeedbackRoleArn": ROLE,
        "HTTPSuccessFeedbackSampleRate": "100",
        "HTTPFailureFeedbackRoleArn": ROLE,
    }
    topic = sns.create_topic(Name="orders", Attributes=feedback)["TopicArn"]
    retries = {"minDelayTarget": 10, "maxDelayTarget": 40, "numRetries": 3, "backoffFunction": "exponential"}
    dead, dead_url = queue(server, "dead")
    attributes = {
        "DeliveryPolicy": json.dumps({"healthyRetryPolicy": retries}),
        "RedrivePolicy": json.dumps({"deadLetterTargetArn": dead}),
    }
    sns.subscribe(TopicArn=topic, Protocol="http", Endpoint=outside.url, Attributes=attributes)
    advance(server, "1s")
    sns.confirm_subscription(TopicArn=topic, Token=outside.posts.pop()[1]["Token"])
    outside.statuses[:] = [503] * 4
    lost = sns.publish(TopicArn=topic, Message="lost")["MessageId"]
    counts = []
    for _ in range(10):
        advance(server, "10s")
        counts.append(len(outside.posts))
    assert counts[0] <= 2
    assert counts[-1] == 4, "one and three more"
    assert counts.index(4) >= 5, "each waits longer than the one before, 10 to 40 s"
    (letter,) = received(server, dead_url)
    assert json.loads(letter["Body"])["MessageId"] == lost
    told = sns.publish(TopicArn=topic, Message="told")["MessageId"]
    advance(server, "1s")
    logs = server.client("logs")
    for group, message_id, status, code in (
        ("sns/us-east-1/000000000000/orders/Failure", lost, "FAILURE", 503),
        ("sns/us-east-1/000000000000/orders", told, "SUCCESS", 200),
    ):
        (event,) = logs.filter_log_events(logGroupName=group)["events"]
        line = json.loads(event["message"])
        assert (line["notification"]["messageId"], line["status"]) == (message_id, status)
        assert (line["delivery"]["destination"], line["delivery"]["statusCode"]) == (outside.url, code)


def test_a_fifo_topic_tells_its_archive_again_in_order(server: ServerProcess) -> None:
    sns = server.client("sns")
    attributes = {
        "FifoTopic": "true",
        "ContentBasedDeduplication": "true",
        "ArchivePolicy": json.dumps({"MessageRetentionPeriod": "30"}),
    }
    topic = sns.create_topic(Name="orders.fifo", Attributes=attributes)["TopicArn"]
    for number in range(5):
        sns.publish(TopicArn=topic, Message=str(number), MessageGroupId="g")
        advance(server, "1m")
    arn, url = queue(server, "late.fifo", FifoQueue="true")
    start = sns.get_topic_attributes(TopicArn=topic)["Attributes"]["BeginningArchiveTime"]
    policy = {"PointType": "Timestamp", "StartingPoint": start}
    subscription = sns.subscribe(
        TopicArn=topic,
        Protocol="sqs",
        Endpoint=arn,
        Attributes={"ReplayPolicy": json.dumps(policy)},
        ReturnSubscriptionArn=True,
    )["SubscriptionArn"]
    advance(server, "1m")
    bodies = [json.loads(message["Body"]) for message in received(server, url)]
    assert [(body["Message"], body["Replayed"]) for body in bodies] == [(str(number), True) for number in range(5)]
    shown = sns.get_subscription_attributes(SubscriptionArn=subscription)["Attributes"]
    assert json.loads(shown["ReplayPolicy"]) == policy
    assert "Completed" in shown["ReplayStatus"]
