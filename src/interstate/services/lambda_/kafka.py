"""Event source mappings from Kafka clusters that are named by their addresses.

They are kept, checked, changed and shown. Nothing here speaks Kafka's protocol, so such a mapping is as one whose cluster
cannot be reached: its ``LastProcessingResult`` says so, as on AWS.

Source: https://docs.aws.amazon.com/lambda/latest/dg/kafka-esm-create.html, with-kafka-troubleshoot.html
"""

from typing import Any, Final

from interstate.base.time import to_micros
from interstate.services.lambda_.errors import InvalidParameterValueException
from interstate.services.lambda_.event_invoke import DestinationConfig
from interstate.services.lambda_.mapping_requests import CreateMapping, Settings

BATCH_SIZE_DEFAULT: Final = 100
UNREACHED: Final = (
    "PROBLEM: Connection error. Please check your event source connection configuration. Lambda cannot reach the brokers "
    "of the cluster."
)
BEGUN: Final = "No records processed"
SOURCE: Final = "self-managed-kafka:"
_NOT_OF_KAFKA: Final = frozenset({"VIRTUAL_HOST"})


def source_of(request: CreateMapping) -> str:
    """By what a cluster's topic is known: two mappings of one function have not the same.

    Raises:
        InvalidParameterValueException: addresses, topic or place to begin are missing.
    """
    endpoints = (request.self_managed_event_source or {}).get("Endpoints") or {}
    servers = endpoints.get("KAFKA_BOOTSTRAP_SERVERS") or []
    if not servers:
        raise InvalidParameterValueException("SelfManagedEventSource must have KAFKA_BOOTSTRAP_SERVERS.")
    if not request.topics:
        raise InvalidParameterValueException("Topics is a required parameter for Kafka event sources.")
    if request.starting_position is None:
        raise InvalidParameterValueException(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if request.starting_position == "AT_TIMESTAMP" and request.starting_position_timestamp is None:
        raise InvalidParameterValueException("Need to specify a timestamp")
    return f"{SOURCE}{','.join(sorted(servers))}/{request.topics[0]}"


def begun(request: CreateMapping, uuid: str) -> dict[str, Any]:
    """What a new mapping shows beside what all show; its consumer group is its own id, unless another one is given."""
    given: dict[str, Any] = request.self_managed_kafka_event_source_config or {}
    shown: dict[str, Any] = {
        "SelfManagedEventSource": request.self_managed_event_source,
        "Topics": request.topics,
        "StartingPosition": request.starting_position,
        "SelfManagedKafkaEventSourceConfig": {**given, "ConsumerGroupId": given.get("ConsumerGroupId", uuid)},
        "DestinationConfig": {"OnFailure": {}},
    }
    if request.starting_position_timestamp is not None:
        shown["StartingPositionTimestamp"] = to_micros(request.starting_position_timestamp)
    return shown


def changed(request: Settings, further: dict[str, Any]) -> dict[str, Any]:
    """What a mapping has after a request.

    Raises:
        InvalidParameterValueException: access that Kafka does not know, or another consumer group.
    """
    after = dict(further)
    access = request.source_access_configurations
    if access is not None:
        if any(one.get("Type") in _NOT_OF_KAFKA for one in access):
            raise InvalidParameterValueException("Unsupported SourceAccessConfiguration type for Kafka: VIRTUAL_HOST")
        after["SourceAccessConfigurations"] = access
    config = request.self_managed_kafka_event_source_config
    if config is not None and "SelfManagedKafkaEventSourceConfig" in further:
        group = further["SelfManagedKafkaEventSourceConfig"]["ConsumerGroupId"]
        if config.get("ConsumerGroupId", group) != group:  # Source: API Reference: "cannot be updated".
            raise InvalidParameterValueException("ConsumerGroupId cannot be updated.")
        after["SelfManagedKafkaEventSourceConfig"] = {**config, "ConsumerGroupId": group}
    if request.destination_config is not None:
        after["DestinationConfig"] = _destinations(request.destination_config)
    settings = {
        "LoggingConfig": request.logging_config,
        "MaximumRecordAgeInSeconds": request.maximum_record_age_in_seconds,
        "BisectBatchOnFunctionError": request.bisect_batch_on_function_error,
        "MaximumRetryAttempts": request.maximum_retry_attempts,
    }
    return {**after, **{name: value for name, value in settings.items() if value is not None}}


def _destinations(given: DestinationConfig) -> dict[str, Any]:
    target = given.on_failure.destination if given.on_failure is not None else None
    return {"OnFailure": {"Destination": target} if target else {}}
