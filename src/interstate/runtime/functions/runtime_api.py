"""The Lambda Runtime API of one worker: a listener on the loopback device that only this worker is told of.

Theory of operation
-------------------
The worker asks for ``next`` and is left waiting until there is a call; it answers with ``response`` or ``error`` and asks
again. It has one call at a time, so the listener holds at most one waiting request and one open call.

Source: https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
"""

import asyncio
from base64 import b64decode
from collections.abc import Callable, Mapping
from typing import Any, Protocol, cast
from urllib.parse import unquote

import httptools

from interstate.base.json import dumps_bytes
from interstate.core.functions.faults import PAYLOAD_BYTES_MAX
from interstate.runtime.functions.streaming import Stream

STREAM_BYTES_MAX = 200 << 20
"""Of an answer that goes out while the handler runs.

Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html (response streaming: 200 MB)
"""
KEPT_STREAM_BYTES_MAX = 20 << 20
"""Of a streamed answer that nobody reads as a stream: it is kept until it ends."""
_VERSION = "/2018-06-01/runtime"
_REASONS = {200: b"OK", 202: b"Accepted", 400: b"Bad Request", 403: b"Forbidden", 404: b"Not Found"}


class Asked(Protocol):
    """Who hears what the worker asks and answers."""

    def on_next(self, answer: Callable[[Mapping[str, str], bytes], None]) -> None:
        """The worker is ready; ``answer(headers, payload)`` hands it a call, now or later."""
        ...

    def on_response(self, request_id: str, body: bytes, *, too_large: bool, streamed: bool) -> bool:
        """The handler has returned, or written its stream to the end; False when no such call is open."""
        ...

    def on_stream(self, request_id: str) -> Stream | None:
        """The handler begins to write a stream; who reads it, if somebody does."""
        ...

    def on_error(self, request_id: str, error_type: str, body: bytes) -> bool:
        """The handler has raised; False when no such call is open."""
        ...

    def on_init_error(self, error_type: str, body: bytes) -> None:
        """The handler could not be loaded."""
        ...


class _Connection(asyncio.Protocol):
    """One connection of the worker's runtime client."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._start_message()

    def _start_message(self) -> None:
        self._url = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._body_bytes = 0
        self._streams = False
        self._bytes_max = PAYLOAD_BYTES_MAX
        self._stream: Stream | None = None

    # asyncio ------------------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is of no common class.

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature.
        self._transport = None

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            if self._transport is not None:
                self._transport.close()

    # httptools ----------------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        self._start_message()

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._streams = self._headers.get("lambda-runtime-function-response-mode", "").lower() == "streaming"
        if self._streams:
            match self._path().split("/"):
                case ["invocation", request_id, "response"]:
                    self._stream = self._asked.on_stream(request_id)
            self._bytes_max = STREAM_BYTES_MAX if self._stream is not None else KEPT_STREAM_BYTES_MAX
        if self._stream is not None:
            self._stream.content_type = self._headers.get("content-type", "")
        if self._headers.get("expect", "").lower() == "100-continue" and self._transport is not None:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body_bytes += len(body)
        if self._body_bytes > self._bytes_max:
            return
        if self._stream is not None:
            self._stream.feed(body, self._pause, self._resume)
        else:  # What is too large is read, so that it can be refused, and not kept.
            self._body.append(body)

    def _pause(self) -> None:
        if self._transport is not None:
            self._transport.pause_reading()

    def _resume(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.resume_reading()

    def _path(self) -> str:
        return unquote(self._url.decode("latin-1").split("?")[0]).removeprefix(_VERSION).strip("/")

    def on_message_complete(self) -> None:
        method, path = self._parser.get_method(), self._path()
        match method, path.split("/"):
            case b"GET", ["invocation", "next"]:
                self._asked.on_next(lambda headers, payload: self._reply(200, payload, headers))
            case b"POST", ["invocation", request_id, "response"]:
                self._accept(request_id if not self._on_response(request_id) else None)
            case b"POST", ["invocation", request_id, "error"]:
                taken = self._asked.on_error(request_id, self._error_type(), b"".join(self._body))
                self._accept(request_id if not taken else None)
            case b"POST", ["init", "error"]:
                self._asked.on_init_error(self._error_type(), b"".join(self._body))
                self._accept(None)
            case _:
                self._refuse(404, "InvalidPath", f"The Runtime API has no {method.decode()} {path}")

    def _on_response(self, request_id: str) -> bool:
        """An answer, or a stream that ended: well, or with an error that its trailers tell of."""
        failed = self._headers.get("lambda-runtime-function-error-body") if self._streams else None
        if failed is not None:
            return self._asked.on_error(request_id, self._error_type(), b64decode(failed + "=="))
        return self._asked.on_response(
            request_id, b"".join(self._body), too_large=self._body_bytes > self._bytes_max, streamed=self._streams
        )

    def _error_type(self) -> str:
        return self._headers.get("lambda-runtime-function-error-type", "")

    def _accept(self, unknown: str | None) -> None:
        if unknown is None:
            self._reply(202, b'{"status":"OK"}', {"Content-Type": "application/json"})
        else:
            self._refuse(400, "InvalidRequestID", f"Invalid request ID: {unknown}")

    def _refuse(self, status: int, error_type: str, message: str) -> None:
        body = dumps_bytes({"errorType": error_type, "errorMessage": message})
        self._reply(status, body, {"Content-Type": "application/json"})

    def _reply(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        if self._transport is None:
            return
        lines = [b"HTTP/1.1 %d %s" % (status, _REASONS[status]), b"Content-Length: %d" % len(body)]
        # A trace header or a client context comes from outside: it must not add a line of its own.
        lines += [f"{name}: {' '.join(value.splitlines())}".encode() for name, value in headers.items()]
        self._transport.write(b"\r\n".join(lines) + b"\r\n\r\n" + body)


class RuntimeAPI:
    """The listener; ``address`` is what the worker finds in ``AWS_LAMBDA_RUNTIME_API``."""

    def __init__(self, server: asyncio.Server) -> None:
        self._server = server
        name: tuple[Any, ...] = server.sockets[0].getsockname()
        self.address = f"127.0.0.1:{name[1]}"

    def close(self) -> None:
        """Stop listening; connections end with the worker."""
        self._server.close()


async def listen(asked: Asked) -> RuntimeAPI:
    """Open a worker's Runtime API on a port that the system chooses."""
    loop = asyncio.get_running_loop()
    return RuntimeAPI(await loop.create_server(lambda: _Connection(asked), "127.0.0.1", 0))
