"""Alarms: made, switched, set by hand.

Source: CloudWatch API Reference, PutMetricAlarm, SetAlarmState, DeleteAlarms, EnableAlarmActions, DisableAlarmActions.
"""

from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.json import BrokenJSON, loads
from interstate.core.metrics.alarms import COMPARISONS, INSUFFICIENT, TREATMENTS
from interstate.services.cloudwatch import upkeep
from interstate.services.cloudwatch.alarm_tags import AlarmTag
from interstate.services.cloudwatch.errors import InvalidFormat, ResourceNotFound, ValidationError
from interstate.services.cloudwatch.points import extended_of
from interstate.services.cloudwatch.queries import Query, check_queries
from interstate.services.cloudwatch.requests import Dimension, alarm_arn, scope_of
from interstate.services.cloudwatch.transitions import configured, keep_history, transition
from interstate.services.cloudwatch.watching import plan_check
from interstate.store.ports import Work
from interstate.store.records.alarms import ALARM_HISTORY, ALARMS, Alarm

_DAY_S, _WEEK_S, _HOUR_S = 86_400, 604_800, 3_600


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


class SetAlarmState(msgspec.Struct, frozen=True, rename="pascal"):
    alarm_name: str
    state_value: str
    state_reason: str
    state_reason_data: str | None = None


def put_metric_alarm(request: PutMetricAlarm, work: Work) -> None:
    """Make an alarm over a metric or an expression, or replace its settings; its state stays until it is looked at.

    Raises:
        ValidationError: the parts do not go together.
        NotImplementedHere: anomaly detection, actions of services that are not here.
    """
    _check(request)
    arn = alarm_arn(request.alarm_name, work.caller)
    before = work.get(ALARMS, arn)
    members = _members(request)
    alarm = Alarm(
        arn=arn,
        scope=scope_of(work.caller),
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
    alarm = work.get(ALARMS, alarm_arn(name, work.caller))
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
        alarm = work.get(ALARMS, alarm_arn(name, work.caller))
        if alarm is not None and alarm.actions_enabled != enabled:
            changed = msgspec.structs.replace(alarm, actions_enabled=enabled, updated=work.now)
            work.put(ALARMS, changed)
            word = "enabled" if enabled else "disabled"
            data = {"version": "1.0", "type": "Update", "updatedAlarm": configured(changed)}
            keep_history(changed, "ConfigurationUpdate", f'Alarm "{name}" actions {word}', data, work)
