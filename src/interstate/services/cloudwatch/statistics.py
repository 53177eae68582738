"""GetMetricStatistics.

Source: CloudWatch API Reference, GetMetricStatistics (rounding of StartTime, at most 1,440 datapoints).
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.cloudwatch.errors import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
)
from interstate.services.cloudwatch.points import periods, series_of
from interstate.services.cloudwatch.requests import Dimension, period_of, sorted_dimensions, whole_minute
from interstate.store.ports import Work

DATAPOINTS_MAX = 1_440


class GetMetricStatistics(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str
    metric_name: str
    start_time: datetime
    end_time: datetime
    period: int
    dimensions: list[Dimension] = []
    statistics: list[str] = []
    extended_statistics: list[str] = []
    unit: str | None = None


def get_metric_statistics(request: GetMetricStatistics, work: Work) -> dict[str, Any]:
    """The statistics of each period that has points, oldest first; periods count from StartTime, rounded to the minute.

    Raises:
        InvalidParameterValueException: the period is none.
        InvalidParameterCombinationException: the span is empty, or has too many periods.
        MissingRequiredParameterException: no statistic is asked for.
        NotImplementedHere: percentiles, or a period below a minute.
    """
    if request.extended_statistics:
        raise NotImplementedHere(f"ExtendedStatistics ({', '.join(request.extended_statistics)})")
    if not request.statistics:
        raise MissingRequiredParameterException("Must specify either Statistics or ExtendedStatistics")
    period = period_of(request.period)
    if request.start_time >= request.end_time:
        raise InvalidParameterValueException("The parameter StartTime must be less than the parameter EndTime.")
    since = whole_minute(request.start_time)
    count = -(-(request.end_time - since) // period)
    if count > DATAPOINTS_MAX:
        raise InvalidParameterCombinationException(
            f"You have requested up to {count:,} datapoints, which exceeds the limit of {DATAPOINTS_MAX:,}. You may reduce "
            "the datapoints requested by increasing Period, or decreasing the time range."
        )
    dimensions = sorted_dimensions(request.dimensions)
    points: list[dict[str, Any]] = []
    for series in series_of(request.namespace, request.metric_name, dimensions, request.unit, work):
        found = periods([series], since, request.end_time, period, work, origin=since)
        points += [
            {"Timestamp": at, **{name: totals.value(name) for name in request.statistics}, "Unit": series.unit}
            for at, totals in found.items()
        ]
    return {"Label": request.metric_name, "Datapoints": sorted(points, key=lambda point: point["Timestamp"])}
