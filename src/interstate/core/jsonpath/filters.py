"""What filters and the end of a query may say beyond the library's grammar, in the library's words.

Step Functions evaluates paths with Jayway's JsonPath, whose filters have operators that are words (``nin``, ``size``, ``subsetof``
and others). A word without quotes on the right of a comparison is a text.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/amazon-states-language-paths.html (only reference paths are without
"lexical operators" and functions such as ``length()``); https://github.com/json-path/JsonPath (Filter Operators); words without quotes
stand in deployed definitions: https://github.com/aws-samples/step-functions-workflows-collection/tree/main/parallel-translate
"""

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from interstate.base.json import JSON, BrokenJSON, dumps, loads

if TYPE_CHECKING:
    from jsonpath import JSONPathEnvironment

FUNCTIONS = frozenset(
    {"append", "avg", "concat", "first", "index", "keys", "last", "length", "max", "min", "stddev", "sum"}
)
"""Functions with which a path may end. Only ``length`` finds something.

Source of the others: https://repost.aws/questions/QUYiQKP0XfThWEc_ahsMnLOA ("could not be found in the input").
"""
_TEXT = r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\""""
_WORD = re.compile(rf"{_TEXT}|(?P<sign>[=!]=|[<>]=?)(?P<space>\s*)(?P<word>[^\W\d][\w-]*)(?![\w(.\[-])")
_PATH = r"""@(?:\.[^\W\d][\w-]*|\[\s*(?:'(?:[^'\\]|\\.)*'|\d+)\s*\])*"""
_LEXICAL = re.compile(
    rf"{_TEXT}|(?P<path>{_PATH})\s+(?P<operator>nin|size|empty|subsetof|anyof|noneof)\s+"
    r"(?P<right>\[[^\]]*\]|true|false|\d+)"
)
_CONSTANTS = frozenset({"true", "false", "null", "nil", "none", "True", "False", "None"})


def in_library_words(rest: str) -> str:
    """A query's filters as the library reads them."""
    return _LEXICAL.sub(_called, _WORD.sub(_quoted, rest))


def _quoted(match: re.Match[str]) -> str:
    word = match["word"]
    if word is None or word in _CONSTANTS:
        return match[0]
    return f"{match['sign']}{match['space']}'{word}'"


def _called(match: re.Match[str]) -> str:
    path, operator, right = match["path"], match["operator"], match["right"]
    match operator:
        case "nin":
            return f"!({path} in {right})"
        case "size":
            return f"length({path}) == {right}"
        case "empty":
            return f"length({path}) {'==' if right == 'true' else '>'} 0"
        case "subsetof" | "anyof" | "noneof":
            return f"{operator}({path}, {_as_text(right)})"
        case _:
            return match[0]


def _as_text(literal: str) -> str:
    """A list as a text, which the library takes as an argument: its JSON in single quotes."""
    written = re.sub(r"'((?:[^'\\]|\\.)*)'", lambda text: dumps(text[1].replace("\\'", "'")), literal)
    escaped = written.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


@cache
def environment() -> "JSONPathEnvironment":
    """The library with what Jayway's filters have more."""
    from jsonpath import JSONPathEnvironment  # noqa: PLC0415 - imported when the first query is compiled (design, start-up)
    from jsonpath.function_extensions import ExpressionType, FilterFunction  # noqa: PLC0415 - as above

    class Lexical(FilterFunction):
        arg_types = [ExpressionType.VALUE, ExpressionType.VALUE]  # noqa: RUF012 - the library's own form
        return_type = ExpressionType.LOGICAL

        def __init__(self, name: str) -> None:
            self.name = name

        def __call__(self, left: Any, right: Any) -> bool:
            return _holds(self.name, left, right)

    made = JSONPathEnvironment()
    for name in ("subsetof", "anyof", "noneof"):
        made.function_extensions[name] = Lexical(name)
    return made


def _holds(name: str, left: JSON, right: str) -> bool:
    if not isinstance(left, list):
        return False
    try:
        wanted = loads(right)
    except BrokenJSON:
        return False
    assert isinstance(wanted, list)
    match name:
        case "subsetof":
            return all(item in wanted for item in left)
        case "anyof":
            return any(item in wanted for item in left)
        case _:
            return not any(item in wanted for item in left)


def length(value: JSON) -> int | None:
    """How many members an array or an object has, or characters a text."""
    return len(value) if isinstance(value, list | dict | str) else None
