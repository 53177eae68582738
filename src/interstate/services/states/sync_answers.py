"""The answer of StartSyncExecution: an Express execution and its end, with what it costs.

Source: API Reference, StartSyncExecution; answers recorded from the service.
"""

import math
from datetime import datetime
from typing import Any

from interstate.services.states.texts import input_of
from interstate.store.ports import Work
from interstate.store.records.states import Execution

BILLED_STEP_MS, BILLED_MEMORY_MB = 100, 64  # Source: Step Functions pricing, Express workflows.


def ended(execution: Execution, work: Work, included: str = "ALL_DATA") -> dict[str, Any]:
    """The answer of StartSyncExecution."""
    stopped = execution.stopped
    assert stopped is not None
    with_data = included == "ALL_DATA"
    answer: dict[str, Any] = {
        "executionArn": execution.arn,
        "stateMachineArn": execution.machine,
        "name": execution.name,
        "startDate": execution.started,
        "stopDate": stopped,
        "status": "FAILED" if execution.status == "ABORTED" else execution.status,
        "inputDetails": {"included": with_data},
        "outputDetails": {"included": with_data},
        "billingDetails": {
            "billedDurationInMilliseconds": _billed_ms(execution.started, stopped),
            "billedMemoryUsedInMB": BILLED_MEMORY_MB,
        },
    }
    data = {"input": input_of(execution, work), "output": execution.output} if with_data else {}
    told = {**data, "error": execution.error, "cause": execution.cause, "traceHeader": execution.trace_header}
    return answer | {name: value for name, value in told.items() if value is not None}


def _billed_ms(started: datetime, stopped: datetime) -> int:
    """Rounded up to the next 100 ms, at least one."""
    milliseconds = (stopped - started).total_seconds() * 1000
    return max(1, math.ceil(milliseconds / BILLED_STEP_MS)) * BILLED_STEP_MS
