"""Buses and who may put events on them.

Source: EventBridge API Reference, CreateEventBus, UpdateEventBus, DeleteEventBus, PutPermission, RemovePermission.
"""

from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.base.json import BrokenJSON, JSONObject, dumps, loads
from interstate.core.events.errors import (
    LimitExceededException,
    PolicyLengthExceededException,
    ResourceAlreadyExistsException,
    ResourceNotFoundException,
)
from interstate.core.events.keys import is_key
from interstate.core.events.limits import ARCHIVES_PER_BUS_MAX, BUSES_MAX, POLICY_CHARS_MAX
from interstate.core.events.policy import statement, with_statement, without_statement
from interstate.services.events.dead_letters import check_dead_letter_arn
from interstate.services.events.locate import DEFAULT, bus_arn, bus_at, bus_name, scope_of
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.partners import bus_is_gone, match_with_bus
from interstate.services.events.routing import changed
from interstate.services.events.rules import quota
from interstate.services.events.tags import Tag, tags_of
from interstate.store.ports import Work
from interstate.store.records.events import ARCHIVES_OF_BUS, BUS_COUNT, BUSES, BUSES_OF_SCOPE, RULES_OF_BUS, Bus

BUSES_QUOTA = "quota.events.buses"
"""The setting of an instance that stands in for a raised quota."""


class DeadLetterConfig(msgspec.Struct, frozen=True, rename="pascal"):
    arn: str | None = None


