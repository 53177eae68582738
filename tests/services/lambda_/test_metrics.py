"""What a call counts in CloudWatch. Source: https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html"""

from datetime import timedelta
from typing import Any

from tests.services.lambda_.conftest import Cloud

from interstate.base.json import dumps
from interstate.services.cloudwatch import SERVICE as CLOUDWATCH
from interstate.store.records.lambda_ import Invocation, InvocationResult, LogLine
from interstate.store.records.metrics import SERIES, Series
from interstate.store.tables import Select

ALL = Select(SERIES, "id > :after OR id <= :after", "id")


def counted(cloud: Cloud) -> set[tuple[str, bool]]:
    """The metrics of AWS/Lambda, and whether they are of one function."""
    found: list[Series] = cloud.world.run(lambda work: work.select(ALL, limit=100, after=0))
    return {(one.name, bool(one.dimensions)) for one in found if one.namespace == "AWS/Lambda"}


def test_a_call_is_counted_for_its_function_and_over_all() -> None:
    cloud = Cloud()
    cloud.create("Pay", lambda event: event)
    cloud.call("Invoke", FunctionName="Pay")
    assert counted(cloud) == {("Invocations", True), ("Invocations", False), ("Errors", True), ("Duration", True)}


def test_errors_throttles_and_events_are_counted() -> None:
    cloud = Cloud()

    def refuse(_event: Any) -> Any:
        raise InterruptedError("TooManyRequestsException")

    cloud.create("Full", refuse)
    cloud.create("Bad", lambda _event: 1 // 0)
    cloud.call("Invoke", FunctionName="Full", InvocationType="Event")
    cloud.call("Invoke", FunctionName="Bad")
    cloud.world.run_due()
    names = {name for name, _ in counted(cloud)}
    assert {"AsyncEventsReceived", "Throttles", "Errors"} <= names


def test_what_a_function_prints_in_the_embedded_format_is_a_metric() -> None:
    # Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format.html
    cloud = Cloud(CLOUDWATCH)
    cloud.create("Pay")
    directive = {"Namespace": "Orders", "Dimensions": [["outcome"]], "Metrics": [{"Name": "Ended", "Unit": "Count"}]}
    good = {"_aws": {"Timestamp": 1, "CloudWatchMetrics": [directive]}, "outcome": "SHIPPED", "Ended": [1, 3]}
    bad = {**good, "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{**directive, "Namespace": "AWS/Lambda"}]}}

    def prints(_key: str, _body: Invocation) -> InvocationResult:
        log = [LogLine(cloud.world.now, dumps(line) + "\n") for line in (good, bad)]
        return InvocationResult("null", log=log, log_stream="s")

    cloud.world.performers["lambda.invoke"] = prints
    cloud.call("Invoke", FunctionName="Pay")
    listed = cloud.world.call("cloudwatch", "ListMetrics", {"Namespace": "Orders"})["Metrics"]
    dimensions = [{"Name": "outcome", "Value": "SHIPPED"}]
    assert listed == [{"Namespace": "Orders", "MetricName": "Ended", "Dimensions": dimensions}]
    span = {"StartTime": cloud.world.now, "EndTime": cloud.world.now + timedelta(minutes=1), "Period": 60}
    request = {"Namespace": "Orders", "MetricName": "Ended", "Dimensions": dimensions, "Statistics": ["Sum"], **span}
    (point,) = cloud.world.call("cloudwatch", "GetMetricStatistics", request)["Datapoints"]
    assert point["Sum"] == 4.0
    assert ("Ended", True) not in counted(cloud), "no namespace of AWS's own"
    assert len(cloud.world.call("logs", "FilterLogEvents", {"logGroupName": "/aws/lambda/Pay"})["events"]) == 2
