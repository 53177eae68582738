"""A function's configuration: from requests to records, from records to answers.

Source: Lambda API Reference, CreateFunction, UpdateFunctionConfiguration, FunctionConfiguration.
"""

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from interstate.base.arn import caller_of, parse_arn
from interstate.base.errors import NotImplementedHere
from interstate.base.json import dumps
from interstate.base.numbers import whole_number
from interstate.core.functions import environment
from interstate.services.lambda_.access import check_layer
from interstate.services.lambda_.errors import InvalidParameterValueException
from interstate.services.lambda_.locate import log_group_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import LATEST, LAYERS, FunctionVersion

TIMEOUT_S_MAX = 900  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
MEMORY_MB_MAX = 10_240
EPHEMERAL_MB_MAX = 10_240
LAYERS_MAX = 5

# What functions are created with today, in the order of the service's message.
# Source: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html; the service's answer to an unknown runtime.
RUNTIMES = (
    "nodejs20.x", "python3.14", "provided.al2023", "python3.12", "python3.13", "nodejs24.x", "nodejs22.x", "java25",
    "python3.10", "python3.11", "java21", "ruby3.3", "ruby3.4", "ruby3.2", "python3.8", "python3.9", "java17",
    "nodejs16.x", "dotnet10", "dotnet8", "java11", "dotnet6", "nodejs18.x", "provided.al2", "java8.al2",
)  # fmt: skip
# Runtimes that came since that answer was told; the service takes them as well. Source: botocore's model, Runtime.
NEWER = frozenset({"nodejs26.x", "python3.15", "java8.al2023", "java11.al2023", "java17.al2023", "ruby4.0"})
# Runtimes of old: the service knows them, and creates and updates no function with them any more.
DEPRECATED = frozenset({
    "nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "nodejs10.x", "nodejs12.x", "nodejs14.x", "java8",
    "python2.7", "python3.6", "python3.7", "dotnetcore1.0", "dotnetcore2.0", "dotnetcore2.1", "dotnetcore3.1", "go1.x",
    "ruby2.5", "ruby2.7", "provided",
})  # fmt: skip
_RUN_HERE = ("python3.", "nodejs", "provided")
_CREATING = "The function is being created."
# Source: https://github.com/aws/aws-cdk/pull/28045 (the service's answer)
_LEVELS_IN_TEXT = (
    'LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat '
    'to "Json" and try again.'
)


class Variables(msgspec.Struct, frozen=True, rename="pascal"):
    variables: dict[str, str] = {}


class DeadLetterConfig(msgspec.Struct, frozen=True, rename="pascal"):
    target_arn: str | None = None


class TracingConfig(msgspec.Struct, frozen=True, rename="pascal"):
    mode: str | None = None


class EphemeralStorage(msgspec.Struct, frozen=True, rename="pascal"):
    size: int


class LoggingConfig(msgspec.Struct, frozen=True, rename="pascal", omit_defaults=True):
    log_format: str | None = None
    application_log_level: str | None = None
    system_log_level: str | None = None
    log_group: str | None = None


class Configuration(msgspec.Struct, frozen=True, rename="pascal"):
    """What CreateFunction and UpdateFunctionConfiguration have in common; None leaves a setting as it is."""

    function_name: str
    runtime: str | None = None
    role: str | None = None
    handler: str | None = None
    description: str | None = None
    timeout: int | None = None
    memory_size: int | None = None
    environment: Variables | None = None
    dead_letter_config: DeadLetterConfig | None = None
    kms_key_arn: str | None = msgspec.field(name="KMSKeyArn", default=None)
    tracing_config: TracingConfig | None = None
    layers: list[str] | None = None
    ephemeral_storage: EphemeralStorage | None = None
    logging_config: LoggingConfig | None = None
    # Stored and described:
    vpc_config: dict[str, Any] | None = None
    snap_start: dict[str, Any] | None = None
    # Refused by name:
    file_system_configs: list[Any] | None = None
    image_config: dict[str, Any] | None = None
    durable_config: dict[str, Any] | None = None
    capacity_provider_config: dict[str, Any] | None = None
    runtime_config: dict[str, Any] | None = None
    accelerator_config: dict[str, Any] | None = None
    tenancy_config: dict[str, Any] | None = None
    code_signing_config_arn: str | None = None


# Member of the request -> what to say when it is used.
_REFUSED = {
    "file_system_configs": "file systems of functions",
    "image_config": "functions from container images",
    "durable_config": "durable functions",
    "capacity_provider_config": "functions on capacity providers",
    "runtime_config": "a choice of runtime versions",
    "accelerator_config": "accelerators of functions",
    "tenancy_config": "tenant isolation of functions",
}
# (member, lowest, highest, as the message names it)
_BOUNDS = (
    ("timeout", 1, TIMEOUT_S_MAX, "timeout"),
    ("memory_size", 128, MEMORY_MB_MAX, "memorySize"),
)


