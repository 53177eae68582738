"""The groups of FIFO queues: which messages each has, in the order in which they are received.

Theory of operation
-------------------
The row of a group lists the numbers of its messages, so that a send writes the rows of its groups, which lie close together,
and no index over all messages, whose pages are as many as there are groups. When the list is full it is put aside, as a part,
and the row goes on with an empty one; parts are read from the first one on. A list may name messages that are gone (a delete
does not look for its message in parts); the next claim passes over them, and who writes a list leaves them out. ``head`` and
``ready_at`` are lower bounds: no message of the group has a lower number, none may be received sooner.

With several nodes, whoever adds to a group or takes from it has the lock of its row.

Source: SQS Developer Guide, "FIFO queue delivery logic".
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import repeat
from operator import attrgetter

import msgspec

from interstate.core.queues.message import Message
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    GROUPS,
    MESSAGES,
    NEXT_PART,
    PART_AROUND,
    PARTS,
    PARTS_UP_TO,
    Group,
    GroupPart,
    Queue,
)

LIST_FULL = 540
"""Characters of a list that is put aside: some thirty numbers, which are instants."""
_NAME = attrgetter("group_id")
_STEP_MIN = 10
"""So many messages are looked for at once when some were not there."""
PARTS_MAX = 100
"""Lists of one group that a claim walks through; where all of them are gone, the next claim goes on."""


# Joining -----------------------------------------------------------------------------------------------------------


def join(queue: Queue, messages: Sequence[Message], work: Work) -> None:
    """Add new messages of a FIFO queue to their groups."""
    queue_id = queue.id
    joined: dict[str, Group] = {}
    names = list(map(_NAME, messages))
    known = work.get_all(GROUPS, list(zip(repeat(queue_id), names)))
    for message, name, before in zip(messages, names, known, strict=True):
        number = message.id
        group = joined.get(name) or before
        if group is None:
            joined[name] = Group(queue_id, name, message.visible_at, number, str(number))
            continue
        waiting = group.waiting
        if number < group.head or (waiting and number < int(waiting.rpartition(" ")[2])):
            joined[name] = _squeezed_in(group, message, work)
            continue
        has_parts = group.has_parts
        if len(waiting) < LIST_FULL:
            waiting = f"{waiting} {number}" if waiting else str(number)
        else:
            numbers = _numbers(waiting)
            work.put(PARTS, GroupPart(queue_id, name, numbers[0], numbers[-1], waiting))
            has_parts, waiting = True, str(number)
        joined[name] = Group(queue_id, name, group.ready_at, group.head, waiting, has_parts)
    work.put_all(GROUPS, list(joined.values()))


def _squeezed_in(group: Group, message: Message, work: Work) -> Group:
    """Two nodes sent at once, and the higher number was committed first: the message goes before those that have higher ones."""
    number = message.id
    if number < group.head:
        group = msgspec.structs.replace(group, ready_at=message.visible_at, head=number)
    waiting = _numbers(group.waiting)
    part = _part_for(group, number, work) if group.has_parts and (not waiting or number < waiting[0]) else None
    if part is None:
        group = msgspec.structs.replace(group, waiting=_text(sorted((*waiting, number))))
    else:
        listed = _text(sorted((*_numbers(part.numbers), number)))
        work.put(PARTS, msgspec.structs.replace(part, last=max(part.last, number), numbers=listed))
    return group


def _part_for(group: Group, number: int, work: Work) -> GroupPart | None:
    """The part around a number; one that is lower than all belongs to the first."""
    where = {"queue": group.queue_id, "group": group.group_id}
    found = work.select(PART_AROUND, limit=1, number=number, **where) or work.select(
        NEXT_PART, limit=1, after=-1, **where
    )
    return found[0] if found else None


# Leaving -----------------------------------------------------------------------------------------------------------


def leave(queue: Queue, messages: Sequence[Message], work: Work) -> int:
    """Messages of a FIFO queue were deleted: what they blocked may be received; tells for how many groups that is news."""
    gone: dict[str, list[int]] = {}
    for message in messages:
        gone.setdefault(message.group_id, []).append(message.id)
    if len(gone) > 1:
        work.fetch({GROUPS: {(queue.id, name) for name in gone}})
    news = 0
    left: list[Group] = []
    for name, numbers in gone.items():
        group = work.get(GROUPS, queue.id, name)
        if group is None:
            continue
        waiting = group.waiting
        if not group.has_parts:
            waiting = _text([number for number in _numbers(waiting) if number not in numbers])
            if not waiting:
                work.delete(GROUPS, queue.id, name)
                continue
        news += group.ready_at > work.now
        ready_at = min(group.ready_at, work.now)
        left.append(Group(queue.id, name, ready_at, group.head, waiting, group.has_parts))
    work.put_all(GROUPS, left)
    return news


def ready(queue: Queue, group_id: str, at: datetime, work: Work) -> None:
    """A group's first message may be visible from then on."""
    group = work.get(GROUPS, queue.id, group_id)
    if group is not None and group.ready_at > at:
        work.put(GROUPS, msgspec.structs.replace(group, ready_at=at))


