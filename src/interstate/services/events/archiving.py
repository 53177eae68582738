"""Keeping events in archives, and forgetting them when their time is over."""

from datetime import timedelta

import msgspec

from interstate.base.json import JSONObject
from interstate.base.time import parse_iso
from interstate.store.ports import Work
from interstate.store.records.events import (
    ARCHIVED,
    ARCHIVED_BEFORE,
    ARCHIVES,
    Archive,
    Archived,
    ArchiveSweep,
)

SWEEP = "events.sweep"
SWEEP_EVERY = timedelta(hours=6)
_SWEPT_MAX = 500
"""Events forgotten in one step; more of them are the next step's."""
_END_OF_TIME = timedelta(days=36_500)


def keep(archive: Archive, event: JSONObject, text: bytes, work: Work) -> None:
    """Put an event into an archive."""
    present = work.get(ARCHIVES, archive.arn)
    if present is None:
        return
    work.put(ARCHIVED, Archived(work.next_id(ARCHIVED), archive.id, parse_iso(event["time"]), _size_bytes(event), text))
    work.put(
        ARCHIVES,
        msgspec.structs.replace(
            present, event_count=present.event_count + 1, size_bytes=present.size_bytes + _size_bytes(event)
        ),
    )


def _size_bytes(event: JSONObject) -> int:
    """As PutEvents counts an entry, and 14 bytes for its time."""
    texts = (event["source"], event["detail-type"], *event["resources"])
    return sum(len(text.encode()) for text in texts) + len(msgspec.json.encode(event["detail"])) + 14


def sweep(body: ArchiveSweep, work: Work) -> None:
    """Forget events whose retention is over, or all events of an archive that is gone; comes back while there are more."""
    archive = None if body.arn is None else work.get(ARCHIVES, body.arn)
    if archive is None or archive.id != body.archive:
        erased = work.erase(ARCHIVED_BEFORE, limit=_SWEPT_MAX, archive=body.archive, before=work.now + _END_OF_TIME)
        if erased == _SWEPT_MAX:
            work.later(SWEEP, ArchiveSweep(body.archive, None))
        return
    if archive.retention_days == 0:
        return
    before = work.now - timedelta(days=archive.retention_days)
    old = work.select(ARCHIVED_BEFORE, limit=_SWEPT_MAX, archive=archive.id, before=before)
    for event in old:
        work.delete(ARCHIVED, event.id)
    if old:
        count = max(0, archive.event_count - len(old))
        size_bytes = max(0, archive.size_bytes - sum(event.size_bytes for event in old))
        work.put(ARCHIVES, msgspec.structs.replace(archive, event_count=count, size_bytes=size_bytes))
    more = len(old) == _SWEPT_MAX
    work.later(SWEEP, body, at=work.now if more else work.now + SWEEP_EVERY)
