"""Rules: what they match, when they fire, and whether they are on.

Source: EventBridge API Reference, PutRule, DescribeRule, ListRules, EnableRule, DisableRule, DeleteRule,
ListRuleNamesByTarget; ``core.events.errors`` for the words.
"""

from typing import Any

import msgspec

from interstate.base.errors import ValidationException
from interstate.core.events.errors import InvalidEventPatternException, LimitExceededException
from interstate.core.events.limits import PATTERN_CHARS_MAX, WILDCARD_RULES_PER_BUS_MAX, rules_per_bus_max
from interstate.core.events.schedule import InvalidSchedule, parse_schedule
from interstate.core.patterns import Pattern, PatternError, parse_pattern
from interstate.services.events.locate import DEFAULT, rule_arn
from interstate.services.events.managed import PREFIX, managed_rule, managed_rules, refuse_managed
from interstate.services.events.pages import PAGE_MAX, after, page
from interstate.services.events.permitting import bus_for, pattern_context, rule_for
from interstate.services.events.routing import changed
from interstate.services.events.schedules import plan, unplan
from interstate.services.events.tags import Tag, tags_of
from interstate.store.ports import Work
from interstate.store.records.due import SETTINGS
from interstate.store.records.events import (
    DISABLED,
    ENABLED,
    RULE_COUNT,
    RULES,
    RULES_OF_BUS,
    TARGETS_BY_ARN,
    TARGETS_OF_RULE,
    Rule,
)

RULES_QUOTA = "quota.events.rules-per-bus"
WILDCARD_RULES_QUOTA = "quota.events.wildcard-rules-per-bus"
PATTERN_QUOTA = "quota.events.pattern-size"
"""Settings of an instance that stand in for raised quotas."""
_SCANNED_MAX = 20_000


