"""Retry and Catch: their elements, compiled.

Source: https://states-language.net/#errors
"""

from collections.abc import Mapping

from interstate.base.json import JSONObject
from interstate.core.asl.dataflow import compile_assign, compile_catch_query, compile_result_path
from interstate.core.asl.definition import Catcher, Retrier
from interstate.core.asl.errors import InvalidField
from interstate.core.asl.scope import Scope

SECONDS_MAX = 99_999_999
DELAY_S_MAX = 31_622_400

_RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
_CATCHER = frozenset({"ErrorEquals", "Next", "ResultPath", "Output", "Assign", "Comment"})
_KNOWN: Mapping[str, frozenset[str]] = {"Retry": _RETRIER, "Catch": _CATCHER}
ALL_LAST = "States.ALL must appear alone and at end of list"


def _handlers(scope: Scope, field: str) -> list[tuple[JSONObject, tuple[str, ...], str]]:
    """The elements of Retry or Catch with the errors that they meet and their places."""
    reader = scope.reader
    handlers = []
    elements = reader.array(scope.given, field, scope.place)
    for index, element in enumerate(elements):
        place = f"{scope.place}/{field}[{index}]"
        given = reader.object(element, place)
        if given is None or not reader.required(given, ("ErrorEquals",), place):
            continue
        reader.only(given, _KNOWN[field], place)
        scope.of_language(given, place)
        names = reader.array(given, "ErrorEquals", place, empty=False)
        if not all(isinstance(name, str) for name in names):
            reader.fault("Expected value of type String", f"{place}/ErrorEquals")
            continue
        if "States.ALL" in names and (len(names) > 1 or index < len(elements) - 1):
            reader.fault(ALL_LAST, f"{place}/ErrorEquals")
        handlers.append((given, tuple(str(name) for name in names), place))
    return handlers


def retry_of(scope: Scope) -> tuple[Retrier, ...]:
    """The state's Retry."""
    reader = scope.reader
    retriers = []
    for given, names, place in _handlers(scope, "Retry"):
        interval = reader.integer(given, "IntervalSeconds", place, 1, SECONDS_MAX)
        attempts = reader.integer(given, "MaxAttempts", place, 0, SECONDS_MAX)
        rate = reader.number(given, "BackoffRate", place, 1.0)
        most = reader.integer(given, "MaxDelaySeconds", place, 1, DELAY_S_MAX)
        jitter = reader.one_of(given, "JitterStrategy", place, ("NONE", "FULL"))
        retriers.append(
            Retrier(
                names,
                interval or 1,
                3 if attempts is None else attempts,
                2.0 if rate is None else rate,
                most,
                "FULL" if jitter == "FULL" else "NONE",
            )
        )
    return tuple(retriers)


def catch_of(scope: Scope) -> tuple[Catcher, ...]:
    """The state's Catch."""
    reader = scope.reader
    catchers = []
    for given, names, place in _handlers(scope, "Catch"):
        if not reader.required(given, ("Next",), place):
            continue
        try:
            catcher = _catcher(scope, given, place, names)
        except InvalidField as error:
            reader.fault(error.message, error.place, error.code)
            continue
        catchers.append(catcher)
    return tuple(catchers)


def _catcher(scope: Scope, given: JSONObject, place: str, names: tuple[str, ...]) -> Catcher:
    target = scope.reader.string(given, "Next", place) or ""
    field = place.removeprefix(f"{scope.place}/")
    if scope.jsonata:
        allowed = frozenset({"input", "context", "errorOutput"})
        output = None
        if "Output" in given:
            output = compile_catch_query(given["Output"], f"{field}/Output", f"{place}/Output")
        assign = compile_assign(given, place, jsonata=True, allowed=allowed, field=f"{field}/Assign")
        return Catcher(names, target, None, output, assign, jsonata=True)
    put = compile_result_path(given.get("ResultPath", "$"), f"{place}/ResultPath")
    return Catcher(names, target, put, None, compile_assign(given, place, jsonata=False))
