"""Messages on their way into a queue: checked each by itself, written together, whoever sends them.

Theory of operation
-------------------
All senders (one call, a batch, services inside) come through ``take_all``. It checks the messages first; what a FIFO queue
knows of their groups and deduplication ids is then read at once, and held before a number is drawn, so that a group's numbers
rise whichever nodes send to it. A refusal is a value, and nothing of a refused message was written: senders need no overlay.

Source: SQS API Reference, SendMessage, SendMessageBatch.
"""

import hashlib
from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.events.numbers import row_ids
from interstate.core.queues.attributes import DELAY_S_MAX
from interstate.core.queues.content import are_ids, check_attributes, check_id, check_system_attributes
from interstate.core.queues.errors import (
    InvalidParameterValue,
    MessageTooLong,
    MissingParameter,
    NotForThisQueueType,
)
from interstate.core.queues.message import (
    Message,
    are_ascii,
    check_body,
    md5_of_attributes,
    md5_of_body,
    sequence_number,
    size_bytes,
)
from interstate.services.sqs import fifo
from interstate.services.sqs.locate import setting
from interstate.services.sqs.stored import add_all
from interstate.store.ports import Work
from interstate.store.records.metrics import MetricKey
from interstate.store.records.sqs import MESSAGES, Queue

Attributes = dict[str, dict[str, Any]]


class Outgoing(msgspec.Struct, frozen=True):
    """What a queue takes. ``seal`` is SNS's: with what the body is signed when it is read (``seals.py``)."""

    body: str
    delay_s: int | None = None
    attributes: Attributes | None = None
    system_attributes: Attributes | None = None
    deduplication_id: str | None = None
    group_id: str | None = None
    in_batch: bool = False
    seal: str = ""


_BODY = attrgetter("body")
_IDS = attrgetter("group_id", "deduplication_id")
_OPTIONS = attrgetter("delay_s", "attributes", "system_attributes")
_NO_OPTIONS = (None, None, None)


def check_ids(queue: Queue, outgoing: Outgoing) -> None:
    """Group and deduplication, which a FIFO queue needs.

    Raises:
        MissingParameter: a FIFO queue needs a group.
        InvalidParameterValue: it needs a deduplication id as well; or an id is none; or the queue takes none.
    """
    group, deduplication = outgoing.group_id, outgoing.deduplication_id
    if group is not None:
        check_id("MessageGroupId", group)
    if not queue.is_fifo:
        if deduplication is not None:
            raise NotForThisQueueType("MessageDeduplicationId", deduplication)
        return
    if group is None:
        raise MissingParameter("MessageGroupId")
    if deduplication is not None:
        check_id("MessageDeduplicationId", deduplication)
    elif not fifo.is_content_based(queue):
        raise InvalidParameterValue(
            "The queue should either have ContentBasedDeduplication enabled or MessageDeduplicationId provided explicitly"
        )


def check_all_ids(queue: Queue, outgoing: Sequence[Outgoing]) -> None:
    """``check_ids`` of each of some (one at least)."""
    groups, ids = zip(*map(_IDS, outgoing), strict=True)
    if queue.is_fifo and None not in groups and None not in ids and are_ids((*groups, *ids)):
        return
    for each in outgoing:
        check_ids(queue, each)


def take_all(
    queue: Queue, outgoing: Sequence[Outgoing], work: Work, caller: Caller | None = None
) -> list[Message | ServiceError]:
    """Send messages whose ids were checked, for ``caller`` (default: who calls); tells each one's message, or its refusal.

    Of a message that was sent before, the first one's id and number are told.
    """
    caller = caller or work.caller
    size_max = setting(queue, "MaximumMessageSize")
    refused: dict[int, ServiceError] = {}
    passed: list[tuple[Outgoing, bytes]] = []
    sizes: list[int] = []
    bodies = list(map(str.encode, map(_BODY, outgoing)))
    if _are_plain(outgoing, bodies, size_max):
        passed, sizes = list(zip(outgoing, bodies, strict=True)), list(map(len, bodies))
    for at, (each, body) in enumerate(zip(outgoing, bodies, strict=True)) if not passed else ():
        try:
            sizes.append(_check(queue, each, body, size_max))
        except ServiceError as error:
            refused[at] = error
        else:
            passed.append((each, body))
    if not passed:
        return list(refused.values())
    messages = _sent(queue, passed, work, caller)
    sent, of_size = _metrics_of(caller.account, caller.region, queue.name)
    work.tally((sent,), 1.0, len(sizes))
    if sizes.count(sizes[0]) == len(sizes):
        work.tally((of_size,), sizes[0], len(sizes))
    else:
        work.measure_all("AWS/SQS", "SentMessageSize", (("QueueName", queue.name),), sizes, "Bytes", caller=caller)
    if not refused:
        return messages
    told: list[Message | ServiceError] = messages
    for at, refusal in refused.items():  # In their order: each finds its place.
        told.insert(at, refusal)
    return told


