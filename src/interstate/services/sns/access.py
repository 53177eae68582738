"""Who may use a topic, and what is counted of it."""

from functools import lru_cache

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.core.topics.errors import (
    AuthorizationErrorException,
    InvalidParameterException,
    NotFoundException,
)
from interstate.services.access import is_allowed
from interstate.store.ports import Work
from interstate.store.records.metrics import CountAndSize, MetricKey
from interstate.store.records.sns import TOPICS, Topic

_ARN_PARTS = 6


def topic_at(arn: str, work: Work, action: str, parameter: str = "TopicArn") -> Topic:
    """The topic of an ARN, for a caller who may do ``action`` to it.

    Raises:
        InvalidParameterException: the text is no topic's ARN, or that of another region.
        NotFoundException: there is no such topic.
        AuthorizationErrorException: its policy does not let the caller.

    Source for regions: https://github.com/mozilla/security/issues/8,
    https://github.com/sysdiglabs/terraform-aws-secure-for-cloud/issues/105,
    https://github.com/bluesentry/bucket-antivirus-function/issues/99 (TargetArn).
    """
    topic = work.get(TOPICS, arn)
    if topic is None:
        check_arn(parameter, arn)
    if owner_of(arn).region != work.caller.region:
        raise InvalidParameterException(parameter)
    if topic is None:
        raise NotFoundException
    require(topic, work, action)
    return topic


def check_arn(parameter: str, arn: str) -> None:
    """Whether a text has the form of an SNS ARN.

    Raises:
        InvalidParameterException: it has not.
    """
    parts = arn.split(":")
    if len(parts) < _ARN_PARTS:
        raise InvalidParameterException(
            f"{parameter} Reason: An ARN must have at least {_ARN_PARTS} elements, not {len(parts)}"
        )
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sns":
        raise InvalidParameterException(parameter)


def require(topic: Topic, work: Work, action: str) -> None:
    """Ask the topic's policy.

    Raises:
        AuthorizationErrorException: it does not let the caller.
    """
    caller = work.caller
    policy = topic.attributes.get("Policy")
    if policy is None and not caller.service and caller.account == owner_of(topic.arn).account:
        return  # The default policy allows its owner everything.
    if not is_allowed(policy, caller, action=f"sns:{action}", resource=topic.arn, now=work.now):
        principal = caller.service or f"arn:aws:iam::{caller.account}:root"
        raise AuthorizationErrorException(principal, f"SNS:{action}", topic.arn)


@lru_cache(maxsize=4096)
def owner_of(arn: str) -> Caller:
    """The account and region of an ARN."""
    return caller_of(arn)


@lru_cache(maxsize=4096)
def _dimensions(topic: str) -> tuple[tuple[str, str], ...]:
    return (("TopicName", topic.rsplit(":", 1)[-1]),)


def measure(topic: str, name: str, work: Work, value: float = 1.0, unit: str = "Count") -> None:
    """Count for a topic in ``AWS/SNS``.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-monitoring-using-cloudwatch.html
    """
    work.measure("AWS/SNS", name, _dimensions(topic), value, unit, caller=owner_of(topic))


def measure_all(topic: str, name: str, work: Work, count: int) -> None:
    """Count some of one kind (at least one) for a topic."""
    work.tally((_series(topic, name),), 1.0, count)


@lru_cache(maxsize=4096)
def published(topic: str) -> CountAndSize:
    """The series of what a topic takes: how many messages, and how large."""
    owner, dimensions = owner_of(topic), _dimensions(topic)
    place = (owner.account, owner.region, "AWS/SNS")
    return CountAndSize(
        (*place, "NumberOfMessagesPublished", dimensions, "Count"), (*place, "PublishSize", dimensions, "Bytes")
    )


@lru_cache(maxsize=4096)
def _series(topic: str, name: str) -> MetricKey:
    owner = owner_of(topic)
    return owner.account, owner.region, "AWS/SNS", name, _dimensions(topic), "Count"
