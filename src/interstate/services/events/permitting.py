"""Whose rules a caller may see and change: those of its own buses, and of buses whose policies say so.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-perms.html (managing rules on another account's
bus), .../eb-use-conditions.html (events:source, events:detail-type, events:creatorAccount, events:TargetArn).
"""

from collections.abc import Iterable, Mapping

from interstate.core.events.errors import ResourceNotFoundException
from interstate.core.patterns import Pattern
from interstate.services import access
from interstate.services.events.errors import AccessDeniedException
from interstate.services.events.locate import bus_arn, bus_name, find_bus, rule_arn, scope_of
from interstate.store.ports import Work
from interstate.store.records.events import RULES, Bus, Rule

Context = Mapping[str, Iterable[str]]
_ANY = "*"


def bus_for(
    name_or_arn: str | None, action: str, work: Work, *, rule: str = _ANY, context: Context | None = None
) -> Bus:
    """The bus on whose rule (or rules) the caller performs an action.

    Raises:
        ResourceNotFoundException: there is none in this region.
        AccessDeniedException: its policy does not let the caller.
    """
    arn = bus_arn(name_or_arn, work.caller)
    bus = find_bus(arn, work)
    own = scope_of(work.caller)
    if bus is None or bus.scope.partition("/")[2] != work.caller.region:
        raise ResourceNotFoundException.bus(bus_name(arn) or arn)
    if bus.scope == own and not bus.policy:
        return bus
    resource = rule_arn(bus.arn, rule)
    known: dict[str, Iterable[str]] = {} if rule == _ANY else {"events:creatorAccount": [_creator(resource, work)]}
    allowed = access.is_allowed(
        bus.policy,
        work.caller,
        action=f"events:{action}",
        resource=resource,
        now=work.now,
        context={**known, **(context or {})},
    )
    if not allowed:
        raise AccessDeniedException(work.caller.account, resource, action)
    return bus


def _creator(arn: str, work: Work) -> str:
    rule = work.get(RULES, arn)
    return work.caller.account if rule is None else rule.created_by


def rule_for(
    name: str, name_or_arn_of_bus: str | None, action: str, work: Work, context: Context | None = None
) -> tuple[Bus, Rule]:
    """The rule on which the caller performs an action, and its bus.

    Raises:
        ResourceNotFoundException: the bus does not exist, or has no such rule.
        AccessDeniedException: the bus's policy does not let the caller.
    """
    bus = bus_for(name_or_arn_of_bus, action, work, rule=name, context=context)
    rule = work.get(RULES, rule_arn(bus.arn, name))
    if rule is None:
        raise ResourceNotFoundException.rule(name, bus.name)
    return bus, rule


def pattern_context(pattern: Pattern) -> dict[str, tuple[str, ...]]:
    """The condition keys of a rule's pattern: the sources and detail types that it names exactly, in every alternative."""
    found: dict[str, tuple[str, ...]] = {}
    for path, key in (("source", "events:source"), ("detail-type", "events:detail-type")):
        named: set[str] = set()
        for fields in pattern.alternatives:
            exact = next((field.exact for field in fields if field.path == path), None)
            if exact is None:
                named.clear()
                break
            named.update(str(value) for value in exact)
        if named:
            found[key] = tuple(sorted(named))
    return found


def put_context(source: str, detail_type: str, *, from_bus: bool = False) -> dict[str, tuple[str, ...]]:
    """The condition keys of an event that is put on a bus; ``from_bus`` says that a rule of another bus sends it.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-use-conditions.html
    """
    return {
        "events:source": (source,),
        "events:detail-type": (detail_type,),
        "events:eventBusInvocation": ("true" if from_bus else "false",),
    }
