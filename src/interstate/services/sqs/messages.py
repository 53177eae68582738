"""Sending, deleting and hiding single messages.

Source: SQS API Reference, SendMessage, DeleteMessage, ChangeMessageVisibility.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere
from interstate.core.queues.attributes import DELAY_S_MAX, VISIBILITY_S_MAX
from interstate.core.queues.errors import (
    InvalidParameterValue,
    MessageNotInflight,
    MessageTooLong,
    MissingParameter,
    ReceiptHandleIsInvalid,
)
from interstate.core.queues.message import Message, check_body, md5_of_attributes, md5_of_body, read_handle, size_bytes
from interstate.services.sqs.locate import arn_of_url, queue_at, setting
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES, Poll
from interstate.store.records.sqs import MESSAGES, QUEUES, Queue
from interstate.store.tables import Key

ATTRIBUTES_MAX = 10
"""Source: SQS Developer Guide, message quotas."""
_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)

Attributes = dict[str, dict[str, Any]]


class SendMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    message_body: str
    delay_seconds: int | None = None
    message_attributes: Attributes | None = None
    message_system_attributes: Attributes | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class DeleteMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    receipt_handle: str


class ChangeMessageVisibility(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    receipt_handle: str
    visibility_timeout: int


class Outgoing(msgspec.Struct, frozen=True):
    """What a queue takes: the common part of SendMessage, its batch, and what other services leave."""

    body: str
    delay_s: int | None = None
    attributes: Attributes | None = None
    system_attributes: Attributes | None = None


def keys_of_send(request: SendMessage, caller: Caller) -> list[Key]:
    """The queue, and who reads it."""
    return keys_of_queue(request.queue_url, caller)


def keys_of_queue(url: str, caller: Caller) -> list[Key]:
    """The rows that every send looks at. A URL that names nothing is refused by the call itself."""
    try:
        arn = arn_of_url(url, caller)
    except InvalidParameterValue:
        return []
    return [Key(QUEUES, (arn,)), Key(MAPPED_QUEUES, (arn,))]


def send_message(request: SendMessage, work: Work) -> dict[str, Any]:
    """Keep a message until a consumer deletes it.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue of the caller.
        InvalidParameterValue: delay, attributes or size out of bounds.
        InvalidMessageContents: characters that XML 1.0 does not know.
    """
    queue = queue_at(request.queue_url, work)
    if request.message_deduplication_id is not None:
        raise InvalidParameterValue(
            f"Value {request.message_deduplication_id} for parameter MessageDeduplicationId is invalid. "
            "Reason: The request includes a parameter that is not valid for this queue type."
        )
    outgoing = Outgoing(
        request.message_body, request.delay_seconds, request.message_attributes, request.message_system_attributes
    )
    return put_message(queue, outgoing, work)


def put_message(queue: Queue, outgoing: Outgoing, work: Work) -> dict[str, Any]:
    """Check a message, write it, wake who waits for it; answers as SendMessage."""
    body = outgoing.body.encode()
    _check(queue, outgoing, body)
    delay_s = setting(queue, "DelaySeconds") if outgoing.delay_s is None else outgoing.delay_s
    message = Message(
        id=work.next_id(MESSAGES),
        queue_id=queue.id,
        visible_at=work.now + timedelta(seconds=delay_s),
        sent_at=work.now,
        message_id=work.entropy.uuid(),
        body=outgoing.body,
        body_md5=md5_of_body(body),
        attributes=_stored(outgoing.attributes),
        system_attributes=_system(outgoing.system_attributes, work.caller),
    )
    put_at_rest(queue, message, work)
    answer = {"MessageId": message.message_id, "MD5OfMessageBody": message.body_md5}
    if outgoing.attributes:
        answer["MD5OfMessageAttributes"] = md5_of_attributes(outgoing.attributes)
    if outgoing.system_attributes:
        answer["MD5OfMessageSystemAttributes"] = md5_of_attributes(outgoing.system_attributes)
    return answer


def put_at_rest(queue: Queue, message: Message, work: Work) -> None:
    """Write a message that nobody has in hand, and tell its readers when it can be received."""
    work.put(MESSAGES, message)
    work.wake(f"sqs:{queue.arn}", one=True)
    mapped = work.get(MAPPED_QUEUES, queue.arn)
    if mapped is not None:
        for mapping in mapped.mappings:
            work.later("lambda.poll", Poll(mapping), at=message.visible_at)


def _check(queue: Queue, outgoing: Outgoing, body: bytes) -> None:
    if not body:
        raise MissingParameter("MessageBody")
    check_body(outgoing.body)
    if outgoing.delay_s is not None and not 0 <= outgoing.delay_s <= DELAY_S_MAX:
        raise InvalidParameterValue(
            f"Value {outgoing.delay_s} for parameter DelaySeconds is invalid. Reason: DelaySeconds must be >= 0 and <= {DELAY_S_MAX}."
        )
    attributes = outgoing.attributes or {}
    if len(attributes) > ATTRIBUTES_MAX:
        raise InvalidParameterValue(
            f"Number of message attributes [{len(attributes)}] exceeds the allowed maximum [{ATTRIBUTES_MAX}]."
        )
    for name, attribute in attributes.items():
        _check_attribute(name, attribute)
    size_max = setting(queue, "MaximumMessageSize")
    if len(body) > size_max or size_bytes(body, outgoing.attributes) > size_max:
        raise MessageTooLong(size_max)


def _check_attribute(name: str, attribute: Mapping[str, Any]) -> None:
    kind = attribute.get("DataType", "").split(".", 1)[0]
    if kind not in ("String", "Number", "Binary"):
        raise InvalidParameterValue(
            f"The type of message (user) attribute '{name}' is invalid. You must use only the following supported type "
            "prefixes: Binary, Number, String."
        )
    if attribute.get("StringListValues") or attribute.get("BinaryListValues"):
        raise NotImplementedHere("list values in message attributes (AWS does not either)")
    value = attribute.get("BinaryValue" if kind == "Binary" else "StringValue")
    if not value:
        raise InvalidParameterValue(
            f"The message (user) attribute '{name}' must contain a non-empty value of type '{attribute['DataType']}'."
        )
    if kind == "Number" and not _NUMBER.fullmatch(value):
        raise InvalidParameterValue(f"Can't cast the value of message (user) attribute '{name}' to a number.")


def _stored(attributes: Attributes | None) -> dict[str, dict[str, Any]] | None:
    if not attributes:
        return None
    return {
        name: {
            key: b64encode(value).decode() if isinstance(value, bytes) else value for key, value in attribute.items()
        }
        for name, attribute in attributes.items()
    }


def _system(attributes: Attributes | None, caller: Caller) -> dict[str, str] | None:
    stored = {"SenderId": caller.account}
    for name, attribute in (attributes or {}).items():
        if name != "AWSTraceHeader":
            raise InvalidParameterValue(
                f"Message system attribute name '{name}' is invalid. The only message system attribute is AWSTraceHeader."
            )
        stored[name] = attribute["StringValue"]
    return stored


# Receipts ----------------------------------------------------------------------------------------------------------


def keys_of_receipt(request: DeleteMessage | ChangeMessageVisibility, caller: Caller) -> list[Key]:
    """The queue; the message's number stands in the handle, and is checked against the queue by the call."""
    return keys_of_queue(request.queue_url, caller)[:1]


