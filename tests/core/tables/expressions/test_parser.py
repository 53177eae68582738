import pytest
from hypothesis import given
from tests.core.tables.item_strategies import conditions, paths, updates

from interstate.core.tables.errors import InvalidExpression
from interstate.core.tables.expressions.parser import DEPTH_MAX, parse_condition, parse_projection, parse_update
from interstate.core.tables.expressions.tree import (
    Call,
    Comparison,
    Condition,
    Junction,
    Not,
    Path,
    Update,
    ValueName,
    condition_text,
    path_text,
    update_text,
)

KIND = "ConditionExpression"
A = Comparison("=", Path(("a",)), ValueName(":a"))
B = Comparison("<", Path(("b",)), ValueName(":b"))
C = Call("attribute_exists", (Path(("c",)),))

# Precedence and grouping. Source: DynamoDB Developer Guide, Condition and filter expressions, precedence.
CONDITIONS: tuple[tuple[str, Condition], ...] = (
    ("a=:a", A),
    ("(a) = (:a)", A),
    ("(a = :a)", A),
    ("a = :a AND b < :b OR attribute_exists(c)", Junction("OR", (Junction("AND", (A, B)), C))),
    ("a = :a or b < :b and attribute_exists(c)", Junction("OR", (A, Junction("AND", (B, C))))),
    ("(a = :a OR b < :b) AND attribute_exists(c)", Junction("AND", (Junction("OR", (A, B)), C))),
    ("NOT a = :a AND b < :b", Junction("AND", (Not(A), B))),
    ("NOT NOT a = :a", Not(Not(A))),
    ("NOT (a = :a OR b < :b)", Not(Junction("OR", (A, B)))),
    ("(a)=:a and(b<:b)", Junction("AND", (A, B))),
    ("(a.b)[1].#c = :a", Comparison("=", Path(("a", "b", 1, "#c")), ValueName(":a"))),
    ("size(a) > :a", Comparison(">", Call("size", (Path(("a",)),)), ValueName(":a"))),
)

# The texts are those that the service was seen to refuse as broken.
BROKEN_CONDITIONS = (
    "things are not gonna be ok",
    "a > 4",
    "attribute_exists(Pictures-RearView)",
    'attribute_exists("Pictures.RearView")',
    "attribute_exists(Pictures..RearView)",
    "attribute_exists(Pi#ctures.RearView)",
    "attribute_exists(asdf[a])",
    "a in b, c",
    "a > between",
    "a in b",
    "a in (b,c,)",
    "(a)between(b.(c.d))and(c)",
    "(a)between(b.c.d)and((c)",
    "#$.b > a",
    "a > :things.stuff",
    "b[:a] > a",
    "b[#_] > a",
    "ü > a",
    "(a)between(b.c[4.5].#d)and(:a)",
    "size(a).b > a",
    "(size(a)).b > a",
    "size(a)[0] > a",
    "(size(a))[0] > a",
    "a",
    ":a",
    "(a)",
    "a AND b = c",
    "a = b AND",
    "NOT a",
    "(a = b) = c",
    "a = b = c",
    "a = (b = c)",
    "a BETWEEN b OR c",
    "attribute_exists()",
    "attribute_exists(a = b)",
    "a + b = c",
    ")",
)

BROKEN_UPDATES = (
    "whatever",
    "set a",
    "add a",
    "delete a",
    "set a=set",
    "remove a = b",
    "add a = b",
    "delete a = b",
    "delete a b",
    "delete a if_not_exist(b)",
    "add abort b",
    "add a if_not_exist(b)",
    "remove a b",
    "set a b",
    "set :a = b",
    "add :a b",
    "delete :a b",
    "remove :a",
    "set a = b / c",
    "set a = b * c",
    'set a[1] = "eight"',
    "set a[1] = 1",
    "SET a = if_not_exist(a, 100)",
    "SET if_not_exist(a, b) = a",
    "set (a = (b + c))",
    "set a = (b.c).d + e",
    "set a = b + (c.d).e",
    "set a = (b.c)[0] + e",
    "set a = b + c + d",
    "set a = :b,",
    "set a = :b,, c = :d",
)

