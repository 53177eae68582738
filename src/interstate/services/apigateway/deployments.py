"""Compiling an API's routes into what a stage serves."""

from typing import Final

import msgspec

from interstate.services.apigateway.matching import DEFAULT
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    DEPLOYMENTS,
    INTEGRATIONS_OF_API,
    METHODS_OF_API,
    RESOURCES_OF_API,
    ROUTES_OF_API,
    STAGES,
    STAGES_OF_API,
    Api,
    Deployment,
    Routed,
)

PARTS_MAX: Final = 1000
"""Routes, resources and methods of one API that are looked at; API Gateway's quota is 300 each."""

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789"


def new_id(work: Work, length: int) -> str:
    """An id as API Gateway makes them: 10 characters for APIs, 7 for routes and integrations, 6 for deployments."""
    return work.entropy.text(length, _ALPHABET)


def http_routes(api: Api, work: Work) -> list[Routed]:
    """The routes of an HTTP API as they are now."""
    integrations = {
        f"integrations/{stored.id}": stored.integration
        for stored in work.select(INTEGRATIONS_OF_API, limit=PARTS_MAX, api=api.id, after="")
    }
    found = []
    for route in work.select(ROUTES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        method, _, path = ("ANY", "", DEFAULT) if route.key == DEFAULT else route.key.partition(" ")
        found.append(Routed(method, path, integrations.get(route.target)))
    return found


def rest_routes(api: Api, work: Work) -> list[Routed]:
    """The methods of a REST API as they are now."""
    paths = {
        resource.id: resource.path for resource in work.select(RESOURCES_OF_API, limit=PARTS_MAX, api=api.id, after="")
    }
    return [
        Routed(method.method, paths[method.resource], method.integration, method.resource)
        for method in work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id)
    ]


def deploy_http(api: Api, work: Work, description: str = "", *, auto: bool) -> Deployment:
    """A new deployment of an HTTP API."""
    deployment = Deployment(api.id, new_id(work, 6), work.now, http_routes(api, work), description, auto)
    work.put(DEPLOYMENTS, deployment)
    return deployment


def redeploy(api: Api, work: Work) -> None:
    """After a change: stages with automatic deployment show it at once."""
    for stage in work.select(STAGES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        if not stage.auto:
            continue
        old = None if stage.deployment is None else work.get(DEPLOYMENTS, api.id, stage.deployment)
        deployment = deploy_http(
            api, work, "Automatic deployment triggered by changes to the Api configuration", auto=True
        )
        work.put(STAGES, msgspec.structs.replace(stage, deployment=deployment.id, updated=work.now))
        if old is not None and old.auto:
            work.delete(DEPLOYMENTS, api.id, old.id)
