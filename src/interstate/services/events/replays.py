"""Replays: archived events once more, to the rules of their bus.

Theory of operation
-------------------
A replay goes through the archive in pages, each a due step that leaves the next. Its place (time and row of the last event)
is kept with it, so a crash repeats nothing: a page's deliveries and the new place are one commit. Events carry the replay's
name, are matched like any other against the chosen rules, and are never archived again.

Source: EventBridge API Reference, StartReplay, DescribeReplay, ListReplays, CancelReplay;
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html; ``core.events.errors`` for the words.
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.base.json import loads
from interstate.core.events.envelope import replayed
from interstate.core.events.errors import (
    IllegalStatusException,
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.limits import REPLAYS_RUNNING_MAX
from interstate.services.events.locate import bus_at, find_bus, scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import Sender
from interstate.store.ports import FOLLOW_AGAIN, Work
from interstate.store.records.events import (
    ARCHIVED,
    ARCHIVED_AT,
    ARCHIVED_BETWEEN,
    ARCHIVES,
    REPLAYS,
    REPLAYS_OF_SCOPE,
    REPLAYS_RUNNING,
    Archive,
    Archived,
    Bus,
    Replay,
    ReplayPage,
)

REPLAY = "events.replay"
_EVENTS_PER_STEP = 100
_SCANNED_MAX = 1_000
STARTING, RUNNING, CANCELLING = "STARTING", "RUNNING", "CANCELLING"
COMPLETED, CANCELLED, FAILED = "COMPLETED", "CANCELLED", "FAILED"


class Destination(msgspec.Struct, frozen=True, rename="pascal"):
    arn: str
    filter_arns: list[str] = []


class StartReplay(msgspec.Struct, frozen=True, rename="pascal"):
    replay_name: str
    event_source_arn: str
    event_start_time: datetime
    event_end_time: datetime
    destination: Destination
    description: str | None = None


class ReplayRequest(msgspec.Struct, frozen=True, rename="pascal"):
    replay_name: str


class ListReplays(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str | None = None
    state: str | None = None
    event_source_arn: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def _arn(name: str, work: Work) -> str:
    return work.caller.arn("events", f"replay/{name}")


def _replay_at(name: str, work: Work) -> Replay:
    replay = work.get(REPLAYS, _arn(name, work))
    if replay is None:
        raise ResourceNotFoundException.replay(name)
    return replay


def start_replay(request: StartReplay, work: Work) -> dict[str, Any]:
    """Send the archived events of a span of time again; the end itself is left out.

    Raises:
        ResourceAlreadyExistsException: there is a replay of this name.
        ResourceNotFoundException: there is no such bus.
        ValidationException: archive, span or destination cannot be; in this order, as recorded from AWS.
        LimitExceededException: ten replays are running.
    """
    arn = _arn(request.replay_name, work)
    if work.get(REPLAYS, arn) is not None:
        raise ResourceAlreadyExistsException("Replay", request.replay_name)
    bus_at(request.destination.arn, work)
    archive = work.get(ARCHIVES, request.event_source_arn)
    if archive is None:
        name = request.event_source_arn.partition(":archive/")[2] or request.event_source_arn
        raise ValidationException(f"Parameter EventSourceArn is not valid. Reason: Archive {name} does not exist.")
    if request.event_start_time >= request.event_end_time:
        raise ValidationException(
            "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
        )
    if request.destination.arn != archive.bus:
        raise ValidationException(
            "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted."
        )
    scope = scope_of(work.caller)
    if work.scalar(REPLAYS_RUNNING, scope=scope) >= REPLAYS_RUNNING_MAX:
        raise LimitExceededException
    replay = Replay(
        arn=arn,
        scope=scope,
        name=request.replay_name,
        archive=archive.arn,
        bus=archive.bus,
        rules=request.destination.filter_arns,
        first=request.event_start_time,
        last=request.event_end_time,
        state=STARTING,
        started=work.now,
        description=request.description,
    )
    work.put(REPLAYS, replay)
    work.later(REPLAY, ReplayPage(arn, work.next_id(ARCHIVED)))
    return {"ReplayArn": arn, "State": STARTING, "ReplayStartTime": work.now}


def replay_page(body: ReplayPage, work: Work, cache: RoutesCache) -> None:
    """Send a page of a replay again, and leave the next."""
    replay = work.get(REPLAYS, body.replay)
    if replay is None or replay.state not in (STARTING, RUNNING, CANCELLING):
        return
    if replay.state == CANCELLING:
        work.put(REPLAYS, msgspec.structs.replace(replay, state=CANCELLED, ended=work.now))
        return
    if work.horizon() <= body.begun:  # Another node is still archiving what came before the replay began.
        work.later(REPLAY, body, at=work.now + FOLLOW_AGAIN)
        return
    archive = work.get(ARCHIVES, replay.archive)
    bus = find_bus(replay.bus, work)
    if archive is None or bus is None:
        reason = "The archive or the event bus of the replay was deleted."
        work.put(REPLAYS, msgspec.structs.replace(replay, state=FAILED, ended=work.now, reason=reason))
        return
    events = _page(archive, replay, work)
    _send_again(events, replay, bus, work, cache)
    if len(events) < _EVENTS_PER_STEP:
        reached = events[-1].at if events else replay.reached
        work.put(REPLAYS, msgspec.structs.replace(replay, state=COMPLETED, ended=work.now, reached=reached))
        return
    place = events[-1]
    work.put(REPLAYS, msgspec.structs.replace(replay, state=RUNNING, reached=place.at, reached_id=place.id))
    work.later(REPLAY, body)


def _page(archive: Archive, replay: Replay, work: Work) -> list[Archived]:
    """The events after the place that the replay has reached; those of one second are in the order of arrival."""
    at = replay.reached or replay.first
    events = work.select(ARCHIVED_AT, limit=_EVENTS_PER_STEP, archive=archive.id, at=at, after=replay.reached_id)
    room = _EVENTS_PER_STEP - len(events)
    if room:
        events += work.select(ARCHIVED_BETWEEN, limit=room, archive=archive.id, after=at, last=replay.last)
    return events


def _send_again(page: list[Archived], replay: Replay, bus: Bus, work: Work, cache: RoutesCache) -> None:
    index = cache.of(bus, work).index
    sender = Sender(work, cache)
    for archived in page:
        event = loads(archived.body)
        assert isinstance(event, dict)
        event = replayed(event, replay.name)
        matching = index.matching(event)
        sender.send_again(bus, [rule for rule in matching if not replay.rules or rule in replay.rules], event)
    sender.close()


def describe_replay(request: ReplayRequest, work: Work) -> dict[str, Any]:
    """One replay.

    Raises:
        ResourceNotFoundException: there is no such replay.
    """
    replay = _replay_at(request.replay_name, work)
    destination: dict[str, Any] = {"Arn": replay.bus}
    if replay.rules:
        destination["FilterArns"] = replay.rules
    members = {"Description": replay.description, "ReplayArn": replay.arn, "Destination": destination}
    return {**_listed(replay), **{name: value for name, value in members.items() if value is not None}}


def _listed(replay: Replay) -> dict[str, Any]:
    members = {
        "ReplayName": replay.name,
        "EventSourceArn": replay.archive,
        "State": replay.state,
        "StateReason": replay.reason,
        "EventStartTime": replay.first,
        "EventEndTime": replay.last,
        "EventLastReplayedTime": replay.reached,
        "ReplayStartTime": replay.started,
        "ReplayEndTime": replay.ended,
    }
    return {name: value for name, value in members.items() if value is not None}


def list_replays(request: ListReplays, work: Work) -> dict[str, Any]:
    """Replays by name, by archive, or by state.

    Raises:
        ValidationException: more than one filter is given.
    """
    filters = (request.name_prefix, request.event_source_arn, request.state)
    if sum(one is not None for one in filters) > 1:
        raise ValidationException(
            "At most one filter is allowed for ListReplays. Use either : State, EventSourceArn, or NamePrefix."
        )
    prefix = request.name_prefix or ""
    rows = work.select(
        REPLAYS_OF_SCOPE,
        limit=_SCANNED_MAX,
        scope=scope_of(work.caller),
        after=after(request.next_token),
        prefix=prefix,
    )
    found = [
        replay
        for replay in rows
        if replay.name.startswith(prefix)
        and request.event_source_arn in (None, replay.archive)
        and request.state in (None, replay.state)
    ]
    taken, token = page(found, request.limit, lambda replay: replay.name)
    return {"Replays": [_listed(replay) for replay in taken], **token}


def cancel_replay(request: ReplayRequest, work: Work) -> dict[str, Any]:
    """Stop a replay after the page that is on its way.

    Raises:
        ResourceNotFoundException: there is no such replay.
        IllegalStatusException: it is over.
    """
    replay = _replay_at(request.replay_name, work)
    if replay.state not in (STARTING, RUNNING):
        raise IllegalStatusException(f"Replay {replay.name} is not in a valid state for this operation.")
    work.put(REPLAYS, msgspec.structs.replace(replay, state=CANCELLING))
    return {"ReplayArn": replay.arn, "State": CANCELLING}
