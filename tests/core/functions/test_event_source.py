from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from interstate.core.functions.event_source import (
    PAYLOAD_BYTES_MAX,
    BrokenReport,
    failed_items,
    fitting,
    goes_out,
    sqs_record,
    wanted,
)
from interstate.core.queues.message import Message

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def message(body: str, **attributes: dict[str, Any]) -> Message:
    return Message(
        id=1, queue_id=1, visible_at=NOW, sent_at=NOW, message_id="m", body=body, body_md5="x",
        attributes=attributes or None, system_attributes=None,
    )  # fmt: skip


def record(body: str, **attributes: dict[str, Any]) -> dict[str, Any]:
    return sqs_record(message(body, **attributes), {"SenderId": "1"}, "arn:aws:sqs:us-east-1:1:q", "us-east-1")


def test_attributes_have_the_case_of_events_not_of_the_api() -> None:
    shown = record("b", n={"DataType": "Number", "StringValue": "1"}, b={"DataType": "Binary", "BinaryValue": "AA=="})
    assert shown["messageAttributes"] == {
        "n": {"stringValue": "1", "stringListValues": [], "binaryListValues": [], "dataType": "Number"},
        "b": {"binaryValue": "AA==", "stringListValues": [], "binaryListValues": [], "dataType": "Binary"},
    }


def test_a_payload_takes_what_fits_and_at_least_one() -> None:
    small, large = message("x"), message("x" * (PAYLOAD_BYTES_MAX // 2), a={"DataType": "String", "StringValue": "v"})
    assert fitting([]) == 0
    assert fitting([small] * 10) == 10
    assert fitting([large, large, small]) == 1
    assert fitting([message("x" * PAYLOAD_BYTES_MAX)]) == 1


# Messages, how many fit, batch size, end of the window; whether the batch goes out.
WINDOWS = [
    (10, 10, 10, None, True),
    (3, 3, 10, None, False),
    (3, 2, 10, None, True),
    (3, 3, 10, NOW + timedelta(seconds=1), False),
    (3, 3, 10, NOW, True),
]


@pytest.mark.parametrize(("count", "fits", "size", "until", "goes"), WINDOWS, ids=range(len(WINDOWS)))
def test_a_batch_goes_out_when_it_is_full_or_its_window_is_over(
    count: int, fits: int, size: int, until: datetime | None, goes: bool
) -> None:
    assert goes_out(count, fits, size, until, NOW) is goes


# Filters, body, whether it is wanted. Source: Lambda Developer Guide, "Filtering messages from SQS".
FILTERS = [
    ([], "x", True),
    (['{"body": {"kind": ["card"]}}'], '{"kind": "card"}', True),
    (['{"body": {"kind": ["card"]}}'], '{"kind": "cash"}', False),
    (['{"body": {"kind": ["card"]}}'], "card", False),
    (['{"body": ["card"]}'], "card", True),
    (['{"body": ["card"]}'], '"card"', False),
    (['{"body": ["a"]}', '{"body": ["b"]}'], "b", True),
    (['{"messageAttributes": {"k": {"stringValue": ["v"]}}}'], "x", True),
]


@pytest.mark.parametrize(("filters", "body", "passes"), FILTERS, ids=range(len(FILTERS)))
def test_a_filter_sees_the_record(filters: list[str], body: str, passes: bool) -> None:
    assert wanted(filters, record(body, k={"DataType": "String", "StringValue": "v"})) is passes


@pytest.mark.parametrize(
    ("answer", "failed"),
    [
        ("null", set()),
        ("{}", set()),
        ('{"batchItemFailures": null}', set()),
        ('{"batchItemFailures": [{"itemIdentifier": "a"}]}', {"a"}),
    ],
)
def test_a_report_names_what_has_failed(answer: str, failed: set[str]) -> None:
    assert failed_items(answer, {"a", "b"}) == failed


@pytest.mark.parametrize(
    "answer",
    ["{", "[]", '{"other": []}', '{"batchItemFailures": {}}', '{"batchItemFailures": ["a"]}',
     '{"batchItemFailures": [{"itemIdentifier": "c"}]}'],
)  # fmt: skip
def test_what_is_no_report_is_told(answer: str) -> None:
    with pytest.raises(BrokenReport):
        failed_items(answer, {"a", "b"})
