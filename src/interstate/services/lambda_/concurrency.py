"""Reserved and provisioned concurrency. Reserved concurrency throttles; provisioned is stored and described.

Source: Lambda API Reference; https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
"""

from typing import Any

import msgspec

from interstate.services.lambda_.configuration import last_modified
from interstate.services.lambda_.errors import (
    InvalidParameterValueException,
    ProvisionedConcurrencyConfigNotFoundException,
)
from interstate.services.lambda_.locate import Located, function_at, located, version_at
from interstate.store.ports import Work
from interstate.store.records.lambda_ import (
    FUNCTIONS,
    LATEST,
    PROVISIONED,
    PROVISIONED_OF_FUNCTION,
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
    function = function_at(work, request.function_name)
    wanted = request.reserved_concurrent_executions
    if wanted > ACCOUNT_CONCURRENCY - UNRESERVED_MIN:
        raise InvalidParameterValueException(
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
    reserved = function_at(work, request.function_name).reserved_concurrency
    return {} if reserved is None else {"ReservedConcurrentExecutions": reserved}


def delete_function_concurrency(request: FunctionOnly, work: Work) -> None:
    """Let a function have as many calls at once as there are places.

    Raises:
        ResourceNotFoundException: there is no such function.
    """
    function = function_at(work, request.function_name)
    work.put(FUNCTIONS, msgspec.structs.replace(function, reserved_concurrency=None))


def put_provisioned_concurrency_config(request: PutProvisioned, work: Work) -> dict[str, Any]:
    """Keep so many workers of an alias or version ready.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
        InvalidParameterValueException: ``$LATEST`` can have none.
    """
    found = _provisionable(work, request.function_name, request.qualifier)
    config = ProvisionedConcurrency(
        found.function.arn, request.qualifier, request.provisioned_concurrent_executions, work.now
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
    function = function_at(work, request.function_name)
    limit = min(request.max_items, LIST_MAX)
    found = work.select(PROVISIONED_OF_FUNCTION, limit=limit + 1, function=function.arn, after=request.marker)
    shown = [{"FunctionArn": f"{config.function}:{config.qualifier}", **_shown(config)} for config in found[:limit]]
    answer: dict[str, Any] = {"ProvisionedConcurrencyConfigs": shown}
    if len(found) > limit:
        answer["NextMarker"] = found[limit - 1].qualifier
    return answer


def _provisionable(work: Work, name: str, qualifier: str) -> Located:
    found = located(work, name, qualifier)
    version_at(work, found)
    if qualifier == LATEST:
        raise InvalidParameterValueException(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )
    return found


def _shown(config: ProvisionedConcurrency) -> dict[str, Any]:
    return {
        "RequestedProvisionedConcurrentExecutions": config.requested,
        "AllocatedProvisionedConcurrentExecutions": config.requested,
        "AvailableProvisionedConcurrentExecutions": config.requested,
        "Status": "READY",
        "LastModified": last_modified(config.modified),
    }
