"""How deliveries went: counted as AWS counts, kept for whoever asks why, and what follows a failure.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html (metrics and their dimensions);
``core.events.delivery`` for retries and dead letters.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache

import msgspec

from interstate.base.arn import caller_of
from interstate.core.events.delivery import Again, Failure, backoff, decide
from interstate.core.events.numbers import place_of
from interstate.services.events import bus_logs
from interstate.services.events.dead_letters import PRINCIPAL, Sent, send_letter
from interstate.services.events.locate import DEFAULT, bus_name
from interstate.services.events.routing import Target
from interstate.store.ports import Work
from interstate.store.records.events import ATTEMPTS, Attempt, Carried, DeadLetter, Delivery
from interstate.store.records.metrics import MetricKey

__all__ = ["PRINCIPAL", "attempted", "delivered", "failed", "gone", "letter_again"]

DELIVERY, LETTER = "events.delivery", "events.dead_letter"
NAMESPACE = "AWS/Events"
DELIVERED, AGAIN, SENT_TO_DLQ, DROPPED = "DELIVERED", "AGAIN", "SENT_TO_DLQ", "DROPPED"
LETTER_WAITS, LETTER_REFUSED, GONE = "DLQ_AGAIN", "DLQ_REFUSED", "GONE"
_MESSAGE_CHARS_MAX = 1_000
Dimensions = tuple[tuple[str, str], ...]


@lru_cache(maxsize=4096)
def dimensions_of(bus: str, rule_name: str) -> Dimensions:
    """Rules of the default bus are counted by name alone."""
    name = bus_name(bus)
    return (("RuleName", rule_name),) if name == DEFAULT else (("EventBusName", name), ("RuleName", rule_name))


def _rule_name(rule_arn: str) -> str:
    return rule_arn.rpartition("/")[2]


@lru_cache(maxsize=4096)
def of_bus(bus: str, name: str) -> tuple[MetricKey, ...]:
    """A metric of the account and region of a bus."""
    place = caller_of(bus)
    return ((place.account, place.region, NAMESPACE, name, (), "Count"),)


@lru_cache(maxsize=16384)
def of_rule(bus: str, rule_name: str, *names: str, unit: str = "Count") -> tuple[MetricKey, ...]:
    """Metrics of a rule; each is counted for the whole account and region as well, where AWS does."""
    place, dimensions = caller_of(bus), dimensions_of(bus, rule_name)
    return tuple(
        (place.account, place.region, NAMESPACE, name, each, unit)
        for name in names
        for each in ((dimensions,) if name in _BY_RULE_ALONE else (dimensions, ()))
    )


_BY_RULE_ALONE = frozenset(
    {"FailedInvocations", "InvocationsSentToDlq", "InvocationsFailedToBeSentToDlq", "ThrottledInvocations"}
)
"""Metrics that have no series for the whole account."""


def _measure_latency(delivery: Delivery, name: str, count: int, work: Work) -> None:
    """The time since the events came, for each of them."""
    metrics = of_rule(delivery.bus, _rule_name(delivery.rule), name, unit="Milliseconds")
    work.tally(metrics, _millis(work.now - delivery.since), count)


def _measure(delivery: Delivery, work: Work, *names: str, value: float = 1.0) -> None:
    """Count for the delivery's rule and, where AWS does, for the whole account and region."""
    work.tally(of_rule(delivery.bus, _rule_name(delivery.rule), *names), value)


def attempted(delivery: Delivery, target: Target, work: Work) -> None:
    """Count attempts, before they are made."""
    count = len(delivery.events)
    bus_logs.began(delivery, target, work)
    _measure(delivery, work, "InvocationAttempts", value=count)
    if delivery.retries:
        _measure(delivery, work, "RetryInvocationAttempts", value=count)
    else:
        _measure_latency(delivery, "IngestionToInvocationStartLatency", count, work)


def _millis(span: timedelta) -> float:
    return span / timedelta(milliseconds=1)


def delivered(
    delivery: Delivery, events: Sequence[Carried], target: Target, work: Work, made: Sequence[str] = ()
) -> None:
    """The target took these events; ``made`` is what came of each, where that is known."""
    _measure(delivery, work, "Invocations", "SuccessfulInvocationAttempts", value=len(events))
    _measure_latency(delivery, "IngestionToInvocationCompleteLatency", len(events), work)
    bus_logs.ended(delivery, events, target, work, made=made)
    _note(delivery, events, target.arn, DELIVERED, work, made=made)


