"""Tags of queues."""

from typing import Any

import msgspec

from interstate.services.sqs.locate import queue_at
from interstate.services.sqs.queues import QueueRequest
from interstate.store.ports import Work
from interstate.store.records.sqs import QUEUES


class TagQueue(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    tags: dict[str, str]


class UntagQueue(msgspec.Struct, frozen=True, rename="pascal"):
    queue_url: str
    tag_keys: list[str]


def tag_queue(request: TagQueue, work: Work) -> None:
    """Add or replace tags."""
    queue = queue_at(request.queue_url, work)
    work.put(QUEUES, msgspec.structs.replace(queue, tags={**queue.tags, **request.tags}))


def untag_queue(request: UntagQueue, work: Work) -> None:
    """Take tags away."""
    queue = queue_at(request.queue_url, work)
    kept = {name: value for name, value in queue.tags.items() if name not in request.tag_keys}
    work.put(QUEUES, msgspec.structs.replace(queue, tags=kept))


def list_queue_tags(request: QueueRequest, work: Work) -> dict[str, Any]:
    """The queue's tags."""
    queue = queue_at(request.queue_url, work)
    return {"Tags": queue.tags} if queue.tags else {}
