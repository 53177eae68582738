"""Events as AWS writes them, and the entries that become events.

An event is a JSON object with its keys in AWS's order; ``replay-name`` stands after ``region``, in replayed events only.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-events.html (envelope), EventBridge API Reference,
PutEvents (sizes, required members); recorded answers of PutEvents (see ``errors``) for the words.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

import msgspec
import orjson

from interstate.base.json import JSONObject, is_deeper


class Entry(msgspec.Struct, frozen=True, rename="pascal"):
    """An entry of PutEvents."""

    time: datetime | None = None
    source: str | None = None
    resources: list[str] = []
    detail_type: str | None = None
    detail: str | None = None
    event_bus_name: str | None = None
    trace_header: str | None = None


class Fault(msgspec.Struct, frozen=True):
    """Why one entry of a call is not taken; the others are."""

    code: str
    message: str


def size_bytes(entry: Entry) -> int:
    """What an entry counts of a request's limit.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-putevents.html ("Calculating entry sizes").
    """
    texts = (entry.source, entry.detail_type, entry.detail, *entry.resources)
    return sum(len(text.encode()) for text in texts if text) + (14 if entry.time is not None else 0)


def fit(entries: Sequence[Entry], size_bytes_max: int) -> bool:
    """Whether entries are within a request's limit. Ordinary ones are, even if each character took four bytes."""
    rough = 0
    for entry in entries:
        rough += len(entry.source or "") + len(entry.detail_type or "") + len(entry.detail or "")
        if entry.resources:
            rough += sum(map(len, entry.resources))
    return 4 * rough + 14 * len(entries) <= size_bytes_max or sum(map(size_bytes, entries)) <= size_bytes_max


DEPTH_MAX = 500
"""Levels of a detail. AWS publishes no bound."""
_REQUIRED = (("Source", "source"), ("DetailType", "detail_type"), ("Detail", "detail"))


def read_detail(entry: Entry, *, partner: bool = False) -> JSONObject | Fault:
    """The entry's detail, or why the entry is not taken. Only partners' sources begin with "aws."."""
    source, text = entry.source, entry.detail
    if not (source and entry.detail_type and text):
        return _missing(entry)
    if source.startswith("aws.") and not partner:
        return Fault("NotAuthorizedForSourceException", "Not authorized for the source.")
    try:
        detail = orjson.loads(text)
    except orjson.JSONDecodeError:
        return Fault("MalformedDetail", "Detail is malformed.")
    if not isinstance(detail, dict) or _is_too_deep(text, detail):
        return Fault("MalformedDetail", "Detail is malformed.")
    return detail


def _missing(entry: Entry) -> Fault:
    name = next(name for name, attribute in _REQUIRED if not getattr(entry, attribute))
    return Fault("InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument.")


def _is_too_deep(text: str, detail: JSONObject) -> bool:
    """Every part of the way must be able to write the detail again; most texts have too few brackets to be looked at."""
    return len(text) > DEPTH_MAX and text.count("{") + text.count("[") > DEPTH_MAX and is_deeper(detail, DEPTH_MAX)


@lru_cache(64)
def _time_text(time: datetime) -> str:
    """An instant in UTC; most events of a batch have the same, and strftime would be the dearest part of an event."""
    return time.isoformat(timespec="seconds")[:19] + "Z"


def envelope(
    *,
    event_id: str,
    detail_type: str,
    source: str,
    account: str,
    time: datetime,
    region: str,
    resources: Sequence[str],
    detail: Any,
) -> JSONObject:
    """An event, ready to be matched and written."""
    return {
        "version": "0",
        "id": event_id,
        "detail-type": detail_type,
        "source": source,
        "account": account,
        "time": _time_text(time),
        "region": region,
        "resources": list(resources),
        "detail": detail,
    }


def replayed(event: JSONObject, replay_name: str) -> JSONObject:
    """A copy of an event that names the replay which sends it again."""
    copy: JSONObject = {}
    for key, value in event.items():
        copy[key] = value
        if key == "region":
            copy["replay-name"] = replay_name
    return copy
