"""Names over a whole definition: states and labels are named once, and a variable belongs to one scope.

A machine inside a state reads the variables around it, and assigns others.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/workflow-variables.html ("Variable scope": names of an outer scope cannot be
assigned in an inner one; a distributed Map's children see no outer scope). The wording of the refusal is ours.
"""

from collections import Counter
from collections.abc import Iterator

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.faults import Fault


def check_names(definition: JSONObject) -> Iterator[Fault]:
    """Names of states and labels that were used before, anywhere in a definition that was read without faults."""
    seen: set[str] = set()
    labels: set[str] = set()
    for name, state, place in _all_states(definition, ""):
        if name in seen:
            yield Fault("DUPLICATE_STATE_NAME", f"Duplicate State name: {name}", place)
        seen.add(name)
        label = state.get("Label")
        if label is not None and label in labels:
            yield Fault("DUPLICATE_LABEL_NAME", f"Duplicate Label name: {label}", f"{place}/Label")
        elif label is not None:
            labels.add(label)


def _all_states(machine: JSONObject, place: str) -> Iterator[tuple[str, JSONObject, str]]:
    for name, state in machine["States"].items():
        here = f"{place}/States/{name}"
        yield name, state, here
        for inner, where, _ in _inner(state, here):
            yield from _all_states(inner, where)


def check_scopes(definition: JSONObject) -> Iterator[Fault]:
    """What a definition assigns in an inner machine though an outer one has the name. The definition was read without faults."""
    yield from _check(definition, "", frozenset())


def _check(machine: JSONObject, place: str, outer: frozenset[str]) -> Iterator[Fault]:
    names: dict[str, set[str]] = {}
    for name, state in machine["States"].items():
        own = names.setdefault(name, set())
        for assigned, where in _assigns(state, f"{place}/States/{name}"):
            own |= assigned
            for taken in sorted(assigned & outer):
                message = f"The variable '{taken}' belongs to an outer scope and cannot be assigned in an inner one"
                yield Fault("SCHEMA_VALIDATION_FAILED", message, where)
    counts = Counter(assigned for own in names.values() for assigned in own)
    for name, state in machine["States"].items():
        # What only this state assigns is assigned when its inner machines are over. Source: a recorded creation.
        around = frozenset(assigned for assigned, count in counts.items() if count > (assigned in names[name]))
        for inner, where, seen in _inner(state, f"{place}/States/{name}"):
            yield from _check(inner, where, outer | around if seen else frozenset())


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
