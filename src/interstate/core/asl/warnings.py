"""What a definition may say and hardly means: the warnings of ValidateStateMachineDefinition.

Source: https://docs.aws.amazon.com/step-functions/latest/apireference/API_ValidateStateMachineDefinitionDiagnostic.html (list of
warning codes). The wording of the messages is ours.
"""

from collections.abc import Iterator

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.errors import Code
from interstate.core.asl.faults import Fault

_TEMPLATES = ("Parameters", "ResultSelector", "ItemSelector", "Assign")
_NO_PATHS = ("Seconds", "Timestamp", "TimeoutSeconds", "HeartbeatSeconds", "MaxConcurrency", "Error", "Cause")


def warnings_of(definition: JSONObject) -> Iterator[Fault]:
    """The warnings about a definition without errors, in the order of its states."""
    yield from _of_machine(definition, "", jsonata=definition.get("QueryLanguage") == "JSONata")


def _of_machine(machine: JSONObject, place: str, *, jsonata: bool) -> Iterator[Fault]:
    for name, state in machine["States"].items():
        here = f"{place}/States/{name}"
        if not (jsonata or state.get("QueryLanguage") == "JSONata"):
            yield from _of_state(state, here)
        for index, branch in enumerate(state.get("Branches", ())):
            yield from _of_machine(branch, f"{here}/Branches[{index}]", jsonata=jsonata)
        for inner in ("ItemProcessor", "Iterator"):
            if inner in state:
                yield from _of_machine(state[inner], f"{here}/{inner}", jsonata=jsonata)


def _of_state(state: JSONObject, place: str) -> Iterator[Fault]:
    for field in _TEMPLATES:
        if field in state:
            yield from _no_dollar(state[field], f"{place}/{field}")
    if state["Type"] == "Pass" and "Result" in state:
        for where in _paths_in(state["Result"], f"{place}/Result"):
            yield _warning(
                "PASS_RESULT_IS_STATIC", "The result of a Pass state is static: a path in it is not resolved", where
            )
    for field in _NO_PATHS:
        if _looks_like_a_path(state.get(field)):
            message = f"The value of '{field}' looks like a path, but the name of the field does not end with 'Path'"
            yield _warning("NO_PATH", message, f"{place}/{field}")


def _no_dollar(template: JSON, place: str) -> Iterator[Fault]:
    match template:
        case dict():
            for name, value in template.items():
                here = f"{place}/{name}"
                if not name.endswith(".$") and _looks_like_a_path(value):
                    message = f"The value of '{name}' looks like a path or an intrinsic function, but its name does not end with '.$'"
                    yield _warning("NO_DOLLAR", message, here)
                elif not isinstance(value, str):
                    yield from _no_dollar(value, here)
        case list():
            for index, item in enumerate(template):
                yield from _no_dollar(item, f"{place}[{index}]")


def _paths_in(value: JSON, place: str) -> Iterator[str]:
    match value:
        case dict():
            for name, item in value.items():
                yield from _paths_in(item, f"{place}/{name}")
        case list():
            for index, item in enumerate(value):
                yield from _paths_in(item, f"{place}[{index}]")
        case _ if _looks_like_a_path(value):
            yield place


def _looks_like_a_path(value: JSON) -> bool:
    return isinstance(value, str) and (value == "$" or value.startswith(("$.", "$$.", "$[", "States.")))


def _warning(code: Code, message: str, place: str) -> Fault:
    return Fault(code, message, place, "WARNING")
