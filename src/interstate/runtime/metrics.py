"""Measurements of a batch, added to the points of their minute in the batch's own commit.

One batch writes each series at most once, however many calls measured it. What a refused call measured is kept: a
refusal is counted, too. The rows of a writer (a node's connection) are written by it alone, so the newest point of a series is remembered
and not read again.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from msgspec.structs import replace

from interstate.core.metrics.spread import joined
from interstate.store.records.metrics import (
    POINTS,
    SERIES,
    CountAndSize,
    Metric,
    MetricKey,
    Point,
    Series,
    series_id,
)
from interstate.store.unit_of_work import UnitOfWork

_REMEMBERED_MAX = 4096
SPREAD_UNIT = "Milliseconds"
_COUNTED = tuple(Point.__struct_fields__.index(name) for name in ("samples", "total", "low", "high"))


class Counts:
    """Statistic sets by metric, of calls that share an instant."""

    __slots__ = ("_sets", "_sized", "spreads")

    def __init__(self) -> None:
        self._sets: dict[MetricKey, list[float]] = {}
        self._sized: dict[CountAndSize, list[float]] = {}
        self.spreads: dict[MetricKey, dict[float, float]] = {}  # Of times alone: percentiles are asked of them.

    def add(self, key: MetricKey, value: float) -> None:
        """Observe a value."""
        if key[5] == SPREAD_UNIT:
            self._spread(key, (value,))
        found = self._sets.get(key)
        if found is None:
            self._sets[key] = [1.0, value, value, value]
            return
        found[0] += 1.0
        found[1] += value
        found[2] = min(found[2], value)
        found[3] = max(found[3], value)

    def add_all(self, key: MetricKey, values: Sequence[float]) -> None:
        """Observe some values (at least one)."""
        first, count = values[0], float(len(values))
        if values.count(first) == len(values):  # Those of one call mostly are alike.
            total, low, high = float(first * count), first, first
            if key[5] == SPREAD_UNIT:
                spread = self.spreads.setdefault(key, {})
                spread[first] = spread.get(first, 0.0) + count
        else:
            total, low, high = float(sum(values)), min(values), max(values)
            if key[5] == SPREAD_UNIT:
                self._spread(key, values)
        found = self._sets.get(key)
        if found is None:
            self._sets[key] = [count, total, low, high]
            return
        found[0] += count
        found[1] += total
        found[2] = min(found[2], low)
        found[3] = max(found[3], high)

    def tally(self, keys: Sequence[MetricKey], value: float, count: int) -> None:
        """Observe one value, so many times, in each of some metrics."""
        sets, samples, total = self._sets, float(count), value * count
        for key in keys:
            if key[5] == SPREAD_UNIT:
                spread = self.spreads.setdefault(key, {})
                spread[value] = spread.get(value, 0.0) + samples
            found = sets.get(key)
            if found is None:
                sets[key] = [samples, total, value, value]
                continue
            found[0] += samples
            found[1] += total
            if value < found[2]:  # noqa: PLR1730 a call of min costs more than the rest
                found[2] = value
            if value > found[3]:  # noqa: PLR1730 as above
                found[3] = value

    def tally_sized(self, metrics: CountAndSize, size: float) -> None:
        """Observe one thing in the first series, and its size in the second."""
        found = self._sized.get(metrics)
        if found is None:
            self._sized[metrics] = [1.0, size, size, size]
            return
        found[0] += 1.0
        found[1] += size
        if size < found[2]:
            found[2] = size
        elif size > found[3]:
            found[3] = size

    @property
    def sets(self) -> dict[MetricKey, list[float]]:
        """Samples, sum, lowest and highest value of each metric."""
        sized, self._sized = self._sized, {}
        sets = self._sets
        for metrics, size in sized.items():
            samples = size[0]
            for key, added in ((metrics.count, [samples, samples, 1.0, 1.0]), (metrics.size, size)):
                found = sets.setdefault(key, added)
                if found is not added:
                    found[0] += added[0]
                    found[1] += added[1]
                    found[2] = min(found[2], added[2])
                    found[3] = max(found[3], added[3])
        return sets

    def _spread(self, key: MetricKey, values: Sequence[float]) -> None:
        spread = self.spreads.setdefault(key, {})
        for value in values:
            spread[value] = spread.get(value, 0.0) + 1.0


@lru_cache(maxsize=16384)
def _series(key: MetricKey) -> Series:
    account, region, namespace, name, dimensions, unit = key
    ordered = Metric(account, region, namespace, name, tuple(sorted(dimensions)), unit)
    return Series(series_id(ordered), account, region, namespace, name, ordered.dimensions, unit)


class Metrics:
    """What an instance has counted and not yet written, and the points that it wrote last."""

    def __init__(self) -> None:
        self._waiting: dict[datetime, Counts] = {}  # By calls that only read, by minute; the next batch writes it.
        self._newest: dict[tuple[int, int], Point] = {}  # By series and who wrote it.
        self._fresh: dict[tuple[int, int], Point] = {}
        self.has_new_series = False

    def waiting(self, now: datetime) -> Counts:
        """Where calls that only read count; one set a minute, however many they are."""
        minute = now.replace(second=0, microsecond=0)
        counts = self._waiting.get(minute)
        if counts is None:
            counts = self._waiting[minute] = Counts()
        return counts

    def fold(self, counts: Counts, now: datetime, records: UnitOfWork, node: int) -> None:
        """Put the points of a batch into its unit of work (node 0 where one process owns the store)."""
        self._fresh = {}
        self.has_new_series = False
        for at, waiting in self._waiting.items():
            self._add(waiting, at, records, node)
        self._add(counts, now, records, node)

    def _add(self, counts: Counts, now: datetime, records: UnitOfWork, node: int) -> None:
        minute = now.replace(second=0, microsecond=0)
        sets, spreads, newest, fresh = counts.sets, counts.spreads, self._newest, self._fresh
        renewed: list[Point] = []
        for key, (samples, total, low, high) in sets.items():
            series = _series(key)
            at = (series.id, node)
            last = newest.get(at)
            if last is not None and last.minute == minute and not (key in spreads or at in fresh or last.spread):
                fresh[at] = point = Point(
                    series.id,
                    minute,
                    node,
                    samples + last.samples,
                    total + last.total,
                    low if low < last.low else last.low,  # noqa: FURB136 a call of min costs more than the rest
                    high if high > last.high else last.high,  # noqa: FURB136 as above
                )
                renewed.append(point)
                continue
            before = self._point(series, minute, records, node)
            if before is not None:
                samples, total = samples + before.samples, total + before.total
                low, high = min(low, before.low), max(high, before.high)
            added = counts.spreads.get(key)
            spread = [] if added is None else joined([] if before is None else before.spread, added.items())
            point = Point(series.id, minute, node, samples, total, low, high, spread)
            records.put(POINTS, point)
            fresh[at] = point
        if renewed:
            records.renew(POINTS, _COUNTED, renewed)

    def _point(self, series: Series, minute: datetime, records: UnitOfWork, node: int) -> Point | None:
        """The point as it is; a series that is new here is written with its first point."""
        at = (series.id, node)
        found = self._fresh.get(at) or self._newest.get(at)
        if found is not None and found.minute == minute:
            records.know(POINTS, found)
            return found
        if found is None and records.get(SERIES, (series.id, node)) is None:
            records.put(SERIES, replace(series, node=node) if node else series)
            self.has_new_series = True
        return records.get(POINTS, (series.id, minute, node))

    def written(self) -> None:
        """The batch reached the database: what it wrote is what the store has."""
        self._waiting.clear()
        self._newest.update(self._fresh)
        while len(self._newest) > _REMEMBERED_MAX:
            del self._newest[next(iter(self._newest))]

    def forget(self) -> None:
        """The store was emptied or exchanged, or a commit failed."""
        self._newest.clear()
        self._fresh = {}
