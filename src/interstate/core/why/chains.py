"""Attempts to deliver one event to one target, as the deliveries that they were.

A delivery's attempts are numbered from 0. An event that was replayed is delivered again, under the same id: then the numbers
begin anew. A dead letter that its queue did not take yet is tried again under the number of the delivery's last attempt.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

WAITING, DELIVERED, DEAD_LETTER, DROPPED = "waiting", "delivered", "dead letter", "dropped"
LOST, ENDED = "dead letter refused", "ended with its rule"
_LETTER_WAITS = "DLQ_AGAIN"
_STATES = {
    "DELIVERED": DELIVERED,
    "AGAIN": WAITING,
    "SENT_TO_DLQ": DEAD_LETTER,
    "DROPPED": DROPPED,
    _LETTER_WAITS: WAITING,
    "DLQ_REFUSED": LOST,
    "GONE": ENDED,
}


class Try(msgspec.Struct, frozen=True):
    """One attempt: its number, and what came of it."""

    number: int
    at: datetime
    outcome: str
    code: str | None = None
    message: str | None = None
    next_at: datetime | None = None
    made: str = ""


class Chain(msgspec.Struct, frozen=True):
    """A delivery: its attempts in order, of which there is at least one."""

    tries: tuple[Try, ...]

    @property
    def state(self) -> str:
        """How the delivery stands after its last attempt."""
        return _STATES[self.tries[-1].outcome]


def chains(tries: Sequence[Try]) -> list[Chain]:
    """The deliveries that these attempts, in order of happening, make up."""
    found: list[list[Try]] = []
    for one in tries:
        if found and (one.number > found[-1][-1].number or found[-1][-1].outcome == _LETTER_WAITS):
            found[-1].append(one)
        else:
            found.append([one])
    return [Chain(tuple(group)) for group in found]
