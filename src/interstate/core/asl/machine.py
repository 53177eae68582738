"""The interpreter: one event in, one step out.

Theory of operation
-------------------
A frame (an execution, or one of its branches) is a value. ``advance`` folds one event into it and returns the next value, with the
commands that the outside must carry out and the history that it leaves. Whatever could differ between two runs (the time, an
answer, a random number) arrives with the event, so folding the same events again gives the same frames. That law is what makes
an execution durable: the store keeps frames, commands and history in one transaction, and a process that dies between
two steps loses nothing.

Each wait has a *visit*: a number that the frame counts up whenever it begins to wait. Timers, answers and heartbeats bring the visit
for which they are meant; an event that nothing awaits (too late, twice, of an attempt that was given up) changes nothing.

A chain of states that needs nothing from outside runs on, up to ``budget`` transitions; then the frame is *ready* and goes
on with ``Go``. Siblings are never loaded: a parent counts its branches. When all have ended it asks for their outputs
(``Gather``, answered by ``Gathered``); when one fails it has the others stopped (``StopBranches``, answered by ``Stopped``,
whose frames it notes as aborted), and only then does its own Retry or Catch act.

Source: https://states-language.net/ and, for the history, executions recorded from Step Functions.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, assert_never

from interstate.base.json import JSON, JSONObject
from interstate.core.asl import flow
from interstate.core.asl.definition import Choice, Definition, Fail, Map, Parallel, Pass, State, Succeed, Task, Wait
from interstate.core.asl.errors import RUNTIME, TIMEOUT, StateFailed
from interstate.core.asl.query import EvaluationFailed
from interstate.core.asl.retry import catcher_for, counted, delay, names_of, retrier_for
from interstate.core.asl.states import choice, fail, map_, map_run, parallel, pass_, succeed, task, wait
from interstate.core.asl.turn import NO_VARIABLES, HistoryFull, Turn, WholeCause, machines_of
from interstate.core.asl.vocabulary import (
    HISTORY_EVENTS_MAX,
    Abort,
    ActivityStarted,
    Branching,
    Datum,
    End,
    Event,
    Execution,
    Frame,
    Gathered,
    Go,
    Heartbeat,
    Retrying,
    SetTimer,
    Started,
    Step,
    StopBranches,
    Stopped,
    Stopping,
    TaskBegan,
    TaskFailed,
    Tasking,
    TaskSubmitted,
    TaskSucceeded,
    TimerFired,
    Waiting,
)

EXPRESS_S_MAX = 300
"""An Express execution ends after five minutes. Source: Step Functions quotas."""
ERROR_LENGTH_MAX, CAUSE_LENGTH_MAX = 256, 32_768

_ENTER: Mapping[type, Callable[[Any, Turn], None]] = {
    Pass: pass_.enter,
    Choice: choice.enter,
    Task: task.enter,
    Wait: wait.enter,
    Succeed: succeed.enter,
    Fail: fail.enter,
    Parallel: parallel.enter,
    Map: map_.enter,
}
_RESTART: Mapping[type, Callable[[Any, Turn], None]] = {
    Task: task.start,
    Parallel: parallel.start,
    Map: map_.start,
}
_TYPES: Mapping[type, str] = {state: state.__name__ for state in _ENTER}


def first_frame(definition: Definition, execution: Execution, variables: Mapping[str, Datum] = NO_VARIABLES) -> Frame:
    """Frame 0 of an execution that has not begun, with its first ``variables``; ``Started`` begins it."""
    start_at = definition.machine.start_at
    return Frame(0, -1, 0, start_at, execution.input, 0, 0, execution.started, variables=variables)


def advance(
    definition: Definition,
    execution: Execution,
    chain: tuple[Frame, ...],
    event: Event,
    *,
    now: datetime,
    seed: bytes,
    budget: int = 1,
) -> Step:
    """Fold one event into the last frame of ``chain``, which begins with frame 0 and goes from parent to child.

    An event that nothing awaits gives the empty step.
    """
    if not _is_awaited(chain, event):
        return Step()
    turn = Turn(definition.machine, execution, chain, now=now, seed=seed)
    try:
        _deliver(turn, event, definition)
        while turn.is_ready and turn.transitions < budget:
            _enter(turn)
    except HistoryFull:
        _fail_execution(
            turn, RUNTIME, f"The execution reached the maximum number of history events ({HISTORY_EVENTS_MAX})."
        )
    return turn.step()


def _is_awaited(chain: tuple[Frame, ...], event: Event) -> bool:
    frame = chain[-1]
    if chain[0].at == "":  # The execution is over.
        return False
    match event:
        case Started():
            return frame.events == 0
        case Go():
            return frame.is_ready
        case Abort() | TimerFired(timer="execution"):
            return frame.frame == 0
        case TimerFired(visit=visit, timer=timer):
            return visit == frame.visit and _timer_awaited(frame, timer)
        case TaskBegan() | TaskSubmitted() | TaskSucceeded() | TaskFailed() | Heartbeat() | ActivityStarted():
            return event.visit == frame.visit and isinstance(frame.awaiting, Tasking)
        case Gathered():
            return isinstance(frame.awaiting, Branching) and frame.awaiting.ended == frame.awaiting.total
        case Stopped():
            return isinstance(frame.awaiting, Stopping)
        case _:
            assert_never(event)


def _timer_awaited(frame: Frame, timer: str) -> bool:
    match frame.awaiting:
        case Waiting():
            return timer == "wait"
        case Retrying():
            return timer == "retry"
        case Tasking(heartbeat_s=heartbeat_s, timeout_s=timeout_s):
            return {"timeout": timeout_s, "heartbeat": heartbeat_s}.get(timer) is not None
        case _:
            return False


def _deliver(turn: Turn, event: Event, definition: Definition) -> None:
    match event:
        case Go():
            pass
        case Started():
            _begin(turn, definition)
        case Abort(error=error, cause=cause):
            _end(turn, "ABORTED", "ExecutionAborted", error, cause, after=0)
        case TimerFired(timer="execution"):
            _end(turn, "TIMED_OUT", "ExecutionTimedOut", None, None, after=0)
        case _:
            _answer(turn, event)


def _begin(turn: Turn, definition: Definition) -> None:
    execution = turn.execution
    more: JSONObject = {"roleArn": execution.role_arn}
    if execution.alias_arn is not None:
        more["stateMachineAliasArn"] = execution.alias_arn
    if execution.version_arn is not None:
        more["stateMachineVersionArn"] = execution.version_arn
    turn.note_beside("ExecutionStarted", data=execution.input.text, more=more, after=0)
    limits = [definition.timeout_s, EXPRESS_S_MAX if execution.express else None]
    seconds = min((limit for limit in limits if limit is not None), default=None)
    if seconds is not None:
        turn.commands.append(SetTimer(0, 0, "execution", turn.now + timedelta(seconds=seconds)))


def _enter(turn: Turn) -> None:
    """Let the frame enter the state at which it stands. This is the hot path."""
    state = turn.state
    try:
        _ENTER[type(state)](state, turn)
    except StateFailed as failed:
        _failed(state, turn, failed)
    if turn.at == "" and turn.awaiting is None and not turn.ended:
        _frame_ended(turn)


def _answer(turn: Turn, event: Event) -> None:
    """Let the state at which the frame stands take what it awaited."""
    state = turn.state
    try:
        _take(state, turn, event)
    except StateFailed as failed:
        _failed(state, turn, failed)
    if turn.at == "" and turn.awaiting is None and not turn.ended:
        _frame_ended(turn)


def _take(state: State, turn: Turn, event: Event) -> None:
    match state, event:
        case (Map(), TimerFired(timer="retry")) if isinstance(turn.awaiting, Retrying) and turn.awaiting.run:
            map_run.redrive(turn, turn.awaiting)
        case (_, TimerFired(timer="retry")):
            turn.awaiting = None
            _RESTART[type(state)](state, turn)
        case (Wait(), TimerFired()):
            wait.answer(state, turn, event)
        case (
            Task(),
            TaskBegan()
            | TaskSubmitted()
            | TaskSucceeded()
            | TaskFailed()
            | Heartbeat()
            | ActivityStarted()
            | TimerFired(),
        ):
            task.answer(state, turn, event)
        case (Map(), TaskSucceeded() | TaskFailed()):
            map_run.answer(state, turn, event)
        case (Parallel() | Map(), Gathered(outputs=outputs)):
            parallel.gathered(state, turn, outputs)
        case (_, Stopped(frames=frames)):
            _stopped(state, turn, frames)
        case _:
            raise AssertionError((state, event))


# Ends -------------------------------------------------------------------------------------------------------------


def _frame_ended(turn: Turn) -> None:
    """The frame's last state was left: the execution has succeeded, or the parent counts a branch."""
    if turn.frame == 0:
        turn.note_end("ExecutionSucceeded", data=turn.data.text, after=turn.previous)
        turn.ended = True
        turn.commands.append(End("SUCCEEDED", turn.data))
        return
    branch, last = turn.branch, turn.previous
    turn.ascend(keep=True)
    state = turn.state
    if isinstance(state, Parallel):
        parallel.branch_ended(turn, last)
        return
    assert isinstance(state, Map)
    try:
        map_.branch_ended(state, turn, branch, last)
    except StateFailed as failed:  # The next iteration's input cannot be made.
        error, cause = _worded(turn, failed)
        _stop_branches(turn, -1, error, cause)


