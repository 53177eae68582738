"""Code signing configurations: stored, described and attached to functions.

Zips carry no signature that could be checked here, so a configuration that would *enforce* signatures refuses no code; the
reference page says so.

Source: Lambda API Reference, CreateCodeSigningConfig and its neighbours.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.configuration import last_modified
from interstate.services.lambda_.errors import (
    CodeSigningConfigNotFoundException,
    PlainNotFound,
    ResourceConflictException,
)
from interstate.services.lambda_.locate import unqualified
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    CODE_SIGNING,
    CODE_SIGNING_OF_SCOPE,
    FUNCTIONS,
    FUNCTIONS_OF_CODE_SIGNING,
    CodeSigning,
)

LIST_MAX = 50
_ID_HEX = 17


class Publishers(msgspec.Struct, frozen=True, rename="pascal"):
    signing_profile_version_arns: list[str] = []


class Policies(msgspec.Struct, frozen=True, rename="pascal"):
    untrusted_artifact_on_deployment: str = "Warn"


class CreateConfig(msgspec.Struct, frozen=True, rename="pascal"):
    allowed_publishers: Publishers
    description: str = ""
    code_signing_policies: Policies | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)


class UpdateConfig(msgspec.Struct, frozen=True, rename="pascal"):
    code_signing_config_arn: str
    description: str | None = None
    allowed_publishers: Publishers | None = None
    code_signing_policies: Policies | None = None


class ConfigRequest(msgspec.Struct, frozen=True, rename="pascal"):
    code_signing_config_arn: str


class ListConfigs(msgspec.Struct, frozen=True, rename="pascal"):
    marker: str = ""
    max_items: int = LIST_MAX


class ListFunctionsBy(msgspec.Struct, frozen=True, rename="pascal"):
    code_signing_config_arn: str
    marker: str = ""
    max_items: int = LIST_MAX


class FunctionRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str


class PutOnFunction(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    code_signing_config_arn: str


def create_code_signing_config(request: CreateConfig, work: Work) -> dict[str, Any]:
    """Name the publishers whose code functions may run, and what becomes of other code."""
    config_id = f"csc-{work.entropy.hex(_ID_HEX)[:_ID_HEX]}"
    policies = request.code_signing_policies or Policies()
    config = CodeSigning(
        arn=work.caller.arn("lambda", f"code-signing-config:{config_id}"),
        scope=f"{work.caller.account}/{work.caller.region}",
        id=config_id,
        description=request.description,
        publishers=request.allowed_publishers.signing_profile_version_arns,
        policy=policies.untrusted_artifact_on_deployment,
        modified=work.now,
        tags=request.tags,
    )
    work.put(CODE_SIGNING, config)
    return {"CodeSigningConfig": _shown(config)}


def update_code_signing_config(request: UpdateConfig, work: Work) -> dict[str, Any]:
    """Change a configuration; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such configuration.
    """
    config = _config_at(work, request.code_signing_config_arn)
    publishers, policies = request.allowed_publishers, request.code_signing_policies
    changed = msgspec.structs.replace(
        config,
        description=config.description if request.description is None else request.description,
        publishers=config.publishers if publishers is None else publishers.signing_profile_version_arns,
        policy=config.policy if policies is None else policies.untrusted_artifact_on_deployment,
        modified=work.now,
    )
    work.put(CODE_SIGNING, changed)
    return {"CodeSigningConfig": _shown(changed)}


def get_code_signing_config(request: ConfigRequest, work: Work) -> dict[str, Any]:
    """A configuration.

    Raises:
        ResourceNotFoundException: there is no such configuration.
    """
    return {"CodeSigningConfig": _shown(_config_at(work, request.code_signing_config_arn))}


def delete_code_signing_config(request: ConfigRequest, work: Work) -> dict[str, Any]:
    """Forget a configuration that no function has.

    Raises:
        ResourceNotFoundException: there is no such configuration.
        ResourceConflictException: functions have it.
    """
    config = _config_at(work, request.code_signing_config_arn)
    if work.select(FUNCTIONS_OF_CODE_SIGNING, limit=1, config=config.arn, after=""):
        raise ResourceConflictException(
            f"Code signing configuration {config.arn} is attached to functions and cannot be deleted."
        )
    work.delete(CODE_SIGNING, config.arn)
    return {}


def list_code_signing_configs(request: ListConfigs, work: Work) -> dict[str, Any]:
    """The caller's configurations."""
    scope, limit = f"{work.caller.account}/{work.caller.region}", min(request.max_items, LIST_MAX)
    found = work.select(CODE_SIGNING_OF_SCOPE, limit=limit + 1, scope=scope, after=request.marker)
    answer: dict[str, Any] = {"CodeSigningConfigs": [_shown(config) for config in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].arn
    return answer


def list_functions_by_code_signing_config(request: ListFunctionsBy, work: Work) -> dict[str, Any]:
    """The functions that have a configuration.

    Raises:
        ResourceNotFoundException: there is no such configuration.
    """
    config, limit = _config_at(work, request.code_signing_config_arn), min(request.max_items, LIST_MAX)
    found = work.select(FUNCTIONS_OF_CODE_SIGNING, limit=limit + 1, config=config.arn, after=request.marker)
    answer: dict[str, Any] = {"FunctionArns": [function.arn for function in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].arn
    return answer


def put_function_code_signing_config(request: PutOnFunction, work: Work) -> dict[str, Any]:
    """Give a function a configuration.

    Raises:
        CodeSigningConfigNotFoundException: there is no such configuration.
        ResourceNotFoundException: there is no such function.
    """
    config = signing_at(work, request.code_signing_config_arn)
    function = unqualified(work, request.function_name)
    work.put(FUNCTIONS, msgspec.structs.replace(function, code_signing=config.arn))
    return {"CodeSigningConfigArn": config.arn, "FunctionName": function.name}


def get_function_code_signing_config(request: FunctionRequest, work: Work) -> dict[str, Any]:
    """A function's configuration, if it has one.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = unqualified(work, request.function_name)
    if function.code_signing is None:
        return {}
    return {"CodeSigningConfigArn": function.code_signing, "FunctionName": function.name}


def delete_function_code_signing_config(request: FunctionRequest, work: Work) -> None:
    """Take a function's configuration off.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = unqualified(work, request.function_name)
    work.put(FUNCTIONS, msgspec.structs.replace(function, code_signing=None))


def signing_at(work: Work, arn: str) -> CodeSigning:
    """The configuration that a function is to have.

    Raises:
        CodeSigningConfigNotFoundException: there is no such configuration.
    """
    config = work.get(CODE_SIGNING, arn)
    if config is None:
        raise CodeSigningConfigNotFoundException(
            f"The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
        )
    return config


def _config_at(work: Work, arn: str) -> CodeSigning:
    config = work.get(CODE_SIGNING, arn)
    if config is None:
        raise PlainNotFound(f"The Lambda code signing configuration {arn} can not be found.")
    return config


def _shown(config: CodeSigning) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "CodeSigningConfigId": config.id,
        "CodeSigningConfigArn": config.arn,
        "AllowedPublishers": {"SigningProfileVersionArns": config.publishers},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": config.policy},
        "LastModified": last_modified(config.modified),
    }
    if config.description:
        shown["Description"] = config.description
    return shown
