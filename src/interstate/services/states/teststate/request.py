"""What TestState is asked, and what it refuses.

Source: API Reference, TestState; https://docs.aws.amazon.com/step-functions/latest/dg/test-state-isolation.html; messages as
recorded from the service.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import JSON, BrokenJSON, JSONObject, loads
from interstate.core.asl import faults
from interstate.core.asl.definition import Definition, Resource
from interstate.core.asl.parse import parse
from interstate.core.asl.parse_task import parse_resource
from interstate.services.states.broken_json import fault_of
from interstate.services.states.errors import InvalidDefinition, InvalidExecutionInput, ValidationException
from interstate.services.states.integrations.resources import is_known

STATE_NAME = "StateName"
"""What a state without a machine is called."""
_END = "Succeed"
_TYPES = ("Task", "Wait", "Pass", "Succeed", "Fail", "Choice", "Parallel", "Map")
_MOCKED = frozenset({"Task", "Map", "Parallel"})
_INNER = ("ItemProcessor", "Iterator")


class TestStateRequest(msgspec.Struct, frozen=True, rename="camel"):
    definition: str
    role_arn: str | None = None
    input: str = "{}"
    inspection_level: str = "INFO"
    reveal_secrets: bool = False
    variables: str | None = None
    state_name: str | None = None
    mock: dict[str, Any] | None = None
    context: str | None = None
    state_configuration: dict[str, Any] = {}


class TestedState(msgspec.Struct, frozen=True):
    """A state by itself: ``given`` is its JSON, ``definition`` a machine that begins with it and ends behind it."""

    name: str
    given: JSONObject
    jsonata: bool
    definition: Definition

    @property
    def type(self) -> str:
        """Task, Pass, ..."""
        return str(self.given["Type"])

    @property
    def resource(self) -> Resource | None:
        """What its Task calls."""
        text = self.given.get("Resource")
        return parse_resource(text) if self.type == "Task" and isinstance(text, str) else None


class _Unsupported(ServiceError):
    """A state that cannot be tested as it is. (The service says so without the words that open other refusals.)"""

    code = "InvalidDefinition"


def tested_state(request: TestStateRequest) -> TestedState:
    """The state that is to be tested.

    Raises:
        InvalidDefinition: with every fault, of the whole machine when one is given.
        ValidationException: the machine has no state of that name.
    """
    whole = _json_object(request.definition)
    if request.state_name is None:
        name, given, language = STATE_NAME, whole, "JSONPath"
    else:
        _checked(request.definition)
        found = next(_named(whole, request.state_name), None)
        if found is None:
            raise ValidationException("State not found in definition")
        name, given, language = request.state_name, found, str(whole.get("QueryLanguage", "JSONPath"))
    language = str(given.get("QueryLanguage", language))
    states: JSONObject = {target: {"Type": _END} for target in _targets(given)}
    machine: JSONObject = {"StartAt": name, "States": {**states, name: given}, "QueryLanguage": language}
    return TestedState(name, given, language == "JSONata", _checked(msgspec.json.encode(machine).decode()))


def _json_object(text: str) -> JSONObject:
    try:
        value = loads(text)
    except BrokenJSON:
        _checked(text)  # Says where.
        raise
    if not isinstance(value, dict):
        raise InvalidDefinition(["SCHEMA_VALIDATION_FAILED: Definition must be a valid JSON object at null"])
    return value


def _checked(text: str) -> Definition:
    try:
        return parse(text, is_known=is_known)
    except faults.InvalidDefinition as error:
        raise InvalidDefinition([str(fault) for fault in error.faults]) from error


def _named(machine: Mapping[str, JSON], name: str) -> Iterator[JSONObject]:
    """The states of this name in a machine, inner machines too."""
    states = machine.get("States")
    for key, state in states.items() if isinstance(states, dict) else ():
        if not isinstance(state, dict):
            continue
        if key == name:
            yield state
        inner = [state.get(member) for member in _INNER]
        branches = state.get("Branches")
        inner += branches if isinstance(branches, list) else []
        for below in inner:
            if isinstance(below, dict):
                yield from _named(below, name)


def _targets(state: Mapping[str, JSON]) -> Iterator[str]:
    """Where a state can go."""
    rules: list[JSON] = [dict(state)]
    for member in ("Choices", "Catch"):
        more = state.get(member)
        rules += more if isinstance(more, list) else []
    for rule in rules:
        if isinstance(rule, dict):
            yield from (target for member in ("Next", "Default") if isinstance(target := rule.get(member), str))


# Checks -----------------------------------------------------------------------------------------------------------


def check(request: TestStateRequest, state: TestedState) -> None:
    """Look whether the state can be tested as asked.

    Raises:
        ValidationException: it cannot.
        InvalidDefinition: not without a mock.
        InvalidExecutionInput: the input is not JSON.
    """
    mock = request.mock
    if mock is not None:
        _check_mock(mock, state, reveals=request.reveal_secrets)
    else:
        _check_unmocked(request)
        _check_real(request, state)
    try:
        loads(request.input)
    except BrokenJSON as error:
        raise InvalidExecutionInput(fault_of(request.input).reason) from error
    variables = None if request.variables is None else json_or_none(request.variables)
    if request.variables is not None and not isinstance(variables, dict):
        raise ValidationException("Variables must be a valid JSON object")


def _check_mock(mock: Mapping[str, Any], state: TestedState, *, reveals: bool) -> None:
    if state.type not in _MOCKED:
        raise ValidationException(f"State type '{state.type}' is not supported when a mock is specified")
    if ("result" in mock) == ("errorOutput" in mock):
        raise ValidationException("A test mock should have only one of the following fields: [result, errorOutput].")
    if reveals:
        raise ValidationException("TestState does not support RevealSecrets when a mock is specified.")


def _check_unmocked(request: TestStateRequest) -> None:
    """What only a mock makes sense of."""
    for member, told in (
        ("mapIterationFailureCount", "MapIterationFailureCount"),
        ("retrierRetryCount", "RetrierRetryCount"),
        ("errorCausedByState", "ErrorCausedByState"),
        ("mapItemReaderData", "MapItemReaderData"),
    ):
        if member in request.state_configuration:
            raise ValidationException(f"TestState does not support {told} when a mock is not specified.")
    if request.context is not None:
        raise ValidationException("TestState does not support Context when a mock is not specified.")


def _check_real(request: TestStateRequest, state: TestedState) -> None:
    if state.type in {"Map", "Parallel"}:
        raise _Unsupported(
            "TestState API does not support Map or Parallel states. "
            "Supported state types include: [Task, Wait, Pass, Succeed, Fail, Choice]"
        )
    resource = state.resource
    if resource is None:
        return
    if resource.kind == "activity":
        raise _Unsupported("TestState API does not support Activity tasks when a mock is not specified.")
    if resource.pattern:
        raise _Unsupported(
            f"TestState API does not support the service integration pattern '{resource.pattern}' "
            "when a mock is not specified."
        )
    if request.role_arn is None:
        raise ValidationException("RoleArn must be specified when testing a Task state")


def json_or_none(text: str) -> JSON:
    """The value of a JSON text; None for a text that is none, and for ``null``."""
    try:
        return loads(text)
    except BrokenJSON:
        return None


# The context object -------------------------------------------------------------------------------------------------

_TEXT, _NUMBER, _ANY = "a string", "a number", ""
_CONTEXT: Mapping[str, Mapping[str, str]] = {
    "Execution": {
        "Id": _TEXT,
        "Input": _ANY,
        "Name": _TEXT,
        "RoleArn": _TEXT,
        "StartTime": _TEXT,
        "RedriveCount": _NUMBER,
        "RedriveTime": _TEXT,
    },
    "State": {"EnteredTime": _TEXT, "Name": _TEXT, "RetryCount": _NUMBER},
    "StateMachine": {"Id": _TEXT, "Name": _TEXT},
    "Task": {"Token": _TEXT},
}


class _InvalidContext(ValidationException):
    def __init__(self, reason: str) -> None:
        super().__init__(f"Invalid Context object provided: {reason}", code="ValidationException")


def context_of(text: str, state: TestedState) -> JSONObject:
    """The context object that the caller made up.

    Raises:
        ValidationException: a state never sees one like it.
    """
    context = json_or_none(text)
    if not isinstance(context, dict):
        raise _InvalidContext("Context object must be a valid JSON object")
    if "Map" in context:
        raise _InvalidContext("'Map' field is not supported when mocking a Context object")
    for name, part in context.items():
        if name not in _CONTEXT:
            raise _InvalidContext(f"Field '{name}' is not allowed")
        _check_part(name, part)
    resource = state.resource
    if "Task" in context and (resource is None or not resource.pattern):
        raise _InvalidContext(
            "Context object contains 'Task' when state is not a Task state with a '.sync' or '.waitForTaskToken' "
            "service integration pattern"
        )
    return context


def _check_part(name: str, part: JSON) -> None:
    if not isinstance(part, dict):
        raise _InvalidContext(f"{name} must be an object")
    for field, value in part.items():
        wanted = _CONTEXT[name].get(field)
        if wanted is None:
            raise _InvalidContext(f"Field '{field}' is not allowed")
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if (wanted == _TEXT and not isinstance(value, str)) or (wanted == _NUMBER and not is_number):
            raise _InvalidContext(f"{name}.{field} must be {wanted}")