def _failed(state: State, turn: Turn, failed: StateFailed) -> None:
    """Retry, catch, or fail the frame."""
    if isinstance(failed, EvaluationFailed):
        _note_evaluation(turn, failed)
    error, cause = _worded(turn, failed)
    heartbeat = isinstance(failed, task.TaskError) and failed.heartbeat
    timed_out = isinstance(failed, task.TaskError) and failed.timed_out
    names = names_of(error, heartbeat=heartbeat, of_branch=isinstance(state, Parallel | Map))
    turn.awaiting = None
    turn.token = None
    if isinstance(state, Task | Parallel | Map):
        if _retry(state, turn, names):
            return
        try:
            if _catch(state, turn, names, error, "" if timed_out and cause is None else cause):
                return
        except StateFailed as again:  # The error has no place in the data, and nobody catches that.
            if isinstance(again, EvaluationFailed):
                _note_evaluation(turn, again)
            error, cause = _worded(turn, again)
    if isinstance(state, Parallel | Map) and (isinstance(failed, task.TaskError) or error != RUNTIME):
        turn.note(f"{_TYPES[type(state)]}StateFailed")  # A fault of the state's own fields shows no such event.
    _fail_frame(state, turn, error, cause)


def _note_evaluation(turn: Turn, failed: EvaluationFailed) -> None:
    """Note that a field could not be evaluated: in place of the entry, where that was all that happened in the state."""
    error, cause = _worded(turn, failed)
    more: JSONObject = {"error": error, "cause": cause, "state": turn.at}
    if failed.location is not None:
        more["location"] = failed.location
    only_entered = turn.previous == turn.entered and not failed.after_entry
    turn.note("EvaluationFailed", more=more, after=turn.entered_after if only_entered else None)


