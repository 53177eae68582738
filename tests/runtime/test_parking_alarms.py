"""A parked call is run again at its business time, even where the loop's timer rings a little early."""

import asyncio
from datetime import UTC, datetime, timedelta

from interstate.runtime.parking import Parking
from interstate.services.operation import Parked
from interstate.store.ports import Work

START = datetime(2026, 1, 1, tzinfo=UTC)


class SlowClock:
    """A clock that has not got there when the timer rings for the first time."""

    standing = False

    def __init__(self, *moments: datetime) -> None:
        self._moments = list(moments)

    def now(self) -> datetime:
        """The next of its moments; the last one stays."""
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


def _never(_work: Work, _last: bool) -> None:
    raise AssertionError


def woken(*moments: datetime, within_s: float) -> list[bool]:
    async def park() -> list[bool]:
        told: list[bool] = []
        rung = asyncio.Event()

        def resume(last: bool) -> None:
            told.append(last)
            rung.set()

        parking = Parking(SlowClock(*moments))
        parking.park(Parked("key", 5.0, _never, START), resume)
        try:
            await asyncio.wait_for(rung.wait(), within_s)
        except TimeoutError:
            parking.clear()
        return told

    return asyncio.run(park())


def test_an_alarm_that_rings_early_rings_again() -> None:
    early = START - timedelta(milliseconds=1)
    assert woken(early, early, START, within_s=60) == [False]


def test_a_clock_that_was_told_otherwise_is_left_alone() -> None:
    assert woken(START, START - timedelta(hours=1), within_s=0.5) == [True]
