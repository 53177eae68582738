"""What a bus with a LogConfig logs, delivered as CloudWatch Logs' deliveries of the bus say.

Records of one step are written together, in the commit of what they tell. Nothing is asked for a bus without a log.

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-bus-logs.html
"""

from collections.abc import Iterable
from typing import Any

from interstate.base.json import JSONObject
from interstate.core.events.bus_log import Settings, event_details, invocation_id, millis, record, settings_of
from interstate.core.events.delivery import Failure
from interstate.services.events.inputs import DeliveryFailed, input_of
from interstate.services.events.routing import Route, Target
from interstate.services.logs.vended import deliver
from interstate.store.ports import Work
from interstate.store.records.events import BUSES, Bus, Carried, Delivery

STREAM = "EventBridgeEventBusLogs"
THROTTLED = "THROTTLING"
_TYPES = {"ERROR": "ERROR_LOGS", "INFO": "INFO_LOGS", "TRACE": "TRACE_LOGS"}


class BusLog:
    """The records of one step; ``close`` writes them."""

    __slots__ = ("_bus", "_records", "_work", "settings")

    def __init__(self, bus: Bus, settings: Settings, work: Work) -> None:
        self._bus = bus
        self._work = work
        self._records: list[dict[str, Any]] = []
        self.settings = settings

    def add(self, kind: str, event_id: str, details: dict[str, Any] | None = None, **more: Any) -> None:
        """One record, where the bus's level wants it."""
        if self.settings.wants(kind):
            made = record(
                kind,
                bus_arn=self._bus.arn,
                event_id=event_id,
                at=self._work.now,
                settings=self.settings,
                details=details,
                **more,
            )
            self._records.append(made)

    def came(self, event: JSONObject, routes: Iterable[Route]) -> None:
        """An event came onto the bus and met these rules. Of AWS's own events, those are logged that match."""
        event_id, found = event["id"], list(routes)
        details = event_details(event, event["account"])
        if event["source"].startswith("aws.") and not found:
            return
        self.add("EVENT_RECEIPT", event_id, details)
        self.add("EVENT_INGEST_SUCCESS", event_id, details)
        self.add("RULE_MATCH_START", event_id, details)
        for route in found:
            told = {
                "rule_arn": route.arn,
                "target_arns": [target.arn for target in route.targets],
                "invocation_ids": [invocation_id(event_id, route.arn, target.id) for target in route.targets],
            }
            self.add("RULE_MATCH", event_id, told)
        if not found:
            self.add("NO_STANDARD_RULES_MATCHED", event_id)

    def close(self) -> None:
        """Write the records."""
        if self._records:
            written = ((_TYPES[one["log_level"]], one["message_timestamp_ms"], one) for one in self._records)
            deliver(self._bus.arn, STREAM, written, self._work)


def log_of(bus: Bus | None, work: Work) -> BusLog | None:
    """The log of a bus; None when it has none."""
    settings = None if bus is None or bus.log_config is None else settings_of(bus.log_config)
    return None if bus is None or settings is None else BusLog(bus, settings, work)


def refused(bus: Bus, entry: dict[str, Any], failure: Failure, work: Work) -> None:
    """An entry was not taken onto the bus."""
    log = log_of(bus, work)
    if log is not None:
        log.add("EVENT_INGEST_FAILURE", "", entry, failure=failure, service="EventBridge")
        log.close()


def began(delivery: Delivery, target: Target, work: Work) -> None:
    """An attempt begins."""
    log = log_of(work.get(BUSES, delivery.bus), work)
    if log is None or not log.settings.wants("INVOCATION_ATTEMPT_START"):
        return
    for carried in delivery.events:
        details = {**_place(delivery, target), "attempt_count": delivery.retries + 1}
        details |= _sent(carried, delivery, target, log)
        more = {"invocation": invocation_id(carried.event_id, delivery.rule, delivery.target)}
        if not delivery.retries:
            log.add("INVOCATION_START", carried.event_id, details, **more)
        log.add("INVOCATION_ATTEMPT_START", carried.event_id, details, **more)
    log.close()


