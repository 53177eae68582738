"""Expressions: what they give, what bounds them, what they cannot see.

Sources: https://docs.aws.amazon.com/step-functions/latest/dg/transforming-data.html (JSONata 2.0.6 without $eval, the functions that
Step Functions adds), https://docs.jsonata.org/, and answers recorded from Step Functions.
"""

from datetime import UTC, datetime
from typing import Any

import jsonatapy
import pytest

from interstate.base.ids import Entropy
from interstate.core.jsonata.expression import Failure, InvalidExpression, Undefined, Unsupported, compile_expression
from interstate.core.jsonata.functions import BUILT_IN, FUNCTIONS, OVERRIDDEN, OWN

NOW = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)


def value_of(text: str, seed: bytes = b"seed", **variables: Any) -> Any:
    return compile_expression(text).evaluate(variables, entropy=Entropy(seed), now=NOW)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("$x.a", 1),
        ("$sum($x.l)", 6),
        ("null", None),
        ("''", ""),
        ("[$nothing]", []),
        ("{'a': $nothing}", {}),
        ("$contains('hello$world', /^hello\\$/)", True),
        ("$variable := 1", 1),
        ("$partition([1, 2, 3, 4, 5], 2)", [[1, 2], [3, 4], [5]]),
        ("$range(0, 10, 3)", [0, 3, 6, 9]),
        ("$range(3, 1, -1)", [3, 2, 1]),
        ("$range(1, 9, 9)", 1),
        ("[$range(1, 9, 9)]", [1]),
        ("$hash('input data', 'SHA-1')", "aaff4a450a104cd177d28d18d74485e8cae074b7"),
        ("""$parse('{"foo": [1]}').foo""", [1]),
        ("$now()", "2026-01-02T03:04:05.678Z"),
        ("$now('[Y]/[M]')", "2026/1"),
        ("$millis()", 1767323045678),
        ("$toMillis('12:30', '[H01]:[m01]')", 1767357000000),
        ("$toMillis('1970-01-01T00:00:01Z')", 1000),
        ("($clock := $now; $clock())", "2026-01-02T03:04:05.678Z"),
        ("$x.big", 2.0**70),
    ],
)
def test_values(text: str, expected: Any) -> None:
    assert value_of(text, x={"a": 1, "l": [1, 2, 3], "big": 2**70}) == expected


@pytest.mark.parametrize("text", ["$random()", "$uuid()", "$shuffle([1, 2, 3, 4, 5, 6, 7, 8, 9])", "$random(7)"])
def test_chance_comes_from_the_seed(text: str) -> None:
    assert value_of(text) == value_of(text)
    if text != "$random(7)":
        assert value_of(text, b"one") != value_of(text, b"two")
    else:
        assert value_of(text, b"one") == value_of(text, b"two")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("$randomSeeded(1)", "T1006: Attempted to invoke a non-function"),
        ("$eval('1 + 1')", "T1006: Attempted to invoke a non-function"),
        ("$error('no luck')", "D3137: no luck"),
        ("$abs('x')", 'T0410: Argument 1 of function "abs" does not match function signature'),
        ("$count()", 'T0410: Argument 1 of function "count" does not match function signature'),
        ("$sum([1, 'a'])", 'T0412: Argument 1 of function "sum" must be an array of "numbers"'),
        ("'a' + 1", 'T2001: The left side of the "+" operator must evaluate to a number'),
        ("1 - 'a'", 'T2002: The right side of the "-" operator must evaluate to a number'),
        ("$number('x')", 'D3030: Unable to cast value to a number: "x"'),
        ("['a'..2]", "T2003: The left side of the range operator (..) must evaluate to an integer"),
        ("$replace('a', '', 'b')", "D3010: Second argument of replace function cannot be an empty string"),
        ("$split('a', 'b', -1)", "D3020: Third argument of split function must evaluate to a positive number"),
        (
            "$formatBase(10, 99)",
            "D3100: The radix of the formatBase function must be between 2 and 36.  It was given 99",
        ),
        (
            "$single([1, 2])",
            "D3138: The $single() function expected exactly 1 matching result.  Instead it matched more.",
        ),
        ("1 / 0", "D1001: Number out of range: Infinity"),
        ("$hash('a', 'CRC')", 'T0410: Argument 2 of function "hash" does not match function signature'),
        ("$partition([1], 0)", 'T0410: Argument 2 of function "partition" does not match function signature'),
        ("$range(1, 2, 0)", 'T0410: Argument 3 of function "range" does not match function signature'),
        ("$uuid(1)", 'T0410: Argument 1 of function "uuid" does not match function signature'),
        (
            "($f := function($n) { $n = 0 ? 0 : $f($n - 1) + 1 }; $f(100000))",
            "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive",
        ),
        ("[1..900000] ~> $count()", "Expression evaluation memory limit exceeded: Check for excessive memory usage"),
        ("[1..100000000]", "Expression evaluation memory limit exceeded: Check for excessive memory usage"),
    ],
)
def test_failures(text: str, reason: str) -> None:
    with pytest.raises(Failure) as caught:
        value_of(text)
    assert caught.value.reason == reason


@pytest.mark.parametrize("text", ["$nothing", "$x.nothing", "$", "field"])
def test_what_finds_nothing_is_told(text: str) -> None:
    with pytest.raises(Undefined):
        value_of(text, x={})


@pytest.mark.parametrize("text", ["$fn := function($x) { $x }", "$sum", "/a/"])
def test_a_function_is_no_result(text: str) -> None:
    with pytest.raises(Unsupported):
        value_of(text, x=2**70)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a[1,2)", 'Expected "]", got ","'),
        ('"unterminated', "String literal must be terminated by a matching quote"),
        ("1 +", "Unexpected end of expression"),
        ('{"a":}', 'The symbol "}" cannot be used as a unary operator'),
        ("$x :=", "Unexpected end of expression"),
        ("phone %.other", 'The symbol "." cannot be used as a unary operator'),
        ("", "Unexpected end of expression"),
    ],
)
def test_what_does_not_parse_is_refused_in_the_service_s_words(text: str, reason: str) -> None:
    with pytest.raises(InvalidExpression) as caught:
        compile_expression(text)
    assert caught.value.reason == reason


def test_equal_texts_are_compiled_once() -> None:
    assert compile_expression("$a + 1") is compile_expression("$a + 1")


REVIEWED = "2.2"
"""Versions of the library whose built-ins were gone through for what they read beside their arguments."""


def test_every_built_in_was_looked_at() -> None:
    """A newer library may bring a function that reads a clock: look, then put its name into BUILT_IN or OVERRIDDEN."""
    assert jsonatapy.__version__.startswith(f"{REVIEWED}."), jsonatapy.__version__
    unknown = {name for name in BUILT_IN if name not in OWN} - {"clone", "distinct"}
    probe = jsonatapy.compile("1")
    for name in sorted(unknown):
        with pytest.raises(ValueError, match=r"built-in|shadows"):
            probe.register(name, lambda *_: None)
    assert set(OVERRIDDEN) <= set(FUNCTIONS)


@pytest.mark.parametrize("text", ["$now()", "$millis()", "$toMillis('12:30', '[H01]:[m01]')", "$uuid()", "$random()"])
def test_no_function_sees_the_machine_s_clock_or_dice(text: str) -> None:
    early = datetime(1999, 1, 1, tzinfo=UTC)
    first = compile_expression(text).evaluate({}, entropy=Entropy(b"a"), now=early)
    assert first == compile_expression(text).evaluate({}, entropy=Entropy(b"a"), now=early)
