"""Alarms of CloudWatch, and what happened to them.

Source: CloudWatch API Reference, MetricAlarm, AlarmHistoryItem (kept for 30 days).
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.store.tables import Select, Table


class Alarm(msgspec.Struct, frozen=True):
    """An alarm. ``members`` are those of PutMetricAlarm, as they were given; ``revision`` belongs to its due row."""

    arn: str
    scope: str  # account/region
    name: str
    members: dict[str, Any]
    updated: datetime
    state: str
    reason: str
    reason_data: str
    state_updated: datetime
    state_changed: datetime
    revision: int
    actions_enabled: bool
    tags: dict[str, str]
    created: datetime


class AlarmHistory(msgspec.Struct, frozen=True):
    """One thing that happened."""

    id: int
    scope: str
    name: str
    at: datetime
    kind: str
    summary: str
    data: str


class AlarmCheck(msgspec.Struct, frozen=True):
    """Look at an alarm's metric; body of the step "cloudwatch.alarm"."""

    arn: str
    revision: int


ALARMS = Table("metric_alarms", Alarm, ("arn",))
ALARM_HISTORY = Table("metric_alarm_history", AlarmHistory, ("id",), appends=True)

ALARMS_OF_SCOPE = Select(ALARMS, "scope = :scope AND name > :after AND name >= :prefix", "name")
HISTORY_OF_SCOPE = Select(ALARM_HISTORY, "scope = :scope AND id > :after", "id")
HISTORY_OF_SCOPE_DOWN = Select(ALARM_HISTORY, "scope = :scope AND id < :before", "id DESC")
HISTORY_OF_ALARM = Select(ALARM_HISTORY, "scope = :scope AND name = :name AND id > :after", "id")
HISTORY_OF_ALARM_DOWN = Select(ALARM_HISTORY, "scope = :scope AND name = :name AND id < :before", "id DESC")
OLD_HISTORY = Select(ALARM_HISTORY, "at < :before", "at, id")
