"""Events to one target: deliver, repeat, or dead-letter.

Theory of operation
-------------------
A delivery is a due row and each row is independent: a target that refuses puts off its own rows only. What a delivery did
(a message, an execution, an invocation) and its row's end are one commit, so it happens exactly once. A refusal undoes what
the call began, and the row leaves a later one or a dead letter. Events that came together are delivered together where the
target's service has a call for that; what it refuses of them is delivered, and fails, alone.

The rule and its target are looked up when the delivery runs: a repetition uses the target as it is now, and a delivery whose
rule or target is gone, or whose rule was disabled, ends; the event log says so.

Source: ``core.events.delivery``.
"""

import msgspec

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.events.delivery import INVALID_JSON, THIRD_BUS, THIRD_REGION, Failure, failure_of
from interstate.core.events.errors import ResourceNotFoundException
from interstate.services import access
from interstate.services.events.calling import call_destination, call_gateway
from interstate.services.events.errors import AccessDeniedException
from interstate.services.events.inputs import DeliveryFailed, event_of, input_of
from interstate.services.events.locate import bus_name, find_bus
from interstate.services.events.outcomes import attempted, delivered, failed, gone
from interstate.services.events.permitting import put_context
from interstate.services.events.reaching import Payload, reach, reach_with_many, takes_many
from interstate.services.events.routing import Route, RoutesCache, Target
from interstate.services.events.sending import Sender
from interstate.store.ports import Work
from interstate.store.records.events import Carried, Delivery
from interstate.store.records.events_connections import API_DESTINATIONS


def deliver(delivery: Delivery, work: Work, cache: RoutesCache) -> None:
    """Carry out a delivery."""
    bus = find_bus(delivery.bus, work)
    route = None if bus is None else cache.of(bus, work).rules.get(delivery.rule)
    target = None if route is None else next((one for one in route.targets if one.id == delivery.target), None)
    if route is None or target is None:
        what = "bus" if bus is None else "rule" if route is None else "target"
        gone(delivery, f"The {what} is gone or disabled since the event came.", work)
        return
    attempted(delivery, target, work)
    left = delivery.events
    if len(left) > 1 and takes_many(target):
        left = _deliver_together(delivery, route, target, work)
    for carried in left:
        alone = msgspec.structs.replace(delivery, events=[carried])
        try:
            made = _deliver(alone, route, target, work, cache)
        except ServiceError as error:
            failed(alone, target, failure_of(error), work)
        except DeliveryFailed as error:
            failed(alone, target, error.failure, work)
        else:
            if made is not None:
                delivered(alone, [carried], target, work, [made])


def _deliver_together(delivery: Delivery, route: Route, target: Target, work: Work) -> list[Carried]:
    """Deliver what the target takes in one call; tells what is left to be delivered, or to fail, alone."""
    try:
        inputs = [(input_of(carried, delivery.since, route.arn, target), carried.trace) for carried in delivery.events]
        made = reach_with_many(target, inputs, route.arn, work)
    except (ServiceError, DeliveryFailed):
        return delivery.events
    ids = [message for message in made if message is not None]
    if len(ids) == len(made):
        delivered(delivery, delivery.events, target, work, ids)
        return []
    if ids:
        taken = [carried for carried, message in zip(delivery.events, made, strict=True) if message is not None]
        delivered(delivery, taken, target, work, ids)
    return [carried for carried, message in zip(delivery.events, made, strict=True) if message is None]


def _deliver(delivery: Delivery, route: Route, target: Target, work: Work, cache: RoutesCache) -> str | None:
    """Deliver one event; tells what was made, None when its end is another step's (a call outside the store)."""
    [carried] = delivery.events
    if ":event-bus/" in target.arn:
        return _cross(delivery, route, target, work, cache)
    text = input_of(carried, delivery.since, route.arn, target)
    if ":api-destination/" in target.arn:
        destination = work.get(API_DESTINATIONS, target.arn)
        if destination is None:
            raise ResourceNotFoundException.api_destination(target.arn.split("/")[1], "invoke")
        call_destination(delivery, target, text, destination, work)
        return None
    if ":execute-api:" in target.arn:
        arn = parse_arn(target.arn)
        assert arn is not None, target
        call_gateway(delivery, target, text, arn.resource, work)
        return None
    return reach(target, Payload(text, carried.event_id, route.name, route.arn, carried.trace), work)


def _cross(delivery: Delivery, route: Route, target: Target, work: Work, cache: RoutesCache) -> str:
    """Take the event to another bus; what has crossed once goes no further. A transformed input becomes its detail.

    Tells the event's id there.

    The target's role acts for its account; without one the rule's account does. Another account's bus must let it in. In
    another region the event gets an id of its own.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html (an event that a rule received from
    another bus is not sent on to a third), .../eb-cross-account.html; recorded in
    tests/aws/services/events/test_events_cross_account_region.snapshot.json of github.com/localstack/localstack (ids).
    """
    [carried] = delivery.events
    here, there = caller_of(delivery.bus), caller_of(target.arn)
    if delivery.hops:
        code = THIRD_REGION if here.account == there.account and here.region != there.region else THIRD_BUS
        raise DeliveryFailed(Failure(code, "The event has already crossed from another event bus.", permanent=True))
    bus = find_bus(target.arn, work)
    if bus is None:
        raise ResourceNotFoundException.bus(bus_name(target.arn))
    actor = here if target.role_arn is None else Caller(caller_of(target.role_arn).account, here.region)
    event = event_of(bytes(carried.text).decode())
    context: dict[str, tuple[str, ...]] = put_context(event["source"], event["detail-type"], from_bus=True)
    if target.role_arn is not None:
        context["aws:PrincipalArn"] = (target.role_arn,)
    if not access.is_allowed(
        bus.policy, actor, action="events:PutEvents", resource=bus.arn, now=work.now, context=context
    ):
        raise AccessDeniedException(actor.account, bus.arn)
    if not target.plain:
        detail = loads(input_of(carried, delivery.since, route.arn, target))
        if not isinstance(detail, dict):
            reason = "The input of an event bus must be a JSON object."
            raise DeliveryFailed(Failure(INVALID_JSON, reason, permanent=True))
        event = {**event, "detail": detail}
    sender = Sender(work, cache, hops=delivery.hops + 1)
    event_id = sender.send(bus, event, trace=carried.trace, keep_id=here.region == there.region)
    sender.close()
    return event_id
