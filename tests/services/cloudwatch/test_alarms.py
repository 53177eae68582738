"""Alarms: made, watched, set by hand; their events, actions and history.

Source: CloudWatch API Reference, PutMetricAlarm and its kin;
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch-and-eventbridge.html
"""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import START, World
from interstate.services.cloudwatch import SERVICE as CLOUDWATCH
from interstate.services.events import SERVICE as EVENTS
from interstate.services.sns import SERVICE as SNS
from interstate.services.sqs import SERVICE as SQS

ACCOUNT = "000000000000"
TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms"
ALARM: dict[str, Any] = {
    "AlarmName": "errors",
    "MetricName": "Errors",
    "Namespace": "shop",
    "Statistic": "Sum",
    "Period": 60,
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
ARN = f"arn:aws:cloudwatch:us-east-1:{ACCOUNT}:alarm:errors"
SERVICES = [CLOUDWATCH, EVENTS, SNS, SQS]


class Desk:
    """An instance whose alarms reach a topic, and whose queue hears the topic and the default bus."""

    def __init__(self, directory: Path | None = None) -> None:
        self.world = World(SERVICES, directory=directory)
        for name, principal in (("events", "events.amazonaws.com"), ("topic", "sns.amazonaws.com")):
            arn = f"arn:aws:sqs:us-east-1:{ACCOUNT}:{name}"
            allow = {
                "Effect": "Allow",
                "Principal": {"Service": principal},
                "Action": "sqs:SendMessage",
                "Resource": arn,
            }
            self("sqs", "CreateQueue", QueueName=name, Attributes={"Policy": dumps({"Statement": [allow]})})
        self("sns", "CreateTopic", Name="alarms")
        allow = {
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": TOPIC,
            "Condition": {"ArnLike": {"aws:SourceArn": ARN}},
        }
        policy = dumps({"Version": "2012-10-17", "Statement": [allow]})
        self("sns", "SetTopicAttributes", TopicArn=TOPIC, AttributeName="Policy", AttributeValue=policy)
        self("sns", "Subscribe", TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:us-east-1:{ACCOUNT}:topic")
        self("events", "PutRule", Name="alarms", EventPattern='{"source":["aws.cloudwatch"]}')
        target = {"Id": "t", "Arn": f"arn:aws:sqs:us-east-1:{ACCOUNT}:events"}
        self("events", "PutTargets", Rule="alarms", Targets=[target])

    def __call__(self, service: str, operation: str, **request: Any) -> Any:
        return self.world.call(service, operation, request)

    def put(self, value: float) -> None:
        data = [{"MetricName": "Errors", "Value": value}]
        self("cloudwatch", "PutMetricData", Namespace="shop", MetricData=data)

    def minute(self, count: int = 1) -> None:
        for _ in range(count):
            self.world.advance(timedelta(minutes=1))

    def alarm(self, name: str = "errors") -> dict[str, Any]:
        [found] = self("cloudwatch", "DescribeAlarms", AlarmNames=[name])["MetricAlarms"]
        assert isinstance(found, dict)
        return found

    @property
    def state(self) -> str:
        return str(self.alarm()["StateValue"])

    def messages(self, queue: str) -> list[Any]:
        self.world.run_due()
        request = {"QueueUrl": f"http://localhost/{ACCOUNT}/{queue}", "MaxNumberOfMessages": 10}
        return [loads(one["Body"]) for one in self.world.call("sqs", "ReceiveMessage", request).get("Messages", [])]

    def history(self, **more: Any) -> list[str]:
        items = self("cloudwatch", "DescribeAlarmHistory", **{"AlarmName": "errors", **more})["AlarmHistoryItems"]
        return [item["HistorySummary"] for item in items]


@pytest.fixture
def desk() -> Iterator[Desk]:
    desk = Desk()
    yield desk
    desk.world.close()


def test_an_alarm_is_described_as_it_was_made(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM, AlarmDescription="d", Tags=[{"Key": "a", "Value": "b"}])
    assert desk.alarm() == {
        "AlarmName": "errors",
        "AlarmArn": ARN,
        "AlarmDescription": "d",
        "AlarmConfigurationUpdatedTimestamp": START,
        "ActionsEnabled": True,
        "OKActions": [],
        "AlarmActions": [],
        "InsufficientDataActions": [],
        "StateValue": "INSUFFICIENT_DATA",
        "StateReason": "Unchecked: Initial alarm creation",
        "StateUpdatedTimestamp": START,
        "StateTransitionedTimestamp": START,
        "MetricName": "Errors",
        "Namespace": "shop",
        "Statistic": "Sum",
        "Dimensions": [],
        "Period": 60,
        "EvaluationPeriods": 1,
        "Threshold": 1.0,
        "ComparisonOperator": "GreaterThanThreshold",
    }
    assert desk("cloudwatch", "ListTagsForResource", ResourceARN=ARN) == {"Tags": [{"Key": "a", "Value": "b"}]}
    desk("cloudwatch", "TagResource", ResourceARN=ARN, Tags=[{"Key": "c", "Value": "d"}])
    desk("cloudwatch", "UntagResource", ResourceARN=ARN, TagKeys=["a"])
    assert desk("cloudwatch", "ListTagsForResource", ResourceARN=ARN) == {"Tags": [{"Key": "c", "Value": "d"}]}


def test_an_alarm_follows_its_metric_by_the_business_clock(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM)
    desk.put(5)
    desk.minute()
    assert desk.state == "ALARM"
    assert desk.alarm()["StateReason"] == (
        "Threshold Crossed: 1 out of the last 1 datapoints [5.0 (01/01/26 00:00:00)] was greater than the threshold (1.0) "
        "(minimum 1 datapoint for OK -> ALARM transition)."
    )
    assert loads(desk.alarm()["StateReasonData"])["recentDatapoints"] == [5.0]  # type: ignore[call-overload,index]  # an object
    desk.put(0)
    desk.minute()
    assert desk.state == "OK"
    desk.minute(4)
    assert desk.state == "INSUFFICIENT_DATA"
    assert desk.history(HistoryItemType="StateUpdate", ScanBy="TimestampAscending") == [
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        "Alarm updated from ALARM to OK",
        "Alarm updated from OK to INSUFFICIENT_DATA",
    ]


def test_a_clock_that_jumps_looks_once(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **{**ALARM, "TreatMissingData": "breaching"})
    desk.world.advance(timedelta(days=2))
    assert desk.state == "ALARM"
    assert len(desk.history(HistoryItemType="StateUpdate")) == 1


def test_m_out_of_n(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **{**ALARM, "EvaluationPeriods": 3, "DatapointsToAlarm": 2})
    for value, state in ((5, None), (0, None), (5, "ALARM"), (0, "OK"), (0, "OK")):
        desk.put(value)
        desk.minute()
        if state is not None:
            assert desk.state == state


def test_an_alarm_watches_an_expression_or_a_percentile(desk: Desk) -> None:
    single = {name: ALARM[name] for name in ("AlarmName", "EvaluationPeriods", "Threshold", "ComparisonOperator")}
    stat = {"Metric": {"Namespace": "shop", "MetricName": "Errors"}, "Period": 60, "Stat": "p90"}
    metrics = [
        {"Id": "m1", "MetricStat": stat, "ReturnData": False},
        {"Id": "e1", "Expression": "m1 * 10", "Label": "tenfold", "ReturnData": True},
    ]
    desk("cloudwatch", "PutMetricAlarm", **{**single, "Threshold": 40.0}, Metrics=metrics)
    assert desk.alarm()["Metrics"][1] == metrics[1]
    desk.put(5)
    desk.minute()
    assert desk.state == "ALARM"
    [event] = desk.messages("events")
    assert [one["id"] for one in event["detail"]["configuration"]["metrics"]] == ["m1", "e1"]


def test_a_state_change_is_an_event_on_the_default_bus(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM, AlarmDescription="too many")
    desk.put(5)
    desk.minute()
    [event] = desk.messages("events")
    assert (event["source"], event["detail-type"], event["resources"]) == (
        "aws.cloudwatch",
        "CloudWatch Alarm State Change",
        [ARN],
    )
    detail = event["detail"]
    assert detail["alarmName"] == "errors"
    assert detail["state"]["value"] == "ALARM"
    assert detail["state"]["timestamp"] == "2026-01-01T00:01:00.000+0000"
    assert loads(detail["state"]["reasonData"])["threshold"] == 1.0  # type: ignore[call-overload,index]  # an object
    assert detail["previousState"] == {
        "value": "INSUFFICIENT_DATA",
        "reason": "Unchecked: Initial alarm creation",
        "timestamp": "2026-01-01T00:00:00.000+0000",
    }
    assert detail["configuration"]["description"] == "too many"
    [metric] = detail["configuration"]["metrics"]
    assert metric["metricStat"] == {
        "metric": {"namespace": "shop", "name": "Errors", "dimensions": {}},
        "period": 60,
        "stat": "Sum",
    }


def test_actions_publish_once_a_change(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM, AlarmActions=[TOPIC])
    for _ in range(3):
        desk.put(5)
        desk.minute()
    [note] = desk.messages("topic")
    assert note["Subject"] == 'ALARM: "errors" in US East (N. Virginia)'
    message = loads(note["Message"])
    assert isinstance(message, dict)
    assert (message["NewStateValue"], message["OldStateValue"]) == ("ALARM", "INSUFFICIENT_DATA")
    assert message["Trigger"]["Statistic"] == "SUM"
    assert desk.history(HistoryItemType="Action") == [f"Successfully executed action {TOPIC}"]


def test_an_action_that_is_refused_is_told(desk: Desk) -> None:
    gone = TOPIC + "2"
    desk("cloudwatch", "PutMetricAlarm", **ALARM, OKActions=[gone])
    desk("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue="OK", StateReason="r")
    [summary] = desk.history(HistoryItemType="Action")
    assert summary.startswith(f"Failed to execute action {gone}.")
    assert desk.state == "OK"


def test_a_state_is_set_by_hand_until_the_metric_says_otherwise(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM, AlarmActions=[TOPIC])
    desk(
        "cloudwatch", "SetAlarmState", AlarmName="errors", StateValue="ALARM", StateReason="drill", StateReasonData="{}"
    )
    assert (desk.state, desk.alarm()["StateReason"]) == ("ALARM", "drill")
    assert len(desk.messages("topic")) == 1
    desk.put(0)
    desk.minute()
    assert desk.state == "OK"


def test_actions_are_switched_off_and_on(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM, AlarmActions=[TOPIC])
    desk("cloudwatch", "DisableAlarmActions", AlarmNames=["errors", "none"])
    assert desk.alarm()["ActionsEnabled"] is False
    desk("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue="ALARM", StateReason="r")
    assert desk.messages("topic") == []
    assert len(desk.messages("events")) == 1
    desk("cloudwatch", "EnableAlarmActions", AlarmNames=["errors"])
    desk("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue="OK", StateReason="r")
    desk("cloudwatch", "SetAlarmState", AlarmName="errors", StateValue="ALARM", StateReason="r")
    assert len(desk.messages("topic")) == 1


def test_alarms_are_listed_by_prefix_state_and_page(desk: Desk) -> None:
    for number in range(5):
        desk("cloudwatch", "PutMetricAlarm", **{**ALARM, "AlarmName": f"a{number}"})
    desk("cloudwatch", "PutMetricAlarm", **{**ALARM, "AlarmName": "b", "AlarmActions": [TOPIC]})
    desk("cloudwatch", "SetAlarmState", AlarmName="b", StateValue="OK", StateReason="r")

    def names(**request: Any) -> list[str]:
        return [one["AlarmName"] for one in desk("cloudwatch", "DescribeAlarms", **request)["MetricAlarms"]]

    assert names(AlarmNamePrefix="a") == ["a0", "a1", "a2", "a3", "a4"]
    assert names(StateValue="OK") == ["b"]
    assert names(ActionPrefix="arn:aws:sns") == ["b"]
    assert names(AlarmTypes=["CompositeAlarm"]) == []
    first = desk("cloudwatch", "DescribeAlarms", MaxRecords=4)
    assert names(NextToken=first["NextToken"]) == ["a4", "b"]
    metric = {"MetricName": "Errors", "Namespace": "shop"}
    assert len(desk("cloudwatch", "DescribeAlarmsForMetric", **metric)["MetricAlarms"]) == 6
    assert desk("cloudwatch", "DescribeAlarmsForMetric", **metric, Statistic="Average")["MetricAlarms"] == []
    desk("cloudwatch", "DeleteAlarms", AlarmNames=["a0", "a1"])
    assert names() == ["a2", "a3", "a4", "b"]
    page = desk("cloudwatch", "DescribeAlarmHistory", MaxRecords=3)
    assert [item["HistorySummary"] for item in page["AlarmHistoryItems"]][:2] == [
        'Alarm "a1" deleted',
        'Alarm "a0" deleted',
    ]
    assert len(desk("cloudwatch", "DescribeAlarmHistory", NextToken=page["NextToken"])["AlarmHistoryItems"]) == 6


def test_a_changed_alarm_keeps_its_state_and_is_watched_once(desk: Desk) -> None:
    desk("cloudwatch", "PutMetricAlarm", **ALARM)
    desk.put(5)
    desk.minute()
    desk("cloudwatch", "PutMetricAlarm", **{**ALARM, "Threshold": 9.0})
    assert desk.state == "ALARM"
    desk.put(5)
    desk.minute()
    assert desk.state == "OK"
    assert len(desk.history(HistoryItemType="ConfigurationUpdate")) == 2


def test_alarms_survive_a_crash(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk("cloudwatch", "PutMetricAlarm", **ALARM)
    desk.world = desk.world.restart()
    desk.put(5)
    desk.minute()
    assert desk.state == "ALARM"
    assert len(desk.messages("events")) == 1
    desk.world = desk.world.restart()
    assert desk.state == "ALARM"
    desk.world.close()


WITHOUT = ("MetricName", "Namespace", "Statistic", "Period")
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"Threshold": None}, "ValidationError", "Threshold must be specified"),
    ({"Period": None}, "ValidationError", "Period must not be null"),
    ({"Period": 70}, "ValidationError", "multiple of 60"),
    ({"Period": 10}, "NotImplemented", "period of 10 s"),
    ({"Period": 300, "EvaluationPeriods": 289}, "ValidationError", "must be <= 86400"),
    ({"DatapointsToAlarm": 2}, "ValidationError", "DatapointsToAlarm must be less"),
    ({"TreatMissingData": "x"}, "ValidationError", "TreatMissingData"),
    ({"ExtendedStatistic": "p99"}, "ValidationError", "Exactly one of the parameters"),
    ({"Statistic": None, "ExtendedStatistic": "q"}, "InvalidParameterValueException", "q"),
    ({"AlarmActions": ["x"]}, "ValidationError", "Invalid arn syntax: x"),
    ({"AlarmActions": ["arn:aws:automate:us-east-1:ec2:stop"]}, "NotImplemented", "automate"),
    ({"ComparisonOperator": "GreaterThanUpperThreshold"}, "NotImplemented", "anomaly detection"),
    ({"Metrics": [{"Id": "a", "Expression": "1"}]}, "ValidationError", "must not be specified together"),
]


@pytest.mark.parametrize(("changes", "code", "words"), REFUSED, ids=[row[2] for row in REFUSED])
def test_alarms_that_cannot_be_are_refused(desk: Desk, changes: dict[str, Any], code: str, words: str) -> None:
    request = {name: value for name, value in {**ALARM, **changes}.items() if value is not None}
    with pytest.raises(ServiceError) as refused:
        desk("cloudwatch", "PutMetricAlarm", **request)
    assert refused.value.code == code
    assert words in refused.value.message


@pytest.mark.parametrize(
    ("operation", "request_", "code"),
    [
        ("SetAlarmState", {"AlarmName": "none", "StateValue": "OK", "StateReason": ""}, "ResourceNotFound"),
        ("DeleteAlarms", {"AlarmNames": ["none"]}, "ResourceNotFound"),
        ("ListTagsForResource", {"ResourceARN": ARN + "x"}, "ResourceNotFound"),
        ("DescribeAlarms", {"NextToken": "?"}, "InvalidNextToken"),
        ("DescribeAlarmHistory", {"NextToken": "?"}, "InvalidNextToken"),
        ("PutCompositeAlarm", {"AlarmName": "c", "AlarmRule": "TRUE"}, "NotImplemented"),
    ],
)
def test_calls_that_find_nothing_are_refused(desk: Desk, operation: str, request_: dict[str, Any], code: str) -> None:
    with pytest.raises(ServiceError) as refused:
        desk("cloudwatch", operation, **request_)
    assert refused.value.code == code
