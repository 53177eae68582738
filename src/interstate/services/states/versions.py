"""Versions: numbers for revisions, which never change and are never used again.

Source: API Reference, PublishStateMachineVersion and its siblings; answers recorded from the service.
"""

from typing import Any

import msgspec

from interstate.services.states.arns import MachineArn, machine_arn
from interstate.services.states.errors import (
    ConflictException,
    InvalidArn,
    ServiceQuotaExceededException,
    StateMachineDeleting,
    StateMachineDoesNotExist,
)
from interstate.services.states.pages import limit_of, number_of, page
from interstate.store.ports import Work
from interstate.store.records.states import (
    ALIASES_OF_MACHINE,
    MACHINES,
    REVISIONS,
    VERSIONS,
    VERSIONS_COUNT,
    VERSIONS_OF_MACHINE,
    StateMachine,
    Version,
)

_NEWEST = 2**62  # Above every version's number.
VERSIONS_MAX = 1000  # Source: service quotas, published versions of a state machine.
_ALIASES_MAX = 100  # Source: service quotas, aliases of a state machine.


class PublishStateMachineVersion(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    revision_id: str | None = None
    description: str = ""


class ListStateMachineVersions(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    next_token: str | None = None
    max_results: int | None = None


class DeleteStateMachineVersion(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_version_arn: str


def version_at(arn: MachineArn, work: Work) -> Version | None:
    """The version that a qualified ARN names, if it names one that is there."""
    return work.get(VERSIONS, f"{arn.base}:{arn.qualifier}")


def publish(machine: StateMachine, description: str, work: Work) -> Version:
    """A version of the machine's current revision; the latest one when it is that already."""
    latest = work.select(VERSIONS_OF_MACHINE, limit=1, machine=machine.arn, below=_NEWEST)
    if latest and latest[0].revision == machine.revision:
        return latest[0]
    if work.scalar(VERSIONS_COUNT, machine=machine.arn) >= VERSIONS_MAX:
        raise ServiceQuotaExceededException("versions", VERSIONS_MAX)
    version = Version(
        arn=f"{machine.arn}:{machine.next_version}",
        machine=machine.arn,
        number=machine.next_version,
        revision=machine.revision,
        description=description,
        created=work.now,
    )
    work.put(VERSIONS, version)
    work.put(MACHINES, msgspec.structs.replace(machine, next_version=machine.next_version + 1))
    return version


def publish_state_machine_version(request: PublishStateMachineVersion, work: Work) -> dict[str, Any]:
    """Publish the current revision.

    Raises:
        StateMachineDoesNotExist: there is no such machine.
        ConflictException: the current revision is not the one that the caller thinks.
    """
    arn = machine_arn(request.state_machine_arn)
    machine = work.get(MACHINES, arn.base)
    if machine is None or arn.qualifier is not None:
        raise StateMachineDoesNotExist(request.state_machine_arn)
    if machine.status != "ACTIVE":
        raise StateMachineDeleting(arn.base)
    revision = work.get(REVISIONS, machine.revision)
    assert revision is not None
    current = revision.revision_id or "INITIAL"
    if request.revision_id is not None and request.revision_id != current:
        raise ConflictException(
            f"Failed to publish the State Machine version for revision {request.revision_id}. "
            f"The current State Machine revision is {current}."
        )
    version = publish(machine, request.description, work)
    return {"creationDate": version.created, "stateMachineVersionArn": version.arn}


def list_state_machine_versions(request: ListStateMachineVersions, work: Work) -> dict[str, Any]:
    """A machine's versions, newest first."""
    arn = machine_arn(request.state_machine_arn)
    limit = limit_of(request.max_results)
    below = number_of(request.next_token, _NEWEST)
    found = work.select(VERSIONS_OF_MACHINE, limit=limit + 1, machine=arn.base, below=below)
    return page("stateMachineVersions", found, limit, show=_listed, place=lambda version: str(version.number))


def _listed(version: Version) -> dict[str, Any]:
    return {"stateMachineVersionArn": version.arn, "creationDate": version.created}


def delete_state_machine_version(request: DeleteStateMachineVersion, work: Work) -> None:
    """Delete a version; executions that it started go on. A version that is not there is deleted.

    Raises:
        ConflictException: an alias routes to it.
    """
    arn = machine_arn(request.state_machine_version_arn)
    if arn.qualifier is None or not arn.qualifier.isdecimal():
        raise InvalidArn(f"ARN does not match required pattern: {request.state_machine_version_arn}")
    names = [
        alias.name
        for alias in work.select(ALIASES_OF_MACHINE, limit=_ALIASES_MAX, machine=arn.base, after="")
        if any(route["stateMachineVersionArn"] == request.state_machine_version_arn for route in alias.routing)
    ]
    if names:
        raise ConflictException(
            "Version to be deleted must not be referenced by an alias. "
            f"Current list of aliases referencing this version: [{', '.join(names)}]"
        )
    work.delete(VERSIONS, request.state_machine_version_arn)


def drop_versions(machine: str, work: Work, *, limit: int) -> None:
    """Delete the versions of a machine that goes."""
    work.erase(VERSIONS_OF_MACHINE, limit=limit, machine=machine, below=_NEWEST)
