"""Generators of attribute values, items and expressions, shared by the tests of tables."""

from decimal import Decimal

from hypothesis import strategies as st

from interstate.core.tables import numbers
from interstate.core.tables.expressions.reserved import RESERVED
from interstate.core.tables.expressions.tree import (
    AddAction,
    Arithmetic,
    Between,
    Call,
    Comparison,
    DeleteAction,
    In,
    Junction,
    Not,
    Path,
    RemoveAction,
    SetAction,
    Update,
    ValueName,
)

NAMES = ("a", "b", "c", "d1", "_e")
assert not {name.upper() for name in NAMES} & RESERVED


def number_texts() -> st.SearchStrategy[str]:
    """Any number that DynamoDB holds, written in any way."""
    decimals = st.builds(
        lambda sign, digits, exponent: Decimal((sign, tuple(digits), exponent)),
        st.integers(0, 1),
        st.lists(st.integers(0, 9), min_size=1, max_size=38),
        st.integers(-130, 87),
    )
    return st.one_of(st.integers(-(10**37), 10**37).map(str), st.integers(-20, 20).map(str), decimals.map(str)).filter(
        lambda text: Decimal(text) == 0 or -130 <= Decimal(text).adjusted() <= 125
    )


def canonical_numbers() -> st.SearchStrategy[str]:
    return number_texts().map(numbers.canonical)


def scalars() -> st.SearchStrategy[dict[str, object]]:
    return st.one_of(
        st.text(max_size=8).map(lambda text: {"S": text}),
        canonical_numbers().map(lambda text: {"N": text}),
        st.binary(max_size=8).map(lambda content: {"B": content}),
        st.booleans().map(lambda truth: {"BOOL": truth}),
        st.just({"NULL": True}),
    )


def sets() -> st.SearchStrategy[dict[str, object]]:
    return st.one_of(
        st.lists(st.text(max_size=4), min_size=1, max_size=4, unique=True).map(lambda members: {"SS": members}),
        st.lists(canonical_numbers(), min_size=1, max_size=4, unique=True).map(lambda members: {"NS": members}),
        st.lists(st.binary(max_size=4), min_size=1, max_size=4, unique=True).map(lambda members: {"BS": members}),
    )


def values() -> st.SearchStrategy[dict[str, object]]:
    return st.recursive(
        scalars() | sets(),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda elements: {"L": elements}),
            st.dictionaries(st.sampled_from(NAMES), inner, max_size=3).map(lambda members: {"M": members}),
        ),
        max_leaves=6,
    )


def items() -> st.SearchStrategy[dict[str, dict[str, object]]]:
    return st.dictionaries(st.sampled_from(NAMES), values(), max_size=4)


def paths() -> st.SearchStrategy[Path]:
    parts = st.lists(st.sampled_from(NAMES) | st.integers(0, 3), max_size=3)
    return st.builds(lambda head, rest: Path((head, *rest)), st.sampled_from((*NAMES, "#n", "#m_1")), parts)


VALUE_NAMES = st.sampled_from((":v", ":w", ":x1")).map(ValueName)


def operands() -> st.SearchStrategy[object]:
    return st.one_of(paths(), VALUE_NAMES, paths().map(lambda path: Call("size", (path,))))


def clauses() -> st.SearchStrategy[object]:
    return st.one_of(
        st.builds(Comparison, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), operands(), operands()),
        st.builds(Between, operands(), operands(), operands()),
        st.builds(In, operands(), st.lists(operands(), min_size=1, max_size=3).map(tuple)),
        st.builds(
            Call,
            st.sampled_from(("attribute_exists", "contains", "begins_with", "attribute_type")),
            st.lists(operands(), min_size=1, max_size=2).map(tuple),
        ),
    )


def conditions() -> st.SearchStrategy[object]:
    return st.recursive(
        clauses(),
        lambda inner: st.one_of(
            inner.map(Not),
            st.builds(Junction, st.sampled_from(("AND", "OR")), st.lists(inner, min_size=2, max_size=3).map(tuple)),
        ),
        max_leaves=5,
    )


def set_values() -> st.SearchStrategy[object]:
    calls = st.builds(lambda path, value: Call("if_not_exists", (path, value)), paths(), VALUE_NAMES) | st.builds(
        lambda one, two: Call("list_append", (one, two)), paths(), VALUE_NAMES
    )
    plain = st.one_of(paths(), VALUE_NAMES, calls)
    return plain | st.builds(Arithmetic, st.sampled_from(("+", "-")), plain, plain)


def updates() -> st.SearchStrategy[Update]:
    sections = {
        "SET": st.builds(SetAction, paths(), set_values()),
        "REMOVE": st.builds(RemoveAction, paths()),
        "ADD": st.builds(AddAction, paths(), VALUE_NAMES),
        "DELETE": st.builds(DeleteAction, paths(), VALUE_NAMES),
    }

    def chosen(names: list[str]) -> st.SearchStrategy[Update]:
        actions = st.tuples(*(st.lists(sections[name], min_size=1, max_size=3) for name in names))
        return actions.map(lambda groups: Update(tuple(action for group in groups for action in group), tuple(names)))

    return st.lists(st.sampled_from(tuple(sections)), min_size=1, unique=True).flatmap(chosen)
