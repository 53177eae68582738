"""Laws: the matcher means what the definition says, and the index means what the matcher says."""

from itertools import product
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.core.patterns.drawn_patterns import EVENTS, drawn_patterns

from interstate.core.patterns import Flat, Pattern, PatternIndex, flatten, matches, parse_pattern
from interstate.core.patterns.flatten import NOWHERE
from interstate.core.patterns.pattern import Alternative

TESTS: list[Any] = [
    {"prefix": "x"},
    {"prefix": {"equals-ignore-case": "x"}},
    {"suffix": "y"},
    {"suffix": {"equals-ignore-case": "Y"}},
    {"equals-ignore-case": "x"},
    {"wildcard": "*x*"},
    {"anything-but": "x"},
    {"anything-but": [1, 2.5]},
    {"anything-but": {"prefix": "x"}},
    {"numeric": [">", 0, "<=", 2.5]},
    {"cidr": "10.0.0.0/8"},
    {"exists": True},
    {"exists": False},
]
PATTERNS = drawn_patterns(TESTS)


def by_definition(pattern: Pattern, event: dict[str, Any]) -> bool:
    """Try every choice of values."""
    flat = flatten(event)
    return any(some_choice_holds(alternative, flat) for alternative in pattern.alternatives)


def some_choice_holds(alternative: Alternative, flat: Flat) -> bool:
    choices = []
    for field in alternative:
        leaves = flat.values.get(field.path, [])
        places = flat.places.get(field.path, [NOWHERE] * len(leaves))
        passing = [place for leaf, place in zip(leaves, places, strict=True) if field.holds(leaf)]
        choices.append([(field, place) for place in passing] + ([(field, None)] if field.absent else []))
    for choice in product(*choices):
        settled: dict[int, int] = {}
        for field, place in choice:
            if place is None:
                others = flat.places.get(field.path, [NOWHERE] * len(flat.values.get(field.path, [])))
                if any(all(settled.get(array, at) == at for array, at in other) for other in others):
                    break
            elif all(settled.get(array, at) == at for array, at in place):
                settled.update(place)
            else:
                break
        else:
            return True
    return False


@given(PATTERNS, EVENTS)
def test_the_matcher_finds_a_choice_exactly_when_there_is_one(pattern: Pattern, event: dict[str, Any]) -> None:
    assert matches(pattern, event) == by_definition(pattern, event)


@given(st.lists(PATTERNS, max_size=12), EVENTS)
def test_the_index_answers_what_each_pattern_alone_answers(patterns: list[Pattern], event: dict[str, Any]) -> None:
    index = PatternIndex(enumerate(patterns))
    assert index.matching(event) == [at for at, pattern in enumerate(patterns) if matches(pattern, event)]


TEXTS = st.text("abAB", max_size=6) | st.sampled_from(["abab", "BAab", "straße", "STRASSE", "K", "k", "aXb"])
PIECES = st.lists(st.text("ab", max_size=4), min_size=1, max_size=3).map("*".join).filter(lambda text: "**" not in text)
TEXT_TESTS = st.one_of(
    TEXTS,
    TEXTS.map(lambda text: {"prefix": text}),
    TEXTS.map(lambda text: {"suffix": text}),
    TEXTS.map(lambda text: {"prefix": {"equals-ignore-case": text}}),
    TEXTS.map(lambda text: {"suffix": {"equals-ignore-case": text}}),
    TEXTS.map(lambda text: {"equals-ignore-case": text}),
    PIECES.map(lambda text: {"wildcard": text}),
    st.lists(TEXTS, min_size=1, max_size=3).map(lambda texts: {"anything-but": texts}),
    PIECES.map(lambda text: {"anything-but": {"wildcard": text}}),
)
TEXT_PATTERNS = st.dictionaries(
    st.sampled_from(["a", "b"]), st.lists(TEXT_TESTS, min_size=1, max_size=3), min_size=1, max_size=2
).map(parse_pattern)
TEXT_EVENTS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), TEXTS | st.lists(TEXTS | st.none(), max_size=3) | st.none() | st.just({"b": "a"})
)


@given(st.lists(TEXT_PATTERNS, min_size=1, max_size=12), TEXT_EVENTS)
def test_needles_find_whatever_matches(patterns: list[Pattern], event: dict[str, Any]) -> None:
    index = PatternIndex(enumerate(patterns))
    assert index.matching(event) == [at for at, pattern in enumerate(patterns) if matches(pattern, event)]


def test_a_thousand_wildcards_leave_few_candidates() -> None:
    forms = ("orders/{0}/*", "*/{0}.png", "*/file-{0}-*", "*{0}?x*")
    for form in forms:
        rules = [
            (at, parse_pattern({"detail": {"key": [{"wildcard": form.format(f"{at:04d}")}]}})) for at in range(1_000)
        ]
        index = PatternIndex(rules)
        event = {"detail": {"key": f"orders/0007/{form.format('0007').strip('*')}"}}
        assert 7 in index.matching(event)
        assert len(index._candidates(flatten(event))) <= 40


def test_anything_but_alone_is_not_asked_rule_by_rule() -> None:
    rules = [(at, parse_pattern({"source": [{"anything-but": [f"s{at}", f"s{at + 1}"]}]})) for at in range(1_000)]
    index = PatternIndex(rules)
    assert index.matching({"source": "s7"}) == [at for at in range(1_000) if at not in (6, 7)]
    assert index.matching({"source": ["s7", "s8"]}) == [at for at in range(1_000) if at != 7]
    assert index.matching({"detail": "s7"}) == []
    assert index._candidates(flatten({"source": "s7"})) == []


@given(PATTERNS, EVENTS)
def test_flattening_only_what_a_pattern_looks_at_changes_nothing(pattern: Pattern, event: dict[str, Any]) -> None:
    everything = flatten(event)
    asked = flatten(event, pattern.paths)
    assert all(everything.values[path] == leaves for path, leaves in asked.values.items())
    wanted = {field.path for alternative in pattern.alternatives for field in alternative}
    assert wanted & everything.values.keys() <= asked.values.keys()


def test_a_thousand_rules_leave_few_candidates() -> None:
    rules = [
        (at, parse_pattern({"source": ["shop"], "detail-type": [f"Type {at}"], "detail": {"n": [{"exists": True}]}}))
        for at in range(1_000)
    ]
    index = PatternIndex(rules)
    event = {"source": "shop", "detail-type": "Type 7", "detail": {"n": 1}}
    assert index.matching(event) == [7]
    assert len(list(index._candidates(flatten(event)))) == 1
