"""CloudWatch Logs: groups, streams, events, retention. Live tail and Insights are refused by name.

Source: botocore's model logs/2014-03-28; CloudWatch Logs API Reference.
"""

from interstate.services.logs import groups, reading, streams, vended
from interstate.services.operation import Operation, Service, Step

SERVICE = Service(
    "logs",
    operations=(
        Operation("CreateDelivery", vended.CreateDelivery, vended.create_delivery),
        Operation("CreateLogGroup", groups.CreateLogGroup, groups.create_log_group),
        Operation("CreateLogStream", streams.LogStreamRequest, streams.create_log_stream),
        Operation("DeleteDelivery", vended.Identified, vended.delete_delivery),
        Operation("DeleteDeliveryDestination", vended.Named, vended.delete_delivery_destination),
        Operation("DeleteDeliverySource", vended.Named, vended.delete_delivery_source),
        Operation("DeleteLogGroup", groups.LogGroupRequest, groups.delete_log_group),
        Operation("DeleteLogStream", streams.LogStreamRequest, streams.delete_log_stream),
        Operation("DeleteRetentionPolicy", groups.LogGroupRequest, groups.delete_retention_policy),
        Operation("DescribeDeliveries", vended.Listing, vended.describe_deliveries, reads=True),
        Operation("DescribeDeliveryDestinations", vended.Listing, vended.describe_delivery_destinations, reads=True),
        Operation("DescribeDeliverySources", vended.Listing, vended.describe_delivery_sources, reads=True),
        Operation("DescribeLogGroups", groups.DescribeLogGroups, groups.describe_log_groups, reads=True),
        Operation("DescribeLogStreams", streams.DescribeLogStreams, streams.describe_log_streams, reads=True),
        Operation("FilterLogEvents", reading.FilterLogEvents, reading.filter_log_events, reads=True),
        Operation("GetDelivery", vended.Identified, vended.get_delivery, reads=True),
        Operation("GetDeliveryDestination", vended.Named, vended.get_delivery_destination, reads=True),
        Operation("GetDeliverySource", vended.Named, vended.get_delivery_source, reads=True),
        Operation("GetLogEvents", reading.GetLogEvents, reading.get_log_events, reads=True),
        Operation("ListTagsForResource", groups.ListTagsForResource, groups.list_tags_for_resource, reads=True),
        Operation("ListTagsLogGroup", groups.LogGroupRequest, groups.list_tags_log_group, reads=True),
        Operation("PutDeliveryDestination", vended.PutDeliveryDestination, vended.put_delivery_destination),
        Operation("PutDeliverySource", vended.PutDeliverySource, vended.put_delivery_source),
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
    notes={
        "FilterLogEvents": "Terms, phrases, exclusions and alternatives; patterns for JSON events are refused.",
        "PutDeliveryDestination": "Log groups; buckets, delivery streams and X-Ray are refused by name.",
        "PutDeliverySource": "Event buses.",
    },
)
