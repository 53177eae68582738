"""A few runs of the real order system on several nodes; ``make simulate COUNT=m ARGS='--orders --nodes 2'`` plays others."""

import pytest
from tests.simulation.playing import play
from tests.simulation.test_simulated_cluster import fence_skipped

SEEDS = 3
"""The mutant is noticed within so many seeds on two nodes."""

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("nodes", [2, 3])
def test_every_promise_of_the_order_system_holds_on_several_nodes(seed: int, nodes: int) -> None:
    played = play(seed * 4 + nodes, nodes, orders=True)
    assert not played.problem, (
        f"make simulate SEED={played.seed} COUNT=1 ARGS='--orders --nodes {nodes}'\n{played.problem}"
    )


def test_a_node_that_was_declared_dead_and_commits_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fence_skipped(monkeypatch)
    assert any(play(seed, 2, orders=True).unlawful for seed in range(SEEDS))
