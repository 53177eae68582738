"""Events to one target: deliver, repeat, or dead-letter.

Theory of operation
-------------------
A delivery is a due row and each row is independent: a target that refuses puts off its own rows only. What a delivery did
(a message, an execution, an invocation) and its row's end are one commit, so it happens exactly once. A refusal undoes what
the call began, and the row leaves a later one or a dead letter. Events that came together are delivered together where the
target's service has a call for that; what it refuses of them is delivered, and fails, alone.

The rule and its target are looked up when the delivery runs: a repetition uses the target as it is now, and a delivery whose
rule or target is gone, or whose rule was disabled, ends quietly.

Source: ``core.events.delivery``.
"""

from datetime import datetime

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import JSONObject, loads
from interstate.core.events.delivery import (
    INVALID_JSON,
    THIRD_BUS,
    Again,
    Failure,
    dead_letter_attributes,
    decide,
    failure_of,
)
from interstate.core.events.errors import ResourceNotFoundException
from interstate.core.events.transform import Context, InvalidInput, part, render
from interstate.services.events.locate import bus_name, find_bus
from interstate.services.events.reaching import Payload, reach, reach_with_many, takes_many
from interstate.services.events.routing import Route, RoutesCache, Target
from interstate.services.events.sending import DELIVERY, send
from interstate.store.ports import Work
from interstate.store.records.events import FAILURES, Carried, Delivery, FailureCount

FAILED = "FailedInvocations"
TO_DEAD_LETTERS = "InvocationsSentToDlq"
LOST = "InvocationsFailedToBeSentToDlq"
"""AWS's metrics. Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html"""


class _FailedError(Exception):
    """The delivery failed for this reason."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


def deliver(delivery: Delivery, work: Work, cache: RoutesCache) -> None:
    """Carry out a delivery."""
    bus = find_bus(delivery.bus, work)
    route = None if bus is None else cache.of(bus, work).rules.get(delivery.rule)
    target = None if route is None else next((one for one in route.targets if one.id == delivery.target), None)
    if route is None or target is None:
        return
    left = delivery.events
    if len(left) > 1 and takes_many(target):
        left = _deliver_together(delivery, route, target, work)
    for carried in left:
        alone = msgspec.structs.replace(delivery, events=[carried])
        try:
            _deliver(alone, route, target, work, cache)
        except ServiceError as error:
            _after_failure(alone, target, failure_of(error), work)
        except _FailedError as error:
            _after_failure(alone, target, error.failure, work)


def _deliver_together(delivery: Delivery, route: Route, target: Target, work: Work) -> list[Carried]:
    """Deliver what the target takes in one call; tells what is left to be delivered, or to fail, alone."""
    try:
        texts = [_input(carried, delivery.since, route, target) for carried in delivery.events]
        refused = reach_with_many(target, texts, work)
    except (ServiceError, _FailedError):
        return delivery.events
    return [delivery.events[at] for at in refused]


def _deliver(delivery: Delivery, route: Route, target: Target, work: Work, cache: RoutesCache) -> None:
    [carried] = delivery.events
    if ":events:" in target.arn:
        _cross(delivery, route, target, work, cache)
    else:
        text = _input(carried, delivery.since, route, target)
        reach(target, Payload(text, carried.event_id, route.name), work)


def _input(carried: Carried, since: datetime, route: Route, target: Target) -> str:
    """What the target gets."""
    text = bytes(carried.text).decode()
    if target.constant is not None:
        return target.constant
    if target.path is not None:
        return part(target.path, _object(text))
    if target.transformer is None:
        return text
    try:
        return render(target.transformer, _object(text), Context(route.arn, route.name, since))
    except InvalidInput as error:
        raise _FailedError(Failure(INVALID_JSON, f"Input is not valid JSON: {error}", permanent=True)) from error


def _object(text: str) -> JSONObject:
    event = loads(text)
    assert isinstance(event, dict)
    return event


def _cross(delivery: Delivery, route: Route, target: Target, work: Work, cache: RoutesCache) -> None:
    """Take the event to another bus; what has crossed once goes no further. A transformed input becomes its detail.

    Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-bus-to-bus.html (an event that a rule received from
    another bus is not sent on to a third).
    """
    [carried] = delivery.events
    if delivery.hops:
        raise _FailedError(Failure(THIRD_BUS, "The event has already crossed from another event bus.", permanent=True))
    bus = find_bus(target.arn, work)
    if bus is None:
        raise ResourceNotFoundException.bus(bus_name(target.arn))
    event = _object(bytes(carried.text).decode())
    if not target.plain:
        detail = loads(_input(carried, delivery.since, route, target))
        if not isinstance(detail, dict):
            reason = "The input of an event bus must be a JSON object."
            raise _FailedError(Failure(INVALID_JSON, reason, permanent=True))
        event = {**event, "detail": detail}
    send(bus, event, work, cache, hops=delivery.hops + 1)


# Failures -----------------------------------------------------------------------------------------------------------


def _after_failure(delivery: Delivery, target: Target, failure: Failure, work: Work) -> None:
    decision = decide(target.retry, failure, delivery.retries, since=delivery.since, now=work.now, entropy=work.entropy)
    if isinstance(decision, Again):
        work.later(DELIVERY, msgspec.structs.replace(delivery, retries=delivery.retries + 1), at=decision.at)
        return
    _count(delivery.rule, FAILED, work)
    if target.dead_letter_arn is not None:
        _dead_letter(delivery, target, failure, decision.exhausted, work)


def _dead_letter(delivery: Delivery, target: Target, failure: Failure, exhausted: str | None, work: Work) -> None:
    """Send the event to the target's dead-letter queue; when that refuses too, the event is lost, and counted."""
    assert target.dead_letter_arn is not None
    arn = parse_arn(target.dead_letter_arn)
    assert arn is not None, target
    request = {
        "QueueUrl": f"http://localhost/{arn.account}/{arn.resource}",
        "MessageBody": bytes(delivery.events[0].text).decode(),
        "MessageAttributes": dead_letter_attributes(
            rule_arn=delivery.rule,
            target_arn=target.arn,
            failure=failure,
            retries=delivery.retries,
            exhausted=exhausted,
        ),
    }
    try:
        work.call("sqs", "SendMessage", request, caller=caller_of(target.dead_letter_arn))
    except ServiceError:
        _count(delivery.rule, LOST, work)
    else:
        _count(delivery.rule, TO_DEAD_LETTERS, work)


def _count(rule: str, metric: str, work: Work) -> None:
    counted = work.get(FAILURES, rule, metric)
    work.put(FAILURES, FailureCount(rule, metric, 1 if counted is None else counted.count + 1))
