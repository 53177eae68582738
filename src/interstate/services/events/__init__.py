"""EventBridge: buses, rules, targets, archives, replays, API destinations, partner event sources, global endpoints.

Source: botocore's model events/2015-10-07; EventBridge API Reference.
"""

from functools import partial

from interstate.services.events import (
    api_destinations,
    archives,
    archiving,
    authorizing,
    buses,
    calling,
    connections,
    deliveries,
    endpoints,
    log_upkeep,
    partners,
    put_events,
    replays,
    rules,
    schedules,
    tags,
    targets,
)
from interstate.services.events.aws_events import routes_cache
from interstate.services.events.outcomes import letter_again
from interstate.services.operation import Effect, Operation, Service, Step
from interstate.store.records.events import ArchiveSweep, DeadLetter, Delivery, LogSweep, ReplayPage, Tick
from interstate.store.records.events_connections import HttpCall, TokenCall
from interstate.store.records.events_endpoints import SourceExpiry

_CACHE = routes_cache()

SERVICE = Service(
    "events",
    operations=(
        Operation("ActivateEventSource", partners.SourceRequest, partners.activate_event_source),
        Operation("CreateApiDestination", api_destinations.CreateApiDestination, api_destinations.create_api_destination),
        Operation("CreateConnection", connections.CreateConnection, connections.create_connection),
        Operation("CreateEndpoint", endpoints.CreateEndpoint, endpoints.create_endpoint),
        Operation("CreatePartnerEventSource", partners.SourceOf, partners.create_partner_event_source),
        Operation("DeactivateEventSource", partners.SourceRequest, partners.deactivate_event_source),
        Operation("DeauthorizeConnection", connections.ConnectionRequest, connections.deauthorize_connection),
        Operation("DeleteApiDestination", api_destinations.DestinationRequest, api_destinations.delete_api_destination),
        Operation("DeleteConnection", connections.ConnectionRequest, connections.delete_connection),
        Operation("DeleteEndpoint", endpoints.EndpointRequest, endpoints.delete_endpoint),
        Operation("DeletePartnerEventSource", partners.SourceOf, partners.delete_partner_event_source),
        Operation("DescribeApiDestination", api_destinations.DestinationRequest,
                  api_destinations.describe_api_destination, reads=True),
        Operation("DescribeConnection", connections.ConnectionRequest, connections.describe_connection, reads=True),
        Operation("DescribeEndpoint", endpoints.EndpointRequest, endpoints.describe_endpoint, reads=True),
        Operation("DescribeEventSource", partners.SourceRequest, partners.describe_event_source, reads=True),
        Operation("DescribePartnerEventSource", partners.SourceRequest, partners.describe_partner_event_source, reads=True),
        Operation("ListApiDestinations", api_destinations.ListApiDestinations, api_destinations.list_api_destinations, reads=True),
        Operation("ListConnections", connections.ListConnections, connections.list_connections, reads=True),
        Operation("ListEndpoints", endpoints.ListEndpoints, endpoints.list_endpoints, reads=True),
        Operation("ListEventSources", partners.ListSources, partners.list_event_sources, reads=True),
        Operation("ListPartnerEventSourceAccounts", partners.ListAccounts, partners.list_partner_event_source_accounts, reads=True),
        Operation("ListPartnerEventSources", partners.ListSources, partners.list_partner_event_sources, reads=True),
        Operation("PutPartnerEvents", partners.PutPartnerEvents, partial(partners.put_partner_events, cache=_CACHE),
                  keys=partners.keys_of_put_partner_events),
        Operation("UpdateApiDestination", api_destinations.UpdateApiDestination, api_destinations.update_api_destination),
        Operation("UpdateConnection", connections.UpdateConnection, connections.update_connection),
        Operation("UpdateEndpoint", endpoints.UpdateEndpoint, endpoints.update_endpoint),
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
        Step("events.dead_letter", DeadLetter, letter_again),
        Step("events.schedule", Tick, partial(schedules.tick, cache=_CACHE), pulls=False),
        Step("events.replay", ReplayPage, partial(replays.replay_page, cache=_CACHE)),
        Step("events.sweep", ArchiveSweep, archiving.sweep, pulls=False),
        Step("events.log_sweep", LogSweep, log_upkeep.sweep_log, pulls=False),
        Step("events.source_expiry", SourceExpiry, partners.expire_source, pulls=False),
    ),
    effects=(
        Effect("events.http", HttpCall, partial(calling.called, cache=_CACHE)),
        Effect("events.token", TokenCall, authorizing.token_fetched),
    ),
    notes={
        "CreateEventBus": "A key and a dead-letter queue of a bus are checked and described; there is no KMS whose failures they would catch.",
        "PutTargets": "Targets in sqs, sns, lambda, states, logs, execute-api, other event buses and API destinations; any other is refused by name.",
    },
)  # fmt: skip
