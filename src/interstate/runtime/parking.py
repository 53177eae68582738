"""Calls that wait: they are run again when their key is woken, at a business time, or for the last time when time is up.

Nothing is held while a call is parked: no thread, no transaction, no row. Its client waits on a connection; when the
process dies, so does the connection, and the client asks again.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from interstate.base.time import Clock
from interstate.services.operation import Parked

Resume = Callable[[bool], None]
"""Called once, with whether this is the last time."""


_EARLY_S_MAX = 0.01
_WOKEN_MAX = 10_000


class _Waiter:
    __slots__ = ("alarm", "key", "resume", "timeout", "wake_at")

    def __init__(self, key: str, resume: Resume, wake_at: datetime | None) -> None:
        self.key = key
        self.resume = resume
        self.wake_at = wake_at
        self.timeout: asyncio.TimerHandle | None = None
        self.alarm: asyncio.TimerHandle | None = None


class Parking:
    """Parked calls by key, in order of arrival."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._by_key: dict[str, dict[_Waiter, None]] = {}
        self._moment = 0
        self._woken: dict[str, int] = {}  # Keys, and when they were woken last, while batches are on their way.
        self._all_woken = 0

    # Who is about to park --------------------------------------------------------------------------------------

    def moment(self) -> int:
        """The present moment, for ``was_woken``: it passes with each wake."""
        return self._moment

    def was_woken(self, key: str, since: int) -> bool:
        """Whether a key was woken since a moment: who looked then, and is to be parked only now, looks once more instead."""
        return self._woken.get(key, 0) > since or self._all_woken > since

    def forget_wakes(self) -> None:
        """Nobody is about to park."""
        self._woken.clear()

    def _note(self, key: str) -> None:
        self._moment += 1
        self._woken[key] = self._moment
        if len(self._woken) > _WOKEN_MAX:
            self._woken.clear()
            self._all_woken = self._moment

    # Who is parked ---------------------------------------------------------------------------------------------

    def park(self, parked: Parked, resume: Resume) -> None:
        """Keep a call until it is woken."""
        loop = asyncio.get_running_loop()
        waiter = _Waiter(parked.key, resume, parked.wake_at)
        self._by_key.setdefault(parked.key, {})[waiter] = None
        waiter.timeout = loop.call_later(parked.wait_s, self._leave, waiter, True)  # noqa: FBT003 the last time
        if parked.wake_at is not None:
            delay = (parked.wake_at - self._clock.now()).total_seconds()
            if delay <= parked.wait_s:
                waiter.alarm = loop.call_later(max(delay, 0), self._alarm, waiter)

    def wake(self, key: str, *, one: bool) -> None:
        """Run again the calls parked on a key: all, or the one that waits longest."""
        self._note(key)
        waiters = self._by_key.get(key)
        if waiters:
            for waiter in [next(iter(waiters))] if one else list(waiters):
                self._leave(waiter, last=False)

    def time_moved(self) -> None:
        """A standing clock has moved: wake what waited for a moment."""
        now = self._clock.now()
        moved = [waiter for waiters in self._by_key.values() for waiter in waiters]
        for waiter in moved:
            if waiter.wake_at is not None and waiter.wake_at <= now:
                self._leave(waiter, last=False)

    def _alarm(self, waiter: _Waiter, early: bool = True) -> None:  # noqa: FBT001, FBT002 called by the loop with positions
        """A real clock got there; a standing one that was told otherwise meanwhile has not.

        The loop's timers may ring a little before the business clock says so: then it rings once more.
        """
        if waiter.wake_at is None:
            return
        left_s = (waiter.wake_at - self._clock.now()).total_seconds()
        if left_s <= 0:
            self._leave(waiter, last=False)
        elif early and left_s < _EARLY_S_MAX:
            loop = asyncio.get_running_loop()
            waiter.alarm = loop.call_later(left_s + _EARLY_S_MAX, self._alarm, waiter, False)  # noqa: FBT003 as above

    def _leave(self, waiter: _Waiter, last: bool) -> None:  # noqa: FBT001 called by the loop with positions
        waiters = self._by_key.get(waiter.key)
        if waiters is None or waiter not in waiters:
            return
        del waiters[waiter]
        if not waiters:
            del self._by_key[waiter.key]
        for timer in (waiter.timeout, waiter.alarm):
            if timer is not None:
                timer.cancel()
        waiter.resume(last)

    def look_again(self) -> None:
        """Run everybody again: what woke them may have been missed."""
        self._moment += 1
        self._all_woken = self._moment
        for waiters in list(self._by_key.values()):
            for waiter in list(waiters):
                self._leave(waiter, last=False)

    def clear(self) -> None:
        """Run everybody a last time (a reset, a stop)."""
        for waiters in list(self._by_key.values()):
            for waiter in list(waiters):
                self._leave(waiter, last=True)
