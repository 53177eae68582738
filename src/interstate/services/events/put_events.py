"""Events from outside: PutEvents, TestEventPattern.

Source: EventBridge API Reference, PutEvents (entries fail one by one; the call fails when it is too large), TestEventPattern.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ValidationException
from interstate.base.json import BrokenJSON, loads
from interstate.core.events.delivery import Failure
from interstate.core.events.envelope import Entry, Fault, envelope, fit, read_detail
from interstate.core.events.errors import InvalidEventPatternException
from interstate.core.events.limits import ENTRIES_SIZE_BYTES_MAX
from interstate.core.patterns import PatternError, matches, parse_pattern
from interstate.services import access
from interstate.services.events.bus_logs import refused
from interstate.services.events.endpoint_road import Road, road_of
from interstate.services.events.errors import AccessDeniedException
from interstate.services.events.locate import bus_arn, find_bus
from interstate.services.events.log_upkeep import SWEEP_KEY
from interstate.services.events.outcomes import NAMESPACE
from interstate.services.events.permitting import put_context
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import Sender
from interstate.store.ports import Work
from interstate.store.records.events import BUSES, Bus
from interstate.store.tables import Key

_MANDATORY = frozenset({"id", "account", "source", "time", "region", "detail-type"})
"""Fields of an event to test. The API Reference names resources too; AWS takes events without."""


class PutEvents(msgspec.Struct, frozen=True, rename="pascal"):
    entries: list[Entry]
    endpoint_id: str | None = None


class TestEventPattern(msgspec.Struct, frozen=True, rename="pascal"):
    event_pattern: str
    event: str


def keys_of_put_events(request: PutEvents, caller: Caller) -> Iterable[Key]:
    """The buses of the entries."""
    names = {entry.event_bus_name for entry in request.entries}
    return [SWEEP_KEY, *(Key(BUSES, (bus_arn(name, caller),)) for name in names)]


def put_events(request: PutEvents, work: Work, cache: RoutesCache) -> dict[str, Any]:
    """Take events onto their buses. An entry whose bus does not exist is taken and goes nowhere, as on AWS.

    Raises:
        ValidationException: the entries together are larger than 1 MB, or their endpoint does not exist.
    """
    if not fit(request.entries, ENTRIES_SIZE_BYTES_MAX):
        raise ValidationException("Total size of the entries in the request is over the limit.")
    road = None if request.endpoint_id is None else road_of(request.endpoint_id, work)
    sender = Sender(work, cache, expects=len(request.entries))
    buses = {name: _bus(name, road, work) for name in {entry.event_bus_name for entry in request.entries}}
    results = [_put(entry, buses[entry.event_bus_name], work, sender, road) for entry in request.entries]
    sender.close()
    failed = sum("ErrorCode" in result for result in results)
    work.measure(NAMESPACE, "PutEventsApproximateCallCount")
    work.measure(NAMESPACE, "PutEventsEntriesCount", value=len(results))
    if failed:
        work.measure(NAMESPACE, "PutEventsFailedEntriesCount", value=failed)
    return {"FailedEntryCount": failed, "Entries": results}


def _bus(name: str | None, road: Road | None, work: Work) -> Bus | None:
    arn = bus_arn(name, work.caller)
    return find_bus(arn if road is None else road.bus_for(arn), work)


def _put(entry: Entry, bus: Bus | None, work: Work, sender: Sender, road: Road | None) -> dict[str, str]:
    detail = read_detail(entry)
    if isinstance(detail, Fault):
        if bus is not None and bus.log_config is not None:
            refused(bus, _told(entry), Failure(detail.code, detail.message, permanent=True), work)
        return {"ErrorCode": detail.code, "ErrorMessage": detail.message}
    caller = work.caller
    if bus is None:
        return {"EventId": work.entropy.uuid()}
    if (bus.policy or not bus.scope.startswith(caller.account + "/")) and not access.is_allowed(
        bus.policy,
        caller,
        action="events:PutEvents",
        resource=bus.arn,
        now=work.now,
        context=put_context(entry.source or "", entry.detail_type or ""),
    ):
        error = AccessDeniedException(caller.account, bus.arn)
        refused(bus, _told(entry), Failure(error.code, error.message, permanent=True), work)
        return {"ErrorCode": error.code, "ErrorMessage": error.message}
    assert entry.source is not None, entry
    assert entry.detail_type is not None, entry
    event = envelope(
        event_id="",
        detail_type=entry.detail_type,
        source=entry.source,
        account=caller.account,
        time=entry.time or work.now,
        region=caller.region if road is None else road.region,
        resources=entry.resources,
        detail=detail,
    )
    event_id = sender.send(bus, event, trace=entry.trace_header)
    if road is not None:
        road.replicate(event, entry.trace_header, sender, work)
    return {"EventId": event_id}


def _told(entry: Entry) -> dict[str, Any]:
    """What a log tells of an entry that was not taken."""
    return {"source": entry.source, "detail_type": entry.detail_type, "event_detail": entry.detail}


def try_event_pattern(request: TestEventPattern, work: Work) -> dict[str, Any]:  # noqa: ARG001 -- every operation has this signature
    """Whether an event would match a pattern.

    Raises:
        InvalidEventPatternException: the pattern is none.
        ValidationException: the event is no JSON object, or lacks a mandatory field.
    """
    try:
        pattern = parse_pattern(request.event_pattern)
    except PatternError as error:
        raise InvalidEventPatternException(error.reason) from error
    try:
        event = loads(request.event)
    except BrokenJSON as error:
        raise ValidationException("Parameter Event is not valid.") from error
    if not isinstance(event, dict) or not event.keys() >= _MANDATORY:
        raise ValidationException("Parameter Event is not valid.")
    return {"Result": matches(pattern, event)}