def delete_message(request: DeleteMessage, work: Work) -> None:
    """Forget a message that was handled. Deleting it twice, or under an older receipt, changes nothing and is no error.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue of the caller.
        ReceiptHandleIsInvalid: this queue never gave out ``ReceiptHandle``.
    """
    queue = queue_at(request.queue_url, work)
    message = _held(queue, request.receipt_handle, work)
    if message is not None:
        work.delete(MESSAGES, message.id)


def change_message_visibility(request: ChangeMessageVisibility, work: Work) -> None:
    """Let a received message come back later than planned, or sooner.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue of the caller.
        ReceiptHandleIsInvalid: this queue never gave out ``ReceiptHandle``.
        MessageNotInflight: the message is visible again.
        InvalidParameterValue: more than 12 hours.
    """
    queue = queue_at(request.queue_url, work)
    timeout_s = request.visibility_timeout
    if not 0 <= timeout_s <= VISIBILITY_S_MAX:
        raise InvalidParameterValue(
            f"Value {timeout_s} for parameter VisibilityTimeout is invalid. Reason: VisibilityTimeout must be an integer between 0 and {VISIBILITY_S_MAX}."
        )
    message = _held(queue, request.receipt_handle, work)
    if message is None or message.visible_at <= work.now:
        raise MessageNotInflight(request.receipt_handle)
    put_at_rest(queue, message.hidden_for(timedelta(seconds=timeout_s), now=work.now), work)


def _held(queue: Queue, receipt_handle: str, work: Work) -> Message | None:
    """The message that a handle still holds."""
    row, receipt = read_handle(receipt_handle, queue.id)
    message = work.get(MESSAGES, row)
    if message is None or message.receipt != receipt:
        return None
    if message.queue_id != queue.id:
        raise ReceiptHandleIsInvalid(receipt_handle)
    return message
