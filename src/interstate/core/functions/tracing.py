"""The trace that a call belongs to: what its handler finds in ``_X_AMZN_TRACE_ID``.

A call that comes with a header stays in that trace, and in the decision that was taken there whether it is recorded. Otherwise the call
begins a trace, recorded if the function's tracing is active. The same call, repeated after a crash, is the same segment;
each attempt of the asynchronous queue is a segment of its own in one trace.

Source: https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader;
https://docs.aws.amazon.com/lambda/latest/api/API_TracingConfig.html
"""

import hashlib
from datetime import datetime

import msgspec

from interstate.core.functions.recursion import with_call

_HEADER_CHARACTERS_MAX = 1024


class Trace(msgspec.Struct, frozen=True):
    """A call's place in its trace."""

    root: str  # 1-67891233-abcdef012345678912345678
    segment: str  # Of this call: 16 hexadecimal digits.
    sampled: bool
    lineage: str = ""

    @property
    def header(self) -> str:
        """What is handed on: the parent of what the handler does is this call."""
        lineage = f";Lineage={self.lineage}" if self.lineage else ""
        return f"Root={self.root};Parent={self.segment};Sampled={int(self.sampled)}{lineage}"


def fields(header: str) -> dict[str, str]:
    """A header's fields by their names in lower case; what is no field is left out."""
    pairs = (part.strip().partition("=") for part in header[:_HEADER_CHARACTERS_MAX].split(";"))
    return {name.lower(): value for name, equals, value in pairs if equals and value}


def lineage_of(header: str | None) -> str:
    """The chain of calls that a header tells of (``recursion.py``)."""
    return fields(header).get("lineage", "") if header else ""


def trace_of(
    given: str | None, *, request_id: str, attempt: int, began: datetime, active: bool, function: str = ""
) -> Trace:
    """The trace of a call of ``function`` that came with the header ``given``, or with none.

    ``began`` is when the call was accepted; it stands in the name of a trace that begins here.
    """
    known = fields(given) if given else {}
    digest = hashlib.sha256(request_id.encode()).hexdigest()
    segment = hashlib.sha256(f"{request_id}/{attempt}".encode()).hexdigest()[:16]
    root = known.get("root") or f"1-{int(began.timestamp()):08x}-{digest[:24]}"
    decided = known.get("sampled")
    lineage = known.get("lineage", "")
    if function:
        lineage = with_call(lineage, function)
    return Trace(root, segment, decided == "1" if decided in ("0", "1") else active, lineage)
