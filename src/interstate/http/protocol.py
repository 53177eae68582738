"""HTTP/1.1 of one connection: uvicorn's, with a short way for ordinary requests.

Theory of operation
-------------------
Most requests of AWS's clients are alike: one at a time on a kept connection, with a body whose length is announced, answered
in one piece. Those are collected here, handed to the dispatcher when they are whole, and answered with one write; they need
no task, no events and no ASGI messages. Everything else (pipelined or chunked requests, ``Expect``, HTTP/1.0, HEAD, large
bodies, answers in many pieces) goes uvicorn's way to the same dispatcher.

A request on the short way stands in for uvicorn's cycle, so that what comes behind it on the connection waits its turn.
Where nothing is under way on a connection, a piece of data that is one whole request of the commonest form does not reach the
parser at all (``heads``).
"""

import asyncio
from typing import Any

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from interstate.http.app import Application, send_response
from interstate.http.heads import Heads
from interstate.wire.messages import Request, Response

SHORT_BYTES_MAX = 2 * 1024 * 1024
"""Bodies that the short way takes; larger ones are read against backpressure."""


class _NoEvent:
    """Nobody waits for a request on the short way."""

    def set(self) -> None:
        """Nothing."""


class _Short:
    """A request on the short way. The names are those that uvicorn asks its cycles for."""

    __slots__ = (
        "_protocol",
        "body",
        "disconnected",
        "headers",
        "keep_alive",
        "message_event",
        "method",
        "response_complete",
    )

    def __init__(self, protocol: "Protocol", method: str, headers: dict[bytes, bytes]) -> None:
        self._protocol = protocol
        self.method = method
        self.headers = headers
        self.body = b""
        self.keep_alive = True
        self.disconnected = False
        self.response_complete = False
        self.message_event = _NO_EVENT

    def cancel(self, msg: object = None) -> None:
        """A server that waits no longer for its calls cancels their tasks; this one is none, and what it began goes on."""

    def reply(self, response: Response) -> None:
        """Send the answer, once."""
        self._protocol.reply(self, response)


_NO_EVENT = _NoEvent()
_HEADS = Heads()
_BROKEN = Response(500, [(b"content-type", b"text/plain; charset=utf-8")], b"Internal Server Error")


