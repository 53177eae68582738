"""Instants: aware, UTC; their published formats; the Clock port.

Two clocks (design, law 4): *business time* comes through ``Clock`` and is what every wait, retry and timestamp
depends on; *guard time* is ``time.monotonic`` and stays inside ``runtime`` and ``http``.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:[.,](\d{1,9}))?(Z|[+-]\d\d:?\d\d)\Z",
)


class Clock(Protocol):
    """Business time. One per instance; only ``runtime`` reads it, everybody else is told ``now``."""

    def now(self) -> datetime:
        """The present instant, aware and in UTC."""
        ...


@lru_cache(maxsize=4096)
def to_micros(at: datetime) -> int:
    """Microseconds since the epoch; the form in which the store keeps instants. The rows of a batch share a few."""
    return (at - EPOCH) // _MICROSECOND


@lru_cache(maxsize=4096)
def from_micros(micros: int) -> datetime:
    """The instant of a number of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=micros)


def to_millis(at: datetime) -> int:
    """Milliseconds since the epoch, rounded down."""
    return to_micros(at) // 1000


def to_epoch_s(at: datetime) -> float:
    """Seconds since the epoch with milliseconds, as the JSON protocols write timestamps."""
    return to_millis(at) / 1000


def to_iso(at: datetime) -> str:
    """``2026-11-21T08:56:14.123Z``: milliseconds, as Step Functions and DynamoDB streams write instants."""
    return f"{_to_seconds(at)}.{at.microsecond // 1000:03d}Z"


def to_iso_s(at: datetime) -> str:
    """``2026-11-21T08:56:14Z``: whole seconds, as EventBridge writes an event's time."""
    return f"{_to_seconds(at)}Z"


def _to_seconds(at: datetime) -> str:
    """``isoformat`` is ten times faster than ``strftime``, and writes the same for every year there is."""
    return at.isoformat(timespec="seconds")[:19]


def parse_iso(text: str) -> datetime:
    """Read an RFC 3339 instant with a time zone.

    Raises:
        ValueError: the text is no such instant.
    """
    match = _ISO.match(text)
    if match is None:
        msg = f"not an RFC 3339 instant: {text!r}"
        raise ValueError(msg)
    try:
        return datetime.fromisoformat(text.replace(",", ".")).astimezone(UTC)
    except OverflowError as error:  # Within a day of the first or the last instant there is.
        raise ValueError(str(error)) from error
