"""Event source mappings: which queue or table's stream feeds which function, and how.

Source: Lambda API Reference; https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.time import from_micros
from interstate.core.patterns.errors import PatternError
from interstate.core.patterns.parse import parse_pattern
from interstate.services.lambda_ import kafka, streams
from interstate.services.lambda_.configuration import check_target
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    ResourceConflictException,
    ResourceInUseException,
    ResourceNotFoundException,
)
from interstate.services.lambda_.locate import Located, name_of, scope_of, version_at, version_of
from interstate.services.lambda_.mapping_requests import (
    LIST_MAX,
    SELF_MANAGED,
    CreateMapping,
    FilterCriteria,
    ListMappings,
    MappingRequest,
    Settings,
    UpdateMapping,
    check_members,
    pollers_of,
)
from interstate.services.sqs.locate import setting
from interstate.store.ports import Work
from interstate.store.records.dynamodb import ITEM_STREAMS, RECORDS_BACKWARDS
from interstate.store.records.lambda_ import (
    BATCHES,
    BATCHES_OF_MAPPING,
    FUNCTIONS,
    LANES_OF_MAPPING,
    MAPPED_QUEUES,
    MAPPINGS,
    MAPPINGS_OF_FUNCTION,
    MAPPINGS_OF_SCOPE,
    MAPPINGS_OF_SOURCE,
    PACES,
    FunctionVersion,
    MappedQueue,
    Mapping,
    Poll,
    StreamSettings,
)
from interstate.store.records.sqs import QUEUES, Queue

BATCH_SIZE_DEFAULT = 10
STREAM_BATCH_SIZE_DEFAULT = 100
# Source: https://github.com/hashicorp/terraform-provider-aws/pull/16113 (the service's answer)
RECORD_AGE_S_MIN, RECORD_AGE_S_MAX = 60, 604_800
FILTERS_MAX = 5  # Source: https://docs.aws.amazon.com/lambda/latest/dg/invocation-eventfiltering.html
OF_ONE_SOURCE_MAX = 1000

# What Lambda reads from. Source: CreateEventSourceMapping, EventSourceArn.
_SOURCES = frozenset({"sqs", "dynamodb", "kinesis", "kafka", "mq", "rds"})
# What is not there cannot be read: Interstate has none of these.
_ABSENT = {
    "kinesis": "Stream not found: {}",
    "kafka": "Cluster not found: {}",
    "mq": "Broker not found: {}",
    "rds": "Cluster not found: {}",
}


def create_event_source_mapping(request: CreateMapping, work: Work) -> dict[str, Any]:
    """Let a function have the messages of a queue.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        ResourceConflictException: this queue feeds this function already.
        InvalidParameterValueException: no such queue, or settings that do not fit it.
    """
    kind, source = _source(request)
    check_members(kind, request)
    if kind in ("dynamodb", "kinesis"):
        check_position(request, source)
    found = _function(work, request.function_name or "", None)
    version = version_at(work, found)
    if kind in _ABSENT:
        raise InvalidParameterValueException(_ABSENT[kind].format(source))
    _check_single(source, found, "", work)
    if kind == "dynamodb":
        return create_from_stream(request, found, work)
    if kind == SELF_MANAGED:
        return _create_from_kafka(request, source, found, work)
    queue = _queue(work, source)
    mapping = applied(_new(request, source, found, work, batch_size=BATCH_SIZE_DEFAULT), request, work)
    _check(mapping, queue, version)
    save(mapping, work)
    return shown(mapping, "Creating")


def _check_single(source: str, found: Located, uuid: str, work: Work) -> None:
    """A source feeds a function through one mapping; ``uuid`` is the one that is changed."""
    for other in work.select(MAPPINGS_OF_SOURCE, limit=OF_ONE_SOURCE_MAX, source=source):
        if other.uuid != uuid and (other.function, other.qualifier) == (found.function.arn, found.qualifier):
            raise ResourceConflictException(_exists(other, found.function.name))


def _source(request: CreateMapping) -> tuple[str, str]:
    """The kind of a source, and by what it is known."""
    source = request.event_source_arn
    if request.self_managed_event_source is not None:
        if source is not None:
            raise InvalidParameterValueException("EventSourceArn and SelfManagedEventSource cannot both be specified.")
        return SELF_MANAGED, kafka.source_of(request)
    parsed = parse_arn(source or "")
    if parsed is None or parsed.service not in _SOURCES:
        raise InvalidParameterValueException("Unrecognized event source.")
    return parsed.service, source or ""


def _kind_of(mapping: Mapping) -> str:
    if mapping.source.startswith(kafka.SOURCE):
        return SELF_MANAGED
    return "sqs" if mapping.stream is None else "dynamodb"


def _new(
    request: CreateMapping, source: str, found: Located, work: Work, *, batch_size: int, result: str = ""
) -> Mapping:
    """A mapping before its settings are applied."""
    return Mapping(
        uuid=work.entropy.uuid(),
        scope=scope_of(found.function.arn),
        source=source,
        function=found.function.arn,
        qualifier=found.qualifier,
        batch_size=batch_size,
        window_s=0,
        enabled=True,
        report_items=False,
        concurrency_max=None,
        filters=[],
        modified=work.now,
        result=result,
        tags=request.tags,
    )


def _create_from_kafka(request: CreateMapping, source: str, found: Located, work: Work) -> dict[str, Any]:
    """Keep a mapping from a cluster that is never reached."""
    mapping = _new(request, source, found, work, batch_size=kafka.BATCH_SIZE_DEFAULT, result=kafka.UNREACHED)
    mapping = applied(msgspec.structs.replace(mapping, further=kafka.begun(request, mapping.uuid)), request, work)
    work.put(MAPPINGS, mapping)
    return {**shown(mapping, "Creating"), "LastProcessingResult": kafka.BEGUN}


def _function(work: Work, text: str, qualifier: str | None) -> Located:
    name = name_of(work, text, qualifier)
    function = work.get(FUNCTIONS, name.arn)
    if function is None or version_of(work, name.arn, name.qualifier) is None:
        raise InvalidParameterValueException("Function does not exist")
    return Located(function, name.qualifier)


def _exists(other: Mapping, name: str) -> str:
    tail = f"already exists. Please update or delete the existing mapping with UUID {other.uuid}"
    if other.stream is None:
        return f'An event source mapping with SQS arn (" {other.source} ") and function (" {name} ") {tail}'
    return f'The event source arn (" {other.source} ") and function (" {name} ") provided mapping {tail}'


# Streams ----------------------------------------------------------------------------------------------------------


def check_position(request: CreateMapping, source: str) -> None:
    """Refuse a stream without a place to begin, and a place that streams of tables do not have."""
    if request.starting_position is None:
        raise InvalidParameterValueException(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: "
            "Member must not be null."
        )
    if request.starting_position == "AT_TIMESTAMP" and ":dynamodb:" in source:
        raise InvalidParameterValueException(f"Unsupported starting position for arn type: {source}")
    if request.starting_position == "AT_TIMESTAMP" and request.starting_position_timestamp is None:
        # Source: https://github.com/awsdocs/aws-cloudformation-user-guide/pull/334 (the service's answer)
        raise InvalidParameterValueException("Need to specify a timestamp")


def create_from_stream(request: CreateMapping, found: Located, work: Work) -> dict[str, Any]:
    """Let a function have the records of a table's stream."""
    source = request.event_source_arn or ""
    stream = work.get(ITEM_STREAMS, source)
    if stream is None:
        raise InvalidParameterValueException(f"Stream not found: {source}")
    begun = StreamSettings(request.starting_position or "LATEST")
    mapping = _new(request, source, found, work, batch_size=STREAM_BATCH_SIZE_DEFAULT, result="No records processed")
    mapping = applied(msgspec.structs.replace(mapping, stream=begun), request, work)
    assert mapping.stream is not None
    newest = work.select(RECORDS_BACKWARDS, limit=1, stream=stream.id, below=work.horizon())
    latest = newest[0].id if newest else stream.first
    streams.start(mapping, mapping.stream, latest if mapping.stream.position == "LATEST" else stream.first, work)
    save(mapping, work)
    return shown(mapping, "Creating")