def ended(
    delivery: Delivery,
    events: Iterable[Carried],
    target: Target,
    work: Work,
    *,
    failure: Failure | None = None,
    again: bool = False,
    made: Iterable[str] = (),
) -> None:
    """An attempt ended: the target took the events, or failed to; ``again`` says that another attempt follows."""
    log = log_of(work.get(BUSES, delivery.bus), work)
    if log is None:
        return
    answers = list(made)
    for number, carried in enumerate(events):
        answer = answers[number] if number < len(answers) else None
        _ended(delivery, carried, target, log, failure, answer, work, again=again)
    log.close()


def _ended(  # noqa: PLR0917 see ended
    delivery: Delivery,
    carried: Carried,
    target: Target,
    log: BusLog,
    failure: Failure | None,
    answer: str | None,
    work: Work,
    *,
    again: bool,
) -> None:
    more: dict[str, Any] = {"invocation": invocation_id(carried.event_id, delivery.rule, delivery.target)}
    if failure is not None:
        more |= {"failure": failure, "service": _service(target.arn)}
    attempt = {
        **_place(delivery, target),
        "attempt_type": "RETRY" if delivery.retries else "FIRST",
        "attempt_count": delivery.retries + 1,
        "invocation_status": "SUCCESS" if failure is None else failure.code,
        "target_response_body": answer,
    }
    log.add(_attempt_kind(failure), carried.event_id, attempt, **more)
    if again:
        return
    waited = millis(work.now - delivery.since)
    first = None if delivery.retries else waited
    whole = {
        **_place(delivery, target),
        **_sent(carried, delivery, target, log),
        "total_attempts": delivery.retries + 1,
        "final_invocation_status": "SUCCESS" if failure is None else "FAILURE",
        "ingestion_to_start_latency_ms": first,
        "ingestion_to_complete_latency_ms": first,
        "ingestion_to_success_latency_ms": waited if failure is None else None,
        "target_response_body": answer,
    }
    log.add("INVOCATION_SUCCESS" if failure is None else "INVOCATION_FAILURE", carried.event_id, whole, **more)


def _attempt_kind(failure: Failure | None) -> str:
    if failure is None:
        return "INVOCATION_ATTEMPT_SUCCESS"
    if failure.code == THROTTLED:
        return "INVOCATION_ATTEMPT_THROTTLE"
    return f"INVOCATION_ATTEMPT_{'PERMANENT' if failure.permanent else 'RETRYABLE'}_FAILURE"


def dead_letter(delivery: Delivery, target_arn: str, queue: str, failure: Failure | None, work: Work) -> None:
    """A dead letter went to its queue, or was refused there."""
    log = log_of(work.get(BUSES, delivery.bus), work)
    if log is None:
        return
    for carried in delivery.events:
        details = {
            "rule_arn": delivery.rule,
            "target_arn": target_arn,
            "target_properties": queue,
            "total_attempts": delivery.retries + 1,
            "final_invocation_status": "SENT_TO_DLQ" if failure is None else "DLQ_FAILURE",
        }
        more: dict[str, Any] = {"invocation": invocation_id(carried.event_id, delivery.rule, delivery.target)}
        if failure is not None:
            more |= {"failure": failure, "service": "SQS"}
        log.add("INVOCATION_DLQ", carried.event_id, details, **more)
    log.close()


def _place(delivery: Delivery, target: Target) -> dict[str, Any]:
    return {"rule_arn": delivery.rule, "role_arn": target.role_arn, "target_arn": target.arn}


def _sent(carried: Carried, delivery: Delivery, target: Target, log: BusLog) -> dict[str, Any]:
    if not log.settings.full:
        return {}
    try:
        return {"target_input": input_of(carried, delivery.since, delivery.rule, target)}
    except DeliveryFailed:
        return {}


def _service(arn: str) -> str:
    return arn.split(":", 3)[2]
