"""The event that a function gets: payload format 2.0, 1.0, and the REST APIs' form of it.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html,
https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html (input format)
"""

from typing import Any

from interstate.base.json import JSONObject
from interstate.base.time import to_millis
from interstate.services.apigateway.exchange import Exchange, body_of, clf_time, grouped

_IDENTITY = (
    "accessKey",
    "accountId",
    "caller",
    "cognitoAuthenticationProvider",
    "cognitoAuthenticationType",
    "cognitoIdentityId",
    "cognitoIdentityPoolId",
    "principalOrgId",
    "user",
    "userArn",
)


def payload_2(exchange: Exchange) -> JSONObject:
    """Format 2.0: what is not there is left out, repeated headers and parameters are joined by commas."""
    headers = grouped((name.lower(), value) for name, value in exchange.headers)
    cookies = [cookie.strip() for value in headers.pop("cookie", []) for cookie in value.split(";")]
    event: JSONObject = {
        "version": "2.0",
        "routeKey": exchange.route_key,
        "rawPath": exchange.full_path,
        "rawQueryString": exchange.query,
    }
    if cookies:
        event["cookies"] = cookies
    event["headers"] = {name: ",".join(values) for name, values in headers.items()}
    if exchange.query:
        event["queryStringParameters"] = {
            name: ",".join(values) for name, values in grouped(exchange.queries()).items()
        }
    event["requestContext"] = {
        "accountId": exchange.account,
        "apiId": exchange.api.id,
        "domainName": exchange.host,
        "domainPrefix": exchange.host.partition(".")[0],
        "http": {
            "method": exchange.method,
            "path": exchange.full_path,
            "protocol": "HTTP/1.1",
            "sourceIp": exchange.source_ip,
            "userAgent": exchange.header("user-agent") or "",
        },
        "requestId": exchange.extended_id,
        "routeKey": exchange.route_key,
        "stage": exchange.stage,
        "time": clf_time(exchange.now),
        "timeEpoch": to_millis(exchange.now),
    }
    if exchange.parameters:
        event["pathParameters"] = dict(exchange.parameters)
    if exchange.variables:
        event["stageVariables"] = dict(exchange.variables)
    body, encoded = body_of(exchange)
    if body is not None:
        event["body"] = body
    event["isBase64Encoded"] = encoded
    return event


def payload_1(exchange: Exchange) -> JSONObject:
    """Format 1.0 of an HTTP API: what is not there is null."""
    context = _context(exchange, exchange.full_path)
    context |= {
        "authorizer": {"claims": None, "scopes": None},
        "resourceId": None,
        "resourcePath": exchange.route.path,
    }
    return {"version": "1.0", **_proxy(exchange, exchange.full_path), "requestContext": context}


def payload_rest(exchange: Exchange) -> JSONObject:
    """A REST API's event: format 1.0 without its version, the path without the stage."""
    return {**_proxy(exchange, exchange.path), "requestContext": rest_context(exchange)}


def rest_context(exchange: Exchange) -> JSONObject:
    """What a REST API knows about a request: ``requestContext`` of its events, ``$context`` of its templates."""
    context = _context(exchange, exchange.full_path)
    return context | {"resourceId": exchange.route.resource, "resourcePath": exchange.route.path}


def _proxy(exchange: Exchange, path: str) -> JSONObject:
    headers, queries = grouped(exchange.headers), grouped(exchange.queries())
    body, encoded = body_of(exchange)
    return {
        "resource": exchange.route.path,
        "path": path,
        "httpMethod": exchange.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in queries.items()} or None,
        "multiValueQueryStringParameters": queries or None,
        "pathParameters": dict(exchange.parameters) or None,
        "stageVariables": dict(exchange.variables) or None,
        "body": body,
        "isBase64Encoded": encoded,
    }


def _context(exchange: Exchange, path: str) -> dict[str, Any]:
    identity: dict[str, Any] = dict.fromkeys(_IDENTITY)
    return {
        "accountId": exchange.account,
        "apiId": exchange.api.id,
        "domainName": exchange.host,
        "domainPrefix": exchange.host.partition(".")[0],
        "extendedRequestId": exchange.extended_id,
        "httpMethod": exchange.method,
        "identity": identity | {"sourceIp": exchange.source_ip, "userAgent": exchange.header("user-agent") or ""},
        "path": path,
        "protocol": "HTTP/1.1",
        "requestId": exchange.request_id,
        "requestTime": clf_time(exchange.now),
        "requestTimeEpoch": to_millis(exchange.now),
        "stage": exchange.stage,
    }