class CreateEventBus(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    event_source_name: str | None = None
    description: str | None = None
    kms_key_identifier: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    log_config: dict[str, str] | None = None
    tags: list[Tag] = []


class UpdateEventBus(msgspec.Struct, frozen=True, rename="pascal"):
    name: str = DEFAULT
    kms_key_identifier: str | None = None
    description: str | None = None
    dead_letter_config: DeadLetterConfig | None = None
    log_config: dict[str, str] | None = None


class DescribeEventBus(msgspec.Struct, frozen=True, rename="pascal"):
    name: str | None = None


class ListEventBuses(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    next_token: str | None = None
    limit: int = PAGE_MAX


class Condition(msgspec.Struct, frozen=True, rename="pascal"):
    type: str
    key: str
    value: str


class PutPermission(msgspec.Struct, frozen=True, rename="pascal"):
    event_bus_name: str | None = None
    action: str | None = None
    principal: str | None = None
    statement_id: str | None = None
    condition: Condition | None = None
    policy: str | None = None


class RemovePermission(msgspec.Struct, frozen=True, rename="pascal"):
    statement_id: str | None = None
    remove_all_permissions: bool = False
    event_bus_name: str | None = None


def create_event_bus(request: CreateEventBus, work: Work) -> dict[str, Any]:
    """Make a bus.

    Raises:
        ResourceAlreadyExistsException: there is one of this name.
        LimitExceededException: the account has its 100 buses.
        ValidationException: its name, key or dead-letter queue cannot be.
    """
    if request.event_source_name is not None:
        if request.event_source_name != request.name:
            raise ValidationException("Event bus name must be the same as the name of its event source.")
        match_with_bus(request.event_source_name, work)
    elif "/" in request.name:
        raise ValidationException("Event bus name must not contain '/'.")
    arn = bus_arn(request.name, work.caller)
    scope = scope_of(work.caller)
    if request.name == DEFAULT or work.get(BUSES, arn) is not None:
        raise ResourceAlreadyExistsException("Event bus", request.name)
    if work.scalar(BUS_COUNT, scope=scope) >= quota(BUSES_QUOTA, BUSES_MAX, work):
        raise LimitExceededException
    bus = Bus(
        arn=arn,
        scope=scope,
        name=request.name,
        created=work.now,
        modified=work.now,
        tags=tags_of(request.tags),
        **_checked(request, work),
    )
    work.put(BUSES, bus)
    archives = work.select(ARCHIVES_OF_BUS, limit=ARCHIVES_PER_BUS_MAX, bus=arn)
    if archives:  # They outlived an earlier bus of this name.
        changed(bus, archives, work)
    return {"EventBusArn": arn, **_settings(bus)}


def update_event_bus(request: UpdateEventBus, work: Work) -> dict[str, Any]:
    """Change a bus's description, key, dead-letter queue or log settings; what is not named stays.

    Raises:
        ResourceNotFoundException: there is no such bus.
        ValidationException: its key or dead-letter queue cannot be.
    """
    bus = bus_at(request.name, work)
    named = _checked(request, work)
    bus = msgspec.structs.replace(bus, modified=work.now, created=bus.created or work.now, **named)
    work.put(BUSES, bus)
    return {"Arn": bus.arn, "Name": bus.name, **_settings(bus)}


def _checked(request: CreateEventBus | UpdateEventBus, work: Work) -> dict[str, Any]:
    """The settings that a request names, as they are kept.

    An empty key means AWS's own again; a dead-letter queue without an ARN means none. A log is merged into what the bus has.

    Raises:
        ValidationException: what names a key, or a queue, names none.
    """
    named: dict[str, Any] = {}
    if request.description is not None:
        named["description"] = request.description
    if request.kms_key_identifier is not None:
        if request.kms_key_identifier and not is_key(request.kms_key_identifier):
            raise ValidationException(
                "Parameter KmsKeyIdentifier is not valid. Reason: KmsKeyIdentifier must be a key ARN, key ID, key alias, or "
                "key alias ARN."
            )
        named["kms_key"] = request.kms_key_identifier or None
    if request.dead_letter_config is not None:
        arn = request.dead_letter_config.arn
        if arn is not None:
            check_dead_letter_arn(arn, work.caller.region)
        named["dead_letter_arn"] = arn
    if request.log_config is not None:
        named["log_config"] = request.log_config
    return named


def _settings(bus: Bus) -> dict[str, Any]:
    members = {
        "Description": bus.description,
        "KmsKeyIdentifier": bus.kms_key,
        "DeadLetterConfig": {"Arn": bus.dead_letter_arn} if bus.dead_letter_arn else None,
        "LogConfig": bus.log_config,
    }
    return {name: value for name, value in members.items() if value is not None}


def delete_event_bus(request: DescribeEventBus, work: Work) -> None:
    """Delete a bus that has no rules; a bus that is not there is no error.

    Raises:
        ValidationException: it is the default bus, or has rules.
    """
    arn = bus_arn(request.name, work.caller)
    if bus_name(arn) == DEFAULT:
        raise ValidationException("Cannot delete event bus default.")
    if work.select(RULES_OF_BUS, limit=1, bus=arn, after="", prefix=""):
        raise ValidationException("EventBus can't be deleted since it has rules.")
    work.delete(BUSES, arn)
    bus_is_gone(bus_name(arn), work)


def describe_event_bus(request: DescribeEventBus, work: Work) -> dict[str, Any]:
    """A bus with its policy.

    Raises:
        ResourceNotFoundException: there is no such bus.
    """
    bus = bus_at(request.name, work)
    return {**_listed(bus), **_settings(bus)}


def _listed(bus: Bus) -> dict[str, Any]:
    members = {
        "Name": bus.name,
        "Arn": bus.arn,
        "Description": bus.description,
        "Policy": dumps(bus.policy) if bus.policy else None,
        "CreationTime": bus.created,
        "LastModifiedTime": bus.modified or bus.created,
    }
    return {name: value for name, value in members.items() if value is not None}


def list_event_buses(request: ListEventBuses, work: Work) -> dict[str, Any]:
    """The buses of the account and region by name, the default bus among them."""
    begin = after(request.next_token)
    scope = scope_of(work.caller)
    rows = work.select(BUSES_OF_SCOPE, limit=request.limit + 1, scope=scope, after=begin, prefix=request.name_prefix)
    found = {bus.name: bus for bus in rows}
    if DEFAULT not in found and begin < DEFAULT >= request.name_prefix:
        found[DEFAULT] = bus_at(None, work)
    buses = [found[name] for name in sorted(found) if name.startswith(request.name_prefix)]
    taken, token = page(buses, request.limit, lambda bus: bus.name)
    return {"EventBuses": [_listed(bus) for bus in taken], **token}


def put_permission(request: PutPermission, work: Work) -> None:
    """Let an account, an organization or a policy's principals put events on a bus.

    Raises:
        ResourceNotFoundException: there is no such bus.
        ValidationException: neither a policy nor a whole statement is given.
        PolicyLengthExceededException: the policy would be longer than 10,240 characters.
    """
    bus = bus_at(request.event_bus_name, work)
    if request.policy is not None:
        policy = _read_policy(request.policy)
    else:
        policy = with_statement(bus.policy, _statement(request, bus))
    if len(dumps(policy)) > POLICY_CHARS_MAX:
        raise PolicyLengthExceededException
    work.put(BUSES, msgspec.structs.replace(bus, policy=policy, modified=work.now, created=bus.created or work.now))


def _read_policy(text: str) -> JSONObject:
    try:
        policy = loads(text)
    except BrokenJSON as error:
        raise ValidationException("Parameter Policy is not valid. Reason: Invalid JSON.") from error
    if not isinstance(policy, dict):
        raise ValidationException("Parameter Policy is not valid. Reason: Policy must be a JSON object.")
    policy.setdefault("Version", "2012-10-17")
    if isinstance(policy.get("Statement"), dict):
        policy["Statement"] = [policy["Statement"]]
    return policy


def _statement(request: PutPermission, bus: Bus) -> JSONObject:
    if request.action is None or request.principal is None or request.statement_id is None:
        raise ValidationException("Parameter(s) Action, Principal and StatementId must be specified.")
    condition = request.condition
    return statement(
        sid=request.statement_id,
        principal=request.principal,
        action=request.action,
        bus_arn=bus.arn,
        condition=None if condition is None else (condition.type, condition.key, condition.value),
    )


def remove_permission(request: RemovePermission, work: Work) -> None:
    """Take a statement, or all of them, away.

    Raises:
        ResourceNotFoundException: there is no such bus or statement.
    """
    bus = bus_at(request.event_bus_name, work)
    if request.remove_all_permissions:
        policy = None
    else:
        if request.statement_id is None:
            raise ValidationException("Parameter StatementId is required when RemoveAllPermissions is false.")
        try:
            policy = without_statement(bus.policy, request.statement_id)
        except KeyError as error:
            raise ResourceNotFoundException("Statement with the provided id does not exist.") from error
    work.put(BUSES, msgspec.structs.replace(bus, policy=policy, modified=work.now, created=bus.created or work.now))
