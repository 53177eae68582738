"""Runs in which two commits of one node are on their way at once; ``make simulate COUNT=m ARGS=--overlaps`` plays others."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulation.playing import play
from tests.simulation.simulated_node import _nobody

from interstate.runtime import batch as batches
from interstate.runtime.batch import Batches
from interstate.runtime.commits import Commits
from interstate.runtime.metrics import Metrics
from interstate.store.postgres.engine import PostgresStore
from interstate.store.unit_of_work import UnitOfWork

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


def test_the_laws_hold_where_calls_meet_in_the_same_rows(seed: int) -> None:
    played = play(seed, meeting=True)
    assert not played.problem, f"make simulate SEED={played.seed} COUNT=1 ARGS=--meeting\n{played.problem}"


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


def nothing_forgotten(patch: Patch) -> None:
    """What was known of rows stays known when their commit has failed."""
    patch.setattr(Batches, "forget", lambda _self: None)


def rows_of_the_other_connection(patch: Patch) -> None:
    """Both connections of a node write the same rows, as if they were one."""
    patch.setattr(PostgresStore, "node", property(lambda self: self.number))


def what_is_not_committed_is_seen(patch: Patch) -> None:
    """A batch goes on from what the one beside it has written, whose commit is on its way, and is told whatever becomes of that."""
    written: dict[Any, Any] = {}  # By the batch that was decided last.
    flying: dict[int, dict[Any, Any]] = {}  # The same of those whose commits are on their way.
    wanted, look, teach = batches._wanted, UnitOfWork._look, UnitOfWork.teach_own
    commit_beside, drop, finish, begin = Commits._commit_beside, Commits._drop, Commits._finish, Commits.__init__

    def unsure() -> dict[Any, Any]:
        return {key: record for rows in flying.values() for key, record in rows.items()}

    def asked(jobs: Any) -> Any:
        known = unsure()
        rest = {table: {key for key in keys if (table, key) not in known} for table, keys in wanted(jobs).items()}
        return {table: keys for table, keys in rest.items() if keys}

    def seen(self: Any, table: Any, key: Any) -> Any:
        known = unsure()
        return known[table, key] if (table, key) in known else look(self, table, key)

    def taught(self: Any) -> None:
        teach(self)
        written.clear()
        written.update({(state.table, key): state.current[key] for state, key, _ in self._undo})

    def begun(self: Any, *given: Any) -> None:
        flying.clear()  # A process that died remembers nothing.
        begin(self, *given)

    def sent(self: Any, batch: Any, done: Any) -> None:
        flying[id(batch)] = dict(written)
        commit_beside(self, batch, done)

    def dropped(self: Any, batch: Any) -> None:
        flying.pop(id(batch), None)
        drop(self, batch)

    def finished(self: Any, batch: Any, error: Any) -> None:
        flying.pop(id(batch), None)
        finish(self, batch, error)

    patch.setattr(batches, "_wanted", asked)
    patch.setattr(UnitOfWork, "_look", seen)
    patch.setattr(UnitOfWork, "teach_own", taught)
    patch.setattr(Commits, "__init__", begun)
    patch.setattr(Commits, "_commit_beside", sent)
    patch.setattr(Commits, "_drop", dropped)
    patch.setattr(Commits, "_finish", finished)


class _OfBoth(dict[Any, Any]):
    """Points by their series alone."""

    def get(self, at: Any, default: Any = None) -> Any:
        series, _ = at
        return super().get(series, default)

    def update(self, fresh: Any) -> None:  # type: ignore[override]  # as the one who uses it
        super().update({series: point for (series, _), point in fresh.items()})


def one_memory_of_points(patch: Patch) -> None:
    """What one connection of a node has counted is taken for what the other one has."""
    begin = Metrics.__init__

    def begun(self: Metrics) -> None:
        begin(self)
        self._newest = _OfBoth()

    patch.setattr(Metrics, "__init__", begun)


MUTANTS: tuple[Callable[[Patch], None], ...] = (
    told_before_the_commit,
    nothing_forgotten,
    rows_of_the_other_connection,
    what_is_not_committed_is_seen,
    one_memory_of_points,
)


@pytest.mark.parametrize("mutate", MUTANTS, ids=lambda mutate: mutate.__name__)
def test_a_broken_law_of_overlapping_commits_is_noticed(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    assert any(play(seed, meeting=True).unlawful for seed in range(SEEDS)), f"it survives {SEEDS} seeds"
