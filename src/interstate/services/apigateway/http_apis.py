"""HTTP APIs: create, import, describe, change, delete.

Source: API Gateway V2 API Reference
"""

from typing import Any, Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.deployments import PARTS_MAX, new_id, redeploy
from interstate.services.apigateway.errors import BadRequestException, NotFoundException
from interstate.services.apigateway.find import api_of, arn_of, endpoint, page, page_size, scope_of
from interstate.services.apigateway.integrations import check_integration
from interstate.services.apigateway.matching import DEFAULT
from interstate.services.apigateway.openapi import Document, read_document
from interstate.services.apigateway.routes import check_route_key
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    APIS,
    APIS_OF_SCOPE,
    DEPLOYMENTS,
    DEPLOYMENTS_OF_API,
    HTTP,
    INTEGRATIONS,
    INTEGRATIONS_OF_API,
    METHODS,
    METHODS_OF_API,
    RESOURCES,
    RESOURCES_OF_API,
    ROUTES,
    ROUTES_OF_API,
    STAGES,
    STAGES_OF_API,
    Api,
    Cors,
    Integration,
    Route,
    Stage,
    StoredIntegration,
)

_SELECTION: Final = "$request.method $request.path"


class CorsConfiguration(msgspec.Struct, frozen=True, rename="pascal"):
    allow_credentials: bool = False
    allow_headers: list[str] = []
    allow_methods: list[str] = []
    allow_origins: list[str] = []
    expose_headers: list[str] = []
    max_age: int | None = None


