"""AWS::SNS::*"""

from typing import Any, Final

from interstate.base.json import dumps
from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    TAGS,
    TEXT,
    Many,
    Members,
    document_text,
)
from interstate.core.topics.attributes import default_policy
from interstate.services.cloudformation.resources.policies import inline_policy_type, policy_type
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_TOPIC_TEXTS: Final = ("DisplayName", "FifoThroughputScope", "KmsMasterKeyId", "SignatureVersion", "TracingConfig")
_TOPIC_DOCUMENTS: Final = ("ArchivePolicy", "DeliveryPolicy")
_FEEDBACK: Final = {
    "application": "Application", "firehose": "Firehose", "http/s": "HTTP", "lambda": "Lambda", "sqs": "SQS",
}  # fmt: skip
_SUBSCRIPTION_DOCUMENTS: Final = ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy")
_SUBSCRIPTION_TEXTS: Final = ("FilterPolicyScope", "SubscriptionRoleArn")


def _topic_attributes(making: Making) -> dict[str, str]:
    found = {
        name: str(making.get(name)) for name in (*_TOPIC_TEXTS, "MaximumMessageSize") if making.get(name) is not None
    }
    found |= {name: document_text(making.get(name)) for name in _TOPIC_DOCUMENTS if making.get(name)}
    if making.get("ContentBasedDeduplication") is not None:
        found["ContentBasedDeduplication"] = "true" if making.get("ContentBasedDeduplication") else "false"
    return found | _feedback(making.get("DeliveryStatusLogging", []))


def _feedback(logging: list[dict[str, str]]) -> dict[str, str]:
    """``{"Protocol": "sqs", "SuccessFeedbackRoleArn": ...}`` as the topic's attributes ``SQSSuccessFeedbackRoleArn``."""
    found: dict[str, str] = {}
    for entry in logging:
        prefix = _FEEDBACK.get(entry["Protocol"], entry["Protocol"])
        found |= {prefix + name: str(value) for name, value in entry.items() if name != "Protocol"}
    return found


def _made_topic(arn: str) -> Made:
    return Made(arn, {"TopicArn": arn, "TopicName": arn.rsplit(":", 1)[-1]})


def _create_topic(making: Making) -> Made:
    fifo = bool(making.get("FifoTopic"))
    attributes = _topic_attributes(making) | ({"FifoTopic": "true"} if fifo else {})
    request: dict[str, Any] = {"Name": making.name("TopicName", 256, ".fifo" if fifo else ""), "Attributes": attributes}
    if making.get("Tags"):
        request["Tags"] = making.get("Tags")
    arn = making.call("sns", "CreateTopic", request)["TopicArn"]
    for subscription in making.get("Subscription", []):
        making.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    return _made_topic(arn)


def _standing_topic(making: Making) -> str | None:
    arn = making.caller.arn("sns", making.get("TopicName"))
    return arn if making.has("sns", "GetTopicAttributes", {"TopicArn": arn}) else None


def _update_topic(making: Making, before: Before) -> Made:
    arn = before.physical_id
    wanted = _topic_attributes(making)
    names = (*_TOPIC_TEXTS, *_TOPIC_DOCUMENTS, "ContentBasedDeduplication", "MaximumMessageSize")
    for name in names:
        if before.changed(making, name):
            request = {"TopicArn": arn, "AttributeName": name, "AttributeValue": wanted.get(name, "")}
            making.call("sns", "SetTopicAttributes", request)
    logged = _feedback(before.properties.get("DeliveryStatusLogging", []))
    now_logged = _feedback(making.get("DeliveryStatusLogging", []))
    for name in sorted(logged.keys() | now_logged.keys()):
        if logged.get(name) != now_logged.get(name):
            request = {"TopicArn": arn, "AttributeName": name, "AttributeValue": now_logged.get(name, "")}
            making.call("sns", "SetTopicAttributes", request)
    _update_subscriptions(making, before)
    tags, gone = tag_changes(making, before)
    if tags:
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        making.call("sns", "TagResource", {"ResourceArn": arn, "Tags": listed})
    if gone:
        making.call("sns", "UntagResource", {"ResourceArn": arn, "TagKeys": gone})
    return _made_topic(arn)


def _update_subscriptions(making: Making, before: Before) -> None:
    """Bring the topic's own list of subscriptions to what the template says; those made elsewhere stay."""
    arn = before.physical_id
    old, new = before.properties.get("Subscription", []), making.get("Subscription", [])
    for subscription in new:
        if subscription not in old:
            making.call("sns", "Subscribe", {"TopicArn": arn, **subscription})
    gone = [subscription for subscription in old if subscription not in new]
    if gone:
        for found in making.call("sns", "ListSubscriptionsByTopic", {"TopicArn": arn})["Subscriptions"]:
            # One that was never confirmed has no ARN yet and cannot be taken back; as on AWS it expires.
            confirmed = found["SubscriptionArn"].startswith("arn:")
            if confirmed and {"Endpoint": found["Endpoint"], "Protocol": found["Protocol"]} in gone:
                making.call("sns", "Unsubscribe", {"SubscriptionArn": found["SubscriptionArn"]})


