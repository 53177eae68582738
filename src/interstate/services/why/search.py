"""A search over the log and the executions, page by page, the newest first.

A page looks at a bounded number of rows, whether something is found or not: whoever asks goes on with ``next``.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.base.json import dumps_bytes
from interstate.core.patterns import Pattern, PatternError, matches, parse_pattern
from interstate.services.events.locate import bus_arn
from interstate.services.states.texts import input_of
from interstate.services.why.executions import summary
from interstate.services.why.logged import HIGHEST, event_of, first_at, texts_of
from interstate.store.ports import Work
from interstate.store.records.events import Logged
from interstate.store.records.why import EXECUTIONS_BACK, LOG_BACK, LOG_FROM, LOG_OF_BUS_BACK

ROWS_MAX = 100
"""Rows of the log, or executions, that a page looks at."""
LIMIT_MAX = 1_000


class Wanted(msgspec.Struct, frozen=True, rename="camel"):
    """Which events are wanted; nothing given: all."""

    bus: str | None = None
    source: str | None = None
    detail_type: str | None = None
    text: str | None = None
    pattern: str | None = None


class Sieve:
    """Tells the wanted events of a row, without reading those as JSON that cannot be.

    Raises:
        ValidationException: the pattern is none.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._needles = [
            dumps_bytes(text)[1:-1] for text in (wanted.source, wanted.detail_type, wanted.text) if text is not None
        ]
        self._pattern: Pattern | None = None
        if wanted.pattern is not None:
            try:
                self._pattern = parse_pattern(wanted.pattern)
            except PatternError as error:
                raise ValidationException(f"The pattern is not valid. Reason: {error.reason}") from error

    def of(self, row: Logged) -> list[dict[str, Any]]:
        """The wanted events of a row, in their order."""
        if not all(needle in row.body for needle in self._needles):
            return []
        return [
            event
            for text in texts_of(row)
            if all(needle in text for needle in self._needles) and self._holds(event := event_of(text))
        ]

    def _holds(self, event: dict[str, Any]) -> bool:
        wanted = self._wanted
        if wanted.source is not None and event.get("source") != wanted.source:
            return False
        if wanted.detail_type is not None and event.get("detail-type") != wanted.detail_type:
            return False
        return self._pattern is None or matches(self._pattern, event)


class SearchEvents(Wanted, frozen=True, rename="camel"):
    """``below`` is where a search goes on; ``since`` and ``until`` are instants of arrival."""

    since: datetime | None = None
    until: datetime | None = None
    below: int | None = None
    limit: int = 20


def search_events(request: SearchEvents, work: Work) -> dict[str, Any]:
    """One page: the wanted events among the next rows, and ``next`` when there may be more."""
    sieve = Sieve(request)
    below = request.below
    if below is None:
        below = HIGHEST if request.until is None else first_at(request.until, LOG_FROM, LOG_BACK, work)
    if request.bus is None:
        rows = work.select(LOG_BACK, limit=ROWS_MAX, below=below)
    else:
        rows = work.select(LOG_OF_BUS_BACK, limit=ROWS_MAX, bus=bus_arn(request.bus, work.caller), below=below)
    limit = max(1, min(request.limit, LIMIT_MAX))
    found: list[dict[str, Any]] = []
    for row in rows:
        if request.since is not None and row.at < request.since:
            return {"events": found, "reached": row.at}
        found += [{"bus": row.bus, "receivedAt": row.at, "event": event} for event in reversed(sieve.of(row))]
        if len(found) >= limit:
            return {"events": found, "reached": row.at, "next": row.id}
    answer: dict[str, Any] = {"events": found}
    if rows:
        answer["reached"] = rows[-1].at
    return {**answer, "next": rows[-1].id} if len(rows) == ROWS_MAX else answer


class SearchExecutions(msgspec.Struct, frozen=True, rename="camel"):
    """``text`` is part of a name, an input or an output."""

    text: str
    below: int | None = None
    limit: int = 20


def search_executions(request: SearchExecutions, work: Work) -> dict[str, Any]:
    """One page of executions with the text, the newest first."""
    rows = work.select(EXECUTIONS_BACK, limit=ROWS_MAX, below=HIGHEST if request.below is None else request.below)
    text = request.text
    found: list[dict[str, Any]] = []
    for row in rows:
        if text in row.name or text in input_of(row, work) or (row.output is not None and text in row.output):
            found.append(summary(row, work))
        if len(found) >= request.limit:
            return {"executions": found, "next": row.id}
    return {"executions": found} | ({"next": rows[-1].id} if len(rows) == ROWS_MAX else {})
