"""The history: how events lie in chunks, and how the API shows them.

A chunk holds the events of one step and the texts that they share: a state's input, output and the next state's input are
one text, stored once. What AWS calls the details of an event is put together when the history is read.

Source: botocore's model of GetExecutionHistory (HistoryEvent and the shapes of its details).
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from interstate.base.json import dumps
from interstate.base.time import from_micros, to_micros
from interstate.core.asl.vocabulary import HistoryEvent

CHUNK_EVENTS_MAX = 200
CHUNK_BYTES_MAX = 65_536
"""A chunk is closed at either bound (one datum may exceed the second by itself)."""


class Details(NamedTuple):
    """How an event's details are called, and which of their members holds the data."""

    member: str
    data: str | None = None
    details: str | None = None  # The member that tells whether the data were truncated.


_INPUT = ("input", "inputDetails")
_OUTPUT = ("output", "outputDetails")

DETAILS: Mapping[str, Details | None] = {
    "ActivityFailed": Details("activityFailedEventDetails"),
    "ActivityScheduled": Details("activityScheduledEventDetails", *_INPUT),
    "ActivityScheduleFailed": Details("activityScheduleFailedEventDetails"),
    "ActivityStarted": Details("activityStartedEventDetails"),
    "ActivitySucceeded": Details("activitySucceededEventDetails", *_OUTPUT),
    "ActivityTimedOut": Details("activityTimedOutEventDetails"),
    "EvaluationFailed": Details("evaluationFailedEventDetails"),
    "ExecutionAborted": Details("executionAbortedEventDetails"),
    "ExecutionFailed": Details("executionFailedEventDetails"),
    "ExecutionRedriven": Details("executionRedrivenEventDetails"),
    "ExecutionStarted": Details("executionStartedEventDetails", *_INPUT),
    "ExecutionSucceeded": Details("executionSucceededEventDetails", *_OUTPUT),
    "ExecutionTimedOut": Details("executionTimedOutEventDetails"),
    "LambdaFunctionFailed": Details("lambdaFunctionFailedEventDetails"),
    "LambdaFunctionScheduled": Details("lambdaFunctionScheduledEventDetails", *_INPUT),
    "LambdaFunctionStarted": None,
    "LambdaFunctionSucceeded": Details("lambdaFunctionSucceededEventDetails", *_OUTPUT),
    "LambdaFunctionTimedOut": Details("lambdaFunctionTimedOutEventDetails"),
    "MapIterationAborted": Details("mapIterationAbortedEventDetails"),
    "MapIterationFailed": Details("mapIterationFailedEventDetails"),
    "MapIterationStarted": Details("mapIterationStartedEventDetails"),
    "MapIterationSucceeded": Details("mapIterationSucceededEventDetails"),
    "MapRunAborted": None,
    "MapRunFailed": Details("mapRunFailedEventDetails"),
    "MapRunRedriven": Details("mapRunRedrivenEventDetails"),
    "MapRunStarted": Details("mapRunStartedEventDetails"),
    "MapRunSucceeded": None,
    "MapStateStarted": Details("mapStateStartedEventDetails"),
    "TaskFailed": Details("taskFailedEventDetails"),
    "TaskScheduled": Details("taskScheduledEventDetails", "parameters"),
    "TaskStarted": Details("taskStartedEventDetails"),
    "TaskSubmitted": Details("taskSubmittedEventDetails", *_OUTPUT),
    "TaskSucceeded": Details("taskSucceededEventDetails", *_OUTPUT),
    "TaskTimedOut": Details("taskTimedOutEventDetails"),
    **{
        f"{kind}StateEntered": Details("stateEnteredEventDetails", *_INPUT)
        for kind in ("Choice", "Fail", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
    },
    **{
        f"{kind}StateExited": Details("stateExitedEventDetails", *_OUTPUT)
        for kind in ("Choice", "Map", "Parallel", "Pass", "Succeed", "Task", "Wait")
    },
    **{f"{kind}StateAborted": None for kind in ("Map", "Parallel", "Task", "Wait")},
    **{f"{kind}State{word}": None for kind in ("Map", "Parallel") for word in ("Failed", "Succeeded")},
    "ParallelStateStarted": None,
}
"""Every type of event that the interpreter writes."""


class _Row(msgspec.Struct, array_like=True, frozen=True):
    """An event in a chunk; ``text`` is the place of its data among the chunk's texts, -1 for none."""

    previous: int
    type: str
    name: str | None
    text: int
    more: str | None


class _Chunk(msgspec.Struct, array_like=True, frozen=True):
    """Events of one instant, numbered from ``first``."""

    first: int
    at: int  # Microseconds since the epoch.
    texts: list[str]
    rows: list[_Row]


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_Chunk)


class Chunk(NamedTuple):
    """Encoded events ``first`` to ``last``."""

    first: int
    last: int
    body: bytes


def encode(events: Sequence[HistoryEvent]) -> Iterator[Chunk]:
    """Chunks of consecutive events of one instant."""
    start = 0
    texts: dict[str, int] = {}
    size = 0
    for position, event in enumerate(events):
        if event.data is not None and event.data not in texts:
            size += len(event.data)
        if position > start and (position - start >= CHUNK_EVENTS_MAX or size > CHUNK_BYTES_MAX):
            yield _encoded(events[start:position], texts)
            start, texts, size = position, {}, len(event.data or "")
        if event.data is not None:
            texts.setdefault(event.data, len(texts))
    if events:
        yield _encoded(events[start:], texts)


def _encoded(events: Sequence[HistoryEvent], texts: Mapping[str, int]) -> Chunk:
    rows = [
        _Row(
            event.previous,
            event.type,
            event.name,
            -1 if event.data is None else texts[event.data],
            None if event.more is None else dumps(event.more),
        )
        for event in events
    ]
    first = events[0].id
    body = _ENCODER.encode(_Chunk(first, to_micros(events[0].at), list(texts), rows))
    return Chunk(first, first + len(rows) - 1, body)


def decode(body: bytes) -> list[HistoryEvent]:
    """The events of a chunk."""
    chunk = _DECODER.decode(body)
    at = from_micros(chunk.at)
    return [
        HistoryEvent(
            chunk.first + position,
            row.previous,
            row.type,
            at,
            row.name,
            None if row.text < 0 else chunk.texts[row.text],
            None if row.more is None else msgspec.json.decode(row.more, type=dict[str, Any]),
        )
        for position, row in enumerate(chunk.rows)
    ]


def shown(event: HistoryEvent, *, with_data: bool = True) -> dict[str, Any]:
    """An event as GetExecutionHistory shows it; ``with_data`` is the request's includeExecutionData."""
    at: datetime = event.at.replace(microsecond=event.at.microsecond // 1000 * 1000)
    answer: dict[str, Any] = {
        "timestamp": at,
        "type": event.type,
        "id": event.id,
        "previousEventId": event.previous,
    }
    about = DETAILS[event.type]
    if about is None:
        return answer
    details: dict[str, Any] = {}
    if event.name is not None:
        details["name"] = event.name
    if about.data is not None and event.data is not None and with_data:
        details[about.data] = event.data
        if about.details is not None:
            details[about.details] = {"truncated": False}
    details.update(event.more or {})
    if not with_data:
        for name in ("assignedVariables", "assignedVariablesDetails"):
            details.pop(name, None)
    answer[about.member] = details
    return answer
