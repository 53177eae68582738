"""The rates of an account and region, where somebody asked for them: nothing is throttled otherwise.

Theory of operation
-------------------
A rate is a bucket of one second, written as the instant until which it is spent. A PutEvents call that finds it spent is
refused; an invocation is put off to the place in line that it takes, once, and is counted as ThrottledRules: nothing is lost,
and no attempt of the retry policy is used.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html (PutEvents and invocations throttle limits; "the
invocations still occur, but are delayed"); .../eb-monitoring.html (ThrottledRules)
"""

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.core.events.limits import invocations_per_s, put_events_per_s
from interstate.services.events.outcomes import DELIVERY, NAMESPACE, dimensions_of
from interstate.services.events.rules import quota
from interstate.services.operation import Operation, Outcome, Service, Step
from interstate.services.rates import ThrottlingException, spend, spent_with
from interstate.store.ports import Work
from interstate.store.records.events import Delivery

PUT_EVENTS_QUOTA, INVOCATIONS_QUOTA = "quota.events.put-events-rate", "quota.events.invocations-rate"
"""Settings of an instance that stand in for raised (or lowered) quotas."""
_BURST = timedelta(seconds=1)


def enforcing(services: Iterable[Service]) -> tuple[Service, ...]:
    """The services, of which EventBridge holds accounts to their rates."""
    return tuple(_enforcing(service) if service.name == "events" else service for service in services)


def _enforcing(service: Service) -> Service:
    operations = tuple(
        Operation(row.name, row.request, _held(row.handle), keys=row.keys) if row.name == "PutEvents" else row
        for row in service.operations
    )
    steps = tuple(
        Step(row.kind, row.body, _in_line(row.handle), keys=row.keys, pulls=row.pulls) if row.kind == DELIVERY else row
        for row in service.steps
    )
    return Service(service.name, operations, steps, service.effects, service.notes)


def _held(handle: Callable[[Any, Work], Outcome]) -> Callable[[Any, Work], Outcome]:
    def held(request: Any, work: Work) -> Outcome:
        caller = work.caller
        rate = quota(PUT_EVENTS_QUOTA, put_events_per_s(caller.region), work)
        spent = spent_with(caller, "PutEvents", 1, rate, work)
        if spent - _BURST > work.now:
            work.measure(NAMESPACE, "PutEventsApproximateThrottledCount")
            raise ThrottlingException
        spend(caller, "PutEvents", spent, work)
        return handle(request, work)

    return held


def _in_line(handle: Callable[[Any, Work], None]) -> Callable[[Any, Work], None]:
    def in_line(delivery: Delivery, work: Work) -> None:
        if delivery.admitted:
            handle(delivery, work)
            return
        place = caller_of(delivery.bus)
        rate = quota(INVOCATIONS_QUOTA, invocations_per_s(place.region), work)
        spent = spent_with(place, "Invocations", len(delivery.events), rate, work)
        spend(place, "Invocations", spent, work)
        turn = spent - _BURST
        if turn <= work.now:
            handle(delivery, work)
            return
        dimensions = dimensions_of(delivery.bus, delivery.rule.rpartition("/")[2])
        for each in (dimensions, ()):
            work.measure(NAMESPACE, "ThrottledRules", each, len(delivery.events), caller=place)
        work.later(DELIVERY, msgspec.structs.replace(delivery, admitted=True), at=turn)

    return in_line
