import asyncio
from collections.abc import Awaitable, Callable

import pytest

from interstate.runtime.http_delivery import HttpDeliveries
from interstate.store.records.sns import HttpDelivery, HttpResult

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def answering(status: bytes, requests: list[bytes]) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r")[0])
        requests.append(head + await reader.readexactly(length))
        writer.write(b"HTTP/1.1 " + status + b"\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    return serve


async def post(serve: Serve | None, url: str | None = None) -> HttpResult:
    deliveries = HttpDeliveries()
    server = await asyncio.start_server(serve, "127.0.0.1", 0) if serve else None
    port = server.sockets[0].getsockname()[1] if server else 1
    body = HttpDelivery(url or f"http://127.0.0.1:{port}/hook", "주문", {"x-amz-sns-message-id": "m-1"}, "topic")
    try:
        return await deliveries.perform("key", body)
    finally:
        await deliveries.close()
        if server:
            server.close()
            await server.wait_closed()


@pytest.mark.parametrize(
    ("status", "delivered", "permanent"),
    [
        (b"200 OK", True, False),
        (b"204 No Content", True, False),
        (b"302 Found", False, False),
        (b"404 Not Found", False, True),
        (b"429 Too Many Requests", False, False),
        (b"500 Oops", False, False),
    ],
)
def test_the_endpoints_answer_is_a_value(status: bytes, delivered: bool, permanent: bool) -> None:
    requests: list[bytes] = []
    result = asyncio.run(post(answering(status, requests)))
    assert (result.delivered, result.permanent) == (delivered, permanent)
    (request,) = requests
    assert request.startswith(b"POST /hook HTTP/1.1\r\n")
    assert b"x-amz-sns-message-id: m-1\r\n" in request
    assert b"content-type: text/plain; charset=UTF-8\r\n" in request
    assert request.endswith("주문".encode())


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://[", "http://nobody.invalid/", "http://a b/"])
def test_an_endpoint_that_cannot_be_reached_is_a_value_too(url: str) -> None:
    result = asyncio.run(post(None, url))
    assert (result.delivered, result.permanent, result.status) == (False, False, 0)
    assert result.error


def test_an_endpoint_that_says_nonsense_is_a_value_too() -> None:
    async def serve(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"nonsense\r\n\r\n")
        await writer.drain()
        writer.close()

    assert asyncio.run(post(serve)).error
