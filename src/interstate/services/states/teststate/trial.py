"""A trial: one state, entered once by the interpreter, and answered until it is left, failed, or would be tried again.

The frame is a value in hand; nothing is stored. A task without a mock is carried out for good: in the transaction of the call,
or, where it needs the outside, as an effect that the caller waits for.

Source: API Reference, TestState.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import msgspec

from interstate.base.json import JSON, dumps, loads
from interstate.core.asl.definition import Map, Parallel, State, Task
from interstate.core.asl.errors import EXCEED_TOLERATED_FAILURE_THRESHOLD, StateFailed
from interstate.core.asl.machine import advance, first_frame
from interstate.core.asl.retry import catcher_for, names_of, retrier_for
from interstate.core.asl.vocabulary import (
    Branching,
    Command,
    Datum,
    End,
    Event,
    Execution,
    Frame,
    Gathered,
    HistoryEvent,
    SetTimer,
    Started,
    StartTask,
    Stopped,
    Stopping,
    TaskBegan,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)
from interstate.services.operation import Outcome, Parked, Perform
from interstate.services.states import integrations
from interstate.services.states.errors import ValidationException
from interstate.services.states.teststate.inspection import Seen, inspected
from interstate.services.states.teststate.map_numbers import exceeded, map_numbers
from interstate.services.states.teststate.mocked_result import check_result
from interstate.services.states.teststate.request import (
    TestedState,
    TestStateRequest,
    check,
    context_of,
    tested_state,
)
from interstate.services.states.teststate.surroundings import surroundings
from interstate.store.ports import Work
from interstate.store.records.states import HttpCall

TRIAL_MAX = timedelta(minutes=5)
"""Source: API Reference, TestState: "can run for up to five minutes"; then the state fails with States.Timeout."""
WAIT_S = 330.0
_WHERE = re.compile(
    r"^An error occurred while executing the state '.*?' \(entered at the event id #\d+\)\. ", re.DOTALL
)
_TOLERATED = "The specified tolerated failure threshold was exceeded"


def test_state(request: TestStateRequest, work: Work) -> Outcome:
    """Run one state by itself.

    Raises:
        InvalidDefinition: the definition has faults, or the state cannot be tested so.
        InvalidExecutionInput: the input is not JSON.
        ValidationException: what is mocked or configured does not fit the state.
    """
    state = tested_state(request)
    check(request, state)
    context = None if request.context is None else context_of(request.context, state)
    trial = _Trial(request, state, _facts(request, context, work), work)
    if "ItemReader" in state.given:
        trial.stand_at_items()
    else:
        trial.fold(Started())
    if request.mock is None:
        return trial.run(work)
    trial.answer_by_mock(request.mock)
    return trial.told()


test_state.__test__ = False  # type: ignore[attr-defined]  # the operation's name, no test


def _facts(request: TestStateRequest, context: JSON, work: Work) -> Execution:
    """The execution in which the state believes to be: an Express one, of a machine that nobody has."""
    name, machine = work.entropy.uuid(), work.entropy.uuid()
    return Execution(
        id=0,
        arn=work.caller.arn("states", f"express:{machine}:{name}"),
        name=name,
        role_arn=request.role_arn,
        started=work.now,
        input=Datum(request.input),
        machine_arn=work.caller.arn("states", f"stateMachine:{machine}"),
        machine_name=machine,
        region=work.caller.region,
        express=True,
        context=context,
    )


class _Trial:
    """The state in hand, and what came of it so far."""

    def __init__(self, request: TestStateRequest, state: TestedState, facts: Execution, work: Work) -> None:
        self.request = request
        self.state = state
        self.facts = facts
        self.entropy = work.entropy
        self.now = work.now
        variables = {} if request.variables is None else loads(request.variables)
        assert isinstance(variables, dict)
        before = {name: Datum(value=value) for name, value in variables.items()}
        self.frame: Frame = first_frame(state.definition, facts, before)
        self.parsed: State = state.definition.machine.states[state.name]
        self.surroundings = surroundings(facts, self.frame, self.parsed, variables, work.now)
        self.commands: list[Command] = []
        self.history: list[HistoryEvent] = []
        self.result: str | None = None
        self.failure: tuple[str | None, str | None] | None = None
        self.exchange: dict[str, Any] = {}

    def fold(self, event: Event) -> None:
        """Let the interpreter take an event; it stops behind the state."""
        step = advance(
            self.state.definition,
            self.facts,
            (self.frame,),
            event,
            now=self.now,
            seed=self.entropy.bytes(16),
            budget=1 if isinstance(event, Started) else 0,
        )
        self.frame = next((frame for frame in step.frames if frame.frame == 0), self.frame)
        self.commands += step.commands
        self.history += step.history

    def stand_at_items(self) -> None:
        """Stand where the items have been read: what reads them is not asked when its Map is mocked."""
        self.frame = msgspec.structs.replace(
            self.frame, awaiting=Branching(0, 0, 0), visit=1, events=2, previous=2, entered=2, entered_at=self.now
        )

    def _command(self, kind: type[Any]) -> Any:
        return next((command for command in self.commands if isinstance(command, kind)), None)

    @property
    def _is_over(self) -> bool:
        return self._command(End) is not None or self.frame.at != self.state.name

    # Mocked ---------------------------------------------------------------------------------------------------------

    def answer_by_mock(self, mock: dict[str, Any]) -> None:
        """Take the mock for what the state's work came to."""
        told = mock.get("errorOutput")
        if told is not None:
            self._check_error_causer()
            if not self._is_over:
                self._fail(told.get("error"), told.get("cause"))
            return
        value = check_result(mock["result"], self.state, mock.get("fieldValidationMode") or "STRICT")
        failures = self.request.state_configuration.get("mapIterationFailureCount", 0)
        if isinstance(self.parsed, Map) and isinstance(value, list) and failures > len(value):
            raise ValidationException(
                "Map iteration failure count must be less than or equal to the number of Map iterations"
            )
        if self._is_over:
            return
        if failures and isinstance(self.parsed, Map) and self._bears_not(failures, value):
            self._fail(EXCEED_TOLERATED_FAILURE_THRESHOLD, _TOLERATED)
            return
        self.result = mock["result"]
        self._succeed(mock["result"], value)

    def _check_error_causer(self) -> None:
        name = self.request.state_configuration.get("errorCausedByState")
        if name is not None and f'"{name}"' not in dumps(self.state.given):
            raise ValidationException("State in errorCausedByState not found in definition")

    def _bears_not(self, failures: int, value: JSON) -> bool:
        try:
            numbers = map_numbers(self.state, self._given.value, self.surroundings, self.entropy)
        except StateFailed:
            return False
        return exceeded(numbers, failures, len(value) if isinstance(value, list) else 0)

    @property
    def _given(self) -> Datum:
        return self.facts.input

    def _succeed(self, text: str, value: JSON) -> None:
        if isinstance(self.parsed, Task):
            command = self._command(StartTask)
            self.fold(TaskBegan(command))
            self.fold(TaskSucceeded(command.visit, text))
        elif isinstance(self.parsed, Parallel) or isinstance(self.frame.awaiting, Branching):
            assert isinstance(value, list)
            self._await(Branching(len(value), len(value), len(value)))
            self.fold(Gathered(tuple(dumps(item) for item in value)))
        else:  # A distributed Map waits for its Map Run.
            self.fold(TaskSucceeded(self.frame.visit, text))

    def _await(self, awaiting: Any) -> None:
        self.frame = msgspec.structs.replace(self.frame, awaiting=awaiting)

    def _fail(self, error: str | None, cause: str | None) -> None:
        """Let the state's work fail, as often as the caller says that it has failed before."""
        self.failure = (error, cause)
        count = self.request.state_configuration.get("retrierRetryCount", 0)
        at = self._retrier(error)
        if count and at is not None:
            self.frame = msgspec.structs.replace(self.frame, retries=(0,) * at + (count,))
        if isinstance(self.parsed, Task):
            command = self._command(StartTask)
            self.fold(TaskBegan(command))
            self.fold(TaskFailed(command.visit, error, cause))
        elif isinstance(self.parsed, Parallel) or isinstance(self.frame.awaiting, Branching):
            self._await(Stopping(-1, error, cause))
            self.fold(Stopped(()))
        else:
            self.fold(TaskFailed(self.frame.visit, error, cause))

    def _names(self, error: str | None) -> frozenset[str]:
        return names_of(error, of_branch=isinstance(self.parsed, Parallel | Map))

    def _retrier(self, error: str | None) -> int | None:
        retry = getattr(self.parsed, "retry", ())
        return retrier_for(retry, (), self._names(error))

    # For good ---------------------------------------------------------------------------------------------------------

    def run(self, work: Work) -> Outcome:
        """Carry out what the state asks for."""
        if self._is_over:
            return self.told()
        for command in self.commands:
            match command:
                case StartTask():
                    return self._task(command, work)
                case SetTimer(at=at, timer="wait"):
                    return self._wait(at, work)
        return self.told()

    def _task(self, command: StartTask, work: Work) -> Outcome:
        outcome = integrations.try_task(command, self.facts, work)
        if isinstance(outcome, integrations.Outside):
            take = outcome.take

            def answered(result: Any) -> dict[str, Any]:
                self.exchange = dict(outcome.exchange(result)) if self.request.inspection_level == "TRACE" else {}
                self._take(command, take(result))
                return self.told()

            body = outcome.body
            if isinstance(body, HttpCall) and self.request.reveal_secrets:
                body = msgspec.structs.replace(body, reveals=True)
            return Perform(outcome.kind, body, answered)
        self._take(command, outcome)
        return self.told()

    def _take(self, command: StartTask, outcome: Any) -> None:
        match outcome:
            case integrations.Failed(state_fault=fault, error=error, cause=cause):
                self.failure = (error, cause)
                if not fault:
                    self.fold(TaskBegan(command))
                self.fold(TaskFailed(command.visit, error, cause, fault))
            case integrations.Answered(output=output):
                self.result = output
                self.fold(TaskBegan(command))
                self.fold(TaskSucceeded(command.visit, output))
            case _:
                raise AssertionError(outcome)

    def _wait(self, at: datetime, work: Work) -> Outcome:
        ends = self.facts.started + TRIAL_MAX
        visit = self.frame.visit

        def over(work: Work, _last: bool) -> Outcome:  # noqa: FBT001 - the contract's positional "last"
            self.now = work.now
            if at > ends:
                return self._timed_out()
            self.fold(TimerFired(visit, "wait"))
            return self.told()

        if at <= work.now:
            return over(work, False)  # noqa: FBT003 - as above
        return Parked(f"test-state:{self.facts.name}", WAIT_S, _when(min(at, ends), over), min(at, ends))

    def _timed_out(self) -> dict[str, Any]:
        return {"status": "FAILED", "error": "States.Timeout", **self._inspection(None)}

    # Told -------------------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """The answer of the operation."""
        end = self._command(End)
        failed = self._failed(end)
        answer: dict[str, Any] = {}
        if failed is not None:
            answer |= {name: text for name, text in zip(("error", "cause"), failed, strict=True) if text is not None}
        retry = next((timer for timer in self.commands if isinstance(timer, SetTimer) and timer.timer == "retry"), None)
        if retry is not None:
            answer["status"] = "RETRIABLE"
        elif end is not None and end.status != "SUCCEEDED":
            answer["status"] = "FAILED"
        else:
            answer["status"] = "SUCCEEDED" if failed is None else "CAUGHT_ERROR"
            answer["output"] = self._output(self.frame.data if end is None else end.output)
            if self.frame.at:
                answer["nextState"] = self.frame.at
        return answer | self._inspection(None if failed is None else self._error_details(failed[0], retry, answer))

    def _output(self, made: Datum) -> str:
        """A result that is the output is shown with its very characters."""
        return self.result if self.result is not None and loads(self.result) == made.value else made.text

    def _failed(self, end: End | None) -> tuple[str | None, str | None] | None:
        if end is not None and end.status != "SUCCEEDED":
            cause = end.cause
            return end.error, None if cause is None else _WHERE.sub("", cause)
        if self.failure is not None:
            return self.failure
        for event in reversed(self.history):  # An expression that could not be evaluated, and was caught.
            if event.type == "EvaluationFailed" and event.more is not None:
                return event.more.get("error"), event.more.get("cause")  # type: ignore[return-value]  # texts
        return None

    def _error_details(
        self, error: str | None, retry: SetTimer | None, answer: dict[str, Any]
    ) -> dict[str, Any] | None:
        if answer["status"] == "CAUGHT_ERROR":
            catchers = getattr(self.parsed, "catch", ())
            caught = catcher_for(catchers, self._names(error))
            return None if caught is None else {"catchIndex": catchers.index(caught)}
        at = self._retrier(error)
        if at is None:
            return None
        seconds = {} if retry is None else {"retryBackoffIntervalSeconds": int((retry.at - self.now).total_seconds())}
        return {"retryIndex": at, **seconds}

    def _inspection(self, error_details: dict[str, Any] | None) -> dict[str, Any]:
        if self.request.inspection_level == "INFO":
            return {}
        command = self._command(StartTask)
        seen = Seen(
            self._given,
            self.surroundings,
            self.entropy,
            None if command is None else command.input.text,
            self.result,
            self.request.context,
        )
        shown = inspected(self.state, self.parsed, seen) | self.exchange
        variables = {name: datum.value for name, datum in self.frame.variables.items() if name[:1] != "$"}
        if variables:
            shown["variables"] = dumps(variables)
        if error_details is not None:
            shown["errorDetails"] = error_details
        return {"inspectionData": shown}


def _when(at: datetime, over: Callable[[Work, bool], Outcome]) -> Callable[[Work, bool], Outcome]:
    """Wait on until ``at``, whatever wakes the call before; at last, answer as things are."""

    def again(work: Work, last: bool) -> Outcome:  # noqa: FBT001 - the contract's positional "last"
        if work.now < at and not last:
            return Parked(f"test-state:{at.isoformat()}", WAIT_S, again, at)
        return over(work, last)

    return again
