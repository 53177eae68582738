"""Queue attributes as data: names, ranges, defaults.

Source: SQS API Reference, CreateQueue and SetQueueAttributes; quotas (1 MiB messages since 2025).
"""

import re
from collections.abc import Mapping
from typing import Any

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.json import BrokenJSON, loads
from interstate.base.numbers import whole_number
from interstate.core.queues.errors import InvalidAttributeName, InvalidAttributeValue, InvalidParameterValue

MESSAGE_BYTES_MAX = 1_048_576
VISIBILITY_S_MAX = 43_200
DELAY_S_MAX = 900
WAIT_S_MAX = 20
RECEIVE_MAX = 10
BATCH_MAX = 10

# Name: (lowest, highest, default), numbers in the attribute's own unit.
RANGES: dict[str, tuple[int, int, int]] = {
    "DelaySeconds": (0, DELAY_S_MAX, 0),
    "MaximumMessageSize": (1024, MESSAGE_BYTES_MAX, MESSAGE_BYTES_MAX),
    "MessageRetentionPeriod": (60, 1_209_600, 345_600),
    "ReceiveMessageWaitTimeSeconds": (0, WAIT_S_MAX, 0),
    "VisibilityTimeout": (0, VISIBILITY_S_MAX, 30),
    "KmsDataKeyReusePeriodSeconds": (60, 86_400, 300),
}
TEXTS = ("Policy", "RedrivePolicy", "RedriveAllowPolicy", "KmsMasterKeyId", "SqsManagedSseEnabled")
FIFO = ("FifoQueue", "ContentBasedDeduplication", "DeduplicationScope", "FifoThroughputLimit")
READ_ONLY = (
    "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
)  # fmt: skip
NAMES = (*RANGES, *TEXTS, *FIFO, *READ_ONLY)

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


def check_name(name: str) -> None:
    """A queue's name: 1 to 80 letters, digits, hyphens, underscores; FIFO queues end in ``.fifo``.

    Raises:
        InvalidParameterValue: the name is none.
        NotImplementedHere: it is a FIFO queue's.
    """
    if name.endswith(".fifo") and _NAME.match(name.removesuffix(".fifo")):
        raise NotImplementedHere(f"FIFO queues ({name})")
    if not _NAME.match(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )


def check_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes in canonical text.

    Raises:
        InvalidAttributeName: a name that cannot be set.
        InvalidAttributeValue: a value out of its range or shape.
    """
    return {name: _check(name, value) for name, value in attributes.items()}


def _check(name: str, value: str) -> str:
    if name in RANGES:
        low, high, _ = RANGES[name]
        number = whole_number(value)
        if number is None or not low <= number <= high:
            raise InvalidAttributeValue(name)
        return str(number)
    if name == "RedrivePolicy":
        return _check_redrive(value)
    if name in FIFO:
        if name == "FifoQueue" and value == "false":
            raise InvalidAttributeValue(name)
        raise NotImplementedHere(f"the FIFO attribute {name}")
    if name not in TEXTS:
        raise InvalidAttributeName(name)
    if name in ("Policy", "RedriveAllowPolicy") and value:
        _object(name, value)
    return value


def _object(name: str, value: str) -> dict[str, Any]:
    try:
        parsed = loads(value)
    except BrokenJSON:
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidAttributeValue(name, "Amazon SQS can't parse the value as JSON.")
    return parsed


def _check_redrive(value: str) -> str:
    """``{"deadLetterTargetArn": "arn:...", "maxReceiveCount": 3}``, the count as a number or text of 1 to 1,000."""
    if not value:
        return value
    policy = _object("RedrivePolicy", value)
    target, count = policy.get("deadLetterTargetArn"), str(policy.get("maxReceiveCount", ""))
    if not isinstance(target, str) or not count:
        raise InvalidParameterValue(
            f"Value {value} for parameter RedrivePolicy is invalid. Reason: Redrive policy does not contain mandatory "
            f"attribute: {'maxReceiveCount' if isinstance(target, str) else 'deadLetterTargetArn'}."
        )
    if parse_arn(target) is None:
        raise InvalidParameterValue(
            f"Value {value} for parameter RedrivePolicy is invalid. Reason: Invalid value for deadLetterTargetArn."
        )
    if not 1 <= (whole_number(count) or 0) <= 1000:
        raise InvalidParameterValue(
            f"Value {value} for parameter RedrivePolicy is invalid. Reason: Invalid value for maxReceiveCount: {count}, "
            "valid values are from 1 to 1000 both inclusive."
        )
    return value
