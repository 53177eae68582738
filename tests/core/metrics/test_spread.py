"""Percentiles and trimmed statistics.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html
"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.metrics.spread import DISTINCT_MAX, joined, parse_statistic, rounded, statistic

HUNDRED = [(float(value), 1.0) for value in range(1, 101)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("p0", 1.0),
        ("p50", 50.5),
        ("p90", 90.1),
        ("p99", 99.01),
        ("p100", 100.0),
        ("p99.9", 99.901),
        ("tm90", 45.5),
        ("TM(10%:90%)", 50.5),
        ("IQM", 50.5),
        ("tc90", 90.0),
        ("ts90", 4095.0),
        ("TM(:50)", 25.5),
        ("TC(20:30)", 10.0),
        ("PR(:25)", 25.0),
        ("PR(90:)", 10.0),
        ("wm90", (4095 + 10 * 90) / 100),
    ],
)
def test_statistics_of_one_to_a_hundred(name: str, value: float) -> None:
    wanted = parse_statistic(name)
    assert wanted is not None
    found = statistic(wanted, HUNDRED)
    assert found == pytest.approx(value)


@pytest.mark.parametrize(
    "name", ["", "p", "p101", "tm0", "q50", "TM()", "TM(:)", "TM(90%:10%)", "TM(5:10%)", "PR(1%:2%)", "p-1", "TM(a:b)"]
)
def test_names_that_are_none(name: str) -> None:
    assert parse_statistic(name) is None


def test_nothing_has_no_statistics() -> None:
    wanted = parse_statistic("p99")
    assert wanted is not None
    assert statistic(wanted, []) is None


@given(st.lists(st.tuples(st.floats(-1e6, 1e6), st.integers(1, 9).map(float)), min_size=1, max_size=500))
def test_a_spread_is_bounded_in_size_and_error(values: list[tuple[float, float]]) -> None:
    spread = joined([], values)
    assert sum(weight for _, weight in spread) == sum(weight for _, weight in values)
    wanted = parse_statistic("p100")
    assert wanted is not None
    found, most = statistic(wanted, spread), max(value for value, _ in values)
    assert found is not None
    assert found == pytest.approx(most, rel=0.011, abs=1e-9)
    if len(dict(values)) <= DISTINCT_MAX:
        assert dict(spread).keys() == dict(values).keys()


@given(st.floats(1e-9, 1e12))
def test_rounding_is_within_a_percent(value: float) -> None:
    assert rounded(value) == pytest.approx(value, rel=0.01)
    assert rounded(-value) == -rounded(value)
