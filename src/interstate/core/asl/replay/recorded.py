"""A recorded history as GetExecutionHistory tells it, read back into events: ours, or one that was fetched from AWS.

Source: API Reference, GetExecutionHistory; the AWS CLI writes timestamps as ISO 8601, the API as seconds since the epoch.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from interstate.base.json import JSON
from interstate.base.time import parse_iso
from interstate.core.asl.history import DETAILS, Details
from interstate.core.asl.vocabulary import HistoryEvent

_NOT_SHOWN = ("inputDetails", "outputDetails")


class NoHistory(Exception):
    """The document is no history of an execution; the text says why."""


def read_history(document: Any) -> list[HistoryEvent]:
    """The events of an answer of GetExecutionHistory, or of a bare list of them, oldest first.

    Raises:
        NoHistory: it is something else, it has pages that were not fetched, or it does not begin with the execution.
    """
    listed = document.get("events") if isinstance(document, dict) else document
    if not isinstance(listed, list) or not listed:
        raise NoHistory('A history is {"events": [...]}, as GetExecutionHistory answers.')
    if isinstance(document, dict) and (document.get("nextToken") or document.get("NextToken")):
        raise NoHistory("The history has further pages (nextToken): fetch them all.")
    events = sorted((_event(one) for one in listed), key=lambda event: event.id)
    if [event.id for event in events] != list(range(1, len(events) + 1)) or events[0].type != "ExecutionStarted":
        raise NoHistory("The history does not have all events from 1 (ExecutionStarted) on.")
    return events


def _event(one: Any) -> HistoryEvent:
    try:
        number, kind = int(one["id"]), str(one["type"])
        previous, at = int(one.get("previousEventId", 0)), _instant(one["timestamp"])
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise NoHistory(f"An event lacks its id, type or timestamp: {error}.") from error
    details = _details(one)
    about = DETAILS.get(kind) or Details("")
    data = details.pop(about.data, None) if about.data is not None else None
    name = details.pop("name", None) if kind != "ExecutionStarted" else None
    more = {key: value for key, value in details.items() if key not in _NOT_SHOWN}
    cut = any(isinstance(shown := details.get(key), dict) and shown.get("truncated") for key in _NOT_SHOWN)
    return HistoryEvent(
        number,
        previous,
        kind,
        at,
        None if name is None else str(name),
        None if data is None or cut else str(data),
        more or None,
    )


def _details(one: Mapping[str, Any]) -> dict[str, JSON]:
    found: Sequence[Any] = [value for key, value in one.items() if key.endswith("EventDetails")]
    return dict(found[0]) if found and isinstance(found[0], dict) else {}


def _instant(given: Any) -> datetime:
    if isinstance(given, datetime):
        return given
    if isinstance(given, int | float):
        return datetime.fromtimestamp(given, UTC)
    return parse_iso(str(given).replace(" ", "T", 1)).astimezone(UTC)  # As Python writes an instant, too.
