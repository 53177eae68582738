"""Parameters that a service integration does not take: found when a definition is read, by their place.

Only names are compared, with the members of the API's request: values may be paths. What is missing shows when the Task runs.
Source: CreateStateMachine's refusals ("The field ... is not supported by Step Functions").
"""

from collections.abc import Iterator

from interstate.base.json import JSON
from interstate.core.asl.faults import Fault
from interstate.core.asl.parse_task import parse_resource
from interstate.services.states.integrations.request_fields import FIELDS
from interstate.services.states.integrations.resources import speaker_of
from interstate.services.states.integrations.shapes import members_of_request, operation_named


def unsupported(machine: JSON, place: str = "") -> Iterator[Fault]:
    """The faults of a definition that was read without any, or of a machine inside it."""
    assert isinstance(machine, dict)
    for name, state in machine["States"].items():
        here = f"{place}/States/{name}"
        match state["Type"]:
            case "Task":
                yield from _of_task(state, here)
            case "Parallel":
                for index, branch in enumerate(state["Branches"]):
                    yield from unsupported(branch, f"{here}/Branches[{index}]")
            case "Map":
                inner = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
                yield from unsupported(state[inner], f"{here}/{inner}")


def _of_task(state: dict[str, JSON], place: str) -> Iterator[Fault]:
    resource, parameters = parse_resource(str(state["Resource"])), state.get("Parameters")
    if resource is None or resource.kind != "service" or not isinstance(parameters, dict):
        return
    known = FIELDS.get(resource.type)
    if known is None:
        service = speaker_of(resource).botocore
        operation = operation_named(service, resource.action)
        assert operation is not None, resource
        known = members_of_request(service, operation)
    for name in parameters:
        bare = name.removesuffix(".$")
        if bare not in known:
            message = f'The field "{bare}" is not supported by Step Functions'
            yield Fault("SCHEMA_VALIDATION_FAILED", message, f"{place}/Parameters")
