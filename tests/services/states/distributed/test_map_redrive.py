"""Map Runs go on when their execution is redriven.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.runtime.testing import Crash, World
from interstate.store.records.lambda_ import FUNCTIONS, Invocation, InvocationResult
from interstate.store.records.lambda_ import Function as Stored
from interstate.store.records.map_runs import MAP_SOURCES
from interstate.store.tables import Select

BASE = "arn:aws:states:us-east-1:000000000000"
FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
ROLE = "arn:aws:iam::000000000000:role/r"


class Function:
    """Fails for the items in ``broken``, and keeps what it was asked."""

    def __init__(self, *broken: int) -> None:
        self.broken = set(broken)
        self.asked: list[Any] = []

    def perform(self, _key: str, call: Invocation) -> InvocationResult:
        item = json.loads(call.payload)
        self.asked.append(item)
        if item in self.broken:
            return InvocationResult('{"errorType": "E", "errorMessage": "m"}', function_error="Unhandled")
        return InvocationResult(call.payload)


def world_of(function: Function, directory: Path | None = None) -> World:
    world = World(performers={"lambda.invoke": function.perform}, directory=directory)
    world.work_s = 60.0  # Which children run when others fail must not depend on the machine's speed.
    world.run(lambda work: work.put(FUNCTIONS, Stored(FUNCTION, "000000000000/us-east-1", "f")))
    return world


@pytest.fixture
def function() -> Function:
    return Function(2, 4)


@pytest.fixture
def world(function: Function) -> Iterator[World]:
    world = world_of(function)
    yield world
    world.close()


def begin(world: World, kind: str, given: Any, **state: Any) -> str:
    task = {"Type": "Task", "Resource": FUNCTION, "Next": "After"}
    processor = {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": kind},
        "StartAt": "Inner",
        "States": {"Inner": task, "After": {"Type": "Pass", "End": True}},
    }
    outer = {"Type": "Map", "ItemProcessor": processor, "End": True, **state}
    definition = json.dumps({"StartAt": "Map", "States": {"Map": outer}})
    request = {"name": "m", "definition": definition, "roleArn": ROLE}
    machine = world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"]
    started = world.call("stepfunctions", "StartExecution", {"stateMachineArn": machine, "input": json.dumps(given)})
    arn: str = started["executionArn"]
    return arn


def call(world: World, operation: str, **request: Any) -> Any:
    return world.call("stepfunctions", operation, request)


def run_of(world: World, arn: str) -> Any:
    (run,) = call(world, "ListMapRuns", executionArn=arn)["mapRuns"]
    return call(world, "DescribeMapRun", mapRunArn=run["mapRunArn"])


def types(world: World, arn: str) -> list[str]:
    return [event["type"] for event in call(world, "GetExecutionHistory", executionArn=arn)["events"]]


TOLERANT = {"ToleratedFailureCount": 1}
ENDED = {"pending": 0, "running": 0, "succeeded": 5, "failed": 0, "timedOut": 0, "aborted": 0, "total": 5}


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_only_children_that_failed_run_again(world: World, function: Function, kind: str) -> None:
    arn = begin(world, kind, [1, 3, 5, 2, 4], **TOLERANT)
    world.run_due()
    assert call(world, "DescribeExecution", executionArn=arn)["error"] == "States.ExceedToleratedFailureThreshold"
    before = run_of(world, arn)
    assert (before["status"], before["redriveCount"], before["executionCounts"]["failed"]) == ("FAILED", 0, 2)
    function.broken, function.asked = set(), []
    world.advance(timedelta(hours=1))
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    ended = call(world, "DescribeExecution", executionArn=arn)
    assert (ended["status"], sorted(json.loads(ended["output"]))) == ("SUCCEEDED", [1, 2, 3, 4, 5])
    assert sorted(function.asked) == [2, 4]
    after = run_of(world, arn)
    assert (after["mapRunArn"], after["status"], after["redriveCount"]) == (before["mapRunArn"], "SUCCEEDED", 1)
    assert after["redriveDate"] == before["stopDate"] + timedelta(hours=1)
    for counts in ("itemCounts", "executionCounts"):
        assert after[counts] == {**ENDED, "resultsWritten": 5}
    tail = ["ExecutionFailed", "ExecutionRedriven", "MapRunRedriven", "MapRunSucceeded", "MapStateSucceeded"]
    assert types(world, arn)[-7:-2] == tail
    events = call(world, "GetExecutionHistory", executionArn=arn)["events"]
    told = next(event for event in events if event["type"] == "MapRunRedriven")["mapRunRedrivenEventDetails"]
    assert told == {"mapRunArn": after["mapRunArn"], "redriveCount": 1}


def test_a_redriven_run_can_fail_and_be_redriven_again(world: World, function: Function) -> None:
    arn = begin(world, "STANDARD", [1, 3, 5, 2, 4], **TOLERANT)
    world.run_due()
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    failed = run_of(world, arn)
    assert (failed["status"], failed["redriveCount"], failed["itemCounts"]["failed"]) == ("FAILED", 1, 2)
    function.broken = {4}
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    ended = run_of(world, arn)
    assert (ended["status"], ended["redriveCount"], ended["itemCounts"]["failed"]) == ("SUCCEEDED", 2, 1)
    children = call(world, "ListExecutions", mapRunArn=ended["mapRunArn"])["executions"]
    assert sorted(child["redriveCount"] for child in children) == [0, 0, 0, 2, 2]


def test_items_that_had_no_child_follow(world: World, function: Function) -> None:
    arn = begin(world, "STANDARD", [2, 1, 3], MaxConcurrency=1)
    world.run_due()
    counts = run_of(world, arn)["itemCounts"]
    assert (counts["failed"], counts["pending"], counts["total"]) == (1, 2, 3)
    function.broken = set()
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    ended = call(world, "DescribeExecution", executionArn=arn)
    assert json.loads(ended["output"]) == [2, 1, 3]
    assert function.asked == [2, 2, 1, 3]


def waiting_to_fail(world: World, seconds: list[int], **state: Any) -> str:
    """Children that fail after so many seconds each."""
    states = {
        "Rest": {"Type": "Wait", "SecondsPath": "$", "Next": "No"},
        "No": {"Type": "Fail", "Error": "E"},
    }
    config = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    processor = {"ProcessorConfig": config, "StartAt": "Rest", "States": states}
    outer = {"Type": "Map", "ItemProcessor": processor, "End": True, **state}
    definition = json.dumps({"StartAt": "Map", "States": {"Map": outer}})
    machine = call(world, "CreateStateMachine", name="w", definition=definition, roleArn=ROLE)["stateMachineArn"]
    arn: str = call(world, "StartExecution", stateMachineArn=machine, input=json.dumps(seconds))["executionArn"]
    return arn


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_children_that_wait_to_be_redriven_are_counted(world: World, function: Function, kind: str) -> None:
    """Source: API Reference, MapRunExecutionCounts, pendingRedrive."""
    function.broken = {2, 4, 6, 8}
    arn = begin(world, kind, [1, 2, 4, 6, 8], ToleratedFailureCount=3, MaxConcurrency=3)
    world.run_due()
    before = run_of(world, arn)["executionCounts"]
    assert (before["failed"], "pendingRedrive" in before) == (4, False)
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due(effects=False)
    for counts in ("itemCounts", "executionCounts"):
        found = run_of(world, arn)[counts]
        assert (found["running"], found["pendingRedrive"], found["failed"]) == (3, 1, 1)
    if kind == "STANDARD":
        run = run_of(world, arn)["mapRunArn"]
        (waits,) = call(world, "ListExecutions", mapRunArn=run, statusFilter="PENDING_REDRIVE")["executions"]
        assert waits["status"] == "PENDING_REDRIVE"
        assert call(world, "DescribeExecution", executionArn=waits["executionArn"])["status"] == "PENDING_REDRIVE"
        assert call(world, "ListExecutions", mapRunArn=run, statusFilter="FAILED")["executions"] == []
        listed = call(world, "ListExecutions", mapRunArn=run)["executions"]
        assert sorted(one["status"] for one in listed) == ["PENDING_REDRIVE", *["RUNNING"] * 3, "SUCCEEDED"]
    function.broken = set()
    world.run_due()
    for counts in ("itemCounts", "executionCounts"):
        assert run_of(world, arn)[counts] == {**ENDED, "resultsWritten": 5}
    if kind == "STANDARD":
        assert call(world, "ListExecutions", mapRunArn=run, statusFilter="PENDING_REDRIVE")["executions"] == []


def test_children_that_cannot_be_redriven_any_more_are_counted(world: World) -> None:
    """Source: API Reference, MapRunExecutionCounts, failuresNotRedrivable; RedriveExecution: within 14 days after the end."""
    arn = waiting_to_fail(world, [60, 13 * 86_400], ToleratedFailureCount=1)
    world.advance(timedelta(days=13, seconds=10))
    assert call(world, "DescribeExecution", executionArn=arn)["status"] == "FAILED"
    assert "failuresNotRedrivable" not in run_of(world, arn)["itemCounts"]
    world.advance(timedelta(days=2))
    call(world, "RedriveExecution", executionArn=arn)
    world.run_until_idle()
    run = run_of(world, arn)
    for counts in ("itemCounts", "executionCounts"):
        assert (run[counts]["failed"], run[counts]["failuresNotRedrivable"]) == (2, 1)
        assert "pendingRedrive" not in run[counts]


def test_a_run_that_was_stopped_goes_on(world: World, function: Function) -> None:
    function.broken = set()
    arn = begin(world, "STANDARD", [1, 2, 3])
    world.call("stepfunctions", "StopExecution", {"executionArn": arn})
    world.run_due()
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    assert json.loads(call(world, "DescribeExecution", executionArn=arn)["output"]) == [1, 2, 3]


def test_where_the_reader_failed_another_run_starts(world: World) -> None:
    world.call("s3", "CreateBucket", {"Bucket": "bucket"})
    reader = {
        "Resource": "arn:aws:states:::s3:getObject",
        "ReaderConfig": {"InputType": "JSON"},
        "Parameters": {"Bucket": "bucket", "Key": "k"},
    }
    arn = begin(world, "STANDARD", {}, ItemReader=reader)
    world.run_due()
    world.call("s3", "PutObject", {"Bucket": "bucket", "Key": "k", "Body": b"[1, 3]"})
    call(world, "RedriveExecution", executionArn=arn)
    world.run_due()
    assert json.loads(call(world, "DescribeExecution", executionArn=arn)["output"]) == [1, 3]
    assert [name for name in types(world, arn) if name.startswith("MapRun")] == [
        "MapRunStarted",
        "MapRunFailed",
        "MapRunStarted",
        "MapRunSucceeded",
    ]


def test_what_a_failed_run_needs_is_forgotten_with_it(world: World) -> None:
    arn = begin(world, "STANDARD", [1, 2])
    world.run_due()
    sources = Select(MAP_SOURCES, "run > 0", "run")
    assert len(world.run(lambda work: work.select(sources, limit=9))) == 1
    assert run_of(world, arn)["status"] == "FAILED"
    world.advance(timedelta(days=95))
    assert world.run(lambda work: work.select(sources, limit=9)) == []


def outcome(world: World, arn: str) -> Any:
    run = run_of(world, arn)
    output = call(world, "DescribeExecution", executionArn=arn).get("output", "[]")
    return types(world, arn), run["itemCounts"], run["redriveCount"], sorted(json.loads(output))


@pytest.mark.parametrize("kind", ["STANDARD", "EXPRESS"])
def test_a_crash_before_any_commit_of_a_redrive_loses_nothing(kind: str, tmp_path: Path) -> None:
    def failed(directory: Path) -> tuple[World, str, Function]:
        function = Function(2, 3)
        world = world_of(function, directory)
        arn = begin(world, kind, [1, 2, 3], MaxConcurrency=2, ToleratedFailureCount=1)
        world.run_due()
        function.broken = set()
        call(world, "RedriveExecution", executionArn=arn)
        return world, arn, function

    calm, arn, _ = failed(tmp_path / "calm")
    begun = calm.commits
    calm.run_due()
    expected, commits = outcome(calm, arn), calm.commits
    calm.close()
    assert expected[3] == [1, 2, 3]
    uncrashed = 0
    for crash_at in range(begun + 1, commits + 1):
        world, arn, _ = failed(tmp_path / f"crash{crash_at}")
        world.crash_before_commit = crash_at
        with suppress(Crash):  # How much goes into one commit depends on how long it takes.
            world.run_due()
            uncrashed += 1
        world = world.restart()
        world.run_due()
        assert outcome(world, arn) == expected
        world.close()
    assert uncrashed <= (commits - begun) // 2
