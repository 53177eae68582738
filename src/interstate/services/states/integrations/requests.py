"""Tasks that are HTTP requests: ``http:invoke`` with a connection, and ``apigateway:invoke``.

The request is an effect ("states.http"), performed outside and repeated after a crash under the same key. What cannot be a request
at all is a fault of the state, and found before.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html,
https://docs.aws.amazon.com/step-functions/latest/dg/connect-api-gateway.html; answers recorded from Step Functions.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from interstate.base.json import JSON, BrokenJSON, JSONObject, dumps, loads
from interstate.core.asl.errors import DATA_LIMIT_EXCEEDED, RUNTIME
from interstate.core.asl.vocabulary import DATA_SIZE_MAX, Execution, StartTask
from interstate.services.states.integrations.outcome import Answered, Failed, Outside
from interstate.services.states.integrations.request_fields import API_GATEWAY
from interstate.store.ports import Work
from interstate.store.records.states import HttpAnswer, HttpCall, Place

API_GATEWAY_TIMEOUT_S = 30.0
METHODS = frozenset({"GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"})
_RESERVED = (
    "Authorization",
    "Connection",
    "Content-md5",
    "Expect",
    "Host",
    "Max-Forwards",
    "Proxy-Authenticate",
    "Server",
    "TE",
    "Transfer-Encoding",
    "Trailer",
    "Upgrade",
    "Via",
    "Www-Authenticate",
    "X-Forwarded",
)
"""Headers that Step Functions itself writes. Source: the second page above."""
_TEXTS = ("text/", "application/json", "application/xml", "application/x-www-form-urlencoded", "application/graphql")
_FAULTS: Mapping[str, str] = {"timeout": "States.Http.Socket", "socket": "States.Http.Socket"}


class Malformed(Exception):
    """The parameters are no request."""


def api_gateway(command: StartTask, execution: Execution, work: Work) -> Outside | Failed:
    """``apigateway:invoke``. Interstate's own APIs, under whatever host, are reached inside this server."""
    del work
    try:
        given, method = parameters_of(command, ("ApiEndpoint", "Method"))
        headers = list(_api_headers(given))
        query = list(_lists(given, "QueryParameters"))
    except Malformed as error:
        return fault(command, error)
    body = given.get("RequestBody")
    if body is None:
        written = "null" if given.get("AllowNullValues") and "RequestBody" in given else None
    else:
        written = dumps(_without_nulls(body) if not given.get("AllowNullValues") else body)
    if written is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", "application/json"))
    parts = [part for name in ("Stage", "Path") if isinstance(part := given.get(name), str) and part]
    path = "/".join(part.strip("/") for part in parts)
    endpoint = str(given["ApiEndpoint"]).rstrip("/")
    url = (
        f"{endpoint}/{quote(path, safe='/%')}" if "://" in endpoint else f"https://{endpoint}/{quote(path, safe='/%')}"
    )
    call = HttpCall(
        place=Place(execution.id, command.frame, command.visit),
        form=API_GATEWAY,
        method=method,
        url=f"{url}?{urlencode(query)}" if query else url,
        headers=headers,
        body=written,
        key=command.request_id,
        timeout_s=API_GATEWAY_TIMEOUT_S,
        submits=bool(command.resource.pattern),
    )
    return outside(call)


def outside(call: HttpCall) -> Outside:
    return Outside("states.http", call, lambda answer: taken(call, answer), lambda answer: _exchange(call, answer))


def fault(command: StartTask, error: Malformed) -> Failed:
    """Source: executions recorded from Step Functions whose parameters have the wrong form."""
    cause = f"The Parameters '{command.input.text}' could not be used to start the Task: [{error}]"
    return Failed(RUNTIME, cause, state_fault=True)


# Parameters -------------------------------------------------------------------------------------------------------


def parameters_of(command: StartTask, required: tuple[str, ...]) -> tuple[JSONObject, str]:
    given = command.input.value
    if not isinstance(given, dict):
        raise Malformed("The Parameters must be an object")
    for name in required:
        if name not in given:
            raise Malformed(f"The field '{name}' is required but was missing")
        if not isinstance(given[name], str):
            raise invalid(name)
    method = str(given["Method"])
    if method not in METHODS:
        raise invalid("Method")
    return given, method


def invalid(field: str) -> Malformed:
    return Malformed(f"The value of the field '{field}' has an invalid format")


