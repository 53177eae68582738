"""Metrics that programs send.

Points are added to those that their minute has. They are rows of their own (a node number that no node has), so that what
this process remembers of the series that it counts itself stays true.

Source: CloudWatch API Reference, PutMetricData and MetricDatum.
"""

import math
from datetime import datetime, timedelta

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.core.metrics.spread import Spread, joined
from interstate.services.cloudwatch import upkeep
from interstate.services.cloudwatch.errors import (
    InvalidParameterCombinationException,
    InvalidParameterValueException,
    MissingRequiredParameterException,
)
from interstate.services.cloudwatch.requests import Dimension, sorted_dimensions, whole_minute
from interstate.store.ports import Work
from interstate.store.records.metrics import POINTS, SERIES, Metric, Point, Series, series_id


def _sent_to(node: int) -> int:
    """Whose points are those that were sent to a node: its alone, and apart from those that it counts itself."""
    return -1 - node


DATA_MAX = 1_000
VALUES_MAX = 150
_MAGNITUDE_MAX = 2.0**360
_JAVA = {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}
_PAST = timedelta(days=14)
_FUTURE = timedelta(hours=2)


class StatisticSet(msgspec.Struct, frozen=True, rename="pascal"):
    sample_count: float
    sum: float
    minimum: float
    maximum: float


class Datum(msgspec.Struct, frozen=True, rename="pascal"):
    metric_name: str
    dimensions: list[Dimension] = []
    timestamp: datetime | None = None
    value: float | None = None
    statistic_values: StatisticSet | None = None
    values: list[float] | None = None
    counts: list[float] | None = None
    unit: str = "None"
    storage_resolution: int = 60


class PutMetricData(msgspec.Struct, frozen=True, rename="pascal"):
    namespace: str
    metric_data: list[Datum] = []
    entity_metric_data: list[dict[str, object]] = []


def put_metric_data(request: PutMetricData, work: Work) -> None:
    """Keep points; all of them or none.

    Raises:
        InvalidParameterValueException: a value, instant, dimension or the namespace is none that CloudWatch takes.
        InvalidParameterCombinationException: a datum has two forms of values.
        MissingRequiredParameterException: a datum has no values, or there is none.
    """
    if request.entity_metric_data:
        raise NotImplementedHere("EntityMetricData")
    if request.namespace.startswith("AWS/"):
        raise InvalidParameterValueException.of("Namespace", request.namespace)
    if not request.metric_data:
        raise MissingRequiredParameterException("The parameter MetricData is required.")
    if len(request.metric_data) > DATA_MAX:
        raise InvalidParameterValueException(f"The collection MetricData must not have a size greater than {DATA_MAX}.")
    for number, datum in enumerate(request.metric_data, 1):
        _put(request.namespace, datum, f"MetricData.member.{number}", work)


def _put(namespace: str, datum: Datum, place: str, work: Work) -> None:
    statistics = _statistics(datum, place)
    minute = whole_minute(_instant(datum, place, work))
    caller = work.caller
    names = [dimension.name for dimension in datum.dimensions]
    if len(set(names)) < len(names):
        raise InvalidParameterValueException(f"The parameter {place}.Dimensions must not have a dimension twice.")
    metric = Metric(
        caller.account, caller.region, namespace, datum.metric_name, sorted_dimensions(datum.dimensions), datum.unit
    )
    number = series_id(metric)
    if work.get(SERIES, number, work.node) is None:
        series = Series(
            number,
            metric.account,
            metric.region,
            metric.namespace,
            metric.name,
            metric.dimensions,
            metric.unit,
            work.node,
        )
        work.put(SERIES, series)
        upkeep.plan(work)
    before = work.get(POINTS, number, minute, _sent_to(work.node))
    spread = joined([] if before is None else before.spread, _spread(datum))
    work.put(POINTS, msgspec.structs.replace(_joined(number, minute, before, statistics, work), spread=spread))


def _spread(datum: Datum) -> Spread:
    """The values, as far as they are known: of a statistic set they are when all are the same."""
    if datum.value is not None:
        return [(datum.value, 1.0)]
    given = datum.statistic_values
    if given is not None:
        same = given.minimum == given.maximum or given.sample_count == 1
        return [(given.minimum, given.sample_count)] if same else []
    values = datum.values or []
    return list(zip(values, datum.counts or [1.0] * len(values), strict=True))


def _joined(series: int, minute: datetime, before: Point | None, added: StatisticSet, work: Work) -> Point:
    samples, total, low, high = added.sample_count, added.sum, added.minimum, added.maximum
    if before is not None:
        samples, total = samples + before.samples, total + before.total
        low, high = min(low, before.low), max(high, before.high)
    return Point(series, minute, _sent_to(work.node), samples, total, low, high)


def _instant(datum: Datum, place: str, work: Work) -> datetime:
    at = datum.timestamp or work.now
    if at > work.now + _FUTURE:
        raise InvalidParameterValueException(
            f"The parameter {place}.Timestamp must specify a time no more than two hours in the future."
        )
    if at < work.now - _PAST:
        raise InvalidParameterValueException(
            f"The parameter {place}.Timestamp must specify a time within the past two weeks."
        )
    return at


def _statistics(datum: Datum, place: str) -> StatisticSet:
    """A datum's values as a set."""
    forms = {"Value": datum.value, "StatisticValues": datum.statistic_values, "Values": datum.values}
    given = [name for name, value in forms.items() if value is not None]
    if not given:
        names = ", ".join(f"{place}.{name}" for name in forms)
        raise MissingRequiredParameterException(f"At least one of the parameters {names} must be specified.")
    if len(given) > 1:
        first, second = given[:2]
        raise InvalidParameterCombinationException(
            f"The parameters {place}.{first} and {place}.{second} are mutually exclusive and you have specified both."
        )
    if datum.statistic_values is not None:
        return _checked(datum.statistic_values, f"{place}.StatisticValues")
    if datum.value is not None:
        _check(datum.value, f"{place}.Value")
        return StatisticSet(1.0, datum.value, datum.value, datum.value)
    return _of_values(datum.values or [], datum.counts, place)


def _of_values(values: list[float], counts: list[float] | None, place: str) -> StatisticSet:
    if len(values) > VALUES_MAX:
        raise InvalidParameterValueException(
            f"The collection {place}.Values must not have a size greater than {VALUES_MAX}."
        )
    weights = [1.0] * len(values) if counts is None else counts
    if len(weights) != len(values) or not values:
        raise InvalidParameterValueException(
            f"The parameters {place}.Values and {place}.Counts must be of the same size."
        )
    for number, (value, weight) in enumerate(zip(values, weights, strict=True), 1):
        _check(value, f"{place}.Values.member.{number}")
        _check(weight, f"{place}.Counts.member.{number}")
    total = sum(value * weight for value, weight in zip(values, weights, strict=True))
    return StatisticSet(sum(weights), total, min(values), max(values))


def _checked(given: StatisticSet, place: str) -> StatisticSet:
    for name, value in msgspec.structs.asdict(given).items():
        _check(value, f"{place}.{name}")
    if given.sample_count <= 0:
        raise InvalidParameterValueException.of(f"{place}.SampleCount", given.sample_count)
    if given.minimum > given.maximum:
        raise InvalidParameterCombinationException(
            f"The parameter {place}.Maximum must not be less than {place}.Minimum."
        )
    return given


def _check(value: float, place: str) -> None:
    if not math.isfinite(value) or abs(value) > _MAGNITUDE_MAX:
        raise InvalidParameterValueException.of(place, _JAVA.get(str(value), value))
