"""Deployments and stages of REST APIs.

Source: API Gateway API Reference (V1)
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.deployments import PARTS_MAX, new_id, rest_routes
from interstate.services.apigateway.errors import BadRequestException, ConflictException, NotFoundException
from interstate.services.apigateway.find import api_of, page
from interstate.services.apigateway.rest_apis import Patch
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    DEPLOYMENTS,
    DEPLOYMENTS_OF_API,
    REST,
    STAGES,
    STAGES_OF_API,
    Api,
    Deployment,
    Stage,
)


class CreateDeployment(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    stage_name: str | None = None
    stage_description: str = ""
    description: str = ""
    variables: dict[str, str] = {}
    cache_cluster_enabled: bool | None = None
    canary_settings: dict[str, Any] = {}
    tracing_enabled: bool | None = None


class DeploymentRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    deployment_id: str
    embed: list[str] = []


class ListRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    position: str = ""
    limit: int | None = None


class CreateStage(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    stage_name: str
    deployment_id: str
    description: str = ""
    cache_cluster_enabled: bool = False
    variables: dict[str, str] = {}
    canary_settings: dict[str, Any] = {}
    tracing_enabled: bool = False
    tags: dict[str, str] = {}


class StageRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    stage_name: str


class GetStages(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    deployment_id: str | None = None


class UpdateStage(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    stage_name: str
    patch_operations: list[Patch] = []


def create_deployment(request: CreateDeployment, work: Work) -> dict[str, Any]:
    """Keep the API's methods as they are; with a stage's name, show them there (the stage is made when it is missing).

    Raises:
        BadRequestException: the API has no method, or one without integration.
        NotImplementedHere: canaries, caches.
    """
    api = api_of(work, request.rest_api_id, REST)
    if request.canary_settings or request.cache_cluster_enabled:
        raise NotImplementedHere("canaries and caches of stages")
    routes = rest_routes(api, work)
    if not routes:
        raise BadRequestException("The REST API doesn't contain any methods")
    if any(route.integration is None for route in routes):
        raise BadRequestException("No integration defined for method")
    deployment = Deployment(api.id, new_id(work, 6), work.now, routes, request.description)
    work.put(DEPLOYMENTS, deployment)
    if request.stage_name:
        _show(api, deployment, request, work)
    return _shown_deployment(deployment)


def _show(api: Api, deployment: Deployment, request: CreateDeployment, work: Work) -> None:
    assert request.stage_name is not None
    old = work.get(STAGES, api.id, request.stage_name)
    stage = old or Stage(api.id, request.stage_name, work.now, work.now, description=request.stage_description)
    variables = {**stage.variables, **request.variables}
    work.put(STAGES, msgspec.structs.replace(stage, deployment=deployment.id, variables=variables, updated=work.now))


def _shown_deployment(deployment: Deployment) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": deployment.id, "createdDate": deployment.created}
    return shown | ({"description": deployment.description} if deployment.description else {})


def _deployment(work: Work, api: Api, deployment_id: str) -> Deployment:
    found = work.get(DEPLOYMENTS, api.id, deployment_id)
    if found is None:
        raise NotFoundException("Invalid Deployment identifier specified", code="NotFoundException")
    return found


def get_deployment(request: DeploymentRequest, work: Work) -> dict[str, Any]:
    """A deployment."""
    return _shown_deployment(_deployment(work, api_of(work, request.rest_api_id, REST), request.deployment_id))


def get_deployments(request: ListRequest, work: Work) -> dict[str, Any]:
    """The deployments of an API, a page at a time."""
    api, size = api_of(work, request.rest_api_id, REST), min(request.limit or 25, 500)
    found = work.select(DEPLOYMENTS_OF_API, limit=size + 1, api=api.id, after=request.position)
    return page(REST, found, size, _shown_deployment)


def delete_deployment(request: DeploymentRequest, work: Work) -> None:
    """Forget a deployment.

    Raises:
        BadRequestException: a stage shows it.
    """
    api = api_of(work, request.rest_api_id, REST)
    _deployment(work, api, request.deployment_id)
    for stage in work.select(STAGES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        if stage.deployment == request.deployment_id:
            raise BadRequestException("Active stages pointing to this deployment must be moved or deleted")
    work.delete(DEPLOYMENTS, api.id, request.deployment_id)


def create_stage(request: CreateStage, work: Work) -> dict[str, Any]:
    """Show a deployment under a name.

    Raises:
        ConflictException: the name is taken.
    """
    api = api_of(work, request.rest_api_id, REST)
    if request.canary_settings or request.cache_cluster_enabled:
        raise NotImplementedHere("canaries and caches of stages")
    _deployment(work, api, request.deployment_id)
    if work.get(STAGES, api.id, request.stage_name) is not None:
        raise ConflictException("Stage already exists")
    stage = Stage(
        api=api.id,
        name=request.stage_name,
        created=work.now,
        updated=work.now,
        deployment=request.deployment_id,
        variables=request.variables,
        description=request.description,
        tags=request.tags,
        settings={"tracingEnabled": request.tracing_enabled},
    )
    work.put(STAGES, stage)
    return _shown_stage(stage)


def _shown_stage(stage: Stage) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "stageName": stage.name,
        "deploymentId": stage.deployment,
        "cacheClusterEnabled": False,
        "cacheClusterStatus": "NOT_AVAILABLE",
        "methodSettings": {},
        "tracingEnabled": False,
        "createdDate": stage.created,
        "lastUpdatedDate": stage.updated,
        "tags": stage.tags,
        **stage.settings,
    }
    optional = {"description": stage.description, "variables": stage.variables}
    return shown | {name: value for name, value in optional.items() if value}


def _stage(request: StageRequest | UpdateStage, work: Work) -> Stage:
    api = api_of(work, request.rest_api_id, REST)
    found = work.get(STAGES, api.id, request.stage_name)
    if found is None:
        raise NotFoundException("Invalid stage identifier specified", code="NotFoundException")
    return found


def get_stage(request: StageRequest, work: Work) -> dict[str, Any]:
    """A stage."""
    return _shown_stage(_stage(request, work))


def get_stages(request: GetStages, work: Work) -> dict[str, Any]:
    """The stages of an API, or of one of its deployments."""
    api = api_of(work, request.rest_api_id, REST)
    found = work.select(STAGES_OF_API, limit=PARTS_MAX, api=api.id, after="")
    wanted = request.deployment_id
    return {"item": [_shown_stage(stage) for stage in found if wanted is None or stage.deployment == wanted]}


def update_stage(request: UpdateStage, work: Work) -> dict[str, Any]:
    """Change what a stage shows, its description, its variables.

    Raises:
        NotImplementedHere: another path is patched.
    """
    stage = _stage(request, work)
    for patch in request.patch_operations:
        stage = _patched(stage, patch, work)
    stage = msgspec.structs.replace(stage, updated=work.now)
    work.put(STAGES, stage)
    return _shown_stage(stage)


def _patched(stage: Stage, patch: Patch, work: Work) -> Stage:
    _, first, *rest = patch.path.split("/")
    match patch.op, first, rest:
        case "replace", "deploymentId", []:
            _deployment(work, api_of(work, stage.api, REST), patch.value)
            return msgspec.structs.replace(stage, deployment=patch.value)
        case "replace", "description", []:
            return msgspec.structs.replace(stage, description=patch.value)
        case "replace" | "add", "variables", [name]:
            return msgspec.structs.replace(stage, variables={**stage.variables, name: patch.value})
        case "remove", "variables", [name]:
            kept = {key: value for key, value in stage.variables.items() if key != name}
            return msgspec.structs.replace(stage, variables=kept)
        case _:
            raise NotImplementedHere(f"UpdateStage with {patch.op} {patch.path}")


def delete_stage(request: StageRequest, work: Work) -> None:
    """Take a stage away; nothing is served there any more."""
    stage = _stage(request, work)
    work.delete(STAGES, stage.api, stage.name)
