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


class Outcome(msgspec.Struct, frozen=True):
    """How the last attempt of an event ended."""

    request_id: str
    function_arn: str  # With its qualifier.
    attempts: int
    executed_version: str
    payload: str
    answer: str
    function_error: str | None


def record(outcome: Outcome, condition: Condition, at: datetime) -> dict[str, Any]:
    """What a destination gets.

    An event that was too old when it was tried again has no answer, and its record no response.
    """
    context: dict[str, Any] = {"statusCode": 200, "executedVersion": outcome.executed_version}
    if outcome.function_error is not None:
        context["functionError"] = outcome.function_error
    return {
        "version": "1.0",
        "timestamp": to_iso(at),
        "requestContext": {
            "requestId": outcome.request_id,
            "functionArn": outcome.function_arn,
            "condition": condition.value,
            "approximateInvokeCount": outcome.attempts,
        },
        "requestPayload": _json(outcome.payload),
        "responseContext": context,
        "responsePayload": _json(outcome.answer),
    }


def dead_letter_attributes(outcome: Outcome) -> dict[str, dict[str, str]]:
    """The attributes of a dead letter, whose body is the event itself."""
    answer = _json(outcome.answer)
    message = answer.get("errorMessage", "") if isinstance(answer, dict) else str(answer)
    shown = str(message).encode()[:ERROR_MESSAGE_BYTES_MAX].decode("utf-8", "ignore")
    attributes = {
        "RequestID": {"DataType": "String", "StringValue": outcome.request_id},
        "ErrorCode": {"DataType": "Number", "StringValue": "200"},
    }
    if shown:
        attributes["ErrorMessage"] = {"DataType": "String", "StringValue": shown}
    return attributes


def _json(text: str) -> JSON:
    with contextlib.suppress(BrokenJSON):
        return loads(text)
    return text
