"""Patterns and events that properties draw: few keys and values, so that they often meet."""

from typing import Any

from hypothesis import strategies as st

from interstate.core.patterns import Pattern, parse_pattern

KEYS = st.sampled_from(["a", "b", "c", "a.b"])
SCALARS = st.sampled_from(["x", "y", "xy", "X", "", 0, 1, 1.0, 2.5, True, False, None, "10.0.0.1"])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.dictionaries(KEYS, VALUES, max_size=3)


def drawn_patterns(tests: list[Any]) -> st.SearchStrategy[Pattern]:
    """Patterns of plain values and of ``tests``, nested, and with "$or"."""
    elements = st.lists(SCALARS | st.sampled_from(tests), min_size=1, max_size=3)
    fields = st.recursive(
        elements,
        lambda inner: (
            st.dictionaries(KEYS, inner, min_size=1, max_size=3)
            | st.builds(
                lambda one, two, rest: {**rest, "$or": [one, two]},
                st.dictionaries(KEYS, inner, min_size=1, max_size=2),
                st.dictionaries(KEYS, inner, min_size=1, max_size=2),
                st.dictionaries(KEYS, inner, max_size=1),
            )
        ),
        max_leaves=6,
    )
    return st.dictionaries(KEYS, fields, min_size=1, max_size=3).map(parse_pattern)
