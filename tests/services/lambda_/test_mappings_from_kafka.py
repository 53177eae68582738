"""Event source mappings from Kafka clusters that are named by their addresses: kept and shown, never reached.

Source: https://docs.aws.amazon.com/lambda/latest/dg/kafka-esm-create.html; Lambda API Reference, CreateEventSourceMapping.
"""

from typing import Any

import pytest

from interstate.base.errors import ServiceError

REQUEST: dict[str, Any] = {
    "FunctionName": "Ship",
    "SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["a.example:9092", "b.example:9092"]}},
    "Topics": ["orders"],
    "StartingPosition": "TRIM_HORIZON",
    "SourceAccessConfigurations": [{"Type": "VPC_SUBNET", "URI": "subnet:subnet-1"}],
}


def test_a_cluster_is_kept_with_its_topic_and_says_that_it_is_not_reached(cloud: Any) -> None:
    cloud.create("Ship")
    made = cloud.call("CreateEventSourceMapping", **REQUEST)
    assert (made["State"], made["LastProcessingResult"]) == ("Creating", "No records processed")
    shown = cloud.call("GetEventSourceMapping", UUID=made["UUID"])
    assert "EventSourceArn" not in shown
    assert shown["State"] == "Enabled"
    assert shown["LastProcessingResult"].startswith("PROBLEM: Connection error.")
    assert shown["BatchSize"] == 100
    for member in ("SelfManagedEventSource", "Topics", "StartingPosition", "SourceAccessConfigurations"):
        assert shown[member] == REQUEST[member]
    assert shown["SelfManagedKafkaEventSourceConfig"] == {"ConsumerGroupId": made["UUID"]}


def test_a_cluster_s_mapping_is_changed_stopped_listed_and_deleted(cloud: Any) -> None:
    cloud.create("Ship")
    uuid = cloud.call("CreateEventSourceMapping", **REQUEST)["UUID"]
    change = {"BatchSize": 5, "Enabled": False, "ProvisionedPollerConfig": {"MinimumPollers": 1, "MaximumPollers": 3}}
    assert cloud.call("UpdateEventSourceMapping", UUID=uuid, **change)["State"] == "Disabling"
    (shown,) = cloud.call("ListEventSourceMappings", FunctionName="Ship")["EventSourceMappings"]
    assert (shown["State"], shown["BatchSize"]) == ("Disabled", 5)
    assert shown["ProvisionedPollerConfig"] == {"MinimumPollers": 1, "MaximumPollers": 3}
    assert cloud.call("DeleteEventSourceMapping", UUID=uuid)["State"] == "Deleting"
    assert cloud.call("ListEventSourceMappings")["EventSourceMappings"] == []


REFUSALS: list[tuple[dict[str, Any], str, str]] = [
    ({"Topics": None}, "InvalidParameterValueException", "Topics"),
    ({"StartingPosition": None}, "InvalidParameterValueException", "startingPosition"),
    ({"StartingPosition": "AT_TIMESTAMP"}, "InvalidParameterValueException", "Need to specify a timestamp"),
    ({"EventSourceArn": "arn:aws:sqs:us-east-1:000000000000:q"}, "InvalidParameterValueException", "cannot both"),
    ({"TumblingWindowInSeconds": 5}, "InvalidParameterValueException", "Unsupported TumblingWindowInSeconds parameter"),
    ({"Topics": ["new"], "SourceAccessConfigurations": [{"Type": "VIRTUAL_HOST", "URI": "/"}]}, "InvalidParameterValueException", "VIRTUAL_HOST"),
    ({"FunctionName": "Nobody"}, "InvalidParameterValueException", "Function does not exist"),
    ({}, "ResourceConflictException", "already exists"),
]  # fmt: skip


@pytest.mark.parametrize(("parameters", "code", "message"), REFUSALS, ids=range(len(REFUSALS)))
def test_a_cluster_that_cannot_be_read_so_is_refused(
    cloud: Any, parameters: dict[str, Any], code: str, message: str
) -> None:
    cloud.create("Ship")
    cloud.call("CreateEventSourceMapping", **REQUEST)
    request = {name: value for name, value in {**REQUEST, **parameters}.items() if value is not None}
    with pytest.raises(ServiceError) as refused:
        cloud.call("CreateEventSourceMapping", **request)
    assert refused.value.code == code
    assert message in refused.value.message
