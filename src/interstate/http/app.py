"""The ASGI application: bodies read within their bound, responses sent whole.

Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from interstate.http.dispatch import Dispatcher
from interstate.wire.messages import Request, Response

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class Application:
    """An ASGI application for HTTP.

    A call whose client has gone is carried out all the same: it may have changed something already.
    """

    def __init__(self, dispatcher: Dispatcher) -> None:
        self.dispatcher = dispatcher

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await send_response(send, await _respond(self.dispatcher, scope, receive), scope["method"])


async def _respond(dispatcher: Dispatcher, scope: Scope, receive: Receive) -> Response:
    raw_headers = scope["headers"]
    headers = dict(raw_headers)
    refused = dispatcher.forbidden(headers)
    if refused is not None:
        return refused
    path = scope["raw_path"].partition(b"?")[0].decode("latin-1")
    query = scope["query_string"].decode("latin-1")
    body = await _body(headers, receive, dispatcher.body_limit(path, headers))
    if body is None:
        return dispatcher.too_large(Request(scope["method"], path, query, headers, b""))
    client = scope.get("client")
    request = Request(scope["method"], path, query, headers, body)
    return await dispatcher.answer(request, raw_headers, client[0] if client else "127.0.0.1")


async def _body(headers: dict[bytes, bytes], receive: Receive, size_bytes_max: int) -> bytes | None:
    """The whole body; None as soon as it is known to be too large, without reading on."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > size_bytes_max:
        return None
    message = await receive()
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return first if len(first) <= size_bytes_max else None
    chunks, size = [first], len(first)
    while message.get("more_body", False):
        if size > size_bytes_max:
            return None
        message = await receive()
        chunk = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks) if size <= size_bytes_max else None


async def send_response(send: Send, response: Response, method: str) -> None:
    """Send a response. One to HEAD, and one whose pages follow, tells its length itself, or none when it is not known."""
    headers = response.headers
    told = response.more is not None or (method == "HEAD" and any(name == b"content-length" for name, _ in headers))
    if response.status >= 200 and response.status not in (204, 304) and not told:
        length = (b"content-length", str(len(response.body)).encode())
        headers = [header for header in headers if header[0] != b"content-length"] + [length]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    if response.more is not None and method != "HEAD":
        await send({"type": "http.response.body", "body": response.body, "more_body": True})
        async for page in response.more:
            await send({"type": "http.response.body", "body": page, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    await send({"type": "http.response.body", "body": response.body})
