"""Custom integrations of REST APIs (AWS and MOCK): what is sent, and what the method answers, are made by mapping templates.

A template is chosen by the request's content type; where none fits, the passthrough behaviour decides. The answer takes the
integration response whose pattern matches the whole of the function's error message, or of the status of anything else; the one
without a pattern takes the rest.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/api-gateway-integration-settings-integration-response.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/integration-passthrough-behaviors.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/request-response-data-mappings.html
"""

import re
from typing import Any, Final

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.base.json import BrokenJSON, dumps, loads
from interstate.core.velocity.java import Missing, text_of
from interstate.core.velocity.render import TooMuch
from interstate.services.apigateway.exchange import Exchange, message
from interstate.services.apigateway.templates import Mapped, context_of, mapped, select
from interstate.services.doors import Response
from interstate.store.records.apigateway import Integration, IntegrationResponse
from interstate.store.records.lambda_ import InvocationResult

_JSON: Final = "application/json"
_NAME: Final = "method.response.header."
_MATCHED_MAX: Final = 65_536
_ACTION: Final = re.compile(r"arn:aws[a-z-]*:apigateway:[^:]*:(?P<service>[a-z]+):action/(?P<action>[A-Za-z]+)\Z")
_SERVICES: Final = {"dynamodb": "dynamodb", "events": "events", "states": "stepfunctions"}


def action_of(uri: str) -> tuple[str, str] | None:
    """Service and operation of ``arn:aws:apigateway:us-east-1:states:action/StartExecution``; None when it is none that is called."""
    found = _ACTION.match(uri)
    if found is None or found["service"] not in _SERVICES:
        return None
    return _SERVICES[found["service"]], found["action"]


def internal_error() -> Response:
    """A mapping that comes to nothing."""
    return message(500, "Internal server error")


def payload_of(exchange: Exchange, integration: Integration) -> str | Response:
    """What is sent to the integration, or the refusal of the request."""
    body = exchange.body.decode(errors="replace")
    kind = (exchange.header("content-type") or _JSON).partition(";")[0].strip().lower()
    template = next((text for name, text in integration.templates.items() if name.lower() == kind), None)
    if template is None:
        refused = integration.passthrough == "NEVER" or (
            integration.passthrough == "WHEN_NO_TEMPLATES" and integration.templates
        )
        if refused:
            return message(415, "Unsupported Media Type")
        return body or "{}"
    try:
        return mapped(template, body, exchange).text
    except TooMuch:
        return internal_error()


def event_of(payload: str) -> str | Response:
    """The event of a function: the payload, which must be JSON."""
    try:
        loads(payload)
    except BrokenJSON as error:
        return message(400, f"Could not parse request body into json: {error}")
    return payload


def mocked(exchange: Exchange, integration: Integration) -> Response:
    """A MOCK: its request template says which status to answer."""
    payload = payload_of(exchange, integration)
    if isinstance(payload, Response):
        return payload
    status = select("$.statusCode", payload)
    if isinstance(status, bool) or not isinstance(status, int):
        return internal_error()
    return _response(exchange, integration, str(status), "")


def of_function(exchange: Exchange, integration: Integration, result: InvocationResult) -> Response:
    """What a function's result, or its failure, means to the method."""
    if result.ok:
        return _response(exchange, integration, "", result.payload)
    told = select("$.errorMessage", result.payload)
    return _response(exchange, integration, "" if isinstance(told, Missing) else text_of(told), result.payload)


def of_service(exchange: Exchange, integration: Integration, answer: bytes | ServiceError) -> Response:
    """What a service's answer, or its refusal, means to the method."""
    if isinstance(answer, ServiceError):
        told = dumps({"__type": answer.code, "message": answer.message})
        return _response(exchange, integration, str(answer.status), told)
    return _response(exchange, integration, "200", answer.decode())


def caller_of(exchange: Exchange) -> Caller:
    return Caller(exchange.account, exchange.region)


def _response(exchange: Exchange, integration: Integration, outcome: str, payload: str) -> Response:
    chosen = _chosen(integration, outcome)
    if chosen is None:
        return internal_error()
    kind, template = next(
        ((name, text) for name, text in chosen.templates.items() if name == _JSON),
        next(iter(chosen.templates.items()), (_JSON, None)),
    )
    try:
        written = Mapped(payload) if template is None else mapped(template, payload, exchange)
    except TooMuch:
        return internal_error()
    headers = [
        (name.removeprefix(_NAME), value)
        for name, source in chosen.parameters.items()
        if (value := _source(source, payload, exchange)) is not None
    ]
    overridden = {name.lower() for name, _ in written.headers}
    headers = [pair for pair in headers if pair[0].lower() not in overridden] + written.headers
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.insert(0, ("content-type", kind))
    return Response(written.status or chosen.status, headers, written.text.encode())


def _chosen(integration: Integration, outcome: str) -> IntegrationResponse | None:
    for response in integration.responses:
        if response.pattern and len(outcome) <= _MATCHED_MAX and re.fullmatch(response.pattern, outcome):
            return response
    return next((response for response in integration.responses if not response.pattern), None)


def _source(source: str, payload: str, exchange: Exchange) -> str | None:
    """A value of a response parameter. A part of a body that is no text is written as JSON."""
    if source.startswith("'") and source.endswith("'"):
        return source[1:-1]
    head, _, rest = source.partition(".")
    value: Any
    match head:
        case "stageVariables":
            value = exchange.variables.get(rest)
        case "context":
            value = select(f"$.{rest}", dumps(context_of(exchange)))
        case _ if source == "integration.response.body":
            value = payload
        case _ if source.startswith("integration.response.body."):
            value = select(f"$.{source.removeprefix('integration.response.body.')}", payload)
        case _:
            value = None
    if value is None or isinstance(value, Missing):
        return None
    return value if isinstance(value, str) else dumps(value)
