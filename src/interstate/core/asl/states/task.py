"""Task: have work done elsewhere, and wait for the answer.

Theory of operation
-------------------
A Task that starts asks for the work (``StartTask``) and parks under a new visit, with timers for its timeout and its
heartbeat. What comes next brings that visit: ``TaskBegan``, which the history notes as scheduled and started, or a fault of
the state; then an answer, a failure, a heartbeat, a timer. A Retry
starts it again under another visit, so that the answer to an attempt that was given up finds nobody.

What a function's ARN, an activity and a service integration write into the history differs in names only; ``_WORDS`` has
them.

Source: https://states-language.net/#task-state; the history as recorded from Step Functions.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple, assert_never

from interstate.base.json import JSON, JSONObject
from interstate.core.asl import flow
from interstate.core.asl.definition import Resource, Task
from interstate.core.asl.errors import RUNTIME, TIMEOUT, StateFailed
from interstate.core.asl.query import EvaluationFailed, check_type
from interstate.core.asl.template import Template
from interstate.core.asl.turn import Turn, too_long
from interstate.core.asl.vocabulary import (
    DATA_SIZE_MAX,
    ActivityStarted,
    Datum,
    Heartbeat,
    SetTimer,
    StartTask,
    TaskBegan,
    TaskFailed,
    Tasking,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
)
from interstate.core.jsonpath.path import Path

Answer = TaskBegan | TaskSubmitted | TaskSucceeded | TaskFailed | Heartbeat | ActivityStarted | TimerFired


class _Words(NamedTuple):
    """The history's event types of a kind of resource."""

    scheduled: str
    started: str
    succeeded: str
    failed: str
    timed_out: str


_WORDS: Mapping[str, _Words] = {
    kind: _Words(*(prefix + word for word in ("Scheduled", "Started", "Succeeded", "Failed", "TimedOut")))
    for kind, prefix in (("lambda", "LambdaFunction"), ("activity", "Activity"), ("service", "Task"))
}


class TaskError(StateFailed):
    """A Task's failure that the history has already noted."""

    def __init__(
        self, error: str | None, cause: str | None, *, heartbeat: bool = False, timed_out: bool = False
    ) -> None:
        super().__init__(error or "", cause)
        self.name = error
        self.heartbeat = heartbeat
        self.timed_out = timed_out


def enter(state: Task, turn: Turn) -> None:
    """Enter and start."""
    turn.enter("TaskStateEntered")
    start(state, turn)


def start(state: Task, turn: Turn) -> None:
    """Ask for the work, the first time or again.

    Raises:
        StateFailed: the input cannot be made.
    """
    resource = state.resource
    token = ""
    if resource.pattern or resource.kind == "activity":  # A token can end a .sync Task before its child does.
        token = token_text(turn.execution.id, turn.frame, turn.visit + 1, turn.entropy.hex(48))
    turn.token = token or None
    given = flow.effective_input(state.flow, turn.data, turn.context)
    timeout_s = _seconds(state.timeout, given, turn, "TimeoutSeconds")
    heartbeat_s = _seconds(state.heartbeat, given, turn, "HeartbeatSeconds")
    data = flow.payload(state.flow, turn.data, turn.context, turn.entropy)
    if data.exceeds(DATA_SIZE_MAX):
        raise too_long(state.name)
    role = _role(state, given, turn)
    visit = turn.park(Tasking(token, heartbeat_s, timeout_s))
    request_id = turn.entropy.uuid()
    turn.commands.append(
        StartTask(
            turn.frame,
            visit,
            state.name,
            resource,
            data,
            token,
            request_id,
            heartbeat_s,
            timeout_s,
            role,
            sum(turn.retries),
        )
    )
    for timer, seconds in (("timeout", timeout_s), ("heartbeat", heartbeat_s)):
        if seconds is not None:
            at = turn.now + timedelta(seconds=seconds)
            turn.commands.append(SetTimer(turn.frame, visit, timer, at))  # type: ignore[arg-type]  # the two literals above


def token_text(execution: int, frame: int, visit: int, secret: str) -> str:
    """A task token: where its Task stands, and a secret, so that it cannot be guessed."""
    return f"{execution:x}-{frame:x}-{visit:x}-{secret}"


