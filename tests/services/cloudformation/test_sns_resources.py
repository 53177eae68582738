"""Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/AWS_SNS.html"""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/logs"
TOPIC = "arn:aws:sns:us-east-1:000000000000:orders.fifo"


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def template(logging: list[dict[str, str]], *, with_policy: bool) -> str:
    properties = {"TopicName": "orders.fifo", "FifoTopic": True, "ContentBasedDeduplication": True}
    topic = {"Type": "AWS::SNS::Topic", "Properties": {**properties, "DeliveryStatusLogging": logging}}
    statement = {"Sid": "mine", "Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    document = {"Version": "2012-10-17", "Statement": [statement]}
    policy = {"Type": "AWS::SNS::TopicPolicy", "Properties": {"Topics": [{"Ref": "T"}], "PolicyDocument": document}}
    return json.dumps({"Resources": {"T": topic, **({"P": policy} if with_policy else {})}})


def attributes(world: World) -> dict[str, Any]:
    world.run_until_idle()
    found: dict[str, Any] = world.call("sns", "GetTopicAttributes", {"TopicArn": TOPIC})["Attributes"]
    return found


def test_a_fifo_topic_its_logging_and_its_policy_come_and_go(world: World) -> None:
    logging = [{"Protocol": "http/s", "SuccessFeedbackRoleArn": ROLE, "SuccessFeedbackSampleRate": "5"}]
    request = {"StackName": "shop", "TemplateBody": template(logging, with_policy=True)}
    world.call("cloudformation", "CreateStack", request)
    made = attributes(world)
    assert (made["FifoTopic"], made["ContentBasedDeduplication"]) == ("true", "true")
    assert (made["HTTPSuccessFeedbackRoleArn"], made["HTTPSuccessFeedbackSampleRate"]) == (ROLE, "5")
    assert json.loads(made["Policy"])["Statement"][0]["Sid"] == "mine"
    request = {"StackName": "shop", "TemplateBody": template([], with_policy=False)}
    world.call("cloudformation", "UpdateStack", request)
    changed = attributes(world)
    assert "HTTPSuccessFeedbackRoleArn" not in changed
    assert json.loads(changed["Policy"])["Statement"][0]["Sid"] == "__default_statement_ID"
