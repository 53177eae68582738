"""The lines that Lambda itself writes into a function's log.

Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html,
https://docs.aws.amazon.com/lambda/latest/dg/troubleshooting-invocation.html (status and error type of a REPORT)
"""

from datetime import datetime
from math import ceil
from typing import Any

import msgspec

from interstate.base.json import dumps
from interstate.base.time import to_iso
from interstate.core.functions.tracing import Trace


class Usage(msgspec.Struct, frozen=True):
    """What a call took."""

    duration_ms: float
    memory_max_mb: int
    init_ms: float | None = None  # None: the worker was warm.

    @property
    def billed_ms(self) -> int:
        """Whole milliseconds, begun ones counted; since August 2025 the INIT phase is billed too.

        Source: https://aws.amazon.com/blogs/compute/aws-lambda-standardizes-billing-for-init-phase/
        """
        return ceil(self.duration_ms + (self.init_ms or 0.0))


def stream_name(version: str, unique: str, at: datetime) -> str:
    """The log stream of a worker: ``2026/11/21/[$LATEST]3f0a...``."""
    return f"{at:%Y/%m/%d}/[{version}]{unique}"


def init_start(runtime: str, runs_on: str) -> str:
    """The line before a worker's first call; a runtime that runs on another version of its language says so."""
    for family, language in (("python", "Python"), ("nodejs", "Node")):
        if runtime.startswith(family):
            number = runtime.removeprefix(family).removesuffix(".x")
            note = "" if runs_on.startswith(f"{number}.") else f"\tNote: {runtime} runs on {language} {runs_on} here"
            return f"INIT_START Runtime Version: {family}:{runtime.removeprefix(family)}{note}\n"
    return f"INIT_START Runtime Version: {runtime.replace('.', ':', 1)}\n"


class Lines:
    """The lines of one function, as text or, with the log format JSON, as objects.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/telemetry-schema-reference.html
    """

    def __init__(self, version: str, memory_mb: int, *, as_json: bool = False) -> None:
        self._version = version
        self._memory_mb = memory_mb
        self._json = as_json

    def start(self, request_id: str, at: datetime, trace: Trace) -> list[str]:
        """Before a call."""
        if self._json:
            record = {"requestId": request_id, "version": self._version, **_tracing(trace)}
            return [_object(at, "platform.start", record)]
        return [start(request_id, self._version)]

    def ends(
        self, request_id: str, usage: Usage, at: datetime, *, status: str, error_type: str, trace: Trace
    ) -> list[str]:
        """After a call: its end, and what it took."""
        if not self._json:
            summed = report(request_id, usage, self._memory_mb, status=status, error_type=error_type)
            return [end(request_id), summed + traced(trace)]
        figures: dict[str, Any] = {
            "durationMs": round(usage.duration_ms, 3),
            "billedDurationMs": usage.billed_ms,
            "memorySizeMB": self._memory_mb,
            "maxMemoryUsedMB": min(usage.memory_max_mb, self._memory_mb),
        }
        if usage.init_ms is not None:
            figures["initDurationMs"] = round(usage.init_ms, 3)
        record: dict[str, Any] = {"requestId": request_id, "metrics": figures, "status": status or "success"}
        if error_type:
            record["errorType"] = error_type
        return [_object(at, "platform.report", {**record, **_tracing(trace)})]


def _tracing(trace: Trace) -> dict[str, Any]:
    """The trace context of a call that is recorded, as the telemetry's schema has it."""
    if not trace.sampled:
        return {}
    return {"tracing": {"spanId": trace.segment, "type": "X-Amzn-Trace-Id", "value": trace.header}}


def traced(trace: Trace) -> str:
    """What follows a report whose call is recorded; "" for others.

    Source: https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html ("XRAY TraceId - For traced requests ...")
    """
    return f"XRAY TraceId: {trace.root}\tSegmentId: {trace.segment}\tSampled: true\t\n" if trace.sampled else ""


def _object(at: datetime, kind: str, record: dict[str, Any]) -> str:
    return dumps({"time": to_iso(at), "type": kind, "record": record}) + "\n"


def start(request_id: str, version: str) -> str:
    """The line before a call."""
    return f"START RequestId: {request_id} Version: {version}\n"


def end(request_id: str) -> str:
    """The line after a call."""
    return f"END RequestId: {request_id}\n"


def timed_out(request_id: str, timeout_s: int, at: datetime) -> str:
    """The line that says that a call was ended."""
    return f"{to_iso(at)} {request_id} Task timed out after {timeout_s:.2f} seconds\n\n"


def report(request_id: str, usage: Usage, memory_mb: int, *, status: str = "", error_type: str = "") -> str:
    """The line that sums a call up."""
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {usage.duration_ms:.2f} ms",
        f"Billed Duration: {usage.billed_ms} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {min(usage.memory_max_mb, memory_mb)} MB",
    ]
    if usage.init_ms is not None:
        fields.append(f"Init Duration: {usage.init_ms:.2f} ms")
    if status:
        fields.append(f"Status: {status}")
    if error_type:
        fields.append(f"Error Type: {error_type}")
    return "\t".join(fields) + "\t\n"
