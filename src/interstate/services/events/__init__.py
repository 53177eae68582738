"""EventBridge: buses, rules, targets, archives, replays.

API destinations, connections, partner event sources, global endpoints and schemas are not here yet; their operations are
refused by name.

Source: botocore's model events/2015-10-07; EventBridge API Reference.
"""

from functools import partial

from interstate.services.events import (
    archives,
    archiving,
    buses,
    deliveries,
    put_events,
    replays,
    rules,
    schedules,
    tags,
    targets,
)
from interstate.services.events.aws_events import routes_cache
from interstate.services.operation import Operation, Service, Step
from interstate.store.records.events import ArchiveSweep, Delivery, ReplayPage, Tick

_CACHE = routes_cache()

SERVICE = Service(
    "events",
    operations=(
        Operation("CancelReplay", replays.ReplayRequest, replays.cancel_replay),
        Operation("CreateArchive", archives.CreateArchive, archives.create_archive),
        Operation("CreateEventBus", buses.CreateEventBus, buses.create_event_bus),
        Operation("DeleteArchive", archives.ArchiveRequest, archives.delete_archive),
        Operation("DeleteEventBus", buses.DescribeEventBus, buses.delete_event_bus),
        Operation("DeleteRule", rules.RuleRequest, rules.delete_rule),
        Operation("DescribeArchive", archives.ArchiveRequest, archives.describe_archive, reads=True),
        Operation("DescribeEventBus", buses.DescribeEventBus, buses.describe_event_bus, reads=True),
        Operation("DescribeReplay", replays.ReplayRequest, replays.describe_replay, reads=True),
        Operation("DescribeRule", rules.RuleRequest, rules.describe_rule, reads=True),
        Operation("DisableRule", rules.RuleRequest, rules.disable_rule),
        Operation("EnableRule", rules.RuleRequest, rules.enable_rule),
        Operation("ListArchives", archives.ListArchives, archives.list_archives, reads=True),
        Operation("ListEventBuses", buses.ListEventBuses, buses.list_event_buses, reads=True),
        Operation("ListReplays", replays.ListReplays, replays.list_replays, reads=True),
        Operation("ListRuleNamesByTarget", rules.ListRuleNamesByTarget, rules.list_rule_names_by_target, reads=True),
        Operation("ListRules", rules.ListRules, rules.list_rules, reads=True),
        Operation("ListTagsForResource", tags.ListTagsForResource, tags.list_tags_for_resource, reads=True),
        Operation("ListTargetsByRule", targets.ListTargetsByRule, targets.list_targets_by_rule, reads=True),
        Operation("PutEvents", put_events.PutEvents, partial(put_events.put_events, cache=_CACHE),
                  keys=put_events.keys_of_put_events),
        Operation("PutPermission", buses.PutPermission, buses.put_permission),
        Operation("PutRule", rules.PutRule, rules.put_rule),
        Operation("PutTargets", targets.PutTargets, targets.put_targets),
        Operation("RemovePermission", buses.RemovePermission, buses.remove_permission),
        Operation("RemoveTargets", targets.RemoveTargets, targets.remove_targets),
        Operation("StartReplay", replays.StartReplay, replays.start_replay),
        Operation("TagResource", tags.TagResource, tags.tag_resource),
        Operation("TestEventPattern", put_events.TestEventPattern, put_events.try_event_pattern, reads=True),
        Operation("UntagResource", tags.UntagResource, tags.untag_resource),
        Operation("UpdateArchive", archives.UpdateArchive, archives.update_archive),
        Operation("UpdateEventBus", buses.UpdateEventBus, buses.update_event_bus),
    ),
    steps=(
        Step("events.delivery", Delivery, partial(deliveries.deliver, cache=_CACHE)),
        Step("events.schedule", Tick, partial(schedules.tick, cache=_CACHE), pulls=False),
        Step("events.replay", ReplayPage, partial(replays.replay_page, cache=_CACHE)),
        Step("events.sweep", ArchiveSweep, archiving.sweep, pulls=False),
    ),
    notes={
        "CreateEventBus": "Dead-letter, encryption and log settings are stored and described; they have no effect yet.",
        "PutTargets": "Targets in sqs, sns, lambda, states, logs and other event buses; any other is refused by name.",
    },
)  # fmt: skip
