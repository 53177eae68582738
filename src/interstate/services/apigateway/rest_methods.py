"""Methods of REST APIs' resources, and what stands behind them.

Source: API Gateway API Reference (V1)
"""

from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.apigateway.errors import BadRequestException, ConflictException, NotFoundException
from interstate.services.apigateway.find import api_of
from interstate.services.apigateway.integrations import check_response, check_rest_integration
from interstate.services.apigateway.matching import METHODS as VERBS
from interstate.services.apigateway.rest_apis import resource_of, shown_integration, shown_method, shown_response
from interstate.store.ports import Work
from interstate.store.records.apigateway import METHODS, REST, Integration, IntegrationResponse, Method


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
        NotImplementedHere: it is an HTTP integration, or an AWS integration with a service that is not called here.
    """
    method = _method(request, work)
    where = f"{request.http_method} {request.resource_id}"
    if request.connection_type != "INTERNET":
        raise NotImplementedHere("VPC links")
    if request.content_handling is not None:
        raise NotImplementedHere(f"contentHandling ({where})")
    integration = Integration(
        type=request.type,
        uri=request.uri,
        method=request.integration_http_method,
        parameters=request.request_parameters,
        credentials=request.credentials,
        timeout_ms=request.timeout_in_millis,
        templates=request.request_templates,
        passthrough=request.passthrough_behavior,
        responses=[] if method.integration is None else method.integration.responses,
    )
    check_rest_integration(integration, where)
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


# Responses --------------------------------------------------------------------------------------------------------


class PutIntegrationResponse(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    selection_pattern: str = ""
    response_parameters: dict[str, str] = {}
    response_templates: dict[str, str] = {}
    content_handling: str | None = None


class PutMethodResponse(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str
    response_parameters: dict[str, bool] = {}
    response_models: dict[str, str] = {}


class ResponseRequest(msgspec.Struct, frozen=True, rename="camel"):
    rest_api_id: str
    resource_id: str
    http_method: str
    status_code: str


def put_integration_response(request: PutIntegrationResponse, work: Work) -> dict[str, Any]:
    """Set what a custom integration's method answers.

    Raises:
        NotFoundException: nothing stands behind the method.
        BadRequestException: the pattern is no regular expression, or a template is none.
        NotImplementedHere: it converts the payload.
    """
    method = _method(_place(request), work)
    integration = _integration(method)
    where = f"{request.http_method} {request.resource_id}"
    if request.content_handling is not None:
        raise NotImplementedHere(f"contentHandling ({where})")
    made = IntegrationResponse(
        int(request.status_code), request.selection_pattern, request.response_parameters, request.response_templates
    )
    check_response(made, where)
    others = [response for response in integration.responses if response.status != made.status]
    _keep(method, integration, sorted([*others, made], key=lambda response: response.status), work)
    return shown_response(made)


def get_integration_response(request: ResponseRequest, work: Work) -> dict[str, Any]:
    """An integration response."""
    integration = _integration(_method(_place(request), work))
    found = [response for response in integration.responses if str(response.status) == request.status_code]
    if not found:
        raise NotFoundException("Invalid Response status code specified", code="NotFoundException")
    return shown_response(found[0])


def delete_integration_response(request: ResponseRequest, work: Work) -> None:
    """Take an integration response away."""
    method = _method(_place(request), work)
    get_integration_response(request, work)
    integration = _integration(method)
    _keep(method, integration, [one for one in integration.responses if str(one.status) != request.status_code], work)


def _place(request: PutIntegrationResponse | PutMethodResponse | ResponseRequest) -> MethodRequest:
    return MethodRequest(request.rest_api_id, request.resource_id, request.http_method)


def _integration(method: Method) -> Integration:
    if method.integration is None:
        raise NotFoundException("Invalid Integration identifier specified", code="NotFoundException")
    return method.integration


def _keep(method: Method, integration: Integration, responses: list[IntegrationResponse], work: Work) -> None:
    integration = msgspec.structs.replace(integration, responses=responses)
    work.put(METHODS, msgspec.structs.replace(method, integration=integration))


def put_method_response(request: PutMethodResponse, work: Work) -> dict[str, Any]:
    """Declare a status that a method answers. It is kept and described; answers are not held to it.

    Raises:
        ConflictException: the method has it.
    """
    method = _method(_place(request), work)
    declared: dict[str, Any] = method.settings.get("methodResponses", {})
    if request.status_code in declared:
        raise ConflictException("Response already exists for this resource")
    made: dict[str, Any] = {"statusCode": request.status_code}
    if request.response_parameters:
        made["responseParameters"] = request.response_parameters
    if request.response_models:
        made["responseModels"] = request.response_models
    settings = method.settings | {"methodResponses": declared | {request.status_code: made}}
    work.put(METHODS, msgspec.structs.replace(method, settings=settings))
    return made


def get_method_response(request: ResponseRequest, work: Work) -> dict[str, Any]:
    """A status that a method declares."""
    found: dict[str, Any] | None = (
        _method(_place(request), work).settings.get("methodResponses", {}).get(request.status_code)
    )
    if found is None:
        raise NotFoundException("Invalid Response status code specified", code="NotFoundException")
    return found


def delete_method_response(request: ResponseRequest, work: Work) -> None:
    """Take a declared status away."""
    get_method_response(request, work)
    method = _method(_place(request), work)
    declared = dict(method.settings["methodResponses"])
    del declared[request.status_code]
    work.put(METHODS, msgspec.structs.replace(method, settings=method.settings | {"methodResponses": declared}))
