"""Statistic sets over periods, from points of a minute."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from interstate.base.arn import Caller
from interstate.core.metrics.spread import Extended, Spread, joined, parse_statistic, statistic
from interstate.services.cloudwatch.errors import InvalidParameterValueException
from interstate.services.cloudwatch.requests import aligned
from interstate.store.ports import Work
from interstate.store.records.metrics import (
    POINTS_OF_SERIES,
    SERIES_AT,
    Dimensions,
    Metric,
    Point,
    Series,
    series_id,
)

# Source: botocore's model, StandardUnit.
_TIMES = ("Seconds", "Microseconds", "Milliseconds")
_SIZES = tuple(f"{scale}{size}" for size in ("ytes", "its") for scale in ("B", "Kilob", "Megab", "Gigab", "Terab"))
UNITS = (*_TIMES, *_SIZES, "Percent", "Count", *(f"{size}/Second" for size in (*_SIZES, "Count")), "None")

STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
_ROWS_PAGE = 1_000


class Totals(msgspec.Struct):
    """What a period has."""

    samples: float = 0.0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")
    spread: Spread = []
    known: float = 0.0  # How many samples the spread has.

    def add(self, point: Point) -> None:
        """Join a minute."""
        self.samples += point.samples
        self.total += point.total
        self.low = min(self.low, point.low)
        self.high = max(self.high, point.high)
        spread = point.spread or ([(point.low, point.samples)] if point.low == point.high else [])
        if spread:
            self.spread = joined(self.spread, spread)
            self.known += sum(weight for _, weight in spread)

    def extended(self, wanted: Extended) -> float | None:
        """A percentile or trimmed statistic; None where the values are not known one by one."""
        return statistic(wanted, self.spread) if self.known >= self.samples - 1e-9 else None

    def value(self, name: str) -> float:
        """One of ``STATISTICS``."""
        match name:
            case "SampleCount":
                return self.samples
            case "Sum":
                return self.total
            case "Minimum":
                return self.low
            case "Maximum":
                return self.high
            case _:
                return self.total / self.samples if self.samples else 0.0


def series_of(  # noqa: PLR0917 what names a series
    namespace: str, name: str, dimensions: Dimensions, unit: str | None, work: Work, place: Caller | None = None
) -> list[Series]:
    """The series with exactly these dimensions, of ``place`` (the caller's): one for each unit in which it was measured."""
    caller = place or work.caller
    found: list[Series] = []
    for one in UNITS if unit is None else (unit,):
        number = series_id(Metric(caller.account, caller.region, namespace, name, dimensions, one))
        found += work.select(SERIES_AT, limit=1, id=number)
    return found


def periods(
    series: Sequence[Series],
    since: datetime,
    until: datetime,
    period: timedelta,
    work: Work,
    *,
    origin: datetime | None,
) -> dict[datetime, Totals]:
    """What each period of a span has, by its beginning; periods without a point are left out.

    Periods are counted from ``origin``; None: from the epoch.
    """
    found: dict[datetime, Totals] = {}
    for one in series:
        place = since
        while True:
            page = work.select(POINTS_OF_SERIES, limit=_ROWS_PAGE, series=one.id, since=place, until=until)
            # The last minute of a full page may go on (other nodes counted it, too): it is read again.
            cut = page[-1].minute if len(page) == _ROWS_PAGE else None
            for point in page:
                if point.minute != cut:
                    found.setdefault(_begin(point.minute, period, origin), Totals()).add(point)
            if cut is None:
                break
            place = cut
    return found


def _begin(minute: datetime, period: timedelta, origin: datetime | None) -> datetime:
    if origin is None:
        return aligned(minute, period)
    return origin + (minute - origin) // period * period


def values_of(  # noqa: PLR0917 what a statistic is of
    series: Sequence[Series], stat: str, since: datetime, until: datetime, period: timedelta, work: Work
) -> dict[datetime, float]:
    """A statistic of each period that has it; periods count from the epoch."""
    found = periods(series, since, until, period, work, origin=None)
    if stat in STATISTICS:
        return {at: totals.value(stat) for at, totals in found.items()}
    wanted = extended_of(stat)
    made = ((at, totals.extended(wanted)) for at, totals in found.items())
    return {at: value for at, value in made if value is not None}


def extended_of(stat: str) -> Extended:
    """The extended statistic of this name.

    Raises:
        InvalidParameterValueException: there is none.
    """
    wanted = parse_statistic(stat)
    if wanted is None:
        raise InvalidParameterValueException.of("ExtendedStatistic", stat)
    return wanted
