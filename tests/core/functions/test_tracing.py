"""Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader."""

import re
from datetime import UTC, datetime

import pytest

from interstate.core.functions.report import Lines, Usage
from interstate.core.functions.tracing import Trace, fields, trace_of

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
ROOT = "1-67891233-abcdef012345678912345678"


def trace(given: str | None, *, active: bool = False, attempt: int = 1) -> Trace:
    return trace_of(given, request_id="r-1", attempt=attempt, began=AT, active=active)


# What came, whether tracing is active, whether the call is recorded.
DECISIONS = [
    (None, False, False),
    (None, True, True),
    (f"Root={ROOT}", False, False),
    (f"Root={ROOT}", True, True),
    (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1", False, True),
    (f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=0", True, False),
    (f"Root={ROOT};Sampled=?", True, True),
    ("nonsense", True, True),
]


@pytest.mark.parametrize(("given", "active", "sampled"), DECISIONS, ids=range(len(DECISIONS)))
def test_who_came_with_a_decision_is_respected_and_active_tracing_decides_for_others(
    given: str | None, active: bool, sampled: bool
) -> None:
    assert trace(given, active=active).sampled is sampled


def test_a_call_stays_in_its_trace_and_is_the_parent_of_what_follows() -> None:
    found = trace(f"Root={ROOT};Parent=53995c3f42cd8ad8;Sampled=1;Lineage=a87bd80c:1")
    assert found.root == ROOT
    assert re.fullmatch(f"Root={ROOT};Parent=[0-9a-f]{{16}};Sampled=1;Lineage=a87bd80c:1", found.header)
    assert found.segment != "53995c3f42cd8ad8"


def test_a_trace_that_begins_here_is_named_by_its_time_and_stays_the_same_when_the_call_is_repeated() -> None:
    found = trace(None)
    assert re.fullmatch(r"1-[0-9a-f]{8}-[0-9a-f]{24}", found.root)
    assert int(found.root[2:10], 16) == AT.timestamp()
    assert trace(None) == found
    again = trace(None, attempt=2)
    assert (again.root == found.root, again.segment == found.segment) == (True, False)


def test_fields_are_read_in_any_order_and_case() -> None:
    assert fields("Sampled=1; root=a ;;x;Parent=") == {"sampled": "1", "root": "a"}


def test_reports_of_recorded_calls_name_their_trace() -> None:
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html; telemetry-schema-reference.html
    usage, recorded, other = Usage(1, 1), trace(None, active=True), trace(None)
    text, as_json = Lines("1", 128), Lines("1", 128, as_json=True)
    told = text.ends("r-1", usage, AT, status="", error_type="", trace=recorded)[1]
    assert told.endswith(f"\t\nXRAY TraceId: {recorded.root}\tSegmentId: {recorded.segment}\tSampled: true\t\n")
    assert "XRAY" not in text.ends("r-1", usage, AT, status="", error_type="", trace=other)[1]
    context = f'"tracing":{{"spanId":"{recorded.segment}","type":"X-Amzn-Trace-Id","value":"{recorded.header}"}}'
    assert context in as_json.start("r-1", AT, recorded)[0]
    assert context in as_json.ends("r-1", usage, AT, status="", error_type="", trace=recorded)[0]
    assert "tracing" not in as_json.start("r-1", AT, other)[0]
