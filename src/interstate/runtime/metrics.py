"""Measurements of a batch, added to the points of their minute in the batch's own commit.

One batch writes each series at most once, however many calls measured it. What a refused call measured is kept: a
refusal is counted, too.
"""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import msgspec

from interstate.store.records.metrics import POINTS, SERIES, Metric, Point, Series, series_id
from interstate.store.unit_of_work import UnitOfWork


class Measurement(msgspec.Struct, frozen=True):
    """One observed value."""

    metric: Metric
    value: float
    at: datetime


@lru_cache(maxsize=16384)
def _series(metric: Metric) -> Series:
    ordered = msgspec.structs.replace(metric, dimensions=tuple(sorted(metric.dimensions)))
    return Series(series_id(ordered), *msgspec.structs.astuple(ordered))


def fold(measured: Iterable[Measurement], records: UnitOfWork, node: int) -> None:
    """Add the measurements to the points of this node (0 where one process owns the store)."""
    points: dict[tuple[int, datetime], Point] = {}
    for one in measured:
        series = _series(one.metric)
        minute = one.at.replace(second=0, microsecond=0)
        place = (series.id, minute)
        point = points.get(place)
        if point is None:
            if records.get(SERIES, (series.id,)) is None:
                records.put(SERIES, series)
            point = records.get(POINTS, (series.id, minute, node))
        points[place] = _with(point, one.value, (series.id, minute, node))
    for point in points.values():
        records.put(POINTS, point)


def _with(point: Point | None, value: float, key: tuple[int, datetime, int]) -> Point:
    if point is None:
        return Point(*key, 1.0, value, value, value)
    return Point(*key, point.samples + 1.0, point.total + value, min(point.low, value), max(point.high, value))
