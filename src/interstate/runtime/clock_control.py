"""Moving business time: freeze, set, advance, run until; kept over a restart.

Theory of operation
-------------------
A clock that stands moves from one due instant to the next, never past something that is due, and only when nothing is
under way: an effect outside the store holds it. A goal is an instant, or that nothing pulls any more. In ``skip`` mode
the goal is implied: whenever all is quiet, the clock moves to the next due instant by itself. Where the clock stands is
saved before anything at the new instant runs, so time never goes back after a crash.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.time import from_micros, parse_iso, to_iso
from interstate.runtime.activity import Activity
from interstate.runtime.clock import BusinessClock, Mode, wall_now
from interstate.runtime.due import DueWork
from interstate.runtime.parking import Parking
from interstate.runtime.work import next_pulling
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS, Setting

Run = Callable[[Callable[[Any], Any]], Awaitable[Any]]
ADVANCE_MAX = timedelta(days=366 * 20)


class InvalidClock(ServiceError):
    """A clock cannot be moved like this."""

    code = "ValidationException"


class Saved(msgspec.Struct, frozen=True):
    """The clock over a restart: where it stood, or how far it was from the wall."""

    mode: Mode
    at: datetime | None = None
    offset_us: int = 0


def load_clock(clock: BusinessClock, setting: Setting | None) -> None:
    """Go on as the last process left the clock, unless this one was told otherwise at its start."""
    if setting is None or clock.told:
        return
    saved = msgspec.json.decode(setting.value, type=Saved)
    if saved.mode == "real":
        clock.set("real", wall_now() + timedelta(microseconds=saved.offset_us))
    else:
        assert saved.at is not None
        clock.set(saved.mode, saved.at)


class ClockControl:
    """What ``/_interstate/clock`` and ``interstate clock`` do."""

    def __init__(self, run: Run, clock: BusinessClock, due: DueWork, parking: Parking, activity: Activity) -> None:
        self._run = run
        self._clock = clock
        self._due = due
        self._parking = parking
        self._activity = activity
        self._one_at_a_time = asyncio.Lock()
        self._skipping: asyncio.Task[None] | None = None
        activity.when_quiet = self._quiet

    def show(self) -> dict[str, str]:
        """Mode and present instant."""
        return {"mode": self._clock.mode, "now": to_iso(self._clock.now())}

    async def set_mode(self, mode: Mode, at: datetime | None = None) -> dict[str, str]:
        """Freeze, let run, or skip; from the present instant or from ``at``, which must not lie in the past.

        Raises:
            InvalidClock: ``at`` is earlier than the business time, or more than 20 years ahead.
        """
        async with self._one_at_a_time:
            now = self._clock.now()
            _check_goal(now, at or now)
            self._clock.set(mode, at or now)
            await self._moved()
        self._quiet()
        return self.show()

    async def advance(self, by: timedelta) -> dict[str, str]:
        """Let business time pass, firing all that is due on the way, in order.

        Raises:
            InvalidClock: the duration is negative or above 20 years.
        """
        if not timedelta(0) <= by <= ADVANCE_MAX:
            raise InvalidClock(f"The clock cannot advance by {by}: 0 to {ADVANCE_MAX.days} days.")
        return await self.advance_to(self._clock.now() + by)

    async def advance_to(self, goal: datetime) -> dict[str, str]:
        """Move to an instant. A real clock goes on as a real one from there.

        Raises:
            InvalidClock: the instant lies in the past, or more than 20 years ahead.
        """
        async with self._one_at_a_time:
            mode = self._clock.mode
            now = self._clock.now()
            _check_goal(now, goal)
            self._clock.set("frozen", now)
            while (at := await self._next()) is not None and at <= goal:
                await self._step_to(at)
            await self._step_to(goal)
            await self._activity.wait()
            self._clock.set(mode, goal)
            await self._moved()
        self._quiet()
        return self.show()

    async def run_until(self, reached: Callable[[Work], bool], limit: timedelta) -> tuple[bool, dict[str, str]]:
        """Move from due instant to due instant until a condition holds, nothing pulls, or the limit is reached.

        Raises:
            InvalidClock: the limit is above 20 years.
        """
        if limit > ADVANCE_MAX:
            raise InvalidClock(f"The clock cannot run on for {limit}: at most {ADVANCE_MAX.days} days.")
        async with self._one_at_a_time:
            mode = self._clock.mode
            goal = self._clock.now() + limit
            self._clock.set("frozen", self._clock.now())
            held = False
            while True:
                at = await self._next()
                held = await self._run(reached)
                if held or at is None or at > goal:
                    break
                await self._step_to(at)
            self._clock.set(mode, self._clock.now())
            await self._moved()
        return held, self.show()

    async def _next(self) -> datetime | None:
        """When all is quiet: the next instant that pulls."""
        await self._activity.wait()
        micros: int = await self._run(next_pulling)
        await self._activity.wait()
        return from_micros(micros) if micros else None

    async def _step_to(self, at: datetime) -> None:
        self._clock.move_to(at)
        await self._moved()

    async def _moved(self) -> None:
        """Save where the clock stands, then do what is due there."""
        await self._run(self._save)
        self._due.forget_timer()
        self._parking.time_moved()
        self._due.look()

    def _save(self, work: Work) -> None:
        if self._clock.standing:
            saved = Saved(self._clock.mode, at=self._clock.now())
        else:
            offset = self._clock.now() - wall_now()
            saved = Saved("real", offset_us=offset // timedelta(microseconds=1))
        work.put(SETTINGS, Setting("clock", msgspec.json.encode(saved).decode()))

    def _quiet(self) -> None:
        """In skip mode, quiet means: go on to what is due next."""
        if self._clock.mode == "skip" and (self._skipping is None or self._skipping.done()):
            self._skipping = asyncio.get_running_loop().create_task(self._skip())

    async def _skip(self) -> None:
        if self._one_at_a_time.locked():
            return
        async with self._one_at_a_time:
            while self._clock.mode == "skip":
                at = await self._next()
                if at is None:
                    return
                if at > self._clock.now():
                    self._clock.move_to(at)
                await self._moved()


def _check_goal(now: datetime, goal: datetime) -> None:
    if goal < now:
        raise InvalidClock(f"The clock cannot go back from {to_iso(now)} to {to_iso(goal)}.")
    if goal - now > ADVANCE_MAX:
        raise InvalidClock(f"The clock cannot advance to {to_iso(goal)}: at most {ADVANCE_MAX.days} days ahead.")


def parse_instant(text: str) -> datetime:
    """An instant as users write it.

    Raises:
        InvalidClock: the text is none.
    """
    try:
        return parse_iso(text)
    except ValueError as error:
        raise InvalidClock(f"{text!r} is no instant; write it like 2026-01-31T12:00:00Z.") from error


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_NUMBER = r"[0-9]{1,12}(?:\.[0-9]{1,12})?"
_PART = re.compile(rf"({_NUMBER})([smhdw]?)")
_DURATION = re.compile(rf"(?:{_NUMBER}[smhdw])*(?:{_NUMBER})?")


def parse_duration(text: str) -> timedelta:
    """A duration as users write it: ``90``, ``30m``, ``14d``, ``1h30m``.

    Raises:
        InvalidClock: the text is none.
    """
    if not text.strip():
        raise InvalidClock("The duration is empty; write it like 30m, 14d or 1h30m.")
    if not _DURATION.fullmatch(text.strip()):
        raise InvalidClock(f"{text!r} is no duration; write it like 30m, 14d or 1h30m.")
    seconds = sum(float(number) * _UNITS[unit or "s"] for number, unit in _PART.findall(text))
    try:
        return timedelta(seconds=seconds)
    except OverflowError as error:
        raise InvalidClock(f"{text!r} is too long.") from error
