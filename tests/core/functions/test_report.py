from datetime import UTC, datetime

import pytest

from interstate.base.json import loads
from interstate.core.functions import faults, report
from interstate.core.functions.tracing import trace_of

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
UNTRACED = trace_of(None, request_id="r-1", attempt=1, began=AT, active=False)


def test_a_report_has_lambdas_fields_in_lambdas_order() -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html
    usage = report.Usage(15.741, 56, 130.492)
    assert report.report("r-1", usage, 128, status="error", error_type="Runtime.ExitError") == (
        "REPORT RequestId: r-1\tDuration: 15.74 ms\tBilled Duration: 147 ms\tMemory Size: 128 MB\tMax Memory Used: 56 MB"
        "\tInit Duration: 130.49 ms\tStatus: error\tError Type: Runtime.ExitError\t\n"
    )


def test_a_stream_names_day_version_and_worker() -> None:
    assert report.stream_name("$LATEST", "3f0a", datetime(2026, 11, 2, tzinfo=UTC)) == "2026/11/02/[$LATEST]3f0a"


def test_a_runtime_that_runs_on_another_python_says_so() -> None:
    assert report.init_start("python3.12", "3.12.1") == "INIT_START Runtime Version: python:3.12\n"
    assert report.init_start("python3.12", "3.11.7") == (
        "INIT_START Runtime Version: python:3.12\tNote: python3.12 runs on Python 3.11.7 here\n"
    )


def test_exit_codes_are_told_in_words() -> None:
    assert faults.exit_reason(0) == "Runtime exited without providing a reason"
    assert faults.exit_reason(7) == "Runtime exited with error: exit status 7"
    assert faults.exit_reason(-40) == "Runtime exited with error: signal: signal 40"
    assert faults.exit_reason(-9) == "Runtime exited with error: signal: killed"


def test_an_error_that_is_no_json_becomes_a_message() -> None:
    assert faults.document_of(b"oh") == '{"errorType":"Runtime.Unknown","errorMessage":"oh"}'
    assert faults.document_of(b'{"errorType": "X"}', "r-1") == '{"errorType":"X","requestId":"r-1"}'
    assert faults.error_type_of(b'{"errorType": "X"}') == "X"
    assert faults.document_of(b'{"errorType": "X"}') == '{"errorType": "X"}'
    assert faults.error_type_of(b"[]") == ""
    assert faults.error_type_of(b"no json") == ""


def test_the_lines_of_a_call_have_lambdas_words() -> None:
    now = datetime(2026, 11, 2, 3, 4, 5, 6000, tzinfo=UTC)
    assert report.start("r-1", "7") == "START RequestId: r-1 Version: 7\n"
    assert report.end("r-1") == "END RequestId: r-1\n"
    assert report.timed_out("r-1", 3, now) == "2026-11-02T03:04:05.006Z r-1 Task timed out after 3.00 seconds\n\n"
    warm = report.report("r-1", report.Usage(1.0, 300), 128)
    assert "Init Duration" not in warm
    assert "Status" not in warm
    assert "Max Memory Used: 128 MB" in warm, "it never says more than there was"


# A fault, its type and its message.
FAULTS = [
    (faults.timed_out("r-1", 3), "Sandbox.Timedout", "RequestId: r-1 Error: Task timed out after 3.00 seconds"),
    (
        faults.out_of_memory("r-1"),
        "Runtime.OutOfMemory",
        "RequestId: r-1 Error: Runtime exited with error: signal: killed",
    ),
    (faults.exited("r-1", 1), "Runtime.ExitError", "RequestId: r-1 Error: Runtime exited with error: exit status 1"),
    (
        faults.response_too_large(),
        "Function.ResponseSizeTooLarge",
        "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
    ),
    (faults.not_installed("pip says no"), "Runtime.RequirementsNotInstalled", "pip says no"),
    (faults.no_code("gone"), "Runtime.InvalidCode", "gone"),
    (
        faults.too_many_processes("r-1"),
        "Runtime.ExitError",
        "RequestId: r-1 Error: Runtime exited with error: signal: killed (more than 1024 processes)",
    ),
]


@pytest.mark.parametrize(("fault", "error_type", "message"), FAULTS, ids=range(len(FAULTS)))
def test_a_fault_is_a_document_with_type_and_message(fault: faults.Fault, error_type: str, message: str) -> None:
    assert loads(fault.payload) == {"errorType": error_type, "errorMessage": message}


def test_with_the_log_format_json_lines_are_objects() -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    lines = report.Lines("$LATEST", 128, as_json=True)
    (start,) = lines.start("r-1", AT, UNTRACED)
    assert loads(start) == {
        "time": "2026-11-21T09:30:00.000Z",
        "type": "platform.start",
        "record": {"requestId": "r-1", "version": "$LATEST"},
    }
    (summed,) = lines.ends("r-1", report.Usage(2.5, 200, 10.0), AT, status="", error_type="", trace=UNTRACED)
    document = loads(summed)
    assert isinstance(document, dict)
    assert document["record"] == {
        "requestId": "r-1",
        "metrics": {
            "durationMs": 2.5,
            "billedDurationMs": 13,
            "memorySizeMB": 128,
            "maxMemoryUsedMB": 128,
            "initDurationMs": 10.0,
        },
        "status": "success",
    }
