"""REST APIs and their resources: create, import, describe, change, delete.

Source: API Gateway API Reference (V1)
"""

from typing import Any, Final

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.deployments import PARTS_MAX, new_id
from interstate.services.apigateway.errors import BadRequestException, ConflictException, NotFoundException
from interstate.services.apigateway.find import PAGE, api_of, page, scope_of
from interstate.services.apigateway.http_apis import forget
from interstate.services.apigateway.openapi import Document, read_document
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    APIS,
    APIS_OF_SCOPE,
    METHODS,
    METHODS_OF_API,
    RESOURCES,
    RESOURCES_OF_API,
    REST,
    Api,
    Integration,
    IntegrationResponse,
    Method,
    Resource,
)

_PAGE_DEFAULT: Final = 25


class CreateRestApi(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    description: str = ""
    version: str = ""
    clone_from: str | None = None
    binary_media_types: list[str] = []
    api_key_source: str = "HEADER"
    endpoint_configuration: dict[str, Any] = {}
    policy: str | None = None
    tags: dict[str, str] = {}
    disable_execute_api_endpoint: bool = False


class ImportRestApi(msgspec.Struct, frozen=True, rename="camel"):
    body: bytes
    fail_on_warnings: bool = False
    parameters: dict[str, str] = {}


class PutRestApi(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    body: bytes
    mode: str = "merge"
    fail_on_warnings: bool = False
    parameters: dict[str, str] = {}


class RestApiRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str


class ListRequest(msgspec.Struct, frozen=True, rename="camel"):
    position: str = ""
    limit: int | None = None


class Patch(msgspec.Struct, frozen=True, rename="camel"):
    op: str
    path: str
    value: str = ""


class UpdateRestApi(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    patch_operations: list[Patch] = []


class GetResources(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    position: str = ""
    limit: int | None = None
    embed: list[str] = []


class ResourceRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    embed: list[str] = []


class CreateResource(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    parent_id: str
    path_part: str


def create_rest_api(request: CreateRestApi, work: Work) -> dict[str, Any]:
    """Create an empty REST API with its root resource.

    Raises:
        NotImplementedHere: a clone, or binary media types.
    """
    if request.clone_from is not None or request.binary_media_types:
        raise NotImplementedHere("cloneFrom and binaryMediaTypes of REST APIs")
    api = Api(
        id=new_id(work, 10),
        scope=scope_of(work.caller),
        kind=REST,
        name=request.name,
        created=work.now,
        description=request.description,
        version=request.version,
        tags=request.tags,
        disabled=request.disable_execute_api_endpoint,
        settings=_settings(request),
    )
    work.put(APIS, api)
    work.put(RESOURCES, Resource(api.id, new_id(work, 10), "/"))
    return shown_api(api, work)


def _settings(request: CreateRestApi) -> dict[str, Any]:
    settings: dict[str, Any] = {"policy": request.policy} if request.policy else {}
    return settings | (
        {"endpointConfiguration": request.endpoint_configuration} if request.endpoint_configuration else {}
    )


def shown_api(api: Api, work: Work) -> dict[str, Any]:
    """A REST API as the service describes it."""
    shown: dict[str, Any] = {
        "id": api.id,
        "name": api.name,
        "createdDate": api.created,
        "apiKeySource": "HEADER",
        "endpointConfiguration": {"types": ["EDGE"]},
        "tags": api.tags,
        "disableExecuteApiEndpoint": api.disabled,
        "rootResourceId": _root(api, work).id,
        **api.settings,
    }
    texts = {"description": api.description, "version": api.version}
    return shown | {name: value for name, value in texts.items() if value}


def _resources(api: Api, work: Work) -> list[Resource]:
    return work.select(RESOURCES_OF_API, limit=PARTS_MAX, api=api.id, after="")


def _root(api: Api, work: Work) -> Resource:
    return next(resource for resource in _resources(api, work) if resource.path == "/")


def import_rest_api(request: ImportRestApi, work: Work) -> dict[str, Any]:
    """Create a REST API from an OpenAPI document.

    Raises:
        BadRequestException: it is no such document.
        NotImplementedHere: it asks for authorizers, or another thing that Interstate does not have.
    """
    document = read_document(request.body.decode(errors="replace"), rest=True)
    created = create_rest_api(
        CreateRestApi(document.title, document.description, document.version, tags=document.tags), work
    )
    _fill(api_of(work, created["id"], REST), document, work)
    return created


def put_rest_api(request: PutRestApi, work: Work) -> dict[str, Any]:
    """Make a REST API what a document says. Its stages show what they showed until the next deployment.

    Raises:
        NotImplementedHere: the document is to be merged into the API.
    """
    api = api_of(work, request.rest_api_id, REST)
    if request.mode != "overwrite":
        raise NotImplementedHere("PutRestApi with mode merge; use overwrite")
    document = read_document(request.body.decode(errors="replace"), rest=True)
    api = msgspec.structs.replace(api, name=document.title, description=document.description, version=document.version)
    work.put(APIS, api)
    for method in work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id):
        work.delete(METHODS, api.id, method.resource, method.method)
    for resource in _resources(api, work):
        if resource.path != "/":
            work.delete(RESOURCES, api.id, resource.id)
    _fill(api, document, work)
    return shown_api(api, work)


def _fill(api: Api, document: Document, work: Work) -> None:
    for route in document.routes:
        resource = _resource_at(api, route.path, work)
        settings: dict[str, Any] = {"operationName": route.operation} if route.operation else {}
        work.put(METHODS, Method(api.id, resource.id, route.method, route.integration, settings))


def _resource_at(api: Api, path: str, work: Work) -> Resource:
    """The resource of a path, made with those above it where it is missing."""
    here = _root(api, work)
    known = {resource.path: resource for resource in _resources(api, work)}
    parts = [part for part in path.split("/") if part]
    for index, part in enumerate(parts):
        place = "/" + "/".join(parts[: index + 1])
        if place not in known:
            known[place] = Resource(api.id, new_id(work, 6), place, part, here.id)
            work.put(RESOURCES, known[place])
        here = known[place]
    return here


def get_rest_api(request: RestApiRequest, work: Work) -> dict[str, Any]:
    """A REST API."""
    return shown_api(api_of(work, request.rest_api_id, REST), work)


def get_rest_apis(request: ListRequest, work: Work) -> dict[str, Any]:
    """The caller's REST APIs, a page at a time."""
    size = _page_size(request.limit)
    found = work.select(APIS_OF_SCOPE, limit=size + 1, scope=scope_of(work.caller), kind=REST, after=request.position)
    return page(REST, found, size, lambda api: shown_api(api, work))


def _page_size(limit: int | None) -> int:
    if limit is not None and limit < 0:
        raise BadRequestException(f"Invalid limit: {limit}")
    return min(limit or _PAGE_DEFAULT, PAGE)


def update_rest_api(request: UpdateRestApi, work: Work) -> dict[str, Any]:
    """Change a REST API's name or description.

    Raises:
        NotImplementedHere: another path is patched.
    """
    api = api_of(work, request.rest_api_id, REST)
    for patch in request.patch_operations:
        field = {"/name": "name", "/description": "description"}.get(patch.path)
        if field is None or patch.op != "replace":
            raise NotImplementedHere(f"UpdateRestApi with {patch.op} {patch.path}")
        api = msgspec.structs.replace(api, **{field: patch.value})
    work.put(APIS, api)
    return shown_api(api, work)


def delete_rest_api(request: RestApiRequest, work: Work) -> None:
    """Delete a REST API with all of its parts."""
    forget(api_of(work, request.rest_api_id, REST), work)


# Resources --------------------------------------------------------------------------------------------------------


def resource_of(work: Work, api: Api, resource_id: str) -> Resource:
    found = work.get(RESOURCES, api.id, resource_id)
    if found is None:
        raise NotFoundException("Invalid Resource identifier specified", code="NotFoundException")
    return found


def shown_method(method: Method) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "httpMethod": method.method,
        "authorizationType": "NONE",
        "apiKeyRequired": False,
        **method.settings,
    }
    if method.integration is not None:
        shown["methodIntegration"] = shown_integration(method.integration, method.resource)
    return shown


def shown_integration(integration: Integration, resource: str) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "type": integration.type,
        "passthroughBehavior": integration.passthrough,
        "timeoutInMillis": integration.timeout_ms,
        "cacheNamespace": resource,
        "cacheKeyParameters": [],
    }
    more: dict[str, Any] = {
        "httpMethod": integration.method,
        "uri": integration.uri,
        "credentials": integration.credentials,
        "requestParameters": integration.parameters,
        "requestTemplates": integration.templates,
        "integrationResponses": {str(response.status): shown_response(response) for response in integration.responses},
    }
    return shown | {name: value for name, value in more.items() if value}


def shown_response(response: IntegrationResponse) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "selectionPattern": response.pattern,
        "responseParameters": response.parameters,
        "responseTemplates": response.templates,
    }
    return {"statusCode": str(response.status), **{name: value for name, value in shown.items() if value}}


def get_resources(request: GetResources, work: Work) -> dict[str, Any]:
    """The resources of a REST API with the names of their methods (``embed=methods``: the methods)."""
    api = api_of(work, request.rest_api_id, REST)
    size = _page_size(request.limit)
    found = work.select(RESOURCES_OF_API, limit=size + 1, api=api.id, after=request.position)
    methods = work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id)
    embed = "methods" in request.embed
    return page(REST, found, size, lambda resource: _shown_resource(resource, methods, embed=embed))


