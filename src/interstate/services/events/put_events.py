"""Events from outside: PutEvents, TestEventPattern.

Source: EventBridge API Reference, PutEvents (entries fail one by one; the call fails when it is too large), TestEventPattern.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.base.json import BrokenJSON, loads
from interstate.core.events.envelope import Entry, Fault, envelope, fit, read_detail
from interstate.core.events.errors import InvalidEventPatternException
from interstate.core.events.limits import ENTRIES_SIZE_BYTES_MAX
from interstate.core.events.policy import lets_in
from interstate.core.patterns import PatternError, matches, parse_pattern
from interstate.services.events.locate import bus_arn, find_bus
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import Sender
from interstate.store.ports import Work
from interstate.store.records.events import BUSES
from interstate.store.tables import Key


class PutEvents(msgspec.Struct, frozen=True, rename="pascal"):
    entries: list[Entry]
    endpoint_id: str | None = None


class TestEventPattern(msgspec.Struct, frozen=True, rename="pascal"):
    event_pattern: str
    event: str


def keys_of_put_events(request: PutEvents, caller: Caller) -> Iterable[Key]:
    """The buses of the entries."""
    return [Key(BUSES, (arn,)) for arn in {bus_arn(entry.event_bus_name, caller) for entry in request.entries}]


def put_events(request: PutEvents, work: Work, cache: RoutesCache) -> dict[str, Any]:
    """Take events onto their buses. An entry whose bus does not exist is taken and goes nowhere, as on AWS.

    Raises:
        ValidationException: the entries together are larger than 1 MB.
        NotImplementedHere: a global endpoint is named.
    """
    if request.endpoint_id is not None:
        raise NotImplementedHere("global endpoints (EndpointId of PutEvents)")
    if not fit(request.entries, ENTRIES_SIZE_BYTES_MAX):
        raise ValidationException("Total size of the entries in the request is over the limit.")
    sender = Sender(work, cache)
    results = [_put(entry, work, sender) for entry in request.entries]
    sender.close()
    return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}


def _put(entry: Entry, work: Work, sender: Sender) -> dict[str, str]:
    detail = read_detail(entry)
    if isinstance(detail, Fault):
        return {"ErrorCode": detail.code, "ErrorMessage": detail.message}
    caller = work.caller
    bus = find_bus(bus_arn(entry.event_bus_name, caller), work)
    if bus is not None and not bus.scope.startswith(caller.account + "/") and not lets_in(bus.policy, caller.account):
        reason = f"User: arn:aws:iam::{caller.account}:root is not authorized to perform: events:PutEvents on resource: {bus.arn}"
        return {"ErrorCode": "AccessDeniedException", "ErrorMessage": reason}
    event_id = work.entropy.uuid()
    if bus is not None and bus.revision:
        assert entry.source is not None, entry
        assert entry.detail_type is not None, entry
        event = envelope(
            event_id=event_id,
            detail_type=entry.detail_type,
            source=entry.source,
            account=caller.account,
            time=entry.time or work.now,
            region=caller.region,
            resources=entry.resources,
            detail=detail,
        )
        sender.send(bus, event)
    return {"EventId": event_id}


def try_event_pattern(request: TestEventPattern, work: Work) -> dict[str, Any]:  # noqa: ARG001 -- every operation has this signature
    """Whether an event would match a pattern.

    Raises:
        InvalidEventPatternException: the pattern is none.
        ValidationException: the event is no JSON object.
    """
    try:
        pattern = parse_pattern(request.event_pattern)
    except PatternError as error:
        raise InvalidEventPatternException(error.reason) from error
    try:
        event = loads(request.event)
    except BrokenJSON as error:
        raise ValidationException("Parameter Event is not valid.") from error
    if not isinstance(event, dict):
        raise ValidationException("Parameter Event is not valid.")
    return {"Result": matches(pattern, event)}
