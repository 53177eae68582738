"""A few runs on several nodes of one PostgreSQL database; ``make simulate COUNT=m ARGS='--nodes 3'`` plays others."""

import pytest
from tests.simulation.playing import play


@pytest.mark.slow
@pytest.mark.parametrize("nodes", [2, 3])
def test_the_laws_hold_on_several_nodes(seed: int, nodes: int) -> None:
    played = play(seed * 10 + nodes, nodes)
    assert not played.problem, f"make simulate SEED={played.seed} COUNT=1 ARGS='--nodes {nodes}'\n{played.problem}"
