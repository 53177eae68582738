"""Which attributes topics have, and what they may be set to.

Source: SNS API Reference, CreateTopic, SetTopicAttributes.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from interstate.base.arn import caller_of
from interstate.base.json import BrokenJSON, loads
from interstate.base.numbers import whole_number
from interstate.core.policies import PolicyFault, compiled
from interstate.core.topics.delivery_policy import read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException

_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")
_FIFO_NAME = re.compile(r"[A-Za-z0-9_-]{1,251}\.fifo\Z")
_SIZE_RANGE = range(1024, 1_048_577)
_DISPLAY_NAME_MAX = 100
_RETENTION_DAYS = range(
    1, 366
)  # Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-topic-owner.html

_FEEDBACK = re.compile(
    r"(Application|HTTP|Firehose|Lambda|SQS)(SuccessFeedback(RoleArn|SampleRate)|FailureFeedbackRoleArn)\Z"
)
FIFO_SUFFIX = ".fifo"
_FIFO_ONLY = ("ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy")
_FEEDBACK_OF: Mapping[str, str] = {
    "http": "HTTP", "https": "HTTP", "lambda": "Lambda", "sqs": "SQS", "application": "Application",
}  # fmt: skip


def is_fifo(topic: str) -> bool:
    """Whether the name or ARN is a FIFO topic's."""
    return topic.endswith(FIFO_SUFFIX)


def check_topic_name(name: str, *, fifo: bool) -> None:
    """Letters, digits, hyphens, underscores; a FIFO topic's ends in ``.fifo``, and no other does.

    Raises:
        InvalidParameterException: it is no such name.
    """
    if fifo and not _FIFO_NAME.match(name):
        raise InvalidParameterException(
            "Fifo Topic names must end with .fifo and must be made up of only uppercase and lowercase ASCII letters, "
            "numbers, underscores, and hyphens, and must be between 1 and 256 characters long."
        )
    if not fifo and not _NAME.match(name):
        raise InvalidParameterException("Topic Name")


def check_topic_attribute(name: str, value: str, *, fifo: bool) -> None:
    """Whether a topic can have this attribute.

    Raises:
        InvalidParameterException: it cannot.
    """
    check = _CHECKS.get(name)
    if check is not None and (fifo or name not in _FIFO_ONLY):
        check(value)
    elif _FEEDBACK.match(name):
        _check_feedback(name, value)
    else:
        raise InvalidParameterException("AttributeName")


def feedback(attributes: Mapping[str, str], protocol: str, *, delivered: bool) -> bool:
    """Whether the topic has a role for logs of such an end of a delivery."""
    kind = _FEEDBACK_OF.get(protocol)
    return bool(kind and attributes.get(f"{kind}{'Success' if delivered else 'Failure'}FeedbackRoleArn"))


def sample_rate(attributes: Mapping[str, str], protocol: str) -> int:
    """How many of a hundred successes are logged."""
    return whole_number(attributes.get(f"{_FEEDBACK_OF.get(protocol)}SuccessFeedbackSampleRate", "0")) or 0


def _check_feedback(name: str, value: str) -> None:
    if name.endswith("SampleRate") and value and whole_number(value) not in range(101):
        raise InvalidParameterException(f"{name} Reason: must be between 0 and 100")


def _check_fifo(value: str) -> None:
    _one_of("FifoTopic", value, ("true", "false"))


def _check_deduplication(value: str) -> None:
    _one_of("ContentBasedDeduplication", value, ("true", "false"))


def _check_scope(value: str) -> None:
    if value not in ("Topic", "MessageGroup"):
        raise InvalidParameterException(
            f"FifoThroughputScope Reason: Invalid value [{value}]. Must be Topic or MessageGroup."
        )


def _check_tracing(value: str) -> None:
    if value and value not in ("Active", "PassThrough"):
        raise InvalidParameterException(
            f"TracingConfig Reason: Invalid value [{value}]. Must be PassThrough or Active."
        )


def _check_signature_version(value: str) -> None:
    if value and value not in ("1", "2"):
        raise InvalidParameterException(f"SignatureVersion Reason: Invalid value [{value}]. Must be 1 or 2.")


def _one_of(name: str, value: str, values: tuple[str, ...]) -> None:
    if value.lower() not in values:
        raise InvalidParameterException(f"{name} Reason: Invalid value [{value}]. Must be {' or '.join(values)}.")


def _check_display_name(value: str) -> None:
    """Source: https://github.com/aws-solutions/cognito-user-profiles-export-reference-architecture/issues/7."""
    if len(value) > _DISPLAY_NAME_MAX:
        raise InvalidParameterException("DisplayName")


def _check_delivery_policy(value: str) -> None:
    if value:
        read_delivery_policy(value)


