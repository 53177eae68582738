"""Publishing: a message is taken, and every subscription that wants it is served in the same commit.

Theory of operation
-------------------
A publish is checked, numbered in FIFO topics, and served to its topic's first page of subscriptions (``fanning``) in one step.
What it acknowledged is delivered even if the process dies before.

Source: SNS API Reference, Publish, PublishBatch.
"""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.topics.attributes import is_fifo
from interstate.core.topics.errors import (
    BatchEntryIdsNotDistinctException,
    BatchRequestTooLongException,
    EmptyBatchRequestException,
    InvalidBatchEntryIdException,
    InvalidParameterException,
    TooManyEntriesInBatchRequestException,
)
from interstate.core.topics.fifo import check_group, deduplication_id
from interstate.core.topics.message import (
    SIZE_BYTES_MAX,
    Notification,
    check_subject,
    read_attributes,
    read_texts,
    settings_of,
    size_bytes,
)
from interstate.services.sns.access import owner_of, published, require, topic_at
from interstate.services.sns.archive import keep
from interstate.services.sns.fanning import serve
from interstate.services.sns.numbering import numbered
from interstate.services.sns.push import is_endpoint, platform_of, push
from interstate.services.sns.texting import short_message
from interstate.store.ports import Work
from interstate.store.records.sns import TOPICS, Topic
from interstate.store.tables import Key

BATCH_MAX = 10
_ENTRY_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")

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
        AuthorizationErrorException: the topic's policy does not let the caller.
        EndpointDisabledException: the push endpoint is disabled.
    """
    if request.target_arn is None and request.phone_number is None and request.topic_arn is not None:
        topic = work.get(TOPICS, request.topic_arn)
        if topic is not None and owner_of(topic.arn).region == work.caller.region:  # Most come so.
            require(topic, work, "Publish")
            return _take(request, topic, work)
    destinations = [request.topic_arn, request.target_arn, request.phone_number]
    if sum(destination is not None for destination in destinations) > 1:
        raise InvalidParameterException(
            "PhoneNumber Reason: only one of TopicArn, TargetArn and PhoneNumber may be given"
        )
    if request.phone_number is not None:
        default, texts = _texts(request)
        settings = settings_of(read_attributes(request.message_attributes))
        text = texts.get("sms", default)
        return {"MessageId": short_message(request.phone_number, text, request.subject, work, settings=settings)}
    parameter, arn = "TopicArn", request.topic_arn
    if arn is None:
        parameter, arn = "TargetArn", request.target_arn
    if arn is None:
        raise InvalidParameterException("TopicArn or TargetArn Reason: no value for required parameter")
    if is_endpoint(arn):
        default, texts = read_texts(request.message, request.message_structure, platform=platform_of(arn))
        settings = settings_of(read_attributes(request.message_attributes))
        return {"MessageId": push(arn, default, texts, settings, work)}
    topic = topic_at(arn, work, "Publish", parameter)
    return _take(request, topic, work)


def _texts(request: "Publish | Entry") -> tuple[str, dict[str, str]]:
    return read_texts(request.message, request.message_structure)


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
    topic = topic_at(request.topic_arn, work, "Publish")
    entries = request.publish_batch_request_entries
    _check_batch(entries, _size_max(topic))
    successful, failed = list[dict[str, Any]](), list[dict[str, Any]]()
    for entry in entries:
        try:
            taken = _take(entry, topic, work)
        except ServiceError as error:
            code = _CODES.get(error.code, error.code.removesuffix("Exception"))
            failed.append({"Id": entry.id, "Code": code, "Message": error.message, "SenderFault": True})
            continue
        successful.append({"Id": entry.id, **taken})
    return {"Successful": successful, "Failed": failed}


_CODES = {"InvalidParameterValueException": "ParameterValueInvalid"}  # Source: the model's error codes.


def _check_batch(entries: list[Entry], size_max: int) -> None:
    if not entries:
        raise EmptyBatchRequestException
    if len(entries) > BATCH_MAX:
        raise TooManyEntriesInBatchRequestException
    if not all(_ENTRY_ID.match(entry.id) for entry in entries):
        raise InvalidBatchEntryIdException
    if len({entry.id for entry in entries}) != len(entries):
        raise BatchEntryIdsNotDistinctException
    if sum(_entry_size(entry) for entry in entries) > size_max:
        raise BatchRequestTooLongException


def _entry_size(entry: Entry) -> int:
    """An entry's bytes, attributes included, whether or not they will be taken."""
    size = len(entry.message.encode())
    for name, value in entry.message_attributes.items():
        size += len(name.encode()) + len(str(value.get("DataType") or "").encode())
        size += len(value.get("BinaryValue") or str(value.get("StringValue") or "").encode())
    return size


def _take(request: Publish | Entry, topic: Topic, work: Work) -> dict[str, Any]:
    """Check one message, number it, and hand it to whom it concerns."""
    default, texts = read_texts(request.message, request.message_structure)
    if request.subject is not None:
        check_subject(request.subject)
    attributes = read_attributes(request.message_attributes) if request.message_attributes else {}
    size = size_bytes(request.message, attributes)
    if size > _size_max(topic):
        raise InvalidParameterException("Message too long")
    fifo = is_fifo(topic.arn)
    check_group(request.message_group_id, fifo=fifo)
    notification = Notification(
        work.entropy.uuid(), topic.arn, work.now, default, texts, request.subject, attributes, request.message_group_id,
        trace=work.caller.trace,
    )  # fmt: skip
    if fifo:
        identity = deduplication_id(request.message_deduplication_id, request.message, topic.attributes)
        notification, is_new = numbered(notification, identity, topic, work)
        answer = {"MessageId": notification.message_id, "SequenceNumber": notification.sequence}
        if not is_new:
            return answer
        keep(notification, topic, work)
    elif request.message_deduplication_id is not None:
        raise InvalidParameterException(
            "MessageDeduplicationId Reason: The request includes MessageDeduplicationId parameter that is not valid "
            "for this topic type"
        )
    else:
        answer = {"MessageId": notification.message_id}
    work.tally_sized(published(topic.arn), size)
    serve(notification, "", topic, work)
    return answer


def _size_max(topic: Topic) -> int:
    return int(topic.attributes.get("MaximumMessageSize", SIZE_BYTES_MAX))
