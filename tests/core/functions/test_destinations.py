from datetime import UTC, datetime

import pytest

from interstate.core.functions.destinations import Outcome, dead_letter_attributes, record
from interstate.core.functions.retry import Condition

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def outcome(answer: str, error: str | None = "Unhandled") -> Outcome:
    return Outcome("r-1", "arn:f:$LATEST", 3, "$LATEST", '{"a":1}', answer, error)


def test_a_record_of_success_has_no_error() -> None:
    document = record(outcome('"fine"', None), Condition.SUCCESS, NOW)
    assert document["responseContext"] == {"statusCode": 200, "executedVersion": "$LATEST"}
    assert document["responsePayload"] == "fine"
    assert document["requestContext"]["condition"] == "Success"


# The answer of the last attempt, and what a dead letter says of it.
ANSWERS = [
    ('{"errorMessage": "no money", "errorType": "X"}', "no money"),
    ('{"errorType": "X"}', None),
    ("Rate Exceeded.", "Rate Exceeded."),
    ('{"errorMessage": "' + "주" * 400 + '"}', "주" * 341),
]


@pytest.mark.parametrize(("answer", "message"), ANSWERS, ids=range(len(ANSWERS)))
def test_a_dead_letter_has_the_first_kilobyte_of_the_message(answer: str, message: str | None) -> None:
    attributes = dead_letter_attributes(outcome(answer))
    assert attributes.get("ErrorMessage", {}).get("StringValue") == message
    assert attributes["RequestID"]["StringValue"] == "r-1"


def test_a_record_of_failure_names_the_error() -> None:
    document = record(outcome("no json"), Condition.EVENT_AGE_EXCEEDED, NOW)
    assert document["responseContext"]["functionError"] == "Unhandled"
    assert document["responsePayload"] == "no json"


def test_an_event_that_did_not_reach_its_function_has_no_response() -> None:
    """Source: Lambda Developer Guide, "Capturing records": the dead letter's ErrorCode is "the HTTP status code"."""
    refused = Outcome("r-1", "arn:f:$LATEST", 0, "$LATEST", "{}", "Rate Exceeded.", None, status=429)
    document = record(refused, Condition.EVENT_AGE_EXCEEDED, NOW)
    assert set(document) == {"version", "timestamp", "requestContext", "requestPayload"}
    assert document["requestContext"]["approximateInvokeCount"] == 0
    assert dead_letter_attributes(refused)["ErrorCode"] == {"DataType": "Number", "StringValue": "429"}
