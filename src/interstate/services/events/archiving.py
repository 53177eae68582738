"""Keeping events in archives, and forgetting them when their time is over."""

from datetime import timedelta

import msgspec

from interstate.base.json import JSONObject
from interstate.base.time import parse_iso
from interstate.store.ports import Work
from interstate.store.records.events import (
    ARCHIVE_COUNTS,
    ARCHIVED,
    ARCHIVED_BEFORE,
    ARCHIVES,
    COUNTS_OF_ARCHIVE,
    Archive,
    ArchiveCount,
    Archived,
    ArchiveSweep,
)

SWEEP = "events.sweep"
SWEEP_EVERY = timedelta(hours=6)
_SWEPT_MAX = 500
"""Events forgotten in one step; more of them are the next step's."""
_NODES_MAX = 256
_END_OF_TIME = timedelta(days=36_500)


def keep(archive: Archive, event: JSONObject, text: bytes, work: Work) -> None:
    """Put an event into an archive."""
    if work.get(ARCHIVES, archive.arn) is None:
        return
    size = _size_bytes(event)
    work.put(ARCHIVED, Archived(work.next_id(ARCHIVED), archive.id, parse_iso(event["time"]), size, text))
    _count(archive.id, 1, size, work)


def _count(archive: int, events: int, size: int, work: Work) -> None:
    """This node's part of what the archive holds; below zero where it forgets what others have put there."""
    own = work.get(ARCHIVE_COUNTS, archive, work.node) or ArchiveCount(archive, work.node)
    work.put(ARCHIVE_COUNTS, msgspec.structs.replace(own, events=own.events + events, bytes=own.bytes + size))


def held(archive: Archive, work: Work) -> tuple[int, int]:
    """How many events an archive holds, and their bytes."""
    parts = work.select(COUNTS_OF_ARCHIVE, limit=_NODES_MAX, archive=archive.id)
    return (
        max(0, archive.event_count + sum(part.events for part in parts)),
        max(0, archive.size_bytes + sum(part.bytes for part in parts)),
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
        else:
            work.erase(COUNTS_OF_ARCHIVE, limit=_NODES_MAX, archive=body.archive)
        return
    if archive.retention_days == 0:
        return
    before = work.now - timedelta(days=archive.retention_days)
    old = work.select(ARCHIVED_BEFORE, limit=_SWEPT_MAX, archive=archive.id, before=before)
    for event in old:
        work.delete(ARCHIVED, event.id)
    if old:
        _count(archive.id, -len(old), -sum(event.size_bytes for event in old), work)
    more = len(old) == _SWEPT_MAX
    work.later(SWEEP, body, at=work.now if more else work.now + SWEEP_EVERY)
