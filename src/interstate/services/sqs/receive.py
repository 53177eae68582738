"""Receiving: claim what is visible, move what was received too often, or wait for the next message.

Source: SQS API Reference, ReceiveMessage.
"""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.time import to_millis
from interstate.core.queues.attributes import RECEIVE_MAX, VISIBILITY_S_MAX, WAIT_S_MAX
from interstate.core.queues.errors import InvalidParameterValue
from interstate.core.queues.message import Message, is_used_up, md5_of_attributes
from interstate.services.operation import Outcome, Parked
from interstate.services.sqs.locate import queue_at, redrive, retention, setting
from interstate.services.sqs.messages import keys_of_queue, put_at_rest
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES, Poll
from interstate.store.records.sqs import HIDDEN, MESSAGES, QUEUES, VISIBLE, Queue
from interstate.store.tables import Key

CLAIM_PAGES_MAX = 10
"""Rounds of a claim that met only expired or dead messages; the rest is found by the next receive."""


class ReceiveMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    attribute_names: list[str] = []
    message_system_attribute_names: list[str] = []
    message_attribute_names: list[str] = []
    max_number_of_messages: int | None = None
    visibility_timeout: int | None = None
    wait_time_seconds: int | None = None
    receive_request_attempt_id: str | None = None


# (parameter, lowest, highest)
_BOUNDS = (
    ("max_number_of_messages", "MaxNumberOfMessages", 1, RECEIVE_MAX),
    ("visibility_timeout", "VisibilityTimeout", 0, VISIBILITY_S_MAX),
    ("wait_time_seconds", "WaitTimeSeconds", 0, WAIT_S_MAX),
)


def keys_of_receive(request: ReceiveMessage, caller: Caller) -> list[Key]:
    """The queue."""
    return keys_of_queue(request.queue_url, caller)[:1]


def receive_message(request: ReceiveMessage, work: Work) -> Outcome:
    """Take up to ten messages, or wait for the first one.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue of the caller.
        InvalidParameterValue: a number out of its range.
    """
    queue = queue_at(request.queue_url, work)
    for field, name, low, high in _BOUNDS:
        value = getattr(request, field)
        if value is not None and not low <= value <= high:
            raise InvalidParameterValue(
                f"Value {value} for parameter {name} is invalid. Reason: Must be between {low} and {high}, if provided."
            )
    messages = _take(request, queue, work)
    wait_s = request.wait_time_seconds
    if wait_s is None:
        wait_s = setting(queue, "ReceiveMessageWaitTimeSeconds")
    if messages or wait_s == 0:
        return _answer(request, messages)
    return _park(request, queue, work, wait_s)


def _take(request: ReceiveMessage, queue: Queue, work: Work) -> list[Message]:
    timeout_s = request.visibility_timeout
    timeout = timedelta(seconds=setting(queue, "VisibilityTimeout") if timeout_s is None else timeout_s)
    return claim(work, queue, request.max_number_of_messages or 1, timeout)


def _park(request: ReceiveMessage, queue: Queue, work: Work, wait_s: float) -> Parked:
    """Run again when a message arrives, or when the first hidden one becomes visible; the wait is real time."""

    def again(work: Work, last: bool) -> Outcome:  # noqa: FBT001 the contract's positional "last"
        queue_now = work.get(QUEUES, queue.arn)
        if queue_now is None or queue_now.id != queue.id:
            return _answer(request, ())
        messages = _take(request, queue_now, work)
        if messages or last:
            return _answer(request, messages)
        return _park(request, queue_now, work, wait_s)

    hidden = work.select(HIDDEN, limit=1, queue=queue.id, now=work.now)
    return Parked(f"sqs:{queue.arn}", wait_s, again, wake_at=hidden[0].visible_at if hidden else None)


