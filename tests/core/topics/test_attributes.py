import pytest

from interstate.core.topics.attributes import (
    archive_retention,
    check_topic_attribute,
    check_topic_name,
    feedback,
    sample_rate,
)
from interstate.core.topics.errors import InvalidParameterException

ALLOWS = '{"Effect": "Allow", "Principal": "*", "Action": "sns:Publish", "Resource": "*"}'


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
        ("Policy", f'{{"Statement": {ALLOWS}}}'),
        ("Policy", f'{{"Statement": [{ALLOWS}]}}'),
        ("Policy", f'{{"Statement": {ALLOWS.replace("Publish", "*")}}}'),
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
        ("Policy", ""),
        ("Policy", "{}"),
        ("Policy", '{"Statement": []}'),
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


WORDS = [
    # Source: https://github.com/aws-solutions/cognito-user-profiles-export-reference-architecture/issues/7
    ("DisplayName", "x" * 101, "DisplayName"),
    # Source: https://github.com/aws-controllers-k8s/community/issues/1867
    ("Policy", "", "Policy is empty"),
    # Source: https://github.com/cloud-custodian/cloud-custodian/issues/1779
    ("Policy", '{"Version": "2008-10-17", "Statement": []}', "Policy Error: null"),
    # Source: https://github.com/serverless/serverless/issues/5519
    ("Policy", f'{{"Statement": [{ALLOWS.replace("Principal", "Principle")}]}}', "Policy Error: null"),
    ("Policy", f'{{"Statement": [{ALLOWS.replace("Resource", "Resources")}]}}', "Policy Error: null"),
    ("Policy", f'{{"Statement": [{ALLOWS.replace("Allow", "Permit")}]}}', "Policy Error: null"),
    # Source: https://github.com/hashicorp/terraform/issues/12740
    ("Policy", f'{{"Statement": {ALLOWS.replace("Publish", "CreateTopic")}}}', "Policy statement action out of service scope!"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "message"), WORDS)
def test_a_topic_refuses_in_the_words_that_users_have_published(name: str, value: str, message: str) -> None:
    with pytest.raises(InvalidParameterException) as caught:
        check_topic_attribute(name, value, fifo=False)
    assert caught.value.message == f"Invalid parameter: {message}"
