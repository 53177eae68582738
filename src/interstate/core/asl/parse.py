"""A definition's JSON, read into a ``Definition`` with everything compiled; every fault with its place.

Source: https://states-language.net/ and, for limits and wording,
https://docs.aws.amazon.com/step-functions/latest/dg/concepts-amazon-states-language.html
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from interstate.base.json import JSON, BrokenJSON, JSONObject, loads
from interstate.core.asl.broken_json import fault_of
from interstate.core.asl.definition import (
    Choice,
    Definition,
    Fail,
    Machine,
    Map,
    Parallel,
    Resource,
    State,
    Succeed,
    Task,
)
from interstate.core.asl.faults import Fault, InvalidDefinition
from interstate.core.asl.parse_states import PARSERS
from interstate.core.asl.reader import Reader
from interstate.core.asl.scope import FIELDS, Scope
from interstate.core.asl.scopes import check_names, check_scopes

DEPTH_MAX = 100
"""Machines inside machines. Deeper nesting is no definition that anybody wrote; Python's stack is the bound behind it."""
NAME_LENGTH_MAX = 80
TIMEOUT_S_MAX = 99_999_999

_TOP = frozenset({"Comment", "StartAt", "States", "Version", "TimeoutSeconds", "QueryLanguage"})
_NESTED = frozenset({"Comment", "StartAt", "States"})
_PROCESSOR = _NESTED | {"ProcessorConfig"}
_LANGUAGES = ("JSONPath", "JSONata")
_TYPES = "The field 'Type' should have one of these values: [Task, Wait, Pass, Succeed, Fail, Choice, Parallel, Map]"


def parse(text: str, *, express: bool = False, is_known: Callable[[str], bool] | None = None) -> Definition:
    """Read a definition.

    ``is_known`` tells whether the ARN of a service integration names one.

    Raises:
        InvalidDefinition: with all that is wrong.
    """
    value = _json(text)
    if not isinstance(value, dict):
        raise InvalidDefinition([Fault("SCHEMA_VALIDATION_FAILED", "Definition must be a valid JSON object", None)])
    reader = Reader(express=express, is_known=is_known)
    reader.only(value, _TOP, "/")
    reader.one_of(value, "QueryLanguage", "", _LANGUAGES)
    reader.one_of(value, "Version", "", ("1.0",))
    timeout_s = reader.integer(value, "TimeoutSeconds", "", 1, TIMEOUT_S_MAX)
    jsonata = value.get("QueryLanguage", "JSONPath") != "JSONPath"
    machine = _machine(reader, value, "", _Depth(0, jsonata))
    if machine is not None:
        reader.faults += [*check_names(value), *check_scopes(value)]
    if reader.faults or machine is None:
        raise InvalidDefinition(reader.faults)
    comment = value.get("Comment")
    return Definition(machine, timeout_s, comment if isinstance(comment, str) else "")


class _Depth(NamedTuple):
    """How deep a machine lies, and whether the whole definition speaks JSONata."""

    levels: int
    jsonata: bool


def resources_of(machine: Machine) -> Iterator[Resource]:
    """What the machine's Tasks call, those of inner machines too."""
    for state in states_of(machine):
        if isinstance(state, Task):
            yield state.resource


def states_of(machine: Machine) -> Iterator[State]:
    """All states, those of inner machines too."""
    for state in machine.states.values():
        yield state
        for inner in _inner(state):
            yield from states_of(inner)


def _inner(state: State) -> tuple[Machine, ...]:
    match state:
        case Parallel(branches=branches):
            return branches
        case Map(processor=processor):
            return (processor,)
        case _:
            return ()


# JSON -------------------------------------------------------------------------------------------------------------


def _json(text: str) -> JSON:
    try:
        return loads(text)
    except BrokenJSON:
        if not text.strip():
            message = "Definition must be a valid JSON object"
            raise InvalidDefinition([Fault("SCHEMA_VALIDATION_FAILED", message, None)]) from None
        fault = fault_of(text)
        place = fault.place(text)
        raise InvalidDefinition([Fault("INVALID_JSON_DESCRIPTION", f"{fault.reason}\n at {place}", place)]) from None


# Machines ---------------------------------------------------------------------------------------------------------


