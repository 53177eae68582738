"""Stages and deployments of HTTP APIs.

Source: API Gateway V2 API Reference
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.deployments import deploy_http, redeploy
from interstate.services.apigateway.errors import BadRequestException, ConflictException
from interstate.services.apigateway.find import api_of, page, page_size, part_of, stage_of
from interstate.services.apigateway.routes import PartsRequest
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    DEPLOYMENTS,
    DEPLOYMENTS_OF_API,
    HTTP,
    STAGES,
    STAGES_OF_API,
    Deployment,
    Stage,
)


class CreateStage(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    stage_name: str
    access_log_settings: dict[str, Any] = {}
    auto_deploy: bool = False
    default_route_settings: dict[str, Any] = {}
    deployment_id: str | None = None
    description: str = ""
    route_settings: dict[str, Any] = {}
    stage_variables: dict[str, str] = {}
    tags: dict[str, str] = {}


class UpdateStage(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    stage_name: str
    access_log_settings: dict[str, Any] = {}
    auto_deploy: bool | None = None
    default_route_settings: dict[str, Any] | None = None
    deployment_id: str | None = None
    description: str | None = None
    route_settings: dict[str, Any] = {}
    stage_variables: dict[str, str] | None = None


class StageRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    stage_name: str


class CreateDeployment(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    description: str = ""
    stage_name: str | None = None


class DeploymentRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    deployment_id: str


def _refuse(request: CreateStage | UpdateStage) -> None:
    if request.access_log_settings:
        raise NotImplementedHere("access logs of stages")
    if request.route_settings:
        raise NotImplementedHere("RouteSettings of stages")


def create_stage(request: CreateStage, work: Work) -> dict[str, Any]:
    """Add a stage; with automatic deployment it shows the API at once, and each change of it.

    Raises:
        ConflictException: the API has a stage of this name.
        PartNotFound: there is no such deployment.
    """
    api = api_of(work, request.api_id, HTTP)
    _refuse(request)
    if work.get(STAGES, api.id, request.stage_name) is not None:
        raise ConflictException("Stage already exists")
    if request.deployment_id is not None:
        if request.auto_deploy:
            raise BadRequestException("DeploymentId cannot be specified when AutoDeploy is enabled")
        part_of(work, DEPLOYMENTS, api, request.deployment_id, "Deployment")
    stage = Stage(
        api=api.id,
        name=request.stage_name,
        created=work.now,
        updated=work.now,
        deployment=request.deployment_id,
        auto=request.auto_deploy,
        variables=request.stage_variables,
        description=request.description,
        tags=request.tags,
        settings=request.default_route_settings,
    )
    work.put(STAGES, stage)
    if stage.auto:
        redeploy(api, work)
    return shown_stage(stage_of(work, api, stage.name))


def shown_stage(stage: Stage) -> dict[str, Any]:
    """A stage as the service describes it. Throttling is described, not enforced."""
    shown: dict[str, Any] = {
        "AutoDeploy": stage.auto,
        "CreatedDate": stage.created,
        "DefaultRouteSettings": {"DetailedMetricsEnabled": False, **stage.settings},
        "LastUpdatedDate": stage.updated,
        "RouteSettings": {},
        "StageName": stage.name,
        "StageVariables": stage.variables,
        "Tags": stage.tags,
    }
    texts = {"DeploymentId": stage.deployment, "Description": stage.description}
    return shown | {name: value for name, value in texts.items() if value}


def get_stage(request: StageRequest, work: Work) -> dict[str, Any]:
    """A stage."""
    return shown_stage(stage_of(work, api_of(work, request.api_id, HTTP), request.stage_name))


def get_stages(request: PartsRequest, work: Work) -> dict[str, Any]:
    """The stages of an API, a page at a time."""
    api, size = api_of(work, request.api_id, HTTP), page_size(request.max_results)
    found = work.select(STAGES_OF_API, limit=size + 1, api=api.id, after=request.next_token)
    return page(HTTP, found, size, shown_stage, key="name")


def update_stage(request: UpdateStage, work: Work) -> dict[str, Any]:
    """Change a stage; what is not named stays."""
    api = api_of(work, request.api_id, HTTP)
    stage = stage_of(work, api, request.stage_name)
    _refuse(request)
    if request.deployment_id is not None:
        part_of(work, DEPLOYMENTS, api, request.deployment_id, "Deployment")
    changes: dict[str, Any] = {
        "auto": request.auto_deploy,
        "deployment": request.deployment_id,
        "description": request.description,
        "settings": request.default_route_settings,
        "variables": request.stage_variables,
    }
    changed = {name: value for name, value in changes.items() if value is not None}
    work.put(STAGES, msgspec.structs.replace(stage, updated=work.now, **changed))
    redeploy(api, work)
    return shown_stage(stage_of(work, api, stage.name))


def delete_stage(request: StageRequest, work: Work) -> None:
    """Take a stage away; nothing is served there any more."""
    api = api_of(work, request.api_id, HTTP)
    stage_of(work, api, request.stage_name)
    work.delete(STAGES, api.id, request.stage_name)


# Deployments ------------------------------------------------------------------------------------------------------


def create_deployment(request: CreateDeployment, work: Work) -> dict[str, Any]:
    """Keep the API's routes as they are; with a stage's name, show them there."""
    api = api_of(work, request.api_id, HTTP)
    stage = None if request.stage_name is None else stage_of(work, api, request.stage_name)
    if stage is not None and stage.auto:
        raise BadRequestException("Deployments cannot be created for a stage with AutoDeploy enabled")
    deployment = deploy_http(api, work, request.description, auto=False)
    if stage is not None:
        work.put(STAGES, msgspec.structs.replace(stage, deployment=deployment.id, updated=work.now))
    return _shown_deployment(deployment)


def _shown_deployment(deployment: Deployment) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "AutoDeployed": deployment.auto,
        "CreatedDate": deployment.created,
        "DeploymentId": deployment.id,
        "DeploymentStatus": "DEPLOYED",
    }
    return shown | ({"Description": deployment.description} if deployment.description else {})


def get_deployment(request: DeploymentRequest, work: Work) -> dict[str, Any]:
    """A deployment."""
    api = api_of(work, request.api_id, HTTP)
    return _shown_deployment(part_of(work, DEPLOYMENTS, api, request.deployment_id, "Deployment"))


def get_deployments(request: PartsRequest, work: Work) -> dict[str, Any]:
    """The deployments of an API, a page at a time."""
    api, size = api_of(work, request.api_id, HTTP), page_size(request.max_results)
    found = work.select(DEPLOYMENTS_OF_API, limit=size + 1, api=api.id, after=request.next_token)
    return page(HTTP, found, size, _shown_deployment)


def delete_deployment(request: DeploymentRequest, work: Work) -> None:
    """Forget a deployment.

    Raises:
        BadRequestException: a stage shows it.
    """
    api = api_of(work, request.api_id, HTTP)
    part_of(work, DEPLOYMENTS, api, request.deployment_id, "Deployment")
    for stage in work.select(STAGES_OF_API, limit=1000, api=api.id, after=""):
        if stage.deployment == request.deployment_id:
            raise BadRequestException("Active stages pointing to this deployment must be moved or deleted")
    work.delete(DEPLOYMENTS, api.id, request.deployment_id)
