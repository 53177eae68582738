"""A Task that waits for a child execution survives a crash before any commit, and is answered once.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/connect-stepfunctions.html
"""

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash, World

ROLE = "arn:aws:iam::000000000000:role/r"


def machine(world: World, name: str, states: dict[str, Any]) -> str:
    definition = dumps({"StartAt": next(iter(states)), "States": states})
    request = {"name": name, "definition": definition, "roleArn": ROLE}
    arn: str = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    return arn


def run(world: World, parent: str) -> None:
    """Start the parent under its name, as a client would who repeats what was not answered; let a minute pass."""
    with suppress(ServiceError):  # It was started, or has ended already.
        world.call("stepfunctions", "StartExecution", {"stateMachineArn": parent, "name": "p", "input": "{}"})
    world.advance(timedelta(minutes=1))


@pytest.mark.parametrize("crash_at", range(1, 8))
def test_a_parent_is_answered_once_whenever_the_process_dies(crash_at: int, tmp_path: Path) -> None:
    world = World(directory=tmp_path)
    child = machine(
        world,
        "child",
        {"W": {"Type": "Wait", "Seconds": 5, "Next": "P"}, "P": {"Type": "Pass", "Result": 7, "End": True}},
    )
    parameters = {
        "StateMachineArn": child,
        "Input": {"AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID.$": "$$.Execution.Id"},
    }
    task = {
        "Type": "Task",
        "Resource": "arn:aws:states:::states:startExecution.sync:2",
        "Parameters": parameters,
        "End": True,
    }
    parent = machine(world, "parent", {"T": task})
    world.commits, world.crash_before_commit = 0, crash_at
    try:
        run(world, parent)
    except Crash:
        now = world.now
        world = world.restart()
        world.now = now
        world.recover()
        run(world, parent)
    (ended,) = world.call("stepfunctions", "ListExecutions", {"stateMachineArn": parent})["executions"]
    described = world.call("stepfunctions", "DescribeExecution", {"executionArn": ended["executionArn"]})
    assert described["status"] == "SUCCEEDED"
    output: Any = loads(described["output"])
    assert output["Output"] == 7
    assert len(world.call("stepfunctions", "ListExecutions", {"stateMachineArn": child})["executions"]) == 1
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": ended["executionArn"]})["events"]
    assert [event["type"] for event in events].count("TaskSucceeded") == 1
    world.close()
