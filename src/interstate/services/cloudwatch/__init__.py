"""CloudWatch: metrics that services counted and programs sent, read back; alarms over them.

Source: botocore's model cloudwatch/2010-08-01; CloudWatch API Reference.
"""

from interstate.services.cloudwatch import (
    alarm_listing,
    alarm_tags,
    alarms,
    data,
    listing,
    put,
    statistics,
    upkeep,
    watching,
)
from interstate.services.operation import Operation, Service, Step
from interstate.store.records.alarms import AlarmCheck

SERVICE = Service(
    "cloudwatch",
    operations=(
        Operation("DeleteAlarms", alarms.AlarmNames, alarms.delete_alarms),
        Operation(
            "DescribeAlarmHistory", alarm_listing.DescribeAlarmHistory, alarm_listing.describe_alarm_history, reads=True
        ),
        Operation("DescribeAlarms", alarm_listing.DescribeAlarms, alarm_listing.describe_alarms, reads=True),
        Operation(
            "DescribeAlarmsForMetric",
            alarm_listing.DescribeAlarmsForMetric,
            alarm_listing.describe_alarms_for_metric,
            reads=True,
        ),
        Operation("DisableAlarmActions", alarms.AlarmNames, alarms.disable_alarm_actions),
        Operation("EnableAlarmActions", alarms.AlarmNames, alarms.enable_alarm_actions),
        Operation("GetMetricData", data.GetMetricData, data.get_metric_data, reads=True),
        Operation("GetMetricStatistics", statistics.GetMetricStatistics, statistics.get_metric_statistics, reads=True),
        Operation("ListMetrics", listing.ListMetrics, listing.list_metrics, reads=True),
        Operation("ListTagsForResource", alarm_tags.TagsOfAlarm, alarm_tags.list_tags_for_resource, reads=True),
        Operation("PutMetricAlarm", alarms.PutMetricAlarm, alarms.put_metric_alarm),
        Operation("PutMetricData", put.PutMetricData, put.put_metric_data),
        Operation("SetAlarmState", alarms.SetAlarmState, alarms.set_alarm_state),
        Operation("TagResource", alarm_tags.TagAlarm, alarm_tags.tag_resource),
        Operation("UntagResource", alarm_tags.UntagAlarm, alarm_tags.untag_resource),
    ),
    steps=(
        Step(watching.CHECK, AlarmCheck, watching.check, pulls=False),
        Step("cloudwatch.sweep", upkeep.MetricSweep, upkeep.sweep, pulls=False),
    ),
    notes={
        "GetMetricData": "Metric math; SEARCH, anomaly detection and Metrics Insights are refused by name.",
        "GetMetricStatistics": "Periods of 60 s and more.",
        "PutMetricAlarm": "Actions to topics and functions; anomaly detection is refused by name.",
        "PutMetricData": "Points are kept by the minute, whatever StorageResolution says.",
    },
)
