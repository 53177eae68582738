"""Task tokens: a Task that waits is answered by whoever was given its token.

Source: API Reference, SendTaskSuccess, SendTaskFailure, SendTaskHeartbeat; answers recorded from the service.
"""

import msgspec

from interstate.base.json import BrokenJSON, loads
from interstate.core.asl.vocabulary import DATA_SIZE_MAX
from interstate.services.states import tasks
from interstate.services.states.broken_json import fault_of
from interstate.services.states.errors import InvalidOutput, check_size
from interstate.store.ports import Work


class SendTaskSuccess(msgspec.Struct, frozen=True, rename="camel"):
    task_token: str
    output: str


class SendTaskFailure(msgspec.Struct, frozen=True, rename="camel"):
    task_token: str
    error: str | None = None
    cause: str | None = None


class SendTaskHeartbeat(msgspec.Struct, frozen=True, rename="camel"):
    task_token: str


def send_task_success(request: SendTaskSuccess, work: Work) -> None:
    """End the waiting Task with ``output``. The token is looked at first; a refusal leaves the Task waiting.

    Raises:
        InvalidToken: this service never made the token.
        TaskTimedOut: the Task is over.
        InvalidOutput: the output is not JSON.
    """
    check_size("output", request.output, DATA_SIZE_MAX)
    tasks.succeed(request.task_token, request.output, work)
    try:
        loads(request.output)
    except BrokenJSON as error:
        raise InvalidOutput(fault_of(request.output).reason) from error


def send_task_failure(request: SendTaskFailure, work: Work) -> None:
    """Let the waiting Task fail; Retry and Catch see ``error``.

    Raises:
        InvalidToken: this service never made the token.
        TaskTimedOut: the Task is over.
    """
    tasks.fail(request.task_token, request.error, request.cause, work)


def send_task_heartbeat(request: SendTaskHeartbeat, work: Work) -> None:
    """Tell that the waiting Task is alive: its heartbeat's time starts again.

    Raises:
        InvalidToken: this service never made the token.
        TaskTimedOut: the Task is over.
    """
    tasks.heartbeat(request.task_token, work)
