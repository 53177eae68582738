import pytest

from interstate.core.topics.attributes import (
    archive_retention,
    check_topic_attribute,
    check_topic_name,
    feedback,
    sample_rate,
)
from interstate.core.topics.errors import InvalidParameterException


@pytest.mark.parametrize("name", ["", "a b", "x" * 257, "주문", "a\n", "orders.fifo"])
def test_what_is_no_topic_name_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameterException, match="Invalid parameter: Topic Name"):
        check_topic_name(name, fifo=False)


@pytest.mark.parametrize("name", ["", "orders", ".fifo", "a b.fifo", "x" * 252 + ".fifo"])
def test_the_name_of_a_fifo_topic_ends_in_fifo(name: str) -> None:
    with pytest.raises(InvalidParameterException, match=r"Fifo Topic names must end with \.fifo"):
        check_topic_name(name, fifo=True)
    check_topic_name("x" * 251 + ".fifo", fifo=True)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DisplayName", "Orders"),
        ("FifoTopic", "false"),
        ("DeliveryPolicy", ""),
        ("DeliveryPolicy", '{"http": {"defaultHealthyRetryPolicy": {"numRetries": 1}}}'),
        ("KmsMasterKeyId", "alias/aws/sns"),
        ("MaximumMessageSize", "1048576"),
        ("Policy", "{}"),
        ("Policy", ""),
        ("SQSSuccessFeedbackRoleArn", "arn"),
        ("SQSSuccessFeedbackSampleRate", "100"),
        ("LambdaFailureFeedbackRoleArn", "arn"),
        ("SignatureVersion", "2"),
        ("TracingConfig", "Active"),
    ],
)
def test_a_topic_can_have_these(name: str, value: str) -> None:
    check_topic_attribute(name, value, fifo=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ArchivePolicy", '{"MessageRetentionPeriod": "30"}'),
        ("ContentBasedDeduplication", "true"),
        ("FifoThroughputScope", "MessageGroup"),
        ("FifoThroughputScope", "Topic"),
    ],
)
def test_only_a_fifo_topic_can_have_these(name: str, value: str) -> None:
    check_topic_attribute(name, value, fifo=True)
    with pytest.raises(InvalidParameterException, match="Invalid parameter: AttributeName"):
        check_topic_attribute(name, value, fifo=False)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Nonsense", "1"),
        ("DisplayName", "x" * 101),
        ("MaximumMessageSize", "1023"),
        ("MaximumMessageSize", "large"),
        ("Policy", "nonsense"),
        ("Policy", "[]"),
        ("DeliveryPolicy", "nonsense"),
        ("SignatureVersion", "3"),
        ("TracingConfig", "Passive"),
        ("FifoTopic", "maybe"),
        ("FifoThroughputScope", "Queue"),
        ("ContentBasedDeduplication", "maybe"),
        ("SQSSuccessFeedbackSampleRate", "101"),
        ("ArchivePolicy", '{"MessageRetentionPeriod": 366}'),
        ("ArchivePolicy", '{"Other": 1}'),
    ],
)
def test_a_topic_cannot_have_those(name: str, value: str) -> None:
    with pytest.raises(InvalidParameterException):
        check_topic_attribute(name, value, fifo=True)


def test_an_empty_archive_policy_keeps_nothing() -> None:
    assert archive_retention("{}") is None


def test_only_protocols_with_a_role_are_logged() -> None:
    attributes = {
        "HTTPFailureFeedbackRoleArn": "arn",
        "SQSSuccessFeedbackRoleArn": "arn",
        "SQSSuccessFeedbackSampleRate": "7",
    }
    assert feedback(attributes, "https", delivered=False)
    assert not feedback(attributes, "https", delivered=True)
    assert not feedback(attributes, "email", delivered=True)
    assert (sample_rate(attributes, "sqs"), sample_rate(attributes, "lambda")) == (7, 0)
