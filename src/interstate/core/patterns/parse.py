"""Read the text of a pattern.

Theory of operation
-------------------
The reader goes forward once, as the published compiler does, so that of several faults the same one is named, with the
same words and place. ``$or`` multiplies: all combinations read so far are continued by each of its objects. A field that is
named again under the same path replaces what was said about it before.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html; JsonRuleCompiler of
github.com/aws/event-ruler for the faults and their words.
"""

from collections.abc import Callable, Mapping
from typing import Any

from interstate.base.json import dumps
from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.leaf import FALSE, TRUE, Leaf
from interstate.core.patterns.operators import AnythingButMatching, Exists, Operator, Wildcard
from interstate.core.patterns.operators.anything_but import read_anything_but
from interstate.core.patterns.operators.cidr import exactly, read_cidr
from interstate.core.patterns.operators.equals_ignore_case import read_equals_ignore_case
from interstate.core.patterns.operators.exists import read_exists
from interstate.core.patterns.operators.numeric import number_of, read_numeric
from interstate.core.patterns.operators.only_key import end_of_expression
from interstate.core.patterns.operators.prefix import read_prefix
from interstate.core.patterns.operators.suffix import read_suffix
from interstate.core.patterns.operators.wildcard import COMPLEXITY_MAX, complexity, read_wildcard
from interstate.core.patterns.pattern import Field, Pattern
from interstate.core.patterns.tokens import Tokens

# Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-create-pattern-operators.html ("Or" matching).
COMBINATIONS_MAX = 1000

# Names that cannot be fields inside $or. Source: Constants of github.com/aws/event-ruler.
_OPERATORS = (
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
)
_COMPARISONS = ("=", "<", "<=", ">", ">=")
_FUTURE = (
    *("regex", "not-wildcard", "not-equals-ignore-case", "ip-address-in-range", "ip-address-not-in-range"),
    *("date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range"),
)
_RESERVED_IN_OR = frozenset((*_OPERATORS, *_COMPARISONS, *_FUTURE))

_READERS: dict[str, Callable[[Tokens], Operator]] = {
    "prefix": read_prefix,
    "suffix": read_suffix,
    "numeric": read_numeric,
    "anything-but": read_anything_but,
    "cidr": read_cidr,
    "equals-ignore-case": read_equals_ignore_case,
    "wildcard": read_wildcard,
}

_Combination = dict[str, Field]


def parse_pattern(source: str | Mapping[str, Any]) -> Pattern:
    """Read a pattern, from its JSON text or from the object that was read from it.

    Raises:
        PatternError: it is none; the reason is AWS's.
    """
    tokens = Tokens(source if isinstance(source, str) else dumps(source))
    if tokens.next().kind != "{":
        tokens.refuse("Filter is not an object")
    combinations = _read_object(tokens, "", [], in_or=False)
    _refuse_if_too_complex(combinations)
    return Pattern(tuple(tuple(fields[path] for path in sorted(fields)) for fields in combinations))


def _read_object(tokens: Tokens, prefix: str, combinations: list[_Combination], *, in_or: bool) -> list[_Combination]:
    empty = True
    while tokens.next().kind != "}":
        empty = False
        name = tokens.token.text
        if name == "$or":
            combinations = _read_or(tokens, prefix, combinations)
            continue
        if in_or and name in _RESERVED_IN_OR:
            tokens.refuse(f"{name} is Ruler reserved fieldName which cannot be used inside $or.")
        match tokens.next().kind:
            case "{":
                combinations = _read_object(tokens, f"{prefix}{name}.", combinations, in_or=in_or)
            case "[":
                field = _read_values(tokens, prefix + name)
                combinations = [{**combination, field.path: field} for combination in combinations or [{}]]
            case _:
                tokens.refuse(f'"{name}" must be an object or an array')
    if empty:
        tokens.refuse("Empty objects are not allowed")
    return combinations


def _read_or(tokens: Tokens, prefix: str, combinations: list[_Combination]) -> list[_Combination]:
    if tokens.next().kind != "[":
        tokens.refuse("It must be an Array followed with $or.")
    count = 0
    multiplied: list[_Combination] = []
    while tokens.next().kind != "]":
        count += 1
        if tokens.token.kind != "{":
            tokens.refuse("Only JSON object is allowed in array of $or relationship.")
        multiplied += _read_object(tokens, prefix, combinations or [{}], in_or=True)
        if len(multiplied) > COMBINATIONS_MAX:
            raise PatternError(f"Rule contains more than {COMBINATIONS_MAX} combinations of $or")
    if count < 2:
        tokens.refuse("There must have at least 2 Objects in $or relationship.")
    return multiplied


def _read_values(tokens: Tokens, path: str) -> Field:
    exact: set[Leaf] = set()
    tests: list[Operator] = []
    absent = False
    while tokens.next().kind != "]":
        match tokens.token.kind:
            case "{":
                test = _read_expression(tokens)
                match test:
                    case str():
                        exact.add(test)
                    case None:
                        absent = True
                    case _:
                        tests.append(test)
            case "string":
                text = tokens.text()
                address = exactly(text)
                if address is None:
                    exact.add(text)
                else:
                    tests.append(address)
            case "number":
                exact.add(number_of(tokens.token.text))
            case "true" | "false" | "null" as word:
                exact.add({"true": TRUE, "false": FALSE, "null": None}[word])
            case _:
                tokens.refuse("Match value must be String, number, true, false, or null")
    if not exact and not tests and not absent:
        tokens.refuse("Empty arrays are not allowed")
    return Field(path, frozenset(exact), tuple(tests), absent)


def _read_expression(tokens: Tokens) -> Operator | str | None:
    """A match expression: an operator, the text that ``exactly`` names, or None for ``exists: false``."""
    if tokens.next().kind != "name":
        tokens.refuse("Match expression name not found")
    name = tokens.token.text
    if name == "exists":
        return Exists() if read_exists(tokens) else None
    if name == "exactly":
        return _read_exactly(tokens)
    if name not in _READERS:
        tokens.refuse(f"Unrecognized match type {name}")
    return _READERS[name](tokens)


def _read_exactly(tokens: Tokens) -> str:
    if tokens.next().kind != "string":
        tokens.refuse("exact match pattern must be a string")
    value = tokens.text()
    end_of_expression(tokens)
    return value


def _refuse_if_too_complex(combinations: list[_Combination]) -> None:
    tests = (test for fields in combinations for field in fields.values() for test in field.tests)
    for test in tests:
        wildcards = test.tests if isinstance(test, AnythingButMatching) else (test,)
        if any(isinstance(test, Wildcard) and complexity(test.pieces) > COMPLEXITY_MAX for test in wildcards):
            raise PatternError(
                "Rule is too complex - try using fewer wildcard characters or fewer repeating character sequences "
                "after a wildcard character"
            )
