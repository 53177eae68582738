"""From names and qualifiers to functions and their versions."""

import msgspec

from interstate.base.arn import caller_of
from interstate.base.numbers import whole_number
from interstate.core.functions.configuration import FunctionSpec
from interstate.core.functions.names import FunctionName, parse_function_name
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    ResourceNotFoundException,
    function_not_found,
)
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    ALIASES,
    FUNCTIONS,
    LATEST,
    LAYERS,
    VERSIONS,
    Alias,
    Function,
    FunctionVersion,
    LayerVersion,
)


class Located(msgspec.Struct, frozen=True):
    """A function and the qualifier under which it was named."""

    function: Function
    qualifier: str | None


def name_of(work: Work, text: str, qualifier: str | None = None) -> FunctionName:
    """The function that a caller means, wherever the qualifier stands.

    Raises:
        InvalidParameterValueException: no form of a function's name, or two different qualifiers.
    """
    name = parse_function_name(text, work.caller)
    if name is None:
        raise InvalidParameterValueException(f"Value '{text}' at 'functionName' is not the name or ARN of a function.")
    region = name.arn.split(":")[3]
    if region != work.caller.region:
        raise ResourceNotFoundException(
            f"Functions from '{region}' are not reachable in this region ('{work.caller.region}')"
        )
    if qualifier is None or qualifier == name.qualifier:
        return name
    if name.qualifier is not None:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return msgspec.structs.replace(name, qualifier=qualifier)


def located(work: Work, text: str, qualifier: str | None = None) -> Located:
    """The function of a name.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    name = name_of(work, text, qualifier)
    function = work.get(FUNCTIONS, name.arn)
    if function is None:
        raise function_not_found(name.arn, name.qualifier)
    return Located(function, name.qualifier)


def function_at(work: Work, text: str) -> Function:
    """The function of a name, for operations that take no qualifier.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    return located(work, text).function


FUNCTIONS_ONLY = (
    "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. "
    "Please specify either a function name or an unqualified function ARN."
)


def changeable(work: Work, text: str) -> Function:
    """The function of a name, for operations that change ``$LATEST``: under no other qualifier.

    Raises:
        InvalidParameterValueException: the name is that of a version or an alias.
        ResourceNotFoundException: there is no such function.
    """
    found = located(work, text)
    if found.qualifier not in (None, LATEST):
        raise InvalidParameterValueException(FUNCTIONS_ONLY)
    return found.function


def unqualified(work: Work, text: str) -> Function:
    """The function of a name, for operations on whole functions.

    Raises:
        InvalidParameterValueException: the name has a qualifier.
        ResourceNotFoundException: there is no such function.
    """
    name = name_of(work, text)
    if name.qualifier is not None:
        raise InvalidParameterValueException(FUNCTIONS_ONLY)
    function = work.get(FUNCTIONS, name.arn)
    if function is None:
        raise function_not_found(name.arn)
    return function


def alias_or_none(work: Work, function: str, qualifier: str | None) -> Alias | None:
    """The alias of a qualifier, if it is one."""
    if qualifier is None or qualifier == LATEST or qualifier.isdigit():
        return None
    return work.get(ALIASES, function, qualifier)


def version_of(work: Work, function: str, qualifier: str | None, choice: float = 1.0) -> FunctionVersion | None:
    """The version that a qualifier means; ``choice`` (0 to 1) picks between the two of a weighted alias."""
    version = qualifier or LATEST
    if version != LATEST and not version.isdigit():
        alias = work.get(ALIASES, function, version)
        if alias is None:
            return None
        version = alias.version
        below = 0.0
        for other, weight in alias.weights.items():
            below += weight
            if choice < below:
                version = other
                break
    return work.get(VERSIONS, function, version)


def version_at(work: Work, found: Located) -> FunctionVersion:
    """The version of a located function.

    Raises:
        ResourceNotFoundException: the function has no such version or alias.
    """
    version = version_of(work, found.function.arn, found.qualifier)
    if version is None:
        raise function_not_found(found.function.arn, found.qualifier)
    return version


def spec_of(work: Work, function: str, qualifier: str | None, choice: float) -> FunctionSpec | None:
    """What a worker needs to know to run a call; None when there is no such function, version or alias."""
    record = work.get(FUNCTIONS, function)
    version = version_of(work, function, qualifier, choice) if record is not None else None
    if record is None or version is None:
        return None
    return FunctionSpec(
        function=function,
        version=version.version,
        revision=version.revision,
        handler=version.handler,
        runtime=version.runtime,
        code=version.code,
        timeout_s=version.timeout_s,
        memory_mb=version.memory_mb,
        ephemeral_mb=version.ephemeral_mb,
        layers=tuple(layer_code(work, layer) for layer in version.layers),
        environment=tuple(version.environment.items()),
        log_group=log_group_of(version),
        log_format=version.log_format,
        tracing=version.tracing,
        reserved_concurrency=record.reserved_concurrency,
    )


def layer_code(work: Work, arn: str) -> str:
    """Where a layer version's content lies; a deleted one stays in use by those who have it, as long as it is kept."""
    record = layer_at(work, arn)
    return record.code if record is not None else f"sha256:{arn}"


def layer_at(work: Work, arn: str) -> LayerVersion | None:
    """A layer version; None when it was deleted."""
    layer, _, version = arn.rpartition(":")
    number = whole_number(version)
    return None if number is None else work.get(LAYERS, layer, number)


def log_group_of(version: FunctionVersion) -> str:
    """The log group that a version writes to."""
    return version.log_group or f"/aws/lambda/{version.name}"


def scope_of(arn: str) -> str:
    """The account and region of an ARN, as lists are kept."""
    caller = caller_of(arn)
    return f"{caller.account}/{caller.region}"
