"""What the library says, in JSONata's own words, which are those that Step Functions shows.

The library leaves the name of a function out; it is put back where the expression calls one built-in only.

Source: the catalogue of errors of JSONata (https://github.com/jsonata-js/jsonata); causes of TestState, such as
``T0412: Argument 1 of function "sum" must be an array of "numbers"``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final

NO_FUNCTION: Final = "T1006: Attempted to invoke a non-function"
_MEMORY = "Expression evaluation memory limit exceeded: Check for excessive memory usage"

BEYOND: Mapping[str, str] = {
    "D1011": "Stack overflow error: Check for non-terminating recursive function.  Consider rewriting as tail-recursive",
    "D1012": "Expression evaluation timeout: Check for infinite loop",
    "D2014": _MEMORY,
    "D2015": _MEMORY,
}
"""How Step Functions ends an evaluation that goes beyond its bounds, by the library's code."""

_KINDS: Mapping[str, str] = {"Number": "numbers", "String": "strings", "Object": "objects"}
_CODE: Final = re.compile(r"[A-Z]\d{4}: ")
_RAISED = re.compile(r"host function raised \w+: (?=[A-Z]\d{4}: )")
_SIGNATURE = "does not match function signature"


def _of_function(found: re.Match[str], function: str | None) -> str | None:
    return None if function is None else f'Argument {found[1]} of function "{function}" {_SIGNATURE}'


def _array_of(found: re.Match[str], function: str | None) -> str | None:
    if function is None or found[2] not in _KINDS:
        return None
    return f'Argument {found[1]} of function "{function}" must be an array of "{_KINDS[found[2]]}"'


def _count(found: re.Match[str], function: str | None) -> str | None:
    wanted, given = int(found[1]), int(found[2])
    at = min(wanted, given) + 1  # The first that is missing, or too much.
    return None if function is None else f'Argument {at} of function "{function}" {_SIGNATURE}'


_Reword = Callable[[re.Match[str], str | None], str | None]
# Code, what the library says, what JSONata says.
_REWORDED: tuple[tuple[str, re.Pattern[str], _Reword], ...] = (
    ("T0410", re.compile(r"Argument (\d+) must be .*"), _of_function),
    ("T0410", re.compile(r"Argument count mismatch: expected (\d+), got (\d+)"), _count),
    ("T0412", re.compile(r"Argument (\d+) must be an array of (\w+)"), _array_of),
    (
        "T2001",
        re.compile(r"The left side of the (\S+) operator (.*)"),
        lambda at, _: f'The left side of the "{at[1]}" operator {at[2]}',
    ),
    (
        "T2002",
        re.compile(r"The right side of the (\S+) operator (.*)"),
        lambda at, _: f'The right side of the "{at[1]}" operator {at[2]}',
    ),
    ("T2003", re.compile(r".*"), lambda *_: "The left side of the range operator (..) must evaluate to an integer"),
    ("T2004", re.compile(r".*"), lambda *_: "The right side of the range operator (..) must evaluate to an integer"),
    ("D3010", re.compile(r".*"), lambda *_: "Second argument of replace function cannot be an empty string"),
    ("D3020", re.compile(r".*"), lambda *_: "Third argument of split function must evaluate to a positive number"),
    (
        "D3100",
        re.compile(r"Radix must be between 2 and 36, got (.*)"),
        lambda at, _: f"The radix of the formatBase function must be between 2 and 36.  It was given {at[1]}",
    ),
    ("D3138", re.compile(r"(.*) \(\d+ values\)"), lambda at, _: at[1]),
    (
        "D3030",
        re.compile(r"Cannot convert '(.*)' to number"),
        lambda at, _: f'Unable to cast value to a number: "{at[1]}"',
    ),
)


def is_coded(reason: str) -> bool:
    """Whether a reason opens with one of JSONata's codes."""
    return _CODE.match(reason) is not None


def without_code(message: str) -> str:
    """The sentence behind the code."""
    return _CODE.sub("", message, count=1)


def reason_of(message: str, function: str | None) -> str:
    """Code and message as Step Functions shows them; ``function`` is the only built-in that the expression calls, if it is one."""
    message = _RAISED.sub("", message)
    code, sentence = message[:5], without_code(message)
    if code == NO_FUNCTION[:5]:
        return NO_FUNCTION
    if code in BEYOND:
        return BEYOND[code]
    for of, pattern, reword in _REWORDED:
        if of == code and (found := pattern.fullmatch(sentence)) is not None and (said := reword(found, function)):
            return f"{code}: {said}"
    return message
