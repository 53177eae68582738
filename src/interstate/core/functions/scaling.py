"""How many batches of a queue a mapping has in hand at once.

Theory of operation
-------------------
A mapping begins with five. While it has all that it may have and more messages wait, it may have five more a second. A
failed or throttled batch takes one away and stops the growth for a second; so does a batch that waited for a worker longer
than it ran, because more of them would only grow old in line. When nothing waits any more, it is back at five.

Source: https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html ("starts processing five batches at a time",
"up to 300 more concurrent invokes per minute", "1,250", "as few as 2"); services-sqs-errorhandling.html, "Backoff strategy
for failed invocations" ("gradually backs off, reducing the amount of concurrency"). AWS does not publish the size of a step.
"""

from datetime import datetime, timedelta

import msgspec

CONCURRENCY_FIRST = 5
CONCURRENCY_LEAST = 2
CONCURRENCY_MOST = 1250
GROWTH_STEP = 5
GROWTH_PAUSE = timedelta(seconds=1)
"""Together with the step: 300 a minute."""
THROTTLED_WAIT_MAX = timedelta(minutes=1)


class Pace(msgspec.Struct, frozen=True):
    """So many batches a mapping may have; ``look_at``: it looks whether it may grow, not before ``held_until``."""

    mapping: str
    level: int = CONCURRENCY_FIRST
    held_until: datetime | None = None
    look_at: datetime | None = None

    def limit(self, concurrency_max: int | None, least: int = 0) -> int:
        """Batches at once, between what a user has provisioned and the maximum that is set."""
        return min(max(self.level, least), concurrency_max or CONCURRENCY_MOST)

    def grown(self, now: datetime) -> "Pace":
        """After a look at which all that it may have was in hand and more messages waited."""
        if self.look_at is None or now < self.look_at:
            return self if self.look_at is not None else msgspec.structs.replace(self, look_at=now + GROWTH_PAUSE)
        held = self.held_until is not None and now < self.held_until
        level = self.level if held else min(self.level + GROWTH_STEP, CONCURRENCY_MOST)
        return msgspec.structs.replace(self, level=level, look_at=now + GROWTH_PAUSE)

    def slowed(self, now: datetime, *, least: int = CONCURRENCY_LEAST) -> "Pace":
        """After a batch that says that there are too many."""
        level = max(self.level - 1, min(self.level, least))
        return msgspec.structs.replace(self, level=level, held_until=now + GROWTH_PAUSE)

    def calm(self) -> "Pace":
        """After a look at which nothing waited."""
        return self if self.level <= CONCURRENCY_FIRST else msgspec.structs.replace(self, level=CONCURRENCY_FIRST)


def is_crowded(waited: timedelta) -> bool:
    """Whether a call that waited so long for its worker is a sign of too many at once."""
    return waited > GROWTH_PAUSE


def throttled_wait(attempt: int) -> timedelta:
    """How long a throttled batch waits for its next attempt: a second first, then twice as long each time."""
    return min(timedelta(seconds=1 << min(attempt - 1, 6)), THROTTLED_WAIT_MAX)