def check(work: Work, request: Configuration) -> None:
    """Refuse what Lambda refuses, and by name what Interstate does not have.

    Raises:
        InvalidParameterValueException: a value that Lambda refuses.
        NotImplementedHere: a runtime or a feature that Interstate does not have.
    """
    for member, what in _REFUSED.items():
        if getattr(request, member):
            raise NotImplementedHere(what)
    if request.runtime is not None:
        check_runtime(request.runtime)
    for member, low, high, name in _BOUNDS:
        value = getattr(request, member)
        if value is not None and not low <= value <= high:
            constraint = f"less than or equal to {high}" if value > high else f"greater than or equal to {low}"
            raise InvalidParameterValueException(
                f"1 validation error detected: Value '{value}' at '{name}' failed to satisfy constraint: "
                f"Member must have value {constraint}"
            )
    if request.ephemeral_storage is not None and request.ephemeral_storage.size > EPHEMERAL_MB_MAX:
        raise InvalidParameterValueException(
            f"1 validation error detected: Value '{request.ephemeral_storage.size}' at 'ephemeralStorage.size' failed to "
            f"satisfy constraint: Member must have value less than or equal to {EPHEMERAL_MB_MAX}"
        )
    vpc = request.vpc_config or {}
    if bool(vpc.get("SubnetIds")) != bool(vpc.get("SecurityGroupIds")):
        # Source: https://github.com/aws/aws-sdk-js/issues/1293 (the service's answer)
        raise InvalidParameterValueException("SubnetIds and SecurityIds must coexist or be both empty list.")
    _check_environment(request.environment)
    _check_layers(work, request.layers)
    if request.dead_letter_config is not None and request.dead_letter_config.target_arn:
        check_target(request.dead_letter_config.target_arn, ("sqs", "sns"))


def check_runtime(runtime: str) -> None:
    """Refuse a runtime that Lambda does not know, or no longer takes; and by name one that nothing here can run.

    Raises:
        InvalidParameterValueException: Lambda takes no such runtime.
        NotImplementedHere: Lambda does, Interstate does not.
    """
    if runtime in DEPRECATED:
        raise InvalidParameterValueException(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
            "We recommend you use a supported runtime while creating or updating functions."
        )
    if runtime not in RUNTIMES and runtime not in NEWER:
        raise InvalidParameterValueException(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: "
            f"[{', '.join(RUNTIMES)}] or be a valid ARN"
        )
    if not runtime.startswith(_RUN_HERE):
        raise NotImplementedHere(f"functions with the runtime {runtime}; it runs python, nodejs and provided")


def check_target(arn: str, services: tuple[str, ...]) -> None:
    """Refuse a dead-letter queue or destination of a kind that the place does not take."""
    parsed = parse_arn(arn)
    if parsed is None or parsed.service not in services:
        raise InvalidParameterValueException(f"The provided target ARN {arn} is invalid.")


def _check_environment(variables: Variables | None) -> None:
    if variables is None:
        return
    reserved = environment.reserved_names(variables.variables)
    if reserved:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided contains reserved keys that are currently not supported for modification. "
            f"Reserved keys used in this request: {', '.join(reserved)}"
        )
    if environment.size_bytes(variables.variables) > environment.SIZE_BYTES_MAX:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables you have "
            "provided exceeded the 4KB limit. String measured: " + dumps(variables.variables)
        )


def _check_layers(work: Work, layers: list[str] | None) -> None:
    if not layers:
        return
    if len(layers) > LAYERS_MAX:
        raise InvalidParameterValueException(f"Cannot reference more than {LAYERS_MAX} layers.")
    seen: dict[str, str] = {}
    for arn in layers:
        layer, _, version = arn.rpartition(":")
        _check_layer(work, arn, layer, whole_number(version))
        if layer in seen:
            raise InvalidParameterValueException(
                "Two different versions of the same layer are not allowed to be referenced in the same function. "
                f"{seen[layer]} and {arn} are versions of the same layer."
            )
        seen[layer] = arn


def _check_layer(work: Work, arn: str, layer: str, number: int | None) -> None:
    parsed = parse_arn(arn)
    if parsed is not None and parsed.region != work.caller.region:
        raise InvalidParameterValueException(
            "Layers are not in the same region as the function. "
            f"Layers are expected to be in region {work.caller.region}."
        )
    if parsed is not None and number is not None:
        check_layer(work, layer, number, "lambda:GetLayerVersion")
    if number is None or work.get(LAYERS, layer, number) is None:
        raise InvalidParameterValueException(f"Layer version {arn} does not exist.")


