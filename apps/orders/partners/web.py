"""HTTP/1.1 in asyncio streams: enough for JSON in and JSON out on loopback, both ways."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl, urlsplit

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 4 * 1024 * 1024
REASONS = {200: "OK", 201: "Created", 202: "Accepted"}

Reply = tuple[int, Any]
Handler = Callable[[str, str, Any, Mapping[str, str]], Awaitable[Reply]]
NO_HEADERS: Mapping[str, str] = {}
FORM = "application/x-www-form-urlencoded"


class Hang(Exception):
    """Never answer: the connection is held for ``seconds``, then closed."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"no answer for {seconds} s")
        self.seconds = seconds


async def serve(port: int, handle: Handler) -> asyncio.Server:
    """Answer requests on loopback with ``handle(method, path, body, headers)``; header names are in lower case."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while await exchange(reader, writer, handle):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass
        except Hang as hang:
            await asyncio.sleep(hang.seconds)
        finally:
            writer.close()

    return await asyncio.start_server(talk, "127.0.0.1", port, limit=HEAD_BYTES_MAX)


async def exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handle: Handler) -> bool:
    """One request and its answer; whether the connection stays."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    line, *fields = head.split("\r\n")
    method, target, _ = line.split(" ")
    headers = {name.strip().lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
    length = int(headers.get("content-length") or 0)
    if length > BODY_BYTES_MAX:
        status, answer = 413, {"message": "too large"}
    else:
        status, answer = await decide(method, target, await reader.readexactly(length), headers, handle)
    content = json.dumps(answer, ensure_ascii=False).encode()
    reason = REASONS.get(status, "-")
    writer.write(
        f"HTTP/1.1 {status} {reason}\r\ncontent-type: application/json\r\ncontent-length: {len(content)}\r\n\r\n".encode()
        + content
    )
    await writer.drain()
    return headers.get("connection", "").lower() != "close" and length <= BODY_BYTES_MAX


async def decide(method: str, target: str, content: bytes, headers: Mapping[str, str], handle: Handler) -> Reply:
    try:
        return await handle(method, urlsplit(target).path, body_of(content, headers), headers)
    except (ValueError, KeyError, TypeError) as fault:
        return 400, {"message": f"bad request: {fault!r}"}


def body_of(content: bytes, headers: Mapping[str, str]) -> Any:
    if headers.get("content-type", "").startswith(FORM):
        return dict(parse_qsl(content.decode()))
    return json.loads(content) if content else None


async def post(url: str, content: str, headers: dict[str, str], timeout_s: float) -> int:
    """The status that the receiver answered with; 0 when there was no answer."""
    parts = urlsplit(url)
    body = content.encode()
    lines = {"host": parts.netloc, "content-type": "application/json", "content-length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in {**lines, "connection": "close"}.items())
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
            try:
                writer.write(f"POST {parts.path} HTTP/1.1\r\n{head}\r\n".encode() + body)
                await writer.drain()
                return int((await reader.readline()).split(b" ")[1])
            finally:
                writer.close()
    except (OSError, TimeoutError, IndexError, ValueError):
        return 0
