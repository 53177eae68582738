"""Wait: until when, and what Step Functions says of a time that is none (causes as recorded)."""

from datetime import timedelta
from typing import Any

import pytest
from tests.core.asl.driving import NOW, Run

SECONDS = "The SecondsPath parameter"
STAMP = (
    "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time format string: $.t == "
)


@pytest.mark.parametrize(
    ("fields", "given", "seconds"),
    [
        ({"Seconds": 5}, {}, 5),
        ({"Seconds": 0}, {}, 0),
        ({"SecondsPath": "$.t"}, {"t": 7}, 7),
        ({"SecondsPath": "$.t", "InputPath": "$.in"}, {"in": {"t": 3}}, 3),
        ({"Timestamp": "2026-01-02T03:04:15Z"}, {}, 10),
        ({"Timestamp": "2020-01-02T03:04:15Z"}, {}, 0),
        ({"TimestampPath": "$.t"}, {"t": "2026-01-02T04:04:06+01:00"}, 1),
    ],
)
def test_it_waits_until(fields: dict[str, Any], given: Any, seconds: int) -> None:
    run = Run({"W": {"Type": "Wait", **fields, "End": True}}, given=given).start()
    assert run.types[-1] == "WaitStateEntered"
    run.fire()
    assert run.now == NOW + timedelta(seconds=seconds)
    assert run.types[-2:] == ["WaitStateExited", "ExecutionSucceeded"]


@pytest.mark.parametrize(
    ("fields", "given", "cause"),
    [
        ({"SecondsPath": "$.t"}, {"t": 1.5}, f"{SECONDS} cannot be parsed as a long value: $.t == 1.5"),
        ({"SecondsPath": "$.t"}, {"t": -1}, f"{SECONDS} references a negative value: $.t == -1"),
        ({"SecondsPath": "$.t"}, {"t": "x"}, f"{SECONDS} does not reference an input value: $.t"),
        ({"SecondsPath": "$.t"}, {"t": True}, f"{SECONDS} does not reference an input value: $.t"),
        ({"SecondsPath": "$.t"}, {}, f"{SECONDS} does not reference an input value: $.t"),
        ({"SecondsPath": "$.t"}, {"t": 2**40}, "Wait state delay is too long."),
        ({"TimestampPath": "$.t"}, {"t": "2026-12-05 21:29:29Z"}, f"{STAMP}2026-12-05 21:29:29Z"),
        ({"TimestampPath": "$.t"}, {"t": "2026-12-05T21:29:29"}, f"{STAMP}2026-12-05T21:29:29"),
        ({"TimestampPath": "$.t"}, {"t": "2026-13-05T21:29:29Z"}, f"{STAMP}2026-13-05T21:29:29Z"),
        ({"TimestampPath": "$.t"}, {"t": 1}, "The TimestampPath parameter does not reference an input value: $.t"),
        ({"TimestampPath": "$.t"}, {"t": "2095-12-05T21:29:29Z"}, "Wait state delay is too long."),
    ],
)
def test_it_refuses(fields: dict[str, Any], given: Any, cause: str) -> None:
    run = Run({"W": {"Type": "Wait", **fields, "End": True}}, given=given).start()
    where = "An error occurred while executing the state 'W' (entered at the event id #2)."
    assert run.failure == ("States.Runtime", f"{where} {cause}")
