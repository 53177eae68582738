"""Global endpoints: one name for two buses in two regions.

Source: EventBridge API Reference, CreateEndpoint, UpdateEndpoint, DeleteEndpoint, DescribeEndpoint, ListEndpoints;
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-global-endpoints.html
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import ValidationException
from interstate.core.events.errors import (
    LimitExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.limits import ENDPOINTS_MAX
from interstate.services.events.locate import bus_name, find_bus, scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.store.ports import Work
from interstate.store.records.events_endpoints import ENDPOINTS, ENDPOINTS_OF_SCOPE, Endpoint


class Primary(msgspec.Struct, frozen=True, rename="pascal"):
    health_check: str


class Secondary(msgspec.Struct, frozen=True, rename="pascal"):
    route: str


class FailoverConfig(msgspec.Struct, frozen=True, rename="pascal"):
    primary: Primary
    secondary: Secondary


class RoutingConfig(msgspec.Struct, frozen=True, rename="pascal"):
    failover_config: FailoverConfig


class ReplicationConfig(msgspec.Struct, frozen=True, rename="pascal"):
    state: str = "ENABLED"


class EndpointBus(msgspec.Struct, frozen=True, rename="pascal"):
    event_bus_arn: str


class CreateEndpoint(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    routing_config: RoutingConfig
    event_buses: list[EndpointBus]
    description: str | None = None
    replication_config: ReplicationConfig = ReplicationConfig()
    role_arn: str | None = None


class UpdateEndpoint(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    description: str | None = None
    routing_config: RoutingConfig | None = None
    replication_config: ReplicationConfig | None = None
    event_buses: list[EndpointBus] | None = None
    role_arn: str | None = None


class EndpointRequest(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    home_region: str | None = None


class ListEndpoints(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    home_region: str | None = None
    next_token: str | None = None
    max_results: int = PAGE_MAX


def _arn(name: str, region: str | None, work: Work) -> str:
    return f"arn:aws:events:{region or work.caller.region}:{work.caller.account}:endpoint/{name}"


def _endpoint_at(name: str, region: str | None, work: Work) -> Endpoint:
    endpoint = work.get(ENDPOINTS, _arn(name, region, work))
    if endpoint is None:
        raise ResourceNotFoundException.endpoint(name)
    return endpoint


def create_endpoint(request: CreateEndpoint, work: Work) -> dict[str, Any]:
    """Make a global endpoint over two buses that have one name in two regions.

    Raises:
        ResourceAlreadyExistsException: there is one of this name.
        ValidationException: the buses are not such, or replication lacks its role.
        LimitExceededException: the account has its endpoints.
    """
    arn = _arn(request.name, None, work)
    if work.get(ENDPOINTS, arn) is not None:
        raise ResourceAlreadyExistsException("Endpoint", request.name)
    scope = scope_of(work.caller)
    if len(work.select(ENDPOINTS_OF_SCOPE, limit=ENDPOINTS_MAX, scope=scope, after="", prefix="")) >= ENDPOINTS_MAX:
        raise LimitExceededException
    failover = request.routing_config.failover_config
    endpoint = Endpoint(
        arn=arn,
        scope=scope,
        name=request.name,
        endpoint_id=f"{work.entropy.text(10)}.{work.entropy.text(3)}",
        health_check=failover.primary.health_check,
        secondary=failover.secondary.route,
        replicates=request.replication_config.state == "ENABLED",
        buses=[bus.event_bus_arn for bus in request.event_buses],
        created=work.now,
        modified=work.now,
        description=request.description,
        role_arn=request.role_arn,
    )
    endpoint = _checked(endpoint, work)
    work.put(ENDPOINTS, endpoint)
    return {**_config(endpoint), "Name": endpoint.name, "Arn": arn, "State": "CREATING"}


def _checked(endpoint: Endpoint, work: Work) -> Endpoint:
    """The endpoint with its bus of the home region first."""
    if endpoint.replicates and endpoint.role_arn is None:
        raise ValidationException("Parameter RoleArn is required when event replication is enabled.")
    for arn in endpoint.buses:
        if parse_arn(arn) is None:
            raise ValidationException(f"Parameter {arn} is not valid. Reason: Provided Arn is not in correct format.")
    places = [caller_of(arn) for arn in endpoint.buses]
    if {place.account for place in places} != {work.caller.account}:
        raise ValidationException("Parameter EventBuses is not valid. Reason: event buses must belong to the caller.")
    if len({bus_name(arn) for arn in endpoint.buses}) != 1:
        raise ValidationException("Parameter EventBuses is not valid. Reason: event buses must have the same name.")
    if {place.region for place in places} != {work.caller.region, endpoint.secondary} or len(places) != 2:
        raise ValidationException(
            "Parameter EventBuses is not valid. Reason: one event bus must be in the primary Region, the other in the secondary Region."
        )
    for arn in endpoint.buses:
        if find_bus(arn, work) is None:
            raise ResourceNotFoundException.bus(bus_name(arn))
    ordered = sorted(endpoint.buses, key=lambda arn: caller_of(arn).region != work.caller.region)
    return msgspec.structs.replace(endpoint, buses=ordered)


def _config(endpoint: Endpoint) -> dict[str, Any]:
    failover = {"Primary": {"HealthCheck": endpoint.health_check}, "Secondary": {"Route": endpoint.secondary}}
    config: dict[str, Any] = {
        "RoutingConfig": {"FailoverConfig": failover},
        "ReplicationConfig": {"State": "ENABLED" if endpoint.replicates else "DISABLED"},
        "EventBuses": [{"EventBusArn": arn} for arn in endpoint.buses],
    }
    return config if endpoint.role_arn is None else {**config, "RoleArn": endpoint.role_arn}


def update_endpoint(request: UpdateEndpoint, work: Work) -> dict[str, Any]:
    """Change a global endpoint; what is not named stays.

    Raises:
        ResourceNotFoundException: there is no such endpoint or bus.
        ValidationException: the buses do not fit, or replication lacks its role.
    """
    endpoint = _endpoint_at(request.name, None, work)
    failover = None if request.routing_config is None else request.routing_config.failover_config
    replication = request.replication_config
    changes: dict[str, Any] = {
        "description": request.description,
        "health_check": None if failover is None else failover.primary.health_check,
        "secondary": None if failover is None else failover.secondary.route,
        "replicates": None if replication is None else replication.state == "ENABLED",
        "buses": None if request.event_buses is None else [bus.event_bus_arn for bus in request.event_buses],
        "role_arn": request.role_arn,
    }
    named = {name: value for name, value in changes.items() if value is not None}
    endpoint = _checked(msgspec.structs.replace(endpoint, modified=work.now, **named), work)
    work.put(ENDPOINTS, endpoint)
    return {**_config(endpoint), **_place(endpoint), "State": "UPDATING"}


def _place(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "Name": endpoint.name,
        "Arn": endpoint.arn,
        "EndpointId": endpoint.endpoint_id,
        "EndpointUrl": f"https://{endpoint.endpoint_id}.endpoint.events.amazonaws.com",
    }


def delete_endpoint(request: EndpointRequest, work: Work) -> dict[str, Any]:
    """Delete a global endpoint; its buses stay.

    Raises:
        ResourceNotFoundException: there is no such endpoint.
    """
    work.delete(ENDPOINTS, _endpoint_at(request.name, None, work).arn)
    return {}


def describe_endpoint(request: EndpointRequest, work: Work) -> dict[str, Any]:
    """One global endpoint, of this region or of ``HomeRegion``.

    Raises:
        ResourceNotFoundException: there is no such endpoint.
    """
    return _described(_endpoint_at(request.name, request.home_region, work))


def _described(endpoint: Endpoint) -> dict[str, Any]:
    described = {
        **_config(endpoint),
        **_place(endpoint),
        "State": "ACTIVE",
        "CreationTime": endpoint.created,
        "LastModifiedTime": endpoint.modified,
    }
    return described if endpoint.description is None else {**described, "Description": endpoint.description}


def list_endpoints(request: ListEndpoints, work: Work) -> dict[str, Any]:
    """The global endpoints of the account whose home is this region or ``HomeRegion``."""
    rows = work.select(
        ENDPOINTS_OF_SCOPE,
        limit=ENDPOINTS_MAX,
        scope=f"{work.caller.account}/{request.home_region or work.caller.region}",
        after=after(request.next_token),
        prefix=request.name_prefix,
    )
    found = [row for row in rows if row.name.startswith(request.name_prefix)]
    taken, token = page(found, request.max_results, lambda row: row.name)
    return {"Endpoints": [_described(row) for row in taken], **token}
