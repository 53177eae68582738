"""One parser a state type: fields into compiled states.

Source: https://states-language.net/#state-types
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NamedTuple

from interstate.base.errors import NotImplementedHere
from interstate.base.json import JSON, JSONObject
from interstate.base.time import parse_iso
from interstate.core.asl.choice import Rule, compile_rule
from interstate.core.asl.dataflow import (
    PASS_THROUGH,
    DataFlow,
    Template,
    compile_dataflow,
    compile_expression,
    compile_result_path,
    compile_template,
)
from interstate.core.asl.errors import InvalidField
from interstate.core.asl.reader import Reader
from interstate.core.asl.vocabulary import (
    Catcher,
    Choice,
    Datum,
    Fail,
    Machine,
    Map,
    Parallel,
    Pass,
    Resource,
    Retrier,
    Seconds,
    SecondsPath,
    State,
    Succeed,
    Task,
    Timestamp,
    TimestampPath,
    Wait,
)
from interstate.core.jsonpath.path import InvalidPath, Path, compile_path

SECONDS_MAX = 99_999_999
DELAY_S_MAX = 31_622_400

_ANY = frozenset({"Type", "Comment", "QueryLanguage"})
_PATHS = frozenset({"InputPath", "OutputPath"})
_NEXT = frozenset({"Next", "End"})
_RESULT = frozenset({"Parameters", "ResultSelector", "ResultPath"})
_ERRORS = frozenset({"Retry", "Catch"})
_DISTRIBUTED = (
    "ItemReader",
    "ItemBatcher",
    "ResultWriter",
    "ToleratedFailureCount",
    "ToleratedFailureCountPath",
    "ToleratedFailurePercentage",
    "ToleratedFailurePercentagePath",
)

FIELDS: Mapping[str, frozenset[str]] = {
    "Pass": _ANY | _PATHS | _NEXT | {"Result", "ResultPath", "Parameters"},
    "Task": _ANY
    | _PATHS
    | _NEXT
    | _RESULT
    | _ERRORS
    | {"Resource", "TimeoutSeconds", "TimeoutSecondsPath", "HeartbeatSeconds", "HeartbeatSecondsPath", "Credentials"},
    "Choice": _ANY | _PATHS | {"Choices", "Default"},
    "Wait": _ANY | _PATHS | _NEXT | {"Seconds", "SecondsPath", "Timestamp", "TimestampPath"},
    "Succeed": _ANY | _PATHS,
    "Fail": _ANY | {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": _ANY | _PATHS | _NEXT | _RESULT | _ERRORS | {"Branches"},
    "Map": _ANY
    | _PATHS
    | _NEXT
    | _RESULT
    | _ERRORS
    | {"ItemProcessor", "Iterator", "ItemsPath", "ItemSelector", "MaxConcurrency", "MaxConcurrencyPath", "Label"}
    | {*_DISTRIBUTED},
}
"""What each type of state may hold; anything else is refused."""


class Scope(NamedTuple):
    """A state that is being read; ``inner(given, place)`` reads a machine inside it."""

    reader: Reader
    name: str
    given: JSONObject
    place: str
    inner: Callable[[JSON, str], Machine | None]


def _flow(scope: Scope) -> DataFlow:
    return scope.reader.compiled(lambda: compile_dataflow(scope.given, scope.place), PASS_THROUGH)


def _next(scope: Scope) -> str | None:
    """The next state; None for the end."""
    reader, given, place = scope.reader, scope.given, scope.place
    which = reader.exactly_one(given, ("Next", "End"), place)
    if which == "End" and given["End"] is not True:
        reader.fault("Value must be true", f"{place}/End")
    return reader.string(given, "Next", place)


def _path(scope: Scope, name: str) -> Path | None:
    text = scope.reader.string(scope.given, name, scope.place)
    if text is None:
        return None
    try:
        return compile_path(text)
    except InvalidPath as error:
        scope.reader.fault(f"Value is not a valid JSONPath: {error.reason}", f"{scope.place}/{name}")
        return None


def _pass(scope: Scope) -> State:
    result = Datum(value=scope.given["Result"]) if "Result" in scope.given else None
    return Pass(scope.name, _next(scope), _flow(scope), result)


def _choice(scope: Scope) -> State:
    reader, place = scope.reader, scope.place
    reader.required(scope.given, ("Choices",), place)
    choices: list[tuple[Rule, str]] = []
    for index, given in enumerate(reader.array(scope.given, "Choices", place, empty=False)):
        here = f"{place}/Choices[{index}]"
        rule = reader.object(given, here)
        if rule is None or not reader.required(rule, ("Next",), here):
            continue
        target = reader.string(rule, "Next", here)
        compiled = reader.compiled(lambda rule=rule, here=here: compile_rule(rule, here), None)  # type: ignore[misc]  # bound early
        if compiled is not None and target is not None:
            choices.append((compiled, target))
    return Choice(scope.name, _flow(scope), tuple(choices), reader.string(scope.given, "Default", place))


_UNTIL = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")


def _wait(scope: Scope) -> State:
    until = _until(scope, scope.reader.exactly_one(scope.given, _UNTIL, scope.place))
    return Wait(scope.name, _next(scope), _flow(scope), until)


def _until(scope: Scope, which: str | None) -> Seconds | Timestamp | SecondsPath | TimestampPath:
    match which:
        case "Seconds":
            return Seconds(scope.reader.integer(scope.given, "Seconds", scope.place, 0, SECONDS_MAX) or 0)
        case "Timestamp":
            return Timestamp(_timestamp(scope))
        case "SecondsPath" | "TimestampPath":
            path = _path(scope, which) or compile_path("$")
            return SecondsPath(path) if which == "SecondsPath" else TimestampPath(path)
        case _:
            return Seconds(0)


def _timestamp(scope: Scope) -> datetime:
    text = scope.reader.string(scope.given, "Timestamp", scope.place) or ""
    try:
        return parse_iso(text)
    except ValueError:
        scope.reader.fault("String does not match RFC3339 timestamp", f"{scope.place}/Timestamp")
        return datetime.min  # noqa: DTZ901 - never used: the definition is refused


def _succeed(scope: Scope) -> State:
    return Succeed(scope.name, _flow(scope))


def _fail(scope: Scope) -> State:
    def text(name: str) -> str | Template | None:
        by_path = f"{name}Path"
        if name in scope.given and by_path in scope.given:
            scope.reader.exactly_one(scope.given, (name, by_path), scope.place)
        if by_path in scope.given:
            where = f"{scope.place}/{by_path}"
            return scope.reader.compiled(lambda: compile_expression(scope.given[by_path], by_path, where), None)
        return scope.reader.string(scope.given, name, scope.place)

    return Fail(scope.name, text("Error"), text("Cause"))


# Task -------------------------------------------------------------------------------------------------------------

_FUNCTION = re.compile(r"arn:[\w-]+:lambda:[\w-]+:\d{12}:function:[\w-]+(:[\w$-]+)?\Z")
_ACTIVITY = re.compile(r"arn:[\w-]+:states:[\w-]+:\d{12}:activity:.+\Z")
_SERVICE = re.compile(
    r"arn:[\w-]+:states:[\w-]*:\d*:(?P<type>(?:aws-sdk:)?[\w-]+):(?P<action>\w+)"
    r"(?P<pattern>|\.sync|\.sync:2|\.waitForTaskToken)\Z"
)


def parse_resource(arn: str) -> Resource | None:
    """What a Task's ``Resource`` names; None when it is no ARN that a Task can have."""
    if _FUNCTION.match(arn):
        return Resource(arn, "lambda")
    if _ACTIVITY.match(arn):
        return Resource(arn, "activity")
    service = _SERVICE.match(arn)
    if service is None or service["type"] == "activity":
        return None
    return Resource(arn, "service", service["type"], service["action"], service["pattern"])  # type: ignore[arg-type]  # by the expression


