"""CloudWatch Logs: groups, streams, events, retention. Live tail and Insights are refused by name.

Source: botocore's model logs/2014-03-28; CloudWatch Logs API Reference.
"""

from interstate.services.logs import groups, reading, streams
from interstate.services.operation import Operation, Service, Step

SERVICE = Service(
    "logs",
    operations=(
        Operation("CreateLogGroup", groups.CreateLogGroup, groups.create_log_group),
        Operation("CreateLogStream", streams.LogStreamRequest, streams.create_log_stream),
        Operation("DeleteLogGroup", groups.LogGroupRequest, groups.delete_log_group),
        Operation("DeleteLogStream", streams.LogStreamRequest, streams.delete_log_stream),
        Operation("DeleteRetentionPolicy", groups.LogGroupRequest, groups.delete_retention_policy),
        Operation("DescribeLogGroups", groups.DescribeLogGroups, groups.describe_log_groups, reads=True),
        Operation("DescribeLogStreams", streams.DescribeLogStreams, streams.describe_log_streams, reads=True),
        Operation("FilterLogEvents", reading.FilterLogEvents, reading.filter_log_events, reads=True),
        Operation("GetLogEvents", reading.GetLogEvents, reading.get_log_events, reads=True),
        Operation("ListTagsForResource", groups.ListTagsForResource, groups.list_tags_for_resource, reads=True),
        Operation("ListTagsLogGroup", groups.LogGroupRequest, groups.list_tags_log_group, reads=True),
        Operation("PutLogEvents", streams.PutLogEvents, streams.put_log_events),
        Operation("PutRetentionPolicy", groups.PutRetentionPolicy, groups.put_retention_policy),
        Operation("TagLogGroup", groups.TagLogGroup, groups.tag_log_group),
        Operation("TagResource", groups.TagResource, groups.tag_resource),
        Operation("UntagLogGroup", groups.UntagLogGroup, groups.untag_log_group),
        Operation("UntagResource", groups.UntagResource, groups.untag_resource),
    ),
    steps=(
        Step("logs.sweep", groups.Sweep, groups.sweep, pulls=False),
        Step("logs.drop", groups.Drop, groups.drop),
    ),
    notes={"FilterLogEvents": "Terms, phrases, exclusions and alternatives; patterns for JSON events are refused."},
)