@lru_cache(maxsize=4096)
def _metrics_of(account: str, region: str, name: str) -> tuple[MetricKey, MetricKey]:
    """The series of what a queue takes: how many messages, and how large."""
    dimensions = (("QueueName", name),)
    sent: MetricKey = (account, region, "AWS/SQS", "NumberOfMessagesSent", dimensions, "Count")
    return sent, (account, region, "AWS/SQS", "SentMessageSize", dimensions, "Bytes")


def _sent(
    queue: Queue, passed: Sequence[tuple[Outgoing, bytes]], work: Work, caller: Caller
) -> list[Message | ServiceError]:
    is_fifo = queue.is_fifo
    identities = [each.deduplication_id or "" for each, _ in passed]
    if is_fifo:
        if "" in identities:
            identities = [given or _digest(body) for given, (_, body) in zip(identities, passed, strict=True)]
        fifo.hold(queue, [each.group_id or "" for each, _ in passed], identities, work)
    now = work.now
    delay_s, system = setting(queue, "DelaySeconds"), _system_of(caller.account, caller.trace)
    later = now + timedelta(seconds=delay_s) if delay_s else now
    messages: list[Message] = []
    rows = work.next_ids(MESSAGES, len(passed))
    for (each, body), identity, row, name in zip(passed, identities, rows, row_ids(rows, work.entropy), strict=True):
        message = Message(
            row,
            queue.id,
            later
            if is_fifo or each.delay_s is None
            else now + timedelta(seconds=each.delay_s)
            if each.delay_s
            else now,
            now,
            name,
            each.body,
            md5_of_body(body),
            _stored(each.attributes) if each.attributes else None,
            system if not each.system_attributes else _system(system, each.system_attributes),
            group_id=each.group_id or "",
            deduplication_id=identity,
            seal=each.seal,
        )
        messages.append(message)
    told = fifo.accept_all(queue, messages, work) if is_fifo else messages
    if told is messages:
        new = messages
    else:
        new = [message for message, first in zip(messages, told, strict=True) if message is first]
    if new:
        add_all(queue, new, work)
    return [*told]


def _digest(body: bytes) -> str:
    """The deduplication id of a message that has none. Attributes do not count for it."""
    return hashlib.sha256(body).hexdigest()


def answer_of(message: Message, outgoing: Outgoing, *, fifo: bool, entry: str | None = None) -> dict[str, Any]:
    """SendMessage's answer; in a batch with its entry's id."""
    if entry is None:
        answer = {"MD5OfMessageBody": message.body_md5, "MessageId": message.message_id}
    else:
        answer = {"Id": entry, "MD5OfMessageBody": message.body_md5, "MessageId": message.message_id}
    if fifo:
        answer["SequenceNumber"] = sequence_number(message.id)
    if outgoing.attributes:
        answer["MD5OfMessageAttributes"] = md5_of_attributes(outgoing.attributes)
    if outgoing.system_attributes:
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(outgoing.system_attributes)
    return answer


def _are_plain(outgoing: Sequence[Outgoing], bodies: Sequence[bytes], size_max: int) -> bool:
    """Whether ``_check`` takes each of some (more than one) for having nothing but a body that is short and in ASCII."""
    return (
        len(bodies) > 1
        and list(map(_OPTIONS, outgoing)).count(_NO_OPTIONS) == len(bodies)
        and all(bodies)
        and max(map(len, bodies)) <= size_max
        and are_ascii(bodies)
    )


def _check(queue: Queue, outgoing: Outgoing, body: bytes, size_max: int) -> int:
    """Everything but the ids; tells the message's size."""
    if not body:
        raise MissingParameter("MessageBody")
    check_body(body)
    delay_s = outgoing.delay_s
    if delay_s is not None:
        if not 0 <= delay_s <= DELAY_S_MAX:
            raise InvalidParameterValue(
                f"Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
            )
        if delay_s and queue.is_fifo:  # All of its messages are delayed alike; 0 means the queue's delay.
            raise NotForThisQueueType("DelaySeconds", delay_s, in_batch=outgoing.in_batch)
    if outgoing.attributes:
        check_attributes(outgoing.attributes)
    if outgoing.system_attributes:
        check_system_attributes(outgoing.system_attributes)
    size = size_bytes(body, outgoing.attributes) if outgoing.attributes else len(body)
    if size > size_max:
        raise MessageTooLong(size_max, in_batch=outgoing.in_batch)
    return size


def _stored(attributes: Attributes) -> dict[str, dict[str, Any]]:
    return {name: _text_of(attribute) for name, attribute in attributes.items()}


def _text_of(attribute: Mapping[str, Any]) -> dict[str, Any]:
    return {key: b64encode(value).decode() if isinstance(value, bytes) else value for key, value in attribute.items()}


@lru_cache(maxsize=1024)
def _system_of(account: str, trace: str) -> dict[str, str]:
    """The same for all messages of an account (and trace): what is kept is never changed."""
    return {"SenderId": account, "AWSTraceHeader": trace} if trace else {"SenderId": account}


def _system(system: dict[str, str], attributes: Attributes) -> dict[str, str]:
    """A trace that the message names itself goes before that of the request."""
    return {**system, **{name: attribute["StringValue"] for name, attribute in attributes.items()}}