def _stream_settings(settings: StreamSettings, request: Settings) -> StreamSettings:
    changes: dict[str, Any] = {
        "lanes": request.parallelization_factor,
        "bisect": request.bisect_batch_on_function_error,
        "retries_max": request.maximum_retry_attempts,
        "age_s_max": request.maximum_record_age_in_seconds,
        "tumbling_s": request.tumbling_window_in_seconds,
    }
    changed = {field: value for field, value in changes.items() if value is not None}
    if request.destination_config is not None:
        success = request.destination_config.on_success
        if (
            success is not None and success.destination
        ):  # Source: CreateEventSourceMapping, "OnSuccess is not supported".
            raise InvalidParameterValueException("OnSuccess is not supported for event source mappings.")
        failure = request.destination_config.on_failure
        target = failure.destination if failure is not None else None
        if target:
            check_target(target, ("sqs", "sns", "s3"))
        changed["on_failure"] = target or None
    after = msgspec.structs.replace(settings, **changed)
    if 0 <= after.age_s_max < RECORD_AGE_S_MIN:
        raise InvalidParameterValueException(
            f"MaximumRecordAgeInSeconds must be either -1 (forever) or between {RECORD_AGE_S_MIN} and "
            f"{RECORD_AGE_S_MAX} (inclusive)"
        )
    if after.tumbling_s and after.lanes > 1:
        raise InvalidParameterValueException("Tumbling windows are not supported with a ParallelizationFactor above 1.")
    return after


