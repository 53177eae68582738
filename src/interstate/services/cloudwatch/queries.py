"""Queries of metrics and expressions over them: what GetMetricData answers and alarms watch.

Source: CloudWatch API Reference, MetricDataQuery, MetricStat;
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

import math
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere
from interstate.core.metrics.expressions import (
    Environment,
    NotBuilt,
    Series,
    Value,
    evaluate,
    words,
)
from interstate.core.metrics.syntax import ExpressionError, names_in, uses_all_metrics
from interstate.services.cloudwatch.errors import ValidationError
from interstate.services.cloudwatch.points import STATISTICS, extended_of, series_of, values_of
from interstate.services.cloudwatch.requests import Dimension, aligned, period_of, sorted_dimensions, whole_minute
from interstate.store.ports import Work

QUERIES_MAX = 500
_INSTANTS_MAX = 100_800
_MINUTE_S = 60


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


def check_queries(queries: Sequence[Query]) -> None:
    """Refuse queries that cannot be.

    Raises:
        ValidationError: too many, an id is used twice or is none, a query is neither metric nor expression, or an expression
            is none or names what is not there.
        NotImplementedHere: metrics of other accounts.
    """
    if len(queries) > QUERIES_MAX:
        raise ValidationError(f"The collection MetricDataQueries must not have a size greater than {QUERIES_MAX}.")
    ids = [query.id for query in queries]
    if len(set(ids)) < len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise ValidationError(f"The id '{twice}' is used by more than one query.")
    for number, query in enumerate(queries, 1):
        _check(query, number, ids)


def _check(query: Query, number: int, ids: Sequence[str]) -> None:
    if not (query.id[:1].islower() and query.id.isascii() and query.id.replace("_", "a").isalnum()):
        raise ValidationError(
            f"The value {query.id} for parameter MetricDataQueries.member.{number}.Id is not matching "
            "the expected pattern ^[a-z][a-zA-Z0-9_]*$."
        )
    if query.account_id is not None:
        raise NotImplementedHere("metrics of other accounts (AccountId)")
    if (query.metric_stat is None) == (query.expression is None):
        raise ValidationError(f"Either Expression or MetricStat must be specified for the query '{query.id}'.")
    if query.metric_stat is not None:
        period_of(query.metric_stat.period)
        if query.metric_stat.stat not in STATISTICS:
            extended_of(query.metric_stat.stat)
        return
    assert query.expression is not None, query
    if query.expression.lstrip().upper().startswith("SELECT "):
        raise NotImplementedHere("Metrics Insights queries")
    try:
        unknown = names_in(query.expression) - set(ids) - words().keys()
    except ExpressionError as error:
        raise _fault(query, str(error)) from error
    if unknown:
        raise _fault(query, f"Unknown identifier {min(unknown)}")


def _fault(query: Query, reason: str) -> ValidationError:
    return ValidationError(f"Error in expression '{query.id}': {reason}")


class Computed:
    """The values of queries over one span, each computed once, when somebody asks."""

    def __init__(
        self, queries: Sequence[Query], since: datetime, until: datetime, work: Work, *, place: Caller | None = None
    ) -> None:
        self._place = place
        self._queries = {query.id: query for query in queries}
        self._since, self._until, self._work = since, until, work
        self._values: dict[str, Value] = {}
        self._under_way: set[str] = set()

    def shown(self, query: Query) -> list[tuple[str, Series]]:
        """The series of a query with their labels; an expression over several series has several.

        Raises:
            ValidationError: the expression gives no series, or needs itself.
            NotImplementedHere: it needs what is not here.
        """
        value = self._value(query.id)
        label = query.label or _label(query)
        if isinstance(value, dict):
            return [(label, _finite(value))]
        if isinstance(value, list):
            return [(label, _finite(one)) for one in value]
        raise _fault(query, "The expression must return a time series, not a single value")

    def _value(self, query_id: str) -> Value:
        if query_id in self._values:
            return self._values[query_id]
        query = self._queries[query_id]
        if query_id in self._under_way:
            raise _fault(query, "It needs its own result")
        self._under_way.add(query_id)
        value = self._metric(query) if query.metric_stat is not None else self._expression(query)
        self._under_way.discard(query_id)
        self._values[query_id] = value
        return value

    def _metric(self, query: Query) -> Series:
        stat = query.metric_stat
        assert stat is not None, query
        period = period_of(stat.period)
        dimensions = sorted_dimensions(stat.metric.dimensions)
        series = series_of(
            stat.metric.namespace, stat.metric.metric_name, dimensions, stat.unit, self._work, self._place
        )
        since = aligned(whole_minute(self._since), period)
        return values_of(series, stat.stat, since, self._until, period, self._work)

    def _expression(self, query: Query) -> Value:
        text = query.expression or ""
        metrics = [one.id for one in self._queries.values() if one.metric_stat is not None]
        needed = (names_in(text) | set(metrics if uses_all_metrics(text) else ())) - words().keys()
        values: dict[str, Value] = {**words(), **{name: self._value(name) for name in needed}}
        period = self._period(needed, query)
        environment = Environment(values, metrics, period, self._instants(period, query))
        try:
            return evaluate(text, environment)
        except ExpressionError as error:
            raise _fault(query, str(error)) from error
        except NotBuilt as error:
            raise NotImplementedHere(str(error)) from error

    def _period(self, needed: set[str], query: Query) -> timedelta:
        """The longest period of what an expression reads."""
        found = [query.period or 0]
        for name in needed:
            one = self._queries[name]
            if one.metric_stat is not None:
                found.append(one.metric_stat.period)
            elif one.expression is not None:
                more = names_in(one.expression) - words().keys()
                found.append(int(self._period(more, one).total_seconds()))
        return timedelta(seconds=max(found) or _MINUTE_S)

    def _instants(self, period: timedelta, query: Query) -> list[datetime]:
        first = aligned(whole_minute(self._since), period)
        count = -(-(self._until - first) // period)
        if count > _INSTANTS_MAX:
            raise _fault(query, "The time range has too many periods")
        return [first + period * number for number in range(count)]


def _finite(values: Series) -> Series:
    return {at: value for at, value in values.items() if math.isfinite(value)}


def _label(query: Query) -> str:
    return query.id if query.metric_stat is None else query.metric_stat.metric.metric_name
