"""How messages enter and leave a queue: the only writers of their rows, which keep depths and groups in step.

Theory of operation
-------------------
A depth is one row a queue and node, written once a batch of calls. A group's row says when its first message may be visible; a
delete or a changed visibility only lowers that moment, without a look at the group's messages; the next claim that
takes the group looks and sets it right (``groups``). So a delete costs the same whatever the group holds.

Source: SQS Developer Guide, "FIFO queue delivery logic".
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from interstate.core.queues.message import Message
from interstate.services.sqs import groups
from interstate.store.ports import Work
from interstate.store.records.lambda_ import MAPPED_QUEUES, Poll
from interstate.store.records.sqs import DEPTHS, MESSAGES, Depth, Queue


def depth_of(queue_id: int, work: Work) -> Depth:
    """This node's part of the queue's depth, as this batch sees it; below zero where others send what is deleted here."""
    return work.get(DEPTHS, queue_id, work.node) or Depth(queue_id, work.node)


def add(queue: Queue, message: Message, work: Work) -> None:
    """Write a new message and tell the queue's readers."""
    work.put(MESSAGES, message)
    depth = depth_of(queue.id, work)
    work.put(DEPTHS, msgspec.structs.replace(depth, messages=depth.messages + 1))
    if queue.is_fifo:
        groups.join(queue, (message,), work)
    announce(queue, message.visible_at, work)


def add_all(queue: Queue, messages: Sequence[Message], work: Work) -> None:
    """Write new messages (at least one); the queue's readers are told of each."""
    key = f"sqs:{queue.arn}"
    work.put_all(MESSAGES, messages)
    for _ in messages:
        work.wake(key, one=True)
    if queue.is_fifo:
        groups.join(queue, messages, work)
    depth = depth_of(queue.id, work)
    work.put(DEPTHS, Depth(queue.id, work.node, depth.messages + len(messages), depth.claimed))
    mapped = work.get(MAPPED_QUEUES, queue.arn)
    if mapped is not None:
        for at in sorted({message.visible_at for message in messages}):
            look_at(queue, at, work)


def remove(queue: Queue, message: Message, work: Work) -> None:
    """Delete a message; what it blocked may be received."""
    remove_all(queue, (message,), work)


def remove_all(queue: Queue, messages: Sequence[Message], work: Work) -> None:
    """Delete messages (at least one)."""
    in_flight = 0
    for message in messages:
        work.delete(MESSAGES, message.id)
        if message.receive_count > 0 and message.visible_at > work.now:
            in_flight += 1
    if queue.is_fifo:
        for _ in range(groups.leave(queue, messages, work)):
            announce(queue, work.now, work)
    depth = depth_of(queue.id, work)
    work.put(
        DEPTHS,
        msgspec.structs.replace(depth, messages=depth.messages - len(messages), claimed=depth.claimed - in_flight),
    )


def release(queue: Queue, message: Message, work: Work) -> None:
    """Write a message whose visibility was changed, and tell the readers when it can be received."""
    work.put(MESSAGES, message)
    if queue.is_fifo:
        groups.ready(queue, message.group_id, message.visible_at, work)
    announce(queue, message.visible_at, work)


def announce(queue: Queue, at: datetime, work: Work) -> None:
    """A reader that waits looks again: now, or (a mapping) when there is something."""
    work.wake(f"sqs:{queue.arn}", one=True)
    look_at(queue, at, work)


def look_at(queue: Queue, at: datetime, work: Work) -> None:
    """The queue's mappings look at that time."""
    mapped = work.get(MAPPED_QUEUES, queue.arn)
    if mapped is not None:
        for mapping in mapped.mappings:
            work.later("lambda.poll", Poll(mapping), at=at)
