"""Log streams, and the writing of events.

Source: CloudWatch Logs API Reference.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.numbers import whole_number
from interstate.base.time import from_micros, to_micros, to_millis
from interstate.services.logs.errors import (
    InvalidParameterException,
    ResourceAlreadyExistsException,
)
from interstate.services.logs.groups import Drop, new_group
from interstate.services.logs.locate import group_arn, group_at, stream_at
from interstate.store.ports import Work
from interstate.store.records.logs import (
    CHUNKS,
    GROUPS,
    STREAMS,
    STREAMS_BY_NAME,
    STREAMS_BY_NAME_DOWN,
    STREAMS_BY_TIME,
    STREAMS_BY_TIME_DOWN,
    LogChunk,
    LogGroup,
    LogStream,
)

# Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html
PUT_BYTES_MAX = 1_048_576
EVENT_OVERHEAD_BYTES = 26
EVENTS_MAX = 10_000
TOO_NEW = timedelta(hours=2)
TOO_OLD = timedelta(days=14)
SPAN_MAX = timedelta(hours=24)
CHUNK_EVENTS_MAX = 500
CHUNK_BYTES_MAX = 256 * 1024
LIST_MAX = 50
_LAST_NAME = "\U0010ffff"
_LAST_MICROS = (1 << 63) - 1

Event = tuple[int, str]  # Milliseconds since the epoch, message.


class LogStreamRequest(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    log_stream_name: str


class DescribeLogStreams(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_name_prefix: str = ""
    order_by: str = "LogStreamName"
    descending: bool = False
    next_token: str = ""
    limit: int = LIST_MAX


class InputLogEvent(msgspec.Struct, frozen=True):
    timestamp: int
    message: str


class PutLogEvents(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str
    log_stream_name: str
    log_events: list[InputLogEvent]


def create_log_stream(request: LogStreamRequest, work: Work) -> None:
    """Create an empty stream.

    Raises:
        ResourceNotFoundException: there is no such group.
        ResourceAlreadyExistsException: the group has a stream of this name.
        InvalidParameterException: the name holds a colon or an asterisk.
    """
    group = group_at(work, request.log_group_name)
    name = request.log_stream_name
    if ":" in name or "*" in name:
        raise InvalidParameterException(
            f"1 validation error detected: Value '{name}' at 'logStreamName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: [^:*]*"
        )
    if work.get(STREAMS, group.id, name) is not None:
        raise ResourceAlreadyExistsException("log stream")
    work.put(STREAMS, LogStream(group.id, name, work.now))


def delete_log_stream(request: LogStreamRequest, work: Work) -> None:
    """Forget a stream; its events go in bounded steps.

    Raises:
        ResourceNotFoundException: there is no such group or stream.
    """
    group = group_at(work, request.log_group_name)
    stream = stream_at(work, group, request.log_stream_name)
    work.delete(STREAMS, group.id, stream.name)
    work.later("logs.drop", Drop(group.id, stream.name, work.next_id(CHUNKS)))


def describe_log_streams(request: DescribeLogStreams, work: Work) -> dict[str, Any]:
    """The streams of a group, by name or by their last event.

    Raises:
        ResourceNotFoundException: there is no such group.
        InvalidParameterException: a prefix together with the order of last events.
    """
    group = group_at(work, request.log_group_name, request.log_group_identifier)
    by_time = request.order_by == "LastEventTime"
    if by_time and request.log_stream_name_prefix:
        raise InvalidParameterException("Cannot order by LastEventTime with a logStreamNamePrefix.")
    found = _page_by_time(request, group, work) if by_time else _page_by_name(request, group, work)
    found = [stream for stream in found if stream.name.startswith(request.log_stream_name_prefix)]
    page = found[: request.limit]
    answer: dict[str, Any] = {"logStreams": [_shown(stream, group) for stream in page]}
    if len(found) > request.limit:
        last = page[-1]
        answer["nextToken"] = f"{0 if last.last_at is None else to_micros(last.last_at)}/{last.name}"
    return answer


def _position(token: str) -> tuple[int, str]:
    micros, _, name = token.partition("/")
    number = whole_number(micros)
    if number is None or not name:
        raise InvalidParameterException("The specified nextToken is invalid.")
    return number, name


def _page_by_name(request: DescribeLogStreams, group: LogGroup, work: Work) -> list[LogStream]:
    limit, prefix = request.limit + 1, request.log_stream_name_prefix
    after = _position(request.next_token)[1] if request.next_token else ""
    if request.descending:
        below = after or prefix + _LAST_NAME
        return work.select(STREAMS_BY_NAME_DOWN, limit=limit, group=group.id, below=below)
    return work.select(STREAMS_BY_NAME, limit=limit, group=group.id, after=after, first=prefix)


def _page_by_time(request: DescribeLogStreams, group: LogGroup, work: Work) -> list[LogStream]:
    limit = request.limit + 1
    if request.descending:
        micros, name = _position(request.next_token) if request.next_token else (_LAST_MICROS, _LAST_NAME)
        return work.select(STREAMS_BY_TIME_DOWN, limit=limit, group=group.id, at=micros, below=name)
    micros, name = _position(request.next_token) if request.next_token else (-1, "")
    return work.select(STREAMS_BY_TIME, limit=limit, group=group.id, at=micros, after=name)


def _shown(stream: LogStream, group: LogGroup) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "logStreamName": stream.name,
        "creationTime": to_millis(stream.created),
        "arn": f"{group.arn}:log-stream:{stream.name}",
        "storedBytes": 0,  # As on AWS since June 2019.
    }
    if stream.first_at is not None and stream.last_at is not None and stream.ingested is not None:
        shown["firstEventTimestamp"] = to_millis(stream.first_at)
        shown["lastEventTimestamp"] = to_millis(stream.last_at)
        shown["lastIngestionTime"] = to_millis(stream.ingested)
        shown["uploadSequenceToken"] = "0"
    return shown


# Writing ----------------------------------------------------------------------------------------------------------


def put_log_events(request: PutLogEvents, work: Work) -> dict[str, Any]:
    """Append events to a stream. Those that are too old or too new are told, not kept.

    Raises:
        ResourceNotFoundException: there is no such group or stream.
        InvalidParameterException: not in order of time, more than 24 hours apart, or too large together.
    """
    group = group_at(work, request.log_group_name)
    stream = stream_at(work, group, request.log_stream_name)
    times = [event.timestamp for event in request.log_events]
    if times != sorted(times):
        raise InvalidParameterException("Log events in a single PutLogEvents request must be in chronological order.")
    if times and times[-1] - times[0] > SPAN_MAX / timedelta(milliseconds=1):
        raise InvalidParameterException(
            "The batch of log events in a single PutLogEvents request cannot span more than 24 hours."
        )
    size = sum(len(event.message.encode()) + EVENT_OVERHEAD_BYTES for event in request.log_events)
    if size > PUT_BYTES_MAX:
        raise InvalidParameterException(f"Upload too large: {size} bytes exceeds limit of {PUT_BYTES_MAX}")
    kept_since = to_millis(work.now - (timedelta(days=group.retention_days) if group.retention_days else TOO_OLD))
    too_old = sum(time < to_millis(work.now - TOO_OLD) for time in times)
    expired = sum(time < kept_since for time in times)
    too_new = sum(time > to_millis(work.now + TOO_NEW) for time in times)
    kept = request.log_events[max(too_old, expired) : len(times) - too_new]
    append(work, group, stream, [(event.timestamp, event.message) for event in kept])
    rejected = {}
    if too_old:
        rejected["tooOldLogEventEndIndex"] = too_old
    if expired and group.retention_days:
        rejected["expiredLogEventEndIndex"] = expired
    if too_new:
        rejected["tooNewLogEventStartIndex"] = len(times) - too_new
    answer: dict[str, Any] = {"nextSequenceToken": "0"}
    if rejected:
        answer["rejectedLogEventsInfo"] = rejected
    return answer


def append(work: Work, group: LogGroup, stream: LogStream, events: Sequence[Event]) -> None:
    """Write events, oldest first, and what the stream tells of them."""
    if not events:
        return
    size = 0
    for part in chunks(events):
        part_size = sum(len(message.encode()) + EVENT_OVERHEAD_BYTES for _, message in part)
        chunk = LogChunk(
            id=work.next_id(CHUNKS),
            group_id=group.id,
            stream=stream.name,
            first_at=_instant(part[0]),
            last_at=_instant(part[-1]),
            ingested=work.now,
            stored_bytes=part_size,
            events=part,
        )
        work.put(CHUNKS, chunk)
        size += part_size
    first, last = _instant(events[0]), _instant(events[-1])
    work.put(
        STREAMS,
        msgspec.structs.replace(
            stream,
            first_at=first if stream.first_at is None else min(first, stream.first_at),
            last_at=last if stream.last_at is None else max(last, stream.last_at),
            ingested=work.now,
            stored_bytes=stream.stored_bytes + size,
        ),
    )


def write(work: Work, caller: Caller, group_name: str, stream_name: str, events: Sequence[Event]) -> None:
    """What a service of the caller's account logs: group and stream are made when they are missing."""
    group = work.get(GROUPS, group_arn(group_name, caller)) or new_group(work, caller, group_name)
    stream = work.get(STREAMS, group.id, stream_name) or LogStream(group.id, stream_name, work.now)
    append(work, group, stream, events)


def chunks(events: Sequence[Event]) -> Iterator[list[Event]]:
    """Parts of a bounded number and size."""
    part: list[Event] = []
    size = 0
    for event in events:
        if len(part) == CHUNK_EVENTS_MAX or (part and size + len(event[1]) > CHUNK_BYTES_MAX):
            yield part
            part, size = [], 0
        part.append(event)
        size += len(event[1])
    if part:
        yield part


def _instant(event: Event) -> datetime:
    return from_micros(event[0] * 1000)
