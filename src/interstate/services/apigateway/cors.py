"""CORS of HTTP APIs: the gateway answers preflights itself and sets the headers of other answers.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-cors.html
"""

from interstate.services.doors import Response
from interstate.store.records.apigateway import Cors

_PREFIX = "access-control-"


def is_preflight(method: str, origin: str | None, wanted: str | None) -> bool:
    """Whether a browser asks what it may send."""
    return method == "OPTIONS" and origin is not None and wanted is not None


def preflight(cors: Cors, origin: str) -> Response:
    """The answer to a preflight: 204, with headers only for an origin that is allowed."""
    allowed = _origin(cors, origin)
    if allowed is None:
        return Response(204, [], b"")
    headers = [("access-control-allow-origin", allowed)]
    headers += [
        (name, ",".join(values))
        for name, values in (
            ("access-control-allow-methods", cors.allow_methods),
            ("access-control-allow-headers", cors.allow_headers),
            ("access-control-expose-headers", cors.expose_headers),
        )
        if values
    ]
    if cors.max_age is not None:
        headers.append(("access-control-max-age", str(cors.max_age)))
    if cors.allow_credentials:
        headers.append(("access-control-allow-credentials", "true"))
    return Response(204, headers, b"")


def with_cors(response: Response, cors: Cors | None, origin: str | None) -> Response:
    """The response with the API's headers in place of the integration's."""
    if cors is None:
        return response
    headers = [(name, value) for name, value in response.headers if not name.lower().startswith(_PREFIX)]
    allowed = None if origin is None else _origin(cors, origin)
    if allowed is not None:
        headers.append(("access-control-allow-origin", allowed))
        if cors.expose_headers:
            headers.append(("access-control-expose-headers", ",".join(cors.expose_headers)))
        if cors.allow_credentials:
            headers.append(("access-control-allow-credentials", "true"))
    return Response(response.status, headers, response.body)


def _origin(cors: Cors, origin: str) -> str | None:
    """The value of Access-Control-Allow-Origin for an origin; None when it is not allowed."""
    for pattern in cors.allow_origins:
        if pattern == "*":
            return "*"
        scheme, star, rest = pattern.partition("://*")
        if pattern == origin or (star and origin.startswith(f"{scheme}://") and origin.endswith(rest)):
            return origin
    return None
