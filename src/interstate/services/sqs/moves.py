"""Message move tasks: dead letters go back, a bounded step at a time.

Theory of operation
-------------------
A task is a row, and its next step a due row: both survive a crash, and a step is one commit, so a message is moved
once. A step moves at most a second's worth of messages; without a rate, a page, and the next step follows at once.

Source: SQS API Reference, StartMessageMoveTask, CancelMessageMoveTask, ListMessageMoveTasks; SQS Developer Guide,
"Learn how to configure a dead-letter queue redrive".
"""

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from datetime import timedelta
from typing import Any

import msgspec

from interstate.base.arn import parse_arn
from interstate.base.json import BrokenJSON, dumps, loads
from interstate.base.time import to_millis
from interstate.core.queues.errors import AccessDenied, InvalidParameterValue, ResourceNotFoundException
from interstate.core.queues.message import Message, new_message_id
from interstate.services.sqs.locate import account_of, redrive
from interstate.services.sqs.stored import add, remove
from interstate.store.ports import Work
from interstate.store.records.sqs import (
    COUNT_DELAYED,
    COUNT_IN_FLIGHT,
    DEPTH,
    MESSAGES,
    MOVE_TASKS,
    MOVES_OF_SOURCE,
    QUEUES,
    QUEUES_OF_SCOPE,
    VISIBLE,
    MoveTask,
    Queue,
)

RATE_MAX = 500
PAGE = 100
RESULTS_MAX = 10
_SOURCES_LOOK = 10_000
_SECOND = timedelta(seconds=1)
_NO_DESTINATION = "AWS.SimpleQueueService.NonExistentQueue"


class StartMove(msgspec.Struct, frozen=True, rename="pascal"):
    source_arn: str
    destination_arn: str = ""
    max_number_of_messages_per_second: int | None = None


class CancelMove(msgspec.Struct, frozen=True, rename="pascal"):
    task_handle: str


class ListMoves(msgspec.Struct, frozen=True, rename="pascal"):
    source_arn: str
    max_results: int | None = None


class Move(msgspec.Struct, frozen=True):
    """Move the next messages of a task."""

    number: int


def start_message_move_task(request: StartMove, work: Work) -> dict[str, Any]:
    """Move what is in a dead-letter queue to a queue, or back to where each message came from.

    Raises:
        ResourceNotFoundException: no such source or destination.
        InvalidParameterValue: the source is no queue's dead letters, a task runs already, or a rate out of bounds.
    """
    rate = request.max_number_of_messages_per_second
    if rate is not None and not 1 <= rate <= RATE_MAX:
        raise InvalidParameterValue(
            f"Value {rate} for parameter MaxNumberOfMessagesPerSecond is invalid. Reason: Must be between 1 and "
            f"{RATE_MAX}, if provided."
        )
    source = _queue("SourceArn", request.source_arn, "StartMessageMoveTask", work)
    if request.destination_arn:
        destination = _queue("DestinationArn", request.destination_arn, "SendMessage", work)
        if destination.is_fifo != source.is_fifo:
            raise InvalidParameterValue("Destination queue must be same type of queue as the source.")
        if destination.arn == source.arn:
            raise InvalidParameterValue("Source queue arn and destination queue arn cannot be the same.")
    if not _is_dead_letter_queue(source, work):
        raise InvalidParameterValue("Source queue must be configured as a Dead Letter Queue.")
    if any(task.status == "RUNNING" for task in work.select(MOVES_OF_SOURCE, limit=1, source=source.arn)):
        raise InvalidParameterValue(
            "There is already a task running. Only one active task is allowed for a source queue arn at a given time."
        )
    number = work.next_id(MOVE_TASKS)
    hidden = sum(work.scalar(count, queue=source.id, now=work.now) for count in (COUNT_DELAYED, COUNT_IN_FLIGHT))
    task = MoveTask(
        number=number,
        id=work.entropy.uuid(),
        source=source.arn,
        destination=request.destination_arn,
        rate=rate or 0,
        status="RUNNING",
        moved=0,
        to_move=max(0, work.scalar(DEPTH, queue=source.id) - hidden),
        started=work.now,
    )
    work.put(MOVE_TASKS, task)
    work.later("sqs.move", Move(number), yields=True)
    return {"TaskHandle": _handle(task)}


def cancel_message_move_task(request: CancelMove, work: Work) -> dict[str, Any]:
    """Stop a task; what it has moved stays moved.

    Raises:
        InvalidParameterValue: the handle is none.
        ResourceNotFoundException: no such queue or task, or the task has ended.
    """
    task_id, source_arn = _read_handle(request.task_handle)
    source = _queue("SourceArn", source_arn, "CancelMessageMoveTask", work)
    tasks = work.select(MOVES_OF_SOURCE, limit=RESULTS_MAX, source=source.arn)
    task = next((task for task in tasks if task.id == task_id), None)
    if task is None:
        raise ResourceNotFoundException("Task does not exist.")
    if task.status != "RUNNING":
        raise ResourceNotFoundException("Only active tasks can be cancelled.")
    work.put(MOVE_TASKS, msgspec.structs.replace(task, status="CANCELLED"))
    return {"ApproximateNumberOfMessagesMoved": task.moved}


