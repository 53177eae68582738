"""Refusals in the words that users of AWS have published; each names where."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.topics.attributes import default_policy
from interstate.runtime.testing import World
from interstate.services import sns

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
ELSEWHERE = Caller("000000000000", "eu-west-1")


@pytest.fixture
def world() -> Iterator[World]:
    world = World((sns.SERVICE, sns.INTERSTATE))
    world.call("sns", "CreateTopic", {"Name": "orders"})
    yield world
    world.close()


def refused(world: World, operation: str, request: dict[str, Any], caller: Caller | None = None) -> tuple[str, str]:
    with pytest.raises(ServiceError) as caught:
        world.call("sns", operation, request, caller=caller)
    return caught.value.code, caught.value.message


ELSEWHERE_REFUSED = [
    # Source: https://github.com/mozilla/security/issues/8
    ("Publish", {"TopicArn": TOPIC, "Message": "x"}, "TopicArn"),
    # Source: https://github.com/bluesentry/bucket-antivirus-function/issues/99
    ("Publish", {"TargetArn": TOPIC, "Message": "x"}, "TargetArn"),
    # Source: https://github.com/sysdiglabs/terraform-aws-secure-for-cloud/issues/105
    ("Subscribe", {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE}, "TopicArn"),
    ("GetTopicAttributes", {"TopicArn": TOPIC}, "TopicArn"),
    ("GetTopicAttributes", {"TopicArn": f"{TOPIC}-not-there"}, "TopicArn"),
    # Source: https://github.com/aws/aws-sdk-ruby/issues/523
    ("ConfirmSubscription", {"TopicArn": TOPIC, "Token": "x"}, "Topic"),
]


@pytest.mark.parametrize(("operation", "request_", "parameter"), ELSEWHERE_REFUSED)
def test_a_topic_of_another_region_is_an_invalid_parameter(
    world: World, operation: str, request_: dict[str, Any], parameter: str
) -> None:
    wanted = ("InvalidParameterException", f"Invalid parameter: {parameter}")
    assert refused(world, operation, request_, ELSEWHERE) == wanted


def test_a_target_that_is_no_arn_is_told_as_one(world: World) -> None:
    """Source: https://github.com/bluesentry/bucket-antivirus-function/issues/99 (the parameter's own name)."""
    assert refused(world, "Publish", {"TargetArn": "x", "Message": "x"})[1] == (
        "Invalid parameter: TargetArn Reason: An ARN must have at least 6 elements, not 1"
    )


def test_the_right_to_receive_can_be_given(world: World) -> None:
    """Source: https://github.com/aws/aws-cli/issues/3143 (what is taken there, and what is not)."""
    shared = {"TopicArn": TOPIC, "AWSAccountId": ["111111111111"], "Label": "a"}
    actions = ["Subscribe", "ListSubscriptionsByTopic", "Receive"]
    world.call("sns", "AddPermission", {**shared, "ActionName": actions})
    request = {**shared, "Label": "b", "ActionName": [*actions, "SetSubscriptionAttributes"]}
    assert (
        refused(world, "AddPermission", request)[1]
        == "Invalid parameter: Policy statement action out of service scope!"
    )


def test_the_default_policy_takes_a_policy_back(world: World) -> None:
    """Its owner is asked for nothing then. Source: SNS API Reference, GetTopicAttributes (Policy)."""
    named = {"TopicArn": TOPIC, "AttributeName": "Policy"}
    deny = {"Effect": "Deny", "Principal": "*", "Action": "sns:Publish", "Resource": TOPIC}
    world.call("sns", "SetTopicAttributes", {**named, "AttributeValue": json.dumps({"Statement": deny})})
    assert refused(world, "Publish", {"TopicArn": TOPIC, "Message": "x"})[0] == "AuthorizationErrorException"
    world.call("sns", "SetTopicAttributes", {**named, "AttributeValue": json.dumps(default_policy(TOPIC))})
    world.call("sns", "Publish", {"TopicArn": TOPIC, "Message": "x"})
    shown = world.call("sns", "GetTopicAttributes", {"TopicArn": TOPIC})["Attributes"]["Policy"]
    assert json.loads(shown) == default_policy(TOPIC)


@pytest.mark.parametrize(
    ("first", "again", "same"),
    [
        ({}, {"RawMessageDelivery": "false"}, True),
        ({"RawMessageDelivery": "True"}, {"RawMessageDelivery": "true"}, True),
        ({"RawMessageDelivery": "true"}, {}, True),
        ({"FilterPolicy": '{"a": ["b"]}'}, {"FilterPolicyScope": "MessageAttributes"}, True),
        ({}, {"RawMessageDelivery": "true"}, False),
        ({"RawMessageDelivery": "true"}, {"RawMessageDelivery": "false"}, False),
    ],
)
def test_a_subscription_again_has_the_attributes_that_it_has(
    world: World, first: dict[str, str], again: dict[str, str], *, same: bool
) -> None:
    """Source: SNS API Reference, Subscribe; https://github.com/anomalyco/sst/issues/4259 (the words)."""
    request = {"TopicArn": TOPIC, "Protocol": "sqs", "Endpoint": QUEUE}
    told = world.call("sns", "Subscribe", {**request, "Attributes": first})
    if same:
        assert world.call("sns", "Subscribe", {**request, "Attributes": again}) == told
    else:
        words = "Invalid parameter: Attributes Reason: Subscription already exists with different attributes"
        assert refused(world, "Subscribe", {**request, "Attributes": again})[1] == words


def test_a_device_needs_a_text_for_its_platform_or_a_default(world: World) -> None:
    """Source: https://github.com/evanshortiss/sns-mobile/issues/6."""
    application = world.call(
        "sns",
        "CreatePlatformApplication",
        {"Name": "a", "Platform": "APNS_SANDBOX", "Attributes": {"PlatformCredential": "x"}},
    )["PlatformApplicationArn"]
    request = {"PlatformApplicationArn": application, "Token": "t"}
    device = world.call("sns", "CreatePlatformEndpoint", request)["EndpointArn"]
    push = {"TargetArn": device, "MessageStructure": "json"}
    assert refused(world, "Publish", {**push, "Message": '{"GCM": "x"}'})[1] == (
        "Invalid parameter: JSON must contain an entry for 'default' or 'APNS_SANDBOX'."
    )
    world.call("sns", "Publish", {**push, "Message": '{"APNS_SANDBOX": "mine"}'})
    world.run_due()
    (mail,) = world.call("interstate", "ListMail", {})["mails"]
    assert mail["body"] == "mine"
