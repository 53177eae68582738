"""State machines: create, describe, list, update, delete.

A machine's definition and configuration are revisions; what starts names the revision of that moment, so an update never changes
what runs. A machine that still has running executions is ``DELETING``: nothing can be started, and it goes with the last of them.

Source: API Reference, CreateStateMachine and its siblings; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.services.states import definitions
from interstate.services.states.arns import MACHINE, MachineArn, check_name, machine_arn
from interstate.services.states.configuration import check_encryption, check_logging, check_role, shown_configuration
from interstate.services.states.errors import (
    MissingRequiredParameter,
    StateMachineAlreadyExists,
    StateMachineDeleting,
    StateMachineDoesNotExist,
    ValidationException,
)
from interstate.services.states.execution_logs import prepare
from interstate.services.states.pages import limit_of, page, place_of
from interstate.services.states.quotas import check_machines
from interstate.services.states.tagging import Tag, tags_of
from interstate.services.states.versions import drop_versions, publish, version_at
from interstate.store.ports import Work
from interstate.store.records.states import (
    ALIASES,
    ALIASES_OF_MACHINE,
    MACHINES,
    MACHINES_OF_SCOPE,
    REVISIONS,
    RUNNING_OF_MACHINE,
    STANDARD,
    Revision,
    StateMachine,
)

ACTIVE, DELETING = "ACTIVE", "DELETING"
_DELETED_AT_ONCE_MAX = 1000  # Revisions, versions, aliases; a machine has at most 1,000 versions and 100 aliases.


class CreateStateMachine(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    definition: str
    role_arn: str
    type: str = STANDARD
    logging_configuration: dict[str, Any] | None = None
    tags: list[Tag] = []
    tracing_configuration: dict[str, Any] | None = None
    publish: bool = False
    version_description: str | None = None
    encryption_configuration: dict[str, Any] | None = None


class MachineRequest(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    included_data: str = "ALL_DATA"


class ListStateMachines(msgspec.Struct, frozen=True, rename="camel"):
    max_results: int | None = None
    next_token: str | None = None


class UpdateStateMachine(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    definition: str | None = None
    role_arn: str | None = None
    logging_configuration: dict[str, Any] | None = None
    tracing_configuration: dict[str, Any] | None = None
    publish: bool = False
    version_description: str | None = None
    encryption_configuration: dict[str, Any] | None = None


# Finding ---------------------------------------------------------------------------------------------------------


def machine_at(base: str, work: Work, *, asked: str | None = None) -> StateMachine:
    """The state machine with the ARN ``base``; ``asked`` is what the caller wrote, for the error.

    Raises:
        StateMachineDoesNotExist: there is none.
    """
    machine = work.get(MACHINES, base)
    if machine is None:
        raise StateMachineDoesNotExist(asked or base)
    return machine


def active_machine(base: str, work: Work, *, asked: str | None = None) -> StateMachine:
    """As ``machine_at``, for what changes or starts.

    Raises:
        StateMachineDoesNotExist: there is none.
        StateMachineDeleting: it is on its way out.
    """
    machine = machine_at(base, work, asked=asked)
    if machine.status == DELETING:
        raise StateMachineDeleting(base)
    return machine


def revision_of(number: int, work: Work) -> Revision:
    """A revision that a machine, version or execution names."""
    revision = work.get(REVISIONS, number)
    assert revision is not None, number
    return revision


def _unqualified(text: str) -> str:
    """The ARN of a machine itself; operations that change a machine know nothing of versions and aliases."""
    arn = machine_arn(text)
    if arn.qualifier is not None:
        raise StateMachineDoesNotExist(text)
    return arn.base


# Creating --------------------------------------------------------------------------------------------------------


def create_state_machine(request: CreateStateMachine, work: Work) -> dict[str, Any]:
    """Create a machine. The same again answers the same; role and tags do not count for that.

    Raises:
        InvalidName: the name has a character that names must not have.
        InvalidDefinition: with every fault of the definition.
        StateMachineAlreadyExists: a machine of this name is different.
        StateMachineLimitExceeded: there are as many as there may be.
    """
    check_name(request.name)
    if request.version_description and not request.publish:
        raise ValidationException("Version description can only be set when publish is true")
    check_role(request.role_arn)
    check_logging(request.logging_configuration, work)
    check_encryption(request.encryption_configuration)
    definitions.read(request.definition, kind=request.type)
    arn = work.caller.arn("states", f"{MACHINE}:{request.name}")
    machine = work.get(MACHINES, arn)
    if machine is None:
        check_machines(scope_of(work), work)
        machine = _created(arn, request, work)
    elif machine.status == DELETING:
        raise StateMachineDeleting(arn)
    elif not _is_same(machine, request, work):
        raise StateMachineAlreadyExists(arn)
    answer: dict[str, Any] = {"stateMachineArn": arn, "creationDate": machine.created}
    if request.publish:
        answer["stateMachineVersionArn"] = publish(machine, request.version_description or "", work).arn
    return answer


def _created(arn: str, request: CreateStateMachine, work: Work) -> StateMachine:
    number = work.next_id(REVISIONS)
    revision = Revision(
        id=number,
        machine=arn,
        revision_id="",
        definition=request.definition,
        role_arn=request.role_arn,
        created=work.now,
        logging=request.logging_configuration,
        tracing=request.tracing_configuration,
        encryption=request.encryption_configuration,
    )
    machine = StateMachine(
        arn=arn,
        id=number,
        scope=scope_of(work),
        name=request.name,
        type=request.type,
        status=ACTIVE,
        role_arn=request.role_arn,
        revision=number,
        created=work.now,
        logging=request.logging_configuration,
        tracing=request.tracing_configuration,
        encryption=request.encryption_configuration,
        tags=tags_of(request.tags, {}, arn),
    )
    work.put(REVISIONS, revision)
    work.put(MACHINES, machine)
    prepare(machine.logging, work)
    return machine


def _is_same(machine: StateMachine, request: CreateStateMachine, work: Work) -> bool:
    """Source: API Reference, CreateStateMachine: name, definition, type, logging, tracing and encryption are compared."""
    asked = (request.logging_configuration, request.tracing_configuration, request.encryption_configuration)
    return (
        machine.type == request.type
        and (machine.logging, machine.tracing, machine.encryption) == asked
        and revision_of(machine.revision, work).definition == request.definition
    )


def scope_of(work: Work) -> str:
    """Account and region of the caller, by which things are listed."""
    return f"{work.caller.account}/{work.caller.region}"


# Reading ---------------------------------------------------------------------------------------------------------


def describe_state_machine(request: MachineRequest, work: Work) -> dict[str, Any]:
    """A machine as it is now, or one of its versions.

    Raises:
        StateMachineDoesNotExist: no machine, or no such version.
    """
    arn = machine_arn(request.state_machine_arn)
    machine = machine_at(arn.base, work, asked=request.state_machine_arn)
    if arn.qualifier is None:
        return _shown(machine, revision_of(machine.revision, work), request.included_data)
    version = version_at(arn, work)
    if version is None:
        raise StateMachineDoesNotExist(request.state_machine_arn)
    shown = _shown(machine, revision_of(version.revision, work), request.included_data)
    shown |= {"stateMachineArn": version.arn, "creationDate": version.created}
    return shown | ({"description": version.description} if version.description else {})


def _shown(machine: StateMachine, revision: Revision, included: str) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "status": machine.status,
        "type": machine.type,
        "creationDate": machine.created,
        **shown_revision(revision, included),
    }


def shown_revision(revision: Revision, included: str) -> dict[str, Any]:
    """What describing a machine and describing an execution's machine have in common."""
    shown: dict[str, Any] = {
        "definition": revision.definition if included == "ALL_DATA" else "",
        "roleArn": revision.role_arn,
        **shown_configuration(revision.logging, revision.tracing, revision.encryption),
    }
    if revision.revision_id:
        shown["revisionId"] = revision.revision_id
    references = definitions.references_of(revision.definition)
    return shown | ({"variableReferences": references} if references else {})


