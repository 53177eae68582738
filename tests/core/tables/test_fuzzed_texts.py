"""Whatever a client sends as an expression, a statement or a number: it is read, or refused as invalid."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interstate.core.tables import numbers
from interstate.core.tables.errors import InvalidInput
from interstate.core.tables.expressions.condition import compile_condition
from interstate.core.tables.expressions.key_condition import compile_key_condition
from interstate.core.tables.expressions.projection import compile_projection
from interstate.core.tables.expressions.update import compile_update
from interstate.core.tables.partiql.parser import parse_statement
from interstate.core.tables.values import Value, checked

WORDS = st.sampled_from(
    [
        "a",
        "b.c",
        "#n",
        ":v",
        ":w",
        "size(a)",
        "attribute_exists",
        "begins_with",
        "contains",
        "if_not_exists",
        "list_append",
        "(",
        ")",
        "(",
        ")",
        "[",
        "]",
        "[0]",
        ",",
        ".",
        "=",
        "<>",
        "<",
        ">=",
        "+",
        "-",
        "AND",
        "OR",
        "NOT",
        "BETWEEN",
        "IN",
        "SET",
        "REMOVE",
        "ADD",
        "DELETE",
        "1",
        "99999999999999999999",
        '"x"',
        "'y'",
        "SELECT",
        "*",
        "FROM",
        "WHERE",
        "things",
        "UPDATE",
        "INSERT",
        "INTO",
        "VALUE",
        "{",
        "}",
        ":",
        "<<",
        ">>",
        "?",
        "ORDER",
        "BY",
        "DESC",
        "RETURNING",
        "ALL",
        "OLD",
        "IS",
        "MISSING",
        "NULL",
        "EXISTS",
        "set_add",
        "TRUE",
        "-1.5e3",
        "\x00",
        "é",
        "한",
    ]
)
SENTENCES = st.one_of(st.lists(WORDS, max_size=14).map(" ".join), st.lists(WORDS, max_size=14).map("".join), st.text())
NAMES = {"#n": "name"}
VALUES: dict[str, Value] = {":v": {"N": "1"}, ":w": {"SS": ["x"]}}


@settings(max_examples=600, deadline=None)
@given(text=SENTENCES)
def test_expressions_are_read_or_refused(text: str) -> None:
    for compile_text in (
        lambda: compile_condition("ConditionExpression", text, NAMES, VALUES).test({}, VALUES),
        lambda: compile_key_condition(text, NAMES, VALUES),
        lambda: compile_projection(text, NAMES).picked({"a": {"L": []}}),
        lambda: compile_update(text, NAMES, VALUES).apply({"a": {"N": "1"}, "name": {"SS": ["x"]}}, VALUES),
    ):
        with contextlib.suppress(InvalidInput):
            compile_text()


@settings(max_examples=600, deadline=None)
@given(text=st.one_of(SENTENCES, SENTENCES.map("SELECT * FROM t WHERE {}".format),
                      SENTENCES.map("UPDATE t SET a = {} WHERE a = 1".format)),
       parameters=st.integers(0, 2))  # fmt: skip
def test_statements_are_read_or_refused(text: str, parameters: int) -> None:
    with contextlib.suppress(InvalidInput):
        parse_statement(text, [{"N": "1"}] * parameters)


@pytest.mark.parametrize("opening", ["(", "NOT ", "[", "{'a':", "<<", "size(", "list_append(", "-", "NOT ("])
def test_no_depth_exhausts_the_stack(opening: str) -> None:
    text = opening * 2000
    for statement in (f"SELECT * FROM t WHERE {text}", f"UPDATE t SET a = {text}", f"INSERT INTO t VALUE {text}"):
        with pytest.raises(InvalidInput):
            parse_statement(statement, [])
    with pytest.raises(InvalidInput):
        compile_condition("FilterExpression", opening * 400, {}, {})


@given(text=st.one_of(st.text(max_size=30), st.from_regex(r"[+-]?[0-9]{0,50}\.?[0-9]{0,50}([eE][+-]?[0-9]{1,12})?")))
def test_numbers_are_read_or_refused(text: str) -> None:
    try:
        canonical = numbers.canonical(text)
    except InvalidInput:
        return
    assert numbers.canonical(canonical) == canonical


@given(
    value=st.recursive(
        st.one_of(st.text(), st.booleans(), st.none(), st.binary()),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["S", "N", "L", "M", "SS", "x"]), inner)
        ),
        max_leaves=8,
    )
)
def test_text_values_of_any_shape_that_the_wire_lets_through(value: object) -> None:
    """The wire checks the shapes; what it lets through as a value's content is read or refused."""
    for kind, shape in (("S", str), ("N", str), ("B", bytes), ("BOOL", bool)):
        if isinstance(value, shape):
            with contextlib.suppress(InvalidInput):
                checked({kind: value})
