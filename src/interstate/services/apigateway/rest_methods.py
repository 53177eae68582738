"""Methods of REST APIs' resources, and what stands behind them.

Source: API Gateway API Reference (V1)
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.errors import BadRequestException, ConflictException, NotFoundException
from interstate.services.apigateway.find import api_of
from interstate.services.apigateway.integrations import check_integration
from interstate.services.apigateway.matching import METHODS as VERBS
from interstate.services.apigateway.rest_apis import resource_of, shown_integration, shown_method
from interstate.store.ports import Work
from interstate.store.records.apigateway import METHODS, REST, Integration, Method


class PutMethod(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str
    authorization_type: str = "NONE"
    authorizer_id: str | None = None
    api_key_required: bool = False
    operation_name: str = ""
    request_parameters: dict[str, bool] = {}
    request_models: dict[str, str] = {}
    request_validator_id: str | None = None


class MethodRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str


class PutIntegration(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str
    type: str
    integration_http_method: str = ""
    uri: str = ""
    connection_type: str = "INTERNET"
    credentials: str = ""
    request_parameters: dict[str, str] = {}
    request_templates: dict[str, str] = {}
    passthrough_behavior: str = "WHEN_NO_MATCH"
    content_handling: str | None = None
    timeout_in_millis: int = 29_000


def put_method(request: PutMethod, work: Work) -> dict[str, Any]:
    """Add a method to a path.

    Raises:
        ConflictException: the path has it.
        NotImplementedHere: it wants an authorizer, an API key or a validator.
    """
    api = api_of(work, request.rest_api_id, REST)
    resource_of(work, api, request.resource_id)
    if request.authorization_type != "NONE" or request.authorizer_id is not None:
        raise NotImplementedHere(f"authorizers of APIs ({request.http_method})")
    if request.api_key_required or request.request_models or request.request_validator_id is not None:
        raise NotImplementedHere(f"API keys, models and validators of methods ({request.http_method})")
    if request.http_method not in VERBS:
        raise BadRequestException("Invalid HTTP method specified")
    if work.get(METHODS, api.id, request.resource_id, request.http_method) is not None:
        raise ConflictException("Method already exists for this resource")
    settings: dict[str, Any] = {"requestParameters": request.request_parameters} if request.request_parameters else {}
    if request.operation_name:
        settings["operationName"] = request.operation_name
    method = Method(api.id, request.resource_id, request.http_method, None, settings)
    work.put(METHODS, method)
    return shown_method(method)


def _method(request: MethodRequest | PutIntegration, work: Work) -> Method:
    api = api_of(work, request.rest_api_id, REST)
    resource_of(work, api, request.resource_id)
    found = work.get(METHODS, api.id, request.resource_id, request.http_method)
    if found is None:
        raise NotFoundException("Invalid Method identifier specified", code="NotFoundException")
    return found


def get_method(request: MethodRequest, work: Work) -> dict[str, Any]:
    """A method."""
    return shown_method(_method(request, work))


def delete_method(request: MethodRequest, work: Work) -> None:
    """Take a method away."""
    method = _method(request, work)
    work.delete(METHODS, method.api, method.resource, method.method)


def put_integration(request: PutIntegration, work: Work) -> dict[str, Any]:
    """Set what stands behind a method.

    Raises:
        NotImplementedHere: anything but a Lambda proxy integration.
    """
    method = _method(request, work)
    where = f"{request.http_method} {request.resource_id}"
    if request.request_templates or request.type == "AWS":
        raise NotImplementedHere(f"VTL mapping templates ({where})")
    if request.connection_type != "INTERNET":
        raise NotImplementedHere("VPC links")
    if request.type == "MOCK":
        raise NotImplementedHere("MOCK by PutIntegration (its answer is a VTL template); import an OpenAPI document")
    integration = Integration(
        type=request.type,
        uri=request.uri,
        method=request.integration_http_method,
        parameters=request.request_parameters,
        credentials=request.credentials,
        timeout_ms=request.timeout_in_millis,
    )
    check_integration(integration, where)
    work.put(METHODS, msgspec.structs.replace(method, integration=integration))
    return shown_integration(integration, method.resource)


def get_integration(request: MethodRequest, work: Work) -> dict[str, Any]:
    """What stands behind a method."""
    method = _method(request, work)
    if method.integration is None:
        raise NotFoundException("No integration defined for method", code="NotFoundException")
    return shown_integration(method.integration, method.resource)


def delete_integration(request: MethodRequest, work: Work) -> None:
    """Take away what stands behind a method."""
    work.put(METHODS, msgspec.structs.replace(_method(request, work), integration=None))
