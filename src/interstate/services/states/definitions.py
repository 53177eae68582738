"""Definitions as the API takes them: read, or refused with all their faults.

Source: API Reference, CreateStateMachine, ValidateStateMachineDefinition; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.base.json import loads
from interstate.core.asl import faults
from interstate.core.asl.creation_rules import faults_at_creation
from interstate.core.asl.definition import Definition
from interstate.core.asl.parse import parse
from interstate.core.asl.references import variable_references
from interstate.core.asl.warnings import warnings_of
from interstate.services.states.errors import InvalidDefinition, check_size
from interstate.services.states.integrations.parameters import unsupported
from interstate.services.states.integrations.resources import is_known
from interstate.store.ports import Work
from interstate.store.records.states import EXPRESS, STANDARD

DIAGNOSTICS_MAX = 100
DEFINITION_BYTES_MAX = 1 << 20  # Source: API Reference, CreateStateMachine, definition.


class ValidateStateMachineDefinition(msgspec.Struct, frozen=True, rename="camel"):
    definition: str
    type: str = STANDARD
    severity: str = "ERROR"
    max_results: int | None = None


def read(text: str, *, kind: str) -> Definition:
    """Read the definition of a machine of type ``kind`` (STANDARD or EXPRESS).

    Raises:
        InvalidDefinition: with every fault.
    """
    try:
        return _read(text, kind)
    except faults.InvalidDefinition as error:
        raise InvalidDefinition([str(fault) for fault in error.faults]) from error


def _read(text: str, kind: str) -> Definition:
    check_size("definition", text, DEFINITION_BYTES_MAX)
    definition = parse(text, express=kind == EXPRESS, is_known=is_known)
    value = loads(text)
    found = [*unsupported(value), *faults_at_creation(value)]
    if found:
        raise faults.InvalidDefinition(found)
    return definition


def references_of(text: str) -> dict[str, list[str]]:
    """The variables that each state of an accepted definition mentions."""
    definition = loads(text)
    assert isinstance(definition, dict)
    return variable_references(definition)


def validate_state_machine_definition(request: ValidateStateMachineDefinition, _work: Work) -> dict[str, Any]:
    """Tell what is wrong with a definition, without creating anything; with severity WARNING what is hardly meant, too."""
    result, found = "OK", []
    try:
        _read(request.definition, request.type)
    except faults.InvalidDefinition as error:
        result, found = "FAIL", error.faults
    else:
        if request.severity == "WARNING":
            definition = loads(request.definition)
            assert isinstance(definition, dict)
            found = list(warnings_of(definition))
    limit = request.max_results or DIAGNOSTICS_MAX
    shown = [_diagnostic(fault) for fault in found[:limit]]
    return {"result": result, "diagnostics": shown, "truncated": len(found) > limit}


def _diagnostic(fault: faults.Fault) -> dict[str, Any]:
    shown = {"severity": fault.severity, "code": fault.code, "message": fault.message}
    return shown if fault.place is None else {**shown, "location": fault.place}
