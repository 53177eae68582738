"""GetMetricData: statistics of many metrics in one call.

Source: CloudWatch API Reference, GetMetricData, MetricDataQuery, MetricDataResult.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.services.cloudwatch.errors import InvalidNextToken
from interstate.services.cloudwatch.points import STATISTICS, periods, series_of
from interstate.services.cloudwatch.requests import (
    Dimension,
    aligned,
    period_of,
    place_of,
    sorted_dimensions,
    token_of,
    whole_minute,
)
from interstate.store.ports import Work

QUERIES_MAX = 500
DATAPOINTS_MAX = 100_800
_PAGE_DATAPOINTS = 10_000
"""Datapoints after which a page ends when there are more queries: big reads are many small ones."""


class Metric(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str = ""
    metric_name: str = ""
    dimensions: list[Dimension] = []


class MetricStat(msgspec.Struct, frozen=True, rename="pascal"):
    metric: Metric
    period: int
    stat: str
    unit: str | None = None


class Query(msgspec.Struct, frozen=True, rename="pascal"):
    id: str
    metric_stat: MetricStat | None = None
    expression: str | None = None
    label: str | None = None
    return_data: bool = True
    period: int | None = None
    account_id: str | None = None


class GetMetricData(msgspec.Struct, frozen=True, rename="pascal"):
    metric_data_queries: list[Query]
    start_time: datetime
    end_time: datetime
    next_token: str | None = None
    scan_by: str = "TimestampDescending"
    max_datapoints: int = DATAPOINTS_MAX


def get_metric_data(request: GetMetricData, work: Work) -> dict[str, Any]:
    """The values of each query, newest first unless asked otherwise; periods count from the epoch.

    A page ends between two queries; the token leads on.

    Raises:
        ValidationException: the span is empty, ids are used twice, or there are too many queries.
        NotImplementedHere: metric math, percentiles, other accounts.
        InvalidNextToken: the token is none of ours.
    """
    _check(request)
    first = 0
    if request.next_token is not None:
        place = place_of(request.next_token)
        if len(place) != 1 or not isinstance(place[0], int) or not 0 < place[0] < len(request.metric_data_queries):
            raise InvalidNextToken
        first = place[0]
    budget = max(1, min(request.max_datapoints, _PAGE_DATAPOINTS))
    results: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    count = 0
    for number, query in enumerate(request.metric_data_queries[first:], first):
        if count >= budget:
            return {**answer, "NextToken": token_of([number])}
        if query.return_data:
            results.append(_result(query, request, work))
            count += max(1, len(results[-1]["Values"]))
    return answer


def _check(request: GetMetricData) -> None:
    queries = request.metric_data_queries
    if request.start_time >= request.end_time:
        raise ValidationException("The parameter StartTime must be less than the parameter EndTime.")
    if len(queries) > QUERIES_MAX:
        raise ValidationException(f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.")
    ids = [query.id for query in queries]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise ValidationException(f"The id '{twice}' is used by more than one query.")
    for query in queries:
        if not (query.id[:1].islower() and query.id.isascii() and query.id.replace("_", "a").isalnum()):
            raise ValidationException(
                f"The value {query.id} for parameter MetricDataQueries.member.{ids.index(query.id) + 1}.Id is not matching "
                "the expected pattern ^[a-z][a-zA-Z0-9_]*$."
            )
        if query.expression is not None:
            raise NotImplementedHere(f"metric math (Expression: {query.expression})")
        if query.account_id is not None:
            raise NotImplementedHere("metrics of other accounts (AccountId)")
        if query.metric_stat is None:
            raise ValidationException(f"Either Expression or MetricStat must be specified for the query '{query.id}'.")


def _result(query: Query, request: GetMetricData, work: Work) -> dict[str, Any]:
    stat = query.metric_stat
    assert stat is not None, query
    if stat.stat not in STATISTICS:
        raise NotImplementedHere(f"the statistic {stat.stat}")
    period = period_of(stat.period)
    dimensions = sorted_dimensions(stat.metric.dimensions)
    series = series_of(stat.metric.namespace, stat.metric.metric_name, dimensions, stat.unit, work)
    since = aligned(whole_minute(request.start_time), period)
    found = periods(series, since, request.end_time, period, work, origin=None)
    order = sorted(found, reverse=request.scan_by == "TimestampDescending")
    return {
        "Id": query.id,
        "Label": query.label or stat.metric.metric_name,
        "Timestamps": order,
        "Values": [found[at].value(stat.stat) for at in order],
        "StatusCode": "Complete",
    }