class PutRule(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    schedule_expression: str | None = None
    event_pattern: str | None = None
    state: str = ENABLED
    description: str | None = None
    role_arn: str | None = None
    tags: list[Tag] = []
    event_bus_name: str | None = None


class RuleRequest(msgspec.Struct, frozen=True, rename="pascal"):
    name: str
    event_bus_name: str | None = None
    force: bool = False  # For managed rules; those of archives go with their archive alone.


class ListRules(msgspec.Struct, frozen=True, rename="pascal"):
    name_prefix: str = ""
    event_bus_name: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


class ListRuleNamesByTarget(msgspec.Struct, frozen=True, rename="pascal"):
    target_arn: str
    event_bus_name: str | None = None
    next_token: str | None = None
    limit: int = PAGE_MAX


def put_rule(request: PutRule, work: Work) -> dict[str, Any]:
    """Make a rule, or replace all of it but its targets and tags.

    Raises:
        ValidationException: neither pattern nor schedule, or a schedule that is none or stands on another bus than default.
        InvalidEventPatternException: the pattern is none.
        ResourceNotFoundException: there is no such bus.
        LimitExceededException: the bus has its 300 rules (100 in some regions), or its 30 with wildcards.
        ManagedRuleException: the rule is an archive's.
    """
    pattern = request.event_pattern or None
    schedule = request.schedule_expression or None
    if pattern is None and schedule is None:
        raise ValidationException("Parameter(s) EventPattern or ScheduleExpression must be specified.")
    parsed = None if pattern is None else check_pattern(pattern, work)
    context = {} if parsed is None else pattern_context(parsed)
    bus = bus_for(request.event_bus_name, "PutRule", work, rule=request.name, context=context)
    if schedule is not None:
        _check_schedule(schedule, bus.name)
    arn = rule_arn(bus.arn, request.name)
    refuse_managed(request.name, bus.arn, work)
    existing = work.get(RULES, arn)
    _check_quotas(existing, pattern, bus.arn, work)
    if existing is not None:
        unplan(existing, work)
    rule = Rule(
        arn=arn,
        bus=bus.arn,
        name=request.name,
        state=request.state,
        created_by=work.caller.account if existing is None else existing.created_by,
        pattern=pattern,
        schedule=schedule,
        description=request.description,
        role_arn=request.role_arn,
        tags=tags_of(request.tags) if existing is None else existing.tags,
        changed=work.now,
    )
    if existing is not None and (existing.pattern, existing.schedule, existing.state) == (
        pattern,
        schedule,
        rule.state,
    ):
        rule = msgspec.structs.replace(rule, changed=existing.changed)
    work.put(RULES, plan(rule, work))
    changed(bus, rule, work)
    return {"RuleArn": arn}


def _check_quotas(existing: Rule | None, pattern: str | None, bus: str, work: Work) -> None:
    region = work.caller.region
    if existing is None and work.scalar(RULE_COUNT, bus=bus) >= quota(RULES_QUOTA, rules_per_bus_max(region), work):
        raise LimitExceededException
    if has_wildcard(pattern) and not (existing is not None and has_wildcard(existing.pattern)):
        most = quota(WILDCARD_RULES_QUOTA, WILDCARD_RULES_PER_BUS_MAX, work)
        rows = work.select(RULES_OF_BUS, limit=_SCANNED_MAX, bus=bus, after="", prefix="")
        if sum(has_wildcard(row.pattern) for row in rows) >= most:
            raise LimitExceededException


def has_wildcard(pattern: str | None) -> bool:
    """Whether a pattern that is one has a wildcard filter."""
    return pattern is not None and '"wildcard"' in pattern


def quota(name: str, default: int, work: Work) -> int:
    """A quota: AWS's default, or what a setting of this instance says."""
    setting = work.get(SETTINGS, name)
    return default if setting is None else int(setting.value)


def _check_schedule(expression: str, bus: str) -> None:
    if bus != DEFAULT:
        raise ValidationException("ScheduleExpression is supported only on the default event bus.")
    try:
        parse_schedule(expression)
    except InvalidSchedule as error:
        raise ValidationException("Parameter ScheduleExpression is not valid.") from error


def check_pattern(text: str, work: Work) -> Pattern:
    """A pattern, read.

    Raises:
        InvalidEventPatternException: it is none, with AWS's reason.
        LimitExceededException: it is longer than patterns of this account may be.
    """
    if len(text) > quota(PATTERN_QUOTA, PATTERN_CHARS_MAX, work):
        raise LimitExceededException
    try:
        return parse_pattern(text)
    except PatternError as error:
        raise InvalidEventPatternException(error.reason) from error


def describe_rule(request: RuleRequest, work: Work) -> dict[str, Any]:
    """One rule.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
    """
    bus = bus_for(request.event_bus_name, "DescribeRule", work, rule=request.name)
    rule = managed_rule(request.name, bus.arn, work)
    if rule is None:
        _, rule = rule_for(request.name, request.event_bus_name, "DescribeRule", work)
    return {**_listed(rule), "CreatedBy": rule.created_by}


def _listed(rule: Rule) -> dict[str, Any]:
    members = {
        "Name": rule.name,
        "Arn": rule.arn,
        "EventPattern": rule.pattern,
        "ScheduleExpression": rule.schedule,
        "State": rule.state,
        "Description": rule.description,
        "RoleArn": rule.role_arn,
        "ManagedBy": rule.managed_by,
        "EventBusName": rule.bus.partition(":event-bus/")[2],
    }
    return {name: value for name, value in members.items() if value is not None}


def list_rules(request: ListRules, work: Work) -> dict[str, Any]:
    """A bus's rules by name.

    Raises:
        ResourceNotFoundException: there is no such bus.
    """
    bus = bus_for(request.event_bus_name, "ListRules", work)
    rows = work.select(
        RULES_OF_BUS,
        limit=request.limit + 1,
        bus=bus.arn,
        after=after(request.next_token),
        prefix=request.name_prefix,
    )
    begin = after(request.next_token)
    if _reaches(request.name_prefix):
        rows += [rule for rule in managed_rules(bus.arn, work) if rule.name > begin]
        rows.sort(key=_name)
        del rows[request.limit + 1 :]
    rules, token = page([rule for rule in rows if rule.name.startswith(request.name_prefix)], request.limit, _name)
    return {"Rules": [_listed(rule) for rule in rules], **token}


def _reaches(prefix: str) -> bool:
    """Whether names that begin so can be those of archives' rules."""
    return prefix.startswith(PREFIX) or PREFIX.startswith(prefix)


def _name(rule: Rule) -> str:
    return rule.name


def enable_rule(request: RuleRequest, work: Work) -> None:
    """Let a rule match and fire again.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
    """
    _switch(request, ENABLED, work)


def disable_rule(request: RuleRequest, work: Work) -> None:
    """Keep a rule from matching and firing.

    Raises:
        ResourceNotFoundException: there is no such bus or rule.
    """
    _switch(request, DISABLED, work)


def _switch(request: RuleRequest, state: str, work: Work) -> None:
    action = "EnableRule" if state == ENABLED else "DisableRule"
    refuse_managed(request.name, bus_for(request.event_bus_name, action, work, rule=request.name).arn, work)
    bus, rule = rule_for(request.name, request.event_bus_name, action, work)
    if rule.state == state:
        return
    unplan(rule, work)
    rule = msgspec.structs.replace(rule, state=state, schedule_due=None, changed=work.now)
    work.put(RULES, plan(rule, work))
    changed(bus, rule, work)


def delete_rule(request: RuleRequest, work: Work) -> None:
    """Delete a rule that has no targets; a rule that is not there is no error.

    Raises:
        ResourceNotFoundException: there is no such bus.
        ValidationException: the rule has targets.
    """
    bus = bus_for(request.event_bus_name, "DeleteRule", work, rule=request.name)
    refuse_managed(request.name, bus.arn, work)
    rule = work.get(RULES, rule_arn(bus.arn, request.name))
    if rule is None:
        return
    if work.select(TARGETS_OF_RULE, limit=1, rule=rule.arn):
        raise ValidationException("Rule can't be deleted since it has targets.")
    unplan(rule, work)
    work.delete(RULES, rule.arn)
    changed(bus, ("deleted", rule.arn), work)


def list_rule_names_by_target(request: ListRuleNamesByTarget, work: Work) -> dict[str, Any]:
    """The rules of a bus that have a target.

    Raises:
        ResourceNotFoundException: there is no such bus.
    """
    bus = bus_for(request.event_bus_name, "ListRuleNamesByTarget", work)
    # A rule may name one target five times; a page of names needs so many rows.
    rows = work.select(
        TARGETS_BY_ARN,
        limit=(request.limit + 1) * 100,
        bus=bus.arn,
        arn=request.target_arn,
        after=after(request.next_token),
    )
    names = list(dict.fromkeys(row.rule_name for row in rows))
    taken, token = page(names, request.limit, str)
    return {"RuleNames": taken, **token}