def _queue(work: Work, source: str) -> Queue:
    queue = work.get(QUEUES, source)
    if queue is None:
        raise InvalidParameterValueException(
            "Error occurred while ReceiveMessage. SQS Error Code: AWS.SimpleQueueService.NonExistentQueue. "
            "SQS Error Message: The specified queue does not exist."
        )
    return queue


def applied(mapping: Mapping, request: Settings, work: Work) -> Mapping:
    """A mapping with what a request sets."""
    kind = _kind_of(mapping)
    check_members(kind, request)
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
    if request.metrics_config is not None:
        changed["metrics"] = request.metrics_config.metrics
    if mapping.stream is not None:
        changed["stream"] = _stream_settings(mapping.stream, request)
    elif request.scaling_config is not None:
        changed["concurrency_max"] = request.scaling_config.maximum_concurrency
    changed["further"] = _further(kind, mapping.further, request)
    after = msgspec.structs.replace(mapping, **changed, modified=work.now, window_until=None)
    if after.concurrency_max is not None and "ProvisionedPollerConfig" in after.further:
        # Source: Lambda API Reference, ProvisionedPollerConfig and ScalingConfig exclude each other for queues.
        raise InvalidParameterValueException("ScalingConfig and ProvisionedPollerConfig cannot both be specified.")
    return after


def _further(kind: str, before: dict[str, Any], request: Settings) -> dict[str, Any]:
    """What only some sources know, after a request."""
    after = kafka.changed(request, before) if kind == SELF_MANAGED else dict(before)
    if request.kms_key_arn is not None:
        after["KMSKeyArn"] = request.kms_key_arn
    if request.provisioned_poller_config is not None:
        after["ProvisionedPollerConfig"] = pollers_of(kind, request.provisioned_poller_config)
    return {name: value for name, value in after.items() if value not in ({}, "")}


