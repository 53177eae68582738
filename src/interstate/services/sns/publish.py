"""Publishing: a message is taken, and every subscription that wants it gets a delivery of its own, in the same commit.

Theory of operation
-------------------
A publish reads the first page of its topic's subscriptions, holds their filters against the message, and leaves one due
step "sns.delivery" for each that wants it; a topic with more subscriptions leaves a step "sns.fanout" for the next page. So a
publish is bounded whatever the topic, and what it acknowledged is delivered even if the process dies before.

Source: SNS API Reference, Publish, PublishBatch.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.arn import Caller, parse_arn
from interstate.base.errors import NotImplementedHere, ServiceError
from interstate.core.patterns.policy import FilterPolicy, admits, parse_filter_policy
from interstate.core.topics.attributes import dead_letter_target, read_scope
from interstate.core.topics.errors import (
    BatchEntryIdsNotDistinctException,
    BatchRequestTooLongException,
    EmptyBatchRequestException,
    InvalidBatchEntryIdException,
    InvalidParameterException,
    TooManyEntriesInBatchRequestException,
)
from interstate.core.topics.message import (
    SIZE_BYTES_MAX,
    Notification,
    check_subject,
    read_attributes,
    read_texts,
    size_bytes,
)
from interstate.services.sns.mailbox import Letter, put_mail
from interstate.services.sns.topics import topic_at
from interstate.store.ports import Work
from interstate.store.records.sns import SUBSCRIPTIONS_OF_TOPIC, TOPICS, Delivery, Fanout, Subscription, Topic
from interstate.store.tables import Key

FANOUT_PAGE = 100
BATCH_MAX = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")
_PHONE_NUMBER = re.compile(r"\+[0-9]{6,15}\Z")

Attributes = dict[str, dict[str, Any]]


class Publish(msgspec.Struct, frozen=True, rename="pascal"):
    message: str
    topic_arn: str | None = None
    target_arn: str | None = None
    phone_number: str | None = None
    subject: str | None = None
    message_structure: str | None = None
    message_attributes: Attributes = {}
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class Entry(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    message: str
    subject: str | None = None
    message_structure: str | None = None
    message_attributes: Attributes = {}
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class PublishBatch(msgspec.Struct, frozen=True, rename="pascal"):
    topic_arn: str
    publish_batch_request_entries: list[Entry]


def keys_of_publish(request: Publish, caller: Caller) -> Iterable[Key]:
    """The topic."""
    del caller
    arn = request.topic_arn or request.target_arn
    return [Key(TOPICS, (arn,))] if arn else []


def keys_of_batch(request: PublishBatch, caller: Caller) -> Iterable[Key]:
    """The topic."""
    del caller
    return [Key(TOPICS, (request.topic_arn,))]


def publish(request: Publish, work: Work) -> dict[str, Any]:
    """Take a message; it is delivered after this commit.

    Raises:
        NotFoundException: there is no such topic.
        InvalidParameterException: there is no destination, or the message is none.
    """
    if request.phone_number is not None:
        return _short_message(request, work)
    arn = request.topic_arn or request.target_arn
    if not arn:
        raise InvalidParameterException("TopicArn or TargetArn Reason: no value for required parameter")
    parsed = parse_arn(arn)
    if parsed is not None and parsed.resource.startswith("endpoint/"):
        what = "SNS mobile push endpoints"
        raise NotImplementedHere(what)
    notification = _notification(request, topic_at(arn, work), work)
    fan_out(Fanout(notification, ""), work)
    return {"MessageId": notification.message_id}


def publish_batch(request: PublishBatch, work: Work) -> dict[str, Any]:
    """Take up to ten messages, each for itself.

    Raises:
        NotFoundException: there is no such topic.
        EmptyBatchRequestException: there are no entries.
        TooManyEntriesInBatchRequestException: there are more than ten.
        BatchEntryIdsNotDistinctException: two have one id.
        InvalidBatchEntryIdException: an id is none.
        BatchRequestTooLongException: they are too long together.
    """
    topic = topic_at(request.topic_arn, work)
    entries = request.publish_batch_request_entries
    _check_batch(entries, _size_max(topic))
    successful, failed = list[dict[str, Any]](), list[dict[str, Any]]()
    for entry in entries:
        try:
            notification = _notification(entry, topic, work)
        except ServiceError as error:
            code = error.code.removesuffix("Exception")
            failed.append({"Id": entry.id, "Code": code, "Message": error.message, "SenderFault": True})
            continue
        fan_out(Fanout(notification, ""), work)
        successful.append({"Id": entry.id, "MessageId": notification.message_id})
    return {"Successful": successful, "Failed": failed}


def _check_batch(entries: list[Entry], size_max: int) -> None:
    if not entries:
        raise EmptyBatchRequestException
    if len(entries) > BATCH_MAX:
        raise TooManyEntriesInBatchRequestException(len(entries))
    if len({entry.id for entry in entries}) != len(entries):
        raise BatchEntryIdsNotDistinctException
    if not all(_ENTRY_ID.match(entry.id) for entry in entries):
        raise InvalidBatchEntryIdException
    if sum(len(entry.message.encode()) for entry in entries) > size_max:
        raise BatchRequestTooLongException(size_max)


def _notification(request: Publish | Entry, topic: Topic, work: Work) -> Notification:
    default, texts = read_texts(request.message, request.message_structure)
    check_subject(request.subject)
    attributes = read_attributes(request.message_attributes)
    if size_bytes(request.message, attributes) > _size_max(topic):
        raise InvalidParameterException("Message too long")
    if request.message_deduplication_id is not None:
        raise InvalidParameterException(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type"
        )
    message_id = work.entropy.uuid()
    return Notification(
        message_id, topic.arn, work.now, default, texts, request.subject, attributes, request.message_group_id
    )


def _size_max(topic: Topic) -> int:
    return int(topic.attributes.get("MaximumMessageSize", SIZE_BYTES_MAX))


def _short_message(request: Publish, work: Work) -> dict[str, Any]:
    number = request.phone_number or ""
    if not _PHONE_NUMBER.match(number):
        raise InvalidParameterException(f"PhoneNumber Reason: {number} is not valid to publish to")
    default, texts = read_texts(request.message, request.message_structure)
    read_attributes(request.message_attributes)
    message_id = work.entropy.uuid()
    text = texts.get("sms", default)
    put_mail(Letter("sms", number, request.subject or "", text, message_id), work.caller, work)
    return {"MessageId": message_id}


# Fanning out -------------------------------------------------------------------------------------------------------


def fan_out(body: Fanout, work: Work) -> None:
    """Leave a delivery for each subscription of a page that wants the message, and a step for the next page."""
    notification = body.notification
    topic = work.get(TOPICS, notification.topic)
    page = work.select(SUBSCRIPTIONS_OF_TOPIC, limit=FANOUT_PAGE, topic=notification.topic, after=body.after)
    for subscription in page:
        if subscription.confirmed and _wants(subscription, notification):
            work.later("sns.delivery", _delivery(notification, subscription, topic))
    if len(page) == FANOUT_PAGE:
        work.later("sns.fanout", Fanout(notification, page[-1].arn))


def _delivery(notification: Notification, subscription: Subscription, topic: Topic | None) -> Delivery:
    attributes = subscription.attributes
    redrive = attributes.get("RedrivePolicy")
    policy = None
    if subscription.protocol in ("http", "https"):
        policy = attributes.get("DeliveryPolicy") or (topic.attributes.get("DeliveryPolicy") if topic else None)
    return Delivery(
        notification,
        subscription.arn,
        subscription.protocol,
        subscription.endpoint,
        subscription.raw,
        dead_letter_target(redrive) if redrive else None,
        policy,
    )


def _wants(subscription: Subscription, notification: Notification) -> bool:
    text = subscription.attributes.get("FilterPolicy")
    if not text:
        return True
    policy = _policy(text, subscription.attributes.get("FilterPolicyScope", ""))
    attributes = {name: attribute.api() for name, attribute in notification.attributes.items()}
    return admits(policy, notification.text(subscription.protocol), attributes)


@lru_cache(maxsize=4096)
def _policy(text: str, scope: str) -> FilterPolicy:
    """A filter policy, compiled once; it was checked when it was set."""
    return parse_filter_policy(text, read_scope(scope))
