"""GetMetricData: statistics of many metrics in one call.

Source: CloudWatch API Reference, GetMetricData, MetricDataQuery, MetricDataResult.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.core.metrics.expressions import Series
from interstate.services.cloudwatch.errors import InvalidNextToken, ValidationError
from interstate.services.cloudwatch.queries import Computed, Query, check_queries
from interstate.services.cloudwatch.requests import place_of, token_of
from interstate.store.ports import Work

DATAPOINTS_MAX = 100_800
_PAGE_DATAPOINTS = 10_000
"""Datapoints after which a page ends when there are more queries: big reads are many small ones."""


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
        ValidationError: the span is empty, ids are used twice, an expression cannot be computed, or there are too many queries.
        NotImplementedHere: functions of metric math that are not here, other accounts.
        InvalidNextToken: the token is none of ours.
    """
    queries = request.metric_data_queries
    if request.start_time >= request.end_time:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    check_queries(queries)
    first = 0
    if request.next_token is not None:
        place = place_of(request.next_token)
        if len(place) != 1 or not isinstance(place[0], int) or not 0 < place[0] < len(queries):
            raise InvalidNextToken
        first = place[0]
    budget = max(1, min(request.max_datapoints, _PAGE_DATAPOINTS))
    results: list[dict[str, Any]] = []
    answer: dict[str, Any] = {"MetricDataResults": results, "Messages": []}
    count = 0
    computed = Computed(queries, request.start_time, request.end_time, work)
    for number, query in enumerate(queries[first:], first):
        if count >= budget:
            return {**answer, "NextToken": token_of([number])}
        if query.return_data:
            for label, values in computed.shown(query):
                results.append(_result(query.id, label, values, descending=request.scan_by == "TimestampDescending"))
                count += max(1, len(values))
    return answer


def _result(query_id: str, label: str, values: Series, *, descending: bool) -> dict[str, Any]:
    order = sorted(values, reverse=descending)
    return {
        "Id": query_id,
        "Label": label,
        "Timestamps": order,
        "Values": [values[at] for at in order],
        "StatusCode": "Complete",
    }
