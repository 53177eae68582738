"""``http:invoke``: a request to somebody's HTTPS API, authorized by an EventBridge connection.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/call-https-apis.html
"""

from collections.abc import Iterator
from urllib.parse import urlencode, urlsplit

from interstate.base.json import JSON, JSONObject, dumps
from interstate.core.asl.vocabulary import Execution, StartTask
from interstate.services.events.authorizing import authorization_of
from interstate.services.states.integrations.form_encoding import form_encoded
from interstate.services.states.integrations.outcome import Failed, Outside
from interstate.services.states.integrations.request_fields import HTTP
from interstate.services.states.integrations.requests import Malformed, fault, invalid, outside, parameters_of
from interstate.store.ports import Work
from interstate.store.records.states import HttpCall, Place

HTTP_TIMEOUT_S = 60.0
"""Source: the page above: a request that is not answered within 60 seconds fails."""

_USABLE = frozenset({"AUTHORIZED", "AUTHORIZING"})


def http(command: StartTask, execution: Execution, work: Work) -> Outside | Failed:
    """``http:invoke``."""
    try:
        given, method = parameters_of(command, ("ApiEndpoint", "Method"))
        body, kind = _http_body(given)
        arn = _connection_arn(given)
        headers = list(_http_headers(given))
    except Malformed as error:
        return fault(command, error)
    authorization = authorization_of(arn, work)
    if authorization is None:
        return Failed("Events.ResourceNotFoundException", f"Connection '{arn}' does not exist.")
    if authorization.state not in _USABLE:
        return Failed(
            "Events.ConnectionResource.InvalidConnectionState",
            f"The connection '{arn}' is in the state {authorization.state}.",
        )
    if body is not None and not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("Content-Type", kind))
    call = HttpCall(
        place=Place(execution.id, command.frame, command.visit),
        form=HTTP,
        method=method,
        url=_with_query(str(given["ApiEndpoint"]), given.get("QueryParameters")),
        headers=headers,
        body=body,
        key=command.request_id,
        timeout_s=HTTP_TIMEOUT_S,
        connection=arn,
    )
    return outside(call)


def _connection_arn(given: JSONObject) -> str:
    for member in ("Authentication", "InvocationConfig"):
        about = given.get(member)
        if isinstance(about, dict) and isinstance(arn := about.get("ConnectionArn"), str):
            return arn
    raise Malformed("The field 'Authentication' is required but was missing")


def _http_headers(given: JSONObject) -> Iterator[tuple[str, str]]:
    headers = given.get("Headers") or {}
    if not isinstance(headers, dict):
        raise invalid("Headers")
    for name, value in headers.items():
        if isinstance(value, list):
            yield name, ", ".join(str(item) for item in value)
        elif isinstance(value, str):
            yield name, value
        else:
            yield name, dumps(value)


def _with_query(url: str, query: JSON) -> str:
    if not isinstance(query, dict) or not query:
        return url
    pairs = [
        (name, item if isinstance(item, str) else dumps(item))
        for name, value in query.items()
        for item in (value if isinstance(value, list) else [value])
    ]
    return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(pairs)}"


def _http_body(given: JSONObject) -> tuple[str | None, str]:
    """The body and its content type."""
    body = given.get("RequestBody")
    transform = given.get("Transform")
    if body is None:
        return None, ""
    if isinstance(transform, dict) and transform.get("RequestBodyEncoding") == "URL_ENCODED":
        if not isinstance(body, dict):
            raise invalid("RequestBody")
        options = transform.get("RequestEncodingOptions")
        style = options.get("ArrayFormat", "INDICES") if isinstance(options, dict) else "INDICES"
        return form_encoded(body, str(style)), "application/x-www-form-urlencoded"
    return (body if isinstance(body, str) else dumps(body)), "application/json"
