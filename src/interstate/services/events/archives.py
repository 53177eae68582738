"""Archives of buses.

Source: EventBridge API Reference, CreateArchive, DescribeArchive, ListArchives, UpdateArchive, DeleteArchive;
``core.events.errors`` for the words.
"""

from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.core.events.errors import (
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.limits import ARCHIVES_PER_BUS_MAX
from interstate.services.events.archiving import SWEEP, SWEEP_EVERY, held
from interstate.services.events.locate import bus_at, find_bus, scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.routing import changed
from interstate.services.events.rules import check_pattern
from interstate.store.ports import Work
from interstate.store.records.events import (
    ARCHIVED,
    ARCHIVES,
    ARCHIVES_OF_BUS,
    ARCHIVES_OF_SCOPE,
    Archive,
    ArchiveSweep,
)

_SCANNED_MAX = 1_000


class CreateArchive(msgspec.Struct, frozen=True, rename="pascal"):
    archive_name: str
    event_source_arn: str
    description: str | None = None
    event_pattern: str | None = None
    retention_days: int = 0
    kms_key_identifier: str | None = None


class UpdateArchive(msgspec.Struct, frozen=True, rename="pascal"):
    archive_name: str
    description: str | None = None
    event_pattern: str | None = None
    retention_days: int | None = None
    kms_key_identifier: str | None = None


class ArchiveRequest(msgspec.Struct, frozen=True, rename="pascal"):
    archive_name: str


class ListArchives(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str | None = None
    event_source_arn: str | None = None
    state: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def _arn(name: str, work: Work) -> str:
    return work.caller.arn("events", f"archive/{name}")


def _archive_at(name: str, work: Work) -> Archive:
    archive = work.get(ARCHIVES, _arn(name, work))
    if archive is None:
        raise ResourceNotFoundException.archive(name)
    return archive


def create_archive(request: CreateArchive, work: Work) -> dict[str, Any]:
    """Keep a bus's events, all or those of a pattern, for so many days (0: for ever).

    Raises:
        ResourceNotFoundException: there is no such bus.
        ResourceAlreadyExistsException: there is an archive of this name.
        InvalidEventPatternException: the pattern is none.
        LimitExceededException: the bus has its archives.
    """
    bus = bus_at(request.event_source_arn, work)
    arn = _arn(request.archive_name, work)
    if work.get(ARCHIVES, arn) is not None:
        raise ResourceAlreadyExistsException("Archive", request.archive_name)
    if request.event_pattern is not None:
        check_pattern(request.event_pattern, work)
    if len(work.select(ARCHIVES_OF_BUS, limit=ARCHIVES_PER_BUS_MAX, bus=bus.arn)) >= ARCHIVES_PER_BUS_MAX:
        raise LimitExceededException
    archive = Archive(
        arn=arn,
        scope=scope_of(work.caller),
        name=request.archive_name,
        bus=bus.arn,
        id=work.next_id(ARCHIVED),
        created=work.now,
        retention_days=request.retention_days,
        description=request.description,
        pattern=request.event_pattern,
        kms_key=request.kms_key_identifier,
    )
    work.put(ARCHIVES, archive)
    changed(bus, archive, work)
    _plan_sweep(archive, work)
    return _created(archive)


def _plan_sweep(archive: Archive, work: Work) -> None:
    if archive.retention_days:
        work.later(SWEEP, ArchiveSweep(archive.id, archive.arn), at=work.now + SWEEP_EVERY)


def _created(archive: Archive) -> dict[str, Any]:
    return {"ArchiveArn": archive.arn, "CreationTime": archive.created, "State": "ENABLED"}


def describe_archive(request: ArchiveRequest, work: Work) -> dict[str, Any]:
    """One archive.

    Raises:
        ResourceNotFoundException: there is no such archive.
    """
    archive = _archive_at(request.archive_name, work)
    members = {
        "ArchiveArn": archive.arn,
        "Description": archive.description,
        "EventPattern": archive.pattern,
        "KmsKeyIdentifier": archive.kms_key,
    }
    return {**_listed(archive, work), **{name: value for name, value in members.items() if value is not None}}


def _listed(archive: Archive, work: Work) -> dict[str, Any]:
    events, size_bytes = held(archive, work)
    return {
        "ArchiveName": archive.name,
        "EventSourceArn": archive.bus,
        "State": "ENABLED",
        "RetentionDays": archive.retention_days,
        "SizeBytes": size_bytes,
        "EventCount": events,
        "CreationTime": archive.created,
    }


def list_archives(request: ListArchives, work: Work) -> dict[str, Any]:
    """Archives by name, by bus, or by state.

    Raises:
        ResourceNotFoundException: there is no such bus.
        ValidationException: more than one filter is given.
    """
    filters = (request.name_prefix, request.event_source_arn, request.state)
    if sum(one is not None for one in filters) > 1:
        raise ValidationException(
            "At most one filter is allowed for ListArchives. Use either : State, EventSourceArn, or NamePrefix."
        )
    if request.event_source_arn is not None:
        bus_at(request.event_source_arn, work)
    prefix = request.name_prefix or ""
    rows = work.select(
        ARCHIVES_OF_SCOPE,
        limit=_SCANNED_MAX,
        scope=scope_of(work.caller),
        after=after(request.next_token),
        prefix=prefix,
    )
    found = [
        archive
        for archive in rows
        if archive.name.startswith(prefix)
        and request.event_source_arn in (None, archive.bus)
        and request.state in (None, "ENABLED")
    ]
    taken, token = page(found, request.limit, lambda archive: archive.name)
    return {"Archives": [_listed(archive, work) for archive in taken], **token}


def update_archive(request: UpdateArchive, work: Work) -> dict[str, Any]:
    """Change an archive; what is not named stays, and so do its events.

    Raises:
        ValidationException: nothing is named.
        ResourceNotFoundException: there is no such archive.
        InvalidEventPatternException: the pattern is none.
    """
    named = {
        "description": request.description,
        "pattern": request.event_pattern,
        "retention_days": request.retention_days,
        "kms_key": request.kms_key_identifier,
    }
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    if not changes:
        raise ValidationException("At least one of EventPattern, RetentionDays or Description must be provided.")
    archive = _archive_at(request.archive_name, work)
    if request.event_pattern is not None:
        check_pattern(request.event_pattern, work)
    updated = msgspec.structs.replace(archive, **changes)
    work.put(ARCHIVES, updated)
    bus = find_bus(archive.bus, work)
    if bus is not None:
        changed(bus, updated, work)
    if not archive.retention_days:
        _plan_sweep(updated, work)
    return _created(updated)


def delete_archive(request: ArchiveRequest, work: Work) -> dict[str, Any]:
    """Delete an archive and its events.

    Raises:
        ResourceNotFoundException: there is no such archive.
    """
    archive = _archive_at(request.archive_name, work)
    work.delete(ARCHIVES, archive.arn)
    bus = find_bus(archive.bus, work)
    if bus is not None:
        changed(bus, ("deleted", archive.arn), work)
    work.later(SWEEP, ArchiveSweep(archive.id, None))
    return {}
