"""Receiving: claim what is visible, move what was received too often, or wait for the next message.

Theory of operation
-------------------
A reader that finds nothing is parked. A message that comes wakes the reader that waits longest. Messages that become
visible later (delayed, or in flight) wake nobody by themselves; so of a queue's parked readers one at least knows when
the next of them is due (``wake_at``): a claim that hides messages for a short time, and a reader that leaves, pass this
knowledge on by waking the next one, which looks, finds nothing, and parks with it.

Source: SQS API Reference, ReceiveMessage; SQS Developer Guide, "Using dead-letter queues", "Message quotas".
"""

from base64 import b64decode
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.time import to_millis
from interstate.core.queues.attributes import RECEIVE_MAX, VISIBILITY_S_MAX, WAIT_S_MAX
from interstate.core.queues.content import check_id
from interstate.core.queues.errors import InvalidParameterValue, NotForThisQueueType, OverLimit
from interstate.core.queues.message import Message, is_used_up, md5_of_attributes
from interstate.services.operation import Outcome, Parked
from interstate.services.sqs import fifo
from interstate.services.sqs.locate import queue_for, redrive, retention, setting
from interstate.services.sqs.messages import keys_of_queue, measure
from interstate.services.sqs.seals import completed
from interstate.services.sqs.stored import add, depth_of, look_at, remove
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    CLAIMED,
    COUNT_IN_FLIGHT,
    DEPTHS,
    HIDDEN,
    LATER_GROUPS,
    MESSAGES,
    QUEUES,
    VISIBLE,
    Queue,
)
from interstate.store.tables import Demand, Key

CLAIM_PAGES_MAX = 10
"""Rounds of a claim that met only expired or dead messages; the rest is found by the next receive."""
IN_FLIGHT_MAX = 120_000
"""Source: SQS Developer Guide, "Message quotas": standard queues, and since November 2024 FIFO queues as well."""
_NODES_SHARING = 16
"""With several nodes, one that has claimed less than its share of the quota does not look at what others have claimed."""
_WAIT_MAX = timedelta(seconds=WAIT_S_MAX)


