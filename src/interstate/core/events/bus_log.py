"""Records of what a bus does with an event, as EventBridge logs them.

AWS publishes the types, the members and the three levels; which level a type has, it draws. ``LEVELS`` is read from that
drawing's text (errors, major steps, all steps).

Source: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-logs-schema.html, .../eb-event-bus-logs.html,
.../eb-event-logs-execution-steps.html
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

import msgspec

from interstate.base.json import JSONObject, dumps
from interstate.base.time import parse_iso, to_millis
from interstate.core.events.delivery import Failure
from interstate.core.events.numbers import place_of

OFF, FULL = "OFF", "FULL"
_RANKS = {"ERROR": 1, "INFO": 2, "TRACE": 3}
LEVELS = {
    "EVENT_INGEST_FAILURE": "ERROR",
    "EVENT_INGEST_SUCCESS": "INFO",
    "EVENT_RECEIPT": "INFO",
    "INVOCATION_ATTEMPT_PERMANENT_FAILURE": "ERROR",
    "INVOCATION_ATTEMPT_RETRYABLE_FAILURE": "ERROR",
    "INVOCATION_ATTEMPT_START": "TRACE",
    "INVOCATION_ATTEMPT_SUCCESS": "TRACE",
    "INVOCATION_ATTEMPT_THROTTLE": "ERROR",
    "INVOCATION_DLQ": "ERROR",
    "INVOCATION_FAILURE": "ERROR",
    "INVOCATION_START": "TRACE",
    "INVOCATION_SUCCESS": "INFO",
    "INVOCATION_THROTTLE_START": "TRACE",
    "NO_STANDARD_RULES_MATCHED": "INFO",
    "RULE_MATCH": "INFO",
    "RULE_MATCH_START": "TRACE",
}
RECORD_BYTES_MAX = 1_000_000
"""Larger records lose their details. Source: .../eb-event-bus-logs.html ("Truncating data")."""
_DETAIL = ("event_detail", "target_input", "target_properties", "target_response_body")
"""Members that stand in records of buses that include detail alone, dearest first."""
_IDS = UUID("8f1c7a4e-4b0a-4d0e-9a3b-1f5a6c2e7d90")


class Settings(msgspec.Struct, frozen=True):
    """What a bus logs."""

    rank: int = 0
    full: bool = False

    def wants(self, kind: str) -> bool:
        """Whether records of this type are made."""
        return _RANKS[LEVELS[kind]] <= self.rank


def settings_of(log_config: dict[str, str] | None) -> Settings | None:
    """The settings of a bus's LogConfig; None when nothing is logged."""
    if log_config is None:
        return None
    rank = _RANKS.get(log_config.get("Level", OFF), 0)
    return Settings(rank, log_config.get("IncludeDetail") == FULL) if rank else None


def invocation_id(event_id: str, rule_arn: str, target: str) -> str:
    """The id of the delivery of an event to a target, the same for all of its attempts."""
    return str(uuid5(_IDS, f"{event_id} {rule_arn} {target}"))


def request_id(event_id: str) -> str:
    """The same for all events that one call brought."""
    place = place_of(event_id)
    return str(uuid5(_IDS, event_id if place is None else str(place[0])))


def event_details(event: JSONObject, caller_account: str) -> dict[str, Any]:
    """The ``details`` of records of an event's way onto the bus."""
    return {
        "caller_account_id": caller_account,
        "source_time_ms": to_millis(parse_iso(event["time"])),
        "source": event["source"],
        "detail_type": event["detail-type"],
        "resources": event["resources"],
        "event_detail": dumps(event["detail"]),
    }


def record(
    kind: str,
    *,
    bus_arn: str,
    event_id: str,
    at: datetime,
    settings: Settings,
    details: dict[str, Any] | None = None,
    invocation: str | None = None,
    failure: Failure | None = None,
    service: str = "",
) -> dict[str, Any]:
    """One record. Details that the bus does not include, and empty members, are left out."""
    told = {name: value for name, value in (details or {}).items() if value is not None}
    if not settings.full:
        told = {name: value for name, value in told.items() if name not in _DETAIL}
    made: dict[str, Any] = {
        "resource_arn": bus_arn,
        "message_timestamp_ms": to_millis(at),
        "event_bus_name": bus_arn.partition(":event-bus/")[2],
        "request_id": request_id(event_id),
        "event_id": event_id,
        "invocation_id": invocation,
        "message_type": kind,
        "log_level": LEVELS[kind],
        "details": told,
    }
    if failure is not None:
        made["error"] = {"error_message": failure.message, "aws_service": service}
    return _bounded({name: value for name, value in made.items() if value is not None})


def _bounded(made: dict[str, Any]) -> dict[str, Any]:
    if len(dumps(made)) <= RECORD_BYTES_MAX:
        return made
    dropped: list[str] = []
    for name in _DETAIL:
        if made["details"].pop(name, None) is not None:
            dropped.append(name)
        if len(dumps(made)) <= RECORD_BYTES_MAX:
            break
    return {**made, "dropped_fields": dropped}


def millis(span: timedelta) -> int:
    """A latency as records tell it."""
    return span // timedelta(milliseconds=1)
