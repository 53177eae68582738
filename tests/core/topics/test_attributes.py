import pytest

from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.core.topics.attributes import (
    check_endpoint,
    check_subscription_attribute,
    check_topic_attribute,
    check_topic_name,
    dead_letter_target,
)
from interstate.core.topics.errors import InvalidParameterException

QUEUE = "arn:aws:sqs:us-east-1:000000000000:q"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "주문", "a\n"])
def test_what_is_no_topic_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameterException, match="Invalid parameter: Topic Name"):
        check_topic_name(name)


def test_fifo_topics_are_refused_by_name() -> None:
    with pytest.raises(NotImplementedHere, match="FIFO topics"):
        check_topic_name("orders.fifo")
    with pytest.raises(NotImplementedHere, match="FIFO topics"):
        check_topic_attribute("FifoTopic", "true")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DisplayName", "Orders"),
        ("FifoTopic", "false"),
        ("DeliveryPolicy", ""),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 1}}}'),
        ("MaximumMessageSize", "1048576"),
        ("Policy", "{}"),
        ("Policy", ""),
        ("SQSSuccessFeedbackRoleArn", "arn"),
        ("LambdaFailureFeedbackRoleArn", "arn"),
    ],
)
def test_a_topic_can_have_these(name: str, value: str) -> None:
    check_topic_attribute(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Nonsense", "1"),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "large"),
        ("Policy", "nonsense"),
        ("Policy", "[]"),
        ("ContentBasedDeduplication", "true"),
        ("DeliveryPolicy", "nonsense"),
    ],
)
def test_a_topic_cannot_have_those(name: str, value: str) -> None:
    with pytest.raises(InvalidParameterException):
        check_topic_attribute(name, value)


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
    assert check_endpoint(protocol, endpoint) == endpoint


@pytest.mark.parametrize(
    ("protocol", "endpoint", "fault"),
    [
        ("sqs", "http://localhost/q", "Invalid parameter: SQS endpoint ARN"),
        ("sqs", QUEUE + ".fifo", "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed"),
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
        check_endpoint(protocol, endpoint)
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
        ("SubscriptionRoleArn", "arn", "sqs", "do not have it"),
        ("Nonsense", "1", "sqs", "Invalid parameter: AttributeName"),
    ],
)
def test_a_subscription_cannot_have_those(name: str, value: str, protocol: str, fault: str) -> None:
    with pytest.raises(InvalidParameterException, match=fault):
        check_subscription_attribute(name, value, protocol, "MessageAttributes")


def test_nested_filters_are_for_bodies() -> None:
    check_subscription_attribute("FilterPolicy", '{"a": {"b": ["c"]}}', "sqs", "MessageBody")


def test_a_redrive_policy_names_a_queue() -> None:
    assert dead_letter_target(f'{{"deadLetterTargetArn": "{QUEUE}"}}') == QUEUE