def _api_headers(given: JSONObject) -> Iterator[tuple[str, str]]:
    for name, value in _lists(given, "Headers"):
        lower = name.lower()
        if any(lower == reserved.lower() for reserved in _RESERVED) or lower.startswith(("x-forwarded", "x-amz-")):
            raise Malformed(f"The header '{name}' is reserved and cannot be set")
        yield name, value


def _lists(given: JSONObject, field: str) -> Iterator[tuple[str, str]]:
    """A field of the form ``{"name": ["value", ...]}``."""
    found = given.get(field)
    if found is None:
        return
    if not isinstance(found, dict) or not all(isinstance(value, list) for value in found.values()):
        raise invalid(field)
    for name, values in found.items():
        assert isinstance(values, list)
        for value in values:
            yield name, value if isinstance(value, str) else dumps(value)


def _without_nulls(value: JSON) -> JSON:
    """Source: the second page above, AllowNullValues: by default, members that are null are not sent."""
    match value:
        case dict():
            return {name: _without_nulls(item) for name, item in value.items() if item is not None}
        case list():
            return [_without_nulls(item) for item in value]
        case _:
            return value


# Answers ----------------------------------------------------------------------------------------------------------


def taken(call: HttpCall, answer: HttpAnswer) -> Answered | Failed:
    """What a response, or its absence, means to the Task."""
    if answer.fault:
        if call.form == API_GATEWAY:
            return Failed("ApiGateway.SdkClientException", answer.told)
        return Failed(_FAULTS.get(answer.fault, "States.Http.Socket"), answer.told)
    body = _body(answer)
    if isinstance(body, _Unreadable):
        return Failed(f"{'ApiGateway' if call.form == API_GATEWAY else 'States.Http'}.UnsupportedResponse", body.reason)
    if answer.status >= 400:
        told = body if isinstance(body, str) else dumps(body)
        if call.form == API_GATEWAY:
            return Failed(f"ApiGateway.{answer.status}", told)
        return Failed(f"States.Http.StatusCode.{answer.status}", told)
    headers = answer.headers
    if call.form == API_GATEWAY and not any(name.lower() == "connection" for name, _ in headers):
        headers = [*headers, ("Connection", "keep-alive")]  # What API Gateway says, and HTTP/1.1 means without it.
    output = dumps(
        {
            "Headers": _listed(headers),
            "ResponseBody": body,
            "StatusCode": answer.status,
            "StatusText": answer.reason,
        }
    )
    if len(output.encode()) > DATA_SIZE_MAX:
        return Failed(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{call.form}' returned a result with a size exceeding the maximum number of bytes service "
            "limit.",
        )
    return Answered(output)


class _Unreadable(msgspec.Struct, frozen=True):
    reason: str


def _body(answer: HttpAnswer) -> JSON | _Unreadable:
    """The body: JSON where it is some, a text otherwise. Source: "Unsupported HTTP Task responses" of the first page above."""
    kind = next((value for name, value in answer.headers if name.lower() == "content-type"), "").lower()
    is_json = "json" in kind
    if answer.body and kind and not is_json and not kind.startswith(_TEXTS) and "xml" not in kind:
        return _Unreadable(f"Response with content type '{kind}' is not supported.")
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        return _Unreadable("The response body is not UTF-8 text.")
    try:
        return loads(text)
    except BrokenJSON:
        return text


def _listed(headers: list[tuple[str, str]]) -> dict[str, JSON]:
    listed: dict[str, JSON] = {}
    for name, value in headers:
        before = listed.setdefault(name, [])
        assert isinstance(before, list)
        before.append(value)
    return dict(sorted(listed.items(), key=lambda item: item[0].lower()))


def _exchange(call: HttpCall, answer: HttpAnswer) -> dict[str, Any]:
    """Request and response as InspectionData shows them."""
    url, headers, body = answer.sent or (call.url, call.headers, call.body)
    parts = urlsplit(url)
    shown: dict[str, Any] = {
        "request": {"protocol": parts.scheme, "method": call.method, "url": url, "headers": dumps(_listed(headers))}
    }
    if body:
        shown["request"]["body"] = body
    if not answer.fault:
        shown["response"] = {
            "protocol": parts.scheme,
            "statusCode": str(answer.status),
            "statusMessage": answer.reason,
            "headers": dumps(_listed(answer.headers)),
            "body": answer.body.decode(errors="replace"),
        }
    return shown
