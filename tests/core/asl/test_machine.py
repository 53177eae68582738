"""Histories and outcomes, as recorded from Step Functions (GetExecutionHistory of executions in us-east-1)."""

from typing import Any

import msgspec
import pytest
from tests.core.asl.driving import EXECUTION_ARN, ROLE, Run

from interstate.core.asl.vocabulary import (
    Abort,
    Gathered,
    Go,
    Heartbeat,
    Started,
    Stopped,
    TaskFailed,
    TaskSucceeded,
    TimerFired,
)

QUEUE = "arn:aws:states:::sqs:sendMessage"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
END = {"Type": "Pass", "End": True}
AT = "An error occurred while executing the state '{}' (entered at the event id #2)."


def machine(states: dict[str, Any], start_at: str = "") -> dict[str, Any]:
    return {"StartAt": start_at or next(iter(states)), "States": states}


def test_a_chain_hands_its_very_text_on() -> None:
    text = '{"b" : 1.50,\n "a": "ü"}'
    run = Run({"A": {"Type": "Pass", "Next": "B"}, "B": {"Type": "Succeed"}}, text=text).start()
    assert run.story == [
        "1 <- 0 ExecutionStarted",
        "2 <- 0 PassStateEntered A",
        "3 <- 2 PassStateExited A",
        "4 <- 3 SucceedStateEntered B",
        "5 <- 4 SucceedStateExited B",
        "6 <- 5 ExecutionSucceeded",
    ]
    assert {event.data for event in run.history} == {text}
    assert run.shown[0] == {
        "timestamp": run.now,
        "type": "ExecutionStarted",
        "id": 1,
        "previousEventId": 0,
        "executionStartedEventDetails": {"input": text, "inputDetails": {"truncated": False}, "roleArn": ROLE},
    }
    assert run.shown[2]["stateExitedEventDetails"] == {
        "name": "A",
        "output": text,
        "outputDetails": {"truncated": False},
    }


def test_iterations_one_at_a_time_follow_the_last_event_of_the_one_before() -> None:
    run = Run(
        {
            "M": {
                "Type": "Map",
                "InputPath": "$.arr",
                "ResultPath": None,
                "MaxConcurrency": 1,
                "ItemProcessor": {**machine({"P": END}), "ProcessorConfig": {"Mode": "INLINE"}},
                "End": True,
            }
        },
        given={"arr": [1, "Hello"]},
    ).start()
    assert run.story == [
        "1 <- 0 ExecutionStarted",
        "2 <- 0 MapStateEntered M",
        "3 <- 2 MapStateStarted",
        "4 <- 3 MapIterationStarted M 0",
        "5 <- 4 PassStateEntered P",
        "6 <- 5 PassStateExited P",
        "7 <- 6 MapIterationSucceeded M 0",
        "8 <- 6 MapIterationStarted M 1",
        "9 <- 8 PassStateEntered P",
        "10 <- 9 PassStateExited P",
        "11 <- 10 MapIterationSucceeded M 1",
        "12 <- 11 MapStateSucceeded",
        "13 <- 11 MapStateExited M",
        "14 <- 13 ExecutionSucceeded",
    ]
    assert run.shown[2]["mapStateStartedEventDetails"] == {"length": 2}
    assert run.shown[3]["mapIterationStartedEventDetails"] == {"name": "M", "index": 0}
    assert run.output == {"arr": [1, "Hello"]}


def test_iterations_side_by_side_all_follow_the_start() -> None:
    run = Run({"M": {"Type": "Map", "Iterator": machine({"P": END}), "End": True}}, given=[1, 2]).start()
    assert run.story[2:7] == [
        "3 <- 2 MapStateStarted",
        "4 <- 3 MapIterationStarted M 0",
        "5 <- 3 MapIterationStarted M 1",
        "6 <- 4 PassStateEntered P",
        "7 <- 6 PassStateExited P",
    ]
    assert run.output == [1, 2]


def test_a_map_over_nothing_gives_nothing() -> None:
    run = Run({"M": {"Type": "Map", "ItemProcessor": machine({"P": END}), "End": True}}, given=[]).start()
    assert run.types[1:-1] == ["MapStateEntered", "MapStateStarted", "MapStateSucceeded", "MapStateExited"]
    assert run.output == []


