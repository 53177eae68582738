"""What an expression mentions. Source: https://docs.jsonata.org/overview (grammar)."""

import pytest

from interstate.core.jsonata.references import references_of

CASES: list[tuple[str, set[str], set[str] | None]] = [
    ("$states.input.a & $x", {"x"}, {"input"}),
    ("$states.`result`.a", set(), {"result"}),
    ("$states", set(), None),
    ("$states ~> $keys", {"keys"}, None),
    ("$contains($s, /^hello\\$no/)", {"contains", "s"}, set()),
    ("$a / $b / $c", {"a", "b", "c"}, set()),
    ("/* $c */ '$d' & $e & \"$f\" & `$g`", {"e"}, set()),
    ("$states.context.State.Name & $états", {"états"}, {"context"}),
]


@pytest.mark.parametrize(("text", "variables", "states"), CASES)
def test_mentioned(text: str, variables: set[str], states: set[str] | None) -> None:
    found = references_of(text)
    assert (set(found.variables), None if found.states is None else set(found.states)) == (variables, states)


def test_names_that_an_expression_binds_itself() -> None:
    found = references_of("($sum := 1; $map($l, function($v, $i) { $v + $i + $out }))")
    assert found.local == {"sum", "v", "i"}
    assert {"out", "l"} <= found.variables


def test_the_root() -> None:
    assert references_of("$$.a").uses_root
    assert not references_of("'$$'").uses_root


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("$states.input.a.b[0].c", (("input", "a", "b"),)),
        (
            "$states.input.a ~> $count & $states.context.Map.Item.Value.x.y",
            (("context", "Map", "Item", "Value"), ("input", "a")),
        ),
        ("$states.input.*", (("input",),)),
        ("$states.input.a.b.%.c", (("input",),)),
        ("$states.input.`a b`.$keys()", (("input", "a b"),)),
        ("$states[0]", ((),)),
    ],
)
def test_how_far_down_is_looked(text: str, paths: tuple[tuple[str, ...], ...]) -> None:
    assert references_of(text).paths == paths
