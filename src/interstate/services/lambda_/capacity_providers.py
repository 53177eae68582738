"""Capacity providers: instances of one's own that functions run on, kept and described.

No instance is ever started: a function that asks for a capacity provider is refused when it is created, so no version ever is on
one, and no function has a scaling configuration.

Source: Lambda API Reference, CreateCapacityProvider and its neighbours, PutFunctionScalingConfig.
"""

from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.services.lambda_.configuration import last_modified
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from interstate.services.lambda_.locate import located, version_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import CAPACITY_PROVIDERS, CAPACITY_PROVIDERS_OF_SCOPE, CapacityProvider

LIST_MAX = 50
TAGS_MAX = 50
VCPU_DEFAULT = (
    400  # Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-managed-instances-capacity-providers.html
)


class InstanceRequirements(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    architectures: list[str] | None = None
    allowed_instance_types: list[str] | None = None
    excluded_instance_types: list[str] | None = None


class ScalingConfig(msgspec.Struct, frozen=True, rename="pascal"):
    max_v_cpu_count: int | None = msgspec.field(name="MaxVCpuCount", default=None)
    scaling_mode: str | None = None
    scaling_policies: list[dict[str, Any]] | None = None


class CreateProvider(msgspec.Struct, frozen=True, rename="pascal"):
    capacity_provider_name: str
    vpc_config: dict[str, Any]
    permissions_config: dict[str, Any]
    instance_requirements: InstanceRequirements | None = None
    capacity_provider_scaling_config: ScalingConfig | None = None
    kms_key_arn: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    propagate_tags: dict[str, Any] | None = None
    telemetry_config: dict[str, Any] | None = None


class UpdateProvider(msgspec.Struct, frozen=True, rename="pascal"):
    capacity_provider_name: str
    capacity_provider_scaling_config: ScalingConfig | None = None
    propagate_tags: dict[str, Any] | None = None
    telemetry_config: dict[str, Any] | None = None


class ProviderRequest(msgspec.Struct, frozen=True, rename="pascal"):
    capacity_provider_name: str


class ListProviders(msgspec.Struct, frozen=True, rename="pascal"):
    state: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


class ListVersions(msgspec.Struct, frozen=True, rename="pascal"):
    capacity_provider_name: str
    marker: str = ""
    max_items: int = LIST_MAX


class PutScaling(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str
    function_scaling_config: dict[str, int] | None = None


class ScalingRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str


def create_capacity_provider(request: CreateProvider, work: Work) -> dict[str, Any]:
    """Name instances that functions could run on.

    Raises:
        ResourceConflictException: the caller has a capacity provider of this name.
        InvalidParameterValueException: instances or a scaling that cannot be.
    """
    arn = _arn(work, request.capacity_provider_name)
    if work.get(CAPACITY_PROVIDERS, arn) is not None:
        raise ResourceConflictException(f"Capacity provider already exists: {arn}")
    if len(request.tags) > TAGS_MAX:
        raise InvalidParameterValueException("Number of tags exceeds resource tag limit.")
    config: dict[str, Any] = {
        "VpcConfig": request.vpc_config,
        "PermissionsConfig": request.permissions_config,
        "InstanceRequirements": _instances(request.instance_requirements or InstanceRequirements()),
        "CapacityProviderScalingConfig": _scaling(request.capacity_provider_scaling_config or ScalingConfig(), {}),
        "KmsKeyArn": request.kms_key_arn,
        **_told(request),
    }
    given = {name: value for name, value in config.items() if value is not None}
    provider = CapacityProvider(arn, f"{work.caller.account}/{work.caller.region}", given, work.now, request.tags)
    work.put(CAPACITY_PROVIDERS, provider)
    return _answer(provider, "Pending")


def _told(request: CreateProvider | UpdateProvider) -> dict[str, Any]:
    return {"PropagateTags": request.propagate_tags, "TelemetryConfig": request.telemetry_config}


def _instances(given: InstanceRequirements) -> dict[str, Any]:
    if given.allowed_instance_types and given.excluded_instance_types:
        raise InvalidParameterValueException(
            "AllowedInstanceTypes and ExcludedInstanceTypes cannot both be specified in InstanceRequirements."
        )
    shown: dict[str, Any] = {"Architectures": ["x86_64"], **msgspec.to_builtins(given)}
    return shown


def _scaling(given: ScalingConfig, before: dict[str, Any]) -> dict[str, Any]:
    mode = given.scaling_mode or before.get("ScalingMode", "Auto")
    policies = given.scaling_policies
    if policies is None and mode == before.get("ScalingMode"):
        policies = before.get("ScalingPolicies")
    if mode == "Manual" and not policies:
        raise InvalidParameterValueException("ScalingPolicies must be specified when ScalingMode is Manual.")
    if mode == "Auto" and policies:
        raise InvalidParameterValueException("ScalingPolicies can only be specified when ScalingMode is Manual.")
    count = given.max_v_cpu_count or before.get("MaxVCpuCount", VCPU_DEFAULT)
    return {"MaxVCpuCount": count, "ScalingMode": mode, **({"ScalingPolicies": policies} if policies else {})}


def update_capacity_provider(request: UpdateProvider, work: Work) -> dict[str, Any]:
    """Change how instances are scaled; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such capacity provider.
        InvalidParameterValueException: a scaling that cannot be.
    """
    provider = _provider_at(work, request.capacity_provider_name)
    changes = {name: value for name, value in _told(request).items() if value is not None}
    if request.capacity_provider_scaling_config is not None:
        before = provider.config["CapacityProviderScalingConfig"]
        changes["CapacityProviderScalingConfig"] = _scaling(request.capacity_provider_scaling_config, before)
    changed = msgspec.structs.replace(provider, config={**provider.config, **changes}, modified=work.now)
    work.put(CAPACITY_PROVIDERS, changed)
    return _answer(changed)


def get_capacity_provider(request: ProviderRequest, work: Work) -> dict[str, Any]:
    """A capacity provider.

    Raises:
        ResourceNotFoundException: there is no such capacity provider.
    """
    return _answer(_provider_at(work, request.capacity_provider_name))


def delete_capacity_provider(request: ProviderRequest, work: Work) -> dict[str, Any]:
    """Forget a capacity provider.

    Raises:
        ResourceNotFoundException: there is no such capacity provider.
    """
    provider = _provider_at(work, request.capacity_provider_name)
    work.delete(CAPACITY_PROVIDERS, provider.arn)
    return _answer(provider, "Deleting")


def list_capacity_providers(request: ListProviders, work: Work) -> dict[str, Any]:
    """The caller's capacity providers, all of which are active."""
    scope, limit = f"{work.caller.account}/{work.caller.region}", min(request.max_items, LIST_MAX)
    if request.state not in (None, "Active"):
        return {"CapacityProviders": []}
    found = work.select(CAPACITY_PROVIDERS_OF_SCOPE, limit=limit + 1, scope=scope, after=request.marker)
    answer: dict[str, Any] = {"CapacityProviders": [_shown(provider) for provider in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].arn
    return answer


def list_function_versions_by_capacity_provider(request: ListVersions, work: Work) -> dict[str, Any]:
    """The versions that run on a capacity provider: none does.

    Raises:
        ResourceNotFoundException: there is no such capacity provider.
    """
    return {"CapacityProviderArn": _provider_at(work, request.capacity_provider_name).arn, "FunctionVersions": []}


def put_function_scaling_config(request: PutScaling, work: Work) -> dict[str, Any]:
    """Bound the execution environments of a version on a capacity provider, of which there is none.

    Raises:
        ResourceNotFoundException: there is no such function or version.
        InvalidParameterValueException: the version is on no capacity provider.
    """
    return get_function_scaling_config(ScalingRequest(request.function_name, request.qualifier), work)


def get_function_scaling_config(request: ScalingRequest, work: Work) -> dict[str, Any]:
    """The bounds of a version on a capacity provider, of which there is none.

    Raises:
        ResourceNotFoundException: there is no such function or version.
        InvalidParameterValueException: the version is on no capacity provider.
    """
    version_at(work, located(work, request.function_name, request.qualifier))
    raise InvalidParameterValueException(
        "Function scaling configuration is supported only for functions with a capacity provider."
    )


def _arn(work: Work, name: str) -> str:
    return name if name.startswith("arn:") else work.caller.arn("lambda", f"capacity-provider:{name}")


def _provider_at(work: Work, name: str) -> CapacityProvider:
    arn = _arn(work, name)
    parsed = parse_arn(arn)
    own = parsed is not None and (parsed.account, parsed.region) == (work.caller.account, work.caller.region)
    provider = work.get(CAPACITY_PROVIDERS, arn) if own else None
    if provider is None:
        raise ResourceNotFoundException(f"Capacity provider not found: {arn}")
    return provider


def _shown(provider: CapacityProvider, state: str = "Active") -> dict[str, Any]:
    return {
        "CapacityProviderArn": provider.arn,
        "State": state,
        "LastModified": last_modified(provider.modified),
        **provider.config,
    }


def _answer(provider: CapacityProvider, state: str = "Active") -> dict[str, Any]:
    return {"CapacityProvider": _shown(provider, state)}
