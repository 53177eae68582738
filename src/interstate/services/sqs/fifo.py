"""FIFO queues: deduplication, groups in order, receives that are tried again.

Source: SQS Developer Guide, "Exactly-once processing", "FIFO queue delivery logic", "High throughput for FIFO queues";
SQS API Reference, ReceiveMessage (ReceiveRequestAttemptId).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import islice, repeat, takewhile
from operator import attrgetter

import msgspec

from interstate.core.queues.errors import AttemptIsOver
from interstate.core.queues.message import Message
from interstate.services.sqs.groups import Members
from interstate.services.sqs.hints import hints
from interstate.services.sqs.locate import SCOPE_LAG, fifo_setting
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    ATTEMPTS,
    DEDUPLICATIONS,
    FORGETS,
    GROUPS,
    MESSAGES,
    OLD_ATTEMPTS,
    OLD_DEDUPLICATIONS,
    OLDEST_ATTEMPT,
    OLDEST_DEDUPLICATION,
    READY_GROUPS,
    Attempt,
    Deduplication,
    Forgets,
    Group,
    Queue,
)

DEDUPLICATION = timedelta(minutes=5)
FORGET_PAUSE = timedelta(seconds=30)
FORGET_MAX = 1000
_SENT = attrgetter("message_id", "id", "group_id", "deduplication_id")
LOOKS_MAX = 10
"""Pages of groups that were only thought to be ready, of which one look sets right so many."""
GROUPS_MAX = 10
"""Groups that one look takes up; a claim of ten messages needs no more."""

Take = Callable[[Message], Message | None]
"""The message as it is when it was taken, to be written; None when it left the queue (too old, or a dead letter)."""


class Forget(msgspec.Struct, frozen=True):
    """Forget what is older than the deduplication interval."""

    queue_id: int


# Sending -----------------------------------------------------------------------------------------------------------


def is_content_based(queue: Queue) -> bool:
    """Whether the body's digest is the deduplication id of messages that have none."""
    return fifo_setting(queue, "ContentBasedDeduplication") == "true"


def hold(queue: Queue, groups: Sequence[str], identities: Sequence[str], work: Work) -> None:
    """Read at once, and hold, what is known of the groups and the ids of a call's messages; before their numbers are drawn."""
    by_group = _is_by_group(queue, work)
    number, scopes = queue.id, groups if by_group else ("",) * len(groups)
    hints.note(queue.arn, number, by_group=by_group)
    work.fetch(
        {
            GROUPS: set(zip(repeat(number), groups)),
            DEDUPLICATIONS: set(zip(repeat(number), identities, scopes)),
        }
    )
    forget_later(queue, work)


def accept_all(queue: Queue, messages: list[Message], work: Work) -> list[Message]:
    """Remember the messages of a call (one at least), which are told as they are if all are new; in the place of one that was sent in the last five minutes stands what the first one was."""
    number, purged_to = queue.id, queue.purged_to
    now, expires = work.now, work.now + DEDUPLICATION
    names, numbers, groups, identities = zip(*map(_SENT, messages), strict=True)
    scopes = _scopes(queue, groups, work)
    keys = list(zip(repeat(number), identities, scopes))
    before = work.get_all(DEDUPLICATIONS, keys)
    if not any(before) and len(set(keys)) == len(keys):
        rows = map(Deduplication, repeat(number), scopes, identities, numbers, names, repeat(expires))
        work.put_all(DEDUPLICATIONS, list(rows))
        return messages
    new: dict[tuple[str, str], Deduplication] = {}
    told: list[Message] = []
    for message, scope, identity, row in zip(messages, scopes, identities, before, strict=True):
        known = new.get((identity, scope)) or row
        if known is not None and known.expires > now and known.message > purged_to:
            told.append(msgspec.structs.replace(message, id=known.message, message_id=known.message_id))
            continue
        new[identity, scope] = Deduplication(number, scope, identity, message.id, message.message_id, expires)
        told.append(message)
    if new:
        work.put_all(DEDUPLICATIONS, tuple(new.values()))
    return told


def _scopes(queue: Queue, groups: Sequence[str], work: Work) -> Sequence[str]:
    return groups if _is_by_group(queue, work) else ("",) * len(groups)


def _is_by_group(queue: Queue, work: Work) -> bool:
    """A changed scope counts after a minute, as AWS's changes do."""
    scope = fifo_setting(queue, "DeduplicationScope")
    if queue.scope_changed is not None and work.now < queue.scope_changed + SCOPE_LAG:
        scope = queue.scope_before
    return scope == "messageGroup"


def forget_later(queue: Queue, work: Work) -> None:
    """Have one step a queue that forgets."""
    if work.get(FORGETS, queue.id) is None:
        at = work.now + DEDUPLICATION + FORGET_PAUSE
        work.put(FORGETS, Forgets(queue.id, at))
        work.later("sqs.forget", Forget(queue.id), at=at)


