"""Variables on a store: written when they are assigned, read after a restart, gone with their frame."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from tests.services.states.executing import execution, start, world

from interstate.base.json import loads
from interstate.runtime.testing import World
from interstate.store.records.states import VARIABLES_OF_FRAME, VariableRow


def stored(w: World, number: int, frame: int = 0) -> dict[str, Any]:
    def read(work: Any) -> list[VariableRow]:
        rows: list[VariableRow] = work.select(VARIABLES_OF_FRAME, limit=100, execution=number, frame=frame, after="")
        return rows

    return {row.name: loads(row.value) for row in w.run(read)}


def test_variables_survive_a_restart_and_go_with_their_execution(tmp_path: Path) -> None:
    w = world(directory=tmp_path)
    states = {
        "A": {"Type": "Pass", "Assign": {"x": 1, "y": {"z": [2]}}, "Next": "W"},
        "W": {"Type": "Wait", "Seconds": 60, "Assign": {"x": 3}, "Next": "V"},
        "V": {"Type": "Wait", "Seconds": 60, "Next": "Z"},
        "Z": {"Type": "Pass", "Parameters": {"x.$": "$x", "z.$": "$y.z[0]"}, "End": True},
    }
    number = start(w, states)
    assert stored(w, number) == {"x": 1, "y": {"z": [2]}}
    w = w.restart()
    w.advance(timedelta(seconds=60))
    assert stored(w, number) == {"x": 3, "y": {"z": [2]}}
    w.advance(timedelta(seconds=60))
    assert loads(execution(w, number).output or "") == {"x": 3, "z": 2}
    assert stored(w, number) == {}


def test_variables_of_iterations_are_their_own(tmp_path: Path) -> None:
    w = world(directory=tmp_path)
    inner = {
        "StartAt": "I",
        "States": {
            "I": {"Type": "Pass", "Assign": {"mine.$": "$"}, "Next": "W"},
            "W": {"Type": "Wait", "Seconds": 5, "Next": "O"},
            "O": {"Type": "Pass", "Parameters": {"mine.$": "$mine", "all.$": "$all"}, "End": True},
        },
    }
    states = {
        "A": {"Type": "Pass", "Assign": {"all.$": "$"}, "Next": "M"},
        "M": {"Type": "Map", "ItemProcessor": inner, "End": True},
    }
    number = start(w, states, [1, 2])
    assert [stored(w, number, frame) for frame in range(3)] == [{"all": [1, 2]}, {"mine": 1}, {"mine": 2}]
    w = w.restart()
    w.advance(timedelta(seconds=5))
    assert loads(execution(w, number).output or "") == [{"mine": n, "all": [1, 2]} for n in (1, 2)]
    assert [stored(w, number, frame) for frame in range(3)] == [{}, {}, {}]
