"""Which store the simulated runs of one node are on."""

import pytest
from tests.simulation import playing

_EMBEDDED = {
    "test_a_seed_repeats_itself": "on PostgreSQL numbers and locks are the database's: the same schedule, not the same run",
    "test_mutants.py": "a test of the simulation, not of a store; mutants of several nodes are played on PostgreSQL",
    "test_conditions_that_always_hold_break_a_promise": "a test of the simulation, not of a store",
}
"""What is played on the embedded store alone, and why."""


@pytest.fixture(autouse=True)
def _store(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.config.getoption("--store") != "postgres":
        return
    why = _EMBEDDED.get(request.node.originalname) or _EMBEDDED.get(request.path.name)
    if why is not None:
        pytest.skip(why)
    monkeypatch.setattr(playing, "STORE", "postgres")
