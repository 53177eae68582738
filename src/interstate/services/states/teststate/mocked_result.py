"""Mocked results: JSON of the form that the state's work would have.

The result of a service integration is compared with the model of the API that it calls; names are those that a Task's result
has, with a capital first letter.

Source: API Reference, TestState, MockInput (fieldValidationMode); messages as recorded from the service.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from interstate.base.json import JSON, BrokenJSON, loads
from interstate.services.states.errors import ValidationException
from interstate.services.states.integrations.resources import OPTIMIZED, SDK, SDK_SERVICES
from interstate.services.states.teststate.request import TestedState

_PAYLOADS = frozenset({"Payload"})
"""Members of the optimized ``lambda:invoke`` that are JSON here, bytes in the API."""
_TOLD: Mapping[str, tuple[str, Any]] = {
    "list": ("an array", list),
    "structure": ("an object", dict),
    "map": ("an object", dict),
    "boolean": ("a boolean", bool),
    "integer": ("a number", (int, float)),
    "long": ("a number", (int, float)),
    "float": ("a number", (int, float)),
    "double": ("a number", (int, float)),
    "string": ("a string", str),
    "blob": ("a string", str),
    "timestamp": ("a string", str),
}


def check_result(text: str, state: TestedState, mode: str) -> JSON:
    """The mocked result as a value.

    Raises:
        ValidationException: it is not JSON, or the state's work never has such a result.
    """
    try:
        value = loads(text)
    except BrokenJSON:
        raise ValidationException("Mocked result must be valid JSON") from None
    match state.type:
        case "Map":
            _check_map(value, state)
        case "Parallel":
            branches = state.given["Branches"]
            assert isinstance(branches, list)
            if not isinstance(value, list):
                raise ValidationException("Mocked result must be an array.")
            if len(value) != len(branches):
                raise ValidationException(
                    "Mocked result must contain the same number of items as number of Parallel branches."
                )
        case _:
            _check_task(value, state, mode)
    return value


def _check_map(value: JSON, state: TestedState) -> None:
    if "ResultWriter" in state.given:
        if not isinstance(value, dict):
            raise ValidationException("Mocked result must be a JSON object.")
    elif not isinstance(value, list):
        raise ValidationException("Mocked result must be an array.")


def _check_task(value: JSON, state: TestedState, mode: str) -> None:
    resource = state.resource
    if mode == "NONE" or resource is None or resource.kind != "service" or resource.pattern == ".waitForTaskToken":
        return
    found = _result_of(resource.type, resource.action, resource.pattern)
    if found is not None:
        model, shape = found
        free = _PAYLOADS if resource.type == "lambda" else frozenset()
        _check(model, shape, "result", value, free, strict=mode == "STRICT")


_SYNC_RESULTS = {("states", "startExecution"): "DescribeExecution"}
"""What a ``.sync`` Task's result is the answer of."""


def _result_of(kind: str, action: str, pattern: str) -> tuple[Mapping[str, Any], str] | None:
    """The model's shapes and the name of the result's shape; None where nothing is published."""
    name = _botocore_name(kind)
    model = None if name is None else _model(name)
    if model is None:
        return None
    operation = action[:1].upper() + action[1:]
    if pattern.startswith(".sync"):
        operation = _SYNC_RESULTS.get((kind, action), operation)
    output = model["operations"].get(operation, {}).get("output")
    return None if output is None else (model["shapes"], output["shape"])


def _botocore_name(kind: str) -> str | None:
    if not kind.startswith(SDK):
        speaker = OPTIMIZED.get(kind)
        return None if speaker is None else speaker.botocore
    name = kind.removeprefix(SDK)
    known = SDK_SERVICES.get(name)
    return name if known is None else known.botocore


@cache
def _model(service: str) -> Any:
    """A service's published model, those that Interstate does not have included."""
    from botocore.exceptions import UnknownServiceError  # noqa: PLC0415 - seldom needed, slow to import
    from botocore.loaders import Loader  # noqa: PLC0415 - as above

    try:
        return Loader().load_service_model(service, "service-2")
    except UnknownServiceError:
        return None


def _refused(reason: str) -> ValidationException:
    return ValidationException(f"Mock result schema validation error: {reason}")


def _check(
    shapes: Mapping[str, Any], name: str, field: str, value: JSON, free: frozenset[str], *, strict: bool
) -> None:
    shape = shapes[name]
    told, types = _TOLD.get(shape["type"], ("", (object,)))
    wrong_bool = isinstance(value, bool) and shape["type"] != "boolean"
    if not isinstance(value, types) or wrong_bool:
        raise _refused(f"Field '{field}' must be {told}")
    if isinstance(value, dict) and shape["type"] == "structure":
        _check_members(shapes, shape, value, free, strict=strict)
    elif isinstance(value, dict):
        for item in value.values():
            _check(shapes, shape["value"]["shape"], field, item, frozenset(), strict=strict)
    elif isinstance(value, list):
        _check_bounds(shape, field, len(value), "is smaller than the minimum length", "exceeds the maximum length")
        for item in value:
            _check(shapes, shape["member"]["shape"], field, item, frozenset(), strict=strict)
    elif isinstance(value, str):
        _check_text(shape, field, value)
    elif not isinstance(value, bool) and value is not None:
        _check_bounds(shape, field, value, "is less than the minimum value", "exceeds the maximum value")


def _check_members(
    shapes: Mapping[str, Any], shape: Any, value: Mapping[str, JSON], free: frozenset[str], *, strict: bool
) -> None:
    members = {member[:1].upper() + member[1:]: about["shape"] for member, about in shape["members"].items()}
    for required in shape.get("required", ()) if strict else ():
        told = required[:1].upper() + required[1:]
        if told not in value:
            raise _refused(f"Required field '{told}' is missing")
    for member, item in value.items():
        if member in members and member not in free:
            _check(shapes, members[member], member, item, frozenset(), strict=strict)


def _check_text(shape: Any, field: str, value: str) -> None:
    if shape.get("enum") and value not in shape["enum"]:
        raise _refused(f"Field '{field}' is not an expected value")
    _check_bounds(shape, field, len(value), "is smaller than the minimum length", "exceeds the maximum length")
    pattern = shape.get("pattern")
    if pattern and shape["type"] == "string" and _matches(pattern, value) is False:
        raise _refused(f"Field '{field}' does not match the expected pattern")


def _matches(pattern: str, value: str) -> bool | None:
    """Whether the text matches; None where the pattern is not one that Python reads."""
    try:
        return re.fullmatch(pattern, value) is not None
    except re.error:
        return None


def _check_bounds(shape: Any, field: str, size: float, below: str, above: str) -> None:
    low, high = shape.get("min"), shape.get("max")
    if low is not None and size < low:
        raise _refused(f"Field '{field}' {below}")
    if high is not None and size > high:
        raise _refused(f"Field '{field}' {above}")
