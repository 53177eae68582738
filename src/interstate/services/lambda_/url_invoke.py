"""A request to a function's URL: its event, and what the function's answer means.

Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html,
https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

import msgspec

from interstate.base.arn import Caller, caller_of
from interstate.base.json import BrokenJSON, JSONObject, dumps, dumps_bytes, loads
from interstate.base.numbers import whole_number
from interstate.base.time import to_millis
from interstate.services.doors import Response
from interstate.services.lambda_.access import INVOKE, may
from interstate.services.lambda_.locate import version_of
from interstate.services.operation import Outcome, Perform, Streaming
from interstate.store.ports import Work
from interstate.store.records.lambda_ import URL_BY_ID, FunctionUrl, Invocation, InvocationResult

# Methods of CORS that a browser may ask for, when all are allowed.
_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_TEXT_TYPES: Final = frozenset(
    {"application/json", "application/xml", "application/javascript", "application/graphql", "application/yaml"}
)
_JSON: Final = ("content-type", "application/json")
_FORBIDDEN: Final = (
    "Forbidden. For troubleshooting Function URL authorization issues, see: "
    "https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
)


class Invoke(msgspec.Struct, frozen=True, rename="pascal"):
    """What the HTTP layer hands over (``http.doors``)."""

    url_id: str
    method: str
    path: str
    raw_query: str = ""
    headers: list[tuple[str, str]] = []
    body: bytes = b""
    source_ip: str = "127.0.0.1"
    host: str = "localhost"
    account: str = ""  # Whose credentials signed the request; "" when it is not signed.


def invoke(request: Invoke, work: Work) -> Outcome:
    """Call the function behind an address; a browser's question is answered by the address' CORS configuration."""
    found = work.select(URL_BY_ID, limit=1, url_id=request.url_id)
    if not found:
        return _denied(None)
    url = found[0]
    cors = url.cors or {}
    headers = _grouped(request.headers)
    origin = headers.get("origin")
    if cors and origin is not None and request.method == "OPTIONS" and "access-control-request-method" in headers:
        return Response(200, _cors_headers(cors, origin, preflight=True), b"").answer()
    version = version_of(work, url.function, url.qualifier or None)
    if version is None or not _may_call(url, request, work):
        return _denied(_FORBIDDEN)
    call = Invocation(
        request_id=work.entropy.uuid(),
        function=url.function,
        qualifier=url.qualifier or None,
        payload=dumps(_event(request, url, headers, work)),
        trace=headers.get("x-amzn-trace-id"),
    )
    extra = _cors_headers(cors, origin, preflight=False) if cors and origin is not None else []

    def answered(result: InvocationResult) -> dict[str, Any]:
        response = _response(result, streams=url.invoke_mode == "RESPONSE_STREAM")
        kept = [pair for pair in response.headers if not extra or not pair[0].lower().startswith("access-control-")]
        ids = [("x-amzn-requestid", call.request_id)]
        return Response(response.status, [*kept, *extra, *ids], response.body).answer()

    def begin(content_type: str, head: bytes) -> dict[str, Any] | None:
        if content_type.startswith(PRELUDE_TYPE) and PRELUDE_END not in head and len(head) < PRELUDE_BYTES_MAX:
            return None
        return answered(InvocationResult("", streamed=head))

    streams = url.invoke_mode == "RESPONSE_STREAM"
    return Perform("lambda.invoke", call, answered, Streaming(begin, bytes, lambda _result: ()) if streams else None)


# What a caller of an address needs: both actions, each asked with what tells it from other calls.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html ("Starting in October 2025, new function URLs will require
# both lambda:InvokeFunctionUrl and lambda:InvokeFunction permissions").
_VIA_URL: Final = (INVOKE, {"lambda:InvokedViaFunctionUrl": ("true",)})


def _may_call(url: FunctionUrl, request: Invoke, work: Work) -> bool:
    """With AWS_IAM, callers of the function's account that signed, and whomever its policy lets.

    With NONE nobody looks at a signature: the policy has to let everybody.
    """
    owner = caller_of(url.function)
    signed = request.account if url.auth == "AWS_IAM" else ""
    if url.auth == "AWS_IAM" and not signed:
        return False
    caller = Caller(signed or "anonymous", owner.region)
    asked = (("lambda:InvokeFunctionUrl", {"lambda:FunctionUrlAuthType": (url.auth,)}), _VIA_URL)
    return all(
        may(work, url.function, url.qualifier or None, caller, action=action, context=context)
        for action, context in asked
    )


def _denied(message: str | None) -> dict[str, Any]:
    headers = [_JSON, ("x-amzn-ErrorType", "AccessDeniedException")]
    return Response(403, headers, dumps_bytes({"Message": message})).answer()


def _grouped(headers: list[tuple[str, str]]) -> dict[str, str]:
    """Headers by their names in lower case; those that came twice are joined by commas."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]},{value}" if key in found else value
    return found


# The event --------------------------------------------------------------------------------------------------------