def _filters(criteria: FilterCriteria) -> list[str]:
    if len(criteria.filters) > FILTERS_MAX:
        raise InvalidParameterValueException(f"Filter criteria can have at most {FILTERS_MAX} filters.")
    for one in criteria.filters:
        try:
            parse_pattern(one.pattern)
        except PatternError as error:
            raise InvalidParameterValueException("Invalid filter pattern definition.") from error
    return [one.pattern for one in criteria.filters]


def _check(mapping: Mapping, queue: Queue, version: FunctionVersion) -> None:
    if queue.is_fifo and mapping.window_s:  # Source: https://github.com/aws/aws-lambda-dotnet/pull/1758 (AWS's answer)
        raise InvalidParameterValueException("Batching window is not supported for FIFO queues")
    if mapping.batch_size > BATCH_SIZE_DEFAULT and mapping.window_s < 1:
        raise InvalidParameterValueException(
            "Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than 10"
        )
    visibility_s = setting(queue, "VisibilityTimeout")
    if visibility_s < version.timeout_s:
        raise InvalidParameterValueException(
            f"Queue visibility timeout: {visibility_s} seconds is less than Function timeout: {version.timeout_s} seconds"
        )


def save(mapping: Mapping, work: Work) -> None:
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
        ResourceNotFoundException: there is no such mapping.
        ResourceConflictException: the source feeds the function through another mapping.
        InvalidParameterValueException: settings that do not fit the queue.
    """
    before = _mapping_at(work, request.uuid)
    mapping = applied(before, request, work)
    found = _function(
        work, request.function_name or mapping.function, None if request.function_name else mapping.qualifier
    )
    version = version_at(work, found)
    _check_single(mapping.source, found, mapping.uuid, work)
    mapping = msgspec.structs.replace(mapping, function=found.function.arn, qualifier=found.qualifier)
    if _kind_of(mapping) == SELF_MANAGED:
        work.put(MAPPINGS, mapping)
    elif mapping.stream is None:
        _check(mapping, _queue(work, mapping.source), version)
    elif before.stream is not None and mapping.stream.lanes != before.stream.lanes:
        _relane(mapping, mapping.stream, work)
    if _kind_of(mapping) != SELF_MANAGED:
        save(mapping, work)
    if mapping.enabled == before.enabled:
        return shown(mapping, "Updating")
    return shown(mapping, "Enabling" if mapping.enabled else "Disabling")


def _relane(mapping: Mapping, settings: StreamSettings, work: Work) -> None:
    """Another number of lanes: all begin where the slowest one is, so that no record is left out; some come again."""
    lanes = work.select(LANES_OF_MAPPING, limit=streams.LANES_MAX, mapping=mapping.uuid)
    if any(lane.busy for lane in lanes):
        raise ResourceInUseException("Cannot change the ParallelizationFactor while a batch is under way.")
    streams.stop(mapping, work)
    streams.start(mapping, settings, min((lane.after for lane in lanes), default=0), work)


def get_event_source_mapping(request: MappingRequest, work: Work) -> dict[str, Any]:
    """A mapping.

    Raises:
        ResourceNotFoundException: there is no such mapping.
    """
    return shown(_mapping_at(work, request.uuid))


def delete_event_source_mapping(request: MappingRequest, work: Work) -> dict[str, Any]:
    """Forget a mapping; batches in hand are finished.

    Raises:
        ResourceNotFoundException: there is no such mapping.
    """
    mapping = _mapping_at(work, request.uuid)
    work.delete(MAPPINGS, mapping.uuid)
    work.delete(PACES, mapping.uuid)
    streams.stop(mapping, work)
    for batch in work.select(BATCHES_OF_MAPPING, limit=OF_ONE_SOURCE_MAX, mapping=mapping.uuid):
        work.delete(BATCHES, batch.mapping, batch.request_id)
    mapped = work.get(MAPPED_QUEUES, mapping.source)
    if mapped is not None:
        _set_mapped(mapping.source, [uuid for uuid in mapped.mappings if uuid != mapping.uuid], work)
    return shown(mapping, "Deleting")


def list_event_source_mappings(request: ListMappings, work: Work) -> dict[str, Any]:
    """The caller's mappings, of one queue or function on request."""
    limit = min(request.max_items, LIST_MAX)
    if request.event_source_arn is not None:
        found = work.select(MAPPINGS_OF_SOURCE, limit=OF_ONE_SOURCE_MAX, source=request.event_source_arn)
    elif request.function_name is not None:
        found = work.select(
            MAPPINGS_OF_FUNCTION, limit=OF_ONE_SOURCE_MAX, function=name_of(work, request.function_name).arn
        )
    else:
        scope = f"{work.caller.account}/{work.caller.region}"
        found = work.select(MAPPINGS_OF_SCOPE, limit=limit + 1, scope=scope, after=request.marker)
    wanted = [mapping for mapping in found if mapping.uuid > request.marker and _is_for(mapping, request, work)]
    answer: dict[str, Any] = {"EventSourceMappings": [shown(mapping) for mapping in wanted[:limit]]}
    if len(wanted) > limit:
        answer["NextMarker"] = wanted[limit - 1].uuid
    return answer


