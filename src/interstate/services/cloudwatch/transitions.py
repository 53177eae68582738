"""A change of an alarm's state: history, the event on the default bus, and the alarm's actions, in one commit.

Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html (the event),
.../AlarmThatSendsEmail.html (actions run when the state changes), .../alarms-and-actions-Lambda.html (what a function gets)
"""

from datetime import datetime
from typing import Any

import msgspec

from interstate.base.arn import Caller, caller_of, parse_arn
from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.services.events.aws_events import put_aws_event
from interstate.store.ports import Work
from interstate.store.records.alarms import ALARM_HISTORY, ALARMS, Alarm, AlarmHistory

SOURCE, DETAIL_TYPE = "aws.cloudwatch", "CloudWatch Alarm State Change"
PRINCIPAL, FUNCTION_PRINCIPAL = "cloudwatch.amazonaws.com", "lambda.alarms.cloudwatch.amazonaws.com"
_ACTIONS = {"OK": "OKActions", "ALARM": "AlarmActions", "INSUFFICIENT_DATA": "InsufficientDataActions"}
_STATISTICS = {"SampleCount": "SAMPLE_COUNT"}
# Source: https://docs.aws.amazon.com/general/latest/gr/rande.html (names of regions, as notifications write them).
_REGIONS = {
    "us-east-1": "US East (N. Virginia)",
    "us-east-2": "US East (Ohio)",
    "us-west-1": "US West (N. California)",
    "us-west-2": "US West (Oregon)",
    "eu-west-1": "EU (Ireland)",
    "eu-west-2": "EU (London)",
    "eu-west-3": "EU (Paris)",
    "eu-central-1": "EU (Frankfurt)",
    "eu-north-1": "EU (Stockholm)",
    "ap-northeast-1": "Asia Pacific (Tokyo)",
    "ap-northeast-2": "Asia Pacific (Seoul)",
    "ap-southeast-1": "Asia Pacific (Singapore)",
    "ap-southeast-2": "Asia Pacific (Sydney)",
    "ap-south-1": "Asia Pacific (Mumbai)",
    "ca-central-1": "Canada (Central)",
    "sa-east-1": "South America (Sao Paulo)",
}


