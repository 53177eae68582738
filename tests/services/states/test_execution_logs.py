"""What executions write to CloudWatch Logs. Source: https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html."""

from collections.abc import Iterator
from typing import Any

import pytest

from interstate.base.json import dumps, loads
from interstate.runtime.testing import START, World

ROLE = "arn:aws:iam::000000000000:role/r"
GROUP = "arn:aws:logs:us-east-1:000000000000:log-group:runs:*"
PASS = {"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": {"secret": 1}, "End": True}}}
FAIL = {"StartAt": "F", "States": {"F": {"Type": "Fail", "Error": "Bad", "Cause": "because"}}}


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    world.call("logs", "CreateLogGroup", {"logGroupName": "runs"})
    yield world
    world.close()


def logged(
    world: World, definition: Any, level: str, *, data: bool = True, kind: str = "STANDARD"
) -> list[dict[str, Any]]:
    """The lines of one run."""
    configuration = {
        "level": level,
        "includeExecutionData": data,
        "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": GROUP}}],
    }
    machine = world.call(
        "stepfunctions",
        "CreateStateMachine",
        {
            "name": "m",
            "definition": dumps(definition),
            "roleArn": ROLE,
            "type": kind,
            "loggingConfiguration": configuration,
        },
    )["stateMachineArn"]
    world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine, "name": "e"})
    world.run_due()
    return lines(world)


def streams(world: World) -> list[str]:
    """The streams of executions; log delivery has one of its own."""
    found = world.call("logs", "DescribeLogStreams", {"logGroupName": "runs"})["logStreams"]
    names = [stream["logStreamName"] for stream in found]
    assert names.count("log_stream_created_by_aws_to_validate_log_delivery_subscriptions") == 1
    return [name for name in names if name.startswith("states/")]


def lines(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for stream in streams(world):
        request = {"logGroupName": "runs", "logStreamName": stream, "startFromHead": True}
        for event in world.call("logs", "GetLogEvents", request)["events"]:
            line = loads(event["message"])
            assert isinstance(line, dict)
            found.append(line)
    return found


def test_all_events_are_written_as_lines_of_json(world: World) -> None:
    first, *_, last = logged(world, PASS, "ALL")
    assert first["details"] == {"input": "{}", "inputDetails": {"truncated": False}, "roleArn": ROLE}
    assert last == {
        "id": "4",
        "type": "ExecutionSucceeded",
        "details": {"output": '{"secret":1}', "outputDetails": {"truncated": False}},
        "previous_event_id": "3",
        "event_timestamp": str(int(START.timestamp() * 1000)),
        "execution_arn": "arn:aws:states:us-east-1:000000000000:execution:m:e",
        "redrive_count": "0",
    }
    (stream,) = streams(world)
    assert stream.startswith("states/m/2026-01-01-00-00/")


LEVELS = [
    ("ALL", ["ExecutionStarted", "FailStateEntered", "ExecutionFailed"]),
    ("ERROR", ["FailStateEntered", "ExecutionFailed"]),
    ("FATAL", ["ExecutionFailed"]),
    ("OFF", []),
]


@pytest.mark.parametrize(("level", "types"), LEVELS)
def test_a_level_chooses_the_events(world: World, level: str, types: list[str]) -> None:
    assert [line["type"] for line in logged(world, FAIL, level)] == types


def test_data_are_left_out_unless_they_are_asked_for(world: World) -> None:
    assert "secret" not in str(logged(world, PASS, "ALL", data=False))


def test_an_express_execution_writes_its_only_history(world: World) -> None:
    written = logged(world, PASS, "ALL", kind="EXPRESS")
    assert [line["type"] for line in written] == [
        "ExecutionStarted",
        "PassStateEntered",
        "PassStateExited",
        "ExecutionSucceeded",
    ]
    assert ":express:m:e:" in written[0]["execution_arn"]


def test_a_group_that_was_deleted_is_not_made_again(world: World) -> None:
    logged(world, PASS, "ALL")
    world.call("logs", "DeleteLogGroup", {"logGroupName": "runs"})
    machine = "arn:aws:states:us-east-1:000000000000:stateMachine:m"
    execution = world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine})["executionArn"]
    world.run_due()
    assert world.call("stepfunctions", "DescribeExecution", {"executionArn": execution})["status"] == "SUCCEEDED"
    assert world.call("logs", "DescribeLogGroups", {})["logGroups"] == []
