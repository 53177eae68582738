"""Variables and their scopes: a machine inside a state reads the variables around it, and assigns others.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html ("Variable scope": names of an outer scope cannot be
assigned in an inner one; a distributed Map's children see no outer scope). The wording of the refusal is ours.
"""

from collections.abc import Iterator

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.faults import Fault


def check_scopes(definition: JSONObject) -> Iterator[Fault]:
    """What a definition assigns in an inner machine though an outer one has the name. The definition was read without faults."""
    yield from _check(definition, "", frozenset())


def _check(machine: JSONObject, place: str, outer: frozenset[str]) -> Iterator[Fault]:
    own: set[str] = set()
    for name, state in machine["States"].items():
        for assigned, where in _assigns(state, f"{place}/States/{name}"):
            own |= assigned
            for taken in sorted(assigned & outer):
                message = f"The variable '{taken}' belongs to an outer scope and cannot be assigned in an inner one"
                yield Fault("SCHEMA_VALIDATION_FAILED", message, where)
    for name, state in machine["States"].items():
        for inner, where, seen in _inner(state, f"{place}/States/{name}"):
            yield from _check(inner, where, outer | own if seen else frozenset())


def _assigns(state: JSONObject, place: str) -> Iterator[tuple[set[str], str]]:
    """The names that a state assigns, and where."""
    yield _names(state), f"{place}/Assign"
    for field in ("Choices", "Catch"):
        for index, element in enumerate(state.get(field, ())):
            yield _names(element), f"{place}/{field}[{index}]/Assign"


def _names(given: JSONObject) -> set[str]:
    assign: JSON = given.get("Assign", {})
    return {name.removesuffix(".$") for name in assign} if isinstance(assign, dict) else set()


def _inner(state: JSONObject, place: str) -> Iterator[tuple[JSONObject, str, bool]]:
    """The machines inside a state, their places, and whether they see the variables around them."""
    for index, branch in enumerate(state.get("Branches", ())):
        yield branch, f"{place}/Branches[{index}]", True
    for field in ("ItemProcessor", "Iterator"):
        if field in state:
            distributed = state[field].get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED"
            yield state[field], f"{place}/{field}", not distributed
