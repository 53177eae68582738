"""Events of the log, found by id, by time or page by page."""

from datetime import datetime, timedelta
from typing import Any, TypeVar

import msgspec

from interstate.base.json import loads
from interstate.base.numbers import whole_number
from interstate.core.events.numbers import place_of
from interstate.services.events.log_upkeep import LOG_DAYS
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.events import LOG, Attempt, Logged
from interstate.store.records.why import LOG_BACK
from interstate.store.tables import Select

R = TypeVar("R", Logged, Attempt)
HIGHEST = 2**62
_DAYS = 3
_TEXTS = msgspec.json.Decoder(list[msgspec.Raw])


class Found(msgspec.Struct, frozen=True):
    """An event with its place in the log."""

    id: str
    row: Logged
    place: int
    event: dict[str, Any]


def texts_of(row: Logged) -> list[bytes]:
    """The events of a row, each as its text."""
    return [bytes(text) for text in _TEXTS.decode(row.body)]


def event_of(text: bytes) -> dict[str, Any]:
    """An event's text, read."""
    event = loads(text)
    assert isinstance(event, dict)
    return event


def find_event(event_id: str, work: Work) -> Found | None:
    """The event with this id; None when the log does not have it (any more)."""
    place = place_of(event_id)
    row = None if place is None else work.get(LOG, place[0])
    if place is None or row is None:
        return None
    texts = texts_of(row)
    if place[1] >= len(texts):
        return None
    event = event_of(texts[place[1]])
    return Found(event_id, row, place[1], event) if event.get("id") == event_id else None


def kept_days(work: Work) -> int:
    """For how long the log is kept."""
    setting = work.get(SETTINGS, LOG_DAYS)
    days = None if setting is None else whole_number(setting.value)
    return _DAYS if days is None else days


def first_at(at: datetime, from_: Select[R], back: Select[R], work: Work) -> int:
    """The lowest number of rows that were written at this instant or later; numbers rise with time.

    Found by halving, so that no index by time is kept: a look for each bit of the numbers between the ends.
    """
    newest = work.select(back, limit=1, below=HIGHEST)
    oldest = work.select(from_, limit=1, first=0)
    if not newest:
        return 0
    low, high = oldest[0].id, newest[0].id + 1
    while low < high:
        middle = (low + high) // 2
        row = work.select(from_, limit=1, first=middle)
        if row and row[0].at < at:
            low = row[0].id + 1
        else:
            high = middle
    return low


def newest_id(work: Work) -> int:
    """The number of the newest row behind which nothing is missing; 0 when the log is empty."""
    newest = work.select(LOG_BACK, limit=1, below=min(work.horizon(), HIGHEST))
    return newest[0].id if newest else 0


def is_older_than_log(at: datetime, work: Work) -> bool:
    """Whether what happened then may be forgotten."""
    return at < work.now - timedelta(days=kept_days(work))
