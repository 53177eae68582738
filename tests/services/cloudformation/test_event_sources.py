"""Event source mappings of templates: all that the API takes, and what a property that is taken away leaves."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.services.cloudformation.resources.table import TYPES
from interstate.wire.codec import Wire
from interstate.wire.model import load

ROW = TYPES["AWS::Lambda::EventSourceMapping"]
KAFKA: dict[str, Any] = {
    "FunctionName": {"Ref": "F"},
    "SelfManagedEventSource": {"Endpoints": {"KafkaBootstrapServers": ["b1:9092", "b2:9092"]}},
    "SelfManagedKafkaEventSourceConfig": {
        "ConsumerGroupId": "readers",
        "SchemaRegistryConfig": {
            "AccessConfigs": [
                {"Type": "BASIC_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-123456"}
            ],
            "EventRecordFormat": "JSON",
            "SchemaRegistryURI": "https://registry.example",
            "SchemaValidationConfigs": [{"Attribute": "VALUE"}],
        },
    },
    "SourceAccessConfigurations": [
        {"Type": "SASL_SCRAM_512_AUTH", "URI": "arn:aws:secretsmanager:us-east-1:000000000000:secret:s-123456"}
    ],
    "StartingPosition": "AT_TIMESTAMP",
    "StartingPositionTimestamp": 1700000000,
    "Topics": ["orders"],
    "ProvisionedPollerConfig": {"MinimumPollers": 2, "MaximumPollers": "4", "PollerGroupName": "g"},
    "LoggingConfig": {"SystemLogLevel": "WARN"},
    "Tags": [{"Key": "of", "Value": "shop"}],
}


@pytest.fixture
def world() -> Iterator[World]:
    world = World(validate=Wire(load()).check)
    yield world
    world.close()


def put(world: World, folder: Path, mapping: dict[str, Any], operation: str = "CreateStack") -> dict[str, Any]:
    """The stack as it is after that."""
    (folder / "app.py").write_text("")
    code = {"S3Bucket": "__local__", "S3Key": str(folder), "S3ObjectVersion": "1"}
    function = {"Code": code, "Handler": "app.h", "Role": "arn:aws:iam::000000000000:role/r", "Runtime": "python3.11"}
    resources = {
        "F": {"Type": "AWS::Lambda::Function", "Properties": function},
        "Q": {"Type": "AWS::SQS::Queue"},
        "M": {"Type": "AWS::Lambda::EventSourceMapping", "Properties": mapping},
    }
    world.call("cloudformation", operation, {"StackName": "s", "TemplateBody": dumps({"Resources": resources})})
    found: dict[str, Any] = world.call("cloudformation", "DescribeStacks", {"StackName": "s"})["Stacks"][0]
    return found


def mapping_of(world: World) -> dict[str, Any]:
    (found,) = world.call("lambda", "ListEventSourceMappings")["EventSourceMappings"]
    shown: dict[str, Any] = found
    return shown


def test_a_row_takes_all_that_the_api_takes() -> None:
    """Source: service model of Lambda, CreateEventSourceMapping; the API's names differ from the template's in one."""
    model = load().service("lambda")
    members = model.shapes[model.operations["CreateEventSourceMapping"].input].members
    assert {("KmsKeyArn" if one.name == "KMSKeyArn" else one.name) for one in members} == set(ROW.properties.members)


def test_a_cluster_of_kafka_with_all_its_settings(world: World, tmp_path: Path) -> None:
    assert put(world, tmp_path, KAFKA)["StackStatus"] == "CREATE_COMPLETE"
    found = mapping_of(world)
    assert found["SelfManagedEventSource"] == {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b1:9092", "b2:9092"]}}
    assert found["SelfManagedKafkaEventSourceConfig"] == KAFKA["SelfManagedKafkaEventSourceConfig"]
    assert found["ProvisionedPollerConfig"] == {"MinimumPollers": 2, "MaximumPollers": 4, "PollerGroupName": "g"}
    assert (found["Topics"], found["LoggingConfig"]) == (["orders"], {"SystemLogLevel": "WARN"})
    assert found["StartingPositionTimestamp"].timestamp() == 1700000000
    assert world.call("lambda", "ListTags", {"Resource": found["EventSourceMappingArn"]})["Tags"] == {"of": "shop"}


def test_what_is_taken_away_is_gone_and_tags_change_in_place(world: World, tmp_path: Path) -> None:
    put(world, tmp_path, KAFKA)
    before = mapping_of(world)
    dropped = {"ProvisionedPollerConfig", "LoggingConfig", "SourceAccessConfigurations"}
    after = {name: value for name, value in KAFKA.items() if name not in dropped}
    after["Tags"] = [{"Key": "by", "Value": "me"}]
    assert put(world, tmp_path, after, "UpdateStack")["StackStatus"] == "UPDATE_COMPLETE"
    found = mapping_of(world)
    assert found["UUID"] == before["UUID"]
    assert {name: found[name] for name in dropped if found.get(name)} == {}
    assert world.call("lambda", "ListTags", {"Resource": found["EventSourceMappingArn"]})["Tags"] == {"by": "me"}


def test_other_topics_make_a_new_mapping(world: World, tmp_path: Path) -> None:
    put(world, tmp_path, KAFKA)
    before = mapping_of(world)
    assert put(world, tmp_path, {**KAFKA, "Topics": ["bills"]}, "UpdateStack")["StackStatus"] == "UPDATE_COMPLETE"
    found = mapping_of(world)
    assert (found["Topics"], found["UUID"] != before["UUID"]) == (["bills"], True)


def test_a_queue_with_pollers_of_its_own(world: World, tmp_path: Path) -> None:
    queue = {"FunctionName": {"Ref": "F"}, "EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}}
    wanted = {**queue, "ProvisionedPollerConfig": {"MinimumPollers": 2}, "MetricsConfig": {"Metrics": ["EventCount"]}}
    assert put(world, tmp_path, wanted)["StackStatus"] == "CREATE_COMPLETE"
    assert mapping_of(world)["ProvisionedPollerConfig"]["MinimumPollers"] == 2
    assert put(world, tmp_path, queue, "UpdateStack")["StackStatus"] == "UPDATE_COMPLETE"
    found = mapping_of(world)
    assert "ProvisionedPollerConfig" not in found
    assert not found.get("MetricsConfig", {}).get("Metrics")


ABSENT: list[tuple[dict[str, Any], str]] = [
    (
        {
            "EventSourceArn": "arn:aws:kafka:us-east-1:000000000000:cluster/c/11111111-2222-3333-4444-555555555555-1",
            "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g"},
            "StartingPosition": "LATEST",
            "Topics": ["orders"],
        },
        "Cluster not found: arn:aws:kafka",
    ),
    (
        {
            "EventSourceArn": "arn:aws:mq:us-east-1:000000000000:broker:b:b-11111111-2222-3333-4444-555555555555",
            "Queues": ["q"],
        },
        "Broker not found: arn:aws:mq",
    ),
    (
        {
            "DocumentDBEventSourceConfig": {"DatabaseName": "d", "CollectionName": "c", "FullDocument": "UpdateLookup"},
            "EventSourceArn": "arn:aws:rds:us-east-1:000000000000:cluster:docs",
            "StartingPosition": "LATEST",
        },
        "Cluster not found: arn:aws:rds",
    ),
    (
        {"EventSourceArn": {"Fn::GetAtt": ["Q", "Arn"]}, "Topics": ["orders"]},
        "Unsupported Topics parameter for given event source mapping type.",
    ),
]


@pytest.mark.parametrize(("properties", "reason"), ABSENT)
def test_what_is_not_there_is_refused_in_the_words_of_the_service(
    world: World, tmp_path: Path, properties: dict[str, Any], reason: str
) -> None:
    assert put(world, tmp_path, {"FunctionName": {"Ref": "F"}, **properties})["StackStatus"] == "ROLLBACK_COMPLETE"
    events = world.call("cloudformation", "DescribeStackEvents", {"StackName": "s"})["StackEvents"]
    (failed,) = [one for one in events if one["ResourceStatus"] == "CREATE_FAILED"]
    assert failed["LogicalResourceId"] == "M"
    assert reason in failed["ResourceStatusReason"]