@pytest.mark.parametrize("selector", ["ItemSelector", "Parameters"])
def test_an_item_selector_sees_the_item_and_the_input(selector: str) -> None:
    inner = {"P": {"Type": "Pass", "Parameters": {"in.$": "$", "at.$": "$$.Map.Item.Index"}, "End": True}}
    run = Run(
        {
            "M": {
                "Type": "Map",
                "ItemsPath": "$.items",
                selector: {"v.$": "$$.Map.Item.Value", "i.$": "$$.Map.Item.Index", "all.$": "$.items"},
                "ItemProcessor": machine(inner),
                "End": True,
            }
        },
        given={"items": ["a", "b"]},
    ).start()
    assert run.output == [
        {"in": {"v": "a", "i": 0, "all": ["a", "b"]}, "at": 0},
        {"in": {"v": "b", "i": 1, "all": ["a", "b"]}, "at": 1},
    ]


def test_no_more_than_forty_iterations_run_at_once() -> None:
    waiting = {"W": {"Type": "Wait", "Seconds": 1, "End": True}}
    run = Run({"M": {"Type": "Map", "ItemProcessor": machine(waiting), "End": True}}, given=list(range(50))).start()
    assert len(run.timers) == 40
    while run.end is None:
        run.fire()
        assert len(run.timers) <= 40
    assert run.output == list(range(50))


def test_the_outputs_of_branches_are_joined_as_they_are() -> None:
    text = "[[1, 2],  [3]]"
    nested = {"L2": {"Type": "Parallel", "Branches": [machine({"P": END})], "End": True}}
    run = Run({"L1": {"Type": "Parallel", "Branches": [machine(nested)], "End": True}}, text=text).start()
    assert run.end is not None
    assert run.end.output is not None
    assert run.end.output.text == f"[[{text}]]"


def test_a_failed_branch_stops_its_siblings_and_the_state_may_catch() -> None:
    branches = [
        machine({"W": {"Type": "Wait", "Seconds": 9, "End": True}}),
        machine({"T": {"Type": "Task", "Resource": FUNCTION, "End": True}}),
        machine(
            {
                "M": {
                    "Type": "Map",
                    "ItemsPath": "$.l",
                    "ItemProcessor": machine({"X": {"Type": "Wait", "Seconds": 9, "End": True}}),
                    "End": True,
                }
            }
        ),
    ]
    state = {
        "Type": "Parallel",
        "Branches": branches,
        "Catch": [{"ErrorEquals": ["Boom"], "ResultPath": "$.error", "Next": "F"}],
        "Next": "F",
    }
    run = Run({"P": state, "F": END}, given={"l": [1]}).start()
    task = run.tasks[2]
    run.send(TaskFailed(task.visit, "Boom", "it broke"), 2)
    failed = run.types.index("LambdaFunctionFailed")
    number = failed + 1
    assert run.story[failed + 1 :] == [
        f"{number + 1} <- {number} TaskStateAborted",
        f"{number + 2} <- {number} WaitStateAborted",
        f"{number + 3} <- {number} MapStateAborted",
        f"{number + 4} <- {number} WaitStateAborted",
        f"{number + 5} <- {number} ParallelStateFailed",
        f"{number + 6} <- {number + 5} ParallelStateExited P",
        f"{number + 7} <- {number + 6} PassStateEntered F",
        f"{number + 8} <- {number + 7} PassStateExited F",
        f"{number + 9} <- {number + 8} ExecutionSucceeded",
    ]
    assert run.output == {"l": [1], "error": {"Error": "Boom", "Cause": "it broke"}}
    assert set(run.frames) == {0}
    assert not run.timers