def _worded(turn: Turn, failed: StateFailed) -> tuple[str | None, str | None]:
    """Error and cause as the history shows them."""
    if isinstance(failed, task.TaskError):
        return failed.name, failed.cause
    if isinstance(failed, WholeCause):
        return failed.shown_error, failed.cause
    where = f"An error occurred while executing the state '{turn.at}' (entered at the event id #{turn.entered})."
    return failed.error, f"{where} {failed.cause}"


def _retry(state: Task | Parallel | Map, turn: Turn, names: frozenset[str]) -> bool:
    at = retrier_for(state.retry, turn.retries, names)
    if at is None:
        return False
    used = turn.retries[at] if at < len(turn.retries) else 0
    due = turn.now + delay(state.retry[at], used, turn.entropy)
    turn.retries = counted(turn.retries, at)
    visit = turn.park(Retrying())
    turn.commands.append(SetTimer(turn.frame, visit, "retry", due))
    return True


def _catch(
    state: Task | Parallel | Map, turn: Turn, names: frozenset[str], error: str | None, cause: str | None
) -> bool:
    catcher = catcher_for(state.catch, names)
    if catcher is None:
        return False
    kind = _TYPES[type(state)]
    if kind != "Task":
        turn.note(f"{kind}StateFailed")
    shown = Datum(value={"Error": error, "Cause": cause})
    output, assigned = flow.catching(catcher, turn.data, shown, turn.context, turn.entropy)
    turn.leave(f"{kind}StateExited", catcher.next, output, assigned)
    return True


