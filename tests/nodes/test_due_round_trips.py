"""Due work on PostgreSQL waits for one round trip of reads, however many rows each step or end of an effect reads."""

import select
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.base.json import dumps
from interstate.runtime.batch import Job
from interstate.runtime.due_steps import PAGE, end_of, run_steps
from interstate.runtime.testing import World
from interstate.runtime.work import BatchWork
from interstate.store.postgres.engine import PostgresStore
from interstate.store.records.due import READY, STEP, WAITING
from interstate.store.records.lambda_ import FUNCTIONS, Function, InvocationResult

LONG_S = 60.0
PASS = {"StartAt": "P", "States": {"P": {"Type": "Pass", "End": True}}}
MAP = {"StartAt": "M", "States": {"M": {"Type": "Map", "ItemProcessor": PASS, "End": True}}}
WAIT = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 5, "End": True}}}
ITEMS = 900


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    open_worlds_on(fresh_database(), monkeypatch)
    world = World()
    yield world
    world.close()


def machine(world: World, definition: dict[str, Any]) -> str:
    asked = {"name": "m", "definition": dumps(definition), "roleArn": "arn:aws:iam::000000000000:role/r"}
    arn: str = world.call("stepfunctions", "CreateStateMachine", asked)["stateMachineArn"]
    return arn


def begin(world: World, arn: str, count: int, given: Any) -> list[str]:
    """Executions that have begun, and do nothing more before a scan: no batch has time for what follows."""
    world.work_s = 0.0
    request = {"stateMachineArn": arn, "input": dumps(given)}
    return [world.call("stepfunctions", "StartExecution", request)["executionArn"] for _ in range(count)]


def scan(world: World) -> tuple[int, int]:
    """Do a page of steps, with time for all: how many were done, and the round trips for that, without the commit's."""
    world.work_s = LONG_S
    trips: list[int] = []

    def run(work: BatchWork) -> int:
        store = world.store
        assert isinstance(store, PostgresStore)
        rows = work.select(READY, limit=64, lane=world._lane(STEP), now=work.now)
        before = store.line.round_trips
        done = run_steps(world.batches, work, rows)
        trips.append(store.line.round_trips - before)
        return done

    done: int = world.run(run)
    return done, trips[0]


def status(world: World, arn: str) -> str:
    found: str = world.call("stepfunctions", "DescribeExecution", {"executionArn": arn})["status"]
    return found


def test_the_slices_of_a_map_read_with_one_round_trip_each(world: World) -> None:
    (execution,) = begin(world, machine(world, MAP), 1, list(range(ITEMS)))
    trips = []
    while status(world, execution) == "RUNNING":
        done, spent = scan(world)
        assert done >= 1
        trips.append(spent)
    assert status(world, execution) == "SUCCEEDED"
    # The first one learns what is to be foreseen; the last one gathers outputs, and tells who is told of an end.
    assert len(trips) > 3
    assert set(trips[2:-1]) == {1}


def test_steps_of_many_executions_read_with_one_round_trip(world: World) -> None:
    arn = machine(world, WAIT)
    executions = begin(world, arn, PAGE, {})
    scan(world)
    assert {status(world, execution) for execution in executions} == {"RUNNING"}
    world.now += timedelta(seconds=5)
    done, trips = scan(world)
    assert done == PAGE
    assert {status(world, execution) for execution in executions} == {"SUCCEEDED"}
    assert trips < PAGE  # Some are for what they share: who is told of an end, the sweep.


def test_a_step_whose_body_cannot_be_read_is_put_off_and_stops_no_other(world: World) -> None:
    arn = machine(world, WAIT)
    executions = begin(world, arn, 2, {})
    store = world.store
    assert isinstance(store, PostgresStore)
    with store.writer.transaction():
        store.writer.execute(
            "UPDATE due SET body = %s WHERE id = (SELECT min(id) FROM due WHERE kind = 'states.event')", (b"{",)
        )
    scan(world)
    world.now += timedelta(seconds=5)
    scan(world)
    assert [status(world, execution) for execution in executions] == ["RUNNING", "SUCCEEDED"]


# Effects -----------------------------------------------------------------------------------------------------------

FUNCTION = "arn:aws:lambda:us-east-1:000000000000:function:f"
TASK = {"StartAt": "T", "States": {"T": {"Type": "Task", "Resource": FUNCTION, "Next": "W"}, **WAIT["States"]}}  # type: ignore[dict-item]  # a definition


def answered(world: World) -> tuple[int, int]:
    """Take the answers of all calls of functions, one after the other, as a server does: how many, and the trips of the last."""
    rows = world.run(lambda work: work.select(READY, limit=64, lane=world._lane(WAITING), now=work.now))
    trips = 0
    store = world.store
    assert isinstance(store, PostgresStore)
    for row in rows:
        effect = world.catalog.effects[row.kind]
        body = msgspec.json.decode(row.body, type=effect.body)
        finish, keys = end_of(effect, row, body, InvocationResult("{}"))
        job = Job(finish, lambda _job: None, bytes(16), keys=keys)
        ahead = world.batches.ask([job])
        assert ahead is not None
        before = store.line.round_trips
        while not ahead.has_come():
            select.select([ahead.socket], [], [], 10)
        world.batches.decide([job], world.now, effects_max=0, work_s=LONG_S, ahead=ahead)
        trips = store.line.round_trips - before
        store.commit()
        assert job.error is None
    return len(rows), trips


def test_the_end_of_a_call_finds_its_rows_there(world: World) -> None:
    world.run(lambda work: work.put(FUNCTIONS, Function(FUNCTION, "000000000000/us-east-1", "f")))
    executions = begin(world, machine(world, TASK), 3, {})
    while scan(world)[0]:
        pass
    count, trips = answered(world)
    assert count == 3
    assert trips == 0  # What the first one had to ask for is foreseen.
    assert answered(world)[0] == 0
    world.now += timedelta(seconds=5)
    scan(world)
    assert {status(world, execution) for execution in executions} == {"SUCCEEDED"}
