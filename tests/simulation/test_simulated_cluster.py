"""A few runs on several nodes of one PostgreSQL database; ``make simulate COUNT=m ARGS='--nodes 3'`` plays others."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.simulation.playing import play

from interstate.runtime.nodes import Nodes
from interstate.store.postgres.engine import PostgresStore
from interstate.store.postgres.rows import PostgresRows

SEEDS = 24
"""A mutant is noticed within so many seeds on two nodes."""

Patch = pytest.MonkeyPatch


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [2, 3])
def test_the_laws_hold_on_several_nodes(seed: int, nodes: int) -> None:
    played = play(seed * 10 + nodes, nodes)
    assert not played.problem, f"make simulate SEED={played.seed} COUNT=1 ARGS='--nodes {nodes}'\n{played.problem}"


# Broken laws ------------------------------------------------------------------------------------------------------------


def fence_skipped(patch: Patch) -> None:
    """A node that was declared dead commits what it had in hand."""
    patch.setattr(PostgresStore, "_fence", None)


def work_left_behind(patch: Patch) -> None:
    """Who takes a dead node over forgets what it had in flight."""
    adopt = Nodes._adopt

    async def adopted(self: Any, connection: Any, number: int, shares: int = 1) -> int:
        await connection.execute("DELETE FROM due WHERE lane = %s", (number * 4 + 2,))
        return await adopt(self, connection, number, shares)

    patch.setattr(Nodes, "_adopt", adopted)


def horizon_ignored(patch: Patch) -> None:
    """Who follows a log reads what is there ("id > last"): what is committed later with a lower number is passed over."""

    def follow(self: Any, codec: Any, question: Any) -> Any:
        (rows,) = self.line.ask((question,))
        return [codec.from_row(row) for row in rows]

    patch.setattr(PostgresRows, "_follow", follow)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(3))
def test_who_reads_a_log_is_passed_over_nothing(seed: int, number: int) -> None:
    played = play(seed * 10 + number, 2, logs=True)
    assert not played.problem, f"make simulate SEED={played.seed} COUNT=1 ARGS='--nodes 2 --logs'\n{played.problem}"


@pytest.mark.slow
def test_a_reader_that_ignores_the_horizon_is_noticed(monkeypatch: Patch) -> None:
    horizon_ignored(monkeypatch)
    assert any(play(seed, 2, logs=True).unlawful for seed in range(SEEDS)), f"it survives {SEEDS} seeds"


@pytest.mark.slow
@pytest.mark.parametrize("mutate", [fence_skipped, work_left_behind], ids=lambda mutate: mutate.__name__)
def test_a_broken_law_of_nodes_is_noticed(mutate: Callable[[Patch], None], monkeypatch: Patch) -> None:
    mutate(monkeypatch)
    assert any(play(seed, 2).unlawful for seed in range(SEEDS)), f"{mutate.__name__} survives {SEEDS} seeds"
