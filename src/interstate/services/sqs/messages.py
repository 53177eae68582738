"""Sending, deleting and hiding single messages.

Source: SQS API Reference, SendMessage, DeleteMessage, ChangeMessageVisibility.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from datetime import timedelta
from functools import lru_cache
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.queues.attributes import DELAY_S_MAX, VISIBILITY_S_MAX
from interstate.core.queues.content import check_attributes, check_id, check_no_lists, check_system_attributes
from interstate.core.queues.errors import (
    InvalidAddress,
    InvalidParameterValue,
    MessageIsGone,
    MessageNotInflight,
    MessageTooLong,
    MissingParameter,
    NotForThisQueueType,
    ReceiptHandleExpired,
    ReceiptHandleIsInvalid,
)
from interstate.core.queues.message import (
    Message,
    check_body,
    md5_of_attributes,
    md5_of_body,
    new_message_id,
    read_handle,
    row_of_handle,
    size_bytes,
)
from interstate.services.sqs import fifo
from interstate.services.sqs.locate import arn_of_url, queue_for, setting
from interstate.services.sqs.stored import add, add_all, release, remove
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES
from interstate.store.records.sqs import GROUPS, MESSAGES, QUEUES, Queue
from interstate.store.tables import Key

Attributes = dict[str, dict[str, Any]]
_ROW_MAX = 2**63
SNS = "sns.amazonaws.com"
"""The principal that may send what is signed later; calls from outside never have one."""
VISIBILITY_MAX = timedelta(seconds=VISIBILITY_S_MAX)


class SendMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    message_body: str
    delay_seconds: int | None = None
    message_attributes: Attributes | None = None
    message_system_attributes: Attributes | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None
    seal: str = msgspec.field(default="", name="_Seal")  # Of SNS alone; AWS's API has no such member.


class DeleteMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    receipt_handle: str


class ChangeMessageVisibility(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    receipt_handle: str
    visibility_timeout: int


class Outgoing(msgspec.Struct, frozen=True):
    """What a queue takes: the common part of SendMessage and its batch."""

    body: str
    delay_s: int | None = None
    attributes: Attributes | None = None
    system_attributes: Attributes | None = None
    deduplication_id: str | None = None
    group_id: str | None = None
    in_batch: bool = False
    seal: str = ""


def keys_of_send(request: SendMessage, caller: Caller) -> list[Key]:
    """The queue, and who reads it."""
    return keys_of_queue(request.queue_url, caller)


def keys_of_queue(url: str, caller: Caller) -> list[Key]:
    """The rows that every send looks at. A URL that names nothing is refused by the call itself."""
    try:
        arn = arn_of_url(url, caller)
    except InvalidAddress:
        return []
    return [Key(QUEUES, (arn,)), Key(MAPPED_QUEUES, (arn,))]


def send_message(request: SendMessage, work: Work) -> dict[str, Any]:
    """Keep a message until a consumer deletes it.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue.
        AccessDenied: the queue's policy does not let the caller.
        InvalidParameterValue: delay, attributes, ids or size out of bounds, or not for this type of queue.
        InvalidMessageContents: characters that XML 1.0 does not know.
    """
    queue = queue_for("SendMessage", request.queue_url, work)
    if request.message_attributes:
        check_no_lists("SendMessage", request.message_attributes)
    outgoing = Outgoing(
        request.message_body,
        request.delay_seconds,
        request.message_attributes,
        request.message_system_attributes,
        request.message_deduplication_id,
        request.message_group_id,
        seal=request.seal if work.caller.service == SNS else "",
    )
    check_ids(queue, outgoing)
    return put_message(queue, outgoing, work)


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


def put_message(queue: Queue, outgoing: Outgoing, work: Work) -> dict[str, Any]:
    """Check a message, write it, wake who waits for it; answers as SendMessage."""
    body = outgoing.body.encode()
    size = _check(queue, outgoing, body)
    if queue.is_fifo:  # Held before the number is drawn: a group's numbers rise, whichever nodes send to it.
        work.get(GROUPS, queue.id, outgoing.group_id)
    message = _message(queue, outgoing, body, work)
    answer = {"MD5OfMessageBody": message.body_md5}
    if queue.is_fifo:
        message = fifo.identified(queue, message, body)
        answer |= fifo.send(queue, message, work)
    else:
        add(queue, message, work)
        answer["MessageId"] = message.message_id
    measure(queue, work, "NumberOfMessagesSent")
    measure(queue, work, "SentMessageSize", size, "Bytes")
    return _with_digests(answer, outgoing)


def put_messages(queue: Queue, outgoing: Sequence[Outgoing], work: Work) -> list[dict[str, Any] | ServiceError]:
    """The messages of one call: each is checked by itself, those that pass are written together.

    Tells SendMessage's answer, or the refusal, of each.
    """
    answers: list[dict[str, Any] | ServiceError] = []
    messages: list[Message] = []
    sizes: list[int] = []
    accept = fifo.accepting(queue, work) if queue.is_fifo else None
    for each in outgoing:
        body = each.body.encode()
        try:
            sizes.append(_check(queue, each, body))
        except ServiceError as error:
            answers.append(error)
            continue
        message = _message(queue, each, body, work)
        answer = {"MD5OfMessageBody": message.body_md5, "MessageId": message.message_id}
        if accept is not None:
            message = fifo.identified(queue, message, body)
            answer["SequenceNumber"] = message.sequence_number
            first = accept(message)
            if first is not None:  # It was sent before: the answer is the first's.
                answers.append(_with_digests({**answer, **first}, each))
                continue
        messages.append(message)
        answers.append(_with_digests(answer, each))
    if messages:
        add_all(queue, messages, work)
    if sizes:
        dimensions = (("QueueName", queue.name),)
        work.measure_all("AWS/SQS", "NumberOfMessagesSent", dimensions, [1.0] * len(sizes), caller=work.caller)
        work.measure_all("AWS/SQS", "SentMessageSize", dimensions, sizes, "Bytes", caller=work.caller)
    return answers


def _message(queue: Queue, outgoing: Outgoing, body: bytes, work: Work) -> Message:
    row, delay_s = work.next_id(MESSAGES), _delay_s(queue, outgoing)
    return Message(
        id=row,
        queue_id=queue.id,
        visible_at=work.now + timedelta(seconds=delay_s) if delay_s else work.now,
        sent_at=work.now,
        message_id=new_message_id(row, work.entropy),
        body=outgoing.body,
        body_md5=md5_of_body(body),
        attributes=_stored(outgoing.attributes),
        system_attributes=_system(outgoing.system_attributes, work.caller),
        group_id=outgoing.group_id or "",
        deduplication_id=outgoing.deduplication_id or "",
        seal=outgoing.seal,
    )


def _with_digests(answer: dict[str, Any], outgoing: Outgoing) -> dict[str, Any]:
    if outgoing.attributes:
        answer["MD5OfMessageAttributes"] = md5_of_attributes(outgoing.attributes)
    if outgoing.system_attributes:
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(outgoing.system_attributes)
    return answer


def measure(queue: Queue, work: Work, name: str, value: float = 1.0, unit: str = "Count") -> None:
    """Count for CloudWatch. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"."""
    work.measure("AWS/SQS", name, (("QueueName", queue.name),), value, unit, caller=work.caller)


