"""What event source mappings can be asked for, and which source takes what.

Source: Lambda API Reference, CreateEventSourceMapping, UpdateEventSourceMapping; Lambda Developer Guide, the pages
services-sqs-parameters, services-ddb-params, services-kinesis-parameters, services-msk-parms, services-kafka-parms,
services-mq-params, documentdb-params.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from interstate.services.lambda_.errors import InvalidParameterValueException
from interstate.services.lambda_.event_invoke import DestinationConfig

LIST_MAX = 100
# Of each source's provisioned mode: the least and the most that its minimum and maximum may be, and what they are by themselves.
# Source: Lambda API Reference, ProvisionedPollerConfig; services-sqs-parameters.
POLLERS_LEAST: Final = {"sqs": 2}
POLLERS_MOST: Final = 2000
POLLERS_MINIMUM_MOST: Final = 200
POLLERS_MAXIMUM: Final = 200


class Filter(msgspec.Struct, frozen=True, rename="pascal"):
    pattern: str = "{}"


class FilterCriteria(msgspec.Struct, frozen=True, rename="pascal"):
    filters: list[Filter] = []


class Scaling(msgspec.Struct, frozen=True, rename="pascal"):
    maximum_concurrency: int | None = None


class Metrics(msgspec.Struct, frozen=True, rename="pascal"):
    metrics: list[str] = []


class Pollers(msgspec.Struct, frozen=True, rename="pascal"):
    minimum_pollers: int | None = None
    maximum_pollers: int | None = None
    poller_group_name: str | None = None


class Settings(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """What creating and updating a mapping have in common; None leaves a setting as it is."""

    function_name: str | None = None
    enabled: bool | None = None
    batch_size: int | None = None
    maximum_batching_window_in_seconds: int | None = None
    filter_criteria: FilterCriteria | None = None
    scaling_config: Scaling | None = None
    function_response_types: list[str] | None = None
    destination_config: DestinationConfig | None = None
    metrics_config: Metrics | None = None
    provisioned_poller_config: Pollers | None = None
    source_access_configurations: list[dict[str, str]] | None = None
    logging_config: dict[str, Any] | None = None
    kms_key_arn: str | None = msgspec.field(name="KMSKeyArn", default=None)
    parallelization_factor: int | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tumbling_window_in_seconds: int | None = None
    amazon_managed_kafka_event_source_config: dict[str, Any] | None = None
    self_managed_kafka_event_source_config: dict[str, Any] | None = None
    document_db_event_source_config: dict[str, Any] | None = msgspec.field(
        name="DocumentDBEventSourceConfig", default=None
    )


class CreateMapping(Settings, frozen=True, rename="pascal", kw_only=True):
    event_source_arn: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    starting_position: str | None = None
    starting_position_timestamp: Any = None
    self_managed_event_source: dict[str, Any] | None = None
    topics: list[str] | None = None
    queues: list[str] | None = None


class UpdateMapping(Settings, frozen=True, rename="pascal", kw_only=True):
    uuid: str = msgspec.field(name="UUID")


class MappingRequest(msgspec.Struct, frozen=True):
    uuid: str = msgspec.field(name="UUID")


class ListMappings(msgspec.Struct, frozen=True, rename="pascal"):
    event_source_arn: str | None = None
    function_name: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


SELF_MANAGED = "self-managed"
"""The kind of a Kafka cluster that is named by its addresses."""

_LOG: Final = frozenset({
    "destination_config", "function_response_types", "parallelization_factor", "maximum_record_age_in_seconds",
    "bisect_batch_on_function_error", "maximum_retry_attempts", "tumbling_window_in_seconds", "starting_position",
})  # fmt: skip
_KAFKA: Final = frozenset({
    "topics", "starting_position", "starting_position_timestamp", "source_access_configurations", "destination_config",
    "provisioned_poller_config", "logging_config", "function_response_types", "maximum_record_age_in_seconds",
    "bisect_batch_on_function_error", "maximum_retry_attempts",
})  # fmt: skip
# A kind of source (the service in its ARN) and what it takes beside what all take.
TAKEN: Final[Mapping[str, frozenset[str]]] = {
    "sqs": frozenset({"scaling_config", "function_response_types", "provisioned_poller_config"}),
    "dynamodb": _LOG,
    "kinesis": _LOG | {"starting_position_timestamp"},
    "kafka": _KAFKA | {"amazon_managed_kafka_event_source_config"},
    SELF_MANAGED: _KAFKA | {"self_managed_event_source", "self_managed_kafka_event_source_config"},
    "mq": frozenset({"queues", "source_access_configurations"}),
    "rds": frozenset({"document_db_event_source_config", "source_access_configurations", "starting_position",
                      "starting_position_timestamp"}),
}  # fmt: skip
_OF_SOME: Final = sorted(frozenset().union(*TAKEN.values()))


def check_members(kind: str, request: Settings) -> None:
    """Refuse what a source of this kind does not take.

    Raises:
        InvalidParameterValueException: a member is given that has no meaning for the source.

    Source: https://github.com/aws/aws-cdk/issues/17934, /19917 (the service's answers).
    """
    taken = TAKEN[kind]
    names = type(request).__struct_fields__
    encoded = dict(zip(names, type(request).__struct_encode_fields__, strict=True))
    for member in _OF_SOME:
        if member in taken or member not in encoded or getattr(request, member) is None:
            continue
        raise InvalidParameterValueException(
            f"Unsupported {encoded[member]} parameter for given event source mapping type."
        )


def pollers_of(kind: str, given: Pollers) -> dict[str, Any]:
    """The provisioned mode that a request asks for; empty when it is taken away.

    Raises:
        InvalidParameterValueException: numbers that Lambda refuses.
    """
    least = POLLERS_LEAST.get(kind, 1)
    if given.minimum_pollers is None and given.maximum_pollers is None:
        return {}
    low = least if given.minimum_pollers is None else given.minimum_pollers
    high = max(POLLERS_MAXIMUM, low) if given.maximum_pollers is None else given.maximum_pollers
    for name, value, most in (("MinimumPollers", low, POLLERS_MINIMUM_MOST), ("MaximumPollers", high, POLLERS_MOST)):
        if not least <= value <= most:
            raise InvalidParameterValueException(f"{name} must be between {least} and {most} (inclusive)")
    if low > high:
        raise InvalidParameterValueException("MinimumPollers must be less than or equal to MaximumPollers")
    group = {} if given.poller_group_name is None else {"PollerGroupName": given.poller_group_name}
    return {"MinimumPollers": low, "MaximumPollers": high, **group}
