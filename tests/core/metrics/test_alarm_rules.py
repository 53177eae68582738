"""When an alarm is in alarm.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html (rows of its tables: 0 is
not breaching, X is breaching, - is missing)
"""

from datetime import UTC, datetime, timedelta

import pytest

from interstate.core.metrics.alarms import Rule, evaluate

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
KINDS = {"0": 0.0, "X": 5.0, "-": None}


def state(row: str, periods: int, to_alarm: int, missing: str, before: str = "OK") -> str:
    points = [(AT + timedelta(minutes=at), KINDS[kind]) for at, kind in enumerate(row)]
    rule = Rule("GreaterThanThreshold", 1.0, periods, to_alarm, missing)
    return evaluate(rule, points, before).state


@pytest.mark.parametrize(
    ("row", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "OK", "OK", "OK", "OK"),
        ("----0", "OK", "OK", "OK", "OK"),
        ("-----", "INSUFFICIENT_DATA", "KEPT", "ALARM", "OK"),
        ("0XX-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("--X--", "ALARM", "KEPT", "ALARM", "OK"),
    ],
)
def test_three_of_three(row: str, missing: str, ignore: str, breaching: str, not_breaching: str) -> None:
    assert state(row, 3, 3, "missing", "KEPT") == missing
    assert state(row, 3, 3, "ignore", "KEPT") == ignore
    assert state(row, 3, 3, "breaching", "KEPT") == breaching
    assert state(row, 3, 3, "notBreaching", "KEPT") == not_breaching


@pytest.mark.parametrize(
    ("row", "missing", "ignore", "breaching", "not_breaching"),
    [
        ("0-X-X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("00X0X", "ALARM", "ALARM", "ALARM", "ALARM"),
        ("0-X--", "OK", "OK", "ALARM", "OK"),
        ("----0", "OK", "OK", "ALARM", "OK"),
    ],
)
def test_two_of_three(row: str, missing: str, ignore: str, breaching: str, not_breaching: str) -> None:
    assert state(row, 3, 2, "missing", "KEPT") == missing
    assert state(row, 3, 2, "ignore", "KEPT") == ignore
    assert state(row, 3, 2, "breaching", "KEPT") == breaching
    assert state(row, 3, 2, "notBreaching", "KEPT") == not_breaching


def test_reasons_are_awss() -> None:
    rule = Rule("GreaterThanThreshold", 1.0, 1, 1)
    points = [(AT, 5.0)]
    assert evaluate(rule, points, "OK").reason == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (21/11/26 15:00:00)] was greater than the threshold (1.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert evaluate(rule, [(AT, 0.0)], "ALARM").reason == (
        "Threshold Crossed: 1 datapoint [0.0 (21/11/26 15:00:00)] was not greater than the threshold (1.0)."
    )
    assert evaluate(rule, [(AT, None)], "OK").reason == "Insufficient Data: 1 datapoint was unknown."
    breaching = Rule("LessThanThreshold", 1.0, 2, 2, "breaching")
    assert evaluate(breaching, [(AT, None), (AT, None)], "OK").reason == (
        "Threshold Crossed: no datapoints were received for 2 periods and 2 missing datapoints were treated as [Breaching]."
    )
