from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.core.tables.item_strategies import NAMES, items, scalars, values

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.condition import compile_condition
from interstate.core.tables.expressions.tree import (
    Between,
    Call,
    Comparison,
    In,
    Junction,
    Not,
    Path,
    ValueName,
    condition_text,
)
from interstate.core.tables.values import same

KIND = "FilterExpression"

ITEM: dict[str, Any] = {
    "text": {"S": "abc"},
    "int": {"N": "5"},
    "bin": {"B": b"\x01\x02"},
    "yes": {"BOOL": True},
    "nil": {"NULL": True},
    "ss": {"SS": ["x", "y"]},
    "ns": {"NS": ["1", "2"]},
    "list": {"L": [{"S": "e0"}, {"N": "7"}, {"M": {"deep": {"S": "d"}}}]},
    "doc": {"M": {"a": {"N": "1"}, "b.c": {"S": "dotted"}}},
}
VALUES: dict[str, Any] = {
    ":abc": {"S": "abc"}, ":ab": {"S": "ab"}, ":b": {"S": "b"}, ":z": {"S": "z"},
    ":n1": {"N": "1"}, ":n3": {"N": "3"}, ":n5": {"N": "5"}, ":n10": {"N": "10"},
    ":bin": {"B": b"\x01"}, ":yes": {"BOOL": True}, ":nil": {"NULL": True},
    ":ss": {"SS": ["y", "x"]}, ":x": {"S": "x"}, ":tS": {"S": "S"}, ":tM": {"S": "M"}, ":e0": {"S": "e0"},
}  # fmt: skip

# Source: DynamoDB Developer Guide, Condition and filter expressions, operators, and functions.
HOLDS = (
    ("#t = :abc", True),
    ("#t = :ab", False),
    ("#t <> :ab", True),
    ("#i = :n5", True),
    ("#i = :abc", False),
    ("#i <> :abc", True),
    ("#i < :n10", True),  # As numbers; as texts 5 is above 10.
    ("#i <= :n5", True),
    ("#i > :n10", False),
    ("#i >= :n5", True),
    ("#i < :z", False),
    ("#t < :z", True),
    ("bin > :bin", True),
    (":n3 < #i", True),
    ("absent = :abc", False),
    ("absent <> :abc", True),
    ("absent < :abc", False),
    ("NOT absent < :abc", True),
    ("ss = :ss", True),
    ("yes = :yes", True),
    ("nil = :nil", True),
    ("#i BETWEEN :n3 AND :n10", True),
    ("#i BETWEEN :n1 AND :n3", False),
    ("#i BETWEEN :n5 AND :n5", True),
    ("#t BETWEEN :n1 AND :n10", False),
    ("absent BETWEEN :n1 AND :n10", False),
    ("#t IN (:z, :abc)", True),
    ("#t IN (:z)", False),
    ("absent IN (:z)", False),
    ("attribute_exists(#t)", True),
    ("attribute_exists(doc.a)", True),
    ("attribute_exists(doc.z)", False),
    ("attribute_exists(doc.#dotted)", True),
    ("attribute_exists(#l[1])", True),
    ("attribute_exists(#l[3])", False),
    ("attribute_exists(#t.a)", False),
    ("attribute_not_exists(absent)", True),
    ("attribute_not_exists(#t)", False),
    ("attribute_type(#t, :tS)", True),
    ("attribute_type(doc, :tM)", True),
    ("attribute_type(#t, :tM)", False),
    ("attribute_type(absent, :tM)", False),
    ("begins_with(#t, :ab)", True),
    ("begins_with(#t, :b)", False),
    ("begins_with(bin, :bin)", True),
    ("begins_with(#i, :ab)", False),
    ("begins_with(absent, :ab)", False),
    ("contains(#t, :b)", True),
    ("contains(#t, :z)", False),
    ("contains(ss, :x)", True),
    ("contains(ns, :n1)", True),
    ("contains(ns, :x)", False),
    ("contains(#l, :e0)", True),
    ("contains(bin, :bin)", True),
    ("contains(#i, :n5)", False),
    ("contains(absent, :n5)", False),
    ("size(#t) = :n3", True),
    ("size(#l) = :n3", True),
    ("size(doc) > :n1", True),
    ("size(ss) < :n3", True),
    ("size(#i) > :n1", False),
    ("size(absent) > :n1", False),
    ("#l[2].deep <> :abc", True),
    ("#t = :abc AND #i = :n5 AND attribute_exists(doc)", True),
    ("#t = :abc AND #i = :n3", False),
    ("#t = :z OR #i = :n5", True),
    ("#t = :z OR #i = :n3", False),
    ("NOT (#t = :z OR #i = :n3)", True),
    ("yes = :yes AND NOT absent = :yes AND (size(#t) = :n1 OR size(#t) = :n3)", True),
)
PLACEHOLDERS = {"#t": "text", "#i": "int", "#l": "list", "#dotted": "b.c"}

