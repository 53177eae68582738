"""Aliases: names that route to one version, or by weight to two.

Source: API Reference, CreateStateMachineAlias and its siblings; answers recorded from the service.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.ids import Entropy
from interstate.services.states.arns import MachineArn, machine_arn
from interstate.services.states.errors import (
    ConflictException,
    ResourceNotFound,
    ServiceQuotaExceededException,
    StateMachineDeleting,
    StateMachineDoesNotExist,
    ValidationException,
)
from interstate.services.states.pages import limit_of, page, place_of
from interstate.store.ports import Work
from interstate.store.records.states import ALIASES, ALIASES_COUNT, ALIASES_OF_MACHINE, MACHINES, VERSIONS, Alias

_WEIGHTS = 100
ALIASES_MAX = 100  # Source: service quotas, aliases of a state machine.


class Route(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_version_arn: str
    weight: int


class CreateStateMachineAlias(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    routing_configuration: list[Route]
    description: str | None = None


class UpdateStateMachineAlias(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_alias_arn: str
    description: str | None = None
    routing_configuration: list[Route] | None = None


class AliasRequest(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_alias_arn: str


class ListStateMachineAliases(msgspec.Struct, frozen=True, rename="camel"):
    state_machine_arn: str
    next_token: str | None = None
    max_results: int | None = None


def alias_at(arn: str, work: Work) -> Alias | None:
    """The alias with this ARN."""
    return work.get(ALIASES, arn)


def routed(alias: Alias, entropy: Entropy) -> str:
    """The ARN of the version that an execution started through the alias runs."""
    drawn = entropy.integer(_WEIGHTS)
    for route in alias.routing:
        drawn -= route["weight"]
        if drawn < 0:
            return str(route["stateMachineVersionArn"])
    return str(alias.routing[-1]["stateMachineVersionArn"])


def _checked(routes: Sequence[Route], work: Work) -> MachineArn:
    """The machine to whose versions the routes lead."""
    arns = [machine_arn(route.state_machine_version_arn) for route in routes]
    texts = [route.state_machine_version_arn for route in routes]
    if any(arn.qualifier is None or not arn.qualifier.isdecimal() for arn in arns):
        raise ValidationException(
            f"Routing configuration must contain state machine version ARNs. Received: [{', '.join(texts)}]"
        )
    if len(set(texts)) < len(texts):
        raise ValidationException(
            f"Routing configuration must contain distinct state machine version ARNs. Received: [{', '.join(texts)}]"
        )
    if len({arn.base for arn in arns}) > 1:
        raise ValidationException("Routing configuration must contain versions of one state machine.")
    weights = [route.weight for route in routes]
    if sum(weights) != _WEIGHTS:
        raise ValidationException(f"Sum of routing configuration weights must equal 100. Received: {weights}")
    for text in texts:
        if work.get(VERSIONS, text) is None:
            raise ResourceNotFound
    return arns[0]


def _rows(routes: Sequence[Route]) -> list[dict[str, Any]]:
    return [{"stateMachineVersionArn": route.state_machine_version_arn, "weight": route.weight} for route in routes]


def create_state_machine_alias(request: CreateStateMachineAlias, work: Work) -> dict[str, Any]:
    """Create an alias; the same again answers the same.

    Raises:
        ConflictException: an alias of this name routes elsewhere.
        ResourceNotFound: a version is not there.
    """
    machine = _checked(request.routing_configuration, work)
    row = work.get(MACHINES, machine.base)
    if row is None:
        raise ResourceNotFound
    if row.status != "ACTIVE":
        raise StateMachineDeleting(machine.base)
    arn = f"{machine.base}:{request.name}"
    routing = _rows(request.routing_configuration)
    alias = work.get(ALIASES, arn)
    if alias is None:
        if work.scalar(ALIASES_COUNT, machine=machine.base) >= ALIASES_MAX:
            raise ServiceQuotaExceededException("aliases", ALIASES_MAX)
        alias = Alias(arn, machine.base, request.name, request.description, routing, work.now, work.now)
        work.put(ALIASES, alias)
    elif (alias.routing, alias.description) != (routing, request.description):
        raise ConflictException(
            "Failed to create alias because an alias with the same name and a different routing configuration already exists."
        )
    return {"stateMachineAliasArn": arn, "creationDate": alias.created}


def _alias(text: str, work: Work) -> Alias:
    machine_arn(text)
    alias = alias_at(text, work)
    if alias is None:
        raise ResourceNotFound
    return alias


def describe_state_machine_alias(request: AliasRequest, work: Work) -> dict[str, Any]:
    """An alias.

    Raises:
        ResourceNotFound: there is none.
    """
    alias = _alias(request.state_machine_alias_arn, work)
    shown = {
        "stateMachineAliasArn": alias.arn,
        "name": alias.name,
        "routingConfiguration": alias.routing,
        "creationDate": alias.created,
        "updateDate": alias.updated,
    }
    return shown | ({} if alias.description is None else {"description": alias.description})


def update_state_machine_alias(request: UpdateStateMachineAlias, work: Work) -> dict[str, Any]:
    """Change where an alias leads, or its description.

    Raises:
        ResourceNotFound: there is none, or a version is not there.
        ValidationException: nothing is to be changed. (Source: API Reference: "You must specify at least one of the description or
            routingConfiguration parameters".)
    """
    alias = _alias(request.state_machine_alias_arn, work)
    if request.description is None and request.routing_configuration is None:
        raise ValidationException("Must provide at least one of description or routingConfiguration")
    routing = alias.routing
    if request.routing_configuration is not None:
        if _checked(request.routing_configuration, work).base != alias.machine:
            raise ValidationException("Routing configuration must contain versions of one state machine.")
        routing = _rows(request.routing_configuration)
    description = alias.description if request.description is None else request.description
    work.put(ALIASES, msgspec.structs.replace(alias, routing=routing, description=description, updated=work.now))
    return {"updateDate": work.now}


def delete_state_machine_alias(request: AliasRequest, work: Work) -> None:
    """Delete an alias; executions that it started go on. One that is not there is deleted."""
    machine_arn(request.state_machine_alias_arn)
    work.delete(ALIASES, request.state_machine_alias_arn)


def list_state_machine_aliases(request: ListStateMachineAliases, work: Work) -> dict[str, Any]:
    """The aliases of a machine, or those that route to one of its versions, by name."""
    arn = machine_arn(request.state_machine_arn)
    if work.get(MACHINES, arn.base) is None:
        raise StateMachineDoesNotExist(request.state_machine_arn)
    limit = limit_of(request.max_results)
    after = place_of(request.next_token)
    found = work.select(ALIASES_OF_MACHINE, limit=ALIASES_MAX + 1, machine=arn.base, after=after)
    if arn.qualifier is not None:
        found = [alias for alias in found if _leads_to(alias, request.state_machine_arn)]
    return page("stateMachineAliases", found, limit, show=_listed, place=lambda alias: alias.name)


def _leads_to(alias: Alias, version_arn: str) -> bool:
    return any(route["stateMachineVersionArn"] == version_arn for route in alias.routing)


def _listed(alias: Alias) -> dict[str, Any]:
    return {"stateMachineAliasArn": alias.arn, "creationDate": alias.created}
