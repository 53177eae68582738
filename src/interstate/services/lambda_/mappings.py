"""Event source mappings from queues: which queue feeds which function, and how.

Source: Lambda API Reference; https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.parse import parse_pattern
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from interstate.services.lambda_.locate import Located, located, scope_of, version_at
from interstate.services.sqs.locate import setting
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    BATCHES,
    BATCHES_OF_MAPPING,
    MAPPED_QUEUES,
    MAPPINGS,
    MAPPINGS_OF_FUNCTION,
    MAPPINGS_OF_SCOPE,
    MAPPINGS_OF_SOURCE,
    FunctionVersion,
    MappedQueue,
    Mapping,
    Poll,
)
from interstate.store.records.sqs import QUEUES, Queue

BATCH_SIZE_DEFAULT = 10
FILTERS_MAX = 5  # Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
LIST_MAX = 100
OF_ONE_SOURCE_MAX = 1000


class Filter(msgspec.Struct, frozen=True, rename="pascal"):
    pattern: str = "{}"


class FilterCriteria(msgspec.Struct, frozen=True, rename="pascal"):
    filters: list[Filter] = []


class Scaling(msgspec.Struct, frozen=True, rename="pascal"):
    maximum_concurrency: int | None = None


class Settings(msgspec.Struct, frozen=True, rename="pascal", kw_only=True):
    """What creating and updating a mapping have in common; None leaves a setting as it is."""

    function_name: str | None = None
    enabled: bool | None = None
    batch_size: int | None = None
    maximum_batching_window_in_seconds: int | None = None
    filter_criteria: FilterCriteria | None = None
    scaling_config: Scaling | None = None
    function_response_types: list[str] | None = None
    # Refused by name:
    destination_config: dict[str, Any] | None = None
    provisioned_poller_config: dict[str, Any] | None = None
    source_access_configurations: list[Any] | None = None
    metrics_config: dict[str, Any] | None = None
    logging_config: dict[str, Any] | None = None
    kms_key_arn: str | None = msgspec.field(name="KMSKeyArn", default=None)
    parallelization_factor: int | None = None
    maximum_record_age_in_seconds: int | None = None
    bisect_batch_on_function_error: bool | None = None
    maximum_retry_attempts: int | None = None
    tumbling_window_in_seconds: int | None = None


class CreateMapping(Settings, frozen=True, rename="pascal", kw_only=True):
    event_source_arn: str | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict)
    starting_position: str | None = None


class UpdateMapping(Settings, frozen=True, rename="pascal", kw_only=True):
    uuid: str = msgspec.field(name="UUID")


class MappingRequest(msgspec.Struct, frozen=True):
    uuid: str = msgspec.field(name="UUID")


class ListMappings(msgspec.Struct, frozen=True, rename="pascal"):
    event_source_arn: str | None = None
    function_name: str | None = None
    marker: str = ""
    max_items: int = LIST_MAX


# Member of the request -> what to say when it is used.
_REFUSED = {
    "provisioned_poller_config": "provisioned pollers of event source mappings",
    "source_access_configurations": "access configurations of event source mappings",
    "metrics_config": "metrics of event source mappings",
    "logging_config": "logs of event source mappings",
    "kms_key_arn": "encrypted filters of event source mappings",
}
# Settings of streams, which a queue does not take.
_OF_STREAMS = {
    "parallelization_factor": "ParallelizationFactor",
    "maximum_record_age_in_seconds": "MaximumRecordAgeInSeconds",
    "bisect_batch_on_function_error": "BisectBatchOnFunctionError",
    "maximum_retry_attempts": "MaximumRetryAttempts",
    "tumbling_window_in_seconds": "TumblingWindowInSeconds",
    "destination_config": "DestinationConfig",
    "starting_position": "StartingPosition",
}


def create_event_source_mapping(request: CreateMapping, work: Work) -> dict[str, Any]:
    """Let a function have the messages of a queue.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        ResourceConflictException: this queue feeds this function already.
        InvalidParameterValueException: no such queue, or settings that do not fit it.
        NotImplementedHere: a source other than a standard queue.
    """
    source = request.event_source_arn or ""
    parsed = parse_arn(source)
    if parsed is None:
        raise InvalidParameterValueException("Unrecognized event source.")
    if parsed.service != "sqs":
        raise NotImplementedHere(f"event source mappings from {parsed.service}; it has those from SQS")
    found = located(work, request.function_name or "")
    version = version_at(work, found)
    queue = _queue(work, source)
    for other in work.select(MAPPINGS_OF_SOURCE, limit=OF_ONE_SOURCE_MAX, source=source):
        if (other.function, other.qualifier) == (found.function.arn, found.qualifier):
            raise ResourceConflictException(
                f'An event source mapping with SQS arn (" {source} ") and function (" {found.function.name} ") already '
                f"exists. Please update or delete the existing mapping with UUID {other.uuid}"
            )
    mapping = Mapping(
        uuid=work.entropy.uuid(),
        scope=scope_of(found.function.arn),
        source=source,
        function=found.function.arn,
        qualifier=found.qualifier,
        batch_size=BATCH_SIZE_DEFAULT,
        window_s=0,
        enabled=True,
        report_items=False,
        concurrency_max=None,
        filters=[],
        modified=work.now,
        result="No records processed",
        tags=request.tags,
    )
    mapping = _applied(mapping, request, work)
    _check(mapping, queue, version)
    _save(mapping, work)
    return _shown(mapping, "Creating")


def _queue(work: Work, source: str) -> Queue:
    queue = work.get(QUEUES, source)
    if queue is None:
        raise InvalidParameterValueException(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )
    return queue


def _applied(mapping: Mapping, request: Settings, work: Work) -> Mapping:
    for member, name in _OF_STREAMS.items():
        if getattr(request, member, None) is not None:
            raise InvalidParameterValueException(f"Unsupported parameter for the source type SQS: {name}")
    for member, what in _REFUSED.items():
        if getattr(request, member):
            raise NotImplementedHere(what)
    types = request.function_response_types
    changes: dict[str, Any] = {
        "enabled": request.enabled,
        "batch_size": request.batch_size,
        "window_s": request.maximum_batching_window_in_seconds,
        "report_items": None if types is None else "ReportBatchItemFailures" in types,
    }
    changed = {field: value for field, value in changes.items() if value is not None}
    if request.filter_criteria is not None:
        changed["filters"] = _filters(request.filter_criteria)
    if request.scaling_config is not None:
        changed["concurrency_max"] = request.scaling_config.maximum_concurrency
    return msgspec.structs.replace(mapping, **changed, modified=work.now, window_until=None)


def _filters(criteria: FilterCriteria) -> list[str]:
    if len(criteria.filters) > FILTERS_MAX:
        raise InvalidParameterValueException(f"Filter criteria can have at most {FILTERS_MAX} filters.")
    for one in criteria.filters:
        try:
            parse_pattern(one.pattern)
        except PatternError as error:
            raise InvalidParameterValueException(f"Invalid filter pattern definition: {error}") from error
    return [one.pattern for one in criteria.filters]


def _check(mapping: Mapping, queue: Queue, version: FunctionVersion) -> None:
    if mapping.batch_size > BATCH_SIZE_DEFAULT and mapping.window_s < 1:
        raise InvalidParameterValueException(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    visibility_s = setting(queue, "VisibilityTimeout")
    if visibility_s < version.timeout_s:
        raise InvalidParameterValueException(
            f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {version.timeout_s} seconds"
        )


def _save(mapping: Mapping, work: Work) -> None:
    """Keep a mapping, tell its queue of it, and look at what lies there already."""
    work.put(MAPPINGS, mapping)
    mapped = work.get(MAPPED_QUEUES, mapping.source)
    others = [uuid for uuid in (mapped.mappings if mapped is not None else ()) if uuid != mapping.uuid]
    _set_mapped(mapping.source, [*others, mapping.uuid] if mapping.enabled else others, work)
    if mapping.enabled:
        work.later("lambda.poll", Poll(mapping.uuid))


def _set_mapped(source: str, mappings: Sequence[str], work: Work) -> None:
    if mappings:
        work.put(MAPPED_QUEUES, MappedQueue(source, list(mappings)))
    else:
        work.delete(MAPPED_QUEUES, source)


def update_event_source_mapping(request: UpdateMapping, work: Work) -> dict[str, Any]:
    """Change a mapping; what is not given stays.

    Raises:
        ResourceNotFoundException: there is no such mapping or function.
        InvalidParameterValueException: settings that do not fit the queue.
    """
    mapping = _applied(_mapping_at(work, request.uuid), request, work)
    found = located(
        work, request.function_name or mapping.function, None if request.function_name else mapping.qualifier
    )
    version = version_at(work, found)
    mapping = msgspec.structs.replace(mapping, function=found.function.arn, qualifier=found.qualifier)
    _check(mapping, _queue(work, mapping.source), version)
    _save(mapping, work)
    return _shown(mapping, "Updating")


def get_event_source_mapping(request: MappingRequest, work: Work) -> dict[str, Any]:
    """A mapping.

    Raises:
        ResourceNotFoundException: there is no such mapping.
    """
    return _shown(_mapping_at(work, request.uuid))


def delete_event_source_mapping(request: MappingRequest, work: Work) -> dict[str, Any]:
    """Forget a mapping; batches in hand are finished.

    Raises:
        ResourceNotFoundException: there is no such mapping.
    """
    mapping = _mapping_at(work, request.uuid)
    work.delete(MAPPINGS, mapping.uuid)
    for batch in work.select(BATCHES_OF_MAPPING, limit=OF_ONE_SOURCE_MAX, mapping=mapping.uuid):
        work.delete(BATCHES, batch.mapping, batch.request_id)
    mapped = work.get(MAPPED_QUEUES, mapping.source)
    if mapped is not None:
        _set_mapped(mapping.source, [uuid for uuid in mapped.mappings if uuid != mapping.uuid], work)
    return _shown(mapping, "Deleting")


def list_event_source_mappings(request: ListMappings, work: Work) -> dict[str, Any]:
    """The caller's mappings, of one queue or function on request."""
    limit = min(request.max_items, LIST_MAX)
    if request.event_source_arn is not None:
        found = work.select(MAPPINGS_OF_SOURCE, limit=OF_ONE_SOURCE_MAX, source=request.event_source_arn)
    elif request.function_name is not None:
        target = located(work, request.function_name)
        found = work.select(MAPPINGS_OF_FUNCTION, limit=OF_ONE_SOURCE_MAX, function=target.function.arn)
    else:
        scope = f"{work.caller.account}/{work.caller.region}"
        found = work.select(MAPPINGS_OF_SCOPE, limit=limit + 1, scope=scope, after=request.marker)
    wanted = [mapping for mapping in found if mapping.uuid > request.marker and _is_for(mapping, request, work)]
    answer: dict[str, Any] = {"EventSourceMappings": [_shown(mapping) for mapping in wanted[:limit]]}
    if len(wanted) > limit:
        answer["NextMarker"] = wanted[limit - 1].uuid
    return answer


def _is_for(mapping: Mapping, request: ListMappings, work: Work) -> bool:
    if request.function_name is None:
        return True
    target: Located = located(work, request.function_name)
    return (mapping.function, mapping.qualifier) == (target.function.arn, target.qualifier)


def _mapping_at(work: Work, uuid: str) -> Mapping:
    mapping = work.get(MAPPINGS, uuid)
    if mapping is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return mapping


def _shown(mapping: Mapping, state: str = "") -> dict[str, Any]:
    parsed = parse_arn(mapping.function)
    assert parsed is not None, mapping.function
    shown: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{parsed.region}:{parsed.account}:event-source-mapping:{mapping.uuid}",
        "EventSourceArn": mapping.source,
        "FunctionArn": f"{mapping.function}:{mapping.qualifier}" if mapping.qualifier else mapping.function,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.report_items else [],
        "LastModified": mapping.modified,
        "LastProcessingResult": mapping.result,
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "USER_INITIATED",
    }
    if mapping.filters:
        shown["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in mapping.filters]}
    if mapping.concurrency_max is not None:
        shown["ScalingConfig"] = {"MaximumConcurrency": mapping.concurrency_max}
    return shown
