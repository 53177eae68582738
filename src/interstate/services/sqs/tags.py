"""Tags of queues."""

from typing import Any

import msgspec

from interstate.core.queues.attributes import check_tags
from interstate.services.sqs.locate import own_queue
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
    """Add or replace tags.

    Raises:
        InvalidParameterValue: more than fifty, or a key or value longer than a tag may have.
    """
    queue = own_queue("TagQueue", request.queue_url, work)
    check_tags({**queue.tags, **request.tags})
    work.put(QUEUES, msgspec.structs.replace(queue, tags={**queue.tags, **request.tags}))


def untag_queue(request: UntagQueue, work: Work) -> None:
    """Take tags away."""
    queue = own_queue("UntagQueue", request.queue_url, work)
    kept = {name: value for name, value in queue.tags.items() if name not in request.tag_keys}
    work.put(QUEUES, msgspec.structs.replace(queue, tags=kept))


def list_queue_tags(request: QueueRequest, work: Work) -> dict[str, Any]:
    """The queue's tags."""
    queue = own_queue("ListQueueTags", request.queue_url, work)
    return {"Tags": queue.tags} if queue.tags else {}
