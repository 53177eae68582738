"""Topics, queues and functions of different accounts and regions, each asked for its own policy.

Sources: https://docs.aws.amazon.com/sns/latest/dg/sns-send-message-to-sqs-cross-account.html,
https://docs.aws.amazon.com/sns/latest/dg/sns-cross-region-delivery.html,
https://docs.aws.amazon.com/lambda/latest/dg/with-sns.html (the function's resource policy)
"""

import io
import json
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.runtime.testing import World
from interstate.store.records.lambda_ import Invocation, InvocationResult

TOPIC = "arn:aws:sns:us-east-1:000000000000:news"
THERE = Caller("111111111111", "eu-west-1")
QUEUE = "arn:aws:sqs:eu-west-1:111111111111:inbox"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:Hear"


class Places:
    def __init__(self) -> None:
        self.heard: list[Invocation] = []
        performers = {"lambda.invoke": self._hear, "lambda.prepare": lambda _key, _body: None}
        self.world = World(performers=performers)
        self.world.call("sns", "CreateTopic", {"Name": "news"})

    def _hear(self, _key: str, body: Invocation) -> InvocationResult:
        self.heard.append(body)
        return InvocationResult("null")

    def publish(self) -> None:
        self.world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "hello"})
        self.world.run_due()


@pytest.fixture
def places() -> Iterator[Places]:
    places = Places()
    yield places
    places.world.close()


@pytest.mark.parametrize(("source", "arrives"), [(None, 0), (TOPIC, 1), (f"{TOPIC}2", 0)])
def test_a_function_hears_a_topic_that_its_policy_names(places: Places, source: str | None, arrives: int) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("app.py", "def handler(event, context): pass")
    function = {"FunctionName": "Hear", "Runtime": "python3.12", "Role": "arn:aws:iam::000000000000:role/r"}
    code = {"Handler": "app.handler", "Code": {"ZipFile": content.getvalue()}}
    places.world.call("lambda", "CreateFunction", {**function, **code})
    if source is not None:
        permission = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "sns.amazonaws.com"}
        places.world.call("lambda", "AddPermission", {"FunctionName": "Hear", "SourceArn": source, **permission})
    places.world.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "lambda", "Endpoint": FUNCTION})
    places.publish()
    assert len(places.heard) == arrives
    if arrives:
        event: Any = json.loads(places.heard[0].payload)
        assert event["Records"][0]["Sns"]["Message"] == "hello"


@pytest.mark.parametrize("permitted", [True, False])
def test_a_queue_of_another_account_and_region_hears_a_topic(places: Places, permitted: bool) -> None:
    world = places.world
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "sns.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": QUEUE,
        "Condition": {"ArnEquals": {"aws:SourceArn": TOPIC if permitted else f"{TOPIC}2"}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    world.call("sqs", "CreateQueue", {"QueueName": "inbox", "Attributes": {"Policy": policy}}, caller=THERE)
    world.call("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE})
    places.publish()
    world.run_due()
    request = {"QueueUrl": "http://localhost/111111111111/inbox"}
    messages = world.call("sqs", "ReceiveMessage", request, caller=THERE).get("Messages", [])
    confirmed = [message for message in messages if json.loads(message["Body"])["Type"] == "Notification"]
    assert len(confirmed) == permitted
