"""Vended logs: what services log of their resources, delivered to log groups.

A source names a resource and a type of its logs, a destination a log group, a delivery joins one of each. The services that
have logs here are EventBridge's buses; log groups are the only destinations.

Source: CloudWatch Logs API Reference, PutDeliverySource, PutDeliveryDestination, CreateDelivery, GetDelivery, DescribeDeliveries,
DeleteDelivery and their kin; https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AWS-logs-and-resource-policy.html
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.base.errors import NotImplementedHere, ServiceError, ValidationException
from interstate.services.logs.streams import Event, write
from interstate.store.ports import Work
from interstate.store.records.logs import GROUPS
from interstate.store.records.logs_vended import (
    DELIVERIES,
    DELIVERIES_OF_RESOURCE,
    DELIVERIES_OF_SCOPE,
    DESTINATIONS,
    DESTINATIONS_OF_SCOPE,
    SOURCES,
    SOURCES_OF_RESOURCE,
    SOURCES_OF_SCOPE,
    DeliveryDestination,
    DeliverySource,
    LogDelivery,
)

PAGE = 50
DELIVERIES_OF_RESOURCE_MAX = 30
"""Three types of logs, and some destinations of each."""
LOG_TYPES = {"events": ("ERROR_LOGS", "INFO_LOGS", "TRACE_LOGS")}
"""Types of logs of the services that have any.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-logs.html
"""
_FIELDS = (
    *("resource_arn", "message_timestamp_ms", "event_bus_name", "request_id", "event_id", "invocation_id"),
    *("message_type", "log_level", "details", "error", "dropped_fields"),
)


class ConflictException(ServiceError):
    """It is there already, or something still needs it."""


class MissingDelivery(ServiceError):
    """There is no such source, destination or delivery."""

    code = "ResourceNotFoundException"


class PutDeliverySource(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    resource_arn: str
    log_type: str
    tags: dict[str, str] = {}
    delivery_source_configuration: dict[str, str] = {}


class DestinationConfiguration(msgspec.Struct, frozen=True, rename="camel"):
    destination_resource_arn: str


class PutDeliveryDestination(msgspec.Struct, frozen=True, rename="camel"):
    name: str
    output_format: str | None = None
    delivery_destination_configuration: DestinationConfiguration | None = None
    delivery_destination_type: str | None = None
    tags: dict[str, str] = {}


class CreateDelivery(msgspec.Struct, frozen=True, rename="camel"):
    delivery_source_name: str
    delivery_destination_arn: str
    record_fields: list[str] = []
    field_delimiter: str | None = None
    s3_delivery_configuration: dict[str, Any] | None = msgspec.field(name="s3DeliveryConfiguration", default=None)
    tags: dict[str, str] = {}


class Named(msgspec.Struct, frozen=True):
    name: str


class Identified(msgspec.Struct, frozen=True):
    id: str


class Listing(msgspec.Struct, frozen=True, rename="camel"):
    next_token: str = ""
    limit: int = PAGE


def _scope(caller: Caller) -> str:
    return f"{caller.account}/{caller.region}"


def put_delivery_source(request: PutDeliverySource, work: Work) -> dict[str, Any]:
    """Make a source, or name its resource anew.

    Raises:
        ValidationException: the resource has no logs of this type.
        ConflictException: the resource has another source of this type.
        NotImplementedHere: a service whose logs are not here.
    """
    arn = parse_arn(request.resource_arn)
    if arn is None:
        raise ValidationException(f"The resource ARN {request.resource_arn} is not valid.")
    types = LOG_TYPES.get(arn.service)
    if types is None or not arn.resource.startswith("event-bus/"):
        raise NotImplementedHere(f"vended logs of {arn.service}")
    if request.log_type not in types:
        raise ValidationException(
            f"The log type {request.log_type} is not valid for the resource. Valid types are {', '.join(types)}."
        )
    scope = _scope(work.caller)
    place = {"scope": scope, "resource": request.resource_arn, "log_type": request.log_type}
    others = work.select(SOURCES_OF_RESOURCE, limit=1, **place)
    if others and others[0].name != request.name:
        raise ConflictException("This ResourceId has already been used in another Delivery Source in this account")
    before = work.get(SOURCES, scope, request.name)
    tags = request.tags or (before.tags if before is not None else {})
    source = DeliverySource(scope, request.name, request.resource_arn, arn.service, request.log_type, tags)
    if before is not None and before != source and _deliveries(work, source=request.name):
        raise ConflictException("Delivery Source is used by a Delivery and cannot be changed.")
    work.put(SOURCES, source)
    return {"deliverySource": _shown_source(source, work)}


def _shown_source(source: DeliverySource, work: Work) -> dict[str, Any]:
    shown = {
        "name": source.name,
        "arn": work.caller.arn("logs", f"delivery-source:{source.name}"),
        "resourceArns": [source.resource],
        "service": source.service,
        "logType": source.log_type,
    }
    return {**shown, "tags": source.tags} if source.tags else shown


def put_delivery_destination(request: PutDeliveryDestination, work: Work) -> dict[str, Any]:
    """Make a destination, or give it another log group.

    Raises:
        ValidationException: no log group is named, or it does not exist.
        NotImplementedHere: a bucket, a delivery stream or X-Ray.
    """
    configuration = request.delivery_destination_configuration
    if configuration is None:
        raise ValidationException("deliveryDestinationConfiguration is required.")
    arn = parse_arn(configuration.destination_resource_arn)
    if request.delivery_destination_type not in (None, "CWL") or (arn is not None and arn.service != "logs"):
        raise NotImplementedHere("vended logs to anything but log groups")
    group_arn = configuration.destination_resource_arn.removesuffix(":*")
    if work.get(GROUPS, group_arn) is None:
        raise ValidationException("The specified log group does not exist.")
    scope = _scope(work.caller)
    before = work.get(DESTINATIONS, scope, request.name)
    tags = request.tags or (before.tags if before is not None else {})
    destination = DeliveryDestination(scope, request.name, group_arn, request.output_format, tags)
    work.put(DESTINATIONS, destination)
    destination_arn = work.caller.arn("logs", f"delivery-destination:{request.name}")
    for delivery in _deliveries(work, destination=destination_arn):
        work.put(DELIVERIES, msgspec.structs.replace(delivery, group_arn=group_arn))
    return {"deliveryDestination": _shown_destination(destination, work)}


def _shown_destination(destination: DeliveryDestination, work: Work) -> dict[str, Any]:
    shown = {
        "name": destination.name,
        "arn": work.caller.arn("logs", f"delivery-destination:{destination.name}"),
        "deliveryDestinationType": "CWL",
        "outputFormat": destination.output_format,
        "deliveryDestinationConfiguration": {"destinationResourceArn": destination.group_arn + ":*"},
        "tags": destination.tags or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def create_delivery(request: CreateDelivery, work: Work) -> dict[str, Any]:
    """Let a source's logs go to a destination.

    Raises:
        MissingDelivery: there is no such source or destination.
        ConflictException: the two are joined already.
        ValidationException: a field that its records do not have.
    """
    scope = _scope(work.caller)
    source = work.get(SOURCES, scope, request.delivery_source_name)
    if source is None:
        raise MissingDelivery(f"Delivery Source {request.delivery_source_name} does not exist.")
    name = request.delivery_destination_arn.rpartition(":delivery-destination:")[2]
    place = parse_arn(request.delivery_destination_arn)
    destination = None if place is None else work.get(DESTINATIONS, f"{place.account}/{place.region}", name)
    if destination is None:
        raise MissingDelivery(f"Delivery Destination {request.delivery_destination_arn} does not exist.")
    if _deliveries(work, source=source.name, destination=request.delivery_destination_arn):
        raise ConflictException("Delivery already exists for the given delivery source and delivery destination.")
    unknown = [field for field in request.record_fields if field not in _FIELDS]
    if unknown:
        raise ValidationException(f"Record fields {', '.join(unknown)} are not supported for the delivery source.")
    delivery = LogDelivery(
        id=work.entropy.text(16),
        scope=scope,
        source=source.name,
        destination_arn=request.delivery_destination_arn,
        resource=source.resource,
        log_type=source.log_type,
        group_arn=destination.group_arn,
        record_fields=request.record_fields,
        field_delimiter=request.field_delimiter,
        tags=request.tags,
    )
    work.put(DELIVERIES, delivery)
    return {"delivery": _shown(delivery, work)}


def _shown(delivery: LogDelivery, work: Work) -> dict[str, Any]:
    shown = {
        "id": delivery.id,
        "arn": work.caller.arn("logs", f"delivery:{delivery.id}"),
        "deliverySourceName": delivery.source,
        "deliveryDestinationArn": delivery.destination_arn,
        "deliveryDestinationType": "CWL",
        "recordFields": delivery.record_fields or None,
        "fieldDelimiter": delivery.field_delimiter,
        "tags": delivery.tags or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _deliveries(work: Work, *, source: str | None = None, destination: str | None = None) -> list[LogDelivery]:
    rows = work.select(DELIVERIES_OF_SCOPE, limit=1_000, scope=_scope(work.caller), after="")
    return [
        row
        for row in rows
        if (source is None or row.source == source) and (destination is None or row.destination_arn == destination)
    ]


def get_delivery(request: Identified, work: Work) -> dict[str, Any]:
    """One delivery.

    Raises:
        MissingDelivery: there is none of this id.
    """
    return {"delivery": _shown(_delivery(request.id, work), work)}


def _delivery(delivery_id: str, work: Work) -> LogDelivery:
    delivery = work.get(DELIVERIES, delivery_id)
    if delivery is None or delivery.scope != _scope(work.caller):
        raise MissingDelivery(f"Delivery {delivery_id} does not exist.")
    return delivery


def delete_delivery(request: Identified, work: Work) -> None:
    """End a delivery; its source and destination stay.

    Raises:
        MissingDelivery: there is none of this id.
    """
    work.delete(DELIVERIES, _delivery(request.id, work).id)


def describe_deliveries(request: Listing, work: Work) -> dict[str, Any]:
    """The deliveries of the account and region."""
    rows = work.select(
        DELIVERIES_OF_SCOPE, limit=request.limit + 1, scope=_scope(work.caller), after=request.next_token
    )
    return _page("deliveries", [(row.id, _shown(row, work)) for row in rows], request.limit)


def _page(name: str, rows: Sequence[tuple[str, dict[str, Any]]], limit: int) -> dict[str, Any]:
    answer: dict[str, Any] = {name: [shown for _, shown in rows[:limit]]}
    return {**answer, "nextToken": rows[limit - 1][0]} if len(rows) > limit else answer


def get_delivery_source(request: Named, work: Work) -> dict[str, Any]:
    """One source.

    Raises:
        MissingDelivery: there is none of this name.
    """
    return {"deliverySource": _shown_source(_source(request.name, work), work)}


def _source(name: str, work: Work) -> DeliverySource:
    source = work.get(SOURCES, _scope(work.caller), name)
    if source is None:
        raise MissingDelivery(f"Delivery Source {name} does not exist.")
    return source


def delete_delivery_source(request: Named, work: Work) -> None:
    """Delete a source that no delivery has.

    Raises:
        MissingDelivery: there is none of this name.
        ConflictException: a delivery has it.
    """
    source = _source(request.name, work)
    if _deliveries(work, source=source.name):
        raise ConflictException("Delivery Source is used by a Delivery and cannot be deleted.")
    work.delete(SOURCES, source.scope, source.name)


def describe_delivery_sources(request: Listing, work: Work) -> dict[str, Any]:
    """The sources of the account and region, by name."""
    rows = work.select(SOURCES_OF_SCOPE, limit=request.limit + 1, scope=_scope(work.caller), after=request.next_token)
    return _page("deliverySources", [(row.name, _shown_source(row, work)) for row in rows], request.limit)


def get_delivery_destination(request: Named, work: Work) -> dict[str, Any]:
    """One destination.

    Raises:
        MissingDelivery: there is none of this name.
    """
    return {"deliveryDestination": _shown_destination(_destination(request.name, work), work)}


def _destination(name: str, work: Work) -> DeliveryDestination:
    destination = work.get(DESTINATIONS, _scope(work.caller), name)
    if destination is None:
        raise MissingDelivery(f"Delivery Destination {name} does not exist.")
    return destination


def delete_delivery_destination(request: Named, work: Work) -> None:
    """Delete a destination that no delivery has.

    Raises:
        MissingDelivery: there is none of this name.
        ConflictException: a delivery has it.
    """
    destination = _destination(request.name, work)
    if _deliveries(work, destination=work.caller.arn("logs", f"delivery-destination:{request.name}")):
        raise ConflictException("Delivery Destination is used by a Delivery and cannot be deleted.")
    work.delete(DESTINATIONS, destination.scope, destination.name)


def describe_delivery_destinations(request: Listing, work: Work) -> dict[str, Any]:
    """The destinations of the account and region, by name."""
    rows = work.select(
        DESTINATIONS_OF_SCOPE, limit=request.limit + 1, scope=_scope(work.caller), after=request.next_token
    )
    shown = [(row.name, _shown_destination(row, work)) for row in rows]
    return _page("deliveryDestinations", shown, request.limit)


# Writing ----------------------------------------------------------------------------------------------------------


def deliver(resource: str, stream: str, events: Iterable[tuple[str, int, dict[str, Any]]], work: Work) -> None:
    """Write what a resource logs, as (type of log, milliseconds, record), wherever deliveries of it go."""
    found = work.select(DELIVERIES_OF_RESOURCE, limit=DELIVERIES_OF_RESOURCE_MAX, resource=resource)
    taken: dict[str, list[Event]] = {}
    for log_type, at, record in events:
        for delivery in found:
            if delivery.log_type == log_type:
                wanted = delivery.record_fields
                shown = {name: record[name] for name in record if not wanted or name in wanted}
                taken.setdefault(delivery.group_arn, []).append((at, msgspec.json.encode(shown).decode()))
    for group_arn, written in taken.items():
        if work.get(GROUPS, group_arn) is not None:  # A log group that was deleted gets nothing; nobody fails for it.
            write(work, caller_of(group_arn), group_arn.partition(":log-group:")[2], stream, written)