UNDEFINED_NAME = "An expression attribute name used in the document path is not defined; attribute name: "
UNDEFINED_VALUE = "An expression attribute value used in expression is not defined; attribute value: "
OPERANDS = "Incorrect number of operands for operator or function; operator or function: "
TYPE = "Incorrect operand type for operator or function; operator or function: "
DISTINCT = "The first operand must be distinct from the remaining operands for this operator or function; operator: "
MISUSED = "The function is not allowed to be used this way in an expression; function: "
RESERVED = "Attribute name is a reserved keyword; reserved keyword: "

# (expression, values, fault); each text as the service answers it.
FAULTS: tuple[tuple[str, dict[str, Any], str], ...] = (
    ("a=a and a > ((views))", {}, "The expression has redundant parentheses;"),
    ("a=a and whatever((:things)) > a", {}, "Invalid function name; function: whatever"),
    ("attRIbute_exIsts((views), #a)", {}, "Invalid function name; function: attRIbute_exIsts"),
    ("if_not_exists(a, b) = b", {}, "The function is not allowed in a condition expression; function: if_not_exists"),
    ("a=a and attribute_exists((views), (#a)) > b", {}, MISUSED + "attribute_exists"),
    ("begins_with(things, a) > b", {}, MISUSED + "begins_with"),
    ("size(contains(a, b)) > a", {}, MISUSED + "contains"),
    ("size(things)", {}, MISUSED + "size"),
    ("a between b and attribute_exists(things)", {}, MISUSED + "attribute_exists"),
    ("a in (b, attribute_exists(things))", {}, MISUSED + "attribute_exists"),
    ("attribute_exists(views, #a)", {}, RESERVED + "views"),
    (":a < abOrT", {}, RESERVED + "abOrT"),
    ("a.Status = :a", {}, RESERVED + "Status"),
    ("attribute_exists(#Pictures.RearView, :a) and a=a", {}, UNDEFINED_NAME + "#Pictures"),
    ("begins_with(Pictures.#RearView)", {}, UNDEFINED_NAME + "#RearView"),
    ("(#P between :lo and :hi) and (#PC in (:cat1, :cat2))", {}, UNDEFINED_NAME + "#P"),
    ("(a)between(b.c[45].#d)and(:a)", {}, UNDEFINED_NAME + "#d"),
    ("begins_with(:hello, #a, #b)", {}, UNDEFINED_VALUE + ":hello"),
    (":a < :b", {}, UNDEFINED_VALUE + ":a"),
    ("attribute_exists(things, a) and a=a", {}, OPERANDS + "attribute_exists, number of operands: 2"),
    ("attribute_type(things)", {}, OPERANDS + "attribute_type, number of operands: 1"),
    ("begins_with(things, size(a), b)", {}, OPERANDS + "begins_with, number of operands: 3"),
    ("size(things, a) > b", {}, OPERANDS + "size, number of operands: 2"),
    ("a = a AND a = b AND :views > a", {":views": {"N": "1"}}, DISTINCT + "=, first operand: [a]"),
    ("a > #alias", {}, DISTINCT + ">, first operand: [a]"),
    ("((a=a) OR (a=a))", {}, DISTINCT + "=, first operand: [a]"),
    ("contains(ab.bc[1].a, ab.bc[1].#alias)", {}, DISTINCT + "contains, first operand: [ab, bc, [1], a]"),
    ("attribute_type(a, size(a)) and a=:a", {":a": {"N": "1"}}, TYPE + "attribute_type, operand type: N"),
    ("attribute_type(a, :a)", {":a": {"BOOL": True}}, TYPE + "attribute_type, operand type: BOOL"),
    ("attribute_type(a, b)", {}, TYPE + "attribute_type, operand type: {NS,SS,L,BS,N,M,B,BOOL,NULL,S}"),
    (
        "attribute_type(a, :a)",
        {":a": {"S": "1"}},
        "Invalid attribute type name found; type: 1, valid types: {B,NULL,SS,BOOL,L,BS,N,NS,S,M}",
    ),
    ("begins_with(a, size(a)) and a=:a", {":a": {"N": "1"}}, TYPE + "begins_with, operand type: N"),
    ("begins_with(:a, a)", {":a": {"L": []}}, TYPE + "begins_with, operand type: L"),
    ("size(size(a)) > :a", {":a": {"N": "1"}}, TYPE + "size, operand type: N"),
    ("attribute_not_exists(size(:a))", {":a": {"N": "1"}}, TYPE + "size, operand type: N"),
    ("size(:a) > a", {":a": {"NULL": True}}, TYPE + "size, operand type: NULL"),
    ("a < :a", {":a": {"BOOL": True}}, TYPE + "<, operand type: BOOL"),
    (
        "attribute_exists(:a)",
        {":a": {"S": "1"}},
        "Operator or function requires a document path; operator or function: attribute_exists",
    ),
    (
        "attribute_not_exists(size(:a))",
        {":a": {"S": "1"}},
        "Operator or function requires a document path; operator or function: attribute_not_exists",
    ),
    (
        "a BETWEEN :a AND :b",
        {":a": {"S": "b"}, ":b": {"S": "a"}},
        (
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {S:a}"
        ),
    ),
    (
        "a BETWEEN :a AND :b",
        {":a": {"S": "b"}, ":b": {"N": "1"}},
        (
            "The BETWEEN operator requires same data type for lower and upper bounds; "
            "lower bound operand: AttributeValue: {S:b}, upper bound operand: AttributeValue: {N:1}"
        ),
    ),
    (
        "a BETWEEN :a AND :b",
        {":a": {"N": "10"}, ":b": {"N": "9"}},
        (
            "The BETWEEN operator requires upper bound to be greater than or equal to lower bound; "
            "lower bound operand: AttributeValue: {N:10}, upper bound operand: AttributeValue: {N:9}"
        ),
    ),
    (
        "a IN (" + ",".join(["b"] * 101) + ")",
        {},
        "The IN operator is provided with too many operands; number of operands: 101",
    ),
    (
        " OR ".join(["a<b"] * 301),
        {},
        "The expression contains too many operators; operator count: 301",
    ),
)


