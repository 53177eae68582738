"""API destinations: HTTP endpoints as targets.

Source: EventBridge API Reference, CreateApiDestination, UpdateApiDestination, DeleteApiDestination, DescribeApiDestination,
ListApiDestinations; ``core.events.errors`` for the words.
"""

from typing import Any

import msgspec

from interstate.core.events.errors import (
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.limits import API_DESTINATION_RATE, API_DESTINATIONS_MAX
from interstate.services.events.locate import scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.store.ports import Work
from interstate.store.records.events_connections import (
    API_DESTINATIONS,
    AUTHORIZED,
    CONNECTIONS,
    DESTINATION_NAMED,
    DESTINATIONS_OF_SCOPE,
    ApiDestination,
    Connection,
)


class CreateApiDestination(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    connection_arn: str
    invocation_endpoint: str
    http_method: str
    description: str | None = None
    invocation_rate_limit_per_second: int = API_DESTINATION_RATE


class UpdateApiDestination(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    description: str | None = None
    connection_arn: str | None = None
    invocation_endpoint: str | None = None
    http_method: str | None = None
    invocation_rate_limit_per_second: int | None = None


class DestinationRequest(msgspec.Struct, frozen=True, rename="pascal"):
    name: str


class ListApiDestinations(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    connection_arn: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def find_destination(arn: str, work: Work) -> ApiDestination | None:
    """The API destination with this ARN."""
    return work.get(API_DESTINATIONS, arn)


def _named(name: str, work: Work) -> ApiDestination | None:
    found = work.select(DESTINATION_NAMED, limit=1, scope=scope_of(work.caller), name=name)
    return found[0] if found else None


def _destination_at(name: str, verb: str, work: Work) -> ApiDestination:
    destination = _named(name, work)
    if destination is None:
        raise ResourceNotFoundException.api_destination(name, verb)
    return destination


def _connection(arn: str, work: Work) -> Connection:
    connection = work.get(CONNECTIONS, arn)
    if connection is None or connection.scope != scope_of(work.caller):
        raise ResourceNotFoundException.connection(arn.split("/")[1], "describe")
    return connection


def create_api_destination(request: CreateApiDestination, work: Work) -> dict[str, Any]:
    """Name an HTTP endpoint and the connection that it is called with.

    Raises:
        ResourceAlreadyExistsException: there is one of this name.
        ResourceNotFoundException: there is no such connection.
        LimitExceededException: the account has its API destinations.
    """
    connection = _connection(request.connection_arn, work)
    if _named(request.name, work) is not None:
        raise ResourceAlreadyExistsException("ApiDestination", request.name)
    scope = scope_of(work.caller)
    rows = work.select(DESTINATIONS_OF_SCOPE, limit=API_DESTINATIONS_MAX, scope=scope, after="", prefix="")
    if len(rows) >= API_DESTINATIONS_MAX:
        raise LimitExceededException
    destination = ApiDestination(
        arn=work.caller.arn("events", f"api-destination/{request.name}/{work.entropy.uuid()}"),
        scope=scope,
        name=request.name,
        connection=connection.arn,
        endpoint=request.invocation_endpoint,
        method=request.http_method,
        rate=request.invocation_rate_limit_per_second,
        created=work.now,
        modified=work.now,
        description=request.description,
    )
    work.put(API_DESTINATIONS, destination)
    return _answer(destination, work)


def _answer(destination: ApiDestination, work: Work) -> dict[str, Any]:
    connection = work.get(CONNECTIONS, destination.connection)
    active = connection is not None and connection.state == AUTHORIZED
    return {
        "ApiDestinationArn": destination.arn,
        "ApiDestinationState": "ACTIVE" if active else "INACTIVE",
        "CreationTime": destination.created,
        "LastModifiedTime": destination.modified,
    }


def update_api_destination(request: UpdateApiDestination, work: Work) -> dict[str, Any]:
    """Change an API destination; what is not named stays.

    Raises:
        ResourceNotFoundException: there is no such API destination or connection.
    """
    destination = _destination_at(request.name, "update", work)
    named = {
        "connection": None if request.connection_arn is None else _connection(request.connection_arn, work).arn,
        "endpoint": request.invocation_endpoint,
        "method": request.http_method,
        "rate": request.invocation_rate_limit_per_second,
        "description": request.description,
    }
    changes: dict[str, Any] = {name: value for name, value in named.items() if value is not None}
    destination = msgspec.structs.replace(destination, modified=work.now, **changes)
    work.put(API_DESTINATIONS, destination)
    return _answer(destination, work)


def delete_api_destination(request: DestinationRequest, work: Work) -> dict[str, Any]:
    """Delete an API destination; events on their way to it go to their dead-letter queue.

    Raises:
        ResourceNotFoundException: there is no such API destination.
    """
    destination = _destination_at(request.name, "delete", work)
    work.delete(API_DESTINATIONS, destination.arn)
    return {}


def describe_api_destination(request: DestinationRequest, work: Work) -> dict[str, Any]:
    """One API destination.

    Raises:
        ResourceNotFoundException: there is no such API destination.
    """
    destination = _destination_at(request.name, "describe", work)
    described = _listed(destination, work)
    if destination.description is not None:
        described["Description"] = destination.description
    return described


def _listed(destination: ApiDestination, work: Work) -> dict[str, Any]:
    return {
        **_answer(destination, work),
        "Name": destination.name,
        "ConnectionArn": destination.connection,
        "InvocationEndpoint": destination.endpoint,
        "HttpMethod": destination.method,
        "InvocationRateLimitPerSecond": destination.rate,
    }


def list_api_destinations(request: ListApiDestinations, work: Work) -> dict[str, Any]:
    """The API destinations of the account and region by name."""
    rows = work.select(
        DESTINATIONS_OF_SCOPE,
        limit=API_DESTINATIONS_MAX,
        scope=scope_of(work.caller),
        after=after(request.next_token),
        prefix=request.name_prefix,
    )
    found = [
        row
        for row in rows
        if row.name.startswith(request.name_prefix) and request.connection_arn in (None, row.connection)
    ]
    taken, token = page(found, request.limit, lambda row: row.name)
    return {"ApiDestinations": [_listed(row, work) for row in taken], **token}
