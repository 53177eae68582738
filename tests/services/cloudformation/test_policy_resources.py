"""Policies of queues and topics."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.runtime.testing import World

TOPIC = "arn:aws:sns:us-east-1:000000000000:"
KINDS = [
    pytest.param("SQS", "Queue", "QueuePolicy", "Queues", id="queues"),
    pytest.param("SNS", "Topic", "TopicPolicy", "Topics", id="topics"),
]


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def document(service: str) -> dict[str, Any]:
    statement = {"Sid": "mine", "Effect": "Allow", "Principal": "*", "Action": f"{service.lower()}:*", "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def policy_of(world: World, service: str, name: str) -> str:
    """The first statement's id, or nothing."""
    if service == "SQS":
        url = world.call("sqs", "GetQueueUrl", {"QueueName": name})["QueueUrl"]
        answer = world.call("sqs", "GetQueueAttributes", {"QueueUrl": url, "AttributeNames": ["Policy"]})
    else:
        answer = world.call("sns", "GetTopicAttributes", {"TopicArn": f"{TOPIC}{name}"})
    policy = (answer or {}).get("Attributes", {}).get("Policy")
    return "" if policy is None else str(json.loads(policy)["Statement"][0]["Sid"])


def deploy(world: World, operation: str, resources: dict[str, Any]) -> str:
    template = json.dumps({"Resources": resources})
    world.call("cloudformation", operation, {"StackName": "shop", "TemplateBody": template})
    world.run_until_idle()
    (stack,) = world.call("cloudformation", "DescribeStacks", {"StackName": "shop"})["Stacks"]
    return str(stack["StackStatus"])


@pytest.mark.parametrize(("service", "owner", "policy", "owners"), KINDS)
def test_who_leaves_the_list_of_a_policy_has_the_default_one_again(
    world: World, service: str, owner: str, policy: str, owners: str
) -> None:
    named = {
        name: {"Type": f"AWS::{service}::{owner}", "Properties": {f"{owner}Name": name}} for name in ("One", "Two")
    }

    def listing(*names: str) -> dict[str, Any]:
        properties = {owners: [{"Ref": name} for name in names], "PolicyDocument": document(service)}
        return {**named, "P": {"Type": f"AWS::{service}::{policy}", "Properties": properties}}

    assert deploy(world, "CreateStack", listing("One", "Two")) == "CREATE_COMPLETE"
    assert [policy_of(world, service, name) for name in named] == ["mine", "mine"]
    assert deploy(world, "UpdateStack", listing("Two")) == "UPDATE_COMPLETE"
    assert (policy_of(world, service, "One") != "mine", policy_of(world, service, "Two")) == (True, "mine")
    assert deploy(world, "UpdateStack", dict(named)) == "UPDATE_COMPLETE"
    assert policy_of(world, service, "Two") != "mine"


@pytest.mark.parametrize(("service", "owner", "policy", "owners"), KINDS)
def test_a_policy_goes_when_its_owner_was_deleted_by_somebody_else(
    world: World, service: str, owner: str, policy: str, owners: str
) -> None:
    one = {"Type": f"AWS::{service}::{owner}", "Properties": {f"{owner}Name": "One"}}
    properties = {owners: [{"Ref": "One"}], "PolicyDocument": document(service)}
    resources = {"One": one, "P": {"Type": f"AWS::{service}::{policy}", "Properties": properties}}
    assert deploy(world, "CreateStack", resources) == "CREATE_COMPLETE"
    if service == "SQS":
        world.call(
            "sqs", "DeleteQueue", {"QueueUrl": world.call("sqs", "GetQueueUrl", {"QueueName": "One"})["QueueUrl"]}
        )
    else:
        world.call("sns", "DeleteTopic", {"TopicArn": f"{TOPIC}One"})
    world.run_until_idle()
    assert deploy(world, "UpdateStack", {"One": one}) == "UPDATE_COMPLETE"


@pytest.mark.parametrize(
    ("service", "owner", "policy", "property_"),
    [("SQS", "Queue", "QueueInlinePolicy", "Queue"), ("SNS", "Topic", "TopicInlinePolicy", "TopicArn")],
)
def test_a_policy_of_one_owner_is_changed_and_goes(
    world: World, service: str, owner: str, policy: str, property_: str
) -> None:
    one = {"Type": f"AWS::{service}::{owner}", "Properties": {f"{owner}Name": "One"}}

    def with_policy(sid: str) -> dict[str, Any]:
        given = document(service)
        given["Statement"][0]["Sid"] = sid
        properties = {property_: {"Ref": "One"}, "PolicyDocument": given}
        return {"One": one, "P": {"Type": f"AWS::{service}::{policy}", "Properties": properties}}

    assert deploy(world, "CreateStack", with_policy("first")) == "CREATE_COMPLETE"
    assert policy_of(world, service, "One") == "first"
    assert deploy(world, "UpdateStack", with_policy("second")) == "UPDATE_COMPLETE"
    assert policy_of(world, service, "One") == "second"
    assert deploy(world, "UpdateStack", {"One": one}) == "UPDATE_COMPLETE"
    assert policy_of(world, service, "One") not in {"first", "second"}