# What is shown of a broken text: the token, and its neighbours.
SHOWN = (
    ("a > 4", 'Syntax error; token: "4", near: "> 4"'),
    ("a = :v AND", 'Syntax error; token: "<EOF>", near: "AND"'),
    ("user-id = :v", 'Syntax error; token: "-", near: "user-id"'),
    ("a = :v  !", 'Syntax error; token: "!", near: ":v  !"'),
)

REDUNDANT = (
    "a=a and a > ((views))",
    "(a)between(((b.c)).d)and(c)",
    "a > whatever((:things), ((a)))",
    "a=a AND ((a=a AND a=a)) AND a=a",
    "a=a OR ((a=a OR a=a)) OR a=a",
    "a=a AND ((a=a AND (a=a AND a=a)))",
    "((a = :a))",
)


@pytest.mark.parametrize(("text", "tree"), CONDITIONS)
def test_conditions_bind_as_published(text: str, tree: Condition) -> None:
    parsed = parse_condition(KIND, text)
    assert parsed.condition == tree
    assert not parsed.redundant


@pytest.mark.parametrize("text", BROKEN_CONDITIONS)
def test_a_broken_condition_is_a_syntax_error(text: str) -> None:
    with pytest.raises(InvalidExpression, match=r"^Invalid ConditionExpression: Syntax error; "):
        parse_condition(KIND, text)


@pytest.mark.parametrize("text", BROKEN_UPDATES)
def test_a_broken_update_is_a_syntax_error(text: str) -> None:
    with pytest.raises(InvalidExpression, match=r"^Invalid UpdateExpression: Syntax error; "):
        parse_update(text)


@pytest.mark.parametrize("text", ["a,", ",a", "a b", "a[b]", "a.", "a..b", ":a", "a = b", "size(a)", "a[-1]"])
def test_a_broken_projection_is_a_syntax_error(text: str) -> None:
    with pytest.raises(InvalidExpression, match=r"^Invalid ProjectionExpression: Syntax error; "):
        parse_projection(text)


@pytest.mark.parametrize(("text", "fault"), SHOWN)
def test_a_syntax_error_shows_the_token_and_its_neighbours(text: str, fault: str) -> None:
    with pytest.raises(InvalidExpression) as refused:
        parse_condition(KIND, text)
    assert refused.value.fault == fault


@pytest.mark.parametrize("text", REDUNDANT)
def test_doubled_parentheses_are_noted(text: str) -> None:
    assert parse_condition(KIND, text).redundant


@pytest.mark.parametrize("text", ["", " \t\r\n"])
def test_an_empty_expression_is_refused(text: str) -> None:
    for parse in (lambda: parse_condition(KIND, text), lambda: parse_update(text), lambda: parse_projection(text)):
        with pytest.raises(InvalidExpression, match="The expression can not be empty;"):
            parse()


def test_an_expression_has_at_most_4096_bytes() -> None:
    parse_projection("a" * 4096)
    with pytest.raises(InvalidExpression) as refused:
        parse_projection("a" * 4097)
    assert refused.value.message == (
        "Invalid ProjectionExpression: Expression size has exceeded the maximum allowed size; expression size: 4097"
    )


@pytest.mark.parametrize("opening", ["(", "NOT (", "NOT ", "size("])
def test_no_depth_exhausts_the_stack(opening: str) -> None:
    with pytest.raises(InvalidExpression, match=f"more than {DEPTH_MAX} groups"):
        parse_condition(KIND, opening * 700)


@given(conditions())
def test_a_condition_survives_print_and_parse(condition: Condition) -> None:
    assert parse_condition(KIND, condition_text(condition)).condition == condition


@given(updates())
def test_an_update_survives_print_and_parse(update: Update) -> None:
    assert parse_update(update_text(update)) == update


@given(paths())
def test_a_path_survives_print_and_parse(path: Path) -> None:
    assert parse_projection(path_text(path)) == (path,)
