"""Reading events: one stream in both directions, or a whole group through a filter.

Theory of operation
-------------------
Events lie in chunks; a place among them is (first instant of the chunk in microseconds, chunk, index), and tokens are places.
A page is bounded by number, bytes and chunks that are looked at, so that a read never holds the loop for long.

Source: CloudWatch Logs API Reference, GetLogEvents and FilterLogEvents.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from interstate.base.time import to_micros, to_millis
from interstate.services.logs.errors import InvalidParameterException
from interstate.services.logs.filter_pattern import FilterPattern, parse_filter_pattern
from interstate.services.logs.locate import group_at, stream_at
from interstate.store.ports import Work
from interstate.store.records.logs import (
    CHUNKS_OF_GROUP,
    CHUNKS_OF_STREAM,
    CHUNKS_OF_STREAM_DOWN,
    LogChunk,
    LogGroup,
)

PAGE_BYTES_MAX = 1_048_576  # Source: GetLogEvents, "as many log events as can fit in a response size of 1 MB".
EVENTS_MAX = 10_000  # Source: the same place.
CHUNKS_PAGE = 50
CHUNKS_MAX = 500  # Looked at by one FilterLogEvents call; the token leads on.
_MICROS_MAX = (1 << 62) - 1


class GetLogEvents(msgspec.Struct, frozen=True, rename="camel"):
    log_stream_name: str
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    start_time: int = 0
    end_time: int | None = None
    next_token: str = ""
    limit: int = EVENTS_MAX
    start_from_head: bool = False


class FilterLogEvents(msgspec.Struct, frozen=True, rename="camel"):
    log_group_name: str | None = None
    log_group_identifier: str | None = None
    log_stream_names: list[str] = []
    log_stream_name_prefix: str = ""
    start_time: int = 0
    end_time: int | None = None
    filter_pattern: str = ""
    next_token: str = ""
    limit: int = EVENTS_MAX


class Place(msgspec.Struct, frozen=True, order=True):
    """Before the event ``index`` of a chunk."""

    micros: int
    chunk: int
    index: int

    def text(self) -> str:
        """The place as it stands in tokens."""
        return f"{self.micros}.{self.chunk}.{self.index}"


START = Place(0, 0, 0)
END = Place(_MICROS_MAX, _MICROS_MAX, 0)


class Window(msgspec.Struct, frozen=True):
    """The span of time that a caller asked for, in milliseconds; the end is not part of it."""

    since: int
    until: int


def _place(text: str) -> Place:
    parts = text.split(".")
    if len(parts) != 3 or not all(part.isascii() and part.isdecimal() and len(part) < 20 for part in parts):
        raise InvalidParameterException("The specified nextToken is invalid.")
    return Place(*(min(int(part), _MICROS_MAX) for part in parts))


def _window(start: int, end: int | None) -> Window:
    return Window(start, _MICROS_MAX // 1000 if end is None else end)


def get_log_events(request: GetLogEvents, work: Work) -> dict[str, Any]:
    """A page of a stream, oldest first; without a token the last page, or the first one on request.

    At an end the token that was given comes back, as on AWS.

    Raises:
        ResourceNotFoundException: there is no such group or stream.
        InvalidParameterException: the token is none of ours.
    """
    group = group_at(work, request.log_group_name, request.log_group_identifier)
    stream = stream_at(work, group, request.log_stream_name)
    direction, _, text = request.next_token.partition("/")
    if request.next_token and direction not in ("f", "b"):
        raise InvalidParameterException("The specified nextToken is invalid.")
    forward = direction == "f" if request.next_token else request.start_from_head
    place = _place(text) if request.next_token else (START if forward else END)
    window = _window(request.start_time, request.end_time)
    scan = (
        _forward(work, group, stream.name, place, window)
        if forward
        else _backward(work, group, stream.name, place, window)
    )
    events: list[tuple[Place, LogChunk]] = []
    size = 0
    for found in scan:
        size += len(found[1].events[found[0].index][1])
        if len(events) == request.limit or (events and size > PAGE_BYTES_MAX):
            break
        events.append(found)
    if not forward:
        events.reverse()
    first = events[0][0] if events else place
    last = msgspec.structs.replace(events[-1][0], index=events[-1][0].index + 1) if events else place
    return {
        "events": [_shown(place.index, chunk) for place, chunk in events],
        "nextForwardToken": f"f/{last.text()}",
        "nextBackwardToken": f"b/{first.text()}",
    }


def filter_log_events(request: FilterLogEvents, work: Work) -> dict[str, Any]:
    """The events of a group that match a pattern, oldest first.

    Raises:
        ResourceNotFoundException: there is no such group or stream.
        InvalidParameterException: names and a prefix together, a broken pattern or token.
    """
    group = group_at(work, request.log_group_name, request.log_group_identifier)
    if request.log_stream_names and request.log_stream_name_prefix:
        raise InvalidParameterException("logStreamNames and logStreamNamePrefix cannot be given together.")
    for name in request.log_stream_names:
        stream_at(work, group, name)
    pattern = parse_filter_pattern(request.filter_pattern)
    place = _place(request.next_token) if request.next_token else START
    events: list[dict[str, Any]] = []
    # Here, and not in GetLogEvents, the end is part of the span.
    window = _window(request.start_time, None if request.end_time is None else request.end_time + 1)
    one = request.log_stream_names[0] if len(request.log_stream_names) == 1 else None
    looked, size, chunk_id = 0, 0, -1
    for found, chunk in _forward(work, group, one, place, window):
        if chunk.id != chunk_id:
            chunk_id = chunk.id
            looked += 1
        full = len(events) == request.limit or size > PAGE_BYTES_MAX or looked > CHUNKS_MAX
        if full:
            return {"events": events, "searchedLogStreams": [], "nextToken": found.text()}
        if _wanted(request, chunk, chunk.events[found.index][1], pattern):
            size += len(chunk.events[found.index][1])
            events.append(
                {
                    "logStreamName": chunk.stream,
                    **_shown(found.index, chunk),
                    "eventId": f"{chunk.id:040d}{found.index:016d}",
                }
            )
    return {"events": events, "searchedLogStreams": []}


def _wanted(request: FilterLogEvents, chunk: LogChunk, message: str, pattern: FilterPattern) -> bool:
    if request.log_stream_names and chunk.stream not in request.log_stream_names:
        return False
    return chunk.stream.startswith(request.log_stream_name_prefix) and pattern.matches(message)


def _shown(index: int, chunk: LogChunk) -> dict[str, Any]:
    time, message = chunk.events[index]
    return {"timestamp": time, "message": message, "ingestionTime": to_millis(chunk.ingested)}


def _forward(
    work: Work, group: LogGroup, stream: str | None, place: Place, window: Window
) -> Iterator[tuple[Place, LogChunk]]:
    """Events from a place on; of one stream, or of all."""
    select = CHUNKS_OF_GROUP if stream is None else CHUNKS_OF_STREAM
    narrowed = {} if stream is None else {"stream": stream}
    while True:
        page = work.select(
            select, limit=CHUNKS_PAGE, group=group.id, at=place.micros, id=place.chunk, **_span(window), **narrowed
        )
        for chunk in page:
            micros = to_micros(chunk.first_at)
            begin = place.index if (micros, chunk.id) == (place.micros, place.chunk) else 0
            for index in range(begin, len(chunk.events)):
                if window.since <= chunk.events[index][0] < window.until:
                    yield Place(micros, chunk.id, index), chunk
        if len(page) < CHUNKS_PAGE:
            return
        place = Place(to_micros(page[-1].first_at), page[-1].id + 1, 0)


def _backward(
    work: Work, group: LogGroup, stream: str, place: Place, window: Window
) -> Iterator[tuple[Place, LogChunk]]:
    """Events before a place, newest first."""
    while True:
        page = work.select(
            CHUNKS_OF_STREAM_DOWN,
            limit=CHUNKS_PAGE,
            group=group.id,
            stream=stream,
            at=place.micros,
            id=place.chunk,
            **_span(window),
        )
        for chunk in page:
            micros = to_micros(chunk.first_at)
            end = place.index if (micros, chunk.id) == (place.micros, place.chunk) else len(chunk.events)
            for index in reversed(range(min(end, len(chunk.events)))):
                if window.since <= chunk.events[index][0] < window.until:
                    yield Place(micros, chunk.id, index), chunk
        if len(page) < CHUNKS_PAGE:
            return
        place = Place(to_micros(page[-1].first_at), page[-1].id - 1, _MICROS_MAX)


def _span(window: Window) -> dict[str, Any]:
    return {"since": window.since * 1000, "until": min(window.until * 1000, _MICROS_MAX)}