def _shown_resource(resource: Resource, methods: list[Method], *, embed: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": resource.id, "path": resource.path}
    if resource.parent is not None:
        shown |= {"parentId": resource.parent, "pathPart": resource.part}
    own = {method.method: shown_method(method) if embed else {} for method in methods if method.resource == resource.id}
    return shown | ({"resourceMethods": own} if own else {})


def get_resource(request: ResourceRequest, work: Work) -> dict[str, Any]:
    """A resource."""
    api = api_of(work, request.rest_api_id, REST)
    resource = resource_of(work, api, request.resource_id)
    methods = work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id)
    return _shown_resource(resource, methods, embed="methods" in request.embed)


def create_resource(request: CreateResource, work: Work) -> dict[str, Any]:
    """Add a path below another.

    Raises:
        ConflictException: it is there.
        BadRequestException: the parent takes everything below it.
    """
    api = api_of(work, request.rest_api_id, REST)
    parent = resource_of(work, api, request.parent_id)
    if parent.part.endswith("+}"):
        raise BadRequestException(f"Cannot create a child of a resource with a greedy path variable: {parent.path}")
    path = f"{parent.path.rstrip('/')}/{request.path_part}"
    if any(resource.path == path for resource in _resources(api, work)):
        raise ConflictException(f"Another resource with the same parent already has this name: {request.path_part}")
    resource = Resource(api.id, new_id(work, 6), path, request.path_part, parent.id)
    work.put(RESOURCES, resource)
    return _shown_resource(resource, [], embed=False)


def delete_resource(request: ResourceRequest, work: Work) -> None:
    """Take a path away, with its methods and all below it."""
    api = api_of(work, request.rest_api_id, REST)
    gone = resource_of(work, api, request.resource_id)
    below = [resource for resource in _resources(api, work) if resource.path.startswith(f"{gone.path}/")]
    identifiers = {resource.id for resource in [gone, *below]}
    for method in work.select(METHODS_OF_API, limit=PARTS_MAX, api=api.id):
        if method.resource in identifiers:
            work.delete(METHODS, api.id, method.resource, method.method)
    for identifier in sorted(identifiers):
        work.delete(RESOURCES, api.id, identifier)
