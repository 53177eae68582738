"""How the asynchronous queue treats a function's events: retries, age, destinations.

Source: Lambda API Reference.
"""

from typing import Any

import msgspec

from interstate.services.lambda_.configuration import check_target
from interstate.services.lambda_.errors import ResourceNotFoundException
from interstate.services.lambda_.locate import function_at, located, version_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    EVENT_INVOKE_CONFIGS,
    EVENT_INVOKE_CONFIGS_OF_FUNCTION,
    LATEST,
    EventInvokeConfig,
)

LIST_MAX = 50
_TARGETS = ("sqs", "sns", "lambda", "events")


class Destination(msgspec.Struct, frozen=True, rename="pascal"):
    destination: str | None = None


class DestinationConfig(msgspec.Struct, frozen=True, rename="pascal"):
    on_success: Destination | None = None
    on_failure: Destination | None = None


class PutConfig(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None
    maximum_retry_attempts: int | None = None
    maximum_event_age_in_seconds: int | None = None
    destination_config: DestinationConfig | None = None


class ConfigRequest(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


class ListConfigs(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    marker: str = ""
    max_items: int = LIST_MAX


def put_function_event_invoke_config(request: PutConfig, work: Work) -> dict[str, Any]:
    """Configure the queue for events under a qualifier; what is not given becomes the default.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidParameterValueException: a destination that cannot be one.
    """
    function, qualifier = _key(work, request.function_name, request.qualifier)
    return _put(work, EventInvokeConfig(function, qualifier, work.now), request)


def update_function_event_invoke_config(request: PutConfig, work: Work) -> dict[str, Any]:
    """Change what is configured; what is not given stays.

    Raises:
        ResourceNotFoundException: nothing is configured under this qualifier.
    """
    config = _config_at(work, ConfigRequest(request.function_name, request.qualifier))
    return _put(work, msgspec.structs.replace(config, modified=work.now), request)


def _put(work: Work, config: EventInvokeConfig, request: PutConfig) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if request.maximum_retry_attempts is not None:
        changes["retries"] = request.maximum_retry_attempts
    if request.maximum_event_age_in_seconds is not None:
        changes["age_s_max"] = request.maximum_event_age_in_seconds
    destinations = request.destination_config
    if destinations is not None:
        for field, given in (("on_success", destinations.on_success), ("on_failure", destinations.on_failure)):
            if given is not None:
                if given.destination:
                    check_target(given.destination, _TARGETS)
                changes[field] = given.destination or None
    config = msgspec.structs.replace(config, **changes)
    work.put(EVENT_INVOKE_CONFIGS, config)
    return _shown(config)


def get_function_event_invoke_config(request: ConfigRequest, work: Work) -> dict[str, Any]:
    """What is configured under a qualifier.

    Raises:
        ResourceNotFoundException: nothing is.
    """
    return _shown(_config_at(work, request))


def delete_function_event_invoke_config(request: ConfigRequest, work: Work) -> None:
    """Go back to the defaults.

    Raises:
        ResourceNotFoundException: nothing was configured.
    """
    config = _config_at(work, request)
    work.delete(EVENT_INVOKE_CONFIGS, config.function, config.qualifier)


def list_function_event_invoke_configs(request: ListConfigs, work: Work) -> dict[str, Any]:
    """What is configured under all qualifiers of a function.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = function_at(work, request.function_name)
    limit = min(request.max_items, LIST_MAX)
    found = work.select(EVENT_INVOKE_CONFIGS_OF_FUNCTION, limit=limit + 1, function=function.arn, after=request.marker)
    answer: dict[str, Any] = {"FunctionEventInvokeConfigs": [_shown(config) for config in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].qualifier
    return answer


def _key(work: Work, name: str, qualifier: str | None) -> tuple[str, str]:
    found = located(work, name, qualifier)
    version_at(work, found)
    return found.function.arn, found.qualifier or LATEST


def _config_at(work: Work, request: ConfigRequest) -> EventInvokeConfig:
    function, qualifier = _key(work, request.function_name, request.qualifier)
    config = work.get(EVENT_INVOKE_CONFIGS, function, qualifier)
    if config is None:
        raise ResourceNotFoundException(f"The function {function}:{qualifier} doesn't have an EventInvokeConfig")
    return config


def _shown(config: EventInvokeConfig) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "FunctionArn": f"{config.function}:{config.qualifier}",
        "LastModified": config.modified,
        "DestinationConfig": {
            "OnSuccess": {} if config.on_success is None else {"Destination": config.on_success},
            "OnFailure": {} if config.on_failure is None else {"Destination": config.on_failure},
        },
    }
    if config.retries is not None:
        shown["MaximumRetryAttempts"] = config.retries
    if config.age_s_max is not None:
        shown["MaximumEventAgeInSeconds"] = config.age_s_max
    return shown