class CreateApi(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    protocol_type: str
    cors_configuration: CorsConfiguration | None = None
    credentials_arn: str = ""
    description: str = ""
    disable_execute_api_endpoint: bool = False
    disable_schema_validation: bool = False
    route_key: str | None = None
    route_selection_expression: str | None = None
    tags: dict[str, str] = {}
    target: str | None = None
    version: str = ""


class UpdateApi(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    name: str | None = None
    cors_configuration: CorsConfiguration | None = None
    credentials_arn: str | None = None
    description: str | None = None
    disable_execute_api_endpoint: bool | None = None
    route_key: str | None = None
    route_selection_expression: str | None = None
    target: str | None = None
    version: str | None = None


class ApiRequest(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str


class GetApis(msgspec.Struct, frozen=True, rename="pascal"):
    max_results: str | None = None
    next_token: str = ""


class ImportApi(msgspec.Struct, frozen=True, rename="pascal"):
    body: str
    basepath: str | None = None
    fail_on_warnings: bool = False


class ReimportApi(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    body: str
    basepath: str | None = None
    fail_on_warnings: bool = False


class TagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tags: dict[str, str] = {}


class UntagResource(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str
    tag_keys: list[str]


def create_api(request: CreateApi, work: Work) -> dict[str, Any]:
    """Create an HTTP API; with ``Target`` it serves that function at once (quick create).

    Raises:
        NotImplementedHere: a WebSocket API is wanted.
        BadRequestException: a route selection that HTTP APIs do not have.
    """
    if request.protocol_type != HTTP:
        raise NotImplementedHere("WebSocket APIs")
    _check_selection(request.route_selection_expression)
    api = Api(
        id=new_id(work, 10),
        scope=scope_of(work.caller),
        kind=HTTP,
        name=request.name,
        created=work.now,
        description=request.description,
        version=request.version,
        cors=_cors(request.cors_configuration),
        tags=request.tags,
        disabled=request.disable_execute_api_endpoint,
    )
    work.put(APIS, api)
    if request.target is not None:
        _quick_create(api, request, work)
    return shown_api(api, work)


def _check_selection(expression: str | None) -> None:
    if expression not in {None, _SELECTION, "${request.method} ${request.path}"}:
        raise BadRequestException(
            "For HTTP protocol, RouteSelectionExpression must be ${request.method} ${request.path}"
        )


def _cors(configuration: CorsConfiguration | None) -> Cors | None:
    if configuration is None:
        return None
    return Cors(**{name: getattr(configuration, name) for name in Cors.__struct_fields__})


def _quick_create(api: Api, request: CreateApi, work: Work) -> None:
    target, key = request.target or "", request.route_key or DEFAULT
    check_route_key(key)
    integration = Integration("AWS_PROXY", uri=target, payload_version="2.0", credentials=request.credentials_arn)
    check_integration(integration, key)
    stored = StoredIntegration(api.id, new_id(work, 7), integration)
    work.put(INTEGRATIONS, stored)
    work.put(ROUTES, Route(api.id, new_id(work, 7), key, f"integrations/{stored.id}"))
    work.put(STAGES, Stage(api.id, DEFAULT, work.now, work.now, auto=True))
    redeploy(api, work)


def shown_api(api: Api, work: Work) -> dict[str, Any]:
    """An HTTP API as the service describes it."""
    shown: dict[str, Any] = {
        "ApiEndpoint": endpoint(api, work.caller.host),
        "ApiId": api.id,
        "ApiKeySelectionExpression": "$request.header.x-api-key",
        "CreatedDate": api.created,
        "DisableExecuteApiEndpoint": api.disabled,
        "Name": api.name,
        "ProtocolType": HTTP,
        "RouteSelectionExpression": _SELECTION,
        "Tags": api.tags,
    }
    if api.cors is not None:
        shown["CorsConfiguration"] = _shown_cors(api.cors)
    texts = {"Description": api.description, "Version": api.version}
    return shown | {name: value for name, value in texts.items() if value}


def _shown_cors(cors: Cors) -> dict[str, Any]:
    shown = {
        "AllowCredentials": cors.allow_credentials,
        "AllowHeaders": cors.allow_headers,
        "AllowMethods": cors.allow_methods,
        "AllowOrigins": cors.allow_origins,
        "ExposeHeaders": cors.expose_headers,
        "MaxAge": cors.max_age,
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def import_api(request: ImportApi, work: Work) -> dict[str, Any]:
    """Create an HTTP API from an OpenAPI document.

    Raises:
        BadRequestException: it is no such document.
        NotImplementedHere: it asks for what Interstate does not have.
    """
    _check_import(request.basepath)
    document = read_document(request.body, rest=False)
    api = Api(
        id=new_id(work, 10),
        scope=scope_of(work.caller),
        kind=HTTP,
        name=document.title,
        created=work.now,
        description=document.description,
        version=document.version,
        cors=document.cors,
        tags=document.tags,
    )
    work.put(APIS, api)
    _fill(api, document, work)
    return shown_api(api, work)


def _check_import(basepath: str | None) -> None:
    if basepath not in {None, "ignore"}:
        raise NotImplementedHere(f"Basepath {basepath} of imports")


def _fill(api: Api, document: Document, work: Work) -> None:
    for imported in document.routes:
        key = DEFAULT if imported.path == DEFAULT else f"{imported.method} {imported.path}"
        check_route_key(key)
        target = ""
        if imported.integration is not None:
            stored = StoredIntegration(api.id, new_id(work, 7), imported.integration)
            work.put(INTEGRATIONS, stored)
            target = f"integrations/{stored.id}"
        work.put(ROUTES, Route(api.id, new_id(work, 7), key, target, imported.operation))
    redeploy(api, work)


def reimport_api(request: ReimportApi, work: Work) -> dict[str, Any]:
    """Make an HTTP API what a document says; its id and stages stay.

    Raises:
        ApiNotFound: there is no such API.
        BadRequestException: the document is none.
    """
    _check_import(request.basepath)
    api = api_of(work, request.api_id, HTTP)
    document = read_document(request.body, rest=False)
    api = msgspec.structs.replace(
        api,
        name=document.title,
        description=document.description,
        version=document.version,
        cors=document.cors,
        tags={**api.tags, **document.tags},
    )
    work.put(APIS, api)
    for route in work.select(ROUTES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(ROUTES, api.id, route.id)
    for stored in work.select(INTEGRATIONS_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(INTEGRATIONS, api.id, stored.id)
    _fill(api, document, work)
    return shown_api(api, work)


def get_api(request: ApiRequest, work: Work) -> dict[str, Any]:
    """An HTTP API.

    Raises:
        ApiNotFound: there is none.
    """
    return shown_api(api_of(work, request.api_id, HTTP), work)


def get_apis(request: GetApis, work: Work) -> dict[str, Any]:
    """The caller's HTTP APIs, a page at a time."""
    size = page_size(request.max_results)
    found = work.select(APIS_OF_SCOPE, limit=size + 1, scope=scope_of(work.caller), kind=HTTP, after=request.next_token)
    return page(HTTP, found, size, lambda api: shown_api(api, work))


def update_api(request: UpdateApi, work: Work) -> dict[str, Any]:
    """Change an HTTP API; what is not named stays.

    Raises:
        ApiNotFound: there is none.
        NotImplementedHere: quick create's target is to change.
    """
    api = api_of(work, request.api_id, HTTP)
    _check_selection(request.route_selection_expression)
    if request.target is not None or request.route_key is not None or request.credentials_arn is not None:
        raise NotImplementedHere(
            "UpdateApi with Target, RouteKey or CredentialsArn; change the route and its integration"
        )
    changes: dict[str, Any] = {
        "name": request.name,
        "description": request.description,
        "version": request.version,
        "disabled": request.disable_execute_api_endpoint,
        "cors": _cors(request.cors_configuration),
    }
    api = msgspec.structs.replace(api, **{name: value for name, value in changes.items() if value is not None})
    work.put(APIS, api)
    return shown_api(api, work)


def delete_cors_configuration(request: ApiRequest, work: Work) -> None:
    """Take an HTTP API's CORS back."""
    work.put(APIS, msgspec.structs.replace(api_of(work, request.api_id, HTTP), cors=None))


def delete_api(request: ApiRequest, work: Work) -> None:
    """Delete an HTTP API with all of its parts."""
    forget(api_of(work, request.api_id, HTTP), work)


def forget(api: Api, work: Work) -> None:
    """Delete an API of either generation and all that belongs to it."""
    for route in work.select(ROUTES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(ROUTES, api.id, route.id)
    for stored in work.select(INTEGRATIONS_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(INTEGRATIONS, api.id, stored.id)
    for method in work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id):
        work.delete(METHODS, api.id, method.resource, method.method)
    for resource in work.select(RESOURCES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(RESOURCES, api.id, resource.id)
    for stage in work.select(STAGES_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(STAGES, api.id, stage.name)
    for deployment in work.select(DEPLOYMENTS_OF_API, limit=PARTS_MAX, api=api.id, after=""):
        work.delete(DEPLOYMENTS, api.id, deployment.id)
    work.delete(APIS, api.id)


def _tagged(arn: str, work: Work) -> Api:
    api = work.get(APIS, arn.rsplit("/", 1)[-1])
    if api is None or arn_of(api) != arn:
        raise NotFoundException(f"Invalid resource identifier specified {arn}", code="NotFoundException")
    return api


def get_tags(request: TagResource, work: Work) -> dict[str, Any]:
    """An API's tags."""
    return {"Tags": _tagged(request.resource_arn, work).tags}


def tag_resource(request: TagResource, work: Work) -> dict[str, Any]:
    """Add or replace an API's tags."""
    api = _tagged(request.resource_arn, work)
    work.put(APIS, msgspec.structs.replace(api, tags={**api.tags, **request.tags}))
    return {}


def untag_resource(request: UntagResource, work: Work) -> None:
    """Take tags away from an API."""
    api = _tagged(request.resource_arn, work)
    kept = {name: value for name, value in api.tags.items() if name not in request.tag_keys}
    work.put(APIS, msgspec.structs.replace(api, tags=kept))
