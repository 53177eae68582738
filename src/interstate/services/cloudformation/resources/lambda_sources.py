"""AWS::Lambda::EventSourceMapping.

All that CreateEventSourceMapping takes; what a source does not take, and clusters and brokers that are not there, are refused by it in
its words.

Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-lambda-eventsourcemapping.html
"""

from datetime import UTC, datetime
from typing import Any, Final

from interstate.core.templates.properties import (
    BOOLEAN,
    DOCUMENT,
    INTEGER,
    NUMBER,
    TAGS,
    TEXT,
    TEXTS,
    Many,
    Members,
    document_text,
)
from interstate.services.cloudformation.resources.resource import (
    Before,
    Made,
    Making,
    ResourceType,
    tag_changes,
    tag_map,
)

# The API has no way to change these. (CloudFormation says that Queues and Topics change in place, and its handler drops the change.)
_FIXED: Final = (
    "EventSourceArn",
    "Queues",
    "SelfManagedEventSource",
    "StartingPosition",
    "StartingPositionTimestamp",
    "Topics",
)
_CHANGED: Final = (
    "AmazonManagedKafkaEventSourceConfig",
    "BatchSize",
    "BisectBatchOnFunctionError",
    "DestinationConfig",
    "DocumentDBEventSourceConfig",
    "Enabled",
    "FunctionName",
    "FunctionResponseTypes",
    "KmsKeyArn",
    "LoggingConfig",
    "MaximumBatchingWindowInSeconds",
    "MaximumRecordAgeInSeconds",
    "MaximumRetryAttempts",
    "MetricsConfig",
    "ParallelizationFactor",
    "ProvisionedPollerConfig",
    "ScalingConfig",
    "SelfManagedKafkaEventSourceConfig",
    "SourceAccessConfigurations",
    "TumblingWindowInSeconds",
)
# What a property that is taken away leaves: the API keeps what it is not given.
_LEFT: Final[dict[str, Any]] = {
    "DestinationConfig": {"OnFailure": {}},
    "FilterCriteria": {"Filters": []},
    "FunctionResponseTypes": [],
    "KMSKeyArn": "",
    "LoggingConfig": {},
    "MetricsConfig": {"Metrics": []},
    "ProvisionedPollerConfig": {},
    "ScalingConfig": {},
    "SourceAccessConfigurations": [],
}
_NAMES: Final = {"KmsKeyArn": "KMSKeyArn"}


def _request(making: Making, *names: str) -> dict[str, Any]:
    request = {_NAMES.get(name, name): making.get(name) for name in names}
    filters = (making.get("FilterCriteria") or {}).get("Filters", [])
    if filters:
        patterns = [{"Pattern": document_text(entry["Pattern"])} for entry in filters]
        request["FilterCriteria"] = {"Filters": patterns}
    return {name: value for name, value in request.items() if value is not None}


def _made(making: Making, uuid: str) -> Made:
    arn = making.caller.arn("lambda", f"event-source-mapping:{uuid}")
    return Made(uuid, {"EventSourceMappingArn": arn, "Id": uuid})


def _create(making: Making) -> Made:
    request = _request(making, *_FIXED, *_CHANGED)
    cluster = request.get("SelfManagedEventSource")
    if cluster is not None:
        servers = (cluster.get("Endpoints") or {}).get("KafkaBootstrapServers", [])
        request["SelfManagedEventSource"] = {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": servers}}
    began = request.get("StartingPositionTimestamp")
    if began is not None:
        request["StartingPositionTimestamp"] = datetime.fromtimestamp(began, UTC)
    if making.get("Tags"):
        request["Tags"] = tag_map(making.get("Tags"))
    return _made(making, making.call("lambda", "CreateEventSourceMapping", request)["UUID"])


def _update(making: Making, before: Before) -> Made:
    request = {"Enabled": True, **_request(making, *_CHANGED)}
    for name in before.properties:
        member = _NAMES.get(name, name)
        if member in _LEFT:
            request.setdefault(member, _LEFT[member])
    making.call("lambda", "UpdateEventSourceMapping", {"UUID": before.physical_id, **request})
    made = _made(making, before.physical_id)
    tags, gone = tag_changes(making, before)
    if tags:
        making.call("lambda", "TagResource", {"Resource": made.attributes["EventSourceMappingArn"], "Tags": tags})
    if gone:
        making.call("lambda", "UntagResource", {"Resource": made.attributes["EventSourceMappingArn"], "TagKeys": gone})
    return made


def _delete(making: Making, before: Before) -> None:
    making.call("lambda", "DeleteEventSourceMapping", {"UUID": before.physical_id})


_ACCESS: Final = Many(Members({"Type": TEXT, "URI": TEXT}))
_KAFKA: Final = Members(
    {
        "ConsumerGroupId": TEXT,
        "SchemaRegistryConfig": Members(
            {
                "AccessConfigs": _ACCESS,
                "EventRecordFormat": TEXT,
                "SchemaRegistryURI": TEXT,
                "SchemaValidationConfigs": Many(Members({"Attribute": TEXT})),
            }
        ),
    }
)

TYPES: Final = (
    ResourceType(
        name="AWS::Lambda::EventSourceMapping",
        properties=Members(
            {
                "AmazonManagedKafkaEventSourceConfig": _KAFKA,
                "BatchSize": INTEGER,
                "BisectBatchOnFunctionError": BOOLEAN,
                "DestinationConfig": Members({"OnFailure": Members({"Destination": TEXT}, frozenset({"Destination"}))}),
                "DocumentDBEventSourceConfig": Members(
                    {"CollectionName": TEXT, "DatabaseName": TEXT, "FullDocument": TEXT}
                ),
                "Enabled": BOOLEAN,
                "EventSourceArn": TEXT,
                "FilterCriteria": Members({"Filters": Many(Members({"Pattern": DOCUMENT}))}),
                "FunctionName": TEXT,
                "FunctionResponseTypes": TEXTS,
                "KmsKeyArn": TEXT,
                "LoggingConfig": Members({"SystemLogLevel": TEXT}),
                "MaximumBatchingWindowInSeconds": INTEGER,
                "MaximumRecordAgeInSeconds": INTEGER,
                "MaximumRetryAttempts": INTEGER,
                "MetricsConfig": Members({"Metrics": TEXTS}),
                "ParallelizationFactor": INTEGER,
                "ProvisionedPollerConfig": Members(
                    {"MaximumPollers": INTEGER, "MinimumPollers": INTEGER, "PollerGroupName": TEXT}
                ),
                "Queues": TEXTS,
                "ScalingConfig": Members({"MaximumConcurrency": INTEGER}),
                "SelfManagedEventSource": Members({"Endpoints": Members({"KafkaBootstrapServers": TEXTS})}),
                "SelfManagedKafkaEventSourceConfig": _KAFKA,
                "SourceAccessConfigurations": _ACCESS,
                "StartingPosition": TEXT,
                "StartingPositionTimestamp": NUMBER,
                "Tags": TAGS,
                "Topics": TEXTS,
                "TumblingWindowInSeconds": INTEGER,
            },
            frozenset({"FunctionName"}),
        ),
        create=_create,
        update=_update,
        delete=_delete,
        replaced_by=frozenset(_FIXED),
        reference="the mapping's UUID",
        attributes=("EventSourceMappingArn", "Id"),
        remark="other `Queues` or `Topics` make a new mapping: the API changes neither",
    ),
)
