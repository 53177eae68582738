"""Statistic sets over periods, from points of a minute."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from interstate.services.cloudwatch.requests import aligned
from interstate.store.ports import Work
from interstate.store.records.metrics import (
    POINTS_OF_SERIES,
    SERIES,
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

    def add(self, point: Point) -> None:
        """Join a minute."""
        self.samples += point.samples
        self.total += point.total
        self.low = min(self.low, point.low)
        self.high = max(self.high, point.high)

    def value(self, statistic: str) -> float:
        """One of ``STATISTICS``."""
        match statistic:
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


def series_of(namespace: str, name: str, dimensions: Dimensions, unit: str | None, work: Work) -> list[Series]:
    """The series with exactly these dimensions: one for each unit in which it was measured."""
    caller = work.caller
    found: list[Series] = []
    for one in UNITS if unit is None else (unit,):
        number = series_id(Metric(caller.account, caller.region, namespace, name, dimensions, one))
        series = work.get(SERIES, number)
        if series is not None:
            found.append(series)
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
