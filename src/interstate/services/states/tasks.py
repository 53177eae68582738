"""Tasks of running executions: starting them, and the answers that come from elsewhere.

A task token says where its Task stands (execution, frame, visit) and holds a secret that the Task's frame keeps: an answer
is taken while that frame still waits in that visit with that secret.
"""

from typing import NamedTuple

import msgspec

from interstate.base.errors import ServiceError
from interstate.base.json import loads
from interstate.core.asl.vocabulary import (
    ActivityStarted,
    Event,
    Heartbeat,
    StartTask,
    Stored,
    TaskBegan,
    TaskFailed,
    Tasking,
    TaskSubmitted,
    TaskSucceeded,
)
from interstate.core.asl.vocabulary import Execution as Facts
from interstate.services.states import integrations, mocking
from interstate.services.states.errors import InvalidToken, TaskTimedOut
from interstate.store.ports import Work
from interstate.store.records.lambda_ import TaskAnswer
from interstate.store.records.states import (
    ACTIVITIES,
    ACTIVITY_TASKS,
    EXECUTION_ARNS,
    EXECUTIONS,
    FRAMES,
    RUNNING,
    ActivityTask,
    Deliveries,
    Delivery,
    FrameRow,
)

_OWN_TYPES = frozenset({"states", "aws-sdk:sfn"})


def may_look_at_executions(command: StartTask) -> bool:
    """Whether the Task's call can read or stop executions, this one too: then all must be written before."""
    return command.resource.type in _OWN_TYPES


class Begun(NamedTuple):
    """What comes of a Task at once; ``child`` is the execution for which it waits, if it is one."""

    events: list[Event]
    child: int | None = None


def start(command: StartTask, execution: Facts, work: Work) -> Begun:
    """Carry out a Task."""
    began = TaskBegan(command)
    mocked = mocking.mocked(command, execution.id, work)
    if mocked is not None:
        return _begun(command, began, mocked, work)
    if command.resource.kind == "activity":
        return Begun(_schedule_activity(command, began, work))
    return _begun(command, began, integrations.start_task(command, execution, work), work)


def _begun(command: StartTask, began: TaskBegan, outcome: integrations.Outcome, work: Work) -> Begun:
    match outcome:
        case integrations.Waiting():
            return Begun([began])
        case integrations.Submitted(output=output, end=None):
            return Begun([began, TaskSubmitted(command.visit, output)], _child(command, output, work))
        case integrations.Submitted(output=output, end=end):
            assert end is not None
            return Begun([began, TaskSubmitted(command.visit, output), _event(command.visit, end)])
        case integrations.Failed(state_fault=True):
            return Begun([_event(command.visit, outcome)])
        case _:
            return Begun([began, _event(command.visit, outcome)])


def _child(command: StartTask, output: str, work: Work) -> int | None:
    """The execution that a ``.sync`` Task has started."""
    if not command.resource.pattern.startswith(".sync"):
        return None
    described = loads(output)
    arn = described.get("ExecutionArn") if isinstance(described, dict) else None
    row = None if arn is None else work.get(EXECUTION_ARNS, arn)
    return None if row is None else row.execution


def _event(visit: int, outcome: integrations.Answered | integrations.Failed) -> Event:
    if isinstance(outcome, integrations.Answered):
        return TaskSucceeded(visit, outcome.output)
    return TaskFailed(visit, outcome.error, outcome.cause, outcome.state_fault)


def _schedule_activity(command: StartTask, began: TaskBegan, work: Work) -> list[Event]:
    arn = command.resource.arn
    if work.get(ACTIVITIES, arn) is None:
        return [TaskFailed(command.visit, "States.Runtime", f"The activity {arn} does not exist.", state_fault=True)]
    work.put(ACTIVITY_TASKS, ActivityTask(work.next_id(ACTIVITY_TASKS), arn, command.token, command.input.text))
    work.wake(f"activity:{arn}")
    return [began]


# Answers -----------------------------------------------------------------------------------------------------------


def answer_of_function(body: TaskAnswer, work: Work) -> None:
    """A Task's function has answered. The step "states.task_answer"."""
    place = body.origin_data
    visit = place["visit"]
    outcome = integrations.function_answer(body, work.now)
    event: Stored
    match outcome:
        case integrations.Submitted(output=output):
            event = TaskSubmitted(visit, output)
        case integrations.Answered(output=output):
            event = TaskSucceeded(visit, output)
        case integrations.Failed(error=error, cause=cause):
            event = TaskFailed(visit, error, cause)
    _leave(place["execution"], place["frame"], event, work)


def succeed(token: str, output: str, work: Work) -> None:
    """Answer the Task that waits for the token; ``output`` is JSON text.

    Raises:
        InvalidToken: it is none of ours.
        TaskTimedOut: nobody waits for it any more.
    """
    row = _consumed(token, work)
    _leave(row.execution, row.frame, TaskSucceeded(row.visit, output), work)


def fail(token: str, error: str | None, cause: str | None, work: Work) -> None:
    """Let the Task that waits for the token fail.

    Raises:
        InvalidToken: it is none of ours.
        TaskTimedOut: nobody waits for it any more.
    """
    row = _consumed(token, work)
    _leave(row.execution, row.frame, TaskFailed(row.visit, error, cause), work)


def heartbeat(token: str, work: Work) -> None:
    """Tell that the work on the Task that waits for the token goes on.

    Raises:
        InvalidToken: it is none of ours.
        TaskTimedOut: nobody waits for it any more.
    """
    row = _awaiting(token, work)
    _leave(row.execution, row.frame, Heartbeat(row.visit), work)


def activity_started(token: str, worker: str | None, work: Work) -> bool:
    """A worker has taken the activity's task with this token; False when nobody waits for it any more."""
    try:
        row = _awaiting(token, work)
    except ServiceError:
        return False
    _leave(row.execution, row.frame, ActivityStarted(row.visit, worker), work)
    return True


def _leave(execution: int, frame: int, event: Stored, work: Work) -> None:
    """An event for an execution, which may be in hand just now: it becomes a due row."""
    work.later("states.event", Deliveries(execution, [Delivery(frame, event)]))


def _awaiting(token: str, work: Work) -> FrameRow:
    """The frame whose Task waits for the token."""
    try:
        numbers, secret = token.split("-")[:3], token.split("-")[3]
        execution, frame, visit = (int(number, 16) for number in numbers)
    except (ValueError, IndexError):
        raise InvalidToken from None
    if not secret or execution >= 1 << 63 or frame >= 1 << 63:
        raise InvalidToken
    running = work.get(EXECUTIONS, execution)
    row = None if running is None or running.status != RUNNING else work.get(FRAMES, execution, frame)
    if row is None or row.visit != visit or not isinstance(row.awaiting, Tasking) or row.awaiting.token != token:
        raise TaskTimedOut
    return row


def _consumed(token: str, work: Work) -> FrameRow:
    """As ``_awaiting``; the token is used up, so that of two answers the second is refused."""
    row = _awaiting(token, work)
    assert isinstance(row.awaiting, Tasking)
    used = msgspec.structs.replace(row.awaiting, token="")
    work.put(FRAMES, msgspec.structs.replace(row, awaiting=used))
    return row
