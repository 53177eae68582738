"""Which attributes topics and subscriptions have, and what they may be set to.

Source: SNS API Reference, SetTopicAttributes, SetSubscriptionAttributes.
"""

import re
from collections.abc import Callable, Mapping

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.json import BrokenJSON, loads
from interstate.base.numbers import whole_number
from interstate.core.patterns import PatternError
from interstate.core.patterns.policy import Scope, parse_filter_policy
from interstate.core.topics.delivery_policy import read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException

_TOPIC_NAME = re.compile(r"[A-Za-z0-9_-]{1,256}\Z")
_SIZE_RANGE = range(1024, 1_048_577)

# Stored and shown again; nothing else happens by them.
_STORED = {"DisplayName", "Policy", "KmsMasterKeyId", "TracingConfig", "SignatureVersion", "DataProtectionPolicy"}
_FEEDBACK = re.compile(
    r"(Application|HTTP|Firehose|Lambda|SQS)(SuccessFeedback(RoleArn|SampleRate)|FailureFeedbackRoleArn)\Z"
)
_FIFO_ONLY = {"ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy"}

PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "lambda")
_NOT_HERE = ("application", "firehose")
_HTTP = ("http", "https")
_ENDPOINTS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "http": (re.compile(r"http://[^\s/]+\S*\Z"), "Endpoint must match the specified protocol"),
    "https": (re.compile(r"https://[^\s/]+\S*\Z"), "Endpoint must match the specified protocol"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\Z"), "Email address"),
    "email-json": (re.compile(r"[^@\s]+@[^@\s]+\Z"), "Email address"),
    "sms": (re.compile(r"\+?[0-9 ()-]{5,20}\Z"), "Invalid SMS endpoint"),
    "sqs": (re.compile(r"arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+\Z"), "SQS endpoint ARN"),
    "lambda": (
        re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[$A-Za-z0-9_-]+)?\Z"),
        "Lambda endpoint ARN",
    ),
}


def check_topic_name(name: str) -> None:
    """Letters, digits, hyphens, underscores.

    Raises:
        InvalidParameterException: it is no name.
        NotImplementedHere: it is a FIFO topic's.
    """
    if name.endswith(".fifo"):
        what = "FIFO topics"
        raise NotImplementedHere(what)
    if not _TOPIC_NAME.match(name):
        raise InvalidParameterException("Topic Name")


def check_topic_attribute(name: str, value: str) -> None:
    """Whether a topic can have this attribute.

    Raises:
        InvalidParameterException: it cannot.
        NotImplementedHere: it makes a FIFO topic.
    """
    check = _TOPIC_CHECKS.get(name)
    if check is not None:
        check(value)
    elif name in _FIFO_ONLY:
        raise InvalidParameterException(f"{name} Reason: only FIFO topics have it")
    elif name not in _STORED and not _FEEDBACK.match(name):
        raise InvalidParameterException("AttributeName")


def _check_fifo(value: str) -> None:
    if value.lower() == "true":
        what = "FIFO topics"
        raise NotImplementedHere(what)


def _check_delivery_policy(value: str) -> None:
    if value:
        read_delivery_policy(value)


def _check_size_max(value: str) -> None:
    if whole_number(value) not in _SIZE_RANGE:
        raise InvalidParameterException(
            f"MaximumMessageSize Reason: must be between {_SIZE_RANGE.start} and {_SIZE_RANGE.stop - 1}"
        )


def _check_policy(value: str) -> None:
    if value:
        _json_object(value, "Policy Error: null")


_TOPIC_CHECKS: Mapping[str, Callable[[str], None]] = {
    "DeliveryPolicy": _check_delivery_policy,
    "FifoTopic": _check_fifo,
    "MaximumMessageSize": _check_size_max,
    "Policy": _check_policy,
}


def check_endpoint(protocol: str, endpoint: str | None) -> str:
    """An endpoint that its protocol can reach.

    Raises:
        InvalidParameterException: protocol or endpoint are none.
        NotImplementedHere: mobile push or Firehose.
    """
    if protocol in _NOT_HERE:
        raise NotImplementedHere(f"SNS subscriptions of protocol {protocol}")
    if protocol not in PROTOCOLS:
        raise InvalidParameterException(f"Amazon SNS does not support this protocol string: {protocol}")
    pattern, fault = _ENDPOINTS[protocol]
    if not endpoint or not pattern.match(endpoint):
        raise InvalidParameterException(fault)
    if endpoint.endswith(".fifo"):
        raise InvalidParameterException("Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics")
    return endpoint


def check_subscription_attribute(name: str, value: str, protocol: str, scope: str) -> None:
    """Whether a subscription can have this attribute; ``scope`` is its FilterPolicyScope.

    Raises:
        InvalidParameterException: it cannot.
    """
    match name:
        case "RawMessageDelivery":
            _check_raw(value, protocol)
        case "FilterPolicyScope":
            if value not in ("MessageAttributes", "MessageBody"):
                raise InvalidParameterException(
                    f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
                )
        case "FilterPolicy":
            check_filter_policy(value, scope)
        case "RedrivePolicy" if value:
            dead_letter_target(value)
        case "DeliveryPolicy":
            _check_delivery_policy(value)
        case "SubscriptionRoleArn" | "ReplayPolicy" | "ReplayStatus":
            raise InvalidParameterException(f"{name} Reason: subscriptions of protocol {protocol} do not have it")
        case "RedrivePolicy":
            return  # An empty one takes the policy back.
        case _:
            raise InvalidParameterException("AttributeName")


def _check_raw(value: str, protocol: str) -> None:
    if value.lower() not in ("true", "false"):
        raise InvalidParameterException(f"RawMessageDelivery Reason: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and protocol not in ("sqs", *_HTTP):
        raise InvalidParameterException(
            f"RawMessageDelivery Reason: Delivery protocol [{protocol}] does not support raw message delivery."
        )


def check_filter_policy(value: str, scope: str) -> None:
    """Whether a filter policy can be read; an empty one takes the filter back.

    Raises:
        InvalidParameterException: it cannot, with the reason.
    """
    if not value or value == "{}":
        return
    try:
        parse_filter_policy(value, read_scope(scope))
    except PatternError as error:
        raise InvalidParameterException(f"FilterPolicy: {error.reason}") from None


def read_scope(text: str) -> Scope:
    """A FilterPolicyScope, by default MessageAttributes."""
    return "MessageBody" if text == "MessageBody" else "MessageAttributes"


def dead_letter_target(policy: str) -> str:
    """The queue of a redrive policy: ``{"deadLetterTargetArn": "arn:aws:sqs:..."}``.

    Raises:
        InvalidParameterException: it names none.
    """
    found = _json_object(policy, "RedrivePolicy: failed to parse JSON")
    target = found.get("deadLetterTargetArn")
    arn = parse_arn(target) if isinstance(target, str) else None
    if arn is None or arn.service != "sqs":
        raise InvalidParameterException("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return str(arn)


def _json_object(text: str, fault: str) -> dict[str, object]:
    try:
        found = loads(text)
    except BrokenJSON:
        raise InvalidParameterException(fault) from None
    if not isinstance(found, dict):
        raise InvalidParameterException(fault)
    return found
