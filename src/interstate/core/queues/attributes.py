"""Queue attributes as data: names, ranges, defaults.

Source: SQS API Reference, CreateQueue and SetQueueAttributes; quotas (1 MiB messages since 2025).
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from interstate.base.arn import parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import BrokenJSON, canonical, dumps, loads
from interstate.base.numbers import whole_number
from interstate.core.policies import PolicyFault, compiled
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
FLAGS = {"FifoQueue": "", "ContentBasedDeduplication": "false", "SqsManagedSseEnabled": "true"}
CHOICES = {"DeduplicationScope": ("queue", "messageGroup"), "FifoThroughputLimit": ("perQueue", "perMessageGroupId")}
POLICIES = ("Policy", "RedrivePolicy", "RedriveAllowPolicy")
TEXTS = (*POLICIES, "KmsMasterKeyId")
FIFO_DEFAULTS = {
    "FifoQueue": "true",
    "ContentBasedDeduplication": "false",
    "DeduplicationScope": "queue",
    "FifoThroughputLimit": "perQueue",
}
READ_ONLY = (
    "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesDelayed", "ApproximateNumberOfMessagesNotVisible",
    "CreatedTimestamp", "LastModifiedTimestamp", "QueueArn",
)  # fmt: skip
NAMES = (*RANGES, *TEXTS, *FLAGS, *CHOICES, *READ_ONLY)
SETTABLE = frozenset((*RANGES, *TEXTS, *FLAGS, *CHOICES))

_NAME = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_FIFO_NAME = re.compile(r"(?=.{1,80}\Z)[A-Za-z0-9_-]+\.fifo\Z")
TAGS_MAX = 50
_TAG_KEY_MAX = 128
_TAG_VALUE_MAX = 256
_RECEIVES_MAX = 1000
_SOURCES_MAX = 10
"""Source: SQS Developer Guide, dead-letter queues: a redrive allow policy names up to ten source queues."""


def new_attributes(name: str, attributes: Mapping[str, str]) -> dict[str, str]:
    """The attributes of a queue that is to be made, in canonical text.

    Raises:
        InvalidParameterValue: the name is none of the queue's type.
        InvalidAttributeName: a name that cannot be set, or not on this type.
        InvalidAttributeValue: a value out of its range or shape.
    """
    fifo = attributes.get("FifoQueue", "").lower() == "true"
    if fifo and not _FIFO_NAME.match(name):
        raise InvalidParameterValue(
            "The name of a FIFO queue can only include alphanumeric characters, hyphens, or underscores, must end with "
            ".fifo suffix and be 1 to 80 in length."
        )
    if not fifo and not _NAME.match(name):
        raise InvalidParameterValue(
            "Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length"
        )
    checked = check_attributes(attributes, fifo=fifo)
    return together({}, checked, fifo=fifo)


def changed_attributes(
    before: Mapping[str, str], attributes: Mapping[str, str], *, fifo: bool
) -> tuple[dict[str, str], dict[str, str]]:
    """What a change sets, and all attributes after it.

    Raises:
        InvalidAttributeName: a name that cannot be set, or not on this type.
        InvalidAttributeValue: a value out of its range or shape, or another type.
    """
    if fifo and attributes.get("FifoQueue", "true").lower() != "true":
        raise InvalidAttributeValue("FifoQueue", "Modifying queue type is not supported.")
    checked = check_attributes(attributes, fifo=fifo)
    return checked, together(before, checked, fifo=fifo)


def check_attributes(attributes: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """The attributes in canonical text, each looked at by itself.

    Raises:
        InvalidAttributeName: a name that cannot be set, or not on this type.
        InvalidAttributeValue: a value out of its range or shape.
    """
    return {name: _check(name, value, fifo=fifo) for name, value in attributes.items()}


def together(before: Mapping[str, str], changed: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """All attributes after a change; an empty text takes an attribute away.

    Encryption is of one kind at a time: a key ends SQS's own encryption, and the other way round.

    Raises:
        InvalidAttributeName: both kinds of encryption.
        InvalidAttributeValue: a throughput limit that needs another deduplication scope.
    """
    own, key = changed.get("SqsManagedSseEnabled"), changed.get("KmsMasterKeyId")
    if own == "true" and key:
        raise TwoEncryptions
    attributes = {**before, **changed}
    if key:
        attributes["SqsManagedSseEnabled"] = "false"
    elif own == "true":
        attributes.pop("KmsMasterKeyId", None)
    if not attributes.get("KmsMasterKeyId"):
        attributes.pop("KmsDataKeyReusePeriodSeconds", None)
    if (
        fifo
        and attributes.get("FifoThroughputLimit") == "perMessageGroupId"
        and attributes.get("DeduplicationScope") != "messageGroup"
    ):
        raise InvalidAttributeValue(
            "FifoThroughputLimit",
            "The perMessageGroupId value is allowed only when the value for DeduplicationScope is messageGroup.",
        )
    return {name: value for name, value in attributes.items() if value}


def shown_attributes(attributes: Mapping[str, str], *, fifo: bool) -> dict[str, str]:
    """What was set, with the defaults of the rest."""
    shown = {name: str(default) for name, (_, _, default) in RANGES.items()}
    if not attributes.get("KmsMasterKeyId"):
        del shown["KmsDataKeyReusePeriodSeconds"]
    shown["SqsManagedSseEnabled"] = FLAGS["SqsManagedSseEnabled"]
    if fifo:
        shown.update(FIFO_DEFAULTS)
    return {**shown, **attributes}


def differing(wanted: Mapping[str, str], shown: Mapping[str, str]) -> str | None:
    """The first attribute that a queue of the same name has otherwise."""
    return next((name for name, value in wanted.items() if not _same(name, value, shown.get(name, ""))), None)


def _same(name: str, left: str, right: str) -> bool:
    if left == right or name not in POLICIES or not left or not right:
        return left == right
    return canonical(loads(left)) == canonical(loads(right))


class TwoEncryptions(InvalidAttributeName):
    """A key and SQS's own encryption at once."""

    def __init__(self) -> None:
        ServiceError.__init__(
            self,
            "You can use one type of server-side encryption (SSE) at one time. You can either enable KMS SSE or SQS SSE.",
            code="InvalidAttributeName",
        )


