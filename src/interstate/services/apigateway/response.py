"""What a function's answer means as an HTTP response.

Source: https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html (response format),
https://docs.aws.amazon.com/apigateway/latest/developerguide/handle-errors-in-lambda-integration.html
"""

from base64 import b64decode
from typing import Any, Final

from interstate.base.json import JSON, dumps_bytes, loads
from interstate.base.numbers import whole_number
from interstate.services.apigateway.exchange import message
from interstate.services.doors import Response

_PLAIN: Final = "text/plain;charset=UTF-8"


def of_format_2(payload: str) -> Response:
    """Format 2.0: an object with ``statusCode`` says everything; any other JSON is the body of a 200."""
    value = loads(payload)
    if isinstance(value, dict) and "statusCode" in value:
        return _proxied(value, _PLAIN) or internal_error()
    return Response(200, [("content-type", "application/json")], dumps_bytes(value))


def of_format_1(payload: str) -> Response:
    """Format 1.0 of an HTTP API: anything but an object with ``statusCode`` is an error of the function."""
    return _answered(payload, _PLAIN) or internal_error()


def of_rest(payload: str) -> Response:
    """A REST API's proxy integration."""
    return _answered(payload, "application/json") or bad_gateway()


def internal_error() -> Response:
    """An HTTP API whose function failed or answered nonsense."""
    return message(500, "Internal Server Error")


def service_unavailable() -> Response:
    """An HTTP API whose integration took too long."""
    return message(503, "Service Unavailable")


def bad_gateway() -> Response:
    """A REST API whose function failed or answered nonsense."""
    return message(502, "Internal server error")


def timed_out() -> Response:
    """A REST API whose integration took too long."""
    return message(504, "Endpoint request timed out")


def _answered(payload: str, type_: str) -> Response | None:
    value = loads(payload)
    return _proxied(value, type_) if isinstance(value, dict) and "statusCode" in value else None


def _proxied(value: dict[str, Any], type_: str) -> Response | None:
    """The response that an answer describes; None when it describes none."""
    status = _status(value["statusCode"])
    body = _body(value)
    headers = _headers(value)
    if status is None or body is None or headers is None:
        return None
    if not any(name.lower() == "content-type" for name, _ in headers):
        headers.append(("content-type", type_))
    return Response(status, headers, body)


def _status(value: JSON) -> int | None:
    """A number, or its text."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    number = whole_number(str(value))
    return number if number is not None and 100 <= number <= 599 else None


def _body(value: dict[str, Any]) -> bytes | None:
    body = value.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        # An object as body is what most people get wrong: format 2.0 and 1.0 both want text.
        return dumps_bytes(body) if isinstance(body, int | float) else None
    if value.get("isBase64Encoded") is True:
        try:
            return b64decode(body, validate=True)
        except ValueError:
            return None
    return body.encode()


def _headers(value: dict[str, Any]) -> list[tuple[str, str]] | None:
    single, many, cookies = value.get("headers") or {}, value.get("multiValueHeaders") or {}, value.get("cookies") or []
    if not isinstance(single, dict) or not isinstance(many, dict) or not isinstance(cookies, list):
        return None
    covered = {name.lower() for name in many}
    headers = [(name, _text(item)) for name, item in single.items() if name.lower() not in covered]
    headers += [
        (name, _text(item)) for name, items in many.items() for item in (items if isinstance(items, list) else [items])
    ]
    return headers + [("set-cookie", _text(cookie)) for cookie in cookies]


def _text(value: JSON) -> str:
    """Header values are text; numbers and booleans become it, and a line break cannot end a header early."""
    match value:
        case bool():
            text = "true" if value else "false"
        case None:
            text = ""
        case _:
            text = str(value)
    return text.replace("\r", " ").replace("\n", " ")