def failed(
    delivery: Delivery, target: Target, failure: Failure, work: Work, *, not_before: datetime | None = None
) -> None:
    """The target did not take the event: leave another try, or a dead letter. ``not_before`` is what the target asked for."""
    decision = decide(target.retry, failure, delivery.retries, since=delivery.since, now=work.now, entropy=work.entropy)
    if isinstance(decision, Again):
        at = decision.at if not_before is None else max(decision.at, not_before)
        if at <= delivery.since + target.retry.age_max:
            if failure.code == "THROTTLING":
                _measure(delivery, work, "ThrottledInvocations")
            again = msgspec.structs.replace(delivery, retries=delivery.retries + 1)
            work.later(DELIVERY, again, at=at)
            bus_logs.ended(delivery, delivery.events, target, work, failure=failure, again=True)
            _note(delivery, delivery.events, target.arn, AGAIN, work, failure, at)
            return
        exhausted: str | None = "MaximumEventAgeInSeconds"
    else:
        exhausted = decision.exhausted
    _measure(delivery, work, "Invocations", "FailedInvocations")
    bus_logs.ended(delivery, delivery.events, target, work, failure=failure)
    if target.dead_letter_arn is None:
        _note(delivery, delivery.events, target.arn, DROPPED, work, failure)
        return
    letter = DeadLetter(
        delivery, target.dead_letter_arn, target.arn, failure.code, failure.message, work.now, exhausted
    )
    letter_again(letter, work)


def letter_again(letter: DeadLetter, work: Work) -> None:
    """Send a dead letter, for the first time or again; what its queue answers is counted and kept."""
    delivery = letter.delivery
    answer = send_letter(letter, work)
    failure = Failure(letter.code, letter.message, permanent=True)
    if answer.refusal is not None:
        told = f"{letter.message} (dead-letter queue {letter.queue}: {answer.refusal.code}: {answer.refusal.message})"
        failure = Failure(letter.code, told, permanent=True)
    at: datetime | None = None
    match answer.sent:
        case Sent.TAKEN:
            outcome = SENT_TO_DLQ
            _measure(delivery, work, "InvocationsSentToDlq")
        case Sent.LATER:
            outcome = LETTER_WAITS
            at = work.now + backoff(letter.tries, work.entropy)
            work.later(LETTER, msgspec.structs.replace(letter, tries=letter.tries + 1), at=at)
        case Sent.REFUSED:
            outcome = LETTER_REFUSED
            _measure(delivery, work, "InvocationsFailedToBeSentToDlq")
    bus_logs.dead_letter(delivery, letter.target_arn, letter.queue, answer.refusal, work)
    _note(delivery, delivery.events, letter.target_arn, outcome, work, failure, at)


def gone(delivery: Delivery, why: str, work: Work) -> None:
    """The delivery ends because its rule or target is not there any more: keep that it did."""
    _note(delivery, delivery.events, "", GONE, work, Failure("GONE", why, permanent=True))


def _note(  # noqa: PLR0917 what is known of an attempt
    delivery: Delivery,
    events: Sequence[Carried],
    target_arn: str,
    outcome: str,
    work: Work,
    failure: Failure | None = None,
    next_at: datetime | None = None,
    made: Sequence[str] = (),
) -> None:
    """Keep how an attempt went, one row for the events of one call."""
    rows: dict[int, tuple[list[int], list[str]]] = {}
    for at, carried in enumerate(events):
        found = carried.place or place_of(carried.event_id)
        if found is not None:
            row = rows.setdefault(found[0], ([], []))
            row[0].append(found[1])
            if made:
                row[1].append(made[at])
    for log, (places, came) in rows.items():
        attempt = Attempt(
            id=work.next_id(ATTEMPTS),
            log=log,
            places=places,
            at=work.now,
            rule=delivery.rule,
            target=delivery.target,
            target_arn=target_arn,
            outcome=outcome,
            retries=delivery.retries,
            code=None if failure is None else failure.code,
            message=None if failure is None else failure.message[:_MESSAGE_CHARS_MAX],
            next_at=next_at,
            made=came,
        )
        work.put(ATTEMPTS, attempt)
