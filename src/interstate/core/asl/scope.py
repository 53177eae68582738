"""What the parsers of states share: the state that is being read, its fields, its values of either language.

Source: https://states-language.net/#state-types
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.dataflow import PASS_THROUGH, DataFlow, compile_dataflow, compile_queries
from interstate.core.asl.definition import Machine
from interstate.core.asl.query import compile_query, is_expression
from interstate.core.asl.reader import Reader
from interstate.core.asl.template import Template
from interstate.core.jsonpath.path import InvalidPath, Path, compile_path

INTEGER_MAX = 2**63 - 1

_ANY = frozenset({"Type", "Comment", "QueryLanguage"})
_IO = frozenset({"InputPath", "OutputPath", "Output"})
_NEXT = frozenset({"Next", "End", "Assign"})
_RESULT = frozenset({"Parameters", "Arguments", "ResultSelector", "ResultPath"})
_ERRORS = frozenset({"Retry", "Catch"})
_TOLERATED = frozenset(
    {
        "ToleratedFailureCount",
        "ToleratedFailureCountPath",
        "ToleratedFailurePercentage",
        "ToleratedFailurePercentagePath",
    }
)

FIELDS: Mapping[str, frozenset[str]] = {
    "Pass": _ANY | _IO | _NEXT | {"Result", "ResultPath", "Parameters"},
    "Task": _ANY
    | _IO
    | _NEXT
    | _RESULT
    | _ERRORS
    | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"},
    "Choice": _ANY | _IO | {"Assign", "Choices", "Default"},
    "Wait": _ANY | _IO | _NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Succeed": _ANY | _IO,
    "Fail": _ANY | {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": _ANY | _IO | _NEXT | _RESULT | _ERRORS | {"Branches"},
    "Map": _ANY
    | _IO
    | _NEXT
    | (_RESULT - {"Arguments"})
    | _ERRORS
    | _TOLERATED
    | {
        "ItemProcessor",
        "Iterator",
        "ItemsPath",
        "Items",
        "ItemSelector",
        "MaxConcurrency",
        "MaxConcurrencyPath",
        "Label",
    }
    | {"ItemReader", "ItemBatcher", "ResultWriter"},
}
"""What each type of state may hold; anything else is refused."""

OF_JSONPATH = frozenset(
    {
        "InputPath",
        "OutputPath",
        "ResultPath",
        "Parameters",
        "ResultSelector",
        "Result",
        "ItemsPath",
        "TimeoutSecondsPath",
        "HeartbeatSecondsPath",
        "SecondsPath",
        "TimestampPath",
        "MaxConcurrencyPath",
        "ToleratedFailurePercentagePath",
        "ToleratedFailureCountPath",
        "MaxItemsPath",
        "MaxItemsPerBatchPath",
        "MaxInputBytesPerBatchPath",
        "ErrorPath",
        "CausePath",
        "Variable",
    }
)
OF_JSONATA = frozenset({"Arguments", "Output", "Items", "Condition"})
"""Fields of one query language only."""


class Scope(NamedTuple):
    """A state that is being read; ``inner(given, place, processor=...)`` reads a machine inside it."""

    reader: Reader
    name: str
    given: JSONObject
    place: str
    inner: Callable[[JSON, str, bool], Machine | None]
    jsonata: bool = False

    def of_language(self, given: JSONObject, place: str) -> None:
        """Note the fields of the other query language."""
        other, which, here = (
            (OF_JSONPATH, "JSONPath", "JSONata") if self.jsonata else (OF_JSONATA, "JSONata", "JSONPath")
        )
        for name in given:
            if name in other:
                self.reader.fault(
                    f"The QueryLanguage is set to '{here}', but field '{name}' is only supported for the '{which}' QueryLanguage",
                    place,
                )


def flow_of(scope: Scope, *, has_result: bool = False) -> DataFlow:
    """The state's data flow."""
    reader, given, place = scope.reader, scope.given, scope.place
    if scope.jsonata:
        return reader.compiled(lambda: compile_queries(given, place, has_result=has_result), PASS_THROUGH)
    return reader.compiled(lambda: compile_dataflow(given, place), PASS_THROUGH)


def next_of(scope: Scope) -> str | None:
    """The next state; None for the end."""
    reader, given, place = scope.reader, scope.given, scope.place
    which = reader.exactly_one(given, ("Next", "End"), place)
    if which == "End" and given["End"] is not True:
        reader.fault("Value must be true", f"{place}/End")
    return reader.string(given, "Next", place)


def path_of(scope: Scope, name: str, *, given: JSONObject | None = None, place: str | None = None) -> Path | None:
    """The path at ``name``, of the state or of an object inside it."""
    given, place = (scope.given if given is None else given), (scope.place if place is None else place)
    text = scope.reader.string(given, name, place)
    if text is None:
        return None
    try:
        return compile_path(text)
    except InvalidPath as error:
        scope.reader.fault(f"Value is not a valid JSONPath: {error.reason}", f"{place}/{name}")
        return None


def query_of(
    scope: Scope, name: str, field: str, *, given: JSONObject | None = None, place: str | None = None
) -> Template | None:
    """The JSONata value at ``name``; None where there is none, or it is wrong."""
    given, place = (scope.given if given is None else given), (scope.place if place is None else place)
    if name not in given:
        return None
    allowed = frozenset({"input", "context"})
    return scope.reader.compiled(lambda: compile_query(given[name], field, f"{place}/{name}", allowed=allowed), None)


def integer_of(
    scope: Scope,
    name: str,
    least: int,
    most: int,
    *,
    given: JSONObject | None = None,
    place: str | None = None,
    within: str = "",
) -> int | Path | Template | None:
    """An integer, its path (``nameSecondsPath``), or a JSONata expression for it."""
    given, place = (scope.given if given is None else given), (scope.place if place is None else place)
    by_path = f"{name}Path"
    if not scope.reader.at_most_one(given, (name, by_path), place):
        return None
    if by_path in given:
        return path_of(scope, by_path, given=given, place=place)
    if scope.jsonata and isinstance(given.get(name), str):
        return _expression(scope, name, given, place, within)
    return scope.reader.integer(given, name, place, least, most)


def _expression(scope: Scope, name: str, given: JSONObject, place: str, within: str) -> Template | None:
    if not is_expression(given[name]):
        scope.reader.fault("Expected value of type Integer or a JSONata expression", f"{place}/{name}")
        return None
    return query_of(scope, name, f"{within}{name}", given=given, place=place)


def number_of(scope: Scope, name: str, least: float, most: float) -> float | Path | Template | None:
    """A number, its path, or a JSONata expression for it."""
    given, place = scope.given, scope.place
    by_path = f"{name}Path"
    if not scope.reader.at_most_one(given, (name, by_path), place):
        return None
    if by_path in given:
        return path_of(scope, by_path)
    if scope.jsonata and isinstance(given.get(name), str):
        return _expression(scope, name, given, place, "")
    value = scope.reader.number(given, name, place, least)
    if value is not None and value > most:
        scope.reader.fault(f"Value is more than {most:g}", f"{place}/{name}")
        return None
    return value
