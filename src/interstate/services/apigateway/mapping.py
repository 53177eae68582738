"""Parameters of a direct integration, taken from the request.

``$request.body.order.id`` takes a value; ``"${request.path.id}-${context.requestId}"`` makes a text; anything else is itself.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-parameter-mapping.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-aws-services.html
"""

import re
from typing import Any, Final

from interstate.base.json import JSON, BrokenJSON, dumps, loads
from interstate.base.time import to_millis
from interstate.services.apigateway.errors import BadRequestException
from interstate.services.apigateway.exchange import Exchange, clf_time

_WHOLE: Final = re.compile(r"\$\{?((?:request|context|stageVariables)(?:\.[^{}]*)?)\}?\Z")
_PART: Final = re.compile(r"\$\{([^{}]*)\}")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


class Unresolved(BadRequestException):
    """The request lacks what the integration needs."""

    code = "BadRequestException"

    def __init__(self, name: str, source: str) -> None:
        super().__init__(
            f"Unable to resolve property {name} from source {{{source}}}. "
            "Please make sure that the value for this property is specified in the request."
        )


def resolve_parameter(name: str, source: str, exchange: Exchange) -> JSON:
    """The value of one parameter; JSON when it is a part of a JSON body, else text.

    Raises:
        Unresolved: the request has no such value.
    """
    whole = _WHOLE.match(source)
    if whole is not None:
        return _found(name, source, whole[1], exchange)

    def replaced(part: re.Match[str]) -> str:
        value = _found(name, source, part[1], exchange)
        return value if isinstance(value, str) else dumps(value)

    return _PART.sub(replaced, source)


def _found(name: str, source: str, path: str, exchange: Exchange) -> JSON:
    value = _lookup(path, exchange)
    if value is None:
        raise Unresolved(name, source)
    return value


def _lookup(path: str, exchange: Exchange) -> JSON:
    head, _, rest = path.partition(".")
    match head:
        case "context":
            return _context(exchange).get(rest)
        case "stageVariables":
            return exchange.variables.get(rest)
        case "request":
            return _from_request(rest, exchange)
        case _:
            return None


def _from_request(path: str, exchange: Exchange) -> JSON:
    kind, _, name = path.partition(".")
    match kind:
        case "header":
            values = [value for key, value in exchange.headers if key.lower() == name.lower()]
            return ",".join(values) if values else None
        case "querystring":
            values = [value for key, value in exchange.queries() if key == name]
            return ",".join(values) if values else None
        case "path":
            return exchange.parameters.get(name) if name else exchange.path
        case "body":
            return _from_body(name, exchange)
        case _:
            return None


def _from_body(path: str, exchange: Exchange) -> JSON:
    text = exchange.body.decode(errors="replace")
    if not path:
        return text or None
    try:
        value: Any = loads(exchange.body)
    except BrokenJSON:
        return None
    for name, index in _STEP.findall(path):
        if name and isinstance(value, dict):
            value = value.get(name)
        elif index and isinstance(value, list) and int(index) < len(value):
            value = value[int(index)]
        else:
            return None
    found: JSON = value
    return found


def _context(exchange: Exchange) -> dict[str, str]:
    return {
        "accountId": exchange.account,
        "apiId": exchange.api.id,
        "domainName": exchange.host,
        "domainPrefix": exchange.host.partition(".")[0],
        "extendedRequestId": exchange.extended_id,
        "httpMethod": exchange.method,
        "identity.sourceIp": exchange.source_ip,
        "identity.userAgent": exchange.header("user-agent") or "",
        "path": exchange.full_path,
        "protocol": "HTTP/1.1",
        "requestId": exchange.extended_id,
        "requestTime": clf_time(exchange.now),
        "requestTimeEpoch": str(to_millis(exchange.now)),
        "routeKey": exchange.route_key,
        "stage": exchange.stage,
    }