def _is_for(mapping: Mapping, request: ListMappings, work: Work) -> bool:
    if request.function_name is None:
        return True
    target = name_of(work, request.function_name)
    return (mapping.function, mapping.qualifier) == (target.arn, target.qualifier)


def _mapping_at(work: Work, uuid: str) -> Mapping:
    mapping = work.get(MAPPINGS, uuid)
    if mapping is None:
        raise ResourceNotFoundException("The resource you requested does not exist.")
    return mapping


def shown(mapping: Mapping, state: str = "") -> dict[str, Any]:
    """A mapping as the API shows it."""
    parsed = parse_arn(mapping.function)
    assert parsed is not None, mapping.function
    answer: dict[str, Any] = {
        "UUID": mapping.uuid,
        "EventSourceMappingArn": f"arn:aws:lambda:{parsed.region}:{parsed.account}:event-source-mapping:{mapping.uuid}",
        **({} if mapping.source.startswith(kafka.SOURCE) else {"EventSourceArn": mapping.source}),
        "FunctionArn": f"{mapping.function}:{mapping.qualifier}" if mapping.qualifier else mapping.function,
        "BatchSize": mapping.batch_size,
        "MaximumBatchingWindowInSeconds": mapping.window_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"] if mapping.report_items else [],
        "LastModified": mapping.modified,
        "State": state or ("Enabled" if mapping.enabled else "Disabled"),
        "StateTransitionReason": "USER_INITIATED" if mapping.stream is None else "User action",
    }
    if mapping.filters:
        answer["FilterCriteria"] = {"Filters": [{"Pattern": pattern} for pattern in mapping.filters]}
    if mapping.concurrency_max is not None:
        answer["ScalingConfig"] = {"MaximumConcurrency": mapping.concurrency_max}
    if _kind_of(mapping) == SELF_MANAGED:
        answer["LastProcessingResult"] = mapping.result
    answer |= mapping.further
    if "StartingPositionTimestamp" in mapping.further:
        answer["StartingPositionTimestamp"] = from_micros(mapping.further["StartingPositionTimestamp"])
    if mapping.metrics:
        answer["MetricsConfig"] = {"Metrics": mapping.metrics}
    if mapping.stream is not None:
        answer |= {
            "LastProcessingResult": mapping.result,
            "StartingPosition": mapping.stream.position,
            "ParallelizationFactor": mapping.stream.lanes,
            "BisectBatchOnFunctionError": mapping.stream.bisect,
            "MaximumRetryAttempts": mapping.stream.retries_max,
            "MaximumRecordAgeInSeconds": mapping.stream.age_s_max,
            "TumblingWindowInSeconds": mapping.stream.tumbling_s,
            "DestinationConfig": {
                "OnFailure": {"Destination": mapping.stream.on_failure} if mapping.stream.on_failure else {}
            },
        }
    return answer
