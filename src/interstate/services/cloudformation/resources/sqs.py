"""AWS::SQS::*"""

from typing import Any, Final

from interstate.core.queues.attributes import FIFO_DEFAULTS, RANGES
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    TAGS,
    TEXT,
    Members,
    document_text,
)
from interstate.services.cloudformation.resources.policies import inline_policy_type, policy_type
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    tag_changes,
    tag_map,
)

# Attributes whose text the API takes; a property that is taken away goes back to its default.
_NUMBERS: Final = (
    "DelaySeconds",
    "KmsDataKeyReusePeriodSeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
)
_TEXTS: Final = ("DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId")
_FLAGS: Final = ("ContentBasedDeduplication", "SqsManagedSseEnabled")
_POLICIES: Final = ("RedriveAllowPolicy", "RedrivePolicy")


def _attributes(making: Making) -> dict[str, str]:
    found = {name: str(making.get(name)) for name in (*_NUMBERS, *_TEXTS) if making.get(name) is not None}
    found |= {name: "true" if making.get(name) else "false" for name in _FLAGS if making.get(name) is not None}
    found |= {name: document_text(making.get(name)) for name in _POLICIES if making.get(name)}
    return found


def _made(making: Making, url: str) -> Made:
    name = url.rsplit("/", 1)[-1]
    return Made(url, {"Arn": making.caller.arn("sqs", name), "QueueName": name, "QueueUrl": url})


def _create_queue(making: Making) -> Made:
    fifo = bool(making.get("FifoQueue"))
    name = making.name("QueueName", 80, ".fifo" if fifo else "")
    attributes = _attributes(making) | ({"FifoQueue": "true"} if fifo else {})
    request: dict[str, Any] = {"QueueName": name, "Attributes": attributes}
    if making.get("Tags"):
        request["tags"] = tag_map(making.get("Tags"))
    return _made(making, making.call("sqs", "CreateQueue", request)["QueueUrl"])


def _standing_queue(making: Making) -> str | None:
    request = {"QueueName": making.get("QueueName")}
    return making.call("sqs", "GetQueueUrl", request)["QueueUrl"] if making.has("sqs", "GetQueueUrl", request) else None


def _update_queue(making: Making, before: Before) -> Made:
    url = before.physical_id
    names = (*_NUMBERS, *_TEXTS, *_FLAGS, *_POLICIES)
    wanted = _attributes(making)
    changed = {name: wanted.get(name, _default(name)) for name in names if before.changed(making, name)}
    if changed:
        making.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": changed})
    tags, gone = tag_changes(making, before)
    if tags:
        making.call("sqs", "TagQueue", {"QueueUrl": url, "Tags": tags})
    if gone:
        making.call("sqs", "UntagQueue", {"QueueUrl": url, "TagKeys": gone})
    return _made(making, url)


def _default(name: str) -> str:
    if name in RANGES:
        return str(RANGES[name][2])
    defaults = {"SqsManagedSseEnabled": "true", **FIFO_DEFAULTS}
    return defaults.get(name, "")


def _delete_queue(making: Making, before: Before) -> None:
    making.call("sqs", "DeleteQueue", {"QueueUrl": before.physical_id})


def _give_policy(making: Making, url: str, policy: str) -> None:
    if policy or making.has("sqs", "GetQueueAttributes", {"QueueUrl": url}):
        making.call("sqs", "SetQueueAttributes", {"QueueUrl": url, "Attributes": {"Policy": policy}})


TYPES: Final = (
    ResourceType(
        name="AWS::SQS::Queue",
        properties=Members(
            dict.fromkeys(_NUMBERS, INTEGER)
            | dict.fromkeys(_TEXTS, TEXT)
            | dict.fromkeys((*_FLAGS, "FifoQueue"), BOOLEAN)
            | dict.fromkeys(_POLICIES, DOCUMENT)
            | {"QueueName": TEXT, "Tags": TAGS}
        ),
        create=_create_queue,
        update=_update_queue,
        delete=_delete_queue,
        replaced_by=frozenset({"FifoQueue", "QueueName"}),
        named_by="QueueName",
        standing=_standing_queue,
        reference="the queue's URL",
        attributes=("Arn", "QueueName", "QueueUrl"),
    ),
    policy_type("AWS::SQS::QueuePolicy", "Queues", _give_policy),
    inline_policy_type("AWS::SQS::QueueInlinePolicy", "Queue", _give_policy, "the queue's URL"),
)
