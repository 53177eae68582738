"""What may be subscribed to a topic, and which attributes a subscription has.

Source: SNS API Reference, Subscribe, SetSubscriptionAttributes.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.time import parse_iso
from interstate.core.patterns import PatternError
from interstate.core.patterns.policy import Scope, parse_filter_policy
from interstate.core.topics.attributes import FIFO_SUFFIX, is_fifo, json_object
from interstate.core.topics.delivery_policy import read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException

PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda")
_NOT_HERE = ("firehose",)
_HTTP = ("http", "https")
_ENDPOINTS: Mapping[str, tuple[re.Pattern[str], str]] = {
    "http": (re.compile(r"http://[^\s/]+\S*\Z"), "Endpoint must match the specified protocol"),
    "https": (re.compile(r"https://[^\s/]+\S*\Z"), "Endpoint must match the specified protocol"),
    "email": (re.compile(r"[^@\s]+@[^@\s]+\Z"), "Email address"),
    "email-json": (re.compile(r"[^@\s]+@[^@\s]+\Z"), "Email address"),
    "sms": (re.compile(r"\+?[0-9](?:[ ()/.-]?[0-9]){4,19}\Z"), "Invalid SMS endpoint: {endpoint}"),
    "sqs": (re.compile(r"arn:[a-z-]+:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_.-]+\Z"), "SQS endpoint ARN"),
    "application": (
        re.compile(r"arn:[a-z-]+:sns:[a-z0-9-]+:\d{12}:endpoint/[A-Z_]+/[A-Za-z0-9_.-]+/[A-Za-z0-9-]+\Z"),
        "Application endpoint arn invalid:{endpoint}",
    ),
    "lambda": (
        re.compile(r"arn:[a-z-]+:lambda:[a-z0-9-]+:\d{12}:function:[A-Za-z0-9_-]+(:[$A-Za-z0-9_-]+)?\Z"),
        "Lambda endpoint ARN",
    ),
}


def check_endpoint(protocol: str, endpoint: str | None, topic: str) -> str:
    """An endpoint that its protocol can reach and the topic may have.

    Raises:
        InvalidParameterException: protocol or endpoint are none, or not for this kind of topic.
        NotImplementedHere: Firehose.
    """
    if protocol in _NOT_HERE:
        raise NotImplementedHere(f"SNS subscriptions of protocol {protocol}")
    if protocol not in PROTOCOLS:
        raise InvalidParameterException(f"Amazon SNS does not support this protocol string: {protocol}")
    if is_fifo(topic) and protocol != "sqs":
        raise InvalidParameterException(f"Invalid protocol type: {protocol}")
    pattern, fault = _ENDPOINTS[protocol]
    if not endpoint or not pattern.match(endpoint):
        raise InvalidParameterException(fault.format(endpoint=endpoint or ""))
    if endpoint.endswith(FIFO_SUFFIX) and protocol == "sqs" and not is_fifo(topic):
        raise InvalidParameterException(
            "Invalid parameter: Endpoint Reason: FIFO SQS Queues can not be subscribed to standard SNS topics"
        )
    return endpoint


def check_subscription_attribute(name: str, value: str, protocol: str, scope: str) -> None:
    """Whether a subscription can have this attribute; ``scope`` is its FilterPolicyScope.

    Raises:
        InvalidParameterException: it cannot.
    """
    match name:
        case "RawMessageDelivery":
            _check_raw(value, protocol)
        case "FilterPolicy":
            check_filter_policy(value, scope)
        case _:
            check = _CHECKS.get(name)
            if check is None:
                raise InvalidParameterException("AttributeName")
            check(value)


def _check_scope(value: str) -> None:
    if value not in ("MessageAttributes", "MessageBody"):
        raise InvalidParameterException(
            f"FilterPolicyScope: Invalid value [{value}]. Please use either MessageBody or MessageAttributes"
        )


def _check_redrive(value: str) -> None:
    """Source: https://github.com/ministryofjustice/cloud-platform-environments/pull/11520 (the service's answer)."""
    if not value:
        return
    dead_letter_target(value)
    unknown = json_object(value, "").keys() - {"deadLetterTargetArn"}
    if unknown:
        raise InvalidParameterException(f"RedrivePolicy: invalid JSON. Attribute {min(unknown)} is unknown.")


def _check_delivery_policy(value: str) -> None:
    if value:
        read_delivery_policy(value)


def _check_role(value: str) -> None:
    if value and parse_arn(value) is None:
        raise InvalidParameterException("SubscriptionRoleArn Reason: it is no ARN")


def _check_replay(value: str) -> None:
    if value and value != "{}":
        read_replay(value)


_CHECKS: Mapping[str, Callable[[str], None]] = {
    "FilterPolicyScope": _check_scope,
    "RedrivePolicy": _check_redrive,
    "DeliveryPolicy": _check_delivery_policy,
    "SubscriptionRoleArn": _check_role,
    "ReplayPolicy": _check_replay,
}


def _check_raw(value: str, protocol: str) -> None:
    if value.lower() not in ("true", "false"):
        raise InvalidParameterException(f"RawMessageDelivery: Invalid value [{value}]. Must be true or false.")
    if value.lower() == "true" and protocol not in ("sqs", *_HTTP):
        raise InvalidParameterException(
            f"RawMessageDelivery: Delivery protocol [{protocol}] does not support raw message delivery."
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
    found = json_object(policy, "RedrivePolicy: failed to parse JSON")
    target = found.get("deadLetterTargetArn")
    arn = parse_arn(target) if isinstance(target, str) else None
    if arn is None or arn.service != "sqs":
        raise InvalidParameterException("RedrivePolicy: deadLetterTargetArn is an invalid arn")
    return str(arn)


class ReplayWindow(msgspec.Struct, frozen=True):
    """Which archived messages a replay tells again; without ``end`` up to the moment when it was started."""

    start: datetime
    end: datetime | None = None


def read_replay(policy: str) -> ReplayWindow:
    """A replay policy: ``{"PointType": "Timestamp", "StartingPoint": "2026-01-01T00:00:00.000Z", "EndingPoint": ...}``.

    Raises:
        InvalidParameterException: it is none.

    Source: https://docs.aws.amazon.com/sns/latest/dg/message-archiving-and-replay-subscriber.html
    """
    found = json_object(policy, "ReplayPolicy: failed to parse JSON")
    if found.get("PointType") != "Timestamp":
        raise InvalidParameterException("ReplayPolicy: PointType must be Timestamp")
    start = _instant(found, "StartingPoint")
    if start is None:
        raise InvalidParameterException("ReplayPolicy: StartingPoint is missing")
    end = _instant(found, "EndingPoint")
    if end is not None and end <= start:
        raise InvalidParameterException("ReplayPolicy: EndingPoint must be after StartingPoint")
    return ReplayWindow(start, end)


def _instant(found: Mapping[str, object], name: str) -> datetime | None:
    text = found.get(name)
    if text is None:
        return None
    try:
        return parse_iso(str(text))
    except ValueError:
        raise InvalidParameterException(f"ReplayPolicy: {name} must be a timestamp") from None
