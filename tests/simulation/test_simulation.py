"""A few dozen runs of the simulation; ``make simulate SEED=n COUNT=m`` plays others."""

import pytest
from tests.simulation import playing
from tests.simulation.playing import play
from tests.simulation.simulation import Simulation

SEEDS = 30
PART = 6
PART_ON_POSTGRES = 2  # A commit costs some milliseconds there.


@pytest.mark.parametrize("part", range(SEEDS // PART))
def test_the_laws_hold(seed: int, part: int) -> None:
    faults = 0
    count = PART if playing.STORE == "sqlite" else PART_ON_POSTGRES
    for number in range(count):
        played = play(seed * SEEDS + part * PART + number)
        assert not played.problem, f"make simulate SEED={played.seed} COUNT=1\n{played.problem}"
        faults += played.faults.total()
    assert faults > PART or count < PART


def test_a_seed_repeats_itself() -> None:
    first, second = play(11), play(11)
    assert first.trace == second.trace
    assert (first.steps, first.commits, first.faults) == (second.steps, second.commits, second.faults)


def test_runs_meet_every_fault() -> None:
    met: set[str] = set()
    for seed in range(40):
        run = Simulation(seed)
        met |= {fault for fault, rate in run.rates.items() if rate}
        if run.nodes[0].catalog.faults:
            met.add("rules")
        run.close()
    assert met == {*Simulation(0).rates, "rules"}
