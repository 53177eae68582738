"""One parser a state type: fields into compiled states. Task and Map have modules of their own.

Source: https://states-language.net/#state-types
"""

from collections.abc import Callable, Mapping
from datetime import datetime

from interstate.base.json import JSONObject
from interstate.base.time import parse_iso
from interstate.core.asl.choice import compile_rule
from interstate.core.asl.dataflow import compile_assign, compile_expression
from interstate.core.asl.definition import (
    Choice,
    ChoiceRule,
    Fail,
    Parallel,
    Pass,
    Seconds,
    SecondsPath,
    SecondsQuery,
    State,
    Succeed,
    Timestamp,
    TimestampPath,
    TimestampQuery,
    Wait,
)
from interstate.core.asl.parse_errors import catch_of, retry_of
from interstate.core.asl.parse_map import parse_map
from interstate.core.asl.parse_task import parse_resource, parse_task
from interstate.core.asl.query import BOTH_ENDS, compile_query, is_expression
from interstate.core.asl.scope import Scope, flow_of, integer_of, next_of, path_of, query_of
from interstate.core.asl.template import Template
from interstate.core.asl.vocabulary import Datum
from interstate.core.jsonpath.path import Path, compile_path

SECONDS_MAX = 99_999_999


def _pass(scope: Scope) -> State:
    result = Datum(value=scope.given["Result"]) if "Result" in scope.given else None
    return Pass(scope.name, next_of(scope), flow_of(scope), result)


def _succeed(scope: Scope) -> State:
    return Succeed(scope.name, flow_of(scope))


def _fail(scope: Scope) -> State:
    def text(name: str) -> str | Template | None:
        by_path = f"{name}Path"
        if not scope.reader.at_most_one(scope.given, (name, by_path), scope.place):
            return None
        if by_path in scope.given:
            where = f"{scope.place}/{by_path}"
            return scope.reader.compiled(lambda: compile_expression(scope.given[by_path], by_path, where), None)
        given = scope.reader.string(scope.given, name, scope.place)
        return query_of(scope, name, name) if scope.jsonata and is_expression(given) else given

    return Fail(scope.name, text("Error"), text("Cause"), scope.jsonata)


def _parallel(scope: Scope) -> State:
    reader, place = scope.reader, scope.place
    reader.required(scope.given, ("Branches",), place)
    given = reader.array(scope.given, "Branches", place, empty=False)
    branches = [scope.inner(branch, f"{place}/Branches[{index}]", False) for index, branch in enumerate(given)]  # noqa: FBT003 - no processor
    machines = tuple(branch for branch in branches if branch is not None)
    flow = flow_of(scope, has_result=True)
    return Parallel(scope.name, next_of(scope), flow, machines, retry_of(scope), catch_of(scope))


# Choice -----------------------------------------------------------------------------------------------------------

_QUERY_RULE = frozenset({"Condition", "Next", "Output", "Assign", "Comment"})


def _choice(scope: Scope) -> State:
    reader, place = scope.reader, scope.place
    reader.required(scope.given, ("Choices",), place)
    choices: list[ChoiceRule] = []
    for index, given in enumerate(reader.array(scope.given, "Choices", place, empty=False)):
        here = f"{place}/Choices[{index}]"
        rule = reader.object(given, here)
        if rule is None or not reader.required(rule, ("Next",), here):
            continue
        target = reader.string(rule, "Next", here)
        compiled = (_query_rule if scope.jsonata else _path_rule)(scope, rule, here, f"Choices[{index}]", target or "")
        if compiled is not None:
            choices.append(compiled)
    return Choice(scope.name, flow_of(scope), tuple(choices), reader.string(scope.given, "Default", place))


def _path_rule(scope: Scope, rule: JSONObject, here: str, field: str, target: str) -> ChoiceRule | None:
    before = len(scope.reader.faults)
    scope.of_language(rule, here)
    if len(scope.reader.faults) > before:
        return None
    compiled = scope.reader.compiled(lambda: compile_rule(rule, here), None)
    assign = scope.reader.compiled(lambda: compile_assign(rule, here, jsonata=False), None)
    return None if compiled is None else ChoiceRule(target, compiled, field=field, assign=assign)


def _query_rule(scope: Scope, rule: JSONObject, here: str, field: str, target: str) -> ChoiceRule | None:
    reader = scope.reader
    before = len(reader.faults)
    scope.of_language(rule, here)
    if len(reader.faults) > before or not reader.required(rule, ("Condition",), here):
        return None
    reader.only(rule, _QUERY_RULE, here)
    given = rule["Condition"]
    if isinstance(given, str) and not is_expression(given):
        reader.fault(BOTH_ENDS, f"{here}/Condition")
    elif not isinstance(given, str | bool):
        reader.fault("Expected value of type Boolean", f"{here}/Condition")
    condition = query_of(scope, "Condition", f"{field}/Condition", given=rule, place=here)
    output = query_of(scope, "Output", f"{field}/Output", given=rule, place=here)
    assign = reader.compiled(lambda: compile_assign(rule, here, jsonata=True, field=f"{field}/Assign"), None)
    return ChoiceRule(target, None, condition, f"{field}/Condition", output, assign)


# Wait -------------------------------------------------------------------------------------------------------------

_UNTIL = ("SecondsPath", "Seconds", "TimestampPath", "Timestamp")


def _wait(scope: Scope) -> State:
    until = _until(scope, scope.reader.exactly_one(scope.given, _UNTIL, scope.place))
    return Wait(scope.name, next_of(scope), flow_of(scope), until)


def _until(
    scope: Scope, which: str | None
) -> Seconds | Timestamp | SecondsPath | TimestampPath | SecondsQuery | TimestampQuery:
    match which:
        case "Seconds":
            seconds = integer_of(scope, "Seconds", 0, SECONDS_MAX)
            if isinstance(seconds, Template):
                return SecondsQuery(seconds)
            return Seconds(seconds if isinstance(seconds, int) else 0)
        case "Timestamp":
            return _timestamp(scope)
        case "SecondsPath" | "TimestampPath":
            path: Path = path_of(scope, which) or compile_path("$")
            return SecondsPath(path) if which == "SecondsPath" else TimestampPath(path)
        case _:
            return Seconds(0)


def _timestamp(scope: Scope) -> Timestamp | TimestampQuery:
    text = scope.reader.string(scope.given, "Timestamp", scope.place) or ""
    place = f"{scope.place}/Timestamp"
    if scope.jsonata and is_expression(text):
        query = scope.reader.compiled(
            lambda: compile_query(text, "Timestamp", place, allowed=frozenset({"input", "context"})), None
        )
        return Timestamp(datetime.min) if query is None else TimestampQuery(query)  # noqa: DTZ901 - never used: refused
    try:
        return Timestamp(parse_iso(text))
    except ValueError:
        scope.reader.fault("String does not match RFC3339 timestamp", place)
        return Timestamp(datetime.min)  # noqa: DTZ901 - never used: the definition is refused


__all__ = ["PARSERS", "parse_resource"]

PARSERS: Mapping[str, Callable[[Scope], State | None]] = {
    "Pass": _pass,
    "Task": parse_task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": parse_map,
}
