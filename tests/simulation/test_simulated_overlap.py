"""Runs in which two commits of one node are on their way at once; ``make simulate COUNT=m ARGS=--overlaps`` plays others."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulation.playing import play
from tests.simulation.simulated_node import _nobody

from interstate.runtime.commits import Commits

SEEDS = 16
"""A mutant is noticed within so many seeds."""

Patch = pytest.MonkeyPatch
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("nodes", [1, 2, 3])
def test_the_laws_hold_while_commits_overlap(seed: int, nodes: int) -> None:
    played = play(seed * 10 + nodes, nodes, overlaps=True)
    assert not played.problem, (
        f"make simulate SEED={played.seed} COUNT=1 ARGS='--overlaps --nodes {nodes}'\n{played.problem}"
    )


def test_runs_meet_every_fault_of_commits_that_overlap() -> None:
    met = sum((play(seed, 2, overlaps=True).faults for seed in range(6)), start=play(6, 1, overlaps=True).faults)
    assert {"commits overlap", "waited for a commit"} <= set(+met)
    assert {"commit overtaken", "connection lost", "answer of a commit lost"} & set(+met)


# Broken laws ------------------------------------------------------------------------------------------------------------


def told_before_the_commit(patch: Patch) -> None:
    """A batch's callers are told as soon as its commit is sent."""
    commit_beside = Commits._commit_beside

    def told(self: Any, batch: Any, done: Any) -> None:
        commit_beside(self, batch, done)
        for job in batch.jobs:
            job.done, tell = _nobody, job.done
            tell(job)

    patch.setattr(Commits, "_commit_beside", told)


MUTANTS: tuple[Callable[[Patch], None], ...] = (told_before_the_commit,)


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_broken_law_of_overlapping_commits_is_noticed(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    assert any(play(seed, overlaps=True).unlawful for seed in range(SEEDS)), f"it survives {SEEDS} seeds"
