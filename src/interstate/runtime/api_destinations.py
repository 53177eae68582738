"""Performs the effects "events.http" (a call of an API destination, or of an API of ours) and "events.token".

Secrets are read when a call starts, from what is committed, and are in no due row. A token is fetched once for all calls that
want one: the first fetches, the others wait for it; the one that fetched it brings it back to the store. An endpoint that
answers 401 to an OAuth call gets the call once more, with a new token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import msgspec

from interstate.base.time import EPOCH, Clock
from interstate.core.events.connections import OAUTH, Authorization
from interstate.core.events.http_request import (
    TIMEOUT_S,
    Request,
    asks_for_form,
    token_of,
    token_request,
    with_authorization,
)
from interstate.services.events.authorizing import authorization_of
from interstate.store.ports import Work
from interstate.store.records.events_connections import HttpAnswer, HttpCall, Token, TokenCall

Read = Callable[[Callable[[Work], Authorization | None]], Awaitable[Authorization | None]]
CONNECTIONS_MAX = 256
_BODY_BYTES_SHOWN = 300
_TOKEN_BYTES_MAX = 65_536
_OWN_HOST = ".execute-api"
_UNAUTHORIZED = 401
_WANT_A_FORM = (400, 401, 415)


class ApiDestinations:
    """The HTTP client of EventBridge. Redirects are not followed, proxies of the environment not used."""

    def __init__(self, read: Read, clock: Clock, endpoint_url: str) -> None:
        self._read = read
        self._clock = clock
        self._endpoint_url = endpoint_url
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, follow_redirects=False, trust_env=False)
        self._fetching: dict[str, asyncio.Lock] = {}
        self._fetched: dict[str, Authorization] = {}  # Newer than what is committed, perhaps.

    async def perform(self, key: str, call: HttpCall) -> HttpAnswer:
        """One call. A repetition after a crash carries the same headers, the event's id among them."""
        del key
        request = Request(call.method, call.url, call.headers, call.text)
        if not call.connection:
            return await self._send(self._own(request))
        authorization = await self._read(lambda work: authorization_of(call.connection, work))
        if authorization is None or not _has_secrets(authorization):
            return HttpAnswer(error="The connection is deauthorized or does not exist.", code="NO_PERMISSIONS")
        if authorization.type != OAUTH:
            return await self._send(with_authorization(request, authorization))
        return await self._send_with_token(request, authorization)

    async def _send_with_token(self, request: Request, authorization: Authorization) -> HttpAnswer:
        token: Token | None = None
        answer = HttpAnswer()
        for _ in range(2):
            authorization, fetched = await self._with_token(authorization)
            token = fetched or token
            if token is not None and token.error:
                return HttpAnswer(error=token.error, code="CONNECTION_FAILURE", token=token)
            answer = await self._send(with_authorization(request, authorization))
            if answer.status != _UNAUTHORIZED:
                break
            authorization = _spoiled(authorization)
        return HttpAnswer(answer.status, answer.error, answer.code, answer.retry_after, answer.body, token)

    async def fetch(self, key: str, call: TokenCall) -> Token:
        """A token for a connection that was just made or changed."""
        del key
        authorization = await self._read(lambda work: authorization_of(call.connection, work))
        if authorization is None or not _has_secrets(authorization):
            return Token(error="The connection is deauthorized or does not exist.")
        return await self._ask_for_token(authorization)

    async def _with_token(self, authorization: Authorization) -> tuple[Authorization, Token | None]:
        """The authorization with a token that is good, and the token when it was fetched for this."""
        if authorization.has_token(self._clock.now()):
            return authorization, None
        lock = self._fetching.setdefault(authorization.arn, asyncio.Lock())
        async with lock:
            known = self._fetched.get(authorization.arn)
            if known is not None and self._is_newer(known, authorization):
                return known, None
            token = await self._ask_for_token(authorization)
            fetched = _with(authorization, token, self._clock)
            self._fetched[authorization.arn] = fetched
            return fetched, token

    def _is_newer(self, known: Authorization, authorization: Authorization) -> bool:
        is_other = known.token != authorization.token and _same_client(known, authorization)
        return is_other and known.has_token(self._clock.now())

    async def _ask_for_token(self, authorization: Authorization) -> Token:
        """Ask for a token; as JSON, then as a form, unless the connection says which."""
        request = token_request(authorization)
        answer = await self._exchange(request)
        refused = isinstance(answer, httpx.Response) and answer.status_code in _WANT_A_FORM
        if refused and not asks_for_form(authorization):
            answer = await self._exchange(token_request(authorization, form=True))
        if isinstance(answer, str):
            return Token(error=f"The authorization endpoint could not be reached: {answer}")
        if not answer.is_success:
            return Token(error=f"The authorization endpoint answered {answer.status_code}.")
        found = token_of(answer.text)
        if found is None:
            return Token(error="The authorization endpoint answered without an access token.")
        return Token(found[0], found[1])

    async def _exchange(self, request: Request) -> httpx.Response | str:
        try:
            return await self._client.request(
                request.method, request.url, headers=request.headers, content=request.body.encode() or None
            )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return f"{type(error).__name__}: {error}"

    def _own(self, request: Request) -> Request:
        """A request to an API of this instance."""
        url = httpx.URL(request.url)
        host = f"{url.host.removesuffix(_OWN_HOST)}.execute-api.localhost"
        own = httpx.URL(self._endpoint_url).copy_with(raw_path=url.raw_path)
        return Request(request.method, str(own), {**request.headers, "Host": host}, request.body)

    async def _send(self, request: Request) -> HttpAnswer:
        content = request.body.encode() if request.body else None
        try:
            async with asyncio.timeout(TIMEOUT_S):
                async with self._client.stream(
                    request.method, request.url, headers=request.headers, content=content
                ) as response:
                    shown = b""
                    async for part in response.aiter_bytes():
                        shown += part
                        if len(shown) >= _BODY_BYTES_SHOWN:
                            break
                    text = shown[:_BODY_BYTES_SHOWN].decode(errors="replace")
                    return HttpAnswer(response.status_code, retry_after=response.headers.get("retry-after"), body=text)
        except (TimeoutError, httpx.TimeoutException):
            return HttpAnswer(error=f"The endpoint did not answer within {TIMEOUT_S:g} seconds.", code="TIMEOUT")
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError, ValueError) as error:
            return HttpAnswer(error=f"{type(error).__name__}: {error}", code="CONNECTION_FAILURE")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()


def _has_secrets(authorization: Authorization) -> bool:
    return bool(authorization.username or authorization.key_name or authorization.client_id)


def _same_client(one: Authorization, other: Authorization) -> bool:
    return (one.client_id, one.client_secret, one.token_url) == (other.client_id, other.client_secret, other.token_url)


def _spoiled(authorization: Authorization) -> Authorization:
    """The authorization whose token was refused: it is known, so that no other of the same text is taken for a new one."""
    return msgspec.structs.replace(authorization, token_until=EPOCH)


def _with(authorization: Authorization, token: Token, clock: Clock) -> Authorization:
    until = None if token.expires_in_s is None else clock.now() + timedelta(seconds=token.expires_in_s)
    return msgspec.structs.replace(authorization, token=token.value, token_until=until)