class OnlyOfFifoQueues(InvalidAttributeName):
    """An attribute that standard queues do not have."""

    def __init__(self, name: str) -> None:
        ServiceError.__init__(
            self, f"You can specify the {name} only when FifoQueue is set to true.", code="InvalidAttributeName"
        )


def _check(name: str, value: str, *, fifo: bool) -> str:
    if name not in SETTABLE or (not fifo and name in ("FifoQueue", "ContentBasedDeduplication")):
        raise InvalidAttributeName(name)
    if not fifo and name in CHOICES:
        raise OnlyOfFifoQueues(name)
    if name in RANGES:
        return _check_number(name, value)
    if name in FLAGS:
        if value.lower() not in ("true", "false"):
            raise InvalidAttributeValue(name)
        return value.lower()
    if name in CHOICES:
        if value not in CHOICES[name]:
            raise InvalidAttributeValue(name)
        return value
    if value and name in _POLICY_CHECKS:
        return _POLICY_CHECKS[name](value)
    return value


def _check_number(name: str, value: str) -> str:
    low, high, _ = RANGES[name]
    number = whole_number(value)
    if number is None or not low <= number <= high:
        raise InvalidAttributeValue(name)
    return str(number)


def _object(name: str, value: str) -> dict[str, Any]:
    try:
        parsed = loads(value)
    except BrokenJSON:
        parsed = None
    if not isinstance(parsed, dict):
        raise InvalidAttributeValue(name, "Amazon SQS can't parse the value as JSON.")
    return parsed


def _bad(name: str, value: str, reason: str) -> InvalidParameterValue:
    return InvalidParameterValue(f"Value {value} for parameter {name} is invalid. Reason: {reason}")


def _check_policy(value: str) -> str:
    """Statements, one at least, that are complete and name actions of SQS.

    Source: https://github.com/cloud-custodian/cloud-custodian/issues/1816 (no statements),
    https://github.com/aws/aws-cdk/issues/1675 (a statement without a resource).
    """
    statements = _object("Policy", value).get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    try:
        compiled(value)
    except PolicyFault as error:
        raise InvalidAttributeValue("Policy") from error
    if not isinstance(statements, list) or not statements or not all(map(_is_complete, statements)):
        raise InvalidAttributeValue("Policy")
    for statement in statements:
        named = statement.get("Action", statement.get("NotAction"))
        check_actions(str(action) for action in (named if isinstance(named, list) else [named]))
    return value


def _is_complete(statement: Mapping[str, Any]) -> bool:
    return all(name in statement or f"Not{name}" in statement for name in ("Principal", "Action", "Resource"))


# What a policy may name: the operations without the batches, which are allowed by their single ones.
_ACTIONS = frozenset(
    f"sqs:{name}"
    for name in (
        "addpermission", "cancelmessagemovetask", "changemessagevisibility", "createqueue", "deletemessage", "deletequeue",
        "getqueueattributes", "getqueueurl", "listdeadlettersourcequeues", "listmessagemovetasks", "listqueues",
        "listqueuetags", "purgequeue", "receivemessage", "removepermission", "sendmessage", "setqueueattributes",
        "startmessagemovetask", "tagqueue", "untagqueue",
    )
)  # fmt: skip


