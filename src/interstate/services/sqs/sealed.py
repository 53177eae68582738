"""The way of one notification into several standard queues: its envelope is checked once, and written for all of them together.

It is what ``inside.deliver`` does for each of them, in all that a queue or its readers can see: the policy is asked, whoever
waits is woken, metrics are counted, and rules for faults hit it. The digest of such a body is made when it is signed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.core.events.numbers import row_ids
from interstate.core.queues.content import check_id
from interstate.core.queues.errors import MessageTooLong, QueueDoesNotExist
from interstate.core.queues.message import Message, check_body
from interstate.services.access import settled
from interstate.services.sqs.locate import check_access, setting
from interstate.services.sqs.stored import depth_of, look_at
from interstate.store.ports import Work
from interstate.store.records.metrics import CountAndSize
from interstate.store.records.sqs import DEPTHS, MESSAGES, QUEUES, Depth, Queue


class Sealed(msgspec.Struct, frozen=True):
    """A notification of a topic, around the name of the subscription; ``seal`` is with what it is signed when it is read."""

    before: str
    after: str
    seal: str
    topic: str
    group_id: str | None = None


class _Way(msgspec.Struct, frozen=True):
    """What is the same for all notifications of a topic in a queue."""

    caller: Caller
    request: dict[str, str]  # As rules for faults see it.
    key: str  # Under which readers wait.
    system: dict[str, str]
    metrics: CountAndSize


class _Post:
    """Where notifications of a topic go, and what was found of these queues when they were looked at last."""

    __slots__ = ("always_open", "queues", "room", "seen", "ways")

    def __init__(self, topic: str, to: Sequence[tuple[str, str]]) -> None:
        self.ways = [(_way(arn, topic), subscription) for arn, subscription in to]
        self.queues = [(arn,) for arn, _ in to]
        self.seen: list[Queue | None] = []
        self.always_open: list[Queue] = []  # The queues, if they take whatever has room, at once; otherwise none.
        self.room = 0  # For what stands around a subscription's name.

    def look(self, topic: str, queues: Sequence[Queue | None]) -> None:
        """Take a look at the queues as they are now; what follows from it holds for these very records."""
        self.seen, self.always_open = list(queues), []
        found = [queue for queue in queues if queue is not None]
        if len(found) == len(queues) == len({queue.arn for queue in found}) and all(
            _takes(each, topic) for each in found
        ):
            self.always_open = found
            self.room = min(
                setting(queue, "MaximumMessageSize") - len(subscription)
                for queue, (_, subscription) in zip(found, self.ways, strict=True)
            )


def _takes(queue: Queue, topic: str) -> bool:
    policy = queue.attributes.get("Policy")
    return bool(policy) and setting(queue, "DelaySeconds") == 0 and _always_lets(policy or "", queue.arn, topic)


@lru_cache(maxsize=1024)
def _post(topic: str, to: tuple[tuple[str, str], ...]) -> _Post:
    return _Post(topic, to)


def deliver_sealed(document: Sealed, to: tuple[tuple[str, str], ...], work: Work) -> dict[int, ServiceError]:
    """Send a document to standard queues, each an ARN beside that of its subscription; tells who does not take it, by place.

    A queue's ARN may stand there more than once.
    """
    post = _post(document.topic, to)
    around = (document.before + document.after).encode()
    broken = _broken(around, document.group_id)
    if broken is None and not work.disturbed:
        queues = work.get_all(QUEUES, post.queues)
        if queues != post.seen:
            post.look(document.topic, queues)
        if post.always_open and len(around) <= post.room:
            _write_all(document, post, len(around), work)
            return {}
    return _deliver_each(document, post, around, broken, work)


def _deliver_each(
    document: Sealed, post: _Post, around: bytes, broken: ServiceError | None, work: Work
) -> dict[int, ServiceError]:
    refused: dict[int, ServiceError] = {}
    taken: list[tuple[Queue, _Way, str]] = []
    for at, (way, subscription) in enumerate(post.ways):
        size = len(around) + len(subscription)
        try:
            queue = _queue(post.queues[at][0], document.topic, way, work)
            if broken is not None:
                raise broken
            if size > setting(queue, "MaximumMessageSize"):
                raise MessageTooLong(setting(queue, "MaximumMessageSize"), in_batch=False)
        except ServiceError as error:
            refused[at] = error
        else:
            taken.append((queue, way, document.before + subscription + document.after))
            work.tally_sized(way.metrics, size)
    if taken:
        _write(document, taken, work)
    return refused


def _write_all(document: Sealed, post: _Post, length: int, work: Work) -> None:
    """What ``_write`` does, for queues that all take a document at once."""
    now, node, group, seal = work.now, work.node, document.group_id or "", document.seal
    before, after, queues = document.before, document.after, post.always_open
    rows = work.next_ids(MESSAGES, len(queues))
    messages: list[Message] = []
    for row, name, queue, (way, subscription) in zip(rows, row_ids(rows, work.entropy), queues, post.ways, strict=True):
        body = before + subscription + after
        messages.append(Message(row, queue.id, now, now, name, body, "", None, way.system, group_id=group, seal=seal))
        work.tally_sized(way.metrics, length + len(subscription))
        work.wake(way.key, one=True)
    work.put_all(MESSAGES, messages)
    for queue in queues:
        was = work.get(DEPTHS, queue.id, node)
        work.put(
            DEPTHS, Depth(queue.id, node, 1) if was is None else Depth(queue.id, node, was.messages + 1, was.claimed)
        )
        look_at(queue, now, work)


def _queue(arn: str, topic: str, way: _Way, work: Work) -> Queue:
    work.disturb("sqs", "SendMessage", way.request)
    queue = work.get(QUEUES, arn)
    if queue is None:
        raise QueueDoesNotExist
    policy = queue.attributes.get("Policy")
    if not policy or not _always_lets(policy, arn, topic):
        check_access(queue, "SendMessage", work, way.caller)
    return queue


def _write(document: Sealed, taken: Sequence[tuple[Queue, _Way, str]], work: Work) -> None:
    now, node, group, seal = work.now, work.node, document.group_id or "", document.seal
    rows = [work.next_id(MESSAGES) for _ in taken]
    messages = [
        Message(
            row, queue.id, _visible_at(queue, now), now, name, body, "", None, way.system, group_id=group, seal=seal
        )
        for row, name, (queue, way, body) in zip(rows, row_ids(rows, work.entropy), taken, strict=True)
    ]
    work.put_all(MESSAGES, messages)
    for (queue, way, _), message in zip(taken, messages, strict=True):
        depth = depth_of(queue.id, work)
        work.put(DEPTHS, Depth(queue.id, node, depth.messages + 1, depth.claimed))
        work.wake(way.key, one=True)
        look_at(queue, message.visible_at, work)


def _visible_at(queue: Queue, now: datetime) -> datetime:
    if "DelaySeconds" not in queue.attributes:
        return now
    return now + timedelta(seconds=setting(queue, "DelaySeconds"))


def _broken(around: bytes, group_id: str | None) -> ServiceError | None:
    """Why no queue takes a document.

    JSON escapes all that a body may not hold but for two characters, and an ARN holds nothing of the kind.
    """
    if group_id is None and around.isascii():
        return None
    try:
        if group_id is not None:
            check_id("MessageGroupId", group_id)
        check_body(around)
    except ServiceError as error:
        return error
    return None


@lru_cache(maxsize=4096)
def _way(arn: str, topic: str) -> _Way:
    caller = caller_of(arn).on_behalf_of("sns.amazonaws.com", source_arn=topic)
    parsed = parse_arn(arn)
    dimensions = (("QueueName", "" if parsed is None else parsed.resource),)
    place = (caller.account, caller.region, "AWS/SQS")
    return _Way(
        caller,
        {"QueueUrl": arn},
        f"sqs:{arn}",
        {"SenderId": caller.account},
        CountAndSize(
            (*place, "NumberOfMessagesSent", dimensions, "Count"), (*place, "SentMessageSize", dimensions, "Bytes")
        ),
    )


@lru_cache(maxsize=4096)
def _always_lets(policy: str, arn: str, topic: str) -> bool:
    """Whether the policy lets the topic in at all times; if not, it must be asked."""
    return settled(policy, _way(arn, topic).caller, action="sqs:SendMessage", resource=arn) is True
