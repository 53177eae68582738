"""Activities. Sources: API Reference, CreateActivity, GetActivityTask; messages as recorded from Step Functions."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import START, World

ROLE = "arn:aws:iam::000000000000:role/r"
ARN = "arn:aws:states:us-east-1:000000000000:activity:a"
TASK = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": ARN, "TimeoutSeconds": 100, "End": True}}}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("stepfunctions", operation, request)


def test_activities_are_created_listed_and_deleted(world: World) -> None:
    created = {"activityArn": ARN, "creationDate": START}
    assert call(world, "CreateActivity", name="a") == created
    world.now += timedelta(seconds=1)
    assert call(world, "CreateActivity", name="a") == created
    described = {**created, "name": "a"}
    assert call(world, "DescribeActivity", activityArn=ARN) == described
    assert call(world, "ListActivities") == {"activities": [described]}
    call(world, "DeleteActivity", activityArn=ARN)
    call(world, "DeleteActivity", activityArn=ARN)
    assert call(world, "ListActivities") == {"activities": []}


@pytest.mark.parametrize("operation", ["DescribeActivity", "GetActivityTask"])
def test_an_activity_that_is_not_there_is_refused(world: World, operation: str) -> None:
    with pytest.raises(ServiceError, match=f"Activity Does Not Exist: '{ARN}'"):
        call(world, operation, activityArn=ARN)
    with pytest.raises(ServiceError, match="Invalid ARN prefix: nothing"):
        call(world, operation, activityArn="nothing")


def test_a_worker_takes_a_task_once_and_answers_it(world: World) -> None:
    call(world, "CreateActivity", name="a")
    machine = call(world, "CreateStateMachine", name="m", definition=dumps(TASK), roleArn=ROLE)["stateMachineArn"]
    assert call(world, "GetActivityTask", activityArn=ARN) == {}
    execution = call(world, "StartExecution", stateMachineArn=machine, input='{"x": 1}')["executionArn"]
    world.run_due()
    task = call(world, "GetActivityTask", activityArn=ARN, workerName="w")
    assert task["input"] == '{"x": 1}'
    assert call(world, "GetActivityTask", activityArn=ARN) == {}
    call(world, "SendTaskSuccess", taskToken=task["taskToken"], output='{"y": 2}')
    world.run_due()
    events = call(world, "GetExecutionHistory", executionArn=execution)["events"]
    assert [event["type"] for event in events if event["type"].startswith("Activity")] == [
        "ActivityScheduled",
        "ActivityStarted",
        "ActivitySucceeded",
    ]
    assert call(world, "DescribeExecution", executionArn=execution)["output"] == '{"y": 2}'


def test_a_task_that_is_over_is_given_to_nobody(world: World) -> None:
    call(world, "CreateActivity", name="a")
    machine = call(world, "CreateStateMachine", name="m", definition=dumps(TASK), roleArn=ROLE)["stateMachineArn"]
    call(world, "StartExecution", stateMachineArn=machine)
    world.advance(timedelta(seconds=100))
    assert call(world, "GetActivityTask", activityArn=ARN) == {}
