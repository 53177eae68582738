"""FIFO queues: deduplication, groups in order, receives that are tried again.

Source: SQS Developer Guide, "Exactly-once processing", "FIFO queue delivery logic", "High throughput for FIFO queues";
SQS API Reference, ReceiveMessage (ReceiveRequestAttemptId).
"""

from collections.abc import Callable, Sequence
from datetime import timedelta
from itertools import chain, islice, repeat, takewhile
from operator import attrgetter
from typing import Any

import msgspec

from interstate.core.queues.errors import AttemptIsOver
from interstate.core.queues.message import Message
from interstate.services.sqs.groups import Members
from interstate.services.sqs.hints import hints
from interstate.services.sqs.locate import SCOPE_LAG, fifo_setting
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    ATTEMPTS,
    DEDUPLICATION_CALLS,
    DEDUPLICATIONS,
    FORGETS,
    GROUPS,
    MESSAGES,
    OLD_ATTEMPTS,
    OLDEST_ATTEMPT,
    OLDEST_CALLS,
    READY_GROUPS,
    Attempt,
    Deduplication,
    DeduplicationCall,
    Forgets,
    Group,
    Queue,
)

DEDUPLICATION = timedelta(minutes=5)
FORGET_PAUSE = timedelta(seconds=30)
FORGET_MAX = 1000
FORGET_CALLS_MAX = 100
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
    """Read at once, and hold, what is known of the groups and the ids of a call's messages; before their numbers are drawn.

    Where one process owns the store there is nothing to hold: groups are mostly at hand, and ids are tried, not looked for.
    """
    number = queue.id
    wanted: dict[Any, set[tuple[Any, ...]]] = {GROUPS: set(zip(repeat(number), groups))}
    if work.node:
        by_group = _is_by_group(queue, work)
        hints.note(queue.arn, number, by_group=by_group)
        wanted[DEDUPLICATIONS] = set(zip(repeat(number), identities, groups if by_group else repeat("")))
    work.fetch(wanted)
    forget_later(queue, work)


def accept_all(queue: Queue, messages: list[Message], work: Work) -> list[Message]:
    """Remember the messages of a call (one at least), which are told as they are if all are new; in the place of one that was sent in the last five minutes stands what the first one was."""
    number, purged_to = queue.id, queue.purged_to
    now, expires = work.now, work.now + DEDUPLICATION
    names, numbers, groups, identities = zip(*map(_SENT, messages), strict=True)
    scopes = groups if _is_by_group(queue, work) else ("",) * len(groups)
    pairs = list(zip(scopes, identities, strict=True))
    if len(set(pairs)) == len(pairs):
        rows = list(map(Deduplication, repeat(number), scopes, identities, numbers, names, repeat(expires)))
        if work.put_if_free(DEDUPLICATIONS, rows):
            _note_call(rows, pairs, work)
            return messages
    before = work.get_all(DEDUPLICATIONS, list(zip(repeat(number), identities, scopes)))
    new: dict[tuple[str, str], Deduplication] = {}
    told: list[Message] = []
    for message, pair, row in zip(messages, pairs, before, strict=True):
        known = new.get(pair) or row
        if known is not None and known.expires > now and known.message > purged_to:
            told.append(msgspec.structs.replace(message, id=known.message, message_id=known.message_id))
            continue
        scope, identity = pair
        new[pair] = Deduplication(number, scope, identity, message.id, message.message_id, expires)
        told.append(message)
    if new:
        rows = list(new.values())
        work.put_all(DEDUPLICATIONS, rows)
        _note_call(rows, list(new), work)
    return told


def _note_call(rows: Sequence[Deduplication], pairs: Sequence[tuple[str, str]], work: Work) -> None:
    """Say what there is to be forgotten: one row, and no index over all ids."""
    first = rows[0]
    work.put(
        DEDUPLICATION_CALLS,
        DeduplicationCall(first.queue_id, first.message, first.expires, " ".join(chain.from_iterable(pairs))),
    )


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
    calls, ended = _forget_calls(queue, work), work.erase(OLD_ATTEMPTS, limit=FORGET_MAX, queue=queue, now=work.now)
    left = [row.expires for row in work.select(OLDEST_CALLS, limit=1, queue=queue)]
    left += [row.expires for row in work.select(OLDEST_ATTEMPT, limit=1, queue=queue)]
    at = (
        None if not left else work.now if calls == FORGET_CALLS_MAX or ended == FORGET_MAX else min(left) + FORGET_PAUSE
    )
    if at is None:
        work.delete(FORGETS, queue)
    else:
        work.put(FORGETS, Forgets(queue, at))
        work.later("sqs.forget", body, at=at)


def _forget_calls(queue: int, work: Work) -> int:
    """Forget the ids of a page of calls; those that were sent again later are another call's. Tells how many calls."""
    page = work.select(OLDEST_CALLS, limit=FORGET_CALLS_MAX, queue=queue)
    old = list(takewhile(lambda call: call.expires <= work.now, page))
    keys: set[tuple[Any, ...]] = set()
    for call in old:
        words = call.ids.split(" ")
        keys.update(zip(repeat(queue), words[1::2], words[::2]))
        work.delete(DEDUPLICATION_CALLS, queue, call.first)
    work.fetch({DEDUPLICATIONS: keys})
    for key in sorted(keys):
        row = work.get(DEDUPLICATIONS, *key)
        if row is not None and row.expires <= work.now:
            work.delete(DEDUPLICATIONS, *key)
    return len(old)


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