class Protocol(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        app = config.app
        assert isinstance(app, Application)
        self._dispatcher = app.dispatcher
        self._incoming: _Short | None = None
        self._inside = False  # The parser is inside a request.
        self._parses = False  # A request asked for something else to follow on the connection, or nothing.
        self._idle_from = 0.0

    def data_received(self, data: bytes) -> None:
        """A piece of data; mostly one whole request."""
        if self._inside or self._parses or (self.cycle is not None and not self.cycle.response_complete):
            super().data_received(data)
            return
        whole = _HEADS.read(data)
        if whole is None or len(whole[2]) > min(SHORT_BYTES_MAX, self._dispatcher.body_bytes_max):
            super().data_received(data)
            return
        self.headers, headers, body = whole
        self.cycle = short = _Short(self, "POST", headers)  # type: ignore[assignment]  # stands in for a cycle
        self._dispatch(short, Request("POST", "/", "", headers, body))

    def _dispatch(self, short: _Short, request: Request) -> None:
        self.tasks.add(short)  # type: ignore[arg-type]  # so that a server that stops lets it end, client or no client
        self._dispatcher.begin(request, self.headers, self.client[0] if self.client else "127.0.0.1", short.reply)

    # What the parser tells -----------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins; uvicorn's scope is made when it is needed."""
        self._inside = True
        self.url = b""
        self.expect_100_continue = False
        self.headers = []

    def on_headers_complete(self) -> None:
        """Choose the way."""
        headers = dict(self.headers)
        if self._is_ordinary(headers):
            self._incoming = self.cycle = _Short(self, self.parser.get_method().decode("ascii"), headers)  # type: ignore[assignment]  # stands in for a cycle
            return
        self._parses = self._parses or self.parser.should_upgrade() or not self.parser.should_keep_alive()
        url, received, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.expect_100_continue = url, expects
        self.headers.extend(received)
        super().on_headers_complete()

    def _is_ordinary(self, headers: dict[bytes, bytes]) -> bool:
        parser = self.parser
        if (
            (self.cycle is not None and not self.cycle.response_complete)
            or self.expect_100_continue
            or b"transfer-encoding" in headers
            or parser.get_http_version() != "1.1"
            or not parser.should_keep_alive()
            or parser.should_upgrade()
            or parser.get_method() == b"HEAD"
        ):
            return False
        length = headers.get(b"content-length", b"0")
        return length.isdigit() and int(length) <= min(SHORT_BYTES_MAX, self._dispatcher.body_bytes_max)

    def on_body(self, body: bytes) -> None:
        """A piece of a body; mostly all of it."""
        incoming = self._incoming
        if incoming is None:
            super().on_body(body)
        elif incoming.body:
            incoming.body += body
        else:
            incoming.body = body

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._inside = False
        incoming = self._incoming
        if incoming is None:
            super().on_message_complete()
            return
        self._incoming = None
        path, query = "/", ""
        if self.url != b"/":
            parsed = httptools.parse_url(self.url)
            path, query = parsed.path.decode("latin-1"), (parsed.query or b"").decode("latin-1")
        self._dispatch(incoming, Request(incoming.method, path, query, incoming.headers, incoming.body))

    # Answers -------------------------------------------------------------------------------------------------------

    def reply(self, short: _Short, response: Response) -> None:
        """Write an answer in one piece; one in many pieces goes uvicorn's way."""
        self.tasks.discard(short)
        if short.disconnected or self.transport.is_closing():
            short.response_complete = True
            return
        if response.more is not None:
            self._stream(short, response)
            return
        defaults = self.server_state.default_headers
        try:
            if response.lines and short.keep_alive and response.status == 200:
                data = _joined(response, defaults)
            else:
                data = _written(response, defaults, keep_alive=short.keep_alive)
        except (KeyError, ValueError):
            self.logger.exception("an answer cannot be sent")
            data = _written(_BROKEN, defaults, keep_alive=short.keep_alive)
        self.transport.write(data)
        short.response_complete = True
        if not short.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _stream(self, short: _Short, response: Response) -> None:
        cycle = RequestResponseCycle(
            scope={"type": "http", "method": short.method},  # type: ignore[typeddict-item]  # all that sending asks for
            transport=self.transport,
            flow=self.flow,
            logger=self.logger,
            access_logger=self.access_logger,
            access_log=False,
            default_headers=self.server_state.default_headers,
            message_event=asyncio.Event(),
            expect_100_continue=False,
            keep_alive=short.keep_alive,
            on_response=lambda: self._streamed(short),
        )
        if self.cycle is short:  # type: ignore[comparison-overlap]  # stands in for a cycle
            self.cycle = cycle

        async def send_it(_scope: object, _receive: object, send: Any) -> None:
            await send_response(send, response, short.method)

        self._start_asgi_task(cycle, send_it)

    def _streamed(self, short: _Short) -> None:
        short.response_complete = True
        self.on_response_complete()

    # Idle connections ----------------------------------------------------------------------------------------------

    def _unset_keepalive_if_required(self) -> None:
        """The alarm stays: it looks for itself whether the connection was idle all the time."""
        if self.transport is None or self.transport.is_closing():
            super()._unset_keepalive_if_required()

    def on_response_complete(self) -> None:
        """Go on with what waits on the connection, or with being idle; one alarm serves many requests."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.flow.read_paused:
            self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
            return
        self._idle_from = self.loop.time()
        if self.timeout_keep_alive_task is None:
            self._ring_in(self.timeout_keep_alive)

    def _ring_in(self, delay_s: float) -> None:
        self.timeout_keep_alive_task = self.loop.call_later(delay_s, self.timeout_keep_alive_handler)

    def timeout_keep_alive_handler(self) -> None:
        """Close a connection on which nothing has come for as long as the server keeps one."""
        self.timeout_keep_alive_task = None
        if self.transport.is_closing():
            return
        left_s = self._idle_from + self.timeout_keep_alive - self.loop.time()
        busy = self._incoming is not None or (self.cycle is not None and not self.cycle.response_complete)
        if busy or left_s > 0:
            self._ring_in(self.timeout_keep_alive if busy else left_s)
        else:
            self.transport.close()


class _Defaults:
    """Headers of every answer, as they stand in it; the server makes a new list each second."""

    given: list[tuple[bytes, bytes]] | None = None
    start = b""


def _joined(response: Response, defaults: list[tuple[bytes, bytes]]) -> bytes:
    """An answer whose own headers are written already."""
    if defaults is not _Defaults.given:
        _Defaults.start = STATUS_LINE[200] + b"".join([b"%b: %b\r\n" % pair for pair in defaults])
        _Defaults.given = defaults
    body = response.body
    return b"%b%bcontent-length: %d\r\n\r\n%b" % (_Defaults.start, response.lines, len(body), body)


def _written(response: Response, defaults: list[tuple[bytes, bytes]], *, keep_alive: bool) -> bytes:
    """Head and body of an answer.

    Raises:
        KeyError: HTTP has no such status.
        ValueError: a header holds a line break.
    """
    parts = [STATUS_LINE[response.status]]
    for name, value in (*defaults, *response.headers):
        if name != b"content-length":
            parts.extend((name, b": ", value, b"\r\n"))
    lines = (len(parts) - 1) // 4 + 1
    if not keep_alive:
        parts.append(b"connection: close\r\n")
        lines += 1
    body = response.body
    if response.status >= 200 and response.status not in (204, 304):
        parts.append(b"content-length: %d\r\n" % len(body))
        lines += 1
    else:
        body = b""
    parts.append(b"\r\n")
    head = b"".join(parts)
    if head.count(b"\n") != lines + 1 or head.count(b"\r") != lines + 1 or b"\0" in head:
        msg = f"a header of an answer holds a line break: {response.headers!r}"
        raise ValueError(msg)
    return head + body