def check_actions(actions: Iterable[str]) -> None:
    """Actions of SQS that a statement may name: ``sqs:SendMessage``; wildcards and other services' are not looked at.

    Raises:
        InvalidParameterValue: there is no such action.

    Source: https://github.com/cloudtools/awacs/issues/34, https://github.com/aws/aws-cdk/issues/2381 (the service's answer).
    """
    for action in actions:
        name = action.lower()
        if name.startswith("sqs:") and name not in _ACTIONS and not {"*", "?"} & {*name}:
            raise InvalidParameterValue(
                f"Value {action} for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a "
                "list of valid actions."
            )


def _check_redrive(value: str) -> str:
    """``{"deadLetterTargetArn": "arn:...", "maxReceiveCount": 3}``, the count as a number or text of 1 to 1,000.

    A count that was given as a text is kept as a number.
    Source: AWS CLI Command Reference, sqs set-queue-attributes (sets "1000") and get-queue-attributes (shows 1000).
    """
    policy = _object("RedrivePolicy", value)
    target, count = policy.get("deadLetterTargetArn"), str(policy.get("maxReceiveCount", ""))
    if not isinstance(target, str) or not count:
        missing = "maxReceiveCount" if isinstance(target, str) else "deadLetterTargetArn"
        raise _bad("RedrivePolicy", value, f"Redrive policy does not contain mandatory attribute: {missing}.")
    if parse_arn(target) is None:
        raise _bad("RedrivePolicy", value, "Invalid value for deadLetterTargetArn.")
    number = whole_number(count) or 0
    if not 1 <= number <= _RECEIVES_MAX:
        reason = f"Invalid value for maxReceiveCount: {count}, valid values are from 1 to 1000 both inclusive."
        raise _bad("RedrivePolicy", value, reason)
    return dumps({**policy, "maxReceiveCount": number})


def _check_redrive_allow(value: str) -> str:
    """``{"redrivePermission": "byQueue", "sourceQueueArns": ["arn:..."]}``; the ARNs belong to byQueue, one to ten."""
    policy = _object("RedriveAllowPolicy", value)
    permission, sources = policy.get("redrivePermission"), policy.get("sourceQueueArns")
    if permission not in ("allowAll", "denyAll", "byQueue"):
        raise _bad("RedriveAllowPolicy", value, "Invalid value for redrivePermission.")
    if permission != "byQueue":
        if sources is not None:
            raise _bad(
                "RedriveAllowPolicy", value, "sourceQueueArns can be given only when redrivePermission is byQueue."
            )
        return value
    if not isinstance(sources, list) or not 1 <= len(sources) <= _SOURCES_MAX:
        raise _bad("RedriveAllowPolicy", value, f"sourceQueueArns must hold 1 to {_SOURCES_MAX} ARNs.")
    if not all(isinstance(source, str) and parse_arn(source) is not None for source in sources):
        raise _bad("RedriveAllowPolicy", value, "Invalid value for sourceQueueArns.")
    return value


_POLICY_CHECKS = {
    "Policy": _check_policy,
    "RedrivePolicy": _check_redrive,
    "RedriveAllowPolicy": _check_redrive_allow,
}


def allows_source(allow_policy: str | None, source_arn: str) -> bool:
    """Whether a queue takes the dead letters of a source; without a policy, of any."""
    if not allow_policy:
        return True
    policy = _object("RedriveAllowPolicy", allow_policy)
    if policy["redrivePermission"] == "byQueue":
        return source_arn in policy["sourceQueueArns"]
    return bool(policy["redrivePermission"] == "allowAll")


def check_tags(tags: Mapping[str, str]) -> None:
    """A queue's tags: fifty at most, keys of 1 to 128 characters, values of up to 256.

    Raises:
        InvalidParameterValue: too many, or too long.

    Source: SQS Developer Guide, "Amazon SQS policy quotas" (tags); SQS API Reference, TagQueue.
    """
    if len(tags) > TAGS_MAX:
        raise InvalidParameterValue(f"Too many tags added for queue: a queue can have up to {TAGS_MAX} tags.")
    for key, value in tags.items():
        if not 1 <= len(key) <= _TAG_KEY_MAX or len(value) > _TAG_VALUE_MAX:
            raise InvalidParameterValue(
                f"Tag {key} is invalid. Reason: keys must be 1 to {_TAG_KEY_MAX} characters long, values up to "
                f"{_TAG_VALUE_MAX}."
            )
