"""GetMetricStatistics.

Source: CloudWatch API Reference, GetMetricStatistics (rounding of StartTime, at most 1,440 datapoints).
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.services.cloudwatch.errors import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
)
from interstate.services.cloudwatch.points import extended_of, periods, series_of
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
        NotImplementedHere: a period below a minute.
    """
    if request.statistics and request.extended_statistics:
        raise InvalidParameterCombinationException("Must not specify both Statistics and ExtendedStatistics")
    wanted = {name: extended_of(name) for name in request.extended_statistics}
    if not request.statistics and not wanted:
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
        for at, totals in found.items():
            point: dict[str, Any] = {"Timestamp": at, "Unit": series.unit}
            point |= {name: totals.value(name) for name in request.statistics}
            extended = {name: totals.extended(one) for name, one in wanted.items()}
            extended = {name: value for name, value in extended.items() if value is not None}
            if extended:
                point["ExtendedStatistics"] = extended
            if extended or not wanted:
                points.append(point)
    return {"Label": request.metric_name, "Datapoints": sorted(points, key=lambda point: point["Timestamp"])}
