"""Business time: real, frozen, or skipping towards a goal (design, law 4).

Theory of operation
-------------------
A clock is real (the wall's time plus an offset), or stands at an instant. A standing clock moves only towards a goal:
``ClockControl`` fires all that is due on the way, in order, and waits for effects outside the store to come back
before it moves on. ``skip`` mode is a standing clock whose goal is set by itself: whenever nothing is running it moves
to the next instant at which something is due.
"""

from datetime import UTC, datetime, timedelta
from typing import Literal

Mode = Literal["real", "frozen", "skip"]


class BusinessClock:
    """``base.time.Clock`` in its three modes."""

    def __init__(self, mode: Mode | None = None, at: datetime | None = None) -> None:
        self.told = mode is not None  # Otherwise the store says how the last process left it.
        self.mode: Mode = mode or "real"
        self._at = at if at is not None else wall_now()
        self._offset = timedelta(0) if at is None else at - wall_now()
        self.skew = timedelta(0)  # What the database's clock is ahead of this machine's, where nodes share one.

    @property
    def standing(self) -> bool:
        """Whether time passes only when it is told to."""
        return self.mode != "real"

    def now(self) -> datetime:
        """The present business instant."""
        return self._at if self.standing else wall_now() + self._offset + self.skew

    def set(self, mode: Mode, at: datetime) -> None:
        """Go on in ``mode`` from ``at``."""
        self.mode = mode
        self._at = at
        self._offset = at - wall_now()

    def move_to(self, at: datetime) -> None:
        """Move a standing clock; never backwards."""
        assert self.standing
        self._at = max(self._at, at)


def wall_now() -> datetime:
    """The wall's time; only clocks ask for it."""
    return datetime.now(UTC)  # noqa: TID251 this is the clock