def _event(request: Invoke, url: FunctionUrl, headers: Mapping[str, str], work: Work) -> JSONObject:
    shown = {name: value for name, value in headers.items() if name not in ("cookie", "connection")}
    port = request.host.partition(":")[2] or "80"
    shown |= {"x-forwarded-for": request.source_ip, "x-forwarded-proto": "http", "x-forwarded-port": port}
    domain = request.host.partition(":")[0]
    path = unquote(request.path)
    event: JSONObject = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.raw_query,
        "headers": shown,
        "requestContext": {
            "accountId": request.account or "anonymous",
            "apiId": url.url_id,
            "domainName": domain,
            "domainPrefix": url.url_id,
            "http": {
                "method": request.method,
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": request.source_ip,
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": work.entropy.uuid(),
            "routeKey": "$default",
            "stage": "$default",
            "time": f"{work.now:%d}/{_MONTHS[work.now.month - 1]}/{work.now:%Y:%H:%M:%S} +0000",
            "timeEpoch": to_millis(work.now),
        },
        "isBase64Encoded": False,
    }
    if url.auth == "AWS_IAM":
        event["requestContext"]["authorizer"] = {"iam": _iam(request.account)}
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    if request.raw_query:
        queries: dict[str, str] = {}
        for name, value in parse_qsl(request.raw_query, keep_blank_values=True):
            queries[name] = f"{queries[name]},{value}" if name in queries else value
        event["queryStringParameters"] = queries
    if request.body:
        text = _text(request.body, headers.get("content-type", ""))
        event["isBase64Encoded"] = text is None
        event["body"] = b64encode(request.body).decode() if text is None else text
    return event


def _iam(account: str) -> JSONObject:
    return {
        "accessKey": account,
        "accountId": account,
        "callerId": account,
        "cognitoIdentity": None,
        "principalOrgId": None,
        "userArn": f"arn:aws:iam::{account}:root",
        "userId": account,
    }


def _text(body: bytes, content_type: str) -> str | None:
    """The body as text, where its type says that it is; None otherwise, and where it is no UTF-8 after all."""
    kind = content_type.partition(";")[0].strip().lower()
    if not (kind.startswith("text/") or kind in _TEXT_TYPES or kind.endswith(("+json", "+xml"))):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


# The answer -------------------------------------------------------------------------------------------------------


def _response(result: InvocationResult, *, streams: bool) -> Response:
    if result.refused == "TooManyRequestsException":
        return Response(429, [_JSON], dumps_bytes({"Reason": "ConcurrentInvocationLimitExceeded", "Type": "User"}))
    if not result.ok:
        return Response(502, [("content-type", "application/json")], b"Internal Server Error")
    if result.streamed is not None:
        return _streamed(result.streamed)
    try:
        value = loads(result.payload)
    except BrokenJSON:
        return Response(502, [_JSON], b"Internal Server Error")
    if streams:
        return Response(200, [("content-type", "application/octet-stream")], result.payload.encode())
    if not isinstance(value, dict) or "statusCode" not in value:
        body = value.encode() if isinstance(value, str) else result.payload.encode()
        return Response(200, [_JSON], b"" if value is None else body)
    return _described(value) or Response(502, [_JSON], b"Internal Server Error")


PRELUDE_END: Final = bytes(8)
PRELUDE_TYPE: Final = "application/vnd.awslambda.http-integration-response"
PRELUDE_BYTES_MAX: Final = 64 * 1024


def _streamed(body: bytes) -> Response:
    """A stream may begin with a prelude (status, headers, cookies as JSON) that eight zero bytes end.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/config-rs-write-functions.html (HttpResponseStream)
    """
    head, mark, rest = body.partition(PRELUDE_END)
    if mark:
        try:
            value = loads(head)
        except BrokenJSON:
            value = None
        if isinstance(value, dict):
            described = _described({"statusCode": 200, **value, "body": None})
            if described is not None:
                return Response(described.status, described.headers, rest)
    return Response(200, [("content-type", "application/octet-stream")], body)


def _described(value: dict[str, Any]) -> Response | None:
    status = whole_number(str(value["statusCode"]))
    if status is None or not 100 <= status <= 599:
        return None
    given, cookies = value.get("headers") or {}, value.get("cookies") or []
    if not isinstance(given, dict) or not isinstance(cookies, list):
        return None
    headers = [(name, _header(item)) for name, item in given.items()]
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(_JSON)
    headers += [("set-cookie", _header(cookie)) for cookie in cookies]
    body = value.get("body")
    if body is None:
        return Response(status, headers, b"")
    if not isinstance(body, str):
        return Response(status, headers, dumps_bytes(body))
    if value.get("isBase64Encoded") is True:
        try:
            return Response(status, headers, b64decode(body))
        except ValueError:
            return None
    return Response(status, headers, body.encode())


def _header(value: object) -> str:
    text = {True: "true", False: "false"}[value] if isinstance(value, bool) else str(value)
    return text.replace("\r", " ").replace("\n", " ")


# CORS -------------------------------------------------------------------------------------------------------------


def _cors_headers(cors: Mapping[str, Any], origin: str, *, preflight: bool) -> list[tuple[str, str]]:
    """What a browser from ``origin`` is told; nothing when it may not ask."""
    origins = cors.get("AllowOrigins") or []
    if "*" in origins:
        allowed = origin if cors.get("AllowCredentials") else "*"
    elif origin in origins:
        allowed = origin
    else:
        return []
    headers = [("access-control-allow-origin", allowed), ("vary", "Origin")]
    if cors.get("AllowCredentials"):
        headers.append(("access-control-allow-credentials", "true"))
    if not preflight:
        exposed = cors.get("ExposeHeaders")
        return headers + ([("access-control-expose-headers", ",".join(exposed))] if exposed else [])
    for member, name in (
        ("AllowMethods", "access-control-allow-methods"),
        ("AllowHeaders", "access-control-allow-headers"),
    ):
        if cors.get(member):
            headers.append((name, ",".join(cors[member])))
    if cors.get("MaxAge") is not None:
        headers.append(("access-control-max-age", str(cors["MaxAge"])))
    return headers
