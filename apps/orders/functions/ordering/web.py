"""Requests and answers of an HTTP API, payload format 2.0."""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ordering.values import to_json

Answer = dict[str, Any]


class BadBody(Exception):
    """The request's body is no JSON object."""


def text_of(event: Mapping[str, Any]) -> str:
    """The body as it was sent.

    Raises:
        BadBody: bytes that are no UTF-8.
    """
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body)
    try:
        return base64.b64decode(body).decode()
    except ValueError as fault:
        raise BadBody("The body must be JSON in UTF-8.") from fault


def body_of(event: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of the body.

    Raises:
        BadBody: the body is something else.
    """
    try:
        body = json.loads(text_of(event))
    except (ValueError, RecursionError) as fault:
        raise BadBody(f"The body must be JSON: {fault}") from fault
    if not isinstance(body, dict):
        raise BadBody("The body must be a JSON object.")
    return body


def answer(status: int, body: Any) -> Answer:
    content = json.dumps(to_json(body), ensure_ascii=False)
    return {"statusCode": status, "headers": {"content-type": "application/json; charset=utf-8"}, "body": content}


def now_of(event: Mapping[str, Any]) -> str:
    """When the API took the request, as an ISO 8601 text."""
    return datetime.fromtimestamp(event["requestContext"]["timeEpoch"] / 1000, UTC).isoformat()
