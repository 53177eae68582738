"""One request: guarded, recognized, decoded, executed, encoded."""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import datetime
from itertools import count
from typing import Any

import msgspec
import orjson

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ServiceError, TransientError
from interstate.http.doors import Door, door_of, invocation, is_control, notification_door
from interstate.http.guard import Guard, is_loopback
from interstate.http.ports import Control, Engine
from interstate.wire.codec import Wire
from interstate.wire.compression import unpacked
from interstate.wire.errors import RequestTooLarge
from interstate.wire.event_stream import event_stream
from interstate.wire.messages import Request, Response
from interstate.wire.routing import Route
from interstate.wire.s3_addressing import host_of
from interstate.wire.signature import Credential, SignatureRefused, verify
from interstate.wire.typed import FORMS, Decode

log = logging.getLogger(__name__)

# A zip of 50 MB in base64, and what stands around it. Source: Lambda's own refusal of a larger CreateFunction.
CODE_BYTES_MAX = 70_167_211
_HOSTS_MAX = 1024
_CODE_PATHS = ("/2015-03-31/functions", "/2018-10-31/layers")
BODY_BYTES_MAX = 10 * 1024 * 1024  # API Gateway's payload limit; the largest that any API here takes.
OBJECT_BYTES_MAX = 64 * 1024 * 1024
"""An object, or a part of one, in one request: it is held in memory until it is committed."""

# Headers of a function's answer that belong to the connection, and what no header may hold: a line break would let a
# function's input write headers of its own.
_OUR_HEADERS = (b"connection", b"content-length", b"date", b"keep-alive", b"transfer-encoding", b"upgrade")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9a-z-]+\Z")
_BREAKS = re.compile(rb"[\r\n\0]")

# Operations whose answers hold queue URLs: under the address by which the caller came.
_SHOW_ADDRESSES = {
    "apigatewayv2": frozenset({"CreateApi", "GetApi", "GetApis", "ImportApi", "ReimportApi", "UpdateApi"}),
    "cloudformation": frozenset(
        {
            "DescribeStackEvents",
            "DescribeStackResource",
            "DescribeStackResources",
            "DescribeStacks",
            "ListExports",
            "ListStackResources",
        }
    ),
    "sqs": frozenset({"CreateQueue", "GetQueueUrl", "ListQueues", "ListDeadLetterSourceQueues"}),
    "lambda": frozenset(
        {
            "CreateFunctionUrlConfig",
            "GetFunction",
            "GetFunctionUrlConfig",
            "GetLayerVersion",
            "GetLayerVersionByArn",
            "ListFunctionUrlConfigs",
            "PublishLayerVersion",
            "UpdateFunctionUrlConfig",
        }
    ),
}

Credentials = Mapping[str, Credential]
RawHeaders = Sequence[tuple[bytes, bytes]]
Reply = Callable[[Response], None]


class InternalFailure(ServiceError):
    """A bug of ours, told without its insides; the log has them."""

    status = 500

    def __init__(self) -> None:
        super().__init__("The request processing has failed because of an unknown error, exception or failure.")


