"""Topics themselves: their life, attributes, tags and permissions.

Source: SNS API Reference.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.json import dumps, loads
from interstate.core.topics.attributes import check_topic_attribute, check_topic_name
from interstate.core.topics.delivery_policy import DEFAULT, read_delivery_policy
from interstate.core.topics.errors import InvalidParameterException, NotFoundException, ResourceNotFoundException
from interstate.store.ports import Work
from interstate.store.records.sns import (
    COUNT_SUBSCRIPTIONS,
    SUBSCRIPTIONS_OF_TOPIC,
    TOPICS,
    TOPICS_OF_SCOPE,
    Drop,
    Topic,
)

PAGE = 100  # Source: ListTopics, "at most 100".
DROP_MAX = 500
_TAGS_MAX = 50

Tags = list[dict[str, str]]


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


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tags: Tags


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tag_keys: list[str]


class ListTags(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str


class AddPermission(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    label: str
    aws_account_id: list[str] = msgspec.field(name="AWSAccountId")
    action_name: list[str]


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    label: str


def topic_at(arn: str, work: Work) -> Topic:
    """The topic of an ARN.

    Raises:
        InvalidParameterException: the text is no topic's ARN.
        NotFoundException: there is no such topic.
    """
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sns":
        count = len(arn.split(":"))
        reason = f" Reason: An ARN must have at least 6 elements, not {count}" if count < 6 else ""
        raise InvalidParameterException(f"TopicArn{reason}")
    topic = work.get(TOPICS, arn)
    if topic is None:
        raise NotFoundException
    return topic


def create_topic(request: CreateTopic, work: Work) -> dict[str, Any]:
    """Create a topic; the same call again answers the same.

    Raises:
        InvalidParameterException: the name or an attribute is none, or the topic has other attributes or tags.
        NotImplementedHere: a FIFO topic is wanted.
    """
    check_topic_name(request.name)
    for name, value in request.attributes.items():
        check_topic_attribute(name, value)
    attributes = {name: value for name, value in request.attributes.items() if name != "FifoTopic"}
    if request.data_protection_policy is not None:
        attributes["DataProtectionPolicy"] = request.data_protection_policy
    tags = read_tags(request.tags)
    arn = work.caller.arn("sns", request.name)
    existing = work.get(TOPICS, arn)
    if existing is None:
        scope = f"{work.caller.account}/{work.caller.region}"
        work.put(TOPICS, Topic(arn, scope, request.name, work.now, attributes, tags))
    elif any(existing.attributes.get(name) != value for name, value in attributes.items()):
        raise InvalidParameterException("Attributes Reason: Topic already exists with different attributes")
    elif any(existing.tags.get(name) != value for name, value in tags.items()):
        raise InvalidParameterException("Tags Reason: Topic already exists with different tags")
    return {"TopicArn": arn}


def delete_topic(request: TopicRequest, work: Work) -> None:
    """Forget a topic and, in bounded steps, its subscriptions. A topic that is not there is no error."""
    work.delete(TOPICS, request.topic_arn)
    work.later("sns.drop", Drop(request.topic_arn))


def drop(body: Drop, work: Work) -> None:
    """Forget a page of subscriptions of a topic that is gone; the rest is a step of its own."""
    if work.get(TOPICS, body.topic) is not None:
        return  # Created again in between: what it has now is its own.
    gone = work.erase(SUBSCRIPTIONS_OF_TOPIC, limit=DROP_MAX, topic=body.topic, after="")
    if gone == DROP_MAX:
        work.later("sns.drop", body)


def list_topics(request: ListTopics, work: Work) -> dict[str, Any]:
    """The caller's topics, a page at a time."""
    scope = f"{work.caller.account}/{work.caller.region}"
    found = work.select(TOPICS_OF_SCOPE, limit=PAGE + 1, scope=scope, after=request.next_token)
    answer: dict[str, Any] = {"Topics": [{"TopicArn": topic.arn} for topic in found[:PAGE]]}
    if len(found) > PAGE:
        answer["NextToken"] = found[PAGE - 1].arn
    return answer


def get_topic_attributes(request: TopicRequest, work: Work) -> dict[str, Any]:
    """What was set, and the defaults of the rest."""
    topic = topic_at(request.topic_arn, work)
    account = caller_of(topic.arn).account
    counts = {confirmed: work.scalar(COUNT_SUBSCRIPTIONS, topic=topic.arn, confirmed=confirmed) for confirmed in (0, 1)}
    attributes = {
        "DisplayName": "",
        "Policy": dumps(_default_policy(topic)),
        **{name: value for name, value in topic.attributes.items() if value},
        "TopicArn": topic.arn,
        "Owner": account,
        "SubscriptionsConfirmed": str(counts[1]),
        "SubscriptionsPending": str(counts[0]),
        "SubscriptionsDeleted": str(topic.deleted_subscriptions),
        "EffectiveDeliveryPolicy": dumps(_effective_policy(topic)),
    }
    return {"Attributes": attributes}


