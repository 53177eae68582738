"""Calls to partners over HTTP: short, told apart by what is known afterwards.

A refusal (4xx) is an answer: nothing was done. A 5xx, a timeout or a broken connection leaves open whether it was done, so the
caller repeats it under the same key and decides nothing in between.
"""

import http.client
import json
from typing import Any
from urllib.parse import urlsplit

TIMEOUT_S = 3.0
ANSWER_BYTES_MAX = 1_000_000


class PartnerUnavailable(Exception):
    """Nobody knows whether it was done; the same key may be sent again."""


class PartnerRefused(Exception):
    """The partner answered that it does not do this."""

    def __init__(self, status: int, answer: dict[str, Any]) -> None:
        super().__init__(f"{status}: {answer.get('message', 'no reason given')}")
        self.status = status
        self.answer = answer


def call(method: str, url: str, body: dict[str, Any] | None = None, *, timeout_s: float = TIMEOUT_S) -> dict[str, Any]:
    """The partner's JSON answer.

    Raises:
        PartnerRefused: a 4xx.
        PartnerUnavailable: a 5xx, no answer in time, or one that is no JSON.
    """
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=timeout_s)
    try:
        text = json.dumps(body) if body is not None else None
        connection.request(method, parts.path or "/", text, {"content-type": "application/json"})
        response = connection.getresponse()
        status, content = response.status, response.read(ANSWER_BYTES_MAX)
        answer = json.loads(content or b"{}")
    except (OSError, http.client.HTTPException, ValueError) as fault:
        raise PartnerUnavailable(f"{method} {url}: {fault or type(fault).__name__}") from fault
    finally:
        connection.close()
    if status >= 500 or not isinstance(answer, dict):
        raise PartnerUnavailable(f"{method} {url}: status {status}")
    if status >= 400:
        raise PartnerRefused(status, answer)
    return answer