def _begin(turn: Turn, command: StartTask) -> None:
    """Note that the Task was scheduled and, but for an activity, which starts when a worker takes it, started."""
    resource = command.resource
    words = _WORDS[resource.kind]
    more: JSONObject = {}
    if resource.kind == "service":
        more |= {**_where(resource), "region": turn.execution.region}
    else:
        more["resource"] = resource.arn
    if command.timeout_s is not None:
        more["timeoutInSeconds"] = command.timeout_s
    if command.heartbeat_s is not None:
        more["heartbeatInSeconds"] = command.heartbeat_s
    if command.role_arn is not None:
        more["taskCredentials"] = {"roleArn": command.role_arn}
    turn.note(words.scheduled, data=command.input.text, more=more)
    if resource.kind != "activity":
        turn.note(words.started, more=_where(resource) or None)


def _where(resource: Resource) -> JSONObject:
    """What each event of a service integration repeats."""
    if resource.kind != "service":
        return {}
    return {"resourceType": resource.type, "resource": resource.name}


def answer(state: Task, turn: Turn, event: Answer) -> None:
    """Take what has come: move on, fail, or wait further.

    Raises:
        StateFailed: the Task failed, or its answer has no place in the data.
    """
    resource = state.resource
    words = _WORDS[resource.kind]
    assert isinstance(turn.awaiting, Tasking)
    turn.token = turn.awaiting.token or None
    match event:
        case TaskBegan(command=command):
            _begin(turn, command)
        case TaskSucceeded(output=text):
            _succeed(state, turn, Datum(text), words)
        case TaskFailed(state_fault=True, error=error, cause=cause):
            raise StateFailed(error or RUNTIME, cause)
        case TaskFailed(error=error, cause=cause):
            raise _failed(turn, words.failed, resource, error, cause)
        case TimerFired(timer=timer):
            turn.note(words.timed_out, more={**_where(resource), "error": TIMEOUT})
            raise TaskError(TIMEOUT, None, heartbeat=timer == "heartbeat", timed_out=True)
        case TaskSubmitted(output=text):
            turn.note("TaskSubmitted", data=text, more=_where(resource))
        case ActivityStarted(worker=worker):
            turn.note(words.started, more={} if worker is None else {"workerName": worker})
        case Heartbeat():
            if turn.awaiting.heartbeat_s is not None:
                at = turn.now + timedelta(seconds=turn.awaiting.heartbeat_s)
                turn.commands.append(SetTimer(turn.frame, turn.visit, "heartbeat", at))
        case _:
            assert_never(event)


def _succeed(state: Task, turn: Turn, result: Datum, words: _Words) -> None:
    resource = state.resource
    if result.exceeds(DATA_SIZE_MAX):
        fault = too_long(resource.type if resource.kind == "service" else resource.arn)
        raise _failed(turn, words.failed, resource, fault.error, fault.cause)
    turn.note(words.succeeded, data=result.text, more=_where(resource))
    turn.awaiting = None
    output, assigned = flow.leaving(state.flow, turn.data, result, turn.context, turn.entropy)
    turn.token = None
    turn.leave("TaskStateExited", state.next, output, assigned)


def _failed(turn: Turn, kind: str, resource: Resource, error: str | None, cause: str | None) -> TaskError:
    more = _where(resource)
    if error is not None:
        more["error"] = error
    if cause is not None:
        more["cause"] = cause
    turn.note(kind, more=more)
    return TaskError(error, cause)


def _seconds(given: int | Path | Template | None, data: Datum, turn: Turn, field: str) -> int | None:
    if given is None or isinstance(given, int):
        return given
    if isinstance(given, Template):
        seconds = given.evaluate(data.value, turn.context, turn.entropy)
        check_type(seconds, "integer", given.given, field)
        if seconds <= 0:
            raise EvaluationFailed(f"The {field} field must be a positive integer but was: {seconds}", field)
        return int(seconds)
    value = flow.select(given, data.value, turn.context)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise StateFailed(RUNTIME, f"The reference path {given.text} must refer to a positive integer.")
    return value


def _role(state: Task, data: Datum, turn: Turn) -> str | None:
    if state.credentials is None:
        return None
    value: JSON = state.credentials.evaluate(data.value, turn.context, turn.entropy)
    role = value.get("RoleArn") if isinstance(value, dict) else None
    return role if isinstance(role, str) else None
