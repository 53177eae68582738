"""Reserved and provisioned concurrency. Reserved concurrency throttles; provisioned keeps workers ready.

Source: Lambda API Reference; https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from typing import Any

import msgspec

from interstate.services.lambda_.configuration import last_modified
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    PlainInvalidParameterValue,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceConflictException,
    ResourceNotFoundException,
    function_not_found,
)
from interstate.services.lambda_.locate import Located, name_of, unqualified, version_of
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    ALIASES,
    FUNCTIONS,
    LATEST,
    PROVISIONED,
    PROVISIONED_OF_FUNCTION,
    RESERVED_CONCURRENCY,
    Function,
    Preparation,
    ProvisionedConcurrency,
)

# Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html; 100 must stay unreserved.
ACCOUNT_CONCURRENCY = 1000
UNRESERVED_MIN = 100
LIST_MAX = 50


class FunctionOnly(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str


class PutFunctionConcurrency(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    reserved_concurrent_executions: int


class Qualified(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str


class PutProvisioned(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str
    provisioned_concurrent_executions: int


class ListProvisioned(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    marker: str = ""
    max_items: int = LIST_MAX


def put_function_concurrency(request: PutFunctionConcurrency, work: Work) -> dict[str, Any]:
    """Let a function have so many calls at once; more are refused (0 stops it).

    Raises:
        ResourceNotFoundException: there is no such function.
        InvalidParameterValueException: more than an account has.
    """
    function = _whole_function(work, request.function_name)
    wanted = request.reserved_concurrent_executions
    others = work.scalar(RESERVED_CONCURRENCY, scope=function.scope) - (function.reserved_concurrency or 0)
    if wanted > ACCOUNT_CONCURRENCY - UNRESERVED_MIN - others:
        raise PlainInvalidParameterValue(
            "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
            f"below its minimum value of [{UNRESERVED_MIN}]."
        )
    work.put(FUNCTIONS, msgspec.structs.replace(function, reserved_concurrency=wanted))
    return {"ReservedConcurrentExecutions": wanted}


def get_function_concurrency(request: FunctionOnly, work: Work) -> dict[str, Any]:
    """A function's reserved concurrency, if it has one.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    reserved = unqualified(work, request.function_name).reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_function_concurrency(request: FunctionOnly, work: Work) -> None:
    """Let a function have as many calls at once as there are places.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = _whole_function(work, request.function_name)
    work.put(FUNCTIONS, msgspec.structs.replace(function, reserved_concurrency=None))


def _whole_function(work: Work, text: str) -> Function:
    """The function of a name; one that is not there is told under ``$LATEST``, as the service does here."""
    name = name_of(work, text)
    if name.qualifier is None and work.get(FUNCTIONS, name.arn) is None:
        raise function_not_found(name.arn, LATEST)
    return unqualified(work, text)


def put_provisioned_concurrency_config(request: PutProvisioned, work: Work) -> dict[str, Any]:
    """Keep so many workers of an alias or version ready.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidParameterValueException: ``$LATEST`` can have none.
    """
    if request.qualifier == LATEST:
        raise InvalidParameterValueException(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    found = _provisionable(work, request.function_name, request.qualifier)
    _check_overlap(work, found)
    _check_room(work, found.function, request)
    config = ProvisionedConcurrency(
        found.function.arn, request.qualifier, request.provisioned_concurrent_executions, work.now, "IN_PROGRESS"
    )
    work.put(PROVISIONED, config)
    work.later("lambda.prepare", Preparation(found.function.arn, request.qualifier, warm=config.requested))
    return _shown(config)


def get_provisioned_concurrency_config(request: Qualified, work: Work) -> dict[str, Any]:
    """What is kept ready of an alias or version.

    Raises:
        ProvisionedConcurrencyConfigNotFoundException: nothing is.
    """
    found = _provisionable(work, request.function_name, request.qualifier)
    config = work.get(PROVISIONED, found.function.arn, request.qualifier)
    if config is None:
        raise ProvisionedConcurrencyConfigNotFoundException
    return _shown(config)


def _check_overlap(work: Work, found: Located) -> None:
    """A version's workers are kept ready under one name only: its number, or one alias that points to it."""
    function, qualifier = found.function.arn, found.qualifier or LATEST
    alias = work.get(ALIASES, function, qualifier)
    if alias is not None:
        if work.get(PROVISIONED, function, alias.version) is not None:
            raise ResourceConflictException(
                "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version"
            )
        return
    for config in work.select(PROVISIONED_OF_FUNCTION, limit=1000, function=function, after=""):
        other = work.get(ALIASES, function, config.qualifier)
        if other is not None and other.version == qualifier:
            raise ResourceConflictException("Version is pointed by a Provisioned Concurrency alias")


def _check_room(work: Work, function: Function, request: PutProvisioned) -> None:
    wanted = request.provisioned_concurrent_executions
    if function.reserved_concurrency is not None:
        others = work.select(PROVISIONED_OF_FUNCTION, limit=1000, function=function.arn, after="")
        taken = sum(config.requested for config in others if config.qualifier != request.qualifier)
        if wanted + taken > function.reserved_concurrency:
            raise InvalidParameterValueException(
                "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for function"
            )
        return
    unreserved = ACCOUNT_CONCURRENCY - work.scalar(RESERVED_CONCURRENCY, scope=function.scope)
    if wanted > unreserved:
        raise PlainInvalidParameterValue(
            "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
            f"[{unreserved}]."
        )
    if unreserved - wanted < UNRESERVED_MIN:
        raise PlainInvalidParameterValue(
            "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its "
            f"minimum value of [{UNRESERVED_MIN}]."
        )


def delete_provisioned_concurrency_config(request: Qualified, work: Work) -> None:
    """Keep nothing ready any more.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
    """
    found = _provisionable(work, request.function_name, request.qualifier)
    work.delete(PROVISIONED, found.function.arn, request.qualifier)


def list_provisioned_concurrency_configs(request: ListProvisioned, work: Work) -> dict[str, Any]:
    """What is kept ready of a function.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    name = name_of(work, request.function_name)
    function = work.get(FUNCTIONS, name.arn)
    if function is None:
        raise function_not_found(name.arn)
    limit = min(request.max_items, LIST_MAX)
    found = work.select(PROVISIONED_OF_FUNCTION, limit=limit + 1, function=function.arn, after=request.marker)
    shown = [{"FunctionArn": f"{config.function}:{config.qualifier}", **_shown(config)} for config in found[:limit]]
    answer: dict[str, Any] = {"ProvisionedConcurrencyConfigs": shown}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].qualifier
    return answer


def _provisionable(work: Work, name: str, qualifier: str) -> Located:
    if qualifier == LATEST:
        raise InvalidParameterValueException("The function resource provided must be an alias or a published version.")
    named = name_of(work, name, qualifier)
    if version_of(work, named.arn, qualifier) is None:
        if qualifier.isdecimal():
            raise function_not_found(named.arn, qualifier)
        raise ResourceNotFoundException(f"Cannot find alias arn: {named.arn}:{qualifier}")
    function = work.get(FUNCTIONS, named.arn)
    assert function is not None
    return Located(function, qualifier)


def _shown(config: ProvisionedConcurrency) -> dict[str, Any]:
    ready = config.requested if config.status == "READY" else 0
    shown: dict[str, Any] = {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AllocatedProvisionedConcurrentExecutions": ready,
        "AvailableProvisionedConcurrentExecutions": ready,
        "Status": config.status,
        "LastModified": last_modified(config.modified),
    }
    if config.reason:
        shown["StatusReason"] = config.reason
    return shown
