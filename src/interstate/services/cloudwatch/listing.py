"""ListMetrics.

Source: CloudWatch API Reference, ListMetrics (500 a page, dimensions as filters, RecentlyActive).
"""

from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.cloudwatch.errors import InvalidNextToken
from interstate.services.cloudwatch.requests import DimensionFilter, place_of, token_of
from interstate.store.ports import Work
from interstate.store.records.metrics import (
    POINTS_OF_SERIES,
    SERIES_BY_NAME,
    SERIES_OF_ACCOUNT,
    SERIES_OF_NAMESPACE,
    Series,
)

PAGE = 500
_RECENT = timedelta(hours=3)
_LISTED = timedelta(days=14)  # Metrics without a point for two weeks are not listed.
_AHEAD = timedelta(hours=3)


class ListMetrics(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str | None = None
    metric_name: str | None = None
    dimensions: list[DimensionFilter] = []
    next_token: str | None = None
    recently_active: str | None = None
    include_linked_accounts: bool = False
    owning_account: str | None = None


def list_metrics(request: ListMetrics, work: Work) -> dict[str, Any]:
    """Metrics with their dimensions, by namespace and name. A page looks at 500 series, so it can have fewer.

    Raises:
        InvalidNextToken: the token is none of ours.
    """
    if request.include_linked_accounts or request.owning_account is not None:
        raise NotImplementedHere("metrics of linked accounts")
    page = _read(request, work)
    metrics: dict[tuple[Any, ...], dict[str, Any]] = {}
    for series in page:
        if _wanted(series, request) and _active(series, request, work):
            key = (series.namespace, series.name, series.dimensions)  # Several units are one metric.
            metrics[key] = {
                "Namespace": series.namespace,
                "MetricName": series.name,
                "Dimensions": [{"Name": name, "Value": value} for name, value in series.dimensions],
            }
    answer: dict[str, Any] = {"Metrics": list(metrics.values())}
    if len(page) == PAGE:
        last = page[-1]
        answer["NextToken"] = token_of([last.namespace, last.name, last.id])
    return answer


def _read(request: ListMetrics, work: Work) -> list[Series]:
    namespace, name, after = "", "", 0
    if request.next_token is not None:
        match place_of(request.next_token):
            case [str() as namespace, str() as name, int() as after]:
                pass
            case _:
                raise InvalidNextToken
    place = {"account": work.caller.account, "region": work.caller.region, "after": after}
    if request.namespace is None:
        return work.select(SERIES_OF_ACCOUNT, limit=PAGE, namespace=namespace, name=name, **place)
    if request.metric_name is None:
        return work.select(SERIES_OF_NAMESPACE, limit=PAGE, namespace=request.namespace, name=name, **place)
    return work.select(SERIES_BY_NAME, limit=PAGE, namespace=request.namespace, name=request.metric_name, **place)


def _wanted(series: Series, request: ListMetrics) -> bool:
    if request.metric_name is not None and series.name != request.metric_name:
        return False
    own = dict(series.dimensions)
    return all(one.name in own and (one.value is None or own[one.name] == one.value) for one in request.dimensions)


def _active(series: Series, request: ListMetrics, work: Work) -> bool:
    span = _LISTED if request.recently_active is None else _RECENT
    since, until = work.now - span, work.now + _AHEAD
    return bool(work.select(POINTS_OF_SERIES, limit=1, series=series.id, since=since, until=until))
