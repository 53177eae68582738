"""How many executions and Map Runs may be open: at the quota, one over, and after each way to end.

Source: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html ("Quotas related to accounts");
procedure-cw-metrics.html (StartExecution and RedriveExecution are refused; backlogged Map Runs)
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import Crash, World
from interstate.services.states import open_counts
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.open_counts import EXECUTIONS_OPEN, MAP_RUNS_OPEN, OPEN, Open
from interstate.store.sqlite.engine import SqliteStore
from interstate.store.sqlite.migrate import migrate

ROLE = "arn:aws:iam::000000000000:role/r"
SCOPE = "000000000000/us-east-1"
WAIT = {"Type": "Wait", "Seconds": 3600, "End": True}
FAIL = {"Type": "Fail", "Error": "E"}
FULL = "The maximum number of running executions has been reached. Running executions must end or be stopped before a new execution can be started."


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    world.close()


def call(world: World, operation: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = world.call("stepfunctions", operation, request)
    return answer


def machine(world: World, state: Any, name: str = "m", kind: str = "STANDARD") -> str:
    definition = dumps({"StartAt": "S", "States": {"S": state}})
    request = {"name": name, "definition": definition, "roleArn": ROLE, "type": kind}
    return str(call(world, "CreateStateMachine", **request)["stateMachineArn"])


def start(world: World, arn: str, **more: Any) -> str:
    return str(call(world, "StartExecution", stateMachineArn=arn, **more)["executionArn"])


def status(world: World, arn: str) -> str:
    return str(call(world, "DescribeExecution", executionArn=arn)["status"])


def quota(world: World, name: str, value: int) -> None:
    world.run(lambda work: work.put(SETTINGS, Setting(f"quota.states.{name}", str(value))))


def counts(world: World) -> tuple[int, int]:
    found: tuple[int, int] = world.run(
        lambda work: (work.scalar(EXECUTIONS_OPEN, scope=SCOPE), work.scalar(MAP_RUNS_OPEN, scope=SCOPE))
    )
    return found


def refused(world: World, operation: str = "StartExecution", **request: Any) -> tuple[str, str]:
    with pytest.raises(ServiceError) as error:
        call(world, operation, **request)
    return error.value.code, error.value.message


def test_a_million_standard_executions_and_a_thousand_map_runs_are_what_aws_allows() -> None:
    assert (open_counts.OPEN_EXECUTIONS_MAX, open_counts.OPEN_MAP_RUNS_MAX) == (1_000_000, 1_000)


def test_one_execution_more_than_may_be_open_is_refused_until_one_ends(world: World) -> None:
    quota(world, "open-executions", 2)
    arn = machine(world, WAIT)
    first, _second = start(world, arn, name="a"), start(world, arn, name="b")
    assert refused(world, stateMachineArn=arn) == ("ExecutionLimitExceeded", FULL)
    assert start(world, arn, name="a") == first  # The same again is no start.
    call(world, "StopExecution", executionArn=first)
    start(world, arn)
    assert refused(world, stateMachineArn=arn)[0] == "ExecutionLimitExceeded"
    assert counts(world) == (2, 0)


def test_the_millionth_execution_starts_and_the_next_does_not(world: World) -> None:
    arn = machine(world, WAIT)
    world.run(lambda work: work.put(OPEN, Open(SCOPE, work.node, 999_999, 0, 0, work.now)))
    start(world, arn)
    assert refused(world, stateMachineArn=arn) == ("ExecutionLimitExceeded", FULL)


@pytest.mark.parametrize("state", [FAIL, {"Type": "Succeed"}, {"Type": "Pass", "End": True}])
def test_whatever_way_an_execution_ends_its_place_is_free(world: World, state: Any) -> None:
    quota(world, "open-executions", 1)
    arn = machine(world, state)
    for _ in range(3):
        start(world, arn)
        world.run_due()
        assert counts(world) == (0, 0)


def test_an_execution_that_times_out_leaves_its_place(world: World) -> None:
    definition = dumps({"StartAt": "S", "TimeoutSeconds": 5, "States": {"S": WAIT}})
    arn = call(world, "CreateStateMachine", name="t", definition=definition, roleArn=ROLE)["stateMachineArn"]
    start(world, arn)
    world.advance(timedelta(seconds=6))
    assert counts(world) == (0, 0)


def test_express_executions_do_not_count(world: World) -> None:
    quota(world, "open-executions", 1)
    standard, express = machine(world, WAIT), machine(world, WAIT, "e", "EXPRESS")
    start(world, standard)
    start(world, express)
    assert counts(world) == (1, 0)


def test_accounts_and_regions_have_their_own(world: World) -> None:
    from interstate.base.arn import Caller  # noqa: PLC0415 - by its only user

    quota(world, "open-executions", 1)
    start(world, machine(world, WAIT))
    there = Caller(region="eu-west-1")
    request = {"name": "m", "definition": dumps({"StartAt": "S", "States": {"S": WAIT}}), "roleArn": ROLE}
    arn = world.call("stepfunctions", "CreateStateMachine", request, caller=there)["stateMachineArn"]
    world.call("stepfunctions", "StartExecution", {"stateMachineArn": arn}, caller=there)
    with pytest.raises(ServiceError, match="maximum number of running executions"):
        world.call("stepfunctions", "StartExecution", {"stateMachineArn": arn}, caller=there)


@pytest.mark.parametrize("pattern", ["", ".sync", ".sync:2"])
def test_a_task_that_would_start_one_too_many_fails(world: World, pattern: str) -> None:
    quota(world, "open-executions", 1)
    child = machine(world, WAIT, "child")
    resource = f"arn:aws:states:::states:startExecution{pattern}"
    task = {"Type": "Task", "Resource": resource, "Parameters": {"StateMachineArn": child}, "End": True}
    arn = start(world, machine(world, task))
    world.run_due()
    ended = call(world, "DescribeExecution", executionArn=arn)
    assert (ended["status"], ended["error"]) == ("FAILED", "StepFunctions.ExecutionLimitExceededException")
    assert ended["cause"].startswith(FULL)
    assert counts(world) == (0, 0)


def test_a_redrive_needs_a_place(world: World) -> None:
    quota(world, "open-executions", 1)
    failed = start(world, machine(world, FAIL))
    world.run_due()
    waiting = start(world, machine(world, WAIT, "w"))
    request = {"executionArn": failed, "clientToken": "t"}
    assert refused(world, "RedriveExecution", **request) == ("ExecutionLimitExceeded", FULL)
    call(world, "StopExecution", executionArn=waiting)
    again = call(world, "RedriveExecution", **request)
    assert call(world, "RedriveExecution", **request) == again  # The same token again.
    world.run_due()
    assert counts(world) == (0, 0)


def test_a_restart_needs_a_place(world: World) -> None:
    quota(world, "open-executions", 1)
    ended = start(world, machine(world, FAIL))
    world.run_due()
    waiting = start(world, machine(world, WAIT, "w"))
    request = {"execution": ended, "state": "S"}
    with pytest.raises(ServiceError, match="maximum number of running executions"):
        world.call("interstate-states", "RestartExecution", request)
    call(world, "StopExecution", executionArn=waiting)
    world.call("interstate-states", "RestartExecution", request)
    world.run_due()
    assert counts(world) == (0, 0)


# Map Runs ------------------------------------------------------------------------------------------------------------


def distributed(state: Any, kind: str = "STANDARD", name: str = "I") -> dict[str, Any]:
    config = {"Mode": "DISTRIBUTED", "ExecutionType": kind}
    return {
        "Type": "Map",
        "ItemProcessor": {"ProcessorConfig": config, "StartAt": name, "States": {name: state}},
        "End": True,
    }


def begun(world: World, arn: str, given: str) -> str:
    execution = start(world, arn, input=given)
    world.run_due()
    return execution


def map_run(world: World, arn: str) -> dict[str, Any]:
    (listed,) = call(world, "ListMapRuns", executionArn=arn)["mapRuns"]
    return call(world, "DescribeMapRun", mapRunArn=listed["mapRunArn"])


@pytest.mark.parametrize(("kind", "open_"), [("STANDARD", 4), ("EXPRESS", 1)])
def test_standard_children_count_and_are_not_refused(world: World, kind: str, open_: int) -> None:
    quota(world, "open-executions", 2)
    arn = start(world, machine(world, distributed(WAIT, kind)), input="[1,2,3]")
    world.run_due()
    assert counts(world) == (open_, 1)
    call(world, "StopExecution", executionArn=arn)
    world.run_due()
    assert counts(world) == (0, 0)


def test_map_runs_beyond_the_quota_wait_in_their_order_and_tell_no_items(world: World) -> None:
    quota(world, "open-map-runs", 1)
    arn = machine(world, distributed({"Type": "Wait", "Seconds": 60, "End": True}))
    first, second, third = (begun(world, arn, "[1,2]") for _ in range(3))
    assert counts(world) == (5, 1)
    assert [map_run(world, each)["itemCounts"]["total"] for each in (first, second, third)] == [2, 0, 0]
    backlogged = map_run(world, second)
    assert (backlogged["status"], backlogged["itemCounts"]["pending"]) == ("RUNNING", 0)
    history = call(world, "GetExecutionHistory", executionArn=second)["events"]
    assert history[-1]["type"] == "MapRunStarted"
    call(world, "UpdateMapRun", mapRunArn=backlogged["mapRunArn"], maxConcurrency=1)
    world.run_due()
    assert map_run(world, second)["itemCounts"]["total"] == 0
    world.advance(timedelta(seconds=61))
    assert [status(world, each) for each in (first, second, third)] == ["SUCCEEDED", "RUNNING", "RUNNING"]
    assert [map_run(world, each)["itemCounts"]["total"] for each in (second, third)] == [2, 0]
    world.run_until_idle(timedelta(minutes=10))
    assert [status(world, each) for each in (second, third)] == ["SUCCEEDED", "SUCCEEDED"]
    assert counts(world) == (0, 0)


def test_a_map_run_that_waits_can_be_stopped_and_takes_no_turn(world: World) -> None:
    quota(world, "open-map-runs", 1)
    arn = machine(world, distributed({"Type": "Wait", "Seconds": 60, "End": True}))
    first, second, third = (begun(world, arn, "[1]") for _ in range(3))
    call(world, "StopExecution", executionArn=second)
    world.run_due()
    assert map_run(world, second)["status"] == "ABORTED"
    assert counts(world) == (4 - 1, 1)
    call(world, "StopExecution", executionArn=first)
    world.run_due()
    assert map_run(world, third)["itemCounts"]["total"] == 1
    assert counts(world) == (2, 1)


def test_a_redriven_map_run_waits_for_its_turn_as_well(world: World) -> None:
    quota(world, "open-map-runs", 1)
    failing = start(world, machine(world, distributed(FAIL)), input="[1]")
    world.run_due()
    other = start(world, machine(world, distributed(WAIT), "other"), input="[1]")
    world.run_due()
    call(world, "RedriveExecution", executionArn=failing)
    world.run_due()
    assert (status(world, failing), map_run(world, failing)["status"]) == ("RUNNING", "RUNNING")
    assert counts(world) == (3, 1)
    call(world, "StopExecution", executionArn=other)
    world.run_due()
    assert (status(world, failing), map_run(world, failing)["redriveCount"]) == ("FAILED", 1)
    assert counts(world) == (0, 0)


def test_runs_that_were_let_wait_go_on_as_soon_as_a_raised_quota_has_room(world: World) -> None:
    quota(world, "open-map-runs", 1)
    arn = machine(world, distributed(WAIT))
    first, *others = (begun(world, arn, "[1]") for _ in range(4))
    quota(world, "open-map-runs", 3)
    call(world, "StopExecution", executionArn=first)
    world.run_due()
    assert counts(world) == (6, 3)
    assert [map_run(world, each)["itemCounts"]["total"] for each in others] == [1, 1, 1]


def test_a_crash_before_any_commit_leaves_the_counts_right(tmp_path: Path) -> None:
    """Two Map Runs of which one waits, children that fail, a redrive: what is counted is what is there."""

    def story(world: World) -> World:
        quota(world, "open-map-runs", 1)
        with suppress(ServiceError):
            machine(world, distributed(FAIL))
        for name in "ab":
            with suppress(ServiceError):
                start(world, "arn:aws:states:us-east-1:000000000000:stateMachine:m", name=name, input="[1,2]")
        world.run_due()
        with suppress(ServiceError):
            call(
                world,
                "RedriveExecution",
                executionArn="arn:aws:states:us-east-1:000000000000:execution:m:a",
                clientToken="t",
            )
        world.run_due()
        return world

    calm = World(directory=tmp_path / "calm")
    calm.work_s = 60.0
    commits = story(calm).commits
    calm.close()
    for crash_at in range(1, commits + 1):
        world = World(directory=tmp_path / str(crash_at))
        world.work_s = 60.0
        world.crash_before_commit = crash_at
        with suppress(Crash):
            story(world)
        world = world.restart()
        world.recover()
        story(world)
        assert counts(world) == (0, 0), crash_at
        world.close()


# Older stores --------------------------------------------------------------------------------------------------------


def test_an_older_store_begins_with_what_is_open_in_it(tmp_path: Path) -> None:
    world = World(directory=tmp_path)
    arn = machine(world, distributed(distributed(WAIT, name="J")))
    outer = start(world, arn, input="[[1,2],[3]]")
    start(world, machine(world, WAIT, "w"))
    start(world, machine(world, distributed(WAIT, "EXPRESS"), "e"), input="[1]")
    start(world, machine(world, WAIT, "x", "EXPRESS"))
    start(world, machine(world, FAIL, "f"))
    world.run_due()
    expected = counts(world)
    assert expected == (8, 4)
    if not isinstance(world.store, SqliteStore):
        pytest.skip("opens the embedded store's file; tests/nodes has the same of the other")
    world.close()
    (file,) = tmp_path.glob("*.db")
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        for table in ("states_open", "states_last_places", "states_map_backlog"):
            connection.execute(f"DROP TABLE {table}")
        connection.execute("ALTER TABLE states_map_runs DROP COLUMN backlogged")
        connection.execute("DELETE FROM schema_migrations WHERE name = '0280_states_open.sql'")
        migrate(connection)
    world = World(directory=tmp_path)
    assert counts(world) == expected
    call(world, "StopExecution", executionArn=outer)
    world.run_due()
    assert counts(world) == (2, 1)
    world.close()


def test_rows_of_other_nodes_are_part_of_the_sum(world: World) -> None:
    """A store that was copied from several nodes' database."""
    quota(world, "open-executions", 5)
    arn = machine(world, WAIT)
    world.run(lambda work: work.put(OPEN, Open(SCOPE, 7, 4, 0, 0, work.now)))
    start(world, arn)
    assert refused(world, stateMachineArn=arn)[0] == "ExecutionLimitExceeded"