class ServiceUnavailable(ServiceError):
    """Nothing happened; the client may try again."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The request has failed due to a temporary failure of the server.")


class _Busy(msgspec.Struct, frozen=True):
    """An operation whose requests are read into its own struct."""

    route: Route
    service: str
    operation: str
    decode: Decode


class Dispatcher:
    """The way of a request through this process.

    Args:
        credentials: when given, AWS requests must be signed with one of them, and the key's account is the caller's.
        real_now: the real time, for signatures; not business time.
    """

    def __init__(
        self,
        engine: Engine,
        wire: Wire,
        guard: Guard,
        *,
        control: Control,
        credentials: Credentials | None,
        real_now: Callable[[], datetime],
        body_bytes_max: int = BODY_BYTES_MAX,
    ) -> None:
        self._engine = engine
        self._wire = wire
        self._guard = guard
        self._control = control
        self._credentials = credentials
        self._real_now = real_now
        self.body_bytes_max = body_bytes_max
        # Request ids look like UUIDs: a random part for the process, a counter for the request.
        prefix = os.urandom(10).hex()
        self._id_prefix = f"{prefix[:8]}-{prefix[8:12]}-4{prefix[13:16]}-a{prefix[17:20]}-".encode()
        self._id_counter = count(1)
        self._tasks: set[asyncio.Task[None]] = set()
        self._busy: dict[bytes, _Busy] = {}  # By target; bounded by the operations that there are.
        self._forms: dict[tuple[str, str], Callable[[Mapping[str, str]], msgspec.Struct]] = {}
        self._plain_hosts: set[bytes] = set()  # Allowed, and no door's: at their root there is AWS.

    def forbidden(self, headers: Mapping[bytes, bytes]) -> Response | None:
        """The refusal of a foreign Host or Origin; None when both may speak to us."""
        host = headers.get(b"host", b"")
        if not self._guard.host_allowed(host):
            return _forbidden(
                f"Host {host.decode('latin-1')!r} is not this server's. Allowed are localhost, *.localhost, loopback, "
                "the bound address, and names given with --allow-host."
            )
        origin = headers.get(b"origin")
        if origin is not None and not self._guard.origin_allowed(origin):
            return _forbidden(
                f"Origin {origin.decode('latin-1')!r} may not call this server. Allow its host with --allow-host."
            )
        return None

    def too_large(self, request: Request) -> Response:
        """The refusal of a body that was not read to its end.

        The connection stays: what the client still says is thrown away, and it reads the refusal instead of a reset.
        """
        return self._wire.refuse(
            RequestTooLarge(self.body_limit(request.path, request.headers)), request, None, self._request_id()
        )

    def body_limit(self, path: str, headers: Mapping[bytes, bytes]) -> int:
        """How large a body may be: where functions, layers and objects are uploaded, they come in it."""
        if b"/s3/aws4_request" in headers.get(b"authorization", b"") or host_of(headers.get(b"host", b"")) is not None:
            return max(OBJECT_BYTES_MAX, self.body_bytes_max)
        return max(CODE_BYTES_MAX, self.body_bytes_max) if path.startswith(_CODE_PATHS) else self.body_bytes_max

    async def answer(self, request: Request, raw_headers: RawHeaders, source_ip: str) -> Response:
        """The response to a whole request. Never raises."""
        answered: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def reply(response: Response) -> None:
            if not answered.done():  # The server ended the call meanwhile.
                answered.set_result(response)

        self.begin(request, raw_headers, source_ip, reply)
        return await answered

    def begin(self, request: Request, raw_headers: RawHeaders, source_ip: str, reply: Reply) -> None:
        """Answer a whole request: ``reply`` is called once, now or later. Never raises."""
        headers = request.headers
        if (
            headers.get(b"host") in self._plain_hosts
            and b"origin" not in headers
            and request.method == "POST"
            and request.path == "/"
        ):
            busy = self._busy.get(headers.get(b"x-amz-target", b""))
            if busy is None or not self._shortly(busy, request, reply):
                self._aws(request, reply)
            return
        refused = self.forbidden(headers)
        if refused is not None:
            reply(refused)
            return
        if is_control(request.path):
            self._soon(self._controlled(request, source_ip), reply)
            return
        door = door_of(headers.get(b"host", b""), request.path)
        if door is None and request.method == "GET" and b"authorization" not in headers:
            door = notification_door(request.path, request.query)
        if door is not None:
            self._soon(self._through(door, request, raw_headers, source_ip), reply)
            return
        unsigned = b"authorization" not in headers and "X-Amz-Credential=" not in request.query
        if request.method in ("OPTIONS", "HEAD") and unsigned:
            reply(Response(204, [(b"allow", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS")], b""))
            return
        self._aws(request, reply)
        if request.path == "/" and b"host" in headers:
            if len(self._plain_hosts) >= _HOSTS_MAX:
                self._plain_hosts.clear()
            self._plain_hosts.add(headers[b"host"])

    def _soon(self, answering: Coroutine[Any, Any, Response], reply: Reply) -> None:
        """Answer in a task of its own."""

        async def answer() -> None:
            reply(await answering)

        task = asyncio.get_running_loop().create_task(answer())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # AWS's APIs ----------------------------------------------------------------------------------------------------

    def _shortly(self, busy: _Busy, request: Request, reply: Reply) -> bool:
        """Carry out a call whose body can be read straight into the operation's struct; otherwise nothing happens here."""
        headers, route = request.headers, busy.route
        if b"content-encoding" in headers or self._engine.typed(busy.service, busy.operation) is None:
            return False
        try:
            typed = busy.decode(request.body)
        except Exception:  # noqa: BLE001 - whatever it is, the long way reads the body or says what is wrong with it
            return False
        request_id = self._request_id()
        try:
            caller = self._caller(request)
            if b"x-amzn-trace-id" in headers:
                caller = msgspec.structs.replace(caller, trace=request.header(b"x-amzn-trace-id"))
            self._engine.begin(
                busy.service,
                busy.operation,
                typed,
                caller,
                lambda answer, error: reply(self._answered(request, route, request_id, caller, answer, error)),
            )
        except Exception as error:  # noqa: BLE001 - the border: whatever it is becomes an answer
            reply(self._failed(error, request, route, request_id))
        return True

    def _remember(self, route: Route, target: bytes | None) -> None:
        """Read the next requests of this target into the operation's struct, where that is possible."""
        kind = self._engine.typed(route.metadata.name, route.operation)
        if target is None or target in self._busy or kind is None:
            return
        codec = self._wire.codec(route.metadata.name, route.operation)
        decode = codec.decoder(kind)
        if decode is not None:
            self._busy[target] = _Busy(route, route.metadata.name, route.operation, decode)

    def _aws(self, request: Request, reply: Reply) -> None:
        request_id = self._request_id()
        route: Route | None = None
        try:
            plain = unpacked(request) if self._is_packed(request) else request
            route = self._wire.router.route(plain)
            service, operation = route.metadata.name, route.operation
            caller = self._caller(request)
            if b"x-amzn-trace-id" in request.headers:
                caller = msgspec.structs.replace(caller, trace=request.header(b"x-amzn-trace-id"))
            if operation in _SHOW_ADDRESSES.get(service, ()):
                caller = msgspec.structs.replace(caller, host=request.header(b"host"))
            if not self._engine.implements(service, operation):
                what = f"{route.metadata.full_name}: {operation}"
                raise NotImplementedHere(what)  # noqa: TRY301 - the refusal below is one for all
            params: Mapping[str, Any] | msgspec.Struct | None = None
            if route.protocol == "query":
                params = self._typed_form(route)
            if params is None:
                params = decoded = self._wire.decode(route, plain)
                self._remember(route, request.headers.get(b"x-amz-target"))
                if route.protocol == "rest-xml" and operation == "GetObject":
                    decoded["_Streams"] = True
            self._engine.begin(
                service,
                operation,
                params,
                caller,
                lambda answer, error: reply(self._answered(request, route, request_id, caller, answer, error)),
            )
        except Exception as error:  # noqa: BLE001 - the border: whatever it is becomes an answer
            reply(self._failed(error, request, route, request_id))

    def _typed_form(self, route: Route) -> msgspec.Struct | None:
        """The fields of a busy query operation in its struct, where they can be read so."""
        service, operation = route.metadata.name, route.operation
        if operation not in FORMS.get(service, ()):
            return None
        kind = self._engine.typed(service, operation)
        if kind is None:
            return None
        decode = self._forms.get((service, operation))
        if decode is None:
            decode = self._wire.codec(service, operation).form_decoder(kind)
            assert decode is not None, "it is in the table"
            self._forms[service, operation] = decode
        try:
            return decode(route.fields)
        except Exception:  # noqa: BLE001 - as above
            return None

    def _answered(  # noqa: PLR0917 - what is known of a call when its answer comes
        self,
        request: Request,
        route: Route,
        request_id: bytes,
        caller: Caller,
        answer: Mapping[str, Any] | None,
        error: BaseException | None,
    ) -> Response:
        if error is not None:
            return self._failed(error, request, route, request_id)
        try:
            response = self._wire.encode(route, answer, request_id)
        except Exception as fault:  # noqa: BLE001 - as above
            return self._failed(fault, request, route, request_id)
        if answer:
            if "_More" in answer:
                return msgspec.structs.replace(response, more=_frames(answer["_More"]))
            if rest := answer.get("_Rest"):
                return msgspec.structs.replace(response, more=self._rest_of(rest, caller))
        return response

    def _failed(self, error: BaseException, request: Request, route: Route | None, request_id: bytes) -> Response:
        if isinstance(error, ServiceError):
            return self._refused(error, request, route, request_id)
        if isinstance(error, TransientError):
            return self._refused(ServiceUnavailable(), request, route, request_id)
        log.error("request %s failed: %s", request_id.decode(), route and route.operation, exc_info=error)
        return self._refused(InternalFailure(), request, route, request_id)

    def _is_packed(self, request: Request) -> bool:
        """Only CloudWatch takes compressed bodies; S3 keeps them as they are."""
        return b"content-encoding" in request.headers and self._wire.router.scope(request)[0].service == "monitoring"

    async def _rest_of(self, rest: tuple[int, int, int], caller: Caller) -> AsyncIterator[bytes]:
        """The pages of an object that follow the first one. One that is replaced meanwhile ends early, and with it the answer."""
        body, first, end = rest
        while first < end:
            answer = await self._engine.execute("s3-bodies", "Read", {"Body": body, "First": first, "End": end}, caller)
            assert answer is not None
            data = answer["Data"]
            if not data:
                return
            yield data
            first += len(data)

    def _caller(self, request: Request) -> Caller:
        _, caller = self._wire.router.scope(request)
        if self._credentials is None:
            return caller
        credential = verify(request, self._credentials, self._real_now())
        return Caller(credential.account, caller.region, credential.access_key)

    def _refused(self, error: ServiceError, request: Request, route: Route | None, request_id: bytes) -> Response:
        if isinstance(error, SignatureRefused) and route is not None and route.protocol == "query":
            error.code = error.query_code
        return self._wire.refuse(error, request, route, request_id)

    def _request_id(self) -> bytes:
        return b"%b%012x" % (self._id_prefix, next(self._id_counter))

    # Other doors ---------------------------------------------------------------------------------------------------

    async def _controlled(self, request: Request, source_ip: str) -> Response:
        """A request to the instance itself. Where callers must sign, only this machine may, but for the health page."""
        if self._credentials is not None and not is_loopback(source_ip) and not request.path.endswith("/health"):
            return _forbidden("Control requests are answered to this machine only when the server needs credentials.")
        try:
            status, headers, body = await self._control.handle(
                request.method, request.path, request.query, request.body
            )
        except ServiceError as error:
            return _message(error.status, error.message)
        except Exception:
            log.exception("control %s %s failed", request.method, request.path)
            return _message(500, "Internal Server Error")
        return Response(status, [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers], body)

    async def _through(self, door: Door, request: Request, raw_headers: RawHeaders, source_ip: str) -> Response:
        """An invocation of an API or a function URL."""
        try:
            if not self._engine.implements(door.service, "Invoke"):
                raise NotImplementedHere(door.service)  # noqa: TRY301 - the refusal below is one for all
            params, caller = invocation(
                door,
                method=request.method,
                query=request.query,
                headers=raw_headers,
                body=request.body,
                source_ip=source_ip,
                host=request.headers.get(b"host", b""),
            )
            return _invoked(await self._engine.execute(door.service, "Invoke", params, caller))
        except ServiceError as error:
            return _message(error.status, error.message)
        except TransientError:
            return _message(503, "Service Unavailable")
        except Exception:
            log.exception("invocation of %s %s failed", door.service, door.id)
            return _message(500, "Internal Server Error")


def _invoked(answer: Mapping[str, Any] | None) -> Response:
    assert answer is not None
    encoded = [(name.lower().encode("latin-1", "replace"), value.encode()) for name, value in answer["Headers"]]
    headers = [
        (name, value)
        for name, value in encoded
        if name not in _OUR_HEADERS and _TOKEN.match(name) and not _BREAKS.search(value)
    ]
    return Response(answer["StatusCode"], headers, answer["Body"], answer.get("_More"))


async def _frames(events: AsyncIterator[Mapping[str, Any]]) -> AsyncIterator[bytes]:
    async for event in events:
        yield event_stream([event])


def _message(status: int, message: str) -> Response:
    return Response(status, [(b"content-type", b"application/json")], orjson.dumps({"message": message}))


def _forbidden(message: str) -> Response:
    return _message(403, message)