def _delete_topic(making: Making, before: Before) -> None:
    making.call("sns", "DeleteTopic", {"TopicArn": before.physical_id})


def _subscription_attributes(making: Making) -> dict[str, str]:
    found = {name: document_text(making.get(name)) for name in _SUBSCRIPTION_DOCUMENTS if making.get(name)}
    found |= {name: making.get(name) for name in _SUBSCRIPTION_TEXTS if making.get(name) is not None}
    if making.get("RawMessageDelivery") is not None:
        found["RawMessageDelivery"] = "true" if making.get("RawMessageDelivery") else "false"
    return found


def _create_subscription(making: Making) -> Made:
    request = making.pick("TopicArn", "Protocol", "Endpoint")
    request |= {"Attributes": _subscription_attributes(making), "ReturnSubscriptionArn": True}
    arn = making.call("sns", "Subscribe", request)["SubscriptionArn"]
    return Made(arn, {"Arn": arn})


def _update_subscription(making: Making, before: Before) -> Made:
    arn = before.physical_id
    wanted = _subscription_attributes(making)
    defaults = {"RawMessageDelivery": "false", "FilterPolicyScope": "MessageAttributes", "FilterPolicy": "{}"}
    for name in (*_SUBSCRIPTION_DOCUMENTS, *_SUBSCRIPTION_TEXTS, "RawMessageDelivery"):
        if before.changed(making, name):
            value = wanted.get(name, defaults.get(name, ""))
            request = {"SubscriptionArn": arn, "AttributeName": name, "AttributeValue": value}
            making.call("sns", "SetSubscriptionAttributes", request)
    return Made(arn, {"Arn": arn})


def _delete_subscription(making: Making, before: Before) -> None:
    making.call("sns", "Unsubscribe", {"SubscriptionArn": before.physical_id})


def _give_policy(making: Making, arn: str, policy: str) -> None:
    """Set a topic's policy; an empty one gives it back the default."""
    if policy or making.has("sns", "GetTopicAttributes", {"TopicArn": arn}):
        making.call(
            "sns",
            "SetTopicAttributes",
            {"TopicArn": arn, "AttributeName": "Policy", "AttributeValue": policy or dumps(default_policy(arn))},
        )


TYPES: Final = (
    ResourceType(
        name="AWS::SNS::Topic",
        properties=Members(
            dict.fromkeys(_TOPIC_TEXTS, TEXT)
            | dict.fromkeys(_TOPIC_DOCUMENTS, DOCUMENT)
            | dict.fromkeys(("ContentBasedDeduplication", "FifoTopic"), BOOLEAN)
            | {
                "DeliveryStatusLogging": Many(
                    Members(
                        {
                            "FailureFeedbackRoleArn": TEXT,
                            "Protocol": TEXT,
                            "SuccessFeedbackRoleArn": TEXT,
                            "SuccessFeedbackSampleRate": TEXT,
                        },
                        frozenset({"Protocol"}),
                    )
                ),
                "MaximumMessageSize": INTEGER,
                "Subscription": Many(
                    Members({"Endpoint": TEXT, "Protocol": TEXT}, frozenset({"Endpoint", "Protocol"}))
                ),
                "Tags": TAGS,
                "TopicName": TEXT,
            }
        ),
        create=_create_topic,
        update=_update_topic,
        delete=_delete_topic,
        replaced_by=frozenset({"FifoTopic", "TopicName"}),
        named_by="TopicName",
        standing=_standing_topic,
        reference="the topic's ARN",
        attributes=("TopicArn", "TopicName"),
    ),
    ResourceType(
        name="AWS::SNS::Subscription",
        properties=Members(
            dict.fromkeys(_SUBSCRIPTION_DOCUMENTS, DOCUMENT)
            | dict.fromkeys(_SUBSCRIPTION_TEXTS, TEXT)
            | {"Endpoint": TEXT, "Protocol": TEXT, "RawMessageDelivery": BOOLEAN, "TopicArn": TEXT},
            frozenset({"Protocol", "TopicArn"}),
        ),
        create=_create_subscription,
        update=_update_subscription,
        delete=_delete_subscription,
        replaced_by=frozenset({"Endpoint", "Protocol", "TopicArn"}),
        reference="the subscription's ARN",
        attributes=("Arn",),
    ),
    policy_type("AWS::SNS::TopicPolicy", "Topics", _give_policy),
    inline_policy_type("AWS::SNS::TopicInlinePolicy", "TopicArn", _give_policy, "the topic's ARN"),
)
