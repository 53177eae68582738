"""Sending, deleting and hiding single messages.

Source: SQS API Reference, SendMessage, DeleteMessage, ChangeMessageVisibility.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.queues.attributes import VISIBILITY_S_MAX
from interstate.core.queues.content import check_no_lists
from interstate.core.queues.errors import (
    InvalidAddress,
    InvalidParameterValue,
    MessageIsGone,
    MessageNotInflight,
    MissingParameter,
    ReceiptHandleExpired,
    ReceiptHandleIsInvalid,
)
from interstate.core.queues.message import Message, read_handle, row_of_handle
from interstate.services.sqs.hints import hints
from interstate.services.sqs.locate import arn_of_url, queue_for
from interstate.services.sqs.sending import Attributes, Outgoing, answer_of, check_ids, take_all
from interstate.services.sqs.stored import release, remove
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES
from interstate.store.records.sqs import MESSAGES, QUEUES, Queue
from interstate.store.tables import Key

_ROW_MAX = 2**63
VISIBILITY_MAX = timedelta(seconds=VISIBILITY_S_MAX)


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


def keys_of_send(request: SendMessage, caller: Caller) -> list[Key]:
    """The queue, who reads it, and what a FIFO queue will probably look at."""
    keys = keys_of_queue(request.queue_url, caller)
    if request.message_group_id is not None and keys:
        sent = (request.message_group_id, request.message_deduplication_id, request.message_body)
        keys += hints.rows(keys[0].values[0], (sent,))
    return keys


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
    )
    check_ids(queue, outgoing)
    (sent,) = take_all(queue, (outgoing,), work)
    if isinstance(sent, ServiceError):
        raise sent
    return answer_of(sent, outgoing, fifo=queue.is_fifo)


def measure(queue: Queue, work: Work, name: str, value: float = 1.0, unit: str = "Count") -> None:
    """Count for CloudWatch. Source: SQS Developer Guide, "Available CloudWatch metrics for Amazon SQS"."""
    work.measure("AWS/SQS", name, (("QueueName", queue.name),), value, unit, caller=work.caller)


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
        MissingParameter: ``ReceiptHandle`` is empty.
        InvalidParameterValue: a FIFO queue's message is not in flight any more.

    Source: https://github.com/aws/aws-sdk-js-v3/issues/5478 (which name SQS has for a handle that is not there).
    """
    queue = queue_for("DeleteMessage", request.queue_url, work)
    if not request.receipt_handle:  # Empty is missing, as for bodies.
        raise MissingParameter("MessageHandle")
    delete_from(queue, request.receipt_handle, work)


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
        raise ReceiptHandleIsInvalid(receipt_handle, of_another_queue=True)
    return message, receipt
