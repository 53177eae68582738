"""Batches of ten: each entry succeeds or fails by itself.

Source: SQS API Reference, SendMessageBatch, DeleteMessageBatch, ChangeMessageVisibilityBatch.
"""

import re
from collections.abc import Callable, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any, TypeVar

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.core.queues.attributes import BATCH_MAX, MESSAGE_BYTES_MAX
from interstate.core.queues.content import check_no_lists
from interstate.core.queues.errors import (
    BatchEntryIdsNotDistinct,
    BatchRequestTooLong,
    EmptyBatchRequest,
    InvalidBatchEntryId,
    InvalidParameterValue,
    MissingParameter,
    NotForThisQueueType,
    TooManyEntriesInBatchRequest,
)
from interstate.core.queues.message import Message, size_bytes
from interstate.services.sqs.hints import hints
from interstate.services.sqs.locate import queue_for
from interstate.services.sqs.messages import change_visibility, held, keys_of_handles, keys_of_queue
from interstate.services.sqs.sending import Attributes, Outgoing, answer_of, check_all_ids, take_all
from interstate.services.sqs.stored import remove_all
from interstate.store.ports import Work
from interstate.store.records.sqs import Queue
from interstate.store.tables import Key


class SendEntry(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    message_body: str
    delay_seconds: int | None = None
    message_attributes: Attributes | None = None
    message_system_attributes: Attributes | None = None
    message_deduplication_id: str | None = None
    message_group_id: str | None = None


class SendBatch(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    entries: list[SendEntry]


class DeleteEntry(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    receipt_handle: str


class DeleteBatch(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    entries: list[DeleteEntry]


class ChangeEntry(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    receipt_handle: str
    visibility_timeout: int = 0


class ChangeBatch(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    entries: list[ChangeEntry]


Entry = TypeVar("Entry", SendEntry, DeleteEntry, ChangeEntry)
_NAME, _BODY, _ATTRIBUTES = attrgetter("id"), attrgetter("message_body"), attrgetter("message_attributes")
_IDENTITY = attrgetter("message_group_id", "message_deduplication_id", "message_body")
_SENT = attrgetter(
    "message_body",
    "delay_seconds",
    "message_attributes",
    "message_system_attributes",
    "message_deduplication_id",
    "message_group_id",
)
"""An entry's fields in the order of what a queue takes."""
_ID = re.compile(r"[A-Za-z0-9_-]{1,80}\Z")


def keys_of_send_batch(request: SendBatch, caller: Caller) -> list[Key]:
    """The queue, who reads it, and what a FIFO queue will probably look at."""
    keys = keys_of_queue(request.queue_url, caller)
    if keys:
        keys += hints.rows(keys[0].values[0], map(_IDENTITY, request.entries))
    return keys


def keys_of_handle_batch(request: "DeleteBatch | ChangeBatch", caller: Caller) -> list[Key]:
    """The queue, and the messages that the handles name."""
    handles = [entry.receipt_handle for entry in request.entries]
    return [*keys_of_queue(request.queue_url, caller)[:1], *keys_of_handles(handles)]


def send_message_batch(request: SendBatch, work: Work) -> dict[str, Any]:
    """Send up to ten messages.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue.
        AccessDenied: the queue's policy does not let the caller.
        BatchRequestTooLong: the messages together are longer than one may be.
        InvalidParameterValue: a group or deduplication id that is missing or is none.
    """
    queue = queue_for("SendMessage", request.queue_url, work)
    _check_ids(request.entries, "SendMessageBatchRequestEntry")
    _check_size(request.entries)
    if any(map(_ATTRIBUTES, request.entries)):
        for entry in request.entries:
            if entry.message_attributes:
                check_no_lists("SendMessageBatch", entry.message_attributes)
    outgoing = list(map(Outgoing, *zip(*map(_SENT, request.entries), strict=True), repeat(True)))  # noqa: FBT003 -- a column
    all_told: list[Message | ServiceError]
    try:
        check_all_ids(queue, outgoing)  # Ids are a fault of the whole request, as on AWS.
    except MissingParameter as error:
        raise InvalidParameterValue(error.message) from error
    except NotForThisQueueType:
        all_told = _take_others(queue, outgoing, work)
    else:
        all_told = take_all(queue, outgoing, work)
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    is_fifo = queue.is_fifo
    names = map(_NAME, request.entries)
    for entry_id, each, sent in zip(names, outgoing, all_told, strict=True):
        if isinstance(sent, ServiceError):
            failed.append(_failed(entry_id, sent))
        else:
            successful.append(answer_of(sent, each, fifo=is_fifo, entry=entry_id))
    return _answer(successful, failed)


def _take_others(queue: Queue, outgoing: Sequence[Outgoing], work: Work) -> list[Message | ServiceError]:
    """``take_all`` for a standard queue, which refuses the entries that have deduplication ids, each by itself."""
    others = [each for each in outgoing if each.deduplication_id is None]
    if others:
        check_all_ids(queue, others)
    taken = iter(take_all(queue, others, work) if others else ())
    return [
        next(taken)
        if each.deduplication_id is None
        else NotForThisQueueType("MessageDeduplicationId", each.deduplication_id, in_batch=True)
        for each in outgoing
    ]


def _check_size(entries: Sequence[SendEntry]) -> None:
    rough = sum(map(len, map(_BODY, entries))) * 4
    if any(map(_ATTRIBUTES, entries)):
        rough = sum(MESSAGE_BYTES_MAX if each.message_attributes else len(each.message_body) * 4 for each in entries)
    if rough > MESSAGE_BYTES_MAX:  # Ordinary ones fit, even if each character took four bytes.
        size = sum(size_bytes(entry.message_body.encode(), entry.message_attributes) for entry in entries)
        if size > MESSAGE_BYTES_MAX:
            raise BatchRequestTooLong(size, MESSAGE_BYTES_MAX)


def delete_message_batch(request: DeleteBatch, work: Work) -> dict[str, Any]:
    """Forget up to ten messages."""
    queue = queue_for("DeleteMessage", request.queue_url, work)
    _check_ids(request.entries, "DeleteMessageBatchRequestEntry")
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    gone: dict[int, Message] = {}
    for entry in request.entries:
        try:
            message = held(queue, entry.receipt_handle, work)
        except ServiceError as error:
            failed.append(_failed(entry.id, error))
            continue
        if message is not None:
            gone[message.id] = message  # Two entries may name the same one.
        successful.append({"Id": entry.id})
    if gone:
        remove_all(queue, tuple(gone.values()), work)
    if successful:
        dimensions = (("QueueName", queue.name),)
        work.measure_all("AWS/SQS", "NumberOfMessagesDeleted", dimensions, [1.0] * len(successful), caller=work.caller)
    return _answer(successful, failed)


def change_message_visibility_batch(request: ChangeBatch, work: Work) -> dict[str, Any]:
    """Let up to ten received messages come back later, or sooner."""
    queue = queue_for("ChangeMessageVisibility", request.queue_url, work)
    _check_ids(request.entries, "ChangeMessageVisibilityBatchRequestEntry")

    def change(entry: ChangeEntry) -> None:
        change_visibility(queue, entry.receipt_handle, entry.visibility_timeout, work)

    return _each(request.entries, change, work)


def _check_ids(entries: Sequence[Entry], kind: str) -> None:
    if not entries:
        raise EmptyBatchRequest(kind)
    if len(entries) > BATCH_MAX:
        raise TooManyEntriesInBatchRequest(len(entries))
    names = list(map(_NAME, entries))
    if len(set(names)) == len(names) and all(map(_ID.match, names)):
        return
    seen: set[str] = set()
    for entry in entries:
        if not _ID.match(entry.id):
            raise InvalidBatchEntryId
        if entry.id in seen:
            raise BatchEntryIdsNotDistinct(entry.id)
        seen.add(entry.id)


def _each(entries: Sequence[Entry], do: Callable[[Entry], dict[str, Any] | None], work: Work) -> dict[str, Any]:
    successful: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for entry in entries:
        try:
            with work.overlay():
                successful.append({"Id": entry.id, **(do(entry) or {})})
        except ServiceError as error:
            failed.append(_failed(entry.id, error))
    return _answer(successful, failed)


def _failed(entry_id: str, error: ServiceError) -> dict[str, Any]:
    return {"Id": entry_id, "SenderFault": True, "Code": error.code, "Message": error.message}


def _answer(successful: list[dict[str, Any]], failed: list[dict[str, Any]]) -> dict[str, Any]:
    answer: dict[str, Any] = {}
    if successful:
        answer["Successful"] = successful
    if failed:
        answer["Failed"] = failed
    return answer
