"""Alarms and their history, read.

Source: CloudWatch API Reference, DescribeAlarms, DescribeAlarmsForMetric, DescribeAlarmHistory.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.errors import NotImplementedHere
from interstate.services.cloudwatch.errors import InvalidNextToken, ValidationError
from interstate.services.cloudwatch.requests import (
    Dimension,
    alarm_arn,
    place_of,
    scope_of,
    sorted_dimensions,
    token_of,
)
from interstate.store.ports import Work
from interstate.store.records.alarms import (
    ALARMS,
    ALARMS_OF_SCOPE,
    HISTORY_OF_ALARM,
    HISTORY_OF_ALARM_DOWN,
    HISTORY_OF_SCOPE,
    HISTORY_OF_SCOPE_DOWN,
    Alarm,
)

PAGE, PAGE_MAX = 50, 100
_SCANNED_MAX = 1_000
_MANY = 1 << 62


class DescribeAlarms(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_names: list[str] = []
    alarm_name_prefix: str = ""
    alarm_types: list[str] = []
    children_of_alarm_name: str | None = None
    parents_of_alarm_name: str | None = None
    state_value: str | None = None
    action_prefix: str | None = None
    max_records: int = PAGE
    next_token: str | None = None


class DescribeAlarmsForMetric(msgspec.Struct, frozen=True, rename="pascal"):
    metric_name: str
    namespace: str
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: list[Dimension] = []
    period: int | None = None
    unit: str | None = None


class DescribeAlarmHistory(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_name: str | None = None
    alarm_contributor_id: str | None = None
    alarm_types: list[str] = []
    history_item_type: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    max_records: int = PAGE_MAX
    next_token: str | None = None
    scan_by: str = "TimestampDescending"


def shown(alarm: Alarm) -> dict[str, Any]:
    """An alarm as DescribeAlarms shows it."""
    return {
        "AlarmName": alarm.name,
        "AlarmArn": alarm.arn,
        "AlarmConfigurationUpdatedTimestamp": alarm.updated,
        "ActionsEnabled": alarm.actions_enabled,
        "StateValue": alarm.state,
        "StateReason": alarm.reason,
        "StateUpdatedTimestamp": alarm.state_updated,
        "StateTransitionedTimestamp": alarm.state_changed,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "Dimensions": [],
        **({"StateReasonData": alarm.reason_data} if alarm.reason_data else {}),
        **alarm.members,
    }


def describe_alarms(request: DescribeAlarms, work: Work) -> dict[str, Any]:
    """Alarms by name: those of a list, of a prefix, in a state, or with an action.

    Raises:
        InvalidNextToken: the token is none of ours.
    """
    if request.children_of_alarm_name is not None or request.parents_of_alarm_name is not None:
        raise NotImplementedHere("composite alarms")
    if request.alarm_names and request.alarm_name_prefix:
        raise ValidationError("AlarmNamePrefix and AlarmNames are mutually exclusive")
    answer: dict[str, Any] = {"MetricAlarms": [], "CompositeAlarms": []}
    if request.alarm_types and "MetricAlarm" not in request.alarm_types:
        return answer
    after = _after(request.next_token)
    if request.alarm_names:
        named = [work.get(ALARMS, alarm_arn(name, work.caller)) for name in sorted(set(request.alarm_names))]
        rows = [alarm for alarm in named if alarm is not None and alarm.name > after]
    else:
        rows = work.select(
            ALARMS_OF_SCOPE,
            limit=_SCANNED_MAX,
            scope=scope_of(work.caller),
            after=after,
            prefix=request.alarm_name_prefix,
        )
    wanted = [alarm for alarm in rows if _wanted(alarm, request)]
    answer["MetricAlarms"] = [shown(alarm) for alarm in wanted[: request.max_records]]
    if len(wanted) > request.max_records:
        answer["NextToken"] = token_of([wanted[request.max_records - 1].name])
    elif not request.alarm_names and len(rows) == _SCANNED_MAX:
        answer["NextToken"] = token_of([rows[-1].name])
    return answer


def _after(token: str | None) -> str:
    if token is None:
        return ""
    match place_of(token):
        case [str() as name]:
            return name
        case _:
            raise InvalidNextToken


def _wanted(alarm: Alarm, request: DescribeAlarms) -> bool:
    if not alarm.name.startswith(request.alarm_name_prefix):
        return False
    if request.state_value is not None and alarm.state != request.state_value:
        return False
    prefix = request.action_prefix
    return prefix is None or any(action.startswith(prefix) for action in _actions(alarm))


def _actions(alarm: Alarm) -> Sequence[str]:
    names = ("OKActions", "AlarmActions", "InsufficientDataActions")
    return [action for name in names for action in alarm.members.get(name, ())]


def describe_alarms_for_metric(request: DescribeAlarmsForMetric, work: Work) -> dict[str, Any]:
    """The alarms over one metric; those over expressions are left out."""
    rows = work.select(ALARMS_OF_SCOPE, limit=_SCANNED_MAX, scope=scope_of(work.caller), after="", prefix="")
    wanted = sorted_dimensions(request.dimensions)
    exact = {
        "MetricName": request.metric_name,
        "Namespace": request.namespace,
        "Statistic": request.statistic,
        "ExtendedStatistic": request.extended_statistic,
        "Period": request.period,
        "Unit": request.unit,
    }
    found = [
        alarm
        for alarm in rows
        if all(value is None or alarm.members.get(name) == value for name, value in exact.items())
        and tuple(sorted((one["Name"], one["Value"]) for one in alarm.members.get("Dimensions", ()))) == wanted
    ]
    return {"MetricAlarms": [shown(alarm) for alarm in found]}


def describe_alarm_history(request: DescribeAlarmHistory, work: Work) -> dict[str, Any]:
    """What happened to an alarm, or to all of them, newest first unless asked otherwise; kept for 30 days.

    Raises:
        InvalidNextToken: the token is none of ours.
    """
    down = request.scan_by == "TimestampDescending"
    edge = _MANY if down else 0
    if request.next_token is not None:
        match place_of(request.next_token):
            case [int() as edge]:
                pass
            case _:
                raise InvalidNextToken
    place = {"scope": scope_of(work.caller), "before" if down else "after": edge}
    if request.alarm_name is None:
        rows = work.select(HISTORY_OF_SCOPE_DOWN if down else HISTORY_OF_SCOPE, limit=_SCANNED_MAX, **place)
    else:
        select = HISTORY_OF_ALARM_DOWN if down else HISTORY_OF_ALARM
        rows = work.select(select, limit=_SCANNED_MAX, name=request.alarm_name, **place)
    wanted = [
        row
        for row in rows
        if request.history_item_type in (None, row.kind)
        and (request.start_date is None or row.at >= request.start_date)
        and (request.end_date is None or row.at <= request.end_date)
    ]
    taken = wanted[: request.max_records]
    items = [
        {
            "AlarmName": row.name,
            "AlarmType": "MetricAlarm",
            "Timestamp": row.at,
            "HistoryItemType": row.kind,
            "HistorySummary": row.summary,
            "HistoryData": row.data,
        }
        for row in taken
    ]
    answer: dict[str, Any] = {"AlarmHistoryItems": items}
    if len(wanted) > len(taken):
        answer["NextToken"] = token_of([taken[-1].id])
    elif len(rows) == _SCANNED_MAX:
        answer["NextToken"] = token_of([rows[-1].id])
    return answer
