"""The records that Lambda leaves at destinations and dead-letter queues.

Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
"""

import contextlib
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.json import JSON, BrokenJSON, loads
from interstate.base.time import to_iso
from interstate.core.functions.retry import Condition

ERROR_MESSAGE_BYTES_MAX = 1024  # Source: the same page, ErrorMessage: "the first 1 KB of the error message".

CALLED = 200


class Outcome(msgspec.Struct, frozen=True):
    """How the last attempt of an event ended."""

    request_id: str
    function_arn: str  # With its qualifier.
    attempts: int
    executed_version: str
    payload: str
    answer: str
    function_error: str | None
    status: int = 200  # Of the last attempt: 429 or 500 when the function was not called.


def record(outcome: Outcome, condition: Condition, at: datetime) -> dict[str, Any]:
    """What a destination gets.

    An event whose last attempt did not reach the function has no answer, and its record no response.
    """
    document: dict[str, Any] = {
        "version": "1.0",
        "timestamp": to_iso(at),
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": outcome.function_arn,
            "condition": condition.value,
            "approximateInvokeCount": outcome.attempts,
        },
        "requestPayload": _json(outcome.payload),
    }
    if outcome.status == CALLED:
        context: dict[str, Any] = {"statusCode": CALLED, "executedVersion": outcome.executed_version}
        if outcome.function_error is not None:
            context["functionError"] = outcome.function_error
        document |= {"responseContext": context, "responsePayload": _json(outcome.answer)}
    return document


def dead_letter_attributes(outcome: Outcome) -> dict[str, dict[str, str]]:
    """The attributes of a dead letter, whose body is the event itself."""
    answer = _json(outcome.answer)
    message = answer.get("errorMessage", "") if isinstance(answer, dict) else str(answer)
    shown = str(message).encode()[:ERROR_MESSAGE_BYTES_MAX].decode("utf-8", "ignore")
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": outcome.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": str(outcome.status)},
    }
    if shown:
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": shown}
    return attributes


def _json(text: str) -> JSON:
    with contextlib.suppress(BrokenJSON):
        return loads(text)
    return text
