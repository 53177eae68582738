"""Partner event sources: made by a partner, matched with a bus of the same name by the customer.

Whoever calls is the partner of the sources that it makes, and the customer of those that were made for it. A source that no
bus was made for within two weeks is deleted.

Source: EventBridge API Reference, CreatePartnerEventSource, DeletePartnerEventSource, DescribePartnerEventSource,
ListPartnerEventSources, ListPartnerEventSourceAccounts, ActivateEventSource, DeactivateEventSource, DescribeEventSource,
ListEventSources, PutPartnerEvents; https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-saas.html
"""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError, ValidationException
from interstate.core.events.envelope import Entry, Fault, envelope, fit, read_detail
from interstate.core.events.errors import ResourceAlreadyExistsException, ResourceNotFoundException
from interstate.core.events.limits import ENTRIES_SIZE_BYTES_MAX
from interstate.services.events.locate import bus_arn, find_bus
from interstate.services.events.log_upkeep import SWEEP_KEY
from interstate.services.events.outcomes import NAMESPACE
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import Sender
from interstate.store.ports import Work
from interstate.store.records.events_endpoints import (
    ACCOUNTS_OF_SOURCE,
    ACTIVE,
    DELETED,
    PARTNER_SOURCES,
    PENDING,
    SOURCES_OF_CUSTOMER,
    SOURCES_OF_PARTNER,
    PartnerSource,
    SourceExpiry,
)
from interstate.store.tables import Key

EXPIRY = "events.source_expiry"
_LIFE = timedelta(days=14)


class InvalidStateException(ServiceError):
    """The source is in a state that does not allow it."""

    def __init__(self, name: str, state: str) -> None:
        super().__init__(f"Event source {name} is in the state {state}.")


