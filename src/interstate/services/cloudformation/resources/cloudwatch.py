"""AWS::CloudWatch::Alarm"""

from typing import Any, Final

from interstate.core.templates.properties import BOOLEAN, INTEGER, NUMBER, TAGS, TEXT, TEXTS, Kind, Many, Members
from interstate.services.cloudformation.resources.resource import Before, Made, Making, ResourceType, tag_changes

_DIMENSIONS: Final = Many(Members({"Name": TEXT, "Value": TEXT}, frozenset({"Name", "Value"})))
_METRIC: Final = Members({"Dimensions": _DIMENSIONS, "MetricName": TEXT, "Namespace": TEXT})
_STAT: Final = Members({"Metric": _METRIC, "Period": INTEGER, "Stat": TEXT, "Unit": TEXT})
_QUERY: Final = Members(
    {
        "AccountId": TEXT,
        "Expression": TEXT,
        "Id": TEXT,
        "Label": TEXT,
        "MetricStat": _STAT,
        "Period": INTEGER,
        "ReturnData": BOOLEAN,
    },
    frozenset({"Id"}),
)
_SETTINGS: Final[dict[str, Kind]] = {
    "ActionsEnabled": BOOLEAN,
    "AlarmActions": TEXTS,
    "AlarmDescription": TEXT,
    "ComparisonOperator": TEXT,
    "DatapointsToAlarm": INTEGER,
    "Dimensions": _DIMENSIONS,
    "EvaluateLowSampleCountPercentile": TEXT,
    "EvaluationPeriods": INTEGER,
    "ExtendedStatistic": TEXT,
    "InsufficientDataActions": TEXTS,
    "MetricName": TEXT,
    "Metrics": Many(_QUERY),
    "Namespace": TEXT,
    "OKActions": TEXTS,
    "Period": INTEGER,
    "Statistic": TEXT,
    "Threshold": NUMBER,
    "ThresholdMetricId": TEXT,
    "TreatMissingData": TEXT,
    "Unit": TEXT,
}


def _put(making: Making, name: str, **more: Any) -> Made:
    making.call("cloudwatch", "PutMetricAlarm", {"AlarmName": name, **making.pick(*_SETTINGS), **more})
    return Made(name, {"Arn": making.caller.arn("cloudwatch", f"alarm:{name}")})


def _create(making: Making) -> Made:
    return _put(making, making.name("AlarmName", 255), **making.pick("Tags"))


def _standing(making: Making) -> str | None:
    name = str(making.get("AlarmName"))
    found = making.call("cloudwatch", "DescribeAlarms", {"AlarmNames": [name]})["MetricAlarms"]
    return name if found else None


def _update(making: Making, before: Before) -> Made:
    made = _put(making, before.physical_id)
    tags, gone = tag_changes(making, before)
    if tags:
        given = [{"Key": key, "Value": value} for key, value in tags.items()]
        making.call("cloudwatch", "TagResource", {"ResourceARN": before.attributes["Arn"], "Tags": given})
    if gone:
        making.call("cloudwatch", "UntagResource", {"ResourceARN": before.attributes["Arn"], "TagKeys": gone})
    return made


def _delete(making: Making, before: Before) -> None:
    making.call("cloudwatch", "DeleteAlarms", {"AlarmNames": [before.physical_id]})


TYPES: Final = (
    ResourceType(
        name="AWS::CloudWatch::Alarm",
        properties=Members(
            {"AlarmName": TEXT, "Tags": TAGS, **_SETTINGS}, frozenset({"ComparisonOperator", "EvaluationPeriods"})
        ),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset({"AlarmName"}),
        named_by="AlarmName",
        standing=_standing,
        reference="the alarm's name",
        attributes=("Arn",),
        remark="Actions to topics and functions; anomaly detection is refused.",
    ),
)
