"""Performs the effect "sns.http": one POST, its answer as a value."""

import httpx

from interstate.store.records.sns import HttpDelivery, HttpResult

# Source: https://docs.aws.amazon.com/sns/latest/dg/SendMessageToHttp.prepare.html ("within 15 seconds")
TIMEOUT_S = 15.0
CONNECTIONS_MAX = 100
_HEADERS = {"content-type": "text/plain; charset=UTF-8", "user-agent": "Amazon Simple Notification Service Agent"}


class HttpDeliveries:
    """Posts notifications to HTTP endpoints. Redirects are not followed, proxies of the environment not used."""

    kind = "sns.http"

    def __init__(self) -> None:
        limits = httpx.Limits(max_connections=CONNECTIONS_MAX)
        self._client = httpx.AsyncClient(timeout=TIMEOUT_S, limits=limits, follow_redirects=False, trust_env=False)

    async def perform(self, key: str, body: HttpDelivery) -> HttpResult:
        """Post once. A repetition after a crash carries the same message id, by which endpoints recognize it."""
        del key
        try:
            async with self._client.stream(
                "POST", body.url, content=body.content.encode(), headers={**_HEADERS, **body.headers}
            ) as response:
                return HttpResult(response.status_code)  # The body is not read: AWS does not look at it either.
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            return HttpResult(error=f"{type(error).__name__}: {error}")

    async def close(self) -> None:
        """Close its connections."""
        await self._client.aclose()
