"""Routes and integrations of HTTP APIs.

Source: API Gateway V2 API Reference
"""

import re
from typing import Any, Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.deployments import PARTS_MAX, new_id, redeploy
from interstate.services.apigateway.errors import BadRequestException, ConflictException, PartNotFound
from interstate.services.apigateway.find import api_of, page, page_size, part_of
from interstate.services.apigateway.integrations import check_integration
from interstate.services.apigateway.matching import DEFAULT, METHODS, is_greedy
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    HTTP,
    INTEGRATIONS,
    INTEGRATIONS_OF_API,
    ROUTES,
    ROUTES_OF_API,
    Integration,
    Route,
    StoredIntegration,
)

_SEGMENT: Final = re.compile(r"\{[a-zA-Z0-9._-]+\+?\}\Z|[^{}]*\Z")


class CreateRoute(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    route_key: str
    authorization_type: str = "NONE"
    authorizer_id: str | None = None
    api_key_required: bool = False
    operation_name: str = ""
    target: str = ""
    request_parameters: dict[str, Any] = {}
    request_models: dict[str, str] = {}
    model_selection_expression: str | None = None
    route_response_selection_expression: str | None = None


class UpdateRoute(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    route_id: str
    route_key: str | None = None
    authorization_type: str = "NONE"
    authorizer_id: str | None = None
    api_key_required: bool = False
    operation_name: str | None = None
    target: str | None = None
    request_parameters: dict[str, Any] = {}
    request_models: dict[str, str] = {}
    model_selection_expression: str | None = None
    route_response_selection_expression: str | None = None


class RouteRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    route_id: str


class PartsRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    max_results: str | None = None
    next_token: str = ""


class CreateIntegration(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    integration_type: str
    connection_id: str | None = None
    connection_type: str = "INTERNET"
    credentials_arn: str = ""
    description: str = ""
    integration_method: str = ""
    integration_subtype: str = ""
    integration_uri: str = ""
    payload_format_version: str = "1.0"
    request_parameters: dict[str, str] = {}
    request_templates: dict[str, str] = {}
    response_parameters: dict[str, Any] = {}
    timeout_in_millis: int = 30_000
    tls_config: dict[str, Any] = {}


class UpdateIntegration(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    integration_id: str
    integration_type: str | None = None
    connection_id: str | None = None
    connection_type: str | None = None
    credentials_arn: str | None = None
    description: str | None = None
    integration_method: str | None = None
    integration_subtype: str | None = None
    integration_uri: str | None = None
    payload_format_version: str | None = None
    request_parameters: dict[str, str] | None = None
    request_templates: dict[str, str] = {}
    response_parameters: dict[str, Any] = {}
    timeout_in_millis: int | None = None
    tls_config: dict[str, Any] = {}


class IntegrationRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    integration_id: str


# Routes -----------------------------------------------------------------------------------------------------------


def check_route_key(key: str) -> None:
    """Check a route key: ``$default`` or a method and a path.

    Raises:
        BadRequestException: it is none.
    """
    if key == DEFAULT:
        return
    method, _, path = key.partition(" ")
    if method not in METHODS or not path.startswith("/"):
        raise BadRequestException(
            f'The provided route key is not formatted properly for HTTP protocol. Format should be "<HTTP METHOD> /<RESOURCE PATH>" or "$default" ({key})'
        )
    segments = path.split("/")[1:]
    greedy = [index for index, segment in enumerate(segments) if is_greedy(segment)]
    if not all(_SEGMENT.match(segment) for segment in segments) or (greedy and greedy != [len(segments) - 1]):
        raise BadRequestException(f"The provided route key has an invalid path ({key})")


def _refuse_route(request: CreateRoute | UpdateRoute) -> None:
    if request.authorization_type != "NONE" or request.authorizer_id is not None:
        raise NotImplementedHere(f"authorizers of APIs ({request.route_key})")
    if request.api_key_required or request.request_parameters or request.request_models:
        raise NotImplementedHere(f"API keys, request parameters and models of routes ({request.route_key})")


def create_route(request: CreateRoute, work: Work) -> dict[str, Any]:
    """Add a route.

    Raises:
        BadRequestException: the key is none, or the target names no integration.
        ConflictException: the API has the key.
        NotImplementedHere: it wants an authorizer.
    """
    api = api_of(work, request.api_id, HTTP)
    _refuse_route(request)
    check_route_key(request.route_key)
    _check_free(work, api.id, request.route_key, "")
    _check_target(work, api.id, request.target)
    route = Route(api.id, new_id(work, 7), request.route_key, request.target, request.operation_name)
    work.put(ROUTES, route)
    redeploy(api, work)
    return _shown_route(route)


def _check_free(work: Work, api_id: str, key: str, own: str) -> None:
    for route in work.select(ROUTES_OF_API, limit=PARTS_MAX, api=api_id, after=""):
        if route.key == key and route.id != own:
            raise ConflictException(f"Route with key {key} already exists for this API")


def _check_target(work: Work, api_id: str, target: str) -> None:
    if not target:
        return
    kind, _, identifier = target.partition("/")
    if kind != "integrations" or work.get(INTEGRATIONS, api_id, identifier) is None:
        raise BadRequestException(f"Invalid integration identifier specified {target}")


def _shown_route(route: Route) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "ApiKeyRequired": False,
        "AuthorizationType": "NONE",
        "RouteId": route.id,
        "RouteKey": route.key,
    }
    texts = {"OperationName": route.operation, "Target": route.target}
    return shown | {name: value for name, value in texts.items() if value}


def get_route(request: RouteRequest, work: Work) -> dict[str, Any]:
    """A route."""
    return _shown_route(part_of(work, ROUTES, api_of(work, request.api_id, HTTP), request.route_id, "Route"))


def get_routes(request: PartsRequest, work: Work) -> dict[str, Any]:
    """The routes of an API, a page at a time."""
    api, size = api_of(work, request.api_id, HTTP), page_size(request.max_results)
    found = work.select(ROUTES_OF_API, limit=size + 1, api=api.id, after=request.next_token)
    return page(HTTP, found, size, _shown_route)


def update_route(request: UpdateRoute, work: Work) -> dict[str, Any]:
    """Change a route; what is not named stays."""
    api = api_of(work, request.api_id, HTTP)
    route: Route = part_of(work, ROUTES, api, request.route_id, "Route")
    _refuse_route(request)
    if request.route_key is not None:
        check_route_key(request.route_key)
        _check_free(work, api.id, request.route_key, route.id)
    _check_target(work, api.id, request.target or "")
    changes = {"key": request.route_key, "target": request.target, "operation": request.operation_name}
    route = msgspec.structs.replace(route, **{name: value for name, value in changes.items() if value is not None})
    work.put(ROUTES, route)
    redeploy(api, work)
    return _shown_route(route)


def delete_route(request: RouteRequest, work: Work) -> None:
    """Take a route away."""
    api = api_of(work, request.api_id, HTTP)
    part_of(work, ROUTES, api, request.route_id, "Route")
    work.delete(ROUTES, api.id, request.route_id)
    redeploy(api, work)


# Integrations -----------------------------------------------------------------------------------------------------


def _refuse_integration(request: CreateIntegration | UpdateIntegration) -> None:
    if request.connection_id is not None or request.connection_type == "VPC_LINK":
        raise NotImplementedHere("VPC links")
    if request.request_templates or request.response_parameters or request.tls_config:
        raise NotImplementedHere("RequestTemplates, ResponseParameters and TlsConfig of integrations")


def create_integration(request: CreateIntegration, work: Work) -> dict[str, Any]:
    """Add an integration.

    Raises:
        BadRequestException: it cannot be used.
        NotImplementedHere: Interstate does not have its kind.
    """
    api = api_of(work, request.api_id, HTTP)
    _refuse_integration(request)
    integration = Integration(
        type=request.integration_type,
        uri=request.integration_uri,
        subtype=request.integration_subtype,
        method=request.integration_method,
        payload_version=request.payload_format_version,
        parameters=request.request_parameters,
        credentials=request.credentials_arn,
        timeout_ms=request.timeout_in_millis,
        description=request.description,
    )
    check_integration(integration, "CreateIntegration")
    stored = StoredIntegration(api.id, new_id(work, 7), integration, request.connection_type)
    work.put(INTEGRATIONS, stored)
    return _shown_integration(stored)


def _shown_integration(stored: StoredIntegration) -> dict[str, Any]:
    integration = stored.integration
    shown: dict[str, Any] = {
        "ConnectionType": stored.connection_type,
        "IntegrationId": stored.id,
        "IntegrationType": integration.type,
        "PayloadFormatVersion": integration.payload_version,
        "TimeoutInMillis": integration.timeout_ms,
    }
    optional = {
        "CredentialsArn": integration.credentials,
        "Description": integration.description,
        "IntegrationMethod": integration.method,
        "IntegrationSubtype": integration.subtype,
        "IntegrationUri": integration.uri,
        "RequestParameters": integration.parameters,
    }
    return shown | {name: value for name, value in optional.items() if value}


def get_integration(request: IntegrationRequest, work: Work) -> dict[str, Any]:
    """An integration."""
    api = api_of(work, request.api_id, HTTP)
    return _shown_integration(part_of(work, INTEGRATIONS, api, request.integration_id, "Integration"))


def get_integrations(request: PartsRequest, work: Work) -> dict[str, Any]:
    """The integrations of an API, a page at a time."""
    api, size = api_of(work, request.api_id, HTTP), page_size(request.max_results)
    found = work.select(INTEGRATIONS_OF_API, limit=size + 1, api=api.id, after=request.next_token)
    return page(HTTP, found, size, _shown_integration)


def update_integration(request: UpdateIntegration, work: Work) -> dict[str, Any]:
    """Change an integration; what is not named stays."""
    api = api_of(work, request.api_id, HTTP)
    stored: StoredIntegration = part_of(work, INTEGRATIONS, api, request.integration_id, "Integration")
    _refuse_integration(request)
    changes = {
        "type": request.integration_type,
        "uri": request.integration_uri,
        "subtype": request.integration_subtype,
        "method": request.integration_method,
        "payload_version": request.payload_format_version,
        "parameters": request.request_parameters,
        "credentials": request.credentials_arn,
        "timeout_ms": request.timeout_in_millis,
        "description": request.description,
    }
    changed = {name: value for name, value in changes.items() if value is not None}
    integration = msgspec.structs.replace(stored.integration, **changed)
    check_integration(integration, "UpdateIntegration")
    stored = msgspec.structs.replace(stored, integration=integration)
    work.put(INTEGRATIONS, stored)
    redeploy(api, work)
    return _shown_integration(stored)


def delete_integration(request: IntegrationRequest, work: Work) -> None:
    """Take an integration away.

    Raises:
        ConflictException: a route has it as its target.
        PartNotFound: there is none.
    """
    api = api_of(work, request.api_id, HTTP)
    if work.get(INTEGRATIONS, api.id, request.integration_id) is None:
        raise PartNotFound("Integration", request.integration_id)
    target = f"integrations/{request.integration_id}"
    for route in work.select(ROUTES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        if route.target == target:
            raise ConflictException(
                f"Cannot delete Integration '{request.integration_id}' because it is referenced by Route '{route.key}'."
            )
    work.delete(INTEGRATIONS, api.id, request.integration_id)
    redeploy(api, work)