class ReceiveMessage(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    attribute_names: list[str] = []
    message_system_attribute_names: list[str] = []
    message_attribute_names: list[str] = []
    max_number_of_messages: int | None = None
    visibility_timeout: int | None = None
    wait_time_seconds: int | None = None
    receive_request_attempt_id: str | None = None


_BETWEEN = "Must be between {} and {}, if provided."
_COMPARED = "Must be >= {} and <= {}, if provided."
# (field, parameter, lowest, highest, wording)
_BOUNDS = (
    ("max_number_of_messages", "MaxNumberOfMessages", 1, RECEIVE_MAX, _BETWEEN),
    ("visibility_timeout", "VisibilityTimeout", 0, VISIBILITY_S_MAX, _COMPARED),
    ("wait_time_seconds", "WaitTimeSeconds", 0, WAIT_S_MAX, _COMPARED),
)


def keys_of_receive(request: ReceiveMessage, caller: Caller) -> list[Key | Demand]:
    """The queue, and how many of its messages."""
    keys = keys_of_queue(request.queue_url, caller)[:1]
    count = max(1, min(request.max_number_of_messages or 1, RECEIVE_MAX))
    return [*keys, *(Demand(key.values[0], count) for key in keys)]


def receive_message(request: ReceiveMessage, work: Work) -> Outcome:
    """Take up to ten messages, or wait for the first one.

    Raises:
        QueueDoesNotExist: ``QueueUrl`` names no queue.
        AccessDenied: the queue's policy does not let the caller.
        InvalidParameterValue: a number out of its range, an attempt id for a standard queue, one that is none, or one
            whose messages were touched since.
        OverLimit: a standard queue has as many messages in flight as it may, and the call does not wait.
    """
    queue = queue_for("ReceiveMessage", request.queue_url, work)
    for field, name, low, high, wording in _BOUNDS:
        value = getattr(request, field)
        if value is not None and not low <= value <= high:
            reason = wording.format(low, high)
            raise InvalidParameterValue(f"Value {value} for parameter {name} is invalid. Reason: {reason}")
    attempt = request.receive_request_attempt_id
    if attempt is not None:
        if not queue.is_fifo:
            raise NotForThisQueueType("ReceiveRequestAttemptId", attempt)
        check_id("ReceiveRequestAttemptId", attempt)
    wait_s = request.wait_time_seconds
    if wait_s is None:
        wait_s = setting(queue, "ReceiveMessageWaitTimeSeconds")
    messages = _take(request, queue, work, waits=wait_s > 0)
    if messages or wait_s == 0:
        return _answer(request, queue, messages, work)
    return _park(request, queue, work, wait_s)


def _take(request: ReceiveMessage, queue: Queue, work: Work, *, waits: bool) -> list[Message]:
    timeout_s = request.visibility_timeout
    timeout = timedelta(seconds=setting(queue, "VisibilityTimeout") if timeout_s is None else timeout_s)
    attempt = request.receive_request_attempt_id
    if attempt is not None:
        before = fifo.again(queue, attempt, timeout, work)
        if before is not None:
            return before
    room = _room(queue, request.max_number_of_messages or 1, work)
    if room == 0:
        if waits or queue.is_fifo:
            return []
        raise OverLimit(f"Too many messages in flight: the quota of a queue is {IN_FLIGHT_MAX}.")
    messages = claim(work, queue, room, timeout)
    if attempt is not None and messages:
        fifo.remember(queue, attempt, messages, work)
    return messages


def _room(queue: Queue, wanted: int, work: Work) -> int:
    """How many messages may get in flight; they are counted only when there might be too many."""
    depth = depth_of(queue.id, work)
    if depth.claimed + wanted <= (IN_FLIGHT_MAX // _NODES_SHARING if work.node else IN_FLIGHT_MAX):
        return wanted
    claimed = work.scalar(CLAIMED, queue=queue.id)
    if claimed + wanted <= IN_FLIGHT_MAX:
        return wanted
    exact = work.scalar(COUNT_IN_FLIGHT, queue=queue.id, now=work.now)
    work.put(DEPTHS, msgspec.structs.replace(depth, claimed=depth.claimed + exact - claimed))
    return max(0, min(wanted, IN_FLIGHT_MAX - exact))


# Waiting -----------------------------------------------------------------------------------------------------------


def _park(request: ReceiveMessage, queue: Queue, work: Work, wait_s: float) -> Parked:
    """Run again when a message arrives, or when the first hidden one becomes visible; the wait is real time."""
    until = work.now + timedelta(seconds=wait_s)

    def again(work: Work, last: bool) -> Outcome:  # noqa: FBT001 the contract's positional "last"
        queue_now = work.get(QUEUES, queue.arn)
        if queue_now is None or queue_now.id != queue.id:
            return _answer(request, queue, (), work)
        messages = _take(request, queue_now, work, waits=True)
        if not messages and not last:
            left = max(0.0, min(wait_s, (until - work.now).total_seconds()))
            return _park(request, queue_now, work, left)
        if _next_visible(queue_now, work) is not None:
            work.wake(f"sqs:{queue.arn}", one=True)
        return _answer(request, queue_now, messages, work)

    return Parked(f"sqs:{queue.arn}", wait_s, again, wake_at=_next_visible(queue, work))


def _next_visible(queue: Queue, work: Work) -> datetime | None:
    """When the first message that is hidden now may be received."""
    if queue.is_fifo:
        groups = work.select(LATER_GROUPS, limit=1, queue=queue.id, now=work.now)
        return groups[0].ready_at if groups else None
    hidden = work.select(HIDDEN, limit=1, queue=queue.id, now=work.now)
    return hidden[0].visible_at if hidden else None


# Claiming ----------------------------------------------------------------------------------------------------------


def claim(work: Work, queue: Queue, limit: int, timeout: timedelta) -> list[Message]:
    """Take messages that are visible now, oldest first, and hide each for ``timeout``.

    Those that were received too often move to the dead-letter queue; those that are too old are dropped.
    """
    taker = _Taker(work, queue, timeout)
    claimed: list[Message] = []
    expected = work.demand(queue.arn, limit)
    for _ in range(CLAIM_PAGES_MAX):
        wanted = limit - len(claimed)
        if queue.is_fifo:
            page, more = fifo.claim(queue, wanted, taker.take, work)
        else:
            found, more = _visible(queue, wanted, max(wanted, expected - len(claimed)), work)
            page = [hidden for message in found if (hidden := taker.take(message)) is not None]
        work.put_all(MESSAGES, page)
        claimed += page
        # Without a timeout what was taken is visible still, and the next look would take it again.
        if not more or len(claimed) == limit or not timeout:
            break
    if claimed and timeout:
        depth = depth_of(queue.id, work)
        work.put(DEPTHS, msgspec.structs.replace(depth, claimed=depth.claimed + len(claimed)))
        look_at(queue, claimed[-1].visible_at, work)
        if timeout < _WAIT_MAX:
            work.wake(f"sqs:{queue.arn}", one=True)
    return claimed


def _visible(queue: Queue, wanted: int, expected: int, work: Work) -> tuple[list[Message], bool]:
    """The first messages that are visible, and whether there may be more.

    The receives of a batch share one look: who finds nothing left looks for all that come after him.
    """
    left = work.pool(queue.arn)
    found: list[Message] = []
    while left and len(found) < wanted:
        message = work.get(MESSAGES, left.pop().id)  # As it is by now.
        if message is not None and message.visible_at <= work.now:
            found.append(message)
    if found:
        return found, True
    found = work.select(VISIBLE, limit=expected, queue=queue.id, now=work.now)
    left.extend(reversed(found[wanted:]))
    return found[:wanted], len(found) >= wanted


class _Taker:
    """Takes visible messages one by one."""

    def __init__(self, work: Work, queue: Queue, timeout: timedelta) -> None:
        self._work = work
        self._queue = queue
        self._until = work.now + timeout
        self._kept_since = work.now - retention(queue)
        self._policy = redrive(queue)

    def take(self, message: Message) -> Message | None:
        """The message in flight, to be written; None when it left the queue instead."""
        work, policy = self._work, self._policy
        if message.sent_at < self._kept_since:
            remove(self._queue, message, work)
            return None
        if policy is not None and is_used_up(message.receive_count, policy.receive_count_max):
            dead_letters = work.get(QUEUES, policy.target)
            if dead_letters is not None:  # Without such a queue it stays where it is, as on AWS.
                _bury(message, self._queue, dead_letters, work)
                return None
        return completed(message, work).received(self._until, work.now, f"{work.entropy.word():016x}")


def _bury(message: Message, source: Queue, target: Queue, work: Work) -> None:
    """Move a message to the dead letters.

    It keeps its id, and in standard queues the time when it was sent, so that retention counts from the first sending.
    """
    remove(source, message, work)
    system = {**(message.system_attributes or {}), "DeadLetterQueueSourceArn": source.arn}
    moved = msgspec.structs.replace(
        message,
        id=work.next_id(MESSAGES),
        queue_id=target.id,
        visible_at=work.now,
        sent_at=work.now if source.is_fifo else message.sent_at,
        system_attributes=system,
        receipt="",
    )
    add(target, moved, work)


# Answers -----------------------------------------------------------------------------------------------------------


def _answer(request: ReceiveMessage, queue: Queue, messages: Sequence[Message], work: Work) -> dict[str, Any]:
    if not messages:
        measure(queue, work, "NumberOfEmptyReceives")
        return {}
    measure(queue, work, "NumberOfMessagesReceived", len(messages))
    return {"Messages": [shown(request, queue, message) for message in messages]}


def shown(request: ReceiveMessage, queue: Queue, message: Message) -> dict[str, Any]:
    """A message as the consumer asked to see it."""
    answer: dict[str, Any] = {
        "MessageId": message.message_id,
        "ReceiptHandle": message.handle(),
        "MD5OfBody": message.body_md5,
        "Body": message.body,
    }
    names = {*request.attribute_names, *request.message_system_attribute_names}
    if names:
        system = system_attributes(message, fifo=queue.is_fifo)
        chosen = system if "All" in names else {name: value for name, value in system.items() if name in names}
        if chosen:
            answer["Attributes"] = chosen
    if message.attributes and request.message_attribute_names:
        picked = pick_attributes(message, request.message_attribute_names)
        if picked:
            answer["MessageAttributes"] = picked
            answer["MD5OfMessageAttributes"] = md5_of_attributes(picked)
    return answer


def system_attributes(message: Message, *, fifo: bool = False) -> dict[str, str]:
    """All system attributes, as text."""
    attributes = {
        **(message.system_attributes or {}),
        "SentTimestamp": str(to_millis(message.sent_at)),
        "ApproximateReceiveCount": str(message.receive_count),
    }
    if message.first_received_at is not None:
        attributes["ApproximateFirstReceiveTimestamp"] = str(to_millis(message.first_received_at))
    if message.group_id:
        attributes["MessageGroupId"] = message.group_id
    if fifo:
        attributes["MessageDeduplicationId"] = message.deduplication_id
        attributes["SequenceNumber"] = message.sequence_number
    return attributes


def pick_attributes(message: Message, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The message attributes that ``names`` ask for: names, ``prefix.*``, ``All``, ``*`` or ``.*``."""
    everything = not {"All", "*", ".*"}.isdisjoint(names)
    prefixes = tuple(name.removesuffix(".*") for name in names if name.endswith(".*") and name != ".*")
    return {
        name: _given(attribute)
        for name, attribute in (message.attributes or {}).items()
        if everything or name in names or (prefixes and name.startswith(prefixes))
    }


def _given(attribute: dict[str, Any]) -> dict[str, Any]:
    if "BinaryValue" not in attribute:
        return attribute
    return {**attribute, "BinaryValue": b64decode(attribute["BinaryValue"])}
