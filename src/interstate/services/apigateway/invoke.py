"""Requests to APIs: which route, which integration, which answer.

The internal operation ``Invoke`` of "execute-api". A route to a function answers with what the function says (an effect); a
direct integration calls its service in the same transaction; a synchronous workflow parks the request until it ends.
"""

from collections.abc import Callable

import msgspec

from interstate.base.arn import Caller
from interstate.base.json import dumps
from interstate.base.time import to_epoch_s
from interstate.core.functions.names import parse_function_name
from interstate.services.apigateway import custom, direct, edge, response
from interstate.services.apigateway.cors import is_preflight, preflight, with_cors
from interstate.services.apigateway.custom_calls import call_custom
from interstate.services.apigateway.exchange import Exchange, message
from interstate.services.apigateway.integrations import function_of
from interstate.services.apigateway.matching import Match, match
from interstate.services.apigateway.payload import payload_1, payload_2, payload_rest
from interstate.services.apigateway.synchronous import synchronous
from interstate.services.doors import Response
from interstate.services.lambda_ import access
from interstate.services.operation import Answer, Outcome, Perform
from interstate.store.ports import Work
from interstate.store.records.apigateway import (
    APIS,
    DEPLOYMENTS,
    HTTP,
    STAGES,
    Api,
    Integration,
    Routed,
    Stage,
)
from interstate.store.records.lambda_ import Invocation, InvocationResult
from interstate.store.tables import Key

DEFAULT_STAGE = "$default"
_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


class Invoke(msgspec.Struct, frozen=True, rename="pascal"):
    api_id: str
    method: str
    path: str
    raw_query: str = ""
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    host: str = "localhost"


class Arrived(msgspec.Struct, frozen=True):
    """The stage that a request came to, with the rest of its path."""

    api: Api
    stage: Stage
    path: str


def keys_of_invoke(request: Invoke, _caller: Caller) -> list[Key]:
    """The API and what most likely follows."""
    return [Key(APIS, (request.api_id,)), Key(STAGES, (request.api_id, DEFAULT_STAGE))]


def invoke(request: Invoke, work: Work) -> Outcome:
    """Answer one request to an API. Refusals are answers too: nothing is raised."""
    api = work.get(APIS, request.api_id)
    if api is None or api.disabled:
        return message(404, "Not Found").answer()
    arrived = _arrived(api, request.path, work)
    if arrived is None:
        return (message(404, "Not Found") if api.kind == HTTP else message(403, "Forbidden")).answer()
    origin = _header(request, "origin")
    if api.cors is not None and is_preflight(request.method, origin, _header(request, "access-control-request-method")):
        return preflight(api.cors, origin or "").answer()
    found = match(_routes(arrived, work), request.method, arrived.path)
    if found is None:
        refused = message(404, "Not Found") if api.kind == HTTP else message(403, "Missing Authentication Token")
        return _finished(refused, api, origin, None)
    return _through(_exchange(request, arrived, found, work), origin, work)


def _header(request: Invoke, name: str) -> str | None:
    return next((value for key, value in request.headers if key.lower() == name), None)


def _arrived(api: Api, path: str, work: Work) -> Arrived | None:
    first, slash, rest = path[1:].partition("/")
    stage = work.get(STAGES, api.id, first) if first else None
    if stage is not None:
        return Arrived(api, stage, slash + rest or "/")
    stage = work.get(STAGES, api.id, DEFAULT_STAGE) if api.kind == HTTP else None
    return None if stage is None else Arrived(api, stage, path)


def _routes(arrived: Arrived, work: Work) -> list[Routed]:
    if arrived.stage.deployment is None:
        return []
    deployment = work.get(DEPLOYMENTS, arrived.api.id, arrived.stage.deployment)
    return [] if deployment is None else deployment.routes


def _exchange(request: Invoke, arrived: Arrived, found: Match, work: Work) -> Exchange:
    return Exchange(
        api=arrived.api,
        stage=arrived.stage.name,
        variables=arrived.stage.variables,
        route=found.route,
        parameters=found.parameters,
        method=request.method,
        path=arrived.path,
        query=request.raw_query,
        headers=request.headers,
        body=request.body,
        source_ip=request.source_ip,
        host=_domain(request.host, arrived.api),
        request_id=work.entropy.uuid(),
        extended_id=work.entropy.text(15, _ID_ALPHABET) + "=",
        now=work.now,
        trace=_trace(request, work),
    )