def _check_size_max(value: str) -> None:
    if whole_number(value) not in _SIZE_RANGE:
        raise InvalidParameterException(
            f"MaximumMessageSize Reason: must be between {_SIZE_RANGE.start} and {_SIZE_RANGE.stop - 1}"
        )


def _check_policy(value: str) -> None:
    """Statements, one at least, that are complete and name actions of topics.

    Source: https://github.com/aws-controllers-k8s/community/issues/1867 (empty),
    https://github.com/cloud-custodian/cloud-custodian/issues/1779 and
    https://github.com/serverless/serverless/issues/5519 (no statements, no principal),
    https://github.com/hashicorp/terraform/issues/12740 (an action that no topic has).
    """
    if not value:
        raise InvalidParameterException("Policy is empty")
    statements = json_object(value, _NO_POLICY).get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    try:
        compiled(value)
    except PolicyFault as error:
        raise InvalidParameterException(_NO_POLICY) from error
    if not isinstance(statements, list) or not statements or not all(map(_is_complete, statements)):
        raise InvalidParameterException(_NO_POLICY)
    for statement in statements:
        named = statement.get("Action", statement.get("NotAction"))
        if not all(map(_is_of_topics, named if isinstance(named, list) else [named])):
            raise InvalidParameterException("Policy statement action out of service scope!")


_NO_POLICY = "Policy Error: null"


def _is_complete(statement: Mapping[str, object]) -> bool:
    return all(name in statement or f"Not{name}" in statement for name in ("Principal", "Action", "Resource"))


# Source: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-language-api-permissions-reference.html (topic policies)
DEFAULT_ACTIONS = (
    "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
    "ListSubscriptionsByTopic", "Publish",
)  # fmt: skip
# ``Receive`` names the right to be told. Source: https://github.com/aws/aws-cli/issues/3143 (what is taken, what is not).
TOPIC_ACTIONS = (
    *DEFAULT_ACTIONS, "Receive", "GetDataProtectionPolicy", "PutDataProtectionPolicy", "ListTagsForResource",
    "TagResource", "UntagResource",
)  # fmt: skip


def default_policy(topic: str) -> dict[str, Any]:
    """The owner of a topic (its ARN) may do everything.

    Source: https://docs.aws.amazon.com/sns/latest/dg/sns-access-policy-use-cases.html
    """
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in DEFAULT_ACTIONS],
                "Resource": topic,
                "Condition": {"StringEquals": {"AWS:SourceOwner": caller_of(topic).account}},
            }
        ],
    }


_OF_TOPICS = frozenset(f"sns:{name}".lower() for name in TOPIC_ACTIONS)


def _is_of_topics(action: object) -> bool:
    """Wildcards and other services' actions are not looked at."""
    name = str(action).lower()
    return name in _OF_TOPICS or not name.startswith("sns:") or bool({"*", "?"} & {*name})


def _check_archive(value: str) -> None:
    if value:
        archive_retention(value)


def archive_retention(policy: str) -> timedelta | None:
    """How long a topic keeps what was published: ``{"MessageRetentionPeriod": "30"}`` in days; None for ``{}``.

    Raises:
        InvalidParameterException: it is no such policy.
    """
    found = json_object(policy, "ArchivePolicy: failed to parse JSON")
    if not found:
        return None
    days = found.get("MessageRetentionPeriod")
    number = days if isinstance(days, int) else whole_number(str(days))
    if set(found) != {"MessageRetentionPeriod"} or number not in _RETENTION_DAYS:
        raise InvalidParameterException(
            f"ArchivePolicy: MessageRetentionPeriod must be between {_RETENTION_DAYS.start} and {_RETENTION_DAYS.stop - 1}"
        )
    return timedelta(days=number or 0)


def _any(_value: str) -> None:
    """Stored and shown again."""


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "ArchivePolicy": _check_archive,
    "ContentBasedDeduplication": _check_deduplication,
    "DeliveryPolicy": _check_delivery_policy,
    "DisplayName": _check_display_name,
    "FifoThroughputScope": _check_scope,
    "FifoTopic": _check_fifo,
    "KmsMasterKeyId": _any,
    "MaximumMessageSize": _check_size_max,
    "Policy": _check_policy,
    "SignatureVersion": _check_signature_version,
    "TracingConfig": _check_tracing,
}


def json_object(text: str, fault: str) -> dict[str, object]:
    """A JSON object.

    Raises:
        InvalidParameterException: it is none, in the words of ``fault``.
    """
    try:
        found = loads(text)
    except BrokenJSON:
        raise InvalidParameterException(fault) from None
    if not isinstance(found, dict):
        raise InvalidParameterException(fault)
    return found
