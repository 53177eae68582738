from datetime import UTC, datetime

import pytest

from interstate.base.errors import ServiceError
from interstate.core.topics.errors import InvalidParameterException
from interstate.core.topics.subscribing import (
    ReplayWindow,
    check_endpoint,
    check_subscription_attribute,
    dead_letter_target,
    read_replay,
)

TOPIC = "arn:aws:sns:us-east-1:000000000000:orders"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.mark.parametrize(
    ("protocol", "endpoint"),
    [
        ("sqs", QUEUE),
        ("lambda", FUNCTION),
        ("lambda", FUNCTION + ":live"),
        ("lambda", FUNCTION + ":$LATEST"),
        ("email", "a@example.com"),
        ("email-json", "a@example.com"),
        ("sms", "+821012345678"),
        ("http", "http://localhost:8080/hook"),
        ("https", "https://example.com"),
    ],
)
def test_an_endpoint_fits_its_protocol(protocol: str, endpoint: str) -> None:
    assert check_endpoint(protocol, endpoint, TOPIC) == endpoint


@pytest.mark.parametrize(
    ("protocol", "endpoint", "fault"),
    [
        ("sqs", "http://localhost/q", "Invalid parameter: SQS endpoint ARN"),
        (
            "sqs",
            QUEUE + ".fifo",
            "Invalid parameter: Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed",
        ),
        ("lambda", QUEUE, "Invalid parameter: Lambda endpoint ARN"),
        ("email", "nobody", "Invalid parameter: Email address"),
        ("email", None, "Invalid parameter: Email address"),
        ("http", "https://example.com", "Invalid parameter: Endpoint must match the specified protocol"),
        ("pigeon", "roof", "Invalid parameter: Amazon SNS does not support this protocol string: pigeon"),
        ("firehose", "arn", "Interstate does not implement SNS subscriptions of protocol firehose"),
    ],
)
def test_another_endpoint_is_refused(protocol: str, endpoint: str | None, fault: str) -> None:
    with pytest.raises(ServiceError) as refused:
        check_endpoint(protocol, endpoint, TOPIC)
    assert refused.value.message.startswith(fault)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("RawMessageDelivery", "true"),
        ("FilterPolicyScope", "MessageBody"),
        ("FilterPolicy", '{"kind": ["a"]}'),
        ("FilterPolicy", "{}"),
        ("RedrivePolicy", f'{{"deadLetterTargetArn": "{QUEUE}"}}'),
        ("RedrivePolicy", ""),
        ("DeliveryPolicy", "{}"),
    ],
)
def test_a_subscription_can_have_these(name: str, value: str) -> None:
    check_subscription_attribute(name, value, "sqs", "MessageAttributes")


@pytest.mark.parametrize(
    ("name", "value", "protocol", "fault"),
    [
        ("RawMessageDelivery", "yes", "sqs", "Must be true or false"),
        ("RawMessageDelivery", "true", "lambda", "does not support raw message delivery"),
        ("FilterPolicyScope", "Elsewhere", "sqs", "Please use either MessageBody or MessageAttributes"),
        ("FilterPolicy", "nonsense", "sqs", "Invalid parameter: FilterPolicy: "),
        ("FilterPolicy", '{"a": {"b": ["c"]}}', "sqs", "does not support nested filter policy"),
        ("RedrivePolicy", "{}", "sqs", "deadLetterTargetArn is an invalid arn"),
        ("RedrivePolicy", "nonsense", "sqs", "RedrivePolicy: failed to parse JSON"),
        ("SubscriptionRoleArn", "arn", "sqs", "it is no ARN"),
        ("ReplayPolicy", '{"PointType": "Offset"}', "sqs", "PointType must be Timestamp"),
        ("ReplayPolicy", '{"PointType": "Timestamp"}', "sqs", "StartingPoint is missing"),
        ("ReplayPolicy", '{"PointType": "Timestamp", "StartingPoint": "noon"}', "sqs", "must be a timestamp"),
        ("Nonsense", "1", "sqs", "Invalid parameter: AttributeName"),
    ],
)
def test_a_subscription_cannot_have_those(name: str, value: str, protocol: str, fault: str) -> None:
    with pytest.raises(InvalidParameterException, match=fault):
        check_subscription_attribute(name, value, protocol, "MessageAttributes")


def test_nested_filters_are_for_bodies() -> None:
    check_subscription_attribute("FilterPolicy", '{"a": {"b": ["c"]}}', "sqs", "MessageBody")


def test_a_redrive_policy_says_nothing_else() -> None:
    """Source: https://github.com/ministryofjustice/cloud-platform-environments/pull/11520."""
    fault = "Invalid parameter: RedrivePolicy: invalid JSON. Attribute maxReceiveCount is unknown."
    policy = f'{{"deadLetterTargetArn": "{QUEUE}", "maxReceiveCount": 3}}'
    with pytest.raises(InvalidParameterException) as refused:
        check_subscription_attribute("RedrivePolicy", policy, "sqs", "MessageAttributes")
    assert refused.value.message == fault


def test_a_redrive_policy_names_a_queue() -> None:
    assert dead_letter_target(f'{{"deadLetterTargetArn": "{QUEUE}"}}') == QUEUE


def test_a_fifo_topic_is_for_queues() -> None:
    assert check_endpoint("sqs", QUEUE + ".fifo", TOPIC + ".fifo") == QUEUE + ".fifo"
    assert check_endpoint("sqs", QUEUE, TOPIC + ".fifo") == QUEUE
    with pytest.raises(InvalidParameterException, match="Invalid parameter: Invalid protocol type: lambda"):
        check_endpoint("lambda", FUNCTION, TOPIC + ".fifo")


def test_a_replay_has_a_window() -> None:
    start, end = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
    policy = f'{{"PointType": "Timestamp", "StartingPoint": "{start}", "EndingPoint": "{end}"}}'
    assert read_replay(policy) == ReplayWindow(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC))
    with pytest.raises(InvalidParameterException, match="EndingPoint must be after StartingPoint"):
        read_replay(policy.replace(end, start))