def _trace(request: Invoke, work: Work) -> str:
    """``Root=1-67891233-abcdef012345678912345678``.

    Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader
    """
    given = _header(request, "x-amzn-trace-id")
    return given or f"Root=1-{int(to_epoch_s(work.now)):08x}-{work.entropy.text(24, '0123456789abcdef')}"


def _domain(host: str, api: Api) -> str:
    """The domain by which the API is known, also to those who came by the path."""
    return host if host.startswith(f"{api.id}.") else f"{api.id}.execute-api.{api.scope.split('/')[1]}.localhost"


def _through(exchange: Exchange, origin: str | None, work: Work) -> Outcome:
    """Hand the request to the route's integration."""

    def finished(answer: Response) -> Answer:
        return _finished(answer, exchange.api, origin, exchange)

    integration = exchange.route.integration
    if integration is None:
        return finished(_failed(exchange.api))
    if integration.type == "MOCK" and integration.responses:
        return finished(custom.mocked(exchange, integration))
    if integration.type == "AWS":
        return call_custom(exchange, integration, finished, work)
    if integration.type == "MOCK":
        headers = list(integration.mock_headers.items())
        return finished(Response(integration.mock_status, headers, integration.mock_body.encode()))
    if integration.subtype == "StepFunctions-StartSyncExecution":
        return synchronous(exchange, finished, work)
    if integration.subtype:
        return finished(direct.carry_out(exchange, work))
    return _function(exchange, integration, finished, work)


def _finished(answer: Response, api: Api, origin: str | None, exchange: Exchange | None) -> Answer:
    if api.kind == HTTP:
        answer = with_cors(answer, api.cors, origin)
        extra = [] if exchange is None else [("apigw-requestid", exchange.extended_id)]
    else:
        extra = [] if exchange is None else edge.headers_of(exchange, answer.status)
    return Response(answer.status, [*answer.headers, *extra], answer.body).answer()


def _failed(api: Api) -> Response:
    return response.internal_error() if api.kind == HTTP else message(500, "Internal server error")


# Functions --------------------------------------------------------------------------------------------------------


def _function(
    exchange: Exchange, integration: Integration, finished: Callable[[Response], Answer], work: Work
) -> Outcome:
    """Call the function; its answer, its failure and its silence each become a response."""
    named = function_of(integration.uri, exchange.variables)
    name = parse_function_name(named, Caller(exchange.account, exchange.region)) if named else None
    if name is None:
        return finished(_failed(exchange.api))
    if not access.may(work, name.arn, name.qualifier, _gateway(exchange)):
        return finished(_failed(exchange.api))
    if exchange.api.kind != HTTP:
        event = payload_rest(exchange)
    else:
        event = payload_2(exchange) if integration.payload_version == "2.0" else payload_1(exchange)
    call = Invocation(
        request_id=work.entropy.uuid(),
        function=name.arn,
        payload=dumps(event),
        qualifier=name.qualifier,
        trace=exchange.header("x-amzn-trace-id"),
    )
    return Perform("lambda.invoke", call, lambda result: finished(_answered(result, exchange.api, integration)))


def _gateway(exchange: Exchange) -> Caller:
    """API Gateway, which acts for the route that a request came by.

    Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/arn-format-reference.html (stage, method and resource
    path; an HTTP API names the ``$default`` route ``api-id/stage/$default``)
    """
    api, route = exchange.api, exchange.route
    way = "$default" if route.path == "$default" else f"{_method_of(exchange)}{route.path}"
    source = f"arn:aws:execute-api:{exchange.region}:{exchange.account}:{api.id}/{exchange.stage}/{way}"
    return Caller(exchange.account, exchange.region).on_behalf_of("apigateway.amazonaws.com", source_arn=source)


def _method_of(exchange: Exchange) -> str:
    """The route's method; one for any method is ``*`` in an ARN."""
    return "*" if exchange.route.method == "ANY" else exchange.route.method


def _answered(result: InvocationResult, api: Api, integration: Integration) -> Response:
    http = api.kind == HTTP
    if result.duration_ms > integration.timeout_ms:
        # The function ran on, as on AWS; its caller had been told by then.
        return response.service_unavailable() if http else response.timed_out()
    if not result.ok:
        return response.internal_error() if http else response.bad_gateway()
    if not http:
        return response.of_rest(result.payload)
    if integration.payload_version == "2.0":
        return response.of_format_2(result.payload)
    return response.of_format_1(result.payload)