def list_message_move_tasks(request: ListMoves, work: Work) -> dict[str, Any]:
    """The latest tasks of a source, the newest first; one unless more are wanted.

    Raises:
        ResourceNotFoundException: no such queue.
        InvalidParameterValue: more than ten wanted.
    """
    wanted = 1 if request.max_results is None else request.max_results
    if not 1 <= wanted <= RESULTS_MAX:
        raise InvalidParameterValue(
            f"Value {wanted} for parameter MaxResults is invalid. Reason: Must be between 1 and {RESULTS_MAX}, if provided."
        )
    source = _queue("SourceArn", request.source_arn, "ListMessageMoveTasks", work)
    return {"Results": [_shown(task) for task in work.select(MOVES_OF_SOURCE, limit=wanted, source=source.arn)]}


def _shown(task: MoveTask) -> dict[str, Any]:
    optional: dict[str, Any] = {
        "TaskHandle": _handle(task) if task.status == "RUNNING" else "",
        "DestinationArn": task.destination,
        "MaxNumberOfMessagesPerSecond": task.rate,
        "FailureReason": task.failure,
    }
    return {
        **{name: value for name, value in optional.items() if value},
        "Status": task.status,
        "SourceArn": task.source,
        "ApproximateNumberOfMessagesMoved": task.moved,
        "ApproximateNumberOfMessagesToMove": task.to_move,
        "StartedTimestamp": to_millis(task.started),
    }


def _queue(parameter: str, arn: str, action: str, work: Work) -> Queue:
    parsed = parse_arn(arn)
    if parsed is None or parsed.service != "sqs":
        raise InvalidParameterValue(f"Value {arn} for parameter {parameter} is invalid. Reason: It is no queue's ARN.")
    queue = work.get(QUEUES, arn)
    if queue is None:
        raise ResourceNotFoundException(f"The resource that you specified for the {parameter} parameter doesn't exist.")
    if account_of(queue) != work.caller.account:
        raise AccessDenied(f"arn:aws:iam::{work.caller.account}:root", action, arn)
    return queue


def _is_dead_letter_queue(queue: Queue, work: Work) -> bool:
    others = work.select(QUEUES_OF_SCOPE, limit=_SOURCES_LOOK, scope=queue.scope, after="", prefix="")
    return any((policy := redrive(other)) is not None and policy.target == queue.arn for other in others)


def _handle(task: MoveTask) -> str:
    return b64encode(dumps({"taskId": task.id, "sourceArn": task.source}).encode()).decode()


def _read_handle(handle: str) -> tuple[str, str]:
    try:
        read = loads(b64decode(handle.encode(), validate=True))
        if isinstance(read, dict):
            return str(read["taskId"]), str(read["sourceArn"])
    except (Base64Error, BrokenJSON, KeyError, UnicodeError):
        pass
    raise InvalidParameterValue("Value for parameter TaskHandle is invalid.")


# Steps -------------------------------------------------------------------------------------------------------------


def move(body: Move, work: Work) -> None:
    """Move what a second allows; the task ends when nothing is visible in the source any more."""
    task = work.get(MOVE_TASKS, body.number)
    if task is None or task.status != "RUNNING":
        return
    source = work.get(QUEUES, task.source)
    if source is None:
        _end(task, "FAILED", _NO_DESTINATION, work)
        return
    page = task.rate or PAGE
    moved = 0
    for message in work.select(VISIBLE, limit=page, queue=source.id, now=work.now):
        target = work.get(QUEUES, task.destination or _origin(message))
        if target is None:
            _end(_counted(task, moved), "FAILED", _NO_DESTINATION if _has_target(task, message) else _NO_ORIGIN, work)
            return
        _send_again(message, source, target, work)
        moved += 1
    task = _counted(task, moved)
    if not work.select(VISIBLE, limit=1, queue=source.id, now=work.now):
        _end(task, "COMPLETED", "", work)
        return
    work.put(MOVE_TASKS, task)
    work.later("sqs.move", body, at=work.now + _SECOND if task.rate else None, yields=True)


_NO_ORIGIN = "CouldNotDetermineMessageSource"


def _origin(message: Message) -> str:
    return (message.system_attributes or {}).get("DeadLetterQueueSourceArn", "")


def _has_target(task: MoveTask, message: Message) -> bool:
    return bool(task.destination or _origin(message))


def _counted(task: MoveTask, moved: int) -> MoveTask:
    return msgspec.structs.replace(task, moved=task.moved + moved)


def _end(task: MoveTask, status: str, failure: str, work: Work) -> None:
    work.put(MOVE_TASKS, msgspec.structs.replace(task, status=status, failure=failure))


def _send_again(message: Message, source: Queue, target: Queue, work: Work) -> None:
    """Moved messages are new ones, with an id and a time of their own; body and attributes stay."""
    remove(source, message, work)
    system = {
        name: value for name, value in (message.system_attributes or {}).items() if name != "DeadLetterQueueSourceArn"
    }
    row = work.next_id(MESSAGES)
    again = Message(
        id=row,
        queue_id=target.id,
        visible_at=work.now,
        sent_at=work.now,
        message_id=new_message_id(row, work.entropy),
        body=message.body,
        body_md5=message.body_md5,
        attributes=message.attributes,
        system_attributes=system,
        group_id=message.group_id,
        deduplication_id=message.deduplication_id,
        seal=message.seal,
    )
    add(target, again, work)
