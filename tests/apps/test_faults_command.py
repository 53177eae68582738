"""The command that breaks things: it tells what it can do, and what it finds is true."""

import argparse
import importlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

FAULTS = Path(__file__).parents[2] / "apps" / "orders" / "scripts" / "faults.py"


def run(*words: str, timeout_s: float = 120) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, str(FAULTS), *words], capture_output=True, text=True, check=False, timeout=timeout_s
    )


def test_the_help_tells_what_each_scenario_breaks() -> None:
    told = run("--help").stdout
    for scenario in ("kill", "damaged", "disk-full", "three-nodes", "zombie-commit", "database-restart", "chaos-nodes"):
        (line,) = [line for line in told.splitlines() if line.startswith(f"  {scenario} ")]
        assert len(line.split()) > 4, line


def test_what_is_no_scenario_is_refused() -> None:
    done = run("earthquake")
    assert (done.returncode, "--help lists the scenarios" in done.stderr) == (2, True)


def test_scenarios_side_by_side_are_told_in_the_order_of_the_choice_and_one_that_ends_badly_is_broken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(FAULTS.parent))
    faults = importlib.import_module("faults")
    began: list[str] = []

    def beside(name: str, *_given: object) -> dict[str, object]:
        began.append(name)
        return {"held": name != "kill"}

    monkeypatch.setattr(faults, "run_beside", beside)
    monkeypatch.setattr(faults, "run", beside)
    chosen = argparse.Namespace(at_once=2, scenarios=["three-nodes", "move", "kill", "chaos"])
    found = faults.run_all(tmp_path, chosen)
    assert [*found] == chosen.scenarios
    assert [name for name, facts in found.items() if not facts["held"]] == ["kill"]
    assert began[-1] == "three-nodes"  # Alone, and with the machine for itself.
    assert set(faults.ALONE + faults.FIRST) <= set(faults.SCENARIOS)


@pytest.mark.server
@pytest.mark.slow
def test_damaged_files_are_refused_and_whole_ones_go_on(tmp_path: Path) -> None:
    done = run("damaged", "--invoices", "40", "--folder", str(tmp_path / "proof"), timeout_s=280)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)["scenarios"]["damaged"]
    assert [each["exit"] for each in found["refusals"]] == [1] * 6
    assert found["orders"]["violations"] == []
