"""Durable executions: there are none, since durable functions are refused when they are created.

What asks for one is told so as on AWS; nothing is changed by it.

Source: Lambda API Reference, GetDurableExecution and its neighbours.
"""

from typing import Any, Never

import msgspec

from interstate.services.lambda_.errors import InvalidParameterValueException, ResourceNotFoundException
from interstate.services.lambda_.locate import located, version_at
from interstate.store.ports import Work


class Execution(msgspec.Struct, frozen=True, rename="pascal"):
    """Of all operations on one execution; what else they take says nothing about one that is not there."""

    durable_execution_arn: str


class Callback(msgspec.Struct, frozen=True, rename="pascal"):
    callback_id: str


class ListExecutions(msgspec.Struct, frozen=True, rename="pascal"):
    function_name: str
    qualifier: str | None = None


def list_durable_executions_by_function(request: ListExecutions, work: Work) -> dict[str, Any]:
    """The durable executions of a function: none.

    Raises:
        ResourceNotFoundException: there is no such function, version or alias.
    """
    version_at(work, located(work, request.function_name, request.qualifier))
    return {"DurableExecutions": []}


def missing(request: Execution, _work: Work) -> Never:
    """Get an execution or its history, stop, pause, resume or delete it.

    Raises:
        ResourceNotFoundException: always.
    """
    raise ResourceNotFoundException(f"Durable execution not found: {request.durable_execution_arn}")


def no_token(_request: Execution, _work: Work) -> Never:
    """Read or write an execution's checkpoints, with a token that only a running one has.

    Raises:
        InvalidParameterValueException: always.

    Source: https://github.com/aws/aws-durable-execution-sdk-python (the message that it knows).
    """
    raise InvalidParameterValueException("Invalid Checkpoint Token")


def no_callback(request: Callback, _work: Work) -> Never:
    """Answer a callback.

    Raises:
        ResourceNotFoundException: always.
    """
    raise ResourceNotFoundException(f"Callback not found: {request.callback_id}")
