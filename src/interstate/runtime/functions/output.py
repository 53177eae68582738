"""What a worker prints, taken apart into log events.

Standard output, standard error and the runtime client's telemetry frames come through one FIFO, in the order in which
they were written. A frame is one event, however many lines it has; of plain text, each line is one.

A frame: 4 bytes type (``a5 5a 00 ..``), 4 bytes length, 8 bytes time in microseconds, the message.
Source: awslambdaric, FramedTelemetryLogSink
"""

from datetime import datetime

from interstate.store.records.lambda_ import LogLine

KEPT_BYTES_MAX = 1 << 20  # Of one call's log; the order of magnitude of one PutLogEvents call.
EVENT_BYTES_MAX = (
    256 * 1024
)  # Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
EVENTS_MAX = 10_000  # Source: the same page, events of a PutLogEvents call.
_MAGIC = b"\xa5\x5a"
_HEADER_BYTES = 16


class Output:
    """The log events of one worker, gathered between two calls of ``take``."""

    def __init__(self) -> None:
        self._rest = b""
        self._events: list[LogLine] = []
        self._kept_bytes = 0
        self._dropped = False

    @property
    def full(self) -> bool:
        """No more is kept of the current call; whoever reads may do so slowly."""
        return self._kept_bytes >= KEPT_BYTES_MAX or len(self._events) >= EVENTS_MAX

    def feed(self, data: bytes, at: datetime) -> None:
        """Take what was read; ``at`` becomes the time of the events that it completes."""
        if self.full:
            self._dropped = True
            self._rest = b""
            return
        data = self._rest + data
        begin = 0
        while begin < len(data):
            found = _event_at(data, begin)
            if found is None:
                break
            message, begin = found
            self._add(message, at)
        self._rest = data[begin:]

    def add(self, message: str, at: datetime) -> None:
        """Add an event of Lambda's own (START, END, REPORT), which is always kept."""
        self._events.append(LogLine(at, message))

    def take(self, at: datetime) -> list[LogLine]:
        """All events since the last time; a line that was begun counts as one."""
        if self._rest and not self._rest.startswith(_MAGIC):
            self._add(self._rest, at)
        self._rest = b""
        if self._dropped:
            self._events.append(LogLine(at, "[The rest of what this call printed was not kept.]\n"))
        events = self._events
        self._events, self._kept_bytes, self._dropped = [], 0, False
        return events

    def _add(self, message: bytes, at: datetime) -> None:
        if self.full:
            self._dropped = True
            return
        self._kept_bytes += len(message)
        self._events.append(LogLine(at, message.decode("utf-8", "replace")))


def _event_at(data: bytes, begin: int) -> tuple[bytes, int] | None:
    """The event that begins at a place, and where the next one does; None when it is not complete yet."""
    if data.startswith(_MAGIC, begin):
        first = begin + _HEADER_BYTES
        if len(data) < first:
            return None
        # A length that no log would take is not a frame of the client's: it is cut, and the rest read as text.
        end = first + min(int.from_bytes(data[begin + 4 : begin + 8]), EVENT_BYTES_MAX)
        return (data[first:end], end) if len(data) >= end else None
    longest = begin + EVENT_BYTES_MAX
    newline, frame = data.find(b"\n", begin, longest), data.find(_MAGIC, begin + 1, longest)
    if frame >= 0 and (newline < 0 or frame < newline):
        return data[begin:frame], frame
    if newline >= 0:
        return data[begin : newline + 1], newline + 1
    return (data[begin:longest], longest) if len(data) >= longest else None


def tail(events: list[LogLine], bytes_max: int = 4096) -> str:
    """The end of a log as ``LogType: Tail`` shows it.

    Source: https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html (LogResult: the last 4 KB)
    """
    return "".join(event.message for event in events).encode()[-bytes_max:].decode("utf-8", "ignore")