def drop_parts(queue_id: int, up_to: int, limit: int, work: Work) -> None:
    """Messages up to this number were dropped by age: drop lists of which none is left, though nobody claims them."""
    for part in work.select(PARTS_UP_TO, limit=limit, queue=queue_id, last=up_to):
        numbers = _numbers(part.numbers)
        work.fetch({MESSAGES: {(number,) for number in numbers}})
        if all(work.get(MESSAGES, number) is None for number in numbers):
            work.delete(PARTS, part.queue_id, part.group_id, part.first)


# Walking through ---------------------------------------------------------------------------------------------------


class Members:
    """The messages of a group from its head on, in their order, read a few (``step``) at a time; then the group is set right."""

    def __init__(self, group: Group, step: int, work: Work) -> None:
        self._group = group
        self._step = step
        self._work = work
        self._parts: list[GroupPart] = []  # Those that were walked through.
        self._gone: set[int] = set()
        self._may_have_more = group.has_parts
        self.is_cut_short = False
        """Whether there may be more than what came."""

    def __iter__(self) -> Iterator[Message]:
        work, head, step = self._work, self._group.head, self._step
        for numbers in self._lists():
            left = numbers if numbers[0] >= head else [number for number in numbers if number >= head]
            while left:
                some, left = left[:step], left[step:]
                work.fetch({MESSAGES: {(number,) for number in some}})
                found = 0
                for number in some:
                    message = work.get(MESSAGES, number)
                    if message is None:
                        self._gone.add(number)
                    else:
                        found += 1
                        yield message
                if not found:
                    step = max(step, _STEP_MIN)

    def _lists(self) -> Iterator[list[int]]:
        group, after = self._group, -1
        while self._may_have_more:
            if len(self._parts) == PARTS_MAX:
                self.is_cut_short = True
                return
            found = self._work.select(NEXT_PART, limit=1, queue=group.queue_id, group=group.group_id, after=after)
            self._may_have_more = bool(found)
            for part in found:
                self._parts.append(part)
                after = part.first
                yield _numbers(part.numbers)
        if group.waiting:
            yield _numbers(group.waiting)

    def set_right(self, first: Message | None) -> None:
        """``first`` is the first of the messages that is still there; None: none of those that came is."""
        work, group = self._work, self._group
        if first is not None:
            head, ready_at = first.id, first.visible_at
        elif self.is_cut_short:
            head, ready_at = self._parts[-1].last + 1, group.ready_at
        else:
            for part in self._parts:
                work.delete(PARTS, part.queue_id, part.group_id, part.first)
            work.delete(GROUPS, group.queue_id, group.group_id)
            return
        holes = {number for number in self._gone if number > head}
        has_parts = self._may_have_more
        for part in self._parts:
            listed = part.numbers if part.last >= head else ""
            if listed and holes:
                listed = _text([number for number in _numbers(listed) if number not in holes])
            if not listed:
                work.delete(PARTS, part.queue_id, part.group_id, part.first)
                continue
            has_parts = True
            if listed is not part.numbers:
                work.put(PARTS, msgspec.structs.replace(part, numbers=listed))
        waiting = group.waiting
        if self._gone and not self._may_have_more:
            waiting = _text([number for number in _numbers(waiting) if number >= head and number not in self._gone])
        work.put(GROUPS, Group(group.queue_id, group.group_id, ready_at, head, waiting, has_parts))


def _numbers(listed: str) -> list[int]:
    return [int(number) for number in listed.split(" ")] if listed else []


def _text(numbers: Sequence[int]) -> str:
    return " ".join(map(str, numbers))