def _delay_s(queue: Queue, outgoing: Outgoing) -> int:
    """A FIFO queue delays all of its messages alike; 0 for one of them means the queue's delay."""
    if outgoing.delay_s is None or queue.is_fifo:
        return setting(queue, "DelaySeconds")
    return outgoing.delay_s


def _check(queue: Queue, outgoing: Outgoing, body: bytes) -> int:
    """Everything but the ids; tells the message's size."""
    if not body:
        raise MissingParameter("MessageBody")
    check_body(outgoing.body)
    delay_s = outgoing.delay_s
    if delay_s is not None and not 0 <= delay_s <= DELAY_S_MAX:
        raise InvalidParameterValue(
            f"Value {delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
        )
    if delay_s and queue.is_fifo:
        raise NotForThisQueueType("DelaySeconds", delay_s)
    if outgoing.attributes:
        check_attributes(outgoing.attributes)
    if outgoing.system_attributes:
        check_system_attributes(outgoing.system_attributes)
    size, size_max = size_bytes(body, outgoing.attributes), setting(queue, "MaximumMessageSize")
    if size > size_max:
        raise MessageTooLong(size_max, in_batch=outgoing.in_batch)
    return size


def _stored(attributes: Attributes | None) -> dict[str, dict[str, Any]] | None:
    if not attributes:
        return None
    return {name: _text_of(attribute) for name, attribute in attributes.items()}


def _text_of(attribute: Mapping[str, Any]) -> dict[str, Any]:
    return {key: b64encode(value).decode() if isinstance(value, bytes) else value for key, value in attribute.items()}


@lru_cache(maxsize=1024)
def _system_of(account: str) -> dict[str, str]:
    """The same for all messages of an account: what is kept is never changed."""
    return {"SenderId": account}