def test_a_failed_iteration_is_noted_and_the_map_is_tried_again() -> None:
    state = {
        "Type": "Map",
        "MaxConcurrency": 1,
        "ItemProcessor": machine({"B": {"Type": "Fail", "Error": "E", "Cause": "C"}}),
        "Retry": [{"ErrorEquals": ["E"], "MaxAttempts": 1}],
        "End": True,
    }
    run = Run({"M": state}, given=[1]).start()
    run.fire()
    assert run.story[2:] == [
        "3 <- 2 MapStateStarted",
        "4 <- 3 MapIterationStarted M 0",
        "5 <- 4 FailStateEntered B",
        "6 <- 5 MapIterationFailed M 0",
        "7 <- 5 MapStateStarted",
        "8 <- 7 MapIterationStarted M 0",
        "9 <- 8 FailStateEntered B",
        "10 <- 9 MapIterationFailed M 0",
        "11 <- 9 MapStateFailed",
        "12 <- 11 ExecutionFailed",
    ]
    assert run.failure == ("E", "C")


def test_the_25000th_event_is_the_failure() -> None:
    states = {
        "Loop": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "Loop"}],
            "Default": "F",
        },
        "F": {"Type": "Succeed"},
    }
    run = Run(states, given={"go": True}).start()
    last = run.shown[-1]
    assert (last["id"], last["previousEventId"], last["type"]) == (25_000, 24_999, "ExecutionFailed")
    assert last["executionFailedEventDetails"] == {
        "error": "States.Runtime",
        "cause": "The execution reached the maximum number of history events (25000).",
    }
    assert run.history[-2].type == "ChoiceStateExited"


def test_an_express_execution_has_no_such_bound_but_five_minutes() -> None:
    states: dict[str, Any] = {
        "Loop": {
            "Type": "Choice",
            "Choices": [{"Variable": "$.go", "BooleanEquals": True, "Next": "W"}],
            "Default": "F",
        },
        "W": {"Type": "Wait", "Seconds": 20, "Next": "Loop"},
        "F": {"Type": "Succeed"},
    }
    run = Run(states, given={"go": True}, express=True).start()
    for _ in range(14):
        run.fire()
    assert run.end is None
    run.fire()
    while run.end is None:
        run.fire()
    assert run.end.status == "TIMED_OUT"


def test_stopping_ends_everything_and_follows_nothing() -> None:
    run = Run({"W": {"Type": "Wait", "Seconds": 9, "End": True}}).start()
    run.send(Abort("E", "C"))
    assert run.story[-1] == "3 <- 0 ExecutionAborted"
    assert run.end is not None
    assert (run.end.status, run.end.error, run.end.cause) == ("ABORTED", "E", "C")
    assert not run.timers
    run.end = None
    run.send(Abort())
    assert run.end is None, "what has ended cannot be stopped"


def test_a_machine_ends_at_its_timeout() -> None:
    run = Run({"W": {"Type": "Wait", "Seconds": 9, "End": True}}, top={"TimeoutSeconds": 5}).start()
    assert run.fire().timer == "execution"
    assert run.types[-1] == "ExecutionTimedOut"
    assert run.end is not None
    assert run.end.status == "TIMED_OUT"


def test_paths_that_find_nothing_fail_the_execution_with_the_place() -> None:
    run = Run({"P": {"Type": "Pass", "InputPath": "$.No", "End": True}}, given={"a": 1}).start()
    assert run.failure == (
        "States.Runtime",
        f"{AT.format('P')} Invalid path '$.No' : No results for path: $['No']",
    )
    assert run.story[-1] == "3 <- 2 ExecutionFailed"


def test_nobody_catches_states_runtime() -> None:
    task = {"Type": "Task", "Resource": FUNCTION, "OutputPath": "$.no.such", "End": True}
    task["Catch"] = [{"ErrorEquals": ["States.Runtime"], "Next": "F"}, {"ErrorEquals": ["States.ALL"], "Next": "F"}]
    task["Retry"] = [{"ErrorEquals": ["States.ALL"]}]
    run = Run({"T": task, "F": END}).start()
    run.send(TaskSucceeded(run.tasks[0].visit, "{}"))
    assert run.types[-2:] == ["LambdaFunctionSucceeded", "ExecutionFailed"]
    assert run.failure[0] == "States.Runtime"


