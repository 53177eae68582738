"""Alarms: made, shown, switched, set by hand.

Source: CloudWatch API Reference, PutMetricAlarm, DescribeAlarms, DescribeAlarmsForMetric, SetAlarmState, DeleteAlarms,
EnableAlarmActions, DisableAlarmActions, DescribeAlarmHistory.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.json import BrokenJSON, loads
from interstate.core.metrics.alarms import COMPARISONS, INSUFFICIENT, TREATMENTS
from interstate.services.cloudwatch import upkeep
from interstate.services.cloudwatch.errors import InvalidFormat, InvalidNextToken, ResourceNotFound, ValidationError
from interstate.services.cloudwatch.points import extended_of
from interstate.services.cloudwatch.queries import Query, check_queries
from interstate.services.cloudwatch.requests import Dimension, place_of, sorted_dimensions, token_of
from interstate.services.cloudwatch.transitions import configured, keep_history, transition
from interstate.services.cloudwatch.watching import plan_check
from interstate.store.ports import Work
from interstate.store.records.alarms import (
    ALARM_HISTORY,
    ALARMS,
    ALARMS_OF_SCOPE,
    HISTORY_OF_ALARM,
    HISTORY_OF_ALARM_DOWN,
    HISTORY_OF_SCOPE,
    HISTORY_OF_SCOPE_DOWN,
    Alarm,
)

PAGE = 50
_PAGE_MAX = 100
_SCANNED_MAX = 1_000
_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600
_MANY = 1 << 62


class AlarmTag(msgspec.Struct, frozen=True, rename="pascal"):
    key: str
    value: str


class PutMetricAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_name: str
    evaluation_periods: int | None = None
    comparison_operator: str | None = None
    alarm_description: str | None = None
    actions_enabled: bool = True
    ok_actions: list[str] = msgspec.field(name="OKActions", default_factory=list)
    alarm_actions: list[str] = []
    insufficient_data_actions: list[str] = []
    metric_name: str | None = None
    namespace: str | None = None
    statistic: str | None = None
    extended_statistic: str | None = None
    dimensions: list[Dimension] = []
    period: int | None = None
    unit: str | None = None
    datapoints_to_alarm: int | None = None
    threshold: float | None = None
    treat_missing_data: str | None = None
    evaluate_low_sample_count_percentile: str | None = None
    metrics: list[Query] = []
    tags: list[AlarmTag] = []
    threshold_metric_id: str | None = None
    evaluation_window: dict[str, Any] | None = None
    warm_up_configuration: dict[str, Any] | None = None
    evaluation_criteria: dict[str, Any] | None = None
    evaluation_interval: int | None = None
    action_configuration: dict[str, Any] | None = None


class AlarmNames(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_names: list[str] = []


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


class SetAlarmState(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_name: str
    state_value: str
    state_reason: str
    state_reason_data: str | None = None


class DescribeAlarmHistory(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_name: str | None = None
    alarm_contributor_id: str | None = None
    alarm_types: list[str] = []
    history_item_type: str | None = None
    start_date: datetime | None = None
    end_date: datetime | None = None
    max_records: int = _PAGE_MAX
    next_token: str | None = None
    scan_by: str = "TimestampDescending"


def _arn(name: str, work: Work) -> str:
    return work.caller.arn("cloudwatch", f"alarm:{name}")


def _scope(work: Work) -> str:
    return f"{work.caller.account}/{work.caller.region}"


def put_metric_alarm(request: PutMetricAlarm, work: Work) -> None:
    """Make an alarm over a metric or an expression, or replace its settings; its state stays until it is looked at.

    Raises:
        ValidationError: the parts do not go together.
        NotImplementedHere: anomaly detection, actions of services that are not here.
    """
    _check(request)
    arn = _arn(request.alarm_name, work)
    before = work.get(ALARMS, arn)
    members = _members(request)
    alarm = Alarm(
        arn=arn,
        scope=_scope(work),
        name=request.alarm_name,
        members=members,
        updated=work.now,
        state=INSUFFICIENT if before is None else before.state,
        reason="Unchecked: Initial alarm creation" if before is None else before.reason,
        reason_data="" if before is None else before.reason_data,
        state_updated=work.now if before is None else before.state_updated,
        state_changed=work.now if before is None else before.state_changed,
        revision=work.next_id(ALARM_HISTORY),
        actions_enabled=request.actions_enabled,
        tags={tag.key: tag.value for tag in request.tags} if before is None else before.tags,
        created=work.now if before is None else before.created,
    )
    work.put(ALARMS, alarm)
    made = before is None
    summary = f'Alarm "{alarm.name}" {"created" if made else "updated"}'
    data = {"version": "1.0", "type": "Create" if made else "Update", "createdAlarm" if made else "updatedAlarm": configured(alarm)}  # fmt: skip
    keep_history(alarm, "ConfigurationUpdate", summary, data, work)
    plan_check(alarm, work)
    upkeep.plan(work)


def _members(request: PutMetricAlarm) -> dict[str, Any]:
    """What describes the alarm, as the API names it."""
    left_out = ("AlarmName", "ActionsEnabled", "Tags")
    given = msgspec.to_builtins(request)
    assert isinstance(given, dict)
    members = {name: value for name, value in given.items() if value is not None and name not in left_out}
    if request.metrics:
        members["Metrics"] = [_query(one) for one in members["Metrics"]]
        members.pop("Dimensions", None)
    else:
        members.pop("Metrics", None)
    return members


def _query(given: dict[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in given.items() if value is not None}
    if "MetricStat" in shown:
        shown["MetricStat"] = {name: value for name, value in shown["MetricStat"].items() if value is not None}
    return shown


def _check(request: PutMetricAlarm) -> None:
    for given, name in (
        (request.evaluation_window, "EvaluationWindow"),
        (request.warm_up_configuration, "WarmUpConfiguration"),
        (request.evaluation_criteria, "EvaluationCriteria"),
        (request.evaluation_interval, "EvaluationInterval"),
        (request.action_configuration, "ActionConfiguration"),
        (request.threshold_metric_id, "anomaly detection (ThresholdMetricId)"),
    ):
        if given is not None:
            raise NotImplementedHere(f"alarms with {name}")
    if request.comparison_operator is not None and request.comparison_operator not in COMPARISONS:
        raise NotImplementedHere(f"anomaly detection ({request.comparison_operator})")
    needed = {
        "ComparisonOperator": request.comparison_operator,
        "EvaluationPeriods": request.evaluation_periods,
        "Threshold": request.threshold,
    }
    for name, value in needed.items():
        if value is None:
            raise ValidationError(f"The parameter {name} must be specified.")
    if request.treat_missing_data not in (None, *TREATMENTS):
        raise ValidationError(f"Option {request.treat_missing_data} is not supported for parameter TreatMissingData.")
    low = request.evaluate_low_sample_count_percentile
    if low not in (None, "evaluate", "ignore"):
        raise ValidationError(f"Option {low} is not supported for parameter EvaluateLowSampleCountPercentile.")
    period = _check_metrics(request) if request.metrics else _check_metric(request)
    _check_span(request, period)
    for action in (*request.ok_actions, *request.alarm_actions, *request.insufficient_data_actions):
        _check_action(action)


def _check_metrics(request: PutMetricAlarm) -> int:
    single = (request.metric_name, request.namespace, request.statistic, request.extended_statistic, request.period)
    if any(given is not None for given in single) or request.dimensions:
        raise ValidationError(
            "The parameters MetricName, Namespace, Dimensions, Period, Unit, Statistic and ExtendedStatistic must not be "
            "specified together with Metrics."
        )
    check_queries(request.metrics)
    if sum(query.return_data for query in request.metrics) != 1:
        raise ValidationError("Exactly one element of the metrics list should return data.")
    found = [query.metric_stat.period for query in request.metrics if query.metric_stat is not None]
    if not found:
        raise ValidationError("Invalid metrics list: at least one metric must be specified.")
    return max(found)


def _check_metric(request: PutMetricAlarm) -> int:
    if request.metric_name is None or request.namespace is None:
        raise ValidationError("At least one of the parameters MetricName and Namespace, or Metrics, must be specified.")
    if (request.statistic is None) == (request.extended_statistic is None):
        raise ValidationError("Exactly one of the parameters Statistic and ExtendedStatistic must be specified.")
    if request.extended_statistic is not None:
        extended_of(request.extended_statistic)
    if request.period is None:
        raise ValidationError("Period must not be null")
    if request.period in (10, 20, 30):
        raise NotImplementedHere(f"alarms with a period of {request.period} s (points are kept by the minute)")
    if request.period % 60:
        raise ValidationError("Period must be 10, 20, 30 or a multiple of 60")
    return request.period


def _check_span(request: PutMetricAlarm, period: int) -> None:
    periods = request.evaluation_periods or 1
    most, words = (_WEEK_S, "seven days") if period >= _HOUR_S else (_DAY_S, "a day")
    if period * periods > most:
        raise ValidationError(
            f"Metrics cannot be checked across more than {words} (EvaluationPeriods * Period must be <= {most})."
        )
    if request.datapoints_to_alarm is not None and request.datapoints_to_alarm > periods:
        raise ValidationError("DatapointsToAlarm must be less than or equal to EvaluationPeriods.")


def _check_action(action: str) -> None:
    arn = parse_arn(action)
    if arn is None:
        raise ValidationError(f"Invalid arn syntax: {action}")
    if arn.service not in ("sns", "lambda"):
        raise NotImplementedHere(f"alarm actions in {arn.service}")


def _alarm_at(name: str, work: Work) -> Alarm:
    alarm = work.get(ALARMS, _arn(name, work))
    if alarm is None:
        raise ResourceNotFound("Alarm does not exist")
    return alarm


def set_alarm_state(request: SetAlarmState, work: Work) -> None:
    """Set an alarm's state by hand, with everything that follows from it; the next look at its metric sets it anew.

    Raises:
        ResourceNotFound: there is no such alarm.
        InvalidFormat: StateReasonData is no JSON.
    """
    alarm = _alarm_at(request.alarm_name, work)
    if request.state_reason_data is not None:
        try:
            loads(request.state_reason_data)
        except BrokenJSON as error:
            raise InvalidFormat("StateReasonData was not valid JSON") from error
    transition(alarm, request.state_value, request.state_reason, request.state_reason_data or "", work)


def delete_alarms(request: AlarmNames, work: Work) -> None:
    """Delete alarms; with one that is not there nothing is deleted.

    Raises:
        ResourceNotFound: one of them does not exist.
    """
    for alarm in [_alarm_at(name, work) for name in dict.fromkeys(request.alarm_names)]:
        keep_history(
            alarm,
            "ConfigurationUpdate",
            f'Alarm "{alarm.name}" deleted',
            {"version": "1.0", "type": "Delete", "deletedAlarm": configured(alarm)},
            work,
        )
        work.delete(ALARMS, alarm.arn)


def enable_alarm_actions(request: AlarmNames, work: Work) -> None:
    """Let state changes act again; names without an alarm are no error."""
    _switch(request, work, enabled=True)


def disable_alarm_actions(request: AlarmNames, work: Work) -> None:
    """Let state changes be without actions; names without an alarm are no error."""
    _switch(request, work, enabled=False)


def _switch(request: AlarmNames, work: Work, *, enabled: bool) -> None:
    for name in request.alarm_names:
        alarm = work.get(ALARMS, _arn(name, work))
        if alarm is not None and alarm.actions_enabled != enabled:
            changed = msgspec.structs.replace(alarm, actions_enabled=enabled, updated=work.now)
            work.put(ALARMS, changed)
            word = "enabled" if enabled else "disabled"
            data = {"version": "1.0", "type": "Update", "updatedAlarm": configured(changed)}
            keep_history(changed, "ConfigurationUpdate", f'Alarm "{name}" actions {word}', data, work)


# Reading ------------------------------------------------------------------------------------------------------------


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
        named = [work.get(ALARMS, _arn(name, work)) for name in sorted(set(request.alarm_names))]
        rows = [alarm for alarm in named if alarm is not None and alarm.name > after]
    else:
        rows = work.select(
            ALARMS_OF_SCOPE, limit=_SCANNED_MAX, scope=_scope(work), after=after, prefix=request.alarm_name_prefix
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
    rows = work.select(ALARMS_OF_SCOPE, limit=_SCANNED_MAX, scope=_scope(work), after="", prefix="")
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
    place = {"scope": _scope(work), "before" if down else "after": edge}
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


# Tags ---------------------------------------------------------------------------------------------------------------


class TagAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tags: list[AlarmTag]


class UntagAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")
    tag_keys: list[str]


class TagsOfAlarm(msgspec.Struct, frozen=True, rename="pascal"):
    resource_arn: str = msgspec.field(name="ResourceARN")


def _tagged(arn: str, work: Work) -> Alarm:
    alarm = work.get(ALARMS, arn)
    if alarm is None or alarm.scope != _scope(work):
        raise ResourceNotFound(f"{arn} does not exist")
    return alarm


def tag_resource(request: TagAlarm, work: Work) -> dict[str, Any]:
    """Add tags to an alarm.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    tags = {**alarm.tags, **{tag.key: tag.value for tag in request.tags}}
    work.put(ALARMS, msgspec.structs.replace(alarm, tags=tags))
    return {}


def untag_resource(request: UntagAlarm, work: Work) -> dict[str, Any]:
    """Take tags away.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    tags = {key: value for key, value in alarm.tags.items() if key not in request.tag_keys}
    work.put(ALARMS, msgspec.structs.replace(alarm, tags=tags))
    return {}


def list_tags_for_resource(request: TagsOfAlarm, work: Work) -> dict[str, Any]:
    """The tags of an alarm.

    Raises:
        ResourceNotFound: there is no such alarm.
    """
    alarm = _tagged(request.resource_arn, work)
    return {"Tags": [{"Key": key, "Value": value} for key, value in alarm.tags.items()]}