class SourceOf(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    account: str


class SourceRequest(msgspec.Struct, frozen=True, rename="pascal"):
    name: str


class ListSources(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    next_token: str | None = None
    limit: int = PAGE_MAX


class ListAccounts(msgspec.Struct, frozen=True, rename="pascal"):
    event_source_name: str
    next_token: str | None = None
    limit: int = PAGE_MAX


class PutPartnerEvents(msgspec.Struct, frozen=True, rename="pascal"):
    entries: list[Entry]


def _arn(name: str, work: Work) -> str:
    return f"arn:aws:events:{work.caller.region}::event-source/{name}"


# The partner's side ---------------------------------------------------------------------------------------------------


def create_partner_event_source(request: SourceOf, work: Work) -> dict[str, Any]:
    """Offer an event source to an account.

    Raises:
        ResourceAlreadyExistsException: it was offered to that account before.
    """
    if work.get(PARTNER_SOURCES, work.caller.region, request.name, request.account) is not None:
        raise ResourceAlreadyExistsException("Event source", request.name)
    source = PartnerSource(
        arn=_arn(request.name, work),
        account=request.account,
        region=work.caller.region,
        name=request.name,
        partner=work.caller.account,
        state=PENDING,
        created=work.now,
        expires=work.now + _LIFE,
    )
    work.put(PARTNER_SOURCES, source)
    work.later(EXPIRY, SourceExpiry(source.region, source.name, source.account), at=source.expires)
    return {"EventSourceArn": source.arn}


def expire_source(body: SourceExpiry, work: Work) -> None:
    """Delete a source that no bus was made for in time."""
    source = work.get(PARTNER_SOURCES, body.region, body.name, body.account)
    if source is not None and source.state == PENDING and source.expires is not None and source.expires <= work.now:
        work.put(PARTNER_SOURCES, msgspec.structs.replace(source, state=DELETED))


def delete_partner_event_source(request: SourceOf, work: Work) -> None:
    """Withdraw a source; the customer's bus stays and gets nothing more. One that is not there is no error."""
    source = work.get(PARTNER_SOURCES, work.caller.region, request.name, request.account)
    if source is not None and source.partner == work.caller.account:
        work.delete(PARTNER_SOURCES, source.region, source.name, source.account)


def describe_partner_event_source(request: SourceRequest, work: Work) -> dict[str, Any]:
    """One of the caller's sources.

    Raises:
        ResourceNotFoundException: the caller made no such source.
    """
    if not any(source.partner == work.caller.account for source in _offers(request.name, work, 1)):
        raise ResourceNotFoundException.event_source(request.name)
    return {"Arn": _arn(request.name, work), "Name": request.name}


def _offers(name: str, work: Work, limit: int, begin: str = "") -> list[PartnerSource]:
    return work.select(ACCOUNTS_OF_SOURCE, limit=limit, region=work.caller.region, name=name, after=begin)


def list_partner_event_sources(request: ListSources, work: Work) -> dict[str, Any]:
    """The caller's sources whose names begin so."""
    rows = work.select(
        SOURCES_OF_PARTNER,
        limit=request.limit + 1,
        partner=work.caller.account,
        region=work.caller.region,
        prefix=request.name_prefix,
        after=after(request.next_token),
    )
    names = list(dict.fromkeys(row.name for row in rows if row.name.startswith(request.name_prefix)))
    taken, token = page(names, request.limit, str)
    return {"PartnerEventSources": [{"Arn": _arn(name, work), "Name": name} for name in taken], **token}


def list_partner_event_source_accounts(request: ListAccounts, work: Work) -> dict[str, Any]:
    """To whom a source is offered.

    Raises:
        ResourceNotFoundException: the caller made no such source.
    """
    name = request.event_source_name
    rows = _offers(name, work, request.limit + 1, after(request.next_token))
    if not any(source.partner == work.caller.account for source in _offers(name, work, 1)):
        raise ResourceNotFoundException.event_source(name)
    taken, token = page(rows, request.limit, lambda row: row.account)
    return {"PartnerEventSourceAccounts": [_account(row) for row in taken], **token}


def _account(source: PartnerSource) -> dict[str, Any]:
    members = {
        "Account": source.account,
        "CreationTime": source.created,
        "ExpirationTime": source.expires,
        "State": source.state,
    }
    return {name: value for name, value in members.items() if value is not None}


def keys_of_put_partner_events(_request: PutPartnerEvents, _caller: Caller) -> Iterable[Key]:
    """The log's upkeep."""
    return [SWEEP_KEY]


def put_partner_events(request: PutPartnerEvents, work: Work, cache: RoutesCache) -> dict[str, Any]:
    """Put events of the caller's sources onto the buses of all accounts that matched them.

    Raises:
        ValidationException: the entries together are too large.
    """
    if not fit(request.entries, ENTRIES_SIZE_BYTES_MAX):
        raise ValidationException("Total size of the entries in the request is over the limit.")
    sender = Sender(work, cache)
    results = [_put(entry, work, sender) for entry in request.entries]
    sender.close()
    return {"FailedEntryCount": sum("ErrorCode" in result for result in results), "Entries": results}


def _put(entry: Entry, work: Work, sender: Sender) -> dict[str, str]:
    detail = read_detail(entry, partner=True)
    if isinstance(detail, Fault):
        return {"ErrorCode": detail.code, "ErrorMessage": detail.message}
    assert entry.source is not None, entry
    assert entry.detail_type is not None, entry
    offers = [offer for offer in _offers(entry.source, work, 1_000) if offer.partner == work.caller.account]
    if not offers:
        message = f"Event source {entry.source} does not exist."
        return {"ErrorCode": "ResourceNotFoundException", "ErrorMessage": message}
    number = ""
    for offer in offers:
        customer = Caller(offer.account, offer.region)
        bus = find_bus(bus_arn(offer.name, customer), work)
        if offer.state != ACTIVE or bus is None:
            continue
        event = envelope(
            event_id=number,
            detail_type=entry.detail_type,
            source=entry.source,
            account=offer.account,
            time=entry.time or work.now,
            region=offer.region,
            resources=entry.resources,
            detail=detail,
        )
        number = sender.send(bus, event, keep_id=bool(number))
        work.measure(NAMESPACE, "Events", (("EventSourceName", offer.name),), caller=customer)
    return {"EventId": number or work.entropy.uuid()}


# The customer's side --------------------------------------------------------------------------------------------------


def source_for(name: str, work: Work) -> PartnerSource:
    """The source of this name that was offered to the caller.

    Raises:
        ResourceNotFoundException: none was.
    """
    source = work.get(PARTNER_SOURCES, work.caller.region, name, work.caller.account)
    if source is None:
        raise ResourceNotFoundException.event_source(name)
    return source


def match_with_bus(name: str, work: Work) -> None:
    """A bus of the source's name was made: the source is active from now on.

    Raises:
        ResourceNotFoundException: no such source was offered to the caller.
        InvalidStateException: it was deleted.
    """
    source = source_for(name, work)
    if source.state == DELETED:
        raise InvalidStateException(name, source.state)
    work.put(PARTNER_SOURCES, msgspec.structs.replace(source, state=ACTIVE, expires=None))


def bus_is_gone(name: str, work: Work) -> None:
    """The bus of a partner was deleted: its source waits for another one."""
    source = work.get(PARTNER_SOURCES, work.caller.region, name, work.caller.account)
    if source is not None and source.state == ACTIVE:
        work.put(PARTNER_SOURCES, _waiting(source, work))


def _waiting(source: PartnerSource, work: Work) -> PartnerSource:
    waiting = msgspec.structs.replace(source, state=PENDING, expires=work.now + _LIFE)
    work.later(EXPIRY, SourceExpiry(source.region, source.name, source.account), at=waiting.expires)
    return waiting


def activate_event_source(request: SourceRequest, work: Work) -> None:
    """Take events of a source again.

    Raises:
        ResourceNotFoundException: no such source was offered to the caller.
        InvalidStateException: it has no bus yet, or was deleted.
    """
    source = source_for(request.name, work)
    if source.state == ACTIVE:
        return
    if source.state == DELETED or find_bus(bus_arn(request.name, work.caller), work) is None:
        raise InvalidStateException(source.name, source.state)
    work.put(PARTNER_SOURCES, msgspec.structs.replace(source, state=ACTIVE, expires=None))


def deactivate_event_source(request: SourceRequest, work: Work) -> None:
    """Take no events of a source for a while; after two weeks it is deleted.

    Raises:
        ResourceNotFoundException: no such source was offered to the caller.
        InvalidStateException: it is not active.
    """
    source = source_for(request.name, work)
    if source.state != ACTIVE:
        raise InvalidStateException(source.name, source.state)
    work.put(PARTNER_SOURCES, _waiting(source, work))


def describe_event_source(request: SourceRequest, work: Work) -> dict[str, Any]:
    """A source that was offered to the caller.

    Raises:
        ResourceNotFoundException: none was, of this name.
    """
    return _described(source_for(request.name, work))


def _described(source: PartnerSource) -> dict[str, Any]:
    members = {
        "Arn": source.arn,
        "CreatedBy": source.partner,
        "CreationTime": source.created,
        "ExpirationTime": source.expires,
        "Name": source.name,
        "State": source.state,
    }
    return {name: value for name, value in members.items() if value is not None}


def list_event_sources(request: ListSources, work: Work) -> dict[str, Any]:
    """The sources that were offered to the caller."""
    rows = work.select(
        SOURCES_OF_CUSTOMER,
        limit=request.limit + 1,
        account=work.caller.account,
        region=work.caller.region,
        prefix=request.name_prefix,
        after=after(request.next_token),
    )
    found = [row for row in rows if row.name.startswith(request.name_prefix)]
    taken, token = page(found, request.limit, lambda row: row.name)
    return {"EventSources": [_described(row) for row in taken], **token}