def _fail_frame(state: State, turn: Turn, error: str | None, cause: str | None) -> None:
    """Nobody caught the error: the execution fails, or the parent has the siblings stopped."""
    if turn.frame == 0:
        _fail_execution(turn, error, cause)
        return
    branch, number, last = turn.branch, turn.frame, turn.previous
    turn.ascend(keep=False)
    above = turn.state
    turn.previous = last
    if isinstance(above, Map):
        turn.note_beside("MapIterationFailed", name=above.name, more={"index": branch})
    if isinstance(state, Task):
        turn.note_beside("TaskStateAborted")
    _stop_branches(turn, number, error, cause)


def _stop_branches(turn: Turn, failed: int, error: str | None, cause: str | None) -> None:
    turn.park(Stopping(failed, error, cause))
    turn.commands.append(StopBranches(turn.frame))


def _stopped(state: State, turn: Turn, frames: tuple[Frame, ...]) -> None:
    """The siblings of a failed branch stand still: note where, then let the state's own Retry or Catch act.

    Raises:
        StateFailed: the branch's error, as this state's.
    """
    stopping = turn.awaiting
    assert isinstance(stopping, Stopping)
    by_number = {frame.frame: frame for frame in frames}
    for frame in frames:
        if frame.at == "" or frame.frame == stopping.frame:
            continue
        if frame.parent == turn.frame and isinstance(state, Map):
            turn.note_beside("MapIterationAborted", name=state.name, more={"index": frame.branch})
        if frame.entered:
            kind = _TYPES[type(_state_of(turn, frame, by_number))]
            turn.note_beside(f"{kind}StateAborted")
    raise task.TaskError(stopping.error, stopping.cause, timed_out=stopping.error == TIMEOUT)


def _state_of(turn: Turn, frame: Frame, by_number: Mapping[int, Frame]) -> State:
    """The state at which a frame below the one in hand stands."""
    below = [frame]
    while below[0].parent != turn.frame:
        below.insert(0, by_number[below[0].parent])
    here = Frame(turn.frame, -1, 0, turn.at, turn.data, 0, 0, turn.now)
    return machines_of(turn.machine, (here, *below))[-1].states[frame.at]


def _fail_execution(turn: Turn, error: str | None, cause: str | None) -> None:
    while turn.frame != 0:
        last = turn.previous
        turn.ascend(keep=False)
        turn.previous = last
    _end(turn, "FAILED", "ExecutionFailed", error, cause, after=turn.previous)


def _end(turn: Turn, status: Any, kind: str, error: str | None, cause: str | None, *, after: int) -> None:
    """End the execution without success; all that waited for it stops."""
    more: dict[str, JSON] = {}
    if error is not None:
        more["error"] = error = error[:ERROR_LENGTH_MAX]
    if cause is not None:
        more["cause"] = cause = cause[:CAUSE_LENGTH_MAX]
    turn.note_end(kind, more=more, after=after)
    turn.at = ""
    turn.awaiting = None
    turn.visit += 1
    turn.ended = True
    turn.commands.append(End(status, None, error, cause))
