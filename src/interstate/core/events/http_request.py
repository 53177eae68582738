"""HTTP requests to API destinations, and those that fetch a token; and what their answers mean.

What a connection says goes before what a target says. AWS publishes neither how the request for a token is written nor how
its answer's life is judged when it names none: ours is JSON, or a form where the connection's own Content-Type header says so
(see ``runtime.api_destinations`` for endpoints that take nothing else); such a token is used until it is refused.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html (headers, retries, Retry-After);
EventBridge API Reference, HttpParameters and ConnectionHttpParameters.
"""

from base64 import b64encode
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

import msgspec

from interstate.base.json import BrokenJSON, dumps, loads
from interstate.base.numbers import whole_number
from interstate.core.events.connections import API_KEY, BASIC, Authorization, Parameters

TIMEOUT_S = 5.0
_JSON = "application/json; charset=utf-8"
_FORM = "application/x-www-form-urlencoded"
DEFAULT_HEADERS = {
    "User-Agent": "Amazon/EventBridge/ApiDestinations",
    "Content-Type": _JSON,
    "Range": "bytes=0-1048575",
    "Accept-Encoding": "gzip,deflate",
    "Connection": "close",
}
_WITHOUT_BODY = frozenset({"GET", "HEAD", "OPTIONS"})


class Request(msgspec.Struct, frozen=True):
    """One HTTP request."""

    method: str
    url: str
    headers: dict[str, str]
    body: str


def target_url(endpoint: str, path_values: list[str], query: Mapping[str, str]) -> str:
    """The endpoint with a target's path values in place of its ``*``, in order, and its query parameters.

    Values without a ``*`` become further segments of the path.
    """
    scheme, host, path, old_query, _ = urlsplit(endpoint)
    for value in path_values:
        segment = quote(value, safe="")
        path = path.replace("*", segment, 1) if "*" in path else f"{path.rstrip('/')}/{segment}"
    return urlunsplit((scheme, host, path, _query(old_query, list(query.items())), ""))


def _query(text: str, added: list[tuple[str, str]]) -> str:
    """A query string where added names replace those that stand there."""
    if not added:
        return text
    names = {name for name, _ in added}
    kept = [(name, value) for name, value in parse_qsl(text, keep_blank_values=True) if name not in names]
    return urlencode(kept + added)


def with_headers(headers: Mapping[str, str], added: Mapping[str, str]) -> dict[str, str]:
    """Headers where added ones replace those of the same name, whatever its case."""
    names = {name.lower() for name in added}
    return {**{name: value for name, value in headers.items() if name.lower() not in names}, **added}


def with_parameters(request: Request, parameters: Parameters) -> Request:
    """The request with what a connection adds to it; body parameters go into a body that is a JSON object."""
    scheme, host, path, query, _ = urlsplit(request.url)
    return Request(
        request.method,
        urlunsplit((scheme, host, path, _query(query, parameters.query), "")),
        with_headers(request.headers, parameters.headers),
        _with_body(request.body, parameters.body),
    )


def _with_body(text: str, added: Mapping[str, str]) -> str:
    if not added:
        return text
    try:
        body = loads(text) if text else {}
    except BrokenJSON:
        return text
    return dumps({**body, **added}) if isinstance(body, dict) else text


def with_authorization(request: Request, authorization: Authorization) -> Request:
    """The request as it is sent: authorized, with the connection's parameters, and without a body where its method has none."""
    request = with_parameters(request, authorization.parameters)
    if authorization.type == BASIC:
        pair = b64encode(f"{authorization.username}:{authorization.password}".encode()).decode()
        added = {"Authorization": f"Basic {pair}"}
    elif authorization.type == API_KEY:
        added = {authorization.key_name: authorization.key_value}
    else:
        added = {"Authorization": f"Bearer {authorization.token}"}
    body = "" if request.method in _WITHOUT_BODY else request.body
    return Request(request.method, request.url, with_headers(request.headers, added), body)


# Tokens -------------------------------------------------------------------------------------------------------------


def token_request(authorization: Authorization, *, form: bool = False) -> Request:
    """The request for a token, by the client credentials grant. ``form`` writes it as a form."""
    parameters = authorization.token_parameters
    client = {"client_id": authorization.client_id, "client_secret": authorization.client_secret}
    body = {"grant_type": "client_credentials", **client, **parameters.body}
    as_form = form or asks_for_form(authorization)
    headers = with_headers({"Content-Type": _FORM if as_form else "application/json"}, parameters.headers)
    scheme, host, path, query, _ = urlsplit(authorization.token_url)
    in_query = authorization.token_method == "GET"  # noqa: S105 an HTTP method
    added = [*parameters.query, *(body.items() if in_query else ())]
    url = urlunsplit((scheme, host, path, _query(query, added), ""))
    text = "" if in_query else urlencode(body) if as_form else dumps(body)
    return Request(authorization.token_method, url, headers, text)


def asks_for_form(authorization: Authorization) -> bool:
    """Whether the connection says itself that its endpoint takes forms."""
    headers = {name.lower(): value for name, value in authorization.token_parameters.headers.items()}
    return headers.get("content-type", "").startswith(_FORM)


def token_of(text: str) -> tuple[str, float | None] | None:
    """The access token in an answer, and its life in seconds; None when there is none.

    Source: RFC 6749, section 5.1.
    """
    try:
        answer: Any = loads(text)
    except BrokenJSON:
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("access_token"), str):
        return None
    life = answer.get("expires_in")
    if isinstance(life, str):
        life = whole_number(life)
    return answer["access_token"], float(life) if isinstance(life, int | float) else None


# Answers ------------------------------------------------------------------------------------------------------------

_RETRIED = frozenset({401, 407, 409, 429})


def is_success(status: int) -> bool:
    """Whether the endpoint took the event."""
    return 200 <= status < 300


def is_retried(status: int) -> bool:
    """Whether another try may help.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-api-destinations.html ("401, 407, 409, 429, and 5xx").
    """
    return status in _RETRIED or status >= 500


def retry_after_s(text: str | None, now: datetime) -> float | None:
    """How long an answer asks to wait: seconds or an HTTP date; negative says never again; None says nothing."""
    if text is None:
        return None
    try:
        return float(text.strip())
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None
