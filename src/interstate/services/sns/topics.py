"""Topics themselves: their life and their attributes.

Source: SNS API Reference.
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere
from interstate.base.json import dumps, loads
from interstate.base.time import to_iso
from interstate.core.topics.attributes import (
    archive_retention,
    check_topic_attribute,
    check_topic_name,
    default_policy,
    is_fifo,
)
from interstate.core.topics.delivery_policy import CONTENT_TYPE, DEFAULT, header_content_type, read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException, InvalidStateException
from interstate.services.sns.access import check_arn, require, topic_at
from interstate.services.sns.paging import place_after, token_after
from interstate.services.sns.tags import Tags, read_tags
from interstate.store.ports import Work
from interstate.store.records.sns import (
    ARCHIVE_OF_TOPIC,
    COUNT_SUBSCRIPTIONS,
    DEDUPLICATIONS_OF_TOPIC,
    SUBSCRIPTIONS_OF_TOPIC,
    TOPIC_SEQUENCES,
    TOPICS,
    TOPICS_OF_SCOPE,
    Drop,
    Topic,
)

PAGE = 100  # Source: ListTopics, "at most 100".
DROP_MAX = 500


class CreateTopic(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    attributes: dict[str, str] = {}
    tags: Tags = []
    data_protection_policy: str | None = None


class TopicRequest(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str


class SetTopicAttributes(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    attribute_name: str
    attribute_value: str = ""


class ListTopics(msgspec.Struct, frozen=True, rename="pascal"):
    next_token: str = ""


class DataProtection(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    data_protection_policy: str = ""


def create_topic(request: CreateTopic, work: Work) -> dict[str, Any]:
    """Create a topic; the same call again answers the same.

    Raises:
        InvalidParameterException: the name or an attribute is none, or the topic has other attributes or tags.
        NotImplementedHere: a data protection policy is wanted.
    """
    given = request.attributes
    fifo = given.get("FifoTopic", "false").lower() == "true"
    check_topic_name(request.name, fifo=fifo)
    for name, value in given.items():
        _check_in_attributes(name, value, fifo=fifo)
    if request.data_protection_policy:
        raise NotImplementedHere(_DATA_PROTECTION)
    attributes = {name: value for name, value in given.items() if value and name != "FifoTopic"}
    if "ArchivePolicy" in attributes:
        attributes = with_archive(attributes, work)
    tags = read_tags(request.tags)
    arn = work.caller.arn("sns", request.name)
    existing = work.get(TOPICS, arn)
    if existing is None:
        scope = f"{work.caller.account}/{work.caller.region}"
        work.put(TOPICS, Topic(arn, scope, request.name, work.now, attributes, tags))
        return {"TopicArn": arn}
    if any(_shown(existing).get(name) != value for name, value in given.items() if name != "FifoTopic"):
        raise InvalidParameterException("Attributes Reason: Topic already exists with different attributes")
    if any(existing.tags.get(name) != value for name, value in tags.items()):
        raise InvalidParameterException("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": arn}


def _check_in_attributes(name: str, value: str, *, fifo: bool) -> None:
    """As CreateTopic words what SetTopicAttributes refuses."""
    try:
        check_topic_attribute(name, value, fifo=fifo)
    except InvalidParameterException as error:
        fault = error.message.removeprefix("Invalid parameter: ")
        if fault == "AttributeName":
            raise InvalidParameterException(f"Attributes Reason: Unknown attribute {name}") from None
        raise InvalidParameterException(f"Attributes Reason: {fault}") from None


def with_archive(attributes: dict[str, str], work: Work) -> dict[str, str]:
    """Attributes whose archive begins now, unless it had begun; ``{}`` ends it."""
    if archive_retention(attributes["ArchivePolicy"]) is None:
        ends = ("ArchivePolicy", "BeginningArchiveTime")
        return {name: value for name, value in attributes.items() if name not in ends}
    return {"BeginningArchiveTime": to_iso(work.now), **attributes}


def delete_topic(request: TopicRequest, work: Work) -> None:
    """Forget a topic and, in bounded steps, its subscriptions. A topic that is not there is no error.

    Raises:
        InvalidStateException: the topic has an archive.
    """
    check_arn("TopicArn", request.topic_arn)
    topic = work.get(TOPICS, request.topic_arn)
    if topic is None:
        return
    require(topic, work, "DeleteTopic")
    if "ArchivePolicy" in topic.attributes:
        msg = "Topic with an active ArchivePolicy cannot be deleted: deactivate the policy first"
        raise InvalidStateException(msg)
    work.delete(TOPICS, topic.arn)
    work.delete(TOPIC_SEQUENCES, topic.arn)
    work.later("sns.drop", Drop(topic.arn))


def drop(body: Drop, work: Work) -> None:
    """Forget a page of what belonged to a topic that is gone; the rest is a step of its own."""
    if work.get(TOPICS, body.topic) is not None:
        return  # Created again in between: what it has now is its own.
    gone = [
        work.erase(SUBSCRIPTIONS_OF_TOPIC, limit=DROP_MAX, topic=body.topic, after=""),
        work.erase(DEDUPLICATIONS_OF_TOPIC, limit=DROP_MAX, topic=body.topic),
        work.erase(ARCHIVE_OF_TOPIC, limit=DROP_MAX, topic=body.topic),
    ]
    if DROP_MAX in gone:
        work.later("sns.drop", body)


def list_topics(request: ListTopics, work: Work) -> dict[str, Any]:
    """The caller's topics, a page at a time."""
    scope = f"{work.caller.account}/{work.caller.region}"
    found = work.select(TOPICS_OF_SCOPE, limit=PAGE + 1, scope=scope, after=place_after(request.next_token))
    answer: dict[str, Any] = {"Topics": [{"TopicArn": topic.arn} for topic in found[:PAGE]]}
    if len(found) > PAGE:
        answer["NextToken"] = token_after(found[PAGE - 1].arn)
    return answer


