"""Parameters that a service integration does not take, or does not get: found when a definition is read, by their place.

Only names are compared, with the members of the API's request: values may be paths. What AWS SDK integrations and HTTP calls lack
shows when the Task runs. Services whose model is not loaded (``elsewhere``) are not looked at.
Source: refusals of CreateStateMachine and ValidateStateMachineDefinition ("The field ... is not supported by Step Functions",
"Parameters field is required for resource ARN: ...", "The field 'FunctionName' is required but was missing").
"""

from collections.abc import Iterator

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.definition import Resource
from interstate.core.asl.faults import Fault
from interstate.core.asl.parse_task import parse_resource
from interstate.services.states.integrations.request_fields import FIELDS
from interstate.services.states.integrations.resources import has_model, speaker_of
from interstate.services.states.integrations.shapes import members_of_request, operation_named, required_of_request


def unsupported(machine: JSON, place: str = "", *, jsonata: bool = False) -> Iterator[Fault]:
    """The faults of a definition that was read without any, or of a machine inside it."""
    assert isinstance(machine, dict)
    jsonata = jsonata or machine.get("QueryLanguage") == "JSONata"
    for name, state in machine["States"].items():
        here = f"{place}/States/{name}"
        match state["Type"]:
            case "Task":
                yield from _of_task(state, here, jsonata=jsonata or state.get("QueryLanguage") == "JSONata")
            case "Parallel":
                for index, branch in enumerate(state["Branches"]):
                    yield from unsupported(branch, f"{here}/Branches[{index}]", jsonata=jsonata)
            case "Map":
                inner = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
                yield from unsupported(state[inner], f"{here}/{inner}", jsonata=jsonata)


def _of_task(state: JSONObject, place: str, *, jsonata: bool) -> Iterator[Fault]:
    resource = parse_resource(str(state["Resource"]))
    if resource is None or resource.kind != "service":
        return
    field = "Arguments" if jsonata else "Parameters"
    if field not in state:
        message = f"{field} field is required for resource ARN: {resource.arn}"
        yield Fault("SCHEMA_VALIDATION_FAILED", message, place)
    elif isinstance(state[field], dict):
        names = [name if jsonata else name.removesuffix(".$") for name in state[field]]
        yield from _of_names(resource, names, f"{place}/{field}")


def _of_names(resource: Resource, names: list[str], place: str) -> Iterator[Fault]:
    known, required = FIELDS.get(resource.type), frozenset[str]()
    if known is None and not has_model(resource):
        return
    if known is None:
        service = speaker_of(resource).botocore
        operation = operation_named(service, resource.action)
        assert operation is not None, resource
        known = members_of_request(service, operation)
        if not resource.type.startswith("aws-sdk:"):
            required = required_of_request(service, operation)
    for name in names:
        if name not in known:
            message = f'The field "{name}" is not supported by Step Functions'
            yield Fault("SCHEMA_VALIDATION_FAILED", message, place)
    for name in sorted(required.difference(names)):
        yield Fault("SCHEMA_VALIDATION_FAILED", f"The field '{name}' is required but was missing", place)
