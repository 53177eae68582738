"""Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html"""

import json
from typing import Any

import pytest

from interstate.core.functions.embedded_metrics import requests_of


def line(
    *, dimensions: Any = (("outcome",),), metrics: Any = ({"Name": "Ended", "Unit": "Count"},), **members: Any
) -> str:
    directive = {"Namespace": "Orders", "Dimensions": dimensions, "Metrics": metrics}
    head = {"Timestamp": 1, "CloudWatchMetrics": [directive]}
    return json.dumps({"_aws": head, "outcome": "SHIPPED", "Ended": 1, **members}) + "\n"


def datum(**changes: Any) -> dict[str, Any]:
    dimensions = [{"Name": "outcome", "Value": "SHIPPED"}]
    return {"MetricName": "Ended", "Dimensions": dimensions, "Values": [1.0], "Unit": "Count", **changes}


TOLD: list[tuple[str, list[dict[str, Any]]]] = [
    (line(), [datum()]),
    (line(Ended=[1, 2.5]), [datum(Values=[1.0, 2.5])]),
    (line(metrics=[{"Name": "Ended"}]), [datum(Unit="None")]),
    (line(dimensions=[[], ["outcome"]]), [datum(Dimensions=[]), datum()]),
    (line(dimensions=[["nothing"], ["outcome"]]), [datum()]),
]


@pytest.mark.parametrize(("text", "data"), TOLD, ids=range(len(TOLD)))
def test_a_line_tells_its_metrics_for_each_set_of_dimensions(text: str, data: list[dict[str, Any]]) -> None:
    assert list(requests_of(text)) == [{"Namespace": "Orders", "MetricData": data}]


UNTOLD = [
    'plain text with "_aws"', '{"_aws": ', '{"_aws": 1}', '{"_aws": {"CloudWatchMetrics": 1}}', '["_aws"]',
    '{"_aws": {"CloudWatchMetrics": [1, {"Namespace": 2}]}}', line(Ended="one"), line(Ended=True), line(Ended=[]),
    line(Ended=[1, "two"]), line(Ended=[1] * 101), line(dimensions=[["Ended"]]), line(dimensions=["outcome"]),
    line(dimensions=1), line(metrics=1), line(metrics=[1, {"Name": 2}, {"Name": "other"}]), line(dimensions=[["outcome"] * 31]),
]  # fmt: skip


@pytest.mark.parametrize("text", UNTOLD, ids=range(len(UNTOLD)))
def test_what_is_no_such_line_tells_nothing(text: str) -> None:
    assert list(requests_of(text)) == []
