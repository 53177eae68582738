import pytest
from hypothesis import given
from hypothesis import strategies as st

from interstate.core.templates.errors import CircularDependencyError
from interstate.core.templates.graph import ordered

NAMES = st.sampled_from("ABCDEFGH")
GRAPHS = st.dictionaries(NAMES, st.frozensets(NAMES, max_size=3), max_size=8)


def test_without_needs_the_given_order_stays() -> None:
    assert ordered({"B": set(), "A": set(), "C": {"Parameter"}}) == ["B", "A", "C"]


def test_each_comes_after_what_it_needs() -> None:
    assert ordered({"A": {"B"}, "B": {"C"}, "C": set(), "D": {"C"}}) == ["C", "B", "D", "A"]


CIRCLES = [
    ({"A": {"A"}}, "[A]"),
    ({"B": {"A"}, "A": {"B"}}, "[A, B]"),
    ({"A": {"B"}, "B": {"C"}, "C": {"A"}, "D": {"A"}, "E": set(), "F": {"D"}}, "[A, B, C]"),
]


@pytest.mark.parametrize(("needs", "named"), CIRCLES)
def test_a_circle_is_refused_with_those_on_it(needs: dict[str, set[str]], named: str) -> None:
    with pytest.raises(CircularDependencyError) as refused:
        ordered(needs)
    assert refused.value.message == f"Circular dependency between resources: {named}"


@given(GRAPHS)
def test_an_order_has_everything_once_and_needs_first(needs: dict[str, frozenset[str]]) -> None:
    order = _ordered_or_circle(needs)
    if isinstance(order, CircularDependencyError):
        circle = set(order.names)
        assert all(needs[name] & circle for name in circle)  # each waits for another of them
    else:
        assert sorted(order) == sorted(needs)
        assert all(order.index(need) < order.index(name) for name in needs for need in needs[name] & needs.keys())


def _ordered_or_circle(needs: dict[str, frozenset[str]]) -> list[str] | CircularDependencyError:
    try:
        return ordered(needs)
    except CircularDependencyError as refused:
        return refused