def _system(attributes: Attributes | None, caller: Caller) -> dict[str, str]:
    if not attributes and not caller.trace:
        return _system_of(caller.account)
    stored = {"SenderId": caller.account}
    if caller.trace:  # A trace that the message names itself goes before that of the request.
        stored["AWSTraceHeader"] = caller.trace
    for name, attribute in (attributes or {}).items():
        stored[name] = attribute["StringValue"]
    return stored


# Receipts ----------------------------------------------------------------------------------------------------------


def keys_of_receipt(request: DeleteMessage | ChangeMessageVisibility, caller: Caller) -> list[Key]:
    """The queue and the message; its number stands in the handle, and is checked against the queue by the call."""
    return [*keys_of_queue(request.queue_url, caller)[:1], *keys_of_handles([request.receipt_handle])]


def keys_of_handles(handles: Sequence[str]) -> list[Key]:
    """The messages that handles name."""
    rows = [row_of_handle(handle) for handle in handles]
    return [Key(MESSAGES, (row,)) for row in rows if row is not None and row < _ROW_MAX]


def delete_message(request: DeleteMessage, work: Work) -> None:
    """Forget a message that was handled. Deleting it twice, or under an older receipt, changes nothing and is no error.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue.
        AccessDenied: the queue's policy does not let the caller.
        ReceiptHandleIsInvalid: this queue never gave out ``ReceiptHandle``.
        InvalidParameterValue: a FIFO queue's message is not in flight any more.
    """
    delete_from(queue_for("DeleteMessage", request.queue_url, work), request.receipt_handle, work)


def delete_from(queue: Queue, receipt_handle: str, work: Work) -> None:
    """Delete what a handle names, as DeleteMessage does."""
    message = held(queue, receipt_handle, work)
    if message is not None:
        remove(queue, message, work)
    measure(queue, work, "NumberOfMessagesDeleted")


def held(queue: Queue, receipt_handle: str, work: Work) -> Message | None:
    """The message that a handle deletes; None when it is gone, or in other hands.

    Raises:
        ReceiptHandleIsInvalid: this queue never gave out ``receipt_handle``.
        InvalidParameterValue: a FIFO queue's message is not in flight any more.
    """
    message, receipt = _found(queue, receipt_handle, work)
    if message is None:
        return None
    holds = message.is_held_by(receipt)
    if queue.is_fifo and (message.visible_at <= work.now or not holds):
        raise ReceiptHandleExpired(receipt_handle)
    return message if holds else None


def change_message_visibility(request: ChangeMessageVisibility, work: Work) -> None:
    """Let a received message come back later than planned, or sooner.

    A message whose timeout has ended can be hidden again while nobody else has received it.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue.
        AccessDenied: the queue's policy does not let the caller.
        ReceiptHandleIsInvalid: this queue never gave out ``ReceiptHandle``.
        MessageNotInflight: the message was let go.
        InvalidParameterValue: more than 12 hours, from now or since it was received first; or the message is gone.
    """
    queue = queue_for("ChangeMessageVisibility", request.queue_url, work)
    change_visibility(queue, request.receipt_handle, request.visibility_timeout, work)


def change_visibility(queue: Queue, receipt_handle: str, timeout_s: int, work: Work) -> None:
    """Change what a handle names, as ChangeMessageVisibility does."""
    if not 0 <= timeout_s <= VISIBILITY_S_MAX:
        raise InvalidParameterValue(
            f"Value {timeout_s} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer "
            f"between 0 and {VISIBILITY_S_MAX}."
        )
    message, receipt = _found(queue, receipt_handle, work)
    if message is None:
        raise MessageIsGone(receipt_handle)
    visible = message.visible_at <= work.now
    if queue.is_fifo and (visible or not message.is_held_by(receipt)):
        raise ReceiptHandleExpired(receipt_handle)
    if visible and message.receipt != receipt:
        raise MessageNotInflight(receipt_handle)
    timeout = timedelta(seconds=timeout_s)
    since = message.received_at or message.first_received_at
    if timeout and since is not None and work.now + timeout > since + VISIBILITY_MAX:
        raise InvalidParameterValue(
            f"Value {timeout_s} for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the "
            f"message is beyond the limit [{VISIBILITY_S_MAX} seconds]"
        )
    release(queue, message.hidden_for(timeout, now=work.now), work)


def _found(queue: Queue, receipt_handle: str, work: Work) -> tuple[Message | None, str]:
    """The message that a handle names, if it is there, and the handle's receipt."""
    row, receipt = read_handle(receipt_handle, queue.id)
    message = work.get(MESSAGES, row)
    if message is not None and message.queue_id != queue.id:
        raise ReceiptHandleIsInvalid(receipt_handle)
    return message, receipt
