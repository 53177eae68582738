"""From names and ARNs in requests to buses and rules.

The default bus of every account and region is there from the beginning; it gets a row when something is first kept with it.
"""

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.core.events.errors import ResourceNotFoundException
from interstate.store.ports import Work
from interstate.store.records.events import BUSES, RULES, Bus, Rule

DEFAULT = "default"


def scope_of(caller: Caller) -> str:
    """The account and region as lists are kept by."""
    return f"{caller.account}/{caller.region}"


def bus_arn(name_or_arn: str | None, caller: Caller) -> str:
    """The ARN that a bus's name or ARN means to a caller."""
    if name_or_arn is None:
        return caller.arn("events", f"event-bus/{DEFAULT}")
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return caller.arn("events", f"event-bus/{name_or_arn}")


def bus_name(arn: str) -> str:
    """The name in a bus's ARN."""
    return arn.partition(":event-bus/")[2]


def find_bus(arn: str, work: Work) -> Bus | None:
    """The bus with this ARN; None when there is none."""
    bus = work.get(BUSES, arn)
    if bus is None and bus_name(arn) == DEFAULT:
        return Bus(arn=arn, scope=scope_of(caller_of(arn)), name=DEFAULT)
    return bus


def bus_at(name_or_arn: str | None, work: Work) -> Bus:
    """The bus of the caller's account and region that a request names. (Others' buses take events, nothing else.)

    Raises:
        ResourceNotFoundException: there is none.
    """
    arn = bus_arn(name_or_arn, work.caller)
    bus = find_bus(arn, work)
    if bus is None or bus.scope != scope_of(work.caller):
        raise ResourceNotFoundException.bus(bus_name(arn) or arn)
    return bus


def rule_arn(bus: str, name: str) -> str:
    """The ARN of a rule on the bus with ARN ``bus``; rules of the default bus are named without it."""
    place = caller_of(bus)
    of = bus_name(bus)
    return place.arn("events", f"rule/{name}" if of == DEFAULT else f"rule/{of}/{name}")


def rule_with_arn(arn: str, work: Work) -> Rule:
    """The rule with this ARN.

    Raises:
        ResourceNotFoundException: there is none.
    """
    parsed = parse_arn(arn)
    parts = parsed.resource.split("/") if parsed is not None else []
    if parsed is None or parsed.service != "events" or parts[0] != "rule" or len(parts) not in (2, 3):
        raise ResourceNotFoundException(f"Resource {arn} does not exist.")
    rule = work.get(RULES, arn)
    if rule is None:
        bus = parts[1] if len(parts) == 3 else DEFAULT
        raise ResourceNotFoundException.rule(parts[-1], bus)
    return rule
