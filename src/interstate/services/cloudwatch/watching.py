"""Alarms as they watch: each looks at its metric once a period, by the business clock.

Theory of operation
-------------------
An alarm has one due row, of the alarm's revision: a change of the alarm leaves a new row, and the old one ends when it comes.
The row does not pull a virtual clock. A look asks for the periods that are over, and a few before them; what it finds is the
alarm's state, whoever set it before.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.arn import caller_of
from interstate.base.errors import NotImplementedHere
from interstate.base.json import dumps
from interstate.core.metrics.alarms import EXTRA_PERIODS, IGNORE, MISSING, Rule, evaluate
from interstate.core.metrics.expressions import Series
from interstate.services.cloudwatch.errors import ValidationError
from interstate.services.cloudwatch.queries import Computed, Metric, MetricStat, Query
from interstate.services.cloudwatch.requests import MINUTE, Dimension, aligned
from interstate.services.cloudwatch.transitions import transition, written
from interstate.store.ports import Work
from interstate.store.records.alarms import ALARMS, Alarm, AlarmCheck

CHECK = "cloudwatch.alarm"


def plan_check(alarm: Alarm, work: Work) -> None:
    """Look at the alarm when the minute is over."""
    at = aligned(work.now, MINUTE) + MINUTE
    work.later(CHECK, AlarmCheck(alarm.arn, alarm.revision), at=at)


def check(body: AlarmCheck, work: Work) -> None:
    """Look at an alarm's metric and come again; ends when the alarm is gone or was changed."""
    alarm = work.get(ALARMS, body.arn)
    if alarm is None or alarm.revision != body.revision:
        return
    look_at(alarm, work)
    plan_check(alarm, work)


def look_at(alarm: Alarm, work: Work) -> None:
    """Give an alarm the state that its metric says."""
    members = alarm.members
    queries = _queries(members)
    period = _period(queries)
    periods = members["EvaluationPeriods"]
    until = aligned(work.now, period)
    since = until - period * (periods + EXTRA_PERIODS)
    values = _values(alarm, queries, since, until, work)
    if values is None:
        return
    points = [(at, values.get(at)) for at in (since + period * number for number in range(periods + EXTRA_PERIODS))]
    rule = Rule(
        members["ComparisonOperator"],
        members["Threshold"],
        periods,
        members.get("DatapointsToAlarm") or periods,
        members.get("TreatMissingData", MISSING),
    )
    verdict = evaluate(rule, points, alarm.state)
    if verdict.state == alarm.state and (alarm.reason_data or not verdict.used):
        return  # Nothing happened: an alarm is written when its state changes, and as it is looked at first.
    if verdict.state == alarm.state and rule.missing == IGNORE and not verdict.used:
        return
    data = _reason_data(members, period, rule, verdict.used, work.now)
    transition(alarm, verdict.state, verdict.reason, data, work)


def _queries(members: dict[str, Any]) -> list[Query]:
    if "Metrics" in members:
        return msgspec.convert(members["Metrics"], list[Query])
    dimensions = [Dimension(one["Name"], one["Value"]) for one in members.get("Dimensions", ())]
    metric = Metric(members["Namespace"], members["MetricName"], dimensions)
    statistic = members.get("Statistic") or members["ExtendedStatistic"]
    return [Query("m1", MetricStat(metric, members["Period"], statistic, members.get("Unit")))]


def _period(queries: list[Query]) -> timedelta:
    return timedelta(seconds=max(query.metric_stat.period for query in queries if query.metric_stat is not None))


def _values(alarm: Alarm, queries: list[Query], since: datetime, until: datetime, work: Work) -> Series | None:
    """The values that are compared; None when they cannot be computed, which PutMetricAlarm refuses as far as it can."""
    [wanted] = [query for query in queries if query.return_data]
    try:
        shown = Computed(queries, since, until, work, place=caller_of(alarm.arn)).shown(wanted)
    except (ValidationError, NotImplementedHere):
        return None
    return shown[0][1] if len(shown) == 1 else None


def _reason_data(
    members: dict[str, Any], period: timedelta, rule: Rule, used: list[tuple[datetime, float]], now: datetime
) -> str:
    told: dict[str, Any] = {"version": "1.0", "queryDate": written(now)}
    if used:
        told["startDate"] = written(used[0][0])
    if "Unit" in members:
        told["unit"] = members["Unit"]
    if "Metrics" not in members:
        told["statistic"] = members.get("Statistic") or members["ExtendedStatistic"]
    told |= {
        "period": int(period.total_seconds()),
        "recentDatapoints": [value for _, value in used],
        "threshold": rule.threshold,
        "evaluatedDatapoints": [{"timestamp": written(at), "value": value} for at, value in reversed(used)],
    }
    return dumps(told)