def _resource(scope: Scope) -> Resource:
    reader, place = scope.reader, f"{scope.place}/Resource"
    arn = reader.string(scope.given, "Resource", scope.place) or ""
    resource = parse_resource(arn)
    if resource is None or (resource.kind == "service" and reader.is_known and not reader.is_known(arn)):
        if arn or "Resource" not in scope.given:
            reader.fault(
                f"The resource provided {arn} is not recognized. The value is not a valid resource ARN, "
                "or the resource is not available in this region.",
                place,
            )
        return Resource(arn, "service")
    if reader.express:
        if resource.kind == "activity":
            reader.fault("Express state machine does not support Activity ARN", place)
        elif resource.pattern == ".waitForTaskToken":  # The trailing space is Step Functions'.
            reader.fault("Express state machine does not support '.waitForTaskToken' service integration ", place)
        elif resource.pattern:
            reader.fault("Express state machine does not support '.sync' service integration", place)
    return resource


def _task(scope: Scope) -> State:
    reader = scope.reader
    reader.required(scope.given, ("Resource",), scope.place)
    timeout, heartbeat = _seconds(scope, "TimeoutSeconds"), _seconds(scope, "HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        reader.fault("HeartbeatSeconds must be smaller than TimeoutSeconds", f"{scope.place}/HeartbeatSeconds")
    return Task(
        scope.name,
        _next(scope),
        _flow(scope),
        _resource(scope) if "Resource" in scope.given else Resource("", "service"),
        _retry(scope),
        _catch(scope),
        timeout,
        heartbeat,
        _credentials(scope),
    )


def _seconds(scope: Scope, name: str) -> int | Path | None:
    by_path = f"{name}Path"
    if name in scope.given and by_path in scope.given:
        scope.reader.exactly_one(scope.given, (name, by_path), scope.place)
    if by_path in scope.given:
        return _path(scope, by_path)
    return scope.reader.integer(scope.given, name, scope.place, 1, SECONDS_MAX)


def _credentials(scope: Scope) -> Template | None:
    if "Credentials" not in scope.given:
        return None
    place = f"{scope.place}/Credentials"
    given = scope.reader.object(scope.given["Credentials"], place)
    if given is None:
        return None
    if "RoleArn" not in given and "RoleArn.$" not in given:
        scope.reader.fault("The field 'RoleArn' is required but was missing", place)
        return None
    return scope.reader.compiled(lambda: compile_template(given, place), None)


# Errors -----------------------------------------------------------------------------------------------------------

_RETRIER = frozenset(
    {"ErrorEquals", "IntervalSeconds", "MaxAttempts", "BackoffRate", "MaxDelaySeconds", "JitterStrategy", "Comment"}
)
_CATCHER = frozenset({"ErrorEquals", "Next", "ResultPath", "Comment"})


def _handlers(scope: Scope, field: str, known: frozenset[str]) -> list[tuple[JSONObject, tuple[str, ...], str]]:
    """The elements of Retry or Catch with the errors that they meet and their places."""
    reader = scope.reader
    handlers = []
    elements = reader.array(scope.given, field, scope.place)
    for index, element in enumerate(elements):
        place = f"{scope.place}/{field}[{index}]"
        given = reader.object(element, place)
        if given is None or not reader.required(given, ("ErrorEquals",), place):
            continue
        reader.only(given, known, place)
        names = reader.array(given, "ErrorEquals", place, empty=False)
        if not all(isinstance(name, str) for name in names):
            reader.fault("Expected value of type String", f"{place}/ErrorEquals")
            continue
        if "States.ALL" in names and (len(names) > 1 or index < len(elements) - 1):
            reader.fault(
                f"'States.ALL' can only be used by itself, and in the last element of '{field}'", f"{place}/ErrorEquals"
            )
        handlers.append((given, tuple(str(name) for name in names), place))
    return handlers


def _retry(scope: Scope) -> tuple[Retrier, ...]:
    reader = scope.reader
    retriers = []
    for given, names, place in _handlers(scope, "Retry", _RETRIER):
        interval = reader.integer(given, "IntervalSeconds", place, 1, SECONDS_MAX)
        attempts = reader.integer(given, "MaxAttempts", place, 0, SECONDS_MAX)
        rate = reader.number(given, "BackoffRate", place, 1.0)
        most = reader.integer(given, "MaxDelaySeconds", place, 1, DELAY_S_MAX)
        jitter = given.get("JitterStrategy", "NONE")
        if jitter not in ("NONE", "FULL"):  # A tuple: the value may be of any type.
            reader.fault("Value must be one of [FULL, NONE]", f"{place}/JitterStrategy")
        retriers.append(
            Retrier(
                names, interval or 1, 3 if attempts is None else attempts, 2.0 if rate is None else rate, most, jitter
            )
        )
    return tuple(retriers)


def _catch(scope: Scope) -> tuple[Catcher, ...]:
    reader = scope.reader
    catchers = []
    for given, names, place in _handlers(scope, "Catch", _CATCHER):
        if "Assign" in given:
            raise NotImplementedHere("variables (Assign) in state machines")
        if not reader.required(given, ("Next",), place):
            continue
        target = reader.string(given, "Next", place)
        try:
            put = compile_result_path(given.get("ResultPath", "$"), f"{place}/ResultPath")
        except InvalidField as error:
            reader.fault(error.message, error.place)
            continue
        if target is not None:
            catchers.append(Catcher(names, target, put))
    return tuple(catchers)


# Machines inside ---------------------------------------------------------------------------------------------------


def _parallel(scope: Scope) -> State:
    reader, place = scope.reader, scope.place
    reader.required(scope.given, ("Branches",), place)
    given = reader.array(scope.given, "Branches", place, empty=False)
    branches = [scope.inner(branch, f"{place}/Branches[{index}]") for index, branch in enumerate(given)]
    machines = tuple(branch for branch in branches if branch is not None)
    return Parallel(scope.name, _next(scope), _flow(scope), machines, _retry(scope), _catch(scope))


def _map(scope: Scope) -> State | None:
    reader, given, place = scope.reader, scope.given, scope.place
    which = reader.exactly_one(given, ("ItemProcessor", "Iterator"), place)
    if which is None:
        return None
    _refuse_distributed(given, given[which])
    processor = scope.inner(given[which], f"{place}/{which}")
    if "ItemSelector" in given:
        if "Parameters" in given:
            reader.exactly_one(given, ("ItemSelector", "Parameters"), place)
        scope = scope._replace(given={**given, "Parameters": given["ItemSelector"]})
    flow = _flow(scope)
    items = _path(scope, "ItemsPath")
    if "MaxConcurrencyPath" in given:
        if "MaxConcurrency" in given:
            reader.exactly_one(given, ("MaxConcurrency", "MaxConcurrencyPath"), place)
        concurrency: int | Path = _path(scope, "MaxConcurrencyPath") or 0
    else:
        concurrency = reader.integer(given, "MaxConcurrency", place, 0, SECONDS_MAX) or 0
    following = _next(scope)
    if processor is None:
        return None
    return Map(scope.name, following, flow, processor, items, concurrency, _retry(scope), _catch(scope))


def _refuse_distributed(given: JSONObject, processor: JSON) -> None:
    config = processor.get("ProcessorConfig") if isinstance(processor, dict) else None
    distributed = isinstance(config, dict) and config.get("Mode") == "DISTRIBUTED"
    if distributed or any(name in given for name in _DISTRIBUTED):
        raise NotImplementedHere("the Distributed Map state")


PARSERS: Mapping[str, Callable[[Scope], State | None]] = {
    "Pass": _pass,
    "Task": _task,
    "Choice": _choice,
    "Wait": _wait,
    "Succeed": _succeed,
    "Fail": _fail,
    "Parallel": _parallel,
    "Map": _map,
}