@pytest.mark.parametrize(("text", "expected"), HOLDS)
def test_conditions_hold_as_published(text: str, expected: bool) -> None:
    condition = compile_condition(KIND, text, PLACEHOLDERS, VALUES)
    assert condition.test(ITEM, VALUES) is expected


@pytest.mark.parametrize(("text", "given_values", "fault"), FAULTS)
def test_faults_are_told_in_dynamodbs_words(text: str, given_values: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        compile_condition(KIND, text, {"#alias": "a"}, given_values)
    assert refused.value.message == f"Invalid FilterExpression: {fault}"


def test_types_are_checked_for_each_calls_values() -> None:
    text = "begins_with(a, :v)"
    compile_condition(KIND, text, {}, {":v": {"S": "x"}})
    with pytest.raises(InvalidExpression, match="operand type: N"):
        compile_condition(KIND, text, {}, {":v": {"N": "1"}})
    compile_condition(KIND, text, {}, {":v": {"S": "x"}})


def test_a_condition_tells_what_it_uses() -> None:
    condition = compile_condition(KIND, "#t.a = :abc AND size(b) > :n1", PLACEHOLDERS, VALUES)
    assert condition.names == {"#t"}
    assert condition.values == {":abc", ":n1"}
    assert condition.heads == {"text", "b"}
    assert condition.nested == {"text"}


# A second, naive reading of conditions, against which the compiled one is held --------------------------------------


def _reference_value(operand: object, item: dict[str, Any], given_values: dict[str, Any]) -> Any:
    match operand:
        case ValueName(name):
            return given_values[name]
        case Path(parts):
            current: Any = {"M": item}
            for part in parts:
                try:
                    current = current["M"][part] if isinstance(part, str) else current["L"][part]
                except (KeyError, IndexError):
                    return None
            return current
        case Call("size", (inner,)):
            value = _reference_value(inner, item, given_values)
            if value is None or {"N", "BOOL", "NULL"} & value.keys():
                return None
            [content] = value.values()
            return {"N": str(len(content))}
    raise AssertionError(operand)


def _reference_compare(sign: str, one: Any, two: Any) -> bool:
    if sign in ("=", "<>"):
        return (one is not None and two is not None and same(one, two)) is (sign == "=")
    if one is None or two is None or one.keys() != two.keys() or not one.keys() & {"S", "N", "B"}:
        return False
    [left], [right] = one.values(), two.values()
    if "N" in one:
        left, right = Decimal(left), Decimal(right)
    return bool({"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}[sign])


def _reference(condition: object, item: dict[str, Any], given_values: dict[str, Any]) -> bool:
    def value(operand: object) -> Any:
        return _reference_value(operand, item, given_values)

    match condition:
        case Junction("AND", parts):
            return all(_reference(part, item, given_values) for part in parts)
        case Junction(_, parts):
            return any(_reference(part, item, given_values) for part in parts)
        case Not(inner):
            return not _reference(inner, item, given_values)
        case Comparison(sign, left, right):
            return _reference_compare(sign, value(left), value(right))
        case Between(operand, low, high):
            one = value(operand)
            return _reference_compare(">=", one, value(low)) and _reference_compare("<=", one, value(high))
        case In(operand, options):
            return any(_reference_compare("=", value(operand), value(option)) for option in options)
        case Call("attribute_exists", (operand,)):
            return value(operand) is not None
        case Call("contains", (operand, part)):
            return _reference_contains(value(operand), value(part))
    raise AssertionError(condition)


def _reference_contains(whole: Any, part: Any) -> bool:
    if whole is None or part is None:
        return False
    [(kind, content)] = whole.items()
    [(part_kind, wanted)] = part.items()
    if kind == "L":
        return any(same(element, part) for element in content)
    if kind in ("S", "B"):
        return part_kind == kind and wanted in content
    return kind == part_kind + "S" and wanted in content


SIMPLE_PATHS = st.builds(
    lambda head, rest: Path((head, *rest)),
    st.sampled_from(NAMES),
    st.lists(st.sampled_from(NAMES) | st.integers(0, 1), max_size=2),
)
SIMPLE_OPERANDS = st.one_of(
    SIMPLE_PATHS, st.just(ValueName(":v")), SIMPLE_PATHS.map(lambda path: Call("size", (path,)))
)
SIMPLE_CLAUSES = st.one_of(
    st.builds(Comparison, st.sampled_from(("=", "<>", "<", "<=", ">", ">=")), SIMPLE_OPERANDS, SIMPLE_OPERANDS),
    st.builds(Between, SIMPLE_OPERANDS, SIMPLE_OPERANDS, SIMPLE_OPERANDS),
    st.builds(In, SIMPLE_OPERANDS, st.lists(SIMPLE_OPERANDS, min_size=1, max_size=3).map(tuple)),
    SIMPLE_PATHS.map(lambda path: Call("attribute_exists", (path,))),
    st.builds(lambda path, value: Call("contains", (path, value)), SIMPLE_PATHS, SIMPLE_OPERANDS),
)
SIMPLE_CONDITIONS = st.recursive(
    SIMPLE_CLAUSES,
    lambda inner: st.one_of(
        inner.map(Not),
        st.builds(Junction, st.sampled_from(("AND", "OR")), st.lists(inner, min_size=2, max_size=3).map(tuple)),
    ),
    max_leaves=4,
)


@given(SIMPLE_CONDITIONS, items(), st.one_of(scalars(), values()))
def test_the_compiled_condition_agrees_with_a_naive_reading(condition: Any, item: Any, value: Any) -> None:
    given_values = {":v": value}
    try:
        compiled = compile_condition(KIND, condition_text(condition), {}, given_values)
    except InvalidExpression:
        return  # Equal operands, or a value that an operator cannot take: told apart above.
    assert compiled.test(item, given_values) is _reference(condition, item, given_values)