def set_topic_attributes(request: SetTopicAttributes, work: Work) -> None:
    """Set one attribute; an empty text takes it back."""
    topic = topic_at(request.topic_arn, work)
    check_topic_attribute(request.attribute_name, request.attribute_value)
    attributes = {**topic.attributes, request.attribute_name: request.attribute_value}
    kept = {name: value for name, value in attributes.items() if value}
    work.put(TOPICS, msgspec.structs.replace(topic, attributes=kept))


def _effective_policy(topic: Topic) -> dict[str, Any]:
    text = topic.attributes.get("DeliveryPolicy")
    policy = read_delivery_policy(text) if text else DEFAULT
    return {"http": {"defaultHealthyRetryPolicy": msgspec.to_builtins(policy), "disableSubscriptionOverrides": False}}


# Permissions -------------------------------------------------------------------------------------------------------


def add_permission(request: AddPermission, work: Work) -> None:
    """Add a statement to the topic's policy. Policies are stored, not enforced."""
    topic = topic_at(request.topic_arn, work)
    statements = _statements(topic)
    if any(statement.get("Sid") == request.label for statement in statements):
        raise InvalidParameterException("Statement already exists")
    statement = {
        "Sid": request.label,
        "Effect": "Allow",
        "Principal": {"AWS": [f"arn:aws:iam::{account}:root" for account in request.aws_account_id]},
        "Action": [f"SNS:{action}" for action in request.action_name],
        "Resource": topic.arn,
    }
    _save_statements(topic, [*statements, statement], work)


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement out of the topic's policy."""
    topic = topic_at(request.topic_arn, work)
    statements = _statements(topic)
    kept = [statement for statement in statements if statement.get("Sid") != request.label]
    if len(kept) == len(statements):
        raise InvalidParameterException("Label Reason: there is no such statement")
    _save_statements(topic, kept, work)


def _default_policy(topic: Topic) -> dict[str, Any]:
    """The owner may do everything.

    Source: the policy that GetTopicAttributes shows of a new topic.
    """
    actions = (
        "GetTopicAttributes", "SetTopicAttributes", "AddPermission", "RemovePermission", "DeleteTopic", "Subscribe",
        "ListSubscriptionsByTopic", "Publish",
    )  # fmt: skip
    return {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in actions],
                "Resource": topic.arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": caller_of(topic.arn).account}},
            }
        ],
    }


def _policy(topic: Topic) -> dict[str, Any]:
    text = topic.attributes.get("Policy")
    found = loads(text) if text else _default_policy(topic)
    assert isinstance(found, dict)
    return found


def _statements(topic: Topic) -> list[dict[str, Any]]:
    statements = _policy(topic).get("Statement", [])
    return list(statements) if isinstance(statements, list) else [statements]


def _save_statements(topic: Topic, statements: list[dict[str, Any]], work: Work) -> None:
    policy = {**_policy(topic), "Statement": statements}
    attributes = {**topic.attributes, "Policy": dumps(policy)}
    work.put(TOPICS, msgspec.structs.replace(topic, attributes=attributes))


# Tags --------------------------------------------------------------------------------------------------------------


def read_tags(tags: Tags) -> dict[str, str]:
    """A list of keys and values as a mapping.

    Raises:
        InvalidParameterException: a key comes twice, or there are too many.
    """
    found = {tag["Key"]: tag["Value"] for tag in tags}
    if len(found) != len(tags):
        raise InvalidParameterException("Duplicated keys are not allowed.")
    _check_count(found)
    return found


def _check_count(tags: Mapping[str, str]) -> None:
    if len(tags) > _TAGS_MAX:
        raise InvalidParameterException(f"Tags Reason: a topic has at most {_TAGS_MAX} tags")


def _tagged(arn: str, work: Work) -> Topic:
    topic = work.get(TOPICS, arn)
    if topic is None:
        raise ResourceNotFoundException
    return topic


def tag_resource(request: TagResource, work: Work) -> dict[str, Any]:
    """Set tags of a topic."""
    topic = _tagged(request.resource_arn, work)
    tags = {**topic.tags, **read_tags(request.tags)}
    _check_count(tags)
    work.put(TOPICS, msgspec.structs.replace(topic, tags=tags))
    return {}


def untag_resource(request: UntagResource, work: Work) -> dict[str, Any]:
    """Take tags off a topic; those that are not there are no error."""
    topic = _tagged(request.resource_arn, work)
    tags = {key: value for key, value in topic.tags.items() if key not in request.tag_keys}
    work.put(TOPICS, msgspec.structs.replace(topic, tags=tags))
    return {}


def list_tags_for_resource(request: ListTags, work: Work) -> dict[str, Any]:
    """The tags of a topic."""
    tags = _tagged(request.resource_arn, work).tags
    return {"Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}
