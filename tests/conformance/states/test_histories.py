"""Which events an execution leaves, with their numbers and what each follows.

Source: histories recorded from Step Functions (GetExecutionHistory) for the same shapes of machines.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.json import dumps
from interstate.runtime.testing import World

ROLE = "arn:aws:iam::000000000000:role/r"
NO_QUEUE = {"QueueUrl": "http://localhost/000000000000/no", "MessageBody": "x"}

History = list[tuple[int, int, str]]


def one(state: Any, **others: Any) -> Any:
    """A machine that starts at the state S."""
    return {"StartAt": "S", "States": {"S": state, **others}}


FAIL_BRANCH = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad"}}}
FAIL = one({"Type": "Fail", "Error": "Bad"})
CATCH = [{"ErrorEquals": ["States.ALL"], "Next": "C"}]
CAUGHT = {"C": {"Type": "Pass", "End": True}}

RECORDED: dict[str, tuple[Any, Any, History]] = {
    "pass": (
        one({"Type": "Pass", "End": True}),
        {},
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "PassStateEntered"),
            (3, 2, "PassStateExited"),
            (4, 3, "ExecutionSucceeded"),
        ],
    ),
    "fail": (FAIL, {}, [(1, 0, "ExecutionStarted"), (2, 0, "FailStateEntered"), (3, 2, "ExecutionFailed")]),
    "wait": (
        one({"Type": "Wait", "Seconds": 1, "End": True}),
        {},
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "WaitStateEntered"),
            (3, 2, "WaitStateExited"),
            (4, 3, "ExecutionSucceeded"),
        ],
    ),
    "wait for what is no number": (
        one({"Type": "Wait", "SecondsPath": "$.no", "End": True}),
        {},
        [(1, 0, "ExecutionStarted"), (2, 0, "WaitStateEntered"), (3, 2, "ExecutionFailed")],
    ),
    "choice": (
        one(
            {"Type": "Choice", "Choices": [{"Variable": "$.x", "NumericEquals": 1, "Next": "Y"}], "Default": "N"},
            Y={"Type": "Succeed"},
            N={"Type": "Fail"},
        ),
        {"x": 1},
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "ChoiceStateEntered"),
            (3, 2, "ChoiceStateExited"),
            (4, 3, "SucceedStateEntered"),
            (5, 4, "SucceedStateExited"),
            (6, 5, "ExecutionSucceeded"),
        ],
    ),
    "a Parallel's failure, caught": (
        one({"Type": "Parallel", "Branches": [FAIL_BRANCH], "Catch": CATCH, "End": True}, **CAUGHT),
        {},
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "ParallelStateEntered"),
            (3, 2, "ParallelStateStarted"),
            (4, 3, "FailStateEntered"),
            (5, 4, "ParallelStateFailed"),
            (6, 5, "ParallelStateExited"),
            (7, 6, "PassStateEntered"),
            (8, 7, "PassStateExited"),
            (9, 8, "ExecutionSucceeded"),
        ],
    ),
    "a Map, one item at a time": (
        one(
            {
                "Type": "Map",
                "MaxConcurrency": 1,
                "ItemProcessor": {"StartAt": "I", "States": {"I": {"Type": "Pass", "End": True}}},
                "End": True,
            }
        ),
        [1, 2],
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "MapStateEntered"),
            (3, 2, "MapStateStarted"),
            (4, 3, "MapIterationStarted"),
            (5, 4, "PassStateEntered"),
            (6, 5, "PassStateExited"),
            (7, 6, "MapIterationSucceeded"),
            (8, 6, "MapIterationStarted"),
            (9, 8, "PassStateEntered"),
            (10, 9, "PassStateExited"),
            (11, 10, "MapIterationSucceeded"),
            (12, 11, "MapStateSucceeded"),
            (13, 11, "MapStateExited"),
            (14, 13, "ExecutionSucceeded"),
        ],
    ),
    "a Map's failure, caught": (
        one({"Type": "Map", "ItemProcessor": FAIL_BRANCH, "Catch": CATCH, "End": True}, **CAUGHT),
        [1],
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "MapStateEntered"),
            (3, 2, "MapStateStarted"),
            (4, 3, "MapIterationStarted"),
            (5, 4, "FailStateEntered"),
            (6, 5, "MapIterationFailed"),
            (7, 5, "MapStateFailed"),
            (8, 7, "MapStateExited"),
            (9, 8, "PassStateEntered"),
            (10, 9, "PassStateExited"),
            (11, 10, "ExecutionSucceeded"),
        ],
    ),
    "a refused Task, caught": (
        one(
            {
                "Type": "Task",
                "Resource": "arn:aws:states:::sqs:sendMessage",
                "Parameters": NO_QUEUE,
                "Catch": CATCH,
                "End": True,
            },
            **CAUGHT,
        ),
        {},
        [
            (1, 0, "ExecutionStarted"),
            (2, 0, "TaskStateEntered"),
            (3, 2, "TaskScheduled"),
            (4, 3, "TaskStarted"),
            (5, 4, "TaskFailed"),
            (6, 5, "TaskStateExited"),
            (7, 6, "PassStateEntered"),
            (8, 7, "PassStateExited"),
            (9, 8, "ExecutionSucceeded"),
        ],
    ),
}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def run(world: World, definition: Any, given: Any) -> list[dict[str, Any]]:
    """The events of one execution that has ended."""
    request = {"name": "m", "definition": dumps(definition), "roleArn": ROLE}
    machine = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    started = world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine, "input": dumps(given)})
    world.advance(timedelta(seconds=1))
    events: list[dict[str, Any]] = world.call("stepfunctions", "GetExecutionHistory", started | {"maxResults": 1000})[
        "events"
    ]
    return events


@pytest.mark.parametrize("name", RECORDED)
def test_a_history_is_as_it_was_recorded(world: World, name: str) -> None:
    definition, given, expected = RECORDED[name]
    events = run(world, definition, given)
    assert [(event["id"], event["previousEventId"], event["type"]) for event in events] == expected


def test_a_message_with_a_token_is_scheduled_started_submitted_and_answered(world: World) -> None:
    url = world.call("sqs", "CreateQueue", {"QueueName": "q"})["QueueUrl"]
    parameters = {"QueueUrl": url, "MessageBody.$": "$$.Task.Token"}
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::sqs:sendMessage.waitForTaskToken",
        "Parameters": parameters,
        "End": True,
    }
    request = {"name": "m", "definition": dumps(one(task)), "roleArn": ROLE}
    machine = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    started = world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine})
    world.run_due()
    (message,) = world.call("sqs", "ReceiveMessage", {"QueueUrl": url})["Messages"]
    world.call("stepfunctions", "SendTaskSuccess", {"taskToken": message["Body"], "output": '"done"'})
    world.run_due()
    events = world.call("stepfunctions", "GetExecutionHistory", started)["events"]
    assert [(event["id"], event["previousEventId"], event["type"]) for event in events] == [
        (1, 0, "ExecutionStarted"),
        (2, 0, "TaskStateEntered"),
        (3, 2, "TaskScheduled"),
        (4, 3, "TaskStarted"),
        (5, 4, "TaskSubmitted"),
        (6, 5, "TaskSucceeded"),
        (7, 6, "TaskStateExited"),
        (8, 7, "ExecutionSucceeded"),
    ]
    where = {"resource": "sendMessage.waitForTaskToken", "resourceType": "sqs"}
    scheduled = events[2]["taskScheduledEventDetails"]
    assert {name: scheduled[name] for name in where} == where
    assert events[5]["taskSucceededEventDetails"] == {
        "output": '"done"',
        "outputDetails": {"truncated": False},
        **where,
    }
