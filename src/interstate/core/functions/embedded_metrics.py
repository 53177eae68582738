"""Metrics that a function prints: lines of its log in the embedded metric format.

    {"_aws": {"Timestamp": 1795278114097, "CloudWatchMetrics": [{"Namespace": "Orders", "Dimensions": [["outcome"]],
     "Metrics": [{"Name": "OrdersEnded", "Unit": "Count"}]}]}, "OrdersEnded": 1, "outcome": "SHIPPED"}

What the specification calls invalid tells no metrics; the line stays in the log either way.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from collections.abc import Iterator
from typing import Any

from interstate.base.json import BrokenJSON, JSONObject, loads

METRICS_MAX = 100  # Of one directive.
VALUES_MAX = 100  # Of one metric.
DIMENSIONS_MAX = 30  # Of one set.
_MARK = '"_aws"'


def requests_of(line: str) -> Iterator[dict[str, Any]]:
    """The PutMetricData requests that a line of a log stands for; most lines stand for none."""
    if _MARK not in line or not line.lstrip().startswith("{"):
        return
    try:
        document = loads(line)
    except BrokenJSON:
        return
    head = document.get("_aws") if isinstance(document, dict) else None
    directives = head.get("CloudWatchMetrics") if isinstance(head, dict) else None
    if not isinstance(document, dict) or not isinstance(directives, list):
        return
    for directive in directives:
        if isinstance(directive, dict) and isinstance(directive.get("Namespace"), str):
            data = list(_data(directive, document))
            if data:
                yield {"Namespace": directive["Namespace"], "MetricData": data}


def _data(directive: JSONObject, document: JSONObject) -> Iterator[dict[str, Any]]:
    sets, metrics = directive.get("Dimensions", [[]]), directive.get("Metrics", [])
    if not isinstance(sets, list) or not isinstance(metrics, list):
        return
    known = [found for names in sets if (found := _dimensions(names, document)) is not None]
    for metric in metrics[:METRICS_MAX]:
        name = metric.get("Name") if isinstance(metric, dict) else None
        values = _values(document.get(name)) if isinstance(name, str) else []
        if not values or not isinstance(metric, dict):
            continue
        unit = metric.get("Unit", "None")
        yield from (
            {"MetricName": name, "Dimensions": dimensions, "Values": values, "Unit": unit} for dimensions in known
        )


def _dimensions(names: Any, document: JSONObject) -> list[dict[str, str]] | None:
    """A set's dimensions; None when one of them has no text as its value."""
    if not isinstance(names, list) or len(names) > DIMENSIONS_MAX:
        return None
    found = []
    for name in names:
        value = document.get(name) if isinstance(name, str) else None
        if not isinstance(value, str) or not value:
            return None
        found.append({"Name": name, "Value": value})
    return found


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    plain = [float(each) for each in values if isinstance(each, int | float) and not isinstance(each, bool)]
    return plain if len(plain) == len(values) <= VALUES_MAX else []
