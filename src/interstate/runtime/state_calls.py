"""Performs what Tasks need from outside: calls that wait (the effect "states.call") and HTTP requests ("states.http").

A request for one of Interstate's own APIs (``<id>.execute-api.<any host>``) goes to this very server.
"""

import json
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx
import msgspec

from interstate.base.arn import DEFAULT_REGION, Caller
from interstate.base.errors import ServiceError
from interstate.core.events.connections import OAUTH
from interstate.core.events.http_request import Request, token_request, with_authorization
from interstate.runtime.instance import Instance
from interstate.services.events.authorizing import authorization_of
from interstate.services.states.integrations.calls import answer_of, request_of
from interstate.store.records.states import ApiAnswer, ApiCall, HttpAnswer, HttpCall

CONNECTIONS_MAX = 100
RESPONSE_BYTES_MAX = 1 << 20
"""A longer response could not be a Task's result by far; the rest is not read."""
_ATTEMPTS = 3
"""How often a connection is tried that could not be opened: nothing was sent then."""
_AGENT = "Amazon|StepFunctions|HttpInvoke"


class _Sent(NamedTuple):
    """A request as it leaves."""

    method: str
    url: str
    headers: list[tuple[str, str]]
    body: str | None


class StateCalls:
    """Calls the instance's own operations, and other people's servers."""

    def __init__(self, instance: Instance, endpoint_url: str) -> None:
        self._instance = instance
        self._endpoint = urlsplit(endpoint_url)
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
        transport = httpx.AsyncHTTPTransport(limits=limits, retries=_ATTEMPTS - 1)
        self._client = httpx.AsyncClient(transport=transport, follow_redirects=False, trust_env=False)

    async def call(self, key: str, body: ApiCall) -> ApiAnswer:
        """One operation, as a client would call it. Business time goes on while it waits."""
        del key
        service, operation, request = request_of(body)
        self._instance.activity.end()
        try:
            members = self._instance.catalog.validate(service, operation, request)
            caller = Caller(body.account, body.region)
            return answer_of(body, await self._instance.execute(service, operation, members, caller) or {})
        except ServiceError as error:
            return answer_of(body, error)
        finally:
            self._instance.activity.begin()

    async def request(self, key: str, body: HttpCall) -> HttpAnswer:
        """One HTTP request. What authorizes it is read when it is sent, and stays here."""
        del key
        request = _Sent(body.method, body.url, list(body.headers), body.body)
        if body.connection:
            authorized = await self._authorized(body)
            if isinstance(authorized, HttpAnswer):
                return authorized
            request = authorized
        answer = await self._send(request, body.timeout_s)
        if body.reveals:
            answer = msgspec.structs.replace(answer, sent=(request.url, request.headers, request.body or ""))
        return answer

    async def _authorized(self, body: HttpCall) -> _Sent | HttpAnswer:
        authorization = await self._instance.read(lambda work: authorization_of(body.connection, work))
        if authorization is None:
            return HttpAnswer(fault="authorization", told=f"The connection {body.connection} does not exist.")
        if authorization.type == OAUTH and not authorization.has_token(self._instance.clock.now()):
            wanted = token_request(authorization)
            asked = _Sent(wanted.method, wanted.url, list(wanted.headers.items()), wanted.body or None)
            token = _token_of(await self._send(asked, body.timeout_s))
            if token is None:
                told = f"The connection's token could not be fetched from {authorization.token_url}."
                return HttpAnswer(fault="authorization", told=told)
            authorization = msgspec.structs.replace(authorization, token=token)
        plain = Request(body.method, body.url, dict(body.headers), body.body or "")
        sent = with_authorization(plain, authorization)
        return _Sent(sent.method, sent.url, list(sent.headers.items()), sent.body or None)

    async def _send(self, request: _Sent, timeout_s: float) -> HttpAnswer:
        target, host = reached(request.url, self._endpoint)
        sent = [(name.encode(), value.encode()) for name, value in request.headers]
        names = {name.lower() for name, _ in request.headers}
        if "user-agent" not in names:
            sent.append((b"User-Agent", _AGENT.encode()))
        if host is not None:
            sent.append((b"Host", host.encode()))
        body = None if request.body is None else request.body.encode()
        try:
            async with self._client.stream(
                request.method, target, headers=sent, content=body, timeout=timeout_s
            ) as response:
                read = bytearray()
                async for part in response.aiter_bytes():
                    read += part
                    if len(read) > RESPONSE_BYTES_MAX:
                        break
                return HttpAnswer(
                    response.status_code,
                    response.reason_phrase,
                    [(_spelled(name), value) for name, value in response.headers.multi_items()],
                    bytes(read),
                )
        except httpx.TimeoutException:
            return HttpAnswer(fault="timeout", told=f"The request to {request.url} timed out.")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            return HttpAnswer(fault="socket", told=f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


_BY_PATH = re.compile(r"/restapis/(?P<api>[a-z0-9]+)(?P<path>/.+)")
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def reached(url: str, endpoint: SplitResult) -> tuple[str, str | None]:
    """Where a request goes, and the host that it names when that is another one.

    An API of this server is known by its host, and by the path ``/restapis/<id>/<stage>/...`` of this server: so other local
    platforms write an endpoint.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return url, None
    labels, named = host.split("."), _BY_PATH.match(parts.path)
    if len(labels) >= 3 and labels[1] == "execute-api":
        api, path = labels[0], parts.path or "/"
        region = labels[2] if labels[2] != "localhost" else DEFAULT_REGION
    elif named is not None and port == endpoint.port and (host in _LOOPBACK or host.endswith(".localhost")):
        api, path, region = named["api"], named["path"], DEFAULT_REGION
    else:
        return url, None
    target = urlunsplit((endpoint.scheme, endpoint.netloc, path, parts.query, ""))
    return target, f"{api}.execute-api.{region}.localhost:{endpoint.port}"


_SPELLED = {"x-amz-apigw-id": "x-amz-apigw-id", "x-amzn-requestid": "x-amzn-RequestId"}
"""Headers that AWS does not begin with capitals. Source: answers of ``apigateway:invoke`` recorded from Step Functions."""


def _spelled(name: str) -> str:
    """A header as AWS spells it; a server may write all of them small."""
    return _SPELLED.get(name) or (name.title() if name.islower() else name)


def _token_of(answer: HttpAnswer) -> str | None:
    try:
        token = json.loads(answer.body)["access_token"] if answer.status == 200 else None
    except (ValueError, KeyError, TypeError):
        return None
    return token if isinstance(token, str) else None
