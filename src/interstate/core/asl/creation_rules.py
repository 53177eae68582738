"""Rules that hold when a machine is created or changed, and not for what was accepted before.

The children of a Map whose processor is EXPRESS are Express workflows: what these do not support is refused inside of it.

Source: States Language specification ("a string field named Comment"); Step Functions Developer Guide, "Choosing workflow type"
(Express: no ``.sync``, no ``.waitForTaskToken``, no activities, no distributed Map)
"""

from collections.abc import Iterator
from typing import Final

from interstate.base.json import JSON, JSONObject
from interstate.core.asl.faults import Fault
from interstate.core.asl.parse_task import express_fault, parse_resource

DISTRIBUTED_IN_EXPRESS: Final = (
    "The field 'Mode' with value 'DISTRIBUTED' is not supported inside 'EXPRESS' state machines"
)
_SCHEMA: Final = "SCHEMA_VALIDATION_FAILED"


def faults_at_creation(machine: JSON, place: str = "", *, express: bool = False) -> Iterator[Fault]:
    """What is wrong with a definition that parses; ``express``: it is the processor of Express children."""
    if not isinstance(machine, dict):
        return
    yield from _comment(machine, place)
    states = machine.get("States")
    for name, state in states.items() if isinstance(states, dict) else ():
        if isinstance(state, dict):
            yield from _of_state(state, f"{place}/States/{name}", express=express)


def _comment(given: JSONObject, place: str) -> Iterator[Fault]:
    if "Comment" in given and not isinstance(given["Comment"], str):
        yield Fault(_SCHEMA, "Expected value of type String", f"{place}/Comment")


def _of_state(state: JSONObject, place: str, *, express: bool) -> Iterator[Fault]:
    yield from _comment(state, place)
    resource = state.get("Resource")
    if express and state.get("Type") == "Task" and isinstance(resource, str):
        parsed = parse_resource(resource)
        message = None if parsed is None else express_fault(parsed)
        if message is not None:
            yield Fault(_SCHEMA, message, f"{place}/Resource")
    branches = state.get("Branches")
    for number, branch in enumerate(branches if isinstance(branches, list) else ()):
        yield from faults_at_creation(branch, f"{place}/Branches[{number}]", express=express)
    for field in ("ItemProcessor", "Iterator"):
        processor = state.get(field)
        if isinstance(processor, dict):
            yield from _of_processor(processor, f"{place}/{field}", express=express)


def _of_processor(processor: JSONObject, place: str, *, express: bool) -> Iterator[Fault]:
    config = processor.get("ProcessorConfig")
    config = config if isinstance(config, dict) else {}
    distributed = config.get("Mode") == "DISTRIBUTED"
    if express and distributed:
        yield Fault(_SCHEMA, DISTRIBUTED_IN_EXPRESS, f"{place}/ProcessorConfig/Mode")
    inside = express or (distributed and config.get("ExecutionType") == "EXPRESS")
    yield from faults_at_creation(processor, place, express=inside)
