"""How the asynchronous queue treats a function's events: retries, age, destinations.

Source: Lambda API Reference.
"""

from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.core.functions.names import parse_function_name
from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException
from interstate.services.lambda_.locate import name_of, version_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    EVENT_INVOKE_CONFIGS,
    EVENT_INVOKE_CONFIGS_OF_FUNCTION,
    FUNCTIONS,
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
    if (
        request.maximum_retry_attempts is None
        and request.maximum_event_age_in_seconds is None
        and request.destination_config is None
    ):
        raise InvalidParameterValueException("You must specify at least one of error handling or destination setting.")
    name = name_of(work, request.function_name, request.qualifier)
    if version_of(work, name.arn, name.qualifier) is None:
        raise ResourceNotFoundException("The function doesn't exist.")
    return _put(work, EventInvokeConfig(name.arn, name.qualifier or LATEST, work.now), request)


def update_function_event_invoke_config(request: PutConfig, work: Work) -> dict[str, Any]:
    """Change what is configured; what is not given stays.

    Raises:
        ResourceNotFoundException: nothing is configured under this qualifier.
    """
    name = name_of(work, request.function_name, request.qualifier)
    if version_of(work, name.arn, name.qualifier) is None:
        raise ResourceNotFoundException("The function doesn't exist.")
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
                    _check_destination(work, config.function, destinations, given.destination)
                changes[field] = given.destination or None
    config = msgspec.structs.replace(config, **changes)
    work.put(EVENT_INVOKE_CONFIGS, config)
    return _shown(config)


def _check_destination(work: Work, function: str, destinations: DestinationConfig, target: str) -> None:
    parsed = parse_arn(target)
    failure = destinations.on_failure is not None and destinations.on_failure.destination == target
    if parsed is not None and parsed.service == "s3" and failure:
        return  # Source: invocation-async-retain-records: a bucket can be an on-failure destination.
    if parsed is None or parsed.service not in _TARGETS:
        raise InvalidParameterValueException(
            f"The provided destination config DestinationConfig(onSuccess={_as_text('OnSuccess', destinations.on_success)}, "
            f"onFailure={_as_text('OnFailure', destinations.on_failure)}) is invalid."
        )
    if parsed.service != "lambda":
        return
    name = parse_function_name(target, caller_of(target))
    if name is not None and name.arn == function:
        raise InvalidParameterValueException("You can't specify the function as a destination for itself.")
    if name is None or work.get(FUNCTIONS, name.arn) is None:
        raise InvalidParameterValueException(f"The destination ARN {target} is invalid.")


def _as_text(name: str, given: Destination | None) -> str:
    """The service's own rendering of a part of the request."""
    return "null" if given is None else f"{name}(destination={given.destination or 'null'})"


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
    name = name_of(work, request.function_name)
    function = work.get(FUNCTIONS, name.arn)
    if function is None:
        raise ResourceNotFoundException("The function doesn't exist.")
    limit = min(request.max_items, LIST_MAX)
    found = work.select(EVENT_INVOKE_CONFIGS_OF_FUNCTION, limit=limit + 1, function=function.arn, after=request.marker)
    answer: dict[str, Any] = {"FunctionEventInvokeConfigs": [_shown(config) for config in found[:limit]]}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].qualifier
    return answer


def _config_at(work: Work, request: ConfigRequest) -> EventInvokeConfig:
    name = name_of(work, request.function_name, request.qualifier)
    function, qualifier = name.arn, name.qualifier or LATEST
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