def claim(work: Work, queue: Queue, limit: int, timeout: timedelta) -> list[Message]:
    """Take messages that are visible now, oldest first, and hide each for ``timeout``.

    Those that were received too often move to the dead-letter queue; those that are too old are dropped.
    """
    policy = redrive(queue)
    kept_since = work.now - retention(queue)
    claimed: list[Message] = []
    for _ in range(CLAIM_PAGES_MAX):
        wanted = limit - len(claimed)
        page = work.select(VISIBLE, limit=wanted, queue=queue.id, now=work.now)
        for message in page:
            if message.sent_at < kept_since:
                work.delete(MESSAGES, message.id)
            elif policy is not None and is_used_up(message.receive_count, policy.receive_count_max):
                _bury(message, policy.target, queue, work)
            else:
                claimed.append(_hide(message, timeout, work))
        if len(page) < wanted or len(claimed) == limit or timeout <= timedelta(0):
            break
    if timeout > timedelta(0) and claimed:
        _look_again(work, queue, claimed[-1].visible_at)
    return claimed


def _hide(message: Message, timeout: timedelta, work: Work) -> Message:
    hidden = message.received(work.now + timeout, work.now, work.entropy.hex(16))
    work.put(MESSAGES, hidden)
    return hidden


def _look_again(work: Work, queue: Queue, at: datetime) -> None:
    """A mapping looks again when what is in flight becomes visible, should it not be deleted by then."""
    mapped = work.get(MAPPED_QUEUES, queue.arn)
    if mapped is not None:
        for mapping in mapped.mappings:
            work.later("lambda.poll", Poll(mapping), at=at)


def _bury(message: Message, target: str, source: Queue, work: Work) -> None:
    """Move a message to the dead letters; without such a queue it stays where it is, as on AWS.

    It keeps its id and the time when it was sent, so that retention counts from the first sending.
    """
    dead_letters = work.get(QUEUES, target)
    if dead_letters is None:
        _hide(message, timedelta(seconds=setting(source, "VisibilityTimeout")), work)
        return
    work.delete(MESSAGES, message.id)
    system = dict(message.system_attributes or {})
    system["DeadLetterQueueSourceArn"] = source.arn
    moved = msgspec.structs.replace(
        message,
        id=work.next_id(MESSAGES),
        queue_id=dead_letters.id,
        visible_at=work.now,
        system_attributes=system,
        receipt="",
    )
    put_at_rest(dead_letters, moved, work)


def _answer(request: ReceiveMessage, messages: Sequence[Message]) -> dict[str, Any]:
    if not messages:
        return {}
    return {"Messages": [shown(request, message) for message in messages]}


def shown(request: ReceiveMessage, message: Message) -> dict[str, Any]:
    """A message as the consumer asked to see it."""
    answer: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handle(),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    names = set(request.attribute_names) | set(request.message_system_attribute_names)
    if names:
        system = system_attributes(message)
        chosen = system if "All" in names else {name: value for name, value in system.items() if name in names}
        if chosen:
            answer["Attributes"] = chosen
    if message.attributes and request.message_attribute_names:
        picked = pick_attributes(message, request.message_attribute_names)
        if picked:
            answer["MessageAttributes"] = picked
            answer["MD5OfMessageAttributes"] = md5_of_attributes(picked)
    return answer


def system_attributes(message: Message) -> dict[str, str]:
    """All system attributes, as text."""
    attributes = {
        **(message.system_attributes or {}),
        "SentTimestamp": str(to_millis(message.sent_at)),
        "ApproximateReceiveCount": str(message.receive_count),
    }
    if message.first_received_at is not None:
        attributes["ApproximateFirstReceiveTimestamp"] = str(to_millis(message.first_received_at))
    return attributes


def pick_attributes(message: Message, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The message attributes that ``names`` ask for: names, ``prefix.*``, ``All`` or ``.*``."""
    everything = "All" in names or ".*" in names
    prefixes = tuple(name.removesuffix("*").removesuffix(".") for name in names if name.endswith(".*") and name != ".*")
    return {
        name: _given(attribute)
        for name, attribute in (message.attributes or {}).items()
        if everything or name in names or (prefixes and name.startswith(prefixes))
    }


def _given(attribute: dict[str, Any]) -> dict[str, Any]:
    if "BinaryValue" not in attribute:
        return attribute
    return {**attribute, "BinaryValue": b64decode(attribute["BinaryValue"])}
