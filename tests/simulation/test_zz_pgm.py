import sys

sys.path.insert(0, "/work/main")
import pytest
from tests.simulation.test_simulated_overlap import *


def test_x(monkeypatch):
    rows_of_the_other_connection(monkeypatch)
    import time

    t = time.time()
    out = []
    for seed in range(0, 40):
        p = play(seed, meeting=True)
        out.append((seed, bool(p.unlawful)))
        if time.time() - t > 80:
            break
    print(out)
    assert 0
