"""Metrics are put, listed and read back.

Source: CloudWatch API Reference, PutMetricData, GetMetricStatistics, GetMetricData, ListMetrics.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.testing import START, World
from interstate.services.cloudwatch import SERVICE
from interstate.services.cloudwatch.points import UNITS
from interstate.store.records.due import DUE, NEXT
from interstate.store.records.metrics import OLD_POINTS
from interstate.wire.model import load

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def world() -> Iterator[World]:
    world = World([SERVICE])
    yield world
    world.close()


def put(world: World, *data: dict[str, Any], namespace: str = "shop") -> None:
    world.call("cloudwatch", "PutMetricData", {"Namespace": namespace, "MetricData": list(data)})


def statistics(world: World, name: str = "orders", period: int = 60, **more: Any) -> list[dict[str, Any]]:
    request = {
        "Namespace": "shop",
        "MetricName": name,
        "StartTime": START - HOUR,
        "EndTime": START + HOUR,
        "Period": period,
        "Statistics": ["SampleCount", "Sum", "Average", "Minimum", "Maximum"],
        **more,
    }
    found: list[dict[str, Any]] = world.call("cloudwatch", "GetMetricStatistics", request)["Datapoints"]
    return found


def test_every_form_of_values_counts(world: World) -> None:
    put(world, {"MetricName": "orders", "Value": 2.0, "Unit": "Count"})
    put(world, {"MetricName": "orders", "Values": [1.0, 10.0], "Counts": [3.0, 1.0], "Unit": "Count"})
    put(
        world,
        {
            "MetricName": "orders",
            "StatisticValues": {"SampleCount": 2.0, "Sum": 9.0, "Minimum": 0.5, "Maximum": 8.5},
            "Unit": "Count",
        },
    )
    assert statistics(world) == [
        {
            "Timestamp": START,
            "SampleCount": 7.0,
            "Sum": 24.0,
            "Average": 24 / 7,
            "Minimum": 0.5,
            "Maximum": 10.0,
            "Unit": "Count",
        }
    ]


def test_periods_count_from_the_start_rounded_to_the_minute(world: World) -> None:
    for minutes in (0, 1, 4, 5, 59):
        put(world, {"MetricName": "orders", "Value": 1.0, "Timestamp": START - HOUR + minutes * MINUTE})
    found = statistics(world, period=300, StartTime=START - HOUR + timedelta(seconds=30), EndTime=START)
    assert [(point["Timestamp"] - START + HOUR, point["Sum"]) for point in found] == [
        (0 * MINUTE, 3.0),
        (5 * MINUTE, 1.0),
        (55 * MINUTE, 1.0),
    ]


def test_units_and_dimensions_are_series_of_their_own(world: World) -> None:
    dimensions = [{"Name": "b", "Value": "2"}, {"Name": "a", "Value": "1"}]
    put(world, {"MetricName": "orders", "Value": 1.0}, {"MetricName": "orders", "Value": 2.0, "Unit": "Count"})
    put(world, {"MetricName": "orders", "Value": 4.0, "Dimensions": dimensions})
    assert [(point["Unit"], point["Sum"]) for point in statistics(world)] == [("Count", 2.0), ("None", 1.0)]
    assert [point["Sum"] for point in statistics(world, Unit="Count")] == [2.0]
    assert [point["Sum"] for point in statistics(world, Dimensions=dimensions[::-1])] == [4.0]
    assert statistics(world, Dimensions=dimensions[:1]) == []


def test_the_units_are_the_models(tmp_path: Any) -> None:
    assert set(UNITS) == set(load(tmp_path).service("cloudwatch").shapes["StandardUnit"].enum)


def test_what_services_measured_is_read_beside_it(world: World) -> None:
    world.run(lambda work: work.measure("AWS/Events", "Invocations", (("RuleName", "r"),), 3))
    request = {
        "MetricDataQueries": [
            {
                "Id": "q",
                "MetricStat": {
                    "Metric": {
                        "Namespace": "AWS/Events",
                        "MetricName": "Invocations",
                        "Dimensions": [{"Name": "RuleName", "Value": "r"}],
                    },
                    "Period": 60,
                    "Stat": "Sum",
                },
            }
        ],
        "StartTime": START - HOUR,
        "EndTime": START + HOUR,
    }
    [result] = world.call("cloudwatch", "GetMetricData", request)["MetricDataResults"]
    assert result == {
        "Id": "q",
        "Label": "Invocations",
        "Timestamps": [START],
        "Values": [3.0],
        "StatusCode": "Complete",
    }


def query(number: int, **stat: Any) -> dict[str, Any]:
    metric = {"Namespace": "shop", "MetricName": "orders"}
    return {"Id": f"q{number}", "MetricStat": {"Metric": metric, "Period": 300, "Stat": "Sum", **stat}}


def test_data_are_in_aligned_periods_newest_first_and_paged_between_queries(world: World) -> None:
    for minutes in (3, 4, 7):
        put(world, {"MetricName": "orders", "Value": 1.0, "Timestamp": START + minutes * MINUTE})
    request: dict[str, Any] = {
        "MetricDataQueries": [query(1), query(2, Stat="Average")],
        "StartTime": START + 3 * MINUTE,
        "EndTime": START + HOUR,
        "MaxDatapoints": 2,
    }
    first = world.call("cloudwatch", "GetMetricData", request)
    assert [(one["Id"], one["Timestamps"], one["Values"]) for one in first["MetricDataResults"]] == [
        ("q1", [START + 5 * MINUTE, START], [1.0, 2.0])
    ]
    second = world.call(
        "cloudwatch",
        "GetMetricData",
        {**request, "NextToken": first["NextToken"], "ScanBy": "TimestampAscending"},
    )
    assert [(one["Id"], one["Values"]) for one in second["MetricDataResults"]] == [("q2", [1.0, 1.0])]
    assert "NextToken" not in second


def test_lists_are_filtered_and_paged(world: World) -> None:
    for number in range(0, 600, 100):
        put(world, *({"MetricName": f"m{number + one:03}", "Value": 1.0} for one in range(100)))
    put(world, {"MetricName": "m000", "Value": 1.0, "Dimensions": [{"Name": "a", "Value": "1"}]})
    put(world, {"MetricName": "m000", "Value": 1.0, "Unit": "Count"})
    put(world, {"MetricName": "other", "Value": 1.0}, namespace="warehouse")

    def listed(**request: Any) -> list[tuple[str, str, list[Any]]]:
        found, token = [], None
        while True:
            page = world.call("cloudwatch", "ListMetrics", {**request, **({"NextToken": token} if token else {})})
            found += [(one["Namespace"], one["MetricName"], one["Dimensions"]) for one in page["Metrics"]]
            token = page.get("NextToken")
            if token is None:
                return found

    assert len(listed(Namespace="shop")) == 601
    assert len(listed()) == 602
    assert listed(Namespace="warehouse") == [("warehouse", "other", [])]
    assert len(listed(Namespace="shop", MetricName="m000")) == 2
    dimension = [{"Name": "a", "Value": "1"}]
    assert listed(Dimensions=[{"Name": "a"}]) == [("shop", "m000", dimension)]
    assert listed(Dimensions=[{"Name": "a", "Value": "2"}]) == []
    world.now = START + 4 * HOUR
    assert listed(RecentlyActive="PT3H") == []
    assert world.call("cloudwatch", "ListMetrics", {}, caller=Caller("111111111111")) == {"Metrics": []}


ONE: dict[str, Any] = {"MetricName": "m", "Value": 1.0}
SET = {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 1.0, "Maximum": 1.0}
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"Namespace": "AWS/EC2", "MetricData": [ONE]}, "InvalidParameterValueException", "AWS/EC2 for parameter Namespace"),
    ({"Namespace": "n"}, "MissingRequiredParameterException", "MetricData is required"),
    ({"MetricData": [{"MetricName": "m"}]}, "MissingRequiredParameterException", "MetricData.member.1.Value"),
    ({"MetricData": [ONE | {"StatisticValues": SET}]}, "InvalidParameterCombinationException", "mutually exclusive"),
    ({"MetricData": [ONE | {"Value": float("nan")}]}, "InvalidParameterValueException", "MetricData.member.1.Value"),
    ({"MetricData": [ONE | {"Value": 2.0**361}]}, "InvalidParameterValueException", "is invalid"),
    ({"MetricData": [ONE, ONE | {"Timestamp": START + 3 * HOUR}]}, "InvalidParameterValueException", "member.2.Timestamp"),
    ({"MetricData": [ONE | {"Timestamp": START - 400 * HOUR}]}, "InvalidParameterValueException", "past two weeks"),
    ({"MetricData": [{"MetricName": "m", "Values": [1.0], "Counts": []}]}, "InvalidParameterValueException", "same size"),
    ({"MetricData": [{"MetricName": "m", "Values": [1.0] * 151}]}, "InvalidParameterValueException", "150"),
    ({"MetricData": [ONE] * 1001}, "InvalidParameterValueException", "1000"),
    (
        {"MetricData": [ONE | {"Dimensions": [{"Name": "a", "Value": "1"}] * 2}]},
        "InvalidParameterValueException",
        "twice",
    ),
    (
        {"MetricData": [{"MetricName": "m", "StatisticValues": SET | {"SampleCount": 0.0}}]},
        "InvalidParameterValueException",
        "SampleCount",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "code", "words"), REFUSED, ids=[row[2] for row in REFUSED])
def test_what_cannot_be_a_point_is_refused_whole(world: World, request_: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ServiceError, match=words) as refused:
        world.call("cloudwatch", "PutMetricData", {"Namespace": "n", **request_})
    assert refused.value.code == code
    assert world.call("cloudwatch", "ListMetrics", {}) == {"Metrics": []}


READS: list[tuple[dict[str, Any], str, str]] = [
    ({"Statistics": []}, "MissingRequiredParameterException", "Must specify either"),
    ({"ExtendedStatistics": ["p99"]}, "InvalidParameterCombinationException", "both Statistics and ExtendedStatistics"),
    ({"Statistics": [], "ExtendedStatistics": ["q99"]}, "InvalidParameterValueException", "q99"),
    ({"Period": 90}, "InvalidParameterValueException", "The value 90 for parameter Period"),
    ({"Period": 10}, "NotImplemented", "period of 10 s"),
    ({"EndTime": START - 2 * HOUR}, "InvalidParameterValueException", "StartTime must be less"),
    ({"EndTime": START + 24 * HOUR}, "InvalidParameterCombinationException", "requested up to 1,500 datapoints"),
]


@pytest.mark.parametrize(("more", "code", "words"), READS, ids=[row[2] for row in READS])
def test_statistics_that_cannot_be_read_are_refused(world: World, more: dict[str, Any], code: str, words: str) -> None:
    with pytest.raises(ServiceError, match=words) as refused:
        statistics(world, **more)
    assert refused.value.code == code


MATH: list[tuple[str, str, str]] = [
    ("SUM(METRICS()", "ValidationError", "Error in expression 'q'"),
    ("m9 * 2", "ValidationError", "Unknown identifier m9"),
    ("q + 1", "ValidationError", "needs its own result"),
    ("SUM([1, 2]", "ValidationError", "Error in expression"),
    ("1 + 2", "ValidationError", "must return a time series"),
    ("SEARCH('x', 'Sum', 60)", "NotImplemented", "SEARCH"),
    ("SELECT AVG(x) FROM y", "NotImplemented", "Metrics Insights"),
]
QUERIES: list[tuple[list[dict[str, Any]], str, str]] = [
    *(([{"Id": "q", "Expression": text}], code, words) for text, code, words in MATH),
    ([{"Id": "q"}], "ValidationError", "Either Expression or MetricStat"),
    ([query(1), query(1)], "ValidationError", "more than one query"),
    ([query(1) | {"Id": "Q"}], "ValidationError", "expected pattern"),
    ([query(1, Stat="q50")], "InvalidParameterValueException", "q50"),
    ([query(number) for number in range(501)], "ValidationError", "500"),
]


@pytest.mark.parametrize(("queries", "code", "words"), QUERIES, ids=[row[2] for row in QUERIES])
def test_data_that_cannot_be_read_are_refused(
    world: World, queries: list[dict[str, Any]], code: str, words: str
) -> None:
    span = {"StartTime": START, "EndTime": START + HOUR}
    with pytest.raises(ServiceError, match=words) as refused:
        world.call("cloudwatch", "GetMetricData", {"MetricDataQueries": queries, **span})
    assert refused.value.code == code


@pytest.mark.parametrize("token", ["nonsense", "WzFd", "WyJhIl0="])
def test_foreign_tokens_are_refused(world: World, token: str) -> None:
    for operation, request in (
        ("ListMetrics", {}),
        ("GetMetricData", {"MetricDataQueries": [query(1)], "StartTime": START, "EndTime": START + HOUR}),
    ):
        with pytest.raises(ServiceError) as refused:
            world.call("cloudwatch", operation, {**request, "NextToken": token})
        assert refused.value.code == "InvalidNextToken"


def test_points_are_forgotten_after_15_days_and_the_sweep_is_planned_once(world: World) -> None:
    for _ in range(3):
        put(world, {"MetricName": "orders", "Value": 1.0})
        world.run(lambda work: work.measure("AWS/Events", "Invocations"))
    rows = world.run(lambda work: work.select(NEXT, limit=10, lane=world.store.lane_base))
    assert [(row.kind, row.pulls, row.due_at) for row in rows] == [("cloudwatch.sweep", False, START + HOUR)]

    def kept() -> int:
        return len(world.run(lambda work: work.select(OLD_POINTS, limit=10, before=START + 999 * HOUR)))

    def sweep(at: timedelta) -> None:
        world.now = START + at
        world.run_due()

    sweep(timedelta(days=15))
    assert kept() == 2
    sweep(timedelta(days=15, hours=2))
    assert kept() == 0
    assert (
        world.run(lambda work: work.get(DUE, work.select(NEXT, limit=1, lane=world.store.lane_base)[0].id)) is not None
    )


def test_percentiles_come_from_the_values_that_were_sent(world: World) -> None:
    put(world, *({"MetricName": "orders", "Value": float(value)} for value in range(1, 101)))
    [point] = statistics(world, Statistics=[], ExtendedStatistics=["p50", "p99", "tm90"])
    assert point["ExtendedStatistics"] == pytest.approx({"p50": 50.5, "p99": 99.01, "tm90": 45.5})
    assert point["Unit"] == "None"
    put(world, {"MetricName": "orders", "StatisticValues": {"SampleCount": 2, "Sum": 3, "Minimum": 1, "Maximum": 2}})
    assert statistics(world, Statistics=[], ExtendedStatistics=["p50"]) == []  # What is not known one by one has none.


def test_percentiles_of_times_that_services_counted(world: World) -> None:
    def count(work: Any) -> None:
        for value in range(1, 1_001):
            work.measure("shop", "Latency", (), float(value), "Milliseconds")
            work.measure("shop", "Calls", ())

    world.run(count)
    world.run(count)
    [point] = statistics(world, "Latency", Statistics=[], ExtendedStatistics=["p50", "p99"])
    assert point["ExtendedStatistics"]["p50"] == pytest.approx(500, rel=0.02)
    assert point["ExtendedStatistics"]["p99"] == pytest.approx(990, rel=0.02)
    [point] = statistics(world, "Calls", Statistics=[], ExtendedStatistics=["p99"])
    assert point["ExtendedStatistics"] == {"p99": 1.0}


def test_expressions_are_computed_over_queries(world: World) -> None:
    for minute, value in enumerate((2.0, 4.0)):
        put(world, {"MetricName": "orders", "Value": value, "Timestamp": START + minute * MINUTE})
        put(world, {"MetricName": "errors", "Value": 1.0, "Timestamp": START + minute * MINUTE})

    def metric(name: str, query_id: str) -> dict[str, Any]:
        stat = {"Metric": {"Namespace": "shop", "MetricName": name}, "Period": 60, "Stat": "Sum"}
        return {"Id": query_id, "MetricStat": stat, "ReturnData": False}

    queries = [
        metric("orders", "all"),
        metric("errors", "bad"),
        {"Id": "rate", "Expression": "100 * bad / all", "Label": "errors in %"},
        {"Id": "half", "Expression": "rate / 2"},
        {"Id": "both", "Expression": "METRICS() * 1"},
    ]
    request = {
        "MetricDataQueries": queries,
        "StartTime": START,
        "EndTime": START + HOUR,
        "ScanBy": "TimestampAscending",
    }
    results = world.call("cloudwatch", "GetMetricData", request)["MetricDataResults"]
    assert [(one["Id"], one["Label"], one["Values"]) for one in results] == [
        ("rate", "errors in %", [50.0, 25.0]),
        ("half", "half", [25.0, 12.5]),
        ("both", "both", [2.0, 4.0]),
        ("both", "both", [1.0, 1.0]),
    ]
    assert results[0]["Timestamps"] == [START, START + MINUTE]
