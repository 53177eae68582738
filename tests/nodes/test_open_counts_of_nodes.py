"""Several nodes count what is open in one account: exactly, and without waiting for each other while there is room."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from tests.nodes.slow_node import begin
from tests.nodes.test_traps import postgres
from tests.postgres_server import fresh_database, open_worlds_on

from interstate.base.errors import ServiceError
from interstate.base.json import dumps
from interstate.runtime.testing import World
from interstate.store.postgres.migrate import migrate
from interstate.store.records.due import SETTINGS, Setting
from interstate.store.records.open_counts import EXECUTIONS_OPEN, MAP_RUNS_OPEN

ROLE = "arn:aws:iam::000000000000:role/r"
COUNTS = (EXECUTIONS_OPEN, MAP_RUNS_OPEN)
SCOPE = "000000000000/us-east-1"
WAIT = {"Type": "Wait", "Seconds": 3600, "End": True}
RUN = {
    "Type": "Map",
    "ItemProcessor": {
        "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
        "StartAt": "I",
        "States": {"I": {"Type": "Wait", "Seconds": 60, "End": True}},
    },
    "End": True,
}


@pytest.fixture
def pair(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[World, World]]:
    open_worlds_on(fresh_database(), monkeypatch)
    worlds = (World(), World())
    worlds[1].now += timedelta(milliseconds=1)
    yield worlds
    for world in worlds:
        world.close()


def test_an_older_database_begins_with_what_is_open_in_it(pair: tuple[World, World]) -> None:
    here, _there = pair
    start(here, machine(here, RUN), "a", "[1,2]")
    here.run_due()
    assert here.run(lambda work: [work.scalar(which, scope=SCOPE) for which in COUNTS]) == [3, 1]
    with psycopg.connect(postgres(here).url, autocommit=True) as connection:
        for table in ("states_open", "states_last_places", "states_map_backlog"):
            connection.execute(f"DROP TABLE {table}".encode())
        connection.execute("ALTER TABLE states_map_runs DROP COLUMN backlogged")
        connection.execute(
            "DELETE FROM schema_migrations WHERE name IN ('0280_states_open.sql', '0281_states_open_hot.sql')"
        )
        migrate(connection)
        rows = connection.execute("SELECT scope, executions, map_runs FROM states_open").fetchall()
    assert rows == [(SCOPE, 3, 1)]


def machine(world: World, state: Any) -> str:
    definition = dumps({"StartAt": "S", "States": {"S": state}})
    request = {"name": "m", "definition": definition, "roleArn": ROLE}
    return str(world.call("stepfunctions", "CreateStateMachine", request)["stateMachineArn"])


def start(world: World, arn: str, name: str, given: str = "{}") -> str:
    request = {"stateMachineArn": arn, "name": name, "input": given}
    return str(world.call("stepfunctions", "StartExecution", request)["executionArn"])


def quota(world: World, name: str, value: int) -> None:
    world.run(lambda work: work.put(SETTINGS, Setting(f"quota.states.{name}", str(value))))


def executions(world: World) -> int:
    return int(world.run(lambda work: work.scalar(EXECUTIONS_OPEN, scope=SCOPE)))


def test_starts_on_two_nodes_never_wait_for_each_other_while_there_is_room(pair: tuple[World, World]) -> None:
    here, there = pair
    arn = machine(here, WAIT)
    begin(here, "stepfunctions", "StartExecution", {"stateMachineArn": arn})
    postgres(there).writer.execute("SET lock_timeout = 1")
    start(there, arn, "b")
    here.store.commit()
    assert [executions(world) for world in pair] == [2, 2]


def test_an_execution_may_end_on_another_node_than_where_it_began(pair: tuple[World, World]) -> None:
    here, there = pair
    quota(here, "open-executions", 2)
    arn = machine(here, WAIT)
    for number in range(5):
        started = start(here, arn, f"e{number}")
        there.call("stepfunctions", "StopExecution", {"executionArn": started})
    assert executions(here) == 0
    start(there, arn, "a")
    start(here, arn, "b")
    for world in pair:
        with pytest.raises(ServiceError, match="maximum number of running executions"):
            start(world, arn, "c")


def test_of_two_nodes_one_gets_the_last_place(pair: tuple[World, World]) -> None:
    """The second waits until the first has committed, and sees then that no place is left."""
    here, there = pair
    quota(here, "open-executions", 1)
    arn = machine(here, WAIT)
    begin(here, "stepfunctions", "StartExecution", {"stateMachineArn": arn})
    with ThreadPoolExecutor(1) as thread:
        other = thread.submit(start, there, arn, "b")
        here.store.commit()
        with pytest.raises(ServiceError, match="maximum number of running executions"):
            other.result(20)
    assert executions(here) == 1


def test_a_map_run_that_waits_goes_on_when_another_nodes_run_ends(pair: tuple[World, World]) -> None:
    here, there = pair
    quota(here, "open-map-runs", 1)
    arn = machine(here, RUN)
    first = start(here, arn, "a", "[1]")
    here.run_due()
    second = start(there, arn, "b", "[1]")
    there.run_due()
    (run,) = here.call("stepfunctions", "ListMapRuns", {"executionArn": second})["mapRuns"]
    described = {"mapRunArn": run["mapRunArn"]}
    assert here.call("stepfunctions", "DescribeMapRun", described)["executionCounts"]["total"] == 0
    here.call("stepfunctions", "StopExecution", {"executionArn": first})
    here.run_due()
    assert here.call("stepfunctions", "DescribeMapRun", described)["executionCounts"]["total"] == 1
    assert here.run(lambda work: work.scalar(MAP_RUNS_OPEN, scope=SCOPE)) == 1
