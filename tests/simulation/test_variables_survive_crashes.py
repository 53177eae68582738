"""Variables and JSONata through a crash before any commit: the same output, and the same history but for its times."""

from pathlib import Path
from typing import Any

from tests.services.states.executing import SERVICES, execution, history, start
from tests.simulation.test_executions_survive import Crashed, Mortal

from interstate.base.json import loads
from interstate.runtime.testing import World
from interstate.store.records.states import EXECUTIONS_OF_MACHINE, VARIABLES_OF_FRAME

ITEM = {
    "StartAt": "Note",
    "States": {
        "Note": {"Type": "Pass", "Assign": {"mine": "{% $states.input * $factor %}"}, "Next": "Rest"},
        "Rest": {"Type": "Wait", "Seconds": "{% $mine %}", "Next": "Tell"},
        "Tell": {"Type": "Pass", "Output": "{% $mine %}", "End": True},
    },
}
STATES: dict[str, Any] = {
    "Begin": {"Type": "Pass", "Assign": {"factor": "{% $states.input.factor %}", "total": 0}, "Next": "Each"},
    "Each": {
        "Type": "Map",
        "Items": "{% $states.input.items %}",
        "MaxConcurrency": 2,
        "ItemProcessor": ITEM,
        "Assign": {"total": "{% $total + $sum($states.result) %}"},
        "Output": {"done": "{% $states.result %}"},
        "Next": "Again",
    },
    "Again": {
        "Type": "Choice",
        "Choices": [
            {"Condition": "{% $total < 30 %}", "Next": "Each", "Output": {"items": "{% $states.input.done %}"}}
        ],
        "Default": "End",
    },
    "End": {"Type": "Pass", "Output": {"total": "{% $total %}", "last": "{% $states.input.done %}"}, "End": True},
}


def left_over(world: World, number: int, frame: int) -> list[Any]:
    """The variables of a frame that are still in the store."""
    found: list[Any] = world.run(
        lambda work: work.select(VARIABLES_OF_FRAME, limit=9, execution=number, frame=frame, after="")
    )
    return found


def story(directory: Path, dies_at: int) -> tuple[Any, list[tuple[str, str | None, str | None]], bool]:
    """Output, history, and whether the process died on the way."""
    world = Mortal(SERVICES, directory=directory)
    world.commits, world.dies_at, died = 0, dies_at, False
    while True:
        try:
            rows = world.run(lambda work: work.select(EXECUTIONS_OF_MACHINE, limit=9, machine_id=1, below=1 << 62))
            if not rows:
                start(world, STATES, {"factor": 2, "items": [1, 2, 3]}, run=False, QueryLanguage="JSONata")
                continue
            world.run_due()
            (row,) = rows
            if execution(world, row.id).status != "RUNNING":
                break
            due = world.next_due()
            world.now = max(world.now, due or world.now)
        except Crashed:
            died = True
            world.store.close()
            calls, now = world._calls, world.now
            world = Mortal(SERVICES, directory=directory, now=now)
            world._calls = calls + 1_000_000
    world.dies_at = 0
    ended = execution(world, row.id)
    assert ended.status == "SUCCEEDED", ended
    assert [left_over(world, row.id, frame) for frame in range(20)] == [[]] * 20
    events = [(event.type, event.name, event.data) for event in history(world, row.id)]
    return loads(ended.output or ""), events, died


def test_variables_survive_a_crash_before_any_commit(tmp_path: Path) -> None:
    calm = story(tmp_path / "calm", 0)
    assert calm[0] == {"total": 36, "last": [4, 8, 12]}
    dies_at = 1
    while True:
        output, events, died = story(tmp_path / str(dies_at), dies_at)
        assert output == calm[0]
        assert sorted(map(str, events)) == sorted(map(str, calm[1]))
        if not died:
            break
        dies_at += 1
    assert dies_at > 10