def get_topic_attributes(request: TopicRequest, work: Work) -> dict[str, Any]:
    """What was set, and the defaults of the rest."""
    topic = topic_at(request.topic_arn, work, "GetTopicAttributes")
    counts = {confirmed: work.scalar(COUNT_SUBSCRIPTIONS, topic=topic.arn, confirmed=confirmed) for confirmed in (0, 1)}
    attributes = {
        "DisplayName": "",
        "Policy": dumps(default_policy(topic.arn)),
        **_shown(topic),
        "TopicArn": topic.arn,
        "Owner": caller_of(topic.arn).account,
        "SubscriptionsConfirmed": str(counts[1]),
        "SubscriptionsPending": str(counts[0]),
        "SubscriptionsDeleted": str(topic.deleted_subscriptions),
        "EffectiveDeliveryPolicy": dumps(_effective_policy(topic)),
    }
    return {"Attributes": attributes}


def _shown(topic: Topic) -> dict[str, str]:
    """What was set, with what a FIFO topic always has."""
    found = {name: value for name, value in topic.attributes.items() if value}
    if is_fifo(topic.arn):
        return {"FifoTopic": "true", "ContentBasedDeduplication": "false", **found}
    return found


def set_topic_attributes(request: SetTopicAttributes, work: Work) -> None:
    """Set one attribute; an empty text takes it back, and the default policy takes the policy back.

    Raises:
        InvalidParameterException: the topic cannot have it, or not any more (FifoTopic).
    """
    topic = topic_at(request.topic_arn, work, "SetTopicAttributes")
    name, value = request.attribute_name, request.attribute_value
    if name == "FifoTopic":
        raise InvalidParameterException("AttributeName")
    check_topic_attribute(name, value, fifo=is_fifo(topic.arn))
    if name == "Policy" and loads(value) == default_policy(topic.arn):
        value = ""
    attributes = {**topic.attributes, name: value}
    if name == "ArchivePolicy":
        attributes = with_archive({**attributes, name: value or "{}"}, work)
    kept = {name: value for name, value in attributes.items() if value}
    work.put(TOPICS, msgspec.structs.replace(topic, attributes=kept))


def _effective_policy(topic: Topic) -> dict[str, Any]:
    text = topic.attributes.get("DeliveryPolicy")
    policy = read_delivery_policy(text) if text else DEFAULT
    content_type = header_content_type(text) if text else CONTENT_TYPE
    return {
        "http": {
            "defaultHealthyRetryPolicy": msgspec.to_builtins(policy),
            "disableSubscriptionOverrides": False,
            "defaultRequestPolicy": {"headerContentType": content_type},
        }
    }


# Data protection ---------------------------------------------------------------------------------------------------

_DATA_PROTECTION = "SNS data protection policies: messages are neither audited nor masked"


def put_data_protection_policy(request: DataProtection, work: Work) -> None:
    """Refused: a policy that masks nothing would pretend.

    Raises:
        NotImplementedHere: a policy is given; an empty one takes back what was never there.
    """
    topic_at(request.resource_arn, work, "PutDataProtectionPolicy")
    if request.data_protection_policy:
        raise NotImplementedHere(_DATA_PROTECTION)


def get_data_protection_policy(request: DataProtection, work: Work) -> dict[str, Any]:
    """A topic has none."""
    topic_at(request.resource_arn, work, "GetDataProtectionPolicy")
    return {"DataProtectionPolicy": ""}
