"""From queue URLs to queues and back.

A queue URL's last two segments are account and name, whatever host stands before them (path and host style, any port).
"""

from datetime import timedelta
from urllib.parse import urlsplit

import msgspec

from interstate.base.arn import Caller
from interstate.base.json import loads
from interstate.core.queues.attributes import RANGES
from interstate.core.queues.errors import InvalidParameterValue, QueueDoesNotExist
from interstate.store.ports import Work
from interstate.store.records.sqs import QUEUES, Queue


def queue_url(caller: Caller, name: str) -> str:
    """The URL that clients get. Interstate takes it at any host and port where it listens."""
    return f"http://sqs.{caller.region}.localhost:4566/{caller.account}/{name}"


def arn_of_url(url: str, caller: Caller) -> str:
    """The ARN that a queue URL (or a bare name) means to a caller.

    Raises:
        InvalidParameterValue: the URL names no account and queue.
    """
    parts = [part for part in urlsplit(url).path.split("/") if part]
    if len(parts) >= 2:
        return f"arn:aws:sqs:{caller.region}:{parts[-2]}:{parts[-1]}"
    if len(parts) == 1 and "://" not in url:
        return caller.arn("sqs", parts[0])
    raise InvalidParameterValue(f"The address {url} is not valid for this endpoint.")


def queue_at(url: str, work: Work) -> Queue:
    """The queue of a URL.

    Raises:
        QueueDoesNotExist: there is none.
    """
    queue = work.get(QUEUES, arn_of_url(url, work.caller))
    if queue is None:
        raise QueueDoesNotExist
    return queue


def setting(queue: Queue, name: str) -> int:
    """A numeric attribute, or its default."""
    value = queue.attributes.get(name)
    return RANGES[name][2] if value is None else int(value)


def retention(queue: Queue) -> timedelta:
    """How long a message is kept after it was sent."""
    return timedelta(seconds=setting(queue, "MessageRetentionPeriod"))


class Redrive(msgspec.Struct, frozen=True):
    """Where messages go that were received too often."""

    target: str
    receive_count_max: int


def redrive(queue: Queue) -> Redrive | None:
    """The queue's redrive policy, when it has one."""
    text = queue.attributes.get("RedrivePolicy")
    if not text:
        return None
    policy = loads(text)
    assert isinstance(policy, dict)
    return Redrive(policy["deadLetterTargetArn"], int(policy["maxReceiveCount"]))