def list_state_machines(request: ListStateMachines, work: Work) -> dict[str, Any]:
    """The caller's machines by name, a page at a time; those that are being deleted are left out."""
    limit = limit_of(request.max_results)
    found = work.select(MACHINES_OF_SCOPE, limit=limit + 1, scope=scope_of(work), after=place_of(request.next_token))
    answer = page("stateMachines", found, limit, show=_listed, place=lambda machine: machine.name)
    deleting = {machine.arn for machine in found if machine.status == DELETING}
    answer["stateMachines"] = [shown for shown in answer["stateMachines"] if shown["stateMachineArn"] not in deleting]
    return answer


def _listed(machine: StateMachine) -> dict[str, Any]:
    return {
        "stateMachineArn": machine.arn,
        "name": machine.name,
        "type": machine.type,
        "creationDate": machine.created,
    }


# Changing --------------------------------------------------------------------------------------------------------


def update_state_machine(request: UpdateStateMachine, work: Work) -> dict[str, Any]:
    """Make a new revision of what differs; when nothing does, none is made.

    Raises:
        MissingRequiredParameter: the request names nothing to change.
        InvalidDefinition: with every fault of the definition.
    """
    machine = active_machine(_unqualified(request.state_machine_arn), work, asked=request.state_machine_arn)
    asked = (
        request.definition,
        request.role_arn,
        request.logging_configuration,
        request.tracing_configuration,
        request.encryption_configuration,
    )
    if all(value is None for value in asked):
        raise MissingRequiredParameter
    if request.version_description and not request.publish:
        raise ValidationException("Version description can only be set when publish is true")
    if request.role_arn is not None:
        check_role(request.role_arn)
    check_logging(request.logging_configuration, work)
    check_encryption(request.encryption_configuration)
    if request.definition is not None:
        definitions.read(request.definition, kind=machine.type)
    machine = _revised(machine, request, work)
    revision = revision_of(machine.revision, work)
    answer: dict[str, Any] = {"updateDate": work.now}
    if revision.revision_id:
        answer["revisionId"] = revision.revision_id
    if request.publish:
        answer["stateMachineVersionArn"] = publish(machine, request.version_description or "", work).arn
    return answer