def test_an_output_beyond_256_kib_fails_the_state() -> None:
    state = {"Type": "Pass", "Parameters": {"a.$": "States.Array($.x, $.x)"}, "End": True}
    run = Run({"State_1": state}, given={"x": "ü" * 70_000}).start()
    assert run.failure == (
        "States.DataLimitExceeded",
        "The state/task 'State_1' returned a result with a size exceeding the maximum number of bytes service limit.",
    )
    assert run.story[-1] == "3 <- 2 ExecutionFailed"


def test_a_choice_without_a_match_fails() -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": 2, "Next": "F"}]}
    run = Run({"C": choice, "F": END}, given={"a": 1}).start()
    assert run.failure == (
        "States.NoChoiceMatched",
        f"{AT.format('C')} Failed to transition out of the state. The state does not point to a next state.",
    )


@pytest.mark.parametrize(
    ("fields", "failure"),
    [
        ({"Error": "E", "Cause": "C"}, ("E", "C")),
        ({"Error": "E"}, ("E", None)),
        ({}, (None, None)),
        ({"ErrorPath": "$.e", "CausePath": "States.Format('because {}', $.c)"}, ("Oops", "because of x")),
    ],
)
def test_a_fail_state_says_why(fields: dict[str, str], failure: tuple[str | None, str | None]) -> None:
    run = Run({"F": {"Type": "Fail", **fields}}, given={"e": "Oops", "c": "of x"}).start()
    assert run.failure == failure
    shown = {name: text for name, text in zip(("error", "cause"), failure, strict=True) if text is not None}
    assert run.shown[-1]["executionFailedEventDetails"] == shown
    assert run.story[1:] == ["2 <- 0 FailStateEntered F", "3 <- 2 ExecutionFailed"]


def test_the_context_object_shows_the_execution() -> None:
    run = Run({"P": {"Type": "Pass", "Parameters": {"all.$": "$$"}, "End": True}}, given={"v": 0}).start()
    at = "2026-01-02T03:04:05.000Z"
    assert run.output["all"] == {
        "Execution": {
            "Id": EXECUTION_ARN,
            "Input": {"v": 0},
            "StartTime": at,
            "Name": "e",
            "RoleArn": ROLE,
            "RedriveCount": 0,
        },
        "StateMachine": {"Id": "arn:aws:states:us-east-1:000000000000:stateMachine:m", "Name": "m"},
        "State": {"Name": "P", "EnteredTime": at},
    }


@pytest.mark.parametrize("budget", [1, 2, 3, 200])
def test_slices_change_nothing(budget: int) -> None:
    states = {
        "A": {"Type": "Pass", "Result": [1, 2, 3], "Next": "M"},
        "M": {
            "Type": "Map",
            "MaxConcurrency": 2,
            "ItemProcessor": machine({"P": {"Type": "Pass", "Next": "Q"}, "Q": END}, "P"),
            "Next": "Z",
        },
        "Z": {"Type": "Succeed"},
    }
    run = Run(states, budget=budget).start()
    assert run.output == [1, 2, 3]
    assert sorted(run.types) == sorted(Run(states).start().types)


EVENTS_THAT_NOBODY_AWAITS = [
    Started(),
    TimerFired(0, "wait"),
    TimerFired(2, "wait"),
    TimerFired(1, "retry"),
    TimerFired(1, "timeout"),
    TaskSucceeded(1, "{}"),
    TaskFailed(1, "E"),
    Heartbeat(1),
    Gathered(("1",)),
    Stopped(()),
    Go(),
]


@pytest.mark.parametrize("event", EVENTS_THAT_NOBODY_AWAITS, ids=str)
def test_an_event_that_a_wait_does_not_await_changes_nothing(event: Any) -> None:
    run = Run({"W": {"Type": "Wait", "Seconds": 9, "End": True}}).start()
    before = (dict(run.frames), len(run.history), dict(run.timers))
    run.send(event)
    assert (run.frames, len(run.history), run.timers) == before


def test_frames_are_made_of_what_a_store_can_keep() -> None:
    run = Run(
        {"T": {"Type": "Task", "Resource": f"{QUEUE}.waitForTaskToken", "HeartbeatSeconds": 7, "End": True}}
    ).start()
    awaiting = run.frames[0].awaiting
    assert awaiting is not None
    assert msgspec.json.decode(msgspec.json.encode(awaiting), type=type(awaiting)) == awaiting
