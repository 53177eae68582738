"""RedriveExecution.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-executions.html and API Reference, RedriveExecution.
"""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps, loads
from interstate.runtime.testing import Crash, World
from interstate.store.records.lambda_ import FUNCTIONS, Function, Invocation, InvocationResult

ROLE = "arn:aws:iam::000000000000:role/r"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"


class Worker:
    """A function that fails until it is repaired; it answers with its payload."""

    def __init__(self) -> None:
        self.broken = True
        self.payloads: list[Any] = []

    def __call__(self, _key: str, body: Invocation) -> InvocationResult:
        given = loads(body.payload)
        self.payloads.append(given)
        fails = self.broken and given != "good"
        answer = {"errorType": "Oops", "errorMessage": "no"} if fails else given
        return InvocationResult(payload=dumps(answer), function_error="Unhandled" if fails else None)


def world(worker: Worker, directory: Path | None = None) -> World:
    made = World(performers={"lambda.invoke": worker}, directory=directory)
    made.run(lambda work: work.put(FUNCTIONS, Function(FUNCTION, "000000000000/us-east-1", "f")))
    return made


def start(world: World, states: dict[str, Any], given: Any = None, **top: Any) -> str:
    definition = dumps({"StartAt": next(iter(states)), "States": states, **top})
    machine = world.call(
        "stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE}
    )
    begun = world.call(
        "stepfunctions", "StartExecution", {"stateMachineArn": machine["stateMachineArn"], "input": dumps(given or {})}
    )
    world.run_due()
    arn: str = begun["executionArn"]
    return arn


def redrive(world: World, arn: str, **more: Any) -> None:
    world.call("stepfunctions", "RedriveExecution", {"executionArn": arn, **more})
    world.run_due()


def describe(world: World, arn: str) -> dict[str, Any]:
    found: dict[str, Any] = world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})
    return found


def types(world: World, arn: str) -> list[str]:
    events = world.call("stepfunctions", "GetExecutionHistory", {"executionArn": arn, "maxResults": 1000})["events"]
    assert [event["id"] for event in events] == list(range(1, len(events) + 1))
    return [event["type"] for event in events]


CALL = {"Type": "Task", "Resource": FUNCTION, "End": True}


def test_a_task_is_scheduled_again_and_what_came_before_is_not() -> None:
    worker = Worker()
    made = world(worker)
    first = {"Type": "Pass", "Result": 7, "Next": "Call"}
    arn = start(made, {"First": first, "Call": CALL})
    assert describe(made, arn)["redriveStatus"] == "REDRIVABLE"
    worker.broken = False
    redrive(made, arn)
    ended = describe(made, arn)
    assert (ended["status"], ended["output"], ended["redriveCount"]) == ("SUCCEEDED", "7", 1)
    assert ended["redriveDate"] == made.now
    assert ended["redriveStatusReason"] == "Execution is SUCCEEDED and cannot be redriven"
    after = types(made, arn)
    assert after[after.index("ExecutionRedriven") :] == [
        "ExecutionRedriven",
        "LambdaFunctionScheduled",
        "LambdaFunctionStarted",
        "LambdaFunctionSucceeded",
        "TaskStateExited",
        "ExecutionSucceeded",
    ]


def test_a_redriven_execution_can_fail_and_be_redriven_again() -> None:
    worker = Worker()
    made = world(worker)
    arn = start(made, {"Call": {**CALL, "Retry": [{"ErrorEquals": ["Oops"], "MaxAttempts": 1, "IntervalSeconds": 3}]}})
    made.advance(timedelta(seconds=3))
    redrive(made, arn)
    assert describe(made, arn)["status"] == "RUNNING"  # Its retries were counted from zero again.
    made.advance(timedelta(seconds=3))
    assert describe(made, arn)["status"] == "FAILED"
    worker.broken = False
    redrive(made, arn)
    assert describe(made, arn)["redriveCount"] == 2
    assert describe(made, arn)["status"] == "SUCCEEDED"
    assert len(worker.payloads) == 5


def test_one_that_was_stopped_before_its_first_slice_begins_once() -> None:
    """Its start is still due when it has been stopped and redriven: the redrive began it, and the start finds nothing to do."""
    worker = Worker()
    worker.broken = False
    made = world(worker)
    definition = dumps({"StartAt": "Call", "States": {"Call": CALL}})
    machine = made.call(
        "stepfunctions", "CreateStateMachine", {"name": "m", "definition": definition, "roleArn": ROLE}
    )["stateMachineArn"]
    made.work_s = -1.0  # No time for what is due at once.
    arn = made.call("stepfunctions", "StartExecution", {"stateMachineArn": machine})["executionArn"]
    made.call("stepfunctions", "StopExecution", {"executionArn": arn})
    made.call("stepfunctions", "RedriveExecution", {"executionArn": arn})
    made.work_s = 1e9
    made.run_due()
    assert describe(made, arn)["status"] == "SUCCEEDED"
    assert len(worker.payloads) == 1
    assert types(made, arn)[:4] == ["ExecutionStarted", "ExecutionAborted", "ExecutionRedriven", "TaskStateEntered"]