def written(at: datetime) -> str:
    """An instant as events and notifications of alarms write it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def keep_history(alarm: Alarm, kind: str, summary: str, data: dict[str, Any], work: Work) -> None:
    """Keep what happened."""
    row = AlarmHistory(work.next_id(ALARM_HISTORY), alarm.scope, alarm.name, work.now, kind, summary, dumps(data))
    work.put(ALARM_HISTORY, row)


def transition(alarm: Alarm, state: str, reason: str, reason_data: str, work: Work) -> Alarm:
    """Give an alarm a state; when it is another one, tell everybody, and act."""
    changed = state != alarm.state
    now = msgspec.structs.replace(
        alarm,
        state=state,
        reason=reason,
        reason_data=reason_data,
        state_updated=work.now,
        state_changed=work.now if changed else alarm.state_changed,
    )
    work.put(ALARMS, now)
    if not changed:
        return now
    told = {"version": "1.0", "oldState": _state(alarm), "newState": _state(now)}
    keep_history(now, "StateUpdate", f"Alarm updated from {alarm.state} to {state}", told, work)
    detail = {
        "alarmName": now.name,
        "state": {**_event_state(now), "timestamp": written(work.now)},
        "previousState": {**_event_state(alarm), "timestamp": written(alarm.state_updated)},
        "configuration": configuration(now),
    }
    put_aws_event(work, caller_of(now.arn), SOURCE, DETAIL_TYPE, detail, [now.arn])
    if now.actions_enabled:
        for action in now.members.get(_ACTIONS[state], ()):
            _act(action, alarm, now, detail, work)
    return now


def _state(alarm: Alarm) -> dict[str, Any]:
    told: dict[str, Any] = {"stateValue": alarm.state, "stateReason": alarm.reason}
    return {**told, "stateReasonData": loads(alarm.reason_data)} if alarm.reason_data else told


def _event_state(alarm: Alarm) -> dict[str, Any]:
    told = {"value": alarm.state, "reason": alarm.reason}
    return {**told, "reasonData": alarm.reason_data} if alarm.reason_data else told


def _act(action: str, before: Alarm, now: Alarm, detail: dict[str, Any], work: Work) -> None:
    try:
        if ":lambda:" in action:
            _invoke(action, now, detail, work)
        else:
            _publish(action, before, now, work)
    except ServiceError as error:
        told = {"actionState": "Failed", "notificationResource": action, "error": error.message}
        summary = f'Failed to execute action {action}. Received error: "{error.message}"'
    else:
        told = {"actionState": "Succeeded", "notificationResource": action}
        summary = f"Successfully executed action {action}"
    keep_history(now, "Action", summary, told, work)


def _publish(topic: str, before: Alarm, now: Alarm, work: Work) -> None:
    place = caller_of(now.arn)
    region = _REGIONS.get(place.region, place.region)
    request = {
        "TopicArn": topic,
        "Subject": f'{now.state}: "{now.name}" in {region}'[:100],
        "Message": dumps(_notification(before, now, region, place)),
    }
    work.call("sns", "Publish", request, caller=caller_of(topic).on_behalf_of(PRINCIPAL, source_arn=now.arn))


def _invoke(function: str, now: Alarm, detail: dict[str, Any], work: Work) -> None:
    place = caller_of(now.arn)
    payload = {
        "source": SOURCE,
        "alarmArn": now.arn,
        "accountId": place.account,
        "time": written(now.state_updated),
        "region": place.region,
        "alarmData": detail,
    }
    request = {"FunctionName": function, "InvocationType": "Event", "Payload": dumps(payload).encode()}
    caller = caller_of(function).on_behalf_of(FUNCTION_PRINCIPAL, source_arn=now.arn)
    work.call("lambda", "Invoke", request, caller=caller)


def _notification(before: Alarm, now: Alarm, region: str, place: Caller) -> dict[str, Any]:
    members = now.members
    return {
        "AlarmName": now.name,
        "AlarmDescription": members.get("AlarmDescription"),
        "AWSAccountId": place.account,
        "AlarmConfigurationUpdatedTimestamp": written(now.updated),
        "NewStateValue": now.state,
        "NewStateReason": now.reason,
        "StateChangeTime": written(now.state_changed),
        "Region": region,
        "AlarmArn": now.arn,
        "OldStateValue": before.state,
        "OKActions": members.get("OKActions", []),
        "AlarmActions": members.get("AlarmActions", []),
        "InsufficientDataActions": members.get("InsufficientDataActions", []),
        "Trigger": _trigger(members),
    }


def _trigger(members: dict[str, Any]) -> dict[str, Any]:
    common = {
        "Period": members.get("Period", 0),
        "EvaluationPeriods": members["EvaluationPeriods"],
        "DatapointsToAlarm": members.get("DatapointsToAlarm"),
        "ComparisonOperator": members["ComparisonOperator"],
        "Threshold": members["Threshold"],
        "TreatMissingData": members.get("TreatMissingData", ""),
        "EvaluateLowSampleCountPercentile": members.get("EvaluateLowSampleCountPercentile", ""),
    }
    common = {name: value for name, value in common.items() if value is not None}
    if "Metrics" in members:
        return {**common, "Metrics": members["Metrics"]}
    statistic = members.get("Statistic")
    kind = "Statistic" if statistic else "ExtendedStatistic"
    value = _STATISTICS.get(statistic, statistic.upper()) if statistic else members.get("ExtendedStatistic")
    return {
        "MetricName": members["MetricName"],
        "Namespace": members["Namespace"],
        "StatisticType": kind,
        kind: value,
        "Unit": members.get("Unit"),
        "Dimensions": [{"value": one["Value"], "name": one["Name"]} for one in members.get("Dimensions", ())],
        **common,
    }


def configuration(alarm: Alarm) -> dict[str, Any]:
    """An alarm's metrics as its events tell them."""
    members = alarm.members
    told: dict[str, Any] = {}
    if "AlarmDescription" in members:
        told["description"] = members["AlarmDescription"]
    queries = members.get("Metrics") or [_single(alarm, members)]
    told["metrics"] = [_metric(query) for query in queries]
    return told


def _single(alarm: Alarm, members: dict[str, Any]) -> dict[str, Any]:
    stat = {
        "Metric": {
            "Namespace": members["Namespace"],
            "MetricName": members["MetricName"],
            "Dimensions": members.get("Dimensions", []),
        },
        "Period": members["Period"],
        "Stat": members.get("Statistic") or members.get("ExtendedStatistic"),
    }
    if "Unit" in members:
        stat["Unit"] = members["Unit"]
    # The id that an alarm's own metric gets is a number of AWS's; ours comes from the alarm, and stays.
    digits = f"{alarm.revision & ((1 << 128) - 1):032x}"
    return {
        "Id": "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])),
        "MetricStat": stat,
        "ReturnData": True,
    }


def _metric(query: dict[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {"id": query["Id"]}
    stat = query.get("MetricStat")
    if stat is not None:
        told["metricStat"] = {
            "metric": {
                "namespace": stat["Metric"]["Namespace"],
                "name": stat["Metric"]["MetricName"],
                "dimensions": {one["Name"]: one["Value"] for one in stat["Metric"].get("Dimensions", ())},
            },
            "period": stat["Period"],
            "stat": stat["Stat"],
        }
        if "Unit" in stat:
            told["metricStat"]["unit"] = stat["Unit"]
    if "Expression" in query:
        told["expression"] = query["Expression"]
    if "Label" in query:
        told["label"] = query["Label"]
    return {**told, "returnData": query.get("ReturnData", True)}


def configured(alarm: Alarm) -> dict[str, Any]:
    """An alarm as its history tells it."""
    arn = parse_arn(alarm.arn)
    assert arn is not None, alarm
    members = {name[:1].lower() + name[1:]: value for name, value in alarm.members.items()}
    return {
        "alarmName": alarm.name,
        "alarmArn": alarm.arn,
        "stateValue": alarm.state,
        "actionsEnabled": alarm.actions_enabled,
        **members,
    }