def _revised(machine: StateMachine, request: UpdateStateMachine, work: Work) -> StateMachine:
    before = revision_of(machine.revision, work)
    wanted = msgspec.structs.replace(
        before,
        definition=before.definition if request.definition is None else request.definition,
        role_arn=before.role_arn if request.role_arn is None else request.role_arn,
        logging=before.logging if request.logging_configuration is None else request.logging_configuration,
        tracing=before.tracing if request.tracing_configuration is None else request.tracing_configuration,
        encryption=before.encryption if request.encryption_configuration is None else request.encryption_configuration,
    )
    if wanted == before:
        return machine
    revision = msgspec.structs.replace(
        wanted, id=work.next_id(REVISIONS), revision_id=work.entropy.uuid(), created=work.now
    )
    machine = msgspec.structs.replace(
        machine,
        revision=revision.id,
        role_arn=revision.role_arn,
        logging=revision.logging,
        tracing=revision.tracing,
        encryption=revision.encryption,
    )
    work.put(REVISIONS, revision)
    work.put(MACHINES, machine)
    prepare(machine.logging, work)
    return machine


# Deleting --------------------------------------------------------------------------------------------------------


def delete_state_machine(request: MachineRequest, work: Work) -> None:
    """Delete a machine, its versions and aliases; while executions run, it is ``DELETING``. A machine that is not there is deleted."""
    arn: MachineArn = machine_arn(request.state_machine_arn)
    machine = work.get(MACHINES, arn.base)
    if machine is None or arn.qualifier is not None:
        return
    if work.scalar(RUNNING_OF_MACHINE, machine_id=machine.id):
        work.put(MACHINES, msgspec.structs.replace(machine, status=DELETING))
        return
    _drop(machine, work)


def execution_ended(machine: str, work: Work) -> None:
    """An execution of ``machine`` has ended: a machine that waited for its last one goes."""
    row = work.get(MACHINES, machine)
    if row is not None and row.status == DELETING and not work.scalar(RUNNING_OF_MACHINE, machine_id=row.id):
        _drop(row, work)


def _drop(machine: StateMachine, work: Work) -> None:
    """Forget the machine. Its executions keep their revisions, which are found through them."""
    for alias in work.select(ALIASES_OF_MACHINE, limit=_DELETED_AT_ONCE_MAX, machine=machine.arn, after=""):
        work.delete(ALIASES, alias.arn)
    drop_versions(machine.arn, work, limit=_DELETED_AT_ONCE_MAX)
    work.delete(MACHINES, machine.arn)