def test_only_branches_that_failed_or_were_aborted_run_again() -> None:
    worker = Worker()
    made = world(worker)
    good = {
        "StartAt": "Good",
        "States": {"Good": {"Type": "Task", "Resource": FUNCTION, "InputPath": "$.g", "End": True}},
    }
    bad = {
        "StartAt": "Before",
        "States": {
            "Before": {"Type": "Pass", "Result": "bad", "Next": "Bad"},
            "Bad": {"Type": "Task", "Resource": FUNCTION, "End": True},
        },
    }
    arn = start(made, {"Both": {"Type": "Parallel", "Branches": [good, bad], "End": True}}, {"g": "good"})
    assert describe(made, arn)["status"] == "FAILED"
    worker.broken = False
    redrive(made, arn)
    ended = describe(made, arn)
    assert (ended["status"], loads(ended["output"])) == ("SUCCEEDED", ["good", "bad"])
    assert worker.payloads == ["good", "bad", "bad"]
    after = types(made, arn)
    assert "ParallelStateStarted" not in after[after.index("ExecutionRedriven") :]


def test_only_iterations_that_failed_run_again_and_those_that_never_began_follow() -> None:
    worker = Worker()
    made = world(worker)
    inner = {"StartAt": "Call", "States": {"Call": CALL}}
    each = {"Type": "Map", "ItemProcessor": inner, "MaxConcurrency": 1, "End": True}
    arn = start(made, {"Each": each}, ["good", "second", "third"])
    assert worker.payloads == ["good", "second"]
    worker.broken = False
    redrive(made, arn)
    ended = describe(made, arn)
    assert (ended["status"], loads(ended["output"])) == ("SUCCEEDED", ["good", "second", "third"])
    assert worker.payloads == ["good", "second", "second", "third"]


def test_what_stood_in_a_wait_or_a_fail_enters_it_again() -> None:
    made = world(Worker())
    arn = start(made, {"Stop": {"Type": "Fail", "Error": "E"}})
    redrive(made, arn)
    assert describe(made, arn)["status"] == "FAILED"
    assert types(made, arn)[-3:] == ["ExecutionRedriven", "FailStateEntered", "ExecutionFailed"]


def test_the_time_limit_begins_again() -> None:
    made = world(Worker())
    arn = start(made, {"W": {"Type": "Wait", "Seconds": 20, "End": True}}, TimeoutSeconds=30)
    made.call("stepfunctions", "StopExecution", {"executionArn": arn})
    made.advance(timedelta(days=1))
    redrive(made, arn)
    made.advance(timedelta(seconds=20))
    assert describe(made, arn)["status"] == "SUCCEEDED"


def test_one_that_cannot_be_redriven_says_why() -> None:
    made = world(Worker())
    arn = start(made, {"P": {"Type": "Pass", "End": True}})
    with pytest.raises(ServiceError, match=r"^Execution is SUCCEEDED and cannot be redriven$") as refused:
        redrive(made, arn)
    assert refused.value.code == "ExecutionNotRedrivable"


def test_after_fourteen_days_it_is_too_late() -> None:
    made = world(Worker())
    arn = start(made, {"Stop": {"Type": "Fail"}})
    made.advance(timedelta(days=14))
    assert describe(made, arn)["redriveStatus"] == "REDRIVABLE"
    made.advance(timedelta(seconds=1))
    assert describe(made, arn)["redriveStatusReason"] == "Execution redrivable period exceeded"


def test_the_same_client_token_redrives_once() -> None:
    made = world(Worker())
    arn = start(made, {"Stop": {"Type": "Fail"}})
    redrive(made, arn, clientToken="t")
    redrive(made, arn, clientToken="t")
    assert describe(made, arn)["redriveCount"] == 1
    made.advance(timedelta(minutes=16))
    redrive(made, arn, clientToken="t")
    assert describe(made, arn)["redriveCount"] == 2


def test_lists_tell_the_redriven_from_the_others() -> None:
    made = world(Worker())
    arn = start(made, {"Stop": {"Type": "Fail"}})
    machine = describe(made, arn)["stateMachineArn"]
    other = made.call("stepfunctions", "StartExecution", {"stateMachineArn": machine})["executionArn"]
    redrive(made, arn)
    for filtered, expected in (("REDRIVEN", [arn]), ("NOT_REDRIVEN", [other])):
        found = made.call("stepfunctions", "ListExecutions", {"stateMachineArn": machine, "redriveFilter": filtered})
        assert [row["executionArn"] for row in found["executions"]] == expected


@pytest.mark.parametrize("crash_at", range(1, 7))
def test_a_crash_before_any_commit_of_a_redrive_loses_nothing(crash_at: int, tmp_path: Path) -> None:
    worker = Worker()
    made = world(worker, tmp_path)
    inner = {"StartAt": "Call", "States": {"Call": CALL}}
    arn = start(made, {"Each": {"Type": "Map", "ItemProcessor": inner, "End": True}}, ["good", "b", "c"])
    worker.broken = False
    made.commits, made.crash_before_commit = 0, crash_at
    try:
        redrive(made, arn)
    except Crash:
        made = made.restart()
        made.recover()
        if describe(made, arn)["status"] == "FAILED":
            redrive(made, arn)
        made.run_due()
    assert loads(describe(made, arn)["output"]) == ["good", "b", "c"]
    assert describe(made, arn)["redriveCount"] == 1
    made.close()