def _machine(reader: Reader, given: JSONObject, place: str, depth: _Depth) -> Machine | None:
    if depth.levels > DEPTH_MAX:
        reader.fault("Definition is nested too deeply", place, "TOO_DEEPLY_NESTED")
        return None
    if not reader.required(given, ("States", "StartAt"), place or "/"):
        return None
    start_at = reader.string(given, "StartAt", place)
    states = reader.object(given["States"], f"{place}/States")
    if start_at is None or states is None:
        return None
    if not states:
        reader.fault("Value cannot be empty", f"{place}/States")
        return None
    read: dict[str, State] = {}
    for name, state in states.items():
        parsed = _state(reader, name, state, f"{place}/States/{name}", depth)
        if parsed is not None:
            read[name] = parsed
    if len(read) < len(states):
        return None
    machine = Machine(start_at, read)
    _check_transitions(reader, machine, place)
    return machine


def _state(reader: Reader, name: str, given: JSON, place: str, depth: _Depth) -> State | None:
    state = reader.object(given, place)
    if state is None:
        return None
    if len(name) > NAME_LENGTH_MAX:
        message = (
            f"Invalid State name: State '{name}' exceeds the {NAME_LENGTH_MAX}-character limit allowed by the service"
        )
        reader.fault(message, place, "INVALID_STATE_NAME")
    if not reader.required(state, ("Type",), place):
        return None
    kind = state["Type"]
    if not isinstance(kind, str) or kind not in PARSERS:
        reader.fault(_TYPES, f"{place}/Type")
        return None
    before = len(reader.faults)
    jsonata = _speaks_jsonata(reader, state, place, depth)
    reader.only(state, FIELDS[kind], place)

    def inner(value: JSON, where: str, processor: bool) -> Machine | None:  # noqa: FBT001 - of a Map, or a branch
        nested = reader.object(value, where)
        if nested is None:
            return None
        reader.only(nested, _PROCESSOR if processor else _NESTED, where)
        return _machine(reader, nested, where, depth._replace(levels=depth.levels + 1))

    scope = Scope(reader, name, state, place, inner, jsonata)
    scope.of_language({field: None for field in state if field in FIELDS[kind]}, place)
    if len(reader.faults) > before and reader.faults[before].message.startswith("The QueryLanguage"):
        return None
    parsed = PARSERS[kind](scope)
    return parsed if len(reader.faults) == before else None


def _speaks_jsonata(reader: Reader, state: JSONObject, place: str, depth: _Depth) -> bool:
    """A state speaks the machine's language, or JSONata inside a machine of JSONPath; the other way round it is refused."""
    if "QueryLanguage" not in state:
        return depth.jsonata
    language = reader.one_of(state, "QueryLanguage", place, _LANGUAGES)
    if language == "JSONPath" and depth.jsonata:
        reader.fault("'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine", place)
        return True
    return language != "JSONPath"


# Transitions ------------------------------------------------------------------------------------------------------


def _targets(state: State, place: str) -> Iterator[tuple[str, str]]:
    """Where a state can go, and where that stands."""
    match state:
        case Choice(choices=choices, default=default):
            for index, rule in enumerate(choices):
                yield rule.next, f"{place}/Choices[{index}]/Next"
            if default is not None:
                yield default, f"{place}/Default"
        case Succeed() | Fail():
            return
        case _:
            if state.next is not None:
                yield state.next, f"{place}/Next"
            if isinstance(state, Task | Parallel | Map):
                for index, catcher in enumerate(state.catch):
                    yield catcher.next, f"{place}/Catch[{index}]/Next"


def _is_terminal(state: State) -> bool:
    return isinstance(state, Succeed | Fail) or (not isinstance(state, Choice) and state.next is None)


def _check_transitions(reader: Reader, machine: Machine, place: str) -> None:
    """Every target is there, every state is reached; of the whole definition, some state ends (inner machines need not)."""
    states = machine.states
    if machine.start_at not in states:
        _missing(reader, machine.start_at, f"{place}/StartAt")
    for name, state in states.items():
        for target, where in _targets(state, f"{place}/States/{name}"):
            if target not in states:
                _missing(reader, target, where)
    if not place and not any(_is_terminal(state) for state in states.values()):
        reader.faults.append(Fault("MISSING_END_STATE", "Workflow has no terminal state", None))
        return
    reached: set[str] = set()
    ahead = [machine.start_at]
    while ahead:
        name = ahead.pop()
        if name in states and name not in reached:
            reached.add(name)
            ahead += [target for target, _ in _targets(states[name], "")]
    for name in states:
        if name not in reached:
            where = f"{place}/States/{name}"
            reader.fault(f'State "{name}" is not reachable.', where, "MISSING_TRANSITION_TARGET")


def _missing(reader: Reader, target: str, place: str) -> None:
    reader.fault(f"Missing 'Next' target: {target}", place, "MISSING_TRANSITION_TARGET")
