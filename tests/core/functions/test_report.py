from datetime import UTC, datetime

from interstate.core.functions import faults, report


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
    assert faults.exit_reason(-9) == "Runtime exited with error: signal: killed"


def test_an_error_that_is_no_json_becomes_a_message() -> None:
    assert faults.document_of(b"oh") == '{"errorType":"Runtime.Unknown","errorMessage":"oh"}'
    assert faults.document_of(b'{"errorType": "X"}', "r-1") == '{"errorType":"X","requestId":"r-1"}'
    assert faults.error_type_of(b'{"errorType": "X"}') == "X"
    assert faults.error_type_of(b"[]") == ""
