"""What is dropped over time: old messages, purged messages, the rest of deleted queues. Always in bounded steps."""

from datetime import timedelta

import msgspec

from interstate.services.sqs.groups import PARTS_MAX, drop_parts
from interstate.services.sqs.locate import retention
from interstate.services.sqs.stored import depth_of
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    DEDUPLICATIONS_OF_QUEUE,
    DELETED_QUEUES,
    DEPTHS,
    DEPTHS_OF_QUEUE,
    GROUPS_OF_QUEUE,
    MESSAGES,
    OF_QUEUE,
    OLDEST_ATTEMPT,
    OLDEST_CALLS,
    PARTS_UP_TO,
    QUEUE_IDS,
    QUEUES,
    SENT_BEFORE,
)

SWEEP_EVERY = timedelta(hours=1)
SWEEP_MAX = 1000


class Sweep(msgspec.Struct, frozen=True):
    """Drop what a queue has kept long enough."""

    arn: str
    id: int


class Drop(msgspec.Struct, frozen=True):
    """Drop the messages of a queue that is gone or was purged, up to a message."""

    queue_id: int
    up_to: int
    deleted: bool = False


class ReleaseName(msgspec.Struct, frozen=True):
    """A deleted queue's name may be used again."""

    arn: str


def drop(body: Drop, work: Work) -> None:
    """Drop a page of messages; the rest is a step of its own. Groups without messages go when they are claimed."""
    page = work.select(OF_QUEUE, limit=SWEEP_MAX, queue=body.queue_id)
    gone = [message for message in page if message.id <= body.up_to]
    for message in gone:
        work.delete(MESSAGES, message.id)
    _forget(body.queue_id, len(gone), work)
    lists = work.erase(PARTS_UP_TO, limit=SWEEP_MAX, queue=body.queue_id, last=body.up_to)
    if (len(page) == SWEEP_MAX and gone) or lists == SWEEP_MAX or (body.deleted and _drop_rest(body, work)):
        work.later("sqs.drop", body, yields=True)


def _forget(queue_id: int, count: int, work: Work) -> None:
    if count and work.get(QUEUE_IDS, queue_id) is not None:
        depth = depth_of(queue_id, work)
        work.put(DEPTHS, msgspec.structs.replace(depth, messages=depth.messages - count))


def _drop_rest(body: Drop, work: Work) -> bool:
    erased = (
        work.erase(GROUPS_OF_QUEUE, limit=SWEEP_MAX, queue=body.queue_id),
        work.erase(DEDUPLICATIONS_OF_QUEUE, limit=SWEEP_MAX, queue=body.queue_id),
        work.erase(OLDEST_CALLS, limit=SWEEP_MAX, queue=body.queue_id),
        work.erase(OLDEST_ATTEMPT, limit=SWEEP_MAX, queue=body.queue_id),
        work.erase(DEPTHS_OF_QUEUE, limit=SWEEP_MAX, queue=body.queue_id),
    )
    return SWEEP_MAX in erased


def sweep(body: Sweep, work: Work) -> None:
    """Drop what is older than the retention period, every hour, a page at a time."""
    queue = work.get(QUEUES, body.arn)
    if queue is None or queue.id != body.id:
        return
    gone = work.select(SENT_BEFORE, limit=SWEEP_MAX, queue=queue.id, before=work.now - retention(queue))
    for message in gone:
        work.delete(MESSAGES, message.id)
    _forget(queue.id, len(gone), work)
    if gone and queue.is_fifo:
        drop_parts(queue.id, max(message.id for message in gone), PARTS_MAX, work)
    work.later("sqs.sweep", body, at=work.now if len(gone) == SWEEP_MAX else work.now + SWEEP_EVERY)


def release_name(body: ReleaseName, work: Work) -> None:
    """The minute is over."""
    work.delete(DELETED_QUEUES, body.arn)
