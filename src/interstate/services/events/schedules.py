"""Rules with a schedule.

A tick is a due row that leaves the next one. It is planned from the present, so that a schedule which could not fire for a
while (the process was down, a virtual clock jumped) fires once and goes on.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (the event).
"""

import msgspec

from interstate.base.arn import caller_of
from interstate.core.events.envelope import envelope
from interstate.core.events.schedule import next_after, parse_schedule
from interstate.services.events.routing import RoutesCache
from interstate.services.events.sending import fire
from interstate.store.ports import Work
from interstate.store.records.events import DISABLED, RULES, Rule, Tick

TICK = "events.schedule"


def plan(rule: Rule, work: Work) -> Rule:
    """The rule with its next tick, when it has a schedule and is on."""
    if rule.schedule is None or rule.state == DISABLED:
        return rule
    at = next_after(parse_schedule(rule.schedule), work.now)
    if at is None:
        return rule
    return msgspec.structs.replace(rule, schedule_due=work.later(TICK, Tick(rule.arn), at=at))


def unplan(rule: Rule, work: Work) -> None:
    """Take the rule's next tick back."""
    if rule.schedule_due is not None:
        work.cancel(rule.schedule_due)


def tick(body: Tick, work: Work, cache: RoutesCache) -> None:
    """Fire a rule and plan its next tick."""
    rule = work.get(RULES, body.rule)
    if rule is None or rule.schedule is None or rule.state == DISABLED:
        return
    work.put(RULES, plan(msgspec.structs.replace(rule, schedule_due=None), work))
    place = caller_of(rule.arn)
    event = envelope(
        event_id=work.entropy.uuid(),
        detail_type="Scheduled Event",
        source="aws.events",
        account=place.account,
        time=work.now,
        region=place.region,
        resources=[rule.arn],
        detail={},
    )
    fire(rule.bus, [rule.arn], event, work, cache)
