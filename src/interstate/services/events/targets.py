"""Targets of rules.

Source: EventBridge API Reference, PutTargets, RemoveTargets, ListTargetsByRule; ``core.events.errors`` for the words.
"""

from typing import Any

import msgspec

from interstate.base.arn import Arn, parse_arn
from interstate.base.errors import NotImplementedHere, ValidationException
from interstate.core.events.errors import LimitExceededException
from interstate.core.events.limits import INPUT_PATHS_MAX, TARGETS_PER_RULE_MAX
from interstate.core.events.transform import Transformer, broken_paths, faults, is_path
from interstate.services.events.dead_letters import check_dead_letter_arn
from interstate.services.events.managed import managed_targets, refuse_managed
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.permitting import bus_for, rule_for
from interstate.services.events.reaching import REACHED
from interstate.services.events.routing import changed
from interstate.services.events.rules import quota
from interstate.store.ports import Work
from interstate.store.records.events import TARGETS, TARGETS_OF_RULE, Rule, TargetRow

TARGETS_QUOTA = "quota.events.targets-per-rule"
"""The setting of an instance that stands in for a raised quota."""


class InputTransformer(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    input_template: str
    input_paths_map: dict[str, str] | None = None


class Target(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    """A target as it is given; what only targets that are refused need is left as it came."""

    id: str
    arn: str
    role_arn: str | None = None
    input: str | None = None
    input_path: str | None = None
    input_transformer: InputTransformer | None = None
    sqs_parameters: dict[str, Any] | None = None
    dead_letter_config: dict[str, Any] | None = None
    retry_policy: dict[str, Any] | None = None
    http_parameters: dict[str, Any] | None = None
    kinesis_parameters: dict[str, Any] | None = None
    run_command_parameters: dict[str, Any] | None = None
    ecs_parameters: dict[str, Any] | None = None
    batch_parameters: dict[str, Any] | None = None
    redshift_data_parameters: dict[str, Any] | None = None
    sage_maker_pipeline_parameters: dict[str, Any] | None = None
    app_sync_parameters: dict[str, Any] | None = None


class PutTargets(msgspec.Struct, frozen=True, rename="pascal"):
    rule: str
    targets: list[Target]
    event_bus_name: str | None = None


class RemoveTargets(msgspec.Struct, frozen=True, rename="pascal"):
    rule: str
    ids: list[str]
    event_bus_name: str | None = None
    force: bool = False


class ListTargetsByRule(msgspec.Struct, frozen=True, rename="pascal"):
    rule: str
    event_bus_name: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def put_targets(request: PutTargets, work: Work) -> dict[str, Any]:
    """Add targets to a rule; one with the same id is replaced.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
        LimitExceededException: the rule would have more than five targets.
        ValidationException: a target cannot be.
        ManagedRuleException: the rule is an archive's.
        NotImplementedHere: a target lives in a service that Interstate does not have.
    """
    context = {"events:TargetArn": [target.arn for target in request.targets]}
    bus = bus_for(request.event_bus_name, "PutTargets", work, rule=request.rule, context=context)
    refuse_managed(request.rule, bus.arn, work)
    bus, rule = rule_for(request.rule, request.event_bus_name, "PutTargets", work, context)
    for target in request.targets:
        _check(target, work.caller.region)
    positions = {row.id: row.position for row in _all_targets(rule, work)}
    for target in request.targets:
        positions.setdefault(target.id, max(positions.values(), default=0) + 1)
    if len(positions) > quota(TARGETS_QUOTA, TARGETS_PER_RULE_MAX, work):
        raise LimitExceededException
    rows = [_row(target, rule, positions[target.id]) for target in request.targets]
    for row in rows:
        work.put(TARGETS, row)
    changed(bus, rows, work)
    return {"FailedEntryCount": 0, "FailedEntries": []}


def _all_targets(rule: Rule, work: Work) -> list[TargetRow]:
    rows = work.select(TARGETS_OF_RULE, limit=PAGE_MAX, rule=rule.arn)
    return sorted(rows, key=lambda row: (row.position, row.id))


def _row(target: Target, rule: Rule, position: int) -> TargetRow:
    members = {name: value for name, value in msgspec.to_builtins(target).items() if value is not None}
    return TargetRow(rule.arn, target.id, rule.bus, rule.name, target.arn, members, position)


def _check(target: Target, region: str) -> None:
    arn = parse_arn(target.arn)
    if arn is None:
        raise ValidationException(
            f"Parameter {target.arn} is not valid. Reason: Provided Arn is not in correct format."
        )
    _check_service(target, arn)
    _check_input(target)
    if target.dead_letter_config and target.dead_letter_config.get("Arn"):
        check_dead_letter_arn(target.dead_letter_config["Arn"], region)


def _check_service(target: Target, arn: Arn) -> None:
    ours = arn.service != "events" or arn.resource.startswith(("event-bus/", "api-destination/"))
    if arn.service not in REACHED or not ours:
        raise NotImplementedHere(f"targets of rules in {arn.service} ({target.arn})")
    if arn.service == "states" and target.role_arn is None:
        raise ValidationException(f"RoleArn is required for target {target.arn}.")
    group = (target.sqs_parameters or {}).get("MessageGroupId")
    if arn.service == "sqs" and arn.resource.endswith(".fifo") and not group:
        raise ValidationException(f"Parameter(s) SqsParameters must be specified for target: {target.id}.")


def _check_input(target: Target) -> None:
    inputs = (target.input, target.input_path, target.input_transformer)
    if sum(one is not None for one in inputs) > 1:
        raise ValidationException(
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target.id}."
        )
    if target.input_path is not None and not is_path(target.input_path):
        raise ValidationException(f"InputPath for target {target.id} is not a valid JSON path: {target.input_path}.")
    given = target.input_transformer
    if given is None:
        return
    transformer = Transformer(given.input_template, given.input_paths_map or {})
    if len(transformer.paths) > INPUT_PATHS_MAX:
        raise ValidationException(f"InputPathsMap for target {target.id} has more than {INPUT_PATHS_MAX} entries.")
    for path in broken_paths(transformer):
        raise ValidationException(f"InputPathsMap for target {target.id} is not a valid JSON path: {path}.")
    for fault in faults(transformer):
        raise ValidationException(f"InputTemplate for target {target.id} {fault}")


def remove_targets(request: RemoveTargets, work: Work) -> dict[str, Any]:
    """Take targets away; ids that the rule does not have are no error.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
    """
    bus = bus_for(request.event_bus_name, "RemoveTargets", work, rule=request.rule)
    refuse_managed(request.rule, bus.arn, work)
    bus, rule = rule_for(request.rule, request.event_bus_name, "RemoveTargets", work)
    for target_id in request.ids:
        work.delete(TARGETS, rule.arn, target_id)
    changed(bus, ("removed", rule.arn, request.ids), work)
    return {"FailedEntryCount": 0, "FailedEntries": []}


def list_targets_by_rule(request: ListTargetsByRule, work: Work) -> dict[str, Any]:
    """A rule's targets, as they were given, in the order in which they were added.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
    """
    bus = bus_for(request.event_bus_name, "ListTargetsByRule", work, rule=request.rule)
    managed = managed_targets(request.rule, bus.arn, work)
    if managed:
        return {"Targets": managed}
    _, rule = rule_for(request.rule, request.event_bus_name, "ListTargetsByRule", work)
    rows = _all_targets(rule, work)
    last = after(request.next_token)
    begin = next((at + 1 for at, row in enumerate(rows) if row.id == last), 0)
    taken, token = page(rows[begin:], request.limit, lambda row: row.id)
    return {"Targets": [row.members for row in taken], **token}
