"""Aliases: names for versions, with a share of calls for a second one.

Source: Lambda API Reference.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
    function_not_found,
    invalid,
)
from interstate.services.lambda_.locate import function_at, name_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    ALIASES,
    ALIASES_OF_FUNCTION,
    EVENT_INVOKE_CONFIGS,
    FUNCTIONS,
    LATEST,
    POLICIES,
    PROVISIONED,
    VERSIONS,
    Alias,
)

LIST_MAX = 50


class Routing(msgspec.Struct, frozen=True, rename="pascal"):
    additional_version_weights: dict[str, float] = {}


class CreateAlias(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    name: str
    function_version: str
    description: str = ""
    routing_config: Routing | None = None


class UpdateAlias(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    name: str
    function_version: str | None = None
    description: str | None = None
    routing_config: Routing | None = None
    revision_id: str | None = None


class AliasRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    name: str


class ListAliases(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    function_version: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


def create_alias(request: CreateAlias, work: Work) -> dict[str, Any]:
    """Name a version.

    Raises:
        ResourceNotFoundException: there is no such function or version.
        ResourceConflictException: the function has an alias of this name.
        InvalidParameterValueException: weights that Lambda refuses.
    """
    name = name_of(work, request.function_name)
    weights = request.routing_config.additional_version_weights if request.routing_config is not None else {}
    _check_weights(request.function_version, weights)
    function = work.get(FUNCTIONS, name.arn)
    if function is None:
        raise function_not_found(name.arn, request.function_version)
    if work.get(ALIASES, function.arn, request.name) is not None:
        raise ResourceConflictException(f"Alias already exists: {function.arn}:{request.name}")
    _check(work, function.arn, request.function_version, weights)
    revision = work.entropy.uuid()
    alias = Alias(function.arn, request.name, request.function_version, request.description, weights, revision)
    work.put(ALIASES, alias)
    return _shown(alias)


def update_alias(request: UpdateAlias, work: Work) -> dict[str, Any]:
    """Point an alias elsewhere; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such alias or version.
        PreconditionFailedException: the alias is at another revision.
    """
    function = function_at(work, request.function_name)
    alias = work.get(ALIASES, function.arn, request.name)
    if alias is None:
        raise ResourceNotFoundException(f"Alias not found: {function.arn}:{request.name}")
    if request.revision_id is not None and request.revision_id != alias.revision:
        raise PreconditionFailedException
    weights = alias.weights
    if request.routing_config is not None:
        weights = request.routing_config.additional_version_weights
    version = request.function_version or alias.version
    _check_weights(version, weights)
    _check(work, alias.function, version, weights)
    changed = msgspec.structs.replace(
        alias,
        version=version,
        weights=weights,
        description=alias.description if request.description is None else request.description,
        revision=work.entropy.uuid(),
    )
    work.put(ALIASES, changed)
    return _shown(changed)


def _check(work: Work, function: str, version: str, weights: dict[str, float]) -> None:
    for one in (version, *weights):
        if work.get(VERSIONS, function, one) is None:
            raise function_not_found(function, one)
    if weights and version == LATEST:
        raise InvalidParameterValueException("$LATEST is not supported for an alias pointing to more than 1 version")


_KEY = (
    "[Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, "
    "Member must satisfy regular expression pattern: [0-9]+]"
)
_VALUE = (
    "[Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, "
    "Member must not be null]"
)


def _check_weights(version: str, weights: dict[str, float]) -> None:
    """What the service demands of weights before it looks at the function."""
    member, shown = (
        "routingConfig.additionalVersionWeights",
        ", ".join(f"{one}={float(weight)}" for one, weight in weights.items()),
    )
    if not all(one.isdecimal() for one in weights):
        raise invalid(f"{{{shown}}}", member, f"Map keys must satisfy constraint: {_KEY}")
    if not all(0 <= weight <= 1 for weight in weights.values()):
        raise invalid(f"{{{shown}}}", member, f"Map value must satisfy constraint: {_VALUE}")
    if len(weights) > 1:
        raise InvalidParameterValueException("Number of items in AdditionalVersionWeights cannot be greater than 1")
    if version in weights:
        raise InvalidParameterValueException(
            f"Invalid function version {version}. Function version {version} is already included in routing configuration."
        )


def get_alias(request: AliasRequest, work: Work) -> dict[str, Any]:
    """An alias.

    Raises:
        ResourceNotFoundException: there is no such alias.
    """
    return _shown(_alias_at(work, request))


def delete_alias(request: AliasRequest, work: Work) -> None:
    """Forget an alias; one that is not there is no error."""
    function = function_at(work, request.function_name)
    work.delete(ALIASES, function.arn, request.name)
    work.delete(POLICIES, function.arn, request.name)
    work.delete(EVENT_INVOKE_CONFIGS, function.arn, request.name)
    work.delete(PROVISIONED, function.arn, request.name)


def list_aliases(request: ListAliases, work: Work) -> dict[str, Any]:
    """A function's aliases in the order of their names.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = function_at(work, request.function_name)
    limit = min(request.max_items, LIST_MAX)
    found = work.select(ALIASES_OF_FUNCTION, limit=limit + 1, function=function.arn, after=request.marker)
    wanted = request.function_version
    shown = [_shown(alias) for alias in found[:limit] if wanted is None or wanted in (alias.version, *alias.weights)]
    answer: dict[str, Any] = {"Aliases": shown}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].name
    return answer


def _alias_at(work: Work, request: AliasRequest) -> Alias:
    function = function_at(work, request.function_name)
    alias = work.get(ALIASES, function.arn, request.name)
    if alias is None:
        raise ResourceNotFoundException(f"Cannot find alias arn: {function.arn}:{request.name}")
    return alias


def _shown(alias: Alias) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "AliasArn": f"{alias.function}:{alias.name}",
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision,
    }
    if alias.weights:
        shown["RoutingConfig"] = {"AdditionalVersionWeights": alias.weights}
    return shown
