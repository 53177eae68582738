"""One HTTP/1.1 connection: bytes in, requests to the application, responses out.

Theory of operation
-------------------
httptools parses; this module bounds. A request's head is looked at as soon as it is whole: a foreign Host or Origin, or a
body that announces more than its bound, is answered there and then, and what still comes in is thrown away until the
client hangs up (closing at once would reset the connection and could take the answer with it). A whole request becomes a
task; the next one of the same connection waits for its answer, so answers leave in order. A response is written in one
piece. A client that goes away does not end its call, which may have changed something already.

Times here are guard time: they end connections that do nothing, never anything that counts.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from time import monotonic
from typing import Protocol

import httptools

from interstate.wire.messages import Request, Response

IDLE_S_MAX = 75.0
REQUEST_S_MAX = 300.0
HEAD_BYTES_MAX = 65_536
PIPELINED_MAX = 16
CONNECTIONS_MAX = 10_000
LINGER_S = 2.0
_SWEEP_EVERY_S = 15.0

RawHeaders = Sequence[tuple[bytes, bytes]]

_STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("latin-1") for status in HTTPStatus
}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_WITHOUT_BODY = (204, 304)


class Application(Protocol):
    """What answers requests."""

    @property
    def body_bytes_max(self) -> int:
        """The largest body that is read."""
        ...

    def forbidden(self, headers: Mapping[bytes, bytes]) -> Response | None:
        """A refusal that needs the head alone; None when the request may go on."""
        ...

    def too_large(self, request: Request) -> Response:
        """The refusal of a body that was not read to its end."""
        ...

    async def answer(self, request: Request, raw_headers: RawHeaders, source_ip: str) -> Response:
        """The response to a whole request. Never raises."""
        ...


class Connections:
    """All connections of a server, their tasks, and the sweep that ends the idle ones."""

    def __init__(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        self.application = application
        self.loop = loop
        self.open: set[Connection] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.stopping = False
        self._sweep: asyncio.TimerHandle | None = None
        self._date_at = -1
        self._date = b""

    def date_line(self) -> bytes:
        """The Date header, made once a second."""
        second = int(monotonic())
        if second != self._date_at:
            self._date_at = second
            self._date = f"date: {formatdate(usegmt=True)}\r\n".encode()
        return self._date

    def add(self, connection: "Connection") -> bool:
        """Take a connection in; False when there are too many."""
        if len(self.open) >= CONNECTIONS_MAX or self.stopping:
            return False
        self.open.add(connection)
        if self._sweep is None:
            self._sweep = self.loop.call_later(_SWEEP_EVERY_S, self._end_idle)
        return True

    def _end_idle(self) -> None:
        """Runs only while there are connections: an idle server has no timer."""
        now = monotonic()
        for connection in list(self.open):
            connection.end_if_idle(now)
        self._sweep = self.loop.call_later(_SWEEP_EVERY_S, self._end_idle) if self.open else None

    async def stop(self, grace_s: float) -> None:
        """End idle connections, let calls in flight answer, then end what is left."""
        self.stopping = True
        for connection in list(self.open):
            connection.end_after_answer()
        if self.tasks:
            await asyncio.wait(self.tasks, timeout=grace_s)
        self.abort()

    def abort(self) -> None:
        """End everything now."""
        for task in list(self.tasks):
            task.cancel()
        for connection in list(self.open):
            connection.abort()
        if self._sweep is not None:
            self._sweep.cancel()


class Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, connections: Connections) -> None:
        self._all = connections
        self._application = connections.application
        self._parser = httptools.HttpRequestParser(self)
        self._transport: asyncio.Transport
        self._source_ip = "127.0.0.1"
        self._waiting: deque[tuple[Request, RawHeaders, bool]] = deque()
        self._answering = False
        self._deaf = False  # What comes in is thrown away.
        self._farewell: Response | None = None  # A refusal that is the last answer, after those in flight.
        self._ending = False  # No further request after the answer in flight.
        self._write_paused = False
        self._active_at = monotonic()
        self._begun_at: float | None = None  # When the request that is coming in began.
        self._reset()

    def _reset(self) -> None:
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._chunks: list[bytes] = []
        self._head_bytes = 0
        self._body_bytes = 0

    # The transport's side --------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client came."""
        self._transport = transport  # type: ignore[assignment] # a TCP transport, as create_server promises
        peer = transport.get_extra_info("peername")
        if isinstance(peer, tuple):
            self._source_ip = peer[0]
        if not self._all.add(self):
            self._refuse(Response(503, [], b""))

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone; its call goes on."""
        del exc
        self._ending = True
        self._all.open.discard(self)
        self._waiting.clear()

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        self._active_at = monotonic()
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._ending = True  # Other protocols are not spoken: the request is answered in this one, as the last.
        except httptools.HttpParserError:
            self._refuse(Response(400, [(b"content-type", b"text/plain")], b"This is no HTTP request.\n"))

    def pause_writing(self) -> None:
        """The client does not read; no further request is answered until it does."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The client reads again."""
        self._write_paused = False
        self._next()

    # The parser's side -----------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        """A request begins."""
        self._reset()
        self._begun_at = self._active_at

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._url += url
        self._count_head(len(url))

    def on_header(self, name: bytes, value: bytes) -> None:
        """A whole header."""
        self._headers.append((name.lower(), value))
        self._count_head(len(name) + len(value))

    def _count_head(self, size: int) -> None:
        self._head_bytes += size
        if self._head_bytes > HEAD_BYTES_MAX:
            self._refuse(Response(431, [(b"content-type", b"text/plain")], b"The request's head is too large.\n"))

    def on_headers_complete(self) -> None:
        """The head is whole: what can be refused by it is refused now."""
        if self._deaf:
            return
        headers = dict(self._headers)
        refusal = self._application.forbidden(headers)
        if refusal is not None:
            self._refuse(refusal)
            return
        announced = headers.get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self._application.body_bytes_max:
            self._refuse_body()
        elif headers.get(b"expect", b"").lower() == b"100-continue" and not self._answering:
            self._transport.write(_CONTINUE)

    def on_body(self, chunk: bytes) -> None:
        """A part of the body."""
        if self._deaf:
            return
        self._body_bytes += len(chunk)
        if self._body_bytes > self._application.body_bytes_max:
            self._refuse_body()
            return
        self._chunks.append(chunk)

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._begun_at = None
        if self._deaf or self._ending:
            return
        keep_alive = self._parser.should_keep_alive()
        self._ending = not keep_alive
        self._waiting.append((self._request(), self._headers, keep_alive))
        if len(self._waiting) >= PIPELINED_MAX:
            self._transport.pause_reading()
        self._next()

    def _request(self) -> Request:
        path, _, query = self._url.decode("latin-1").partition("?")
        if not path.startswith("/"):
            path = "/" + path.partition("://")[2].partition("/")[2]  # A proxy's form: the whole address.
        chunks = self._chunks
        body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        return Request(self._parser.get_method().decode("latin-1"), path, query, dict(self._headers), body)

    # Answers ---------------------------------------------------------------------------------------------------------

    def _next(self) -> None:
        if self._answering or self._write_paused:
            return
        if not self._waiting:
            self._say_farewell()
            return
        self._answering = True
        request, headers, keep_alive = self._waiting.popleft()
        if len(self._waiting) == PIPELINED_MAX - 1:
            self._transport.resume_reading()
        task = self._all.loop.create_task(self._answer(request, headers, keep_alive=keep_alive))
        self._all.tasks.add(task)
        task.add_done_callback(self._all.tasks.discard)

    async def _answer(self, request: Request, headers: RawHeaders, *, keep_alive: bool) -> None:
        response = await self._application.answer(request, headers, self._source_ip)
        self._answering = False
        if self._transport.is_closing():
            return
        last = not keep_alive or (self._ending and self._farewell is None)
        self._transport.write(self._encoded(response, head_only=request.method == "HEAD", last=last))
        if last:
            self._transport.close()
        else:
            self._active_at = monotonic()
            self._next()

    def _encoded(self, response: Response, *, head_only: bool, last: bool) -> bytes:
        status = response.status
        parts = [_STATUS_LINES.get(status) or f"HTTP/1.1 {status} \r\n".encode(), self._all.date_line()]
        for name, value in response.headers:
            parts += (name, b": ", value, b"\r\n")
        if last:
            parts.append(b"connection: close\r\n")
        if status in _WITHOUT_BODY:
            parts.append(b"\r\n")
        else:
            parts.append(b"content-length: %d\r\n\r\n" % len(response.body))
            if not head_only:
                parts.append(response.body)
        return b"".join(parts)

    def _refuse_body(self) -> None:
        path = self._url.partition(b"?")[0].decode("latin-1")
        method = self._parser.get_method().decode("latin-1")
        self._refuse(self._application.too_large(Request(method, path, "", dict(self._headers), b"")))

    def _refuse(self, response: Response) -> None:
        """Answer for the last time, after the answers in flight; read nothing more."""
        if self._deaf:
            return
        self._deaf = True
        self._begun_at = None
        self._chunks.clear()
        self._farewell = response
        self._next()

    def _say_farewell(self) -> None:
        response, self._farewell = self._farewell, None
        if response is None or self._transport.is_closing():
            return
        self._transport.write(self._encoded(response, head_only=False, last=True))
        if self._transport.can_write_eof():
            self._transport.write_eof()
        self._all.loop.call_later(LINGER_S, self._transport.close)

    # Ends ------------------------------------------------------------------------------------------------------------

    def end_if_idle(self, now: float) -> None:
        """End a connection that waits for nothing of ours, or whose request does not come to its end."""
        if self._answering or self._waiting:
            return
        slow = self._begun_at is not None and now - self._begun_at > REQUEST_S_MAX
        if slow or now - self._active_at > IDLE_S_MAX:
            self._transport.close()

    def end_after_answer(self) -> None:
        """No further request; at once when none is in flight."""
        self._ending = True
        if not self._answering and not self._waiting:
            self._transport.close()

    def abort(self) -> None:
        """End now."""
        self._transport.abort()