def forget(body: Forget, work: Work) -> None:
    """Forget a page of old ids and attempts; come again when the next ones are old."""
    queue = body.queue_id
    if work.get(FORGETS, queue) is None:
        return
    gone = max(
        work.erase(OLD_DEDUPLICATIONS, limit=FORGET_MAX, queue=queue, now=work.now),
        work.erase(OLD_ATTEMPTS, limit=FORGET_MAX, queue=queue, now=work.now),
    )
    left = [row.expires for row in work.select(OLDEST_DEDUPLICATION, limit=1, queue=queue)]
    left += [row.expires for row in work.select(OLDEST_ATTEMPT, limit=1, queue=queue)]
    at = None if not left else work.now if gone == FORGET_MAX else min(left) + FORGET_PAUSE
    if at is None:
        work.delete(FORGETS, queue)
    else:
        work.put(FORGETS, Forgets(queue, at))
        work.later("sqs.forget", body, at=at)


# Receiving ---------------------------------------------------------------------------------------------------------


def claim(queue: Queue, limit: int, take: Take, work: Work) -> tuple[list[Message], bool]:
    """Messages of the groups that are ready, the group first that is ready longest; and whether another look is worth it.

    A group gives its first messages up to the first that is hidden, which blocks the rest.
    """
    claimed: list[Message] = []
    more = False
    groups = work.select(READY_GROUPS, limit=GROUPS_MAX, queue=queue.id, now=work.now)
    for group in groups:
        if len(claimed) == limit:
            return claimed, False
        taken, cut_short = _take_from(group, limit - len(claimed), take, work)
        claimed.extend(taken)
        more = more or cut_short
    return claimed, more or len(groups) == GROUPS_MAX


def look(queue: Queue, limit: int, work: Work) -> list[Message]:
    """The messages that a claim would take; groups that seemed to be ready and are not are set right."""
    found: list[Message] = []
    for _ in range(LOOKS_MAX):
        more = False
        groups = work.select(READY_GROUPS, limit=GROUPS_MAX, queue=queue.id, now=work.now)
        for group in groups:
            wanted = limit - len(found)
            members = Members(group, wanted, work)
            first = list(islice(members, wanted))
            visible = list(takewhile(lambda message: message.visible_at <= work.now, first))
            found += visible
            if not visible:
                members.set_right(first[0] if first else None)
                more = more or members.is_cut_short
            if len(found) >= limit:
                return found
        if found or (len(groups) < GROUPS_MAX and not more):
            break
    return found


def _take_from(group: Group, wanted: int, take: Take, work: Work) -> tuple[list[Message], bool]:
    """Messages of one group; and whether it may have more though its claim came to an end."""
    taken: list[Message] = []
    head: Message | None = None
    members = Members(group, wanted, work)
    for met, message in enumerate(members, 1):
        if met > wanted or message.visible_at > work.now:
            head = head or message
            break
        hidden = take(message)
        if hidden is not None:
            head = head or hidden
            taken.append(hidden)
        if met == wanted and head is not None:
            break
    members.set_right(head)
    return taken, members.is_cut_short


# Receives that are tried again -------------------------------------------------------------------------------------


def again(queue: Queue, attempt_id: str, timeout: timedelta, work: Work) -> list[Message] | None:
    """What the same attempt got before, hidden anew; None when it got nothing, or its visibility has ended.

    Raises:
        AttemptIsOver: a message of it was deleted, received again, or had its visibility changed.

    Source: SQS API Reference, ReceiveMessage (ReceiveRequestAttemptId).
    """
    attempt = work.get(ATTEMPTS, queue.id, attempt_id)
    if attempt is None or attempt.expires <= work.now:
        return None
    found = [work.get(MESSAGES, number) for number, _ in attempt.messages]
    until = work.now + timeout
    messages: list[Message] = []
    for message, (_, receipt) in zip(found, attempt.messages, strict=True):
        if message is None or message.receipt != receipt or message.visible_at != attempt.until:
            raise AttemptIsOver(attempt_id)
        messages.append(msgspec.structs.replace(message, visible_at=until))
    if attempt.until <= work.now:
        return None
    for message in messages:
        work.put(MESSAGES, message)
    work.put(ATTEMPTS, msgspec.structs.replace(attempt, until=until))
    return messages


def remember(queue: Queue, attempt_id: str, messages: Sequence[Message], work: Work) -> None:
    """Keep what an attempt got for five minutes."""
    got = [(message.id, message.receipt) for message in messages]
    work.put(ATTEMPTS, Attempt(queue.id, attempt_id, got, work.now + DEDUPLICATION, messages[0].visible_at))
    forget_later(queue, work)