def applied(version: FunctionVersion, request: Configuration) -> FunctionVersion:
    """The configuration with what a request sets.

    Raises:
        InvalidParameterValueException: levels for a log that is no JSON.
    """
    logging = request.logging_config
    further = dict(version.further)
    if request.vpc_config is not None:
        further["VpcConfig"] = request.vpc_config
    if request.snap_start is not None:
        further["SnapStart"] = request.snap_start
    if request.environment is not None:
        further["Environment"] = True  # That it was given, be it empty: it is shown then.
    if logging is not None:
        merged = {**further.get("LoggingConfig", {}), **msgspec.to_builtins(logging)}
        if merged.get("LogFormat", "Text") == "Text":
            if logging.application_log_level or logging.system_log_level:
                raise InvalidParameterValueException(_LEVELS_IN_TEXT)
            merged = {name: value for name, value in merged.items() if not name.endswith("Level")}
        further["LoggingConfig"] = merged
    changes: dict[str, Any] = {
        "runtime": request.runtime,
        "role": request.role,
        "handler": request.handler,
        "description": request.description,
        "timeout_s": request.timeout,
        "memory_mb": request.memory_size,
        "environment": None if request.environment is None else request.environment.variables,
        "kms_key_arn": request.kms_key_arn,
        "tracing": request.tracing_config.mode if request.tracing_config is not None else None,
        "layers": request.layers,
        "ephemeral_mb": request.ephemeral_storage.size if request.ephemeral_storage is not None else None,
        "log_group": logging.log_group if logging is not None else None,
        "log_format": logging.log_format if logging is not None else None,
        "further": further,
    }
    changed = {field: value for field, value in changes.items() if value is not None}
    if request.dead_letter_config is not None:  # An empty one takes it away.
        changed["dead_letter_arn"] = request.dead_letter_config.target_arn or None
    return msgspec.structs.replace(version, **changed)


def last_modified(at: datetime) -> str:
    """``2026-11-21T09:30:00.123+0000``, as Lambda writes its instants."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"


def described(
    work: Work, version: FunctionVersion, qualifier: str | None = None, *, listed: bool = False
) -> dict[str, Any]:
    """A version as FunctionConfiguration; ``qualifier`` is the one under which it was asked for.

    Lists do not show states. Source: ListFunctions, "doesn't return the State, StateReasonCode, StateReason,
    LastUpdateStatus, LastUpdateStatusReason, LastUpdateStatusReasonCode, RuntimeVersionConfig fields".
    """
    shown: dict[str, Any] = {
        "FunctionName": version.name,
        "FunctionArn": f"{version.function}:{qualifier}" if qualifier else version.function,
        "Runtime": version.runtime,
        "Role": version.role,
        "Handler": version.handler,
        "CodeSize": version.code_size,
        "CodeSha256": version.code_sha256,
        "Description": version.description,
        "Timeout": version.timeout_s,
        "MemorySize": version.memory_mb,
        "LastModified": last_modified(version.modified),
        "Version": version.version,
        "TracingConfig": {"Mode": version.tracing},
        "RevisionId": version.revision,
        "PackageType": "Zip",
        "Architectures": [version.architecture],
        "EphemeralStorage": {"Size": version.ephemeral_mb},
        "SnapStart": _snap_start(version),
        "LoggingConfig": _logging(version),
    }
    if version.environment or version.further.get("Environment"):
        shown["Environment"] = {"Variables": version.environment}
    if version.dead_letter_arn is not None:
        shown["DeadLetterConfig"] = {"TargetArn": version.dead_letter_arn}
    if version.kms_key_arn:
        shown["KMSKeyArn"] = version.kms_key_arn
    if version.layers:
        shown["Layers"] = [{"Arn": arn, "CodeSize": _layer_size(work, arn)} for arn in version.layers]
    if "VpcConfig" in version.further:
        shown["VpcConfig"] = _vpc(version.further["VpcConfig"])
    if not listed:
        shown |= _states(version)
        shown["RuntimeVersionConfig"] = {"RuntimeVersionArn": runtime_arn(version)}
    return shown


def _states(version: FunctionVersion) -> dict[str, Any]:
    if version.becoming == "Creating":
        return {"State": "Pending", "StateReason": _CREATING, "StateReasonCode": "Creating"}
    if version.becoming:
        return {
            "State": "Active",
            "LastUpdateStatus": "InProgress",
            "LastUpdateStatusReason": _CREATING,
            "LastUpdateStatusReasonCode": "Creating",
        }
    return {"State": "Active", "LastUpdateStatus": "Successful"}


def runtime_arn(version: FunctionVersion) -> str:
    """The ARN of the runtime's version: one for each runtime, since there is one of each on this machine."""
    region = caller_of(version.function).region
    return f"arn:aws:lambda:{region}::runtime:{hashlib.sha256(version.runtime.encode()).hexdigest()}"


def _snap_start(version: FunctionVersion) -> dict[str, str]:
    applies = version.further.get("SnapStart", {}).get("ApplyOn", "None")
    published = applies == "PublishedVersions" and version.version != LATEST
    return {"ApplyOn": applies, "OptimizationStatus": "On" if published else "Off"}


def _logging(version: FunctionVersion) -> dict[str, Any]:
    shown: dict[str, Any] = {"LogFormat": version.log_format, "LogGroup": log_group_of(version)}
    if version.log_format == "JSON":
        shown |= {"ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO"}
    return {**shown, **version.further.get("LoggingConfig", {})}


def _vpc(config: dict[str, Any]) -> dict[str, Any]:
    """A VPC's id is not known here: functions have no network of their own."""
    return {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False, **config}


def _layer_size(work: Work, arn: str) -> int:
    layer, _, version = arn.rpartition(":")
    record = work.get(LAYERS, layer, int(version))
    return record.code_size if record is not None else 0
