"""Metric math.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from datetime import UTC, datetime, timedelta

import pytest

from interstate.core.metrics.expressions import Environment, NotBuilt, Value, evaluate, words
from interstate.core.metrics.syntax import ExpressionError, names_in

T = [datetime(2026, 1, 1, 0, minute, tzinfo=UTC) for minute in range(4)]
A = {T[0]: 1.0, T[1]: 2.0, T[2]: 4.0, T[3]: 8.0}
B = {T[0]: 10.0, T[2]: 20.0}
ENVIRONMENT = Environment({**words(), "a": A, "b": B}, ["a", "b"], timedelta(minutes=1), T)


def value(text: str) -> Value:
    return evaluate(text, ENVIRONMENT)


def of(*values: float | None) -> dict[datetime, float]:
    return {at: one for at, one in zip(T, values, strict=True) if one is not None}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b", of(11, None, 24, None)),
        ("a * 2 - 1", of(1, 3, 7, 15)),
        ("2 * (a - 1)", of(0, 2, 6, 14)),
        ("-a", of(-1, -2, -4, -8)),
        ("a ^ 2", of(1, 4, 16, 64)),
        ("b / (a - 1)", of(None, None, 20 / 3, None)),  # Divided by nothing is missing.
        ("a / 0", of(None, None, None, None)),
        ("a > 2", of(0, 0, 1, 1)),
        ("a > 1 && a < 8", of(0, 1, 1, 0)),
        ("a > 1 AND a < 8", of(0, 1, 1, 0)),
        ("a == 1 || a == 8", of(1, 0, 0, 1)),
        ("AVG(a)", 3.75),
        ("SUM(a)", 15.0),
        ("MIN(a)", 1.0),
        ("MAX(a)", 8.0),
        ("a / SUM(a)", of(1 / 15, 2 / 15, 4 / 15, 8 / 15)),
        ("SUM([a, b])", of(11, 2, 24, 8)),
        ("SUM(METRICS())", of(11, 2, 24, 8)),
        ("AVG(METRICS())", of(5.5, 2, 12, 8)),
        ('MAX(METRICS("b"))', of(10, None, 20, None)),
        ("FILL(b, 0)", of(10, 0, 20, 0)),
        ("FILL(b, REPEAT)", of(10, 10, 20, 20)),
        ("FILL(b, LINEAR)", of(10, 15, 20, None)),
        ("FILL(b, a)", of(10, 2, 20, 8)),
        ("RATE(a)", of(None, 1 / 60, 2 / 60, 4 / 60)),
        ("DIFF(a)", of(None, 1, 2, 4)),
        ("DIFF_TIME(b)", of(None, None, 120, None)),
        ("RUNNING_SUM(a)", of(1, 3, 7, 15)),
        ("IF(a > 2, a, 0)", of(0, 0, 4, 8)),
        ("IF(a > 2, 1)", of(None, None, 1, 1)),
        ("IF(b, a)", of(1, None, 4, None)),
        ("ABS(0 - a)", of(1, 2, 4, 8)),
        ("CEIL(a / 3)", of(1, 1, 2, 3)),
        ("FLOOR(a / 3)", of(0, 0, 1, 2)),
        ("LOG10(a * 10) - LOG10(a)", of(1, 1, 1, 1)),
        ("DATAPOINT_COUNT(b)", 2.0),
        ("FIRST(a)", 1.0),
        ("LAST(a)", 8.0),
        ("PERIOD(a)", 60.0),
        ("MINUTE(a)", of(0, 1, 2, 3)),
        ("TIME_SERIES(5)", of(5, 5, 5, 5)),
        ("SLICE(a, 1, 3)", of(None, 2, 4, None)),
        ("STDDEV(TIME_SERIES(5))", 0.0),
        ("1 + 2 * 3 ^ 2", 19.0),
    ],
)
def test_expressions(text: str, expected: Value) -> None:
    found = value(text)
    assert found == (pytest.approx(expected) if not isinstance(expected, list) else expected)


def test_lists_are_many_series() -> None:
    assert value("[a, b] * 2") == [of(2, 4, 8, 16), of(20, None, 40, None)]
    assert value("SORT([a, b], MAX, DESC, 1)") == [B]
    assert value("REMOVE_EMPTY([a, IF(a > 99, a)])") == [A]


@pytest.mark.parametrize(
    ("text", "words_"),
    [
        ("", "unexpected 'end'"),
        ("a +", "unexpected 'end'"),
        ("a b", "unexpected 'b'"),
        ("c", "'c' is not the id"),
        ("WHAT(a)", "no function 'WHAT'"),
        ("(a", "expected ')'"),
        ("a # b", "unexpected character '#'"),
        ("FILL(a)", "do not fit"),
        ('a + "x"', "a text has no place there"),
        ("[a, b] + [a]", "as many each"),
        ("(" * 99 + "a" + ")" * 99, "nested too deep"),
        ("a+" * 2000 + "a", "longer than"),
    ],
)
def test_faults(text: str, words_: str) -> None:
    with pytest.raises(ExpressionError, match=words_.replace("(", r"\(").replace(")", r"\)")):
        value(text)


@pytest.mark.parametrize("text", ["SEARCH('x', 'Sum')", "ANOMALY_DETECTION_BAND(a, 2)", "SERVICE_QUOTA(a)"])
def test_what_is_not_built_is_named(text: str) -> None:
    with pytest.raises(NotBuilt, match=text.partition("(")[0]):
        value(text)


def test_names_are_found() -> None:
    assert names_in("IF(a > 1, SUM([b, c]), FILL(d, REPEAT))") == {"a", "b", "c", "d", "REPEAT"}
