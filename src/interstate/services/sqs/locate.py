"""From queue URLs to queues and back, and who may use them.

Addresses, whatever host and port stand in them:

* ``sqs.eu-west-1.localhost:4566/{account}/{name}``
* ``eu-west-1.queue.localhost:4566/{account}/{name}``, ``queue.localhost:4566/...`` for us-east-1
* ``localhost:4566/queue/eu-west-1/{account}/{name}``
* ``localhost:4566/{account}/{name}`` and a bare name, in the caller's region
"""

import re
from datetime import timedelta
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec

from interstate.base.arn import DEFAULT_REGION, Caller
from interstate.base.json import loads
from interstate.core.queues.attributes import FIFO_DEFAULTS, RANGES
from interstate.core.queues.errors import AccessDenied, InvalidAddress, QueueDoesNotExist
from interstate.services.access import is_allowed
from interstate.store.ports import Work
from interstate.store.records.sqs import QUEUES, Queue

_REGION = re.compile(r"[a-z]{2,}(-[a-z]+)+-\d\Z")
_LOCAL = re.compile(r"(localhost|.*\.localhost)(:\d+)?\Z")
SCOPE_LAG = timedelta(seconds=60)
"""Source: SQS API Reference, SetQueueAttributes: a change takes up to 60 seconds to propagate."""


def queue_url(caller: Caller, name: str) -> str:
    """The URL that clients get: under the host and port by which the caller came.

    Below ``localhost`` the region stands in the host, as on AWS; other hosts keep their name, since names below them
    may not resolve.
    """
    host = caller.host
    if not host or _LOCAL.match(host):
        port = host.partition(":")[2] if host else "4566"
        return f"http://sqs.{caller.region}.localhost{':' + port if port else ''}/{caller.account}/{name}"
    region = "" if caller.region == DEFAULT_REGION else f"queue/{caller.region}/"
    return f"http://{host}/{region}{caller.account}/{name}"


def arn_of_url(url: str, caller: Caller) -> str:
    """The ARN that a queue URL (or a bare name) means to a caller.

    Raises:
        InvalidAddress: the URL names no account and queue.
    """
    arn = _arn(url, caller.account, caller.region)
    if arn is None:
        raise InvalidAddress(url)
    return arn


@lru_cache(maxsize=4096)
def _arn(url: str, account: str, region: str) -> str | None:
    try:
        split = urlsplit(url)
        host = split.hostname or ""
    except ValueError:
        return None
    parts = [part for part in split.path.split("/") if part]
    if len(parts) == 1 and "://" not in url:
        return f"arn:aws:sqs:{region}:{account}:{parts[0]}"
    if len(parts) < 2:
        return None
    where = region_of(host, parts) or region
    return f"arn:aws:sqs:{where}:{parts[-2]}:{parts[-1]}"


def region_of(host: str, parts: list[str]) -> str | None:
    """The region that an address tells."""
    if len(parts) >= 4 and parts[-4] == "queue" and _REGION.match(parts[-3]):
        return parts[-3]
    labels = host.split(".")
    if len(labels) > 2 and labels[0] == "sqs" and _REGION.match(labels[1]):
        return labels[1]
    if len(labels) > 2 and labels[1] == "queue" and _REGION.match(labels[0]):
        return labels[0]
    return DEFAULT_REGION if labels[0] == "queue" and len(labels) > 1 else None


def queue_at(url: str, work: Work) -> Queue:
    """The queue of a URL, whoever asks.

    Raises:
        QueueDoesNotExist: there is none.
    """
    queue = work.get(QUEUES, arn_of_url(url, work.caller))
    if queue is None:
        raise QueueDoesNotExist
    return queue


def queue_for(action: str, url: str, work: Work) -> Queue:
    """The queue of a URL, for an action that its policy may allow to others and deny to its own.

    Raises:
        QueueDoesNotExist: there is none.
        AccessDenied: the caller may not.
    """
    queue = queue_at(url, work)
    check_access(queue, action, work)
    return queue


def own_queue(action: str, url: str, work: Work) -> Queue:
    """The queue of a URL, for an action that only its account may do.

    Raises:
        QueueDoesNotExist: there is none.
        AccessDenied: another account asks.

    Source: SQS Developer Guide, "Limitations of Amazon SQS custom policies" (no cross-account access).
    """
    queue = queue_at(url, work)
    if work.caller.service or account_of(queue) != work.caller.account:
        raise _denied(queue, action, work.caller)
    return queue


def check_access(queue: Queue, action: str, work: Work, caller: Caller | None = None) -> None:
    """Ask the queue's policy, for ``caller`` (default: who calls).

    Raises:
        AccessDenied: the caller may not.
    """
    caller, policy = caller or work.caller, queue.attributes.get("Policy")
    own = not caller.service and account_of(queue) == caller.account
    if own and not policy:
        return
    if caller.trace:  # No policy asks for it; answers are remembered by caller.
        caller = msgspec.structs.replace(caller, trace="")
    if not is_allowed(policy, caller, action=f"sqs:{action}", resource=queue.arn, now=work.now):
        raise _denied(queue, action, caller, denied=own)


def _denied(queue: Queue, action: str, caller: Caller, *, denied: bool = False) -> AccessDenied:
    return AccessDenied(caller.service or f"arn:aws:iam::{caller.account}:root", action, queue.arn, denied=denied)


def account_of(queue: Queue) -> str:
    """Whose the queue is."""
    return queue.scope.partition("/")[0]


def setting(queue: Queue, name: str) -> int:
    """A numeric attribute, or its default."""
    value = queue.attributes.get(name)
    return RANGES[name][2] if value is None else int(value)


def fifo_setting(queue: Queue, name: str) -> str:
    """An attribute of a FIFO queue, or its default."""
    return queue.attributes.get(name, FIFO_DEFAULTS[name])


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
    return _redrive(text) if text else None


@lru_cache(maxsize=4096)
def _redrive(text: str) -> Redrive:
    policy = loads(text)
    assert isinstance(policy, dict)
    return Redrive(policy["deadLetterTargetArn"], int(policy["maxReceiveCount"]))
