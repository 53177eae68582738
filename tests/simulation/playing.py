"""One seed, from its begin to its laws."""

import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.simulated_laws import check
from tests.simulation.simulation import Broken, Simulation


@dataclass
class Played:
    """What came of a run."""

    seed: int
    steps: int = 0
    commits: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    trace: list[str] = field(default_factory=list)
    problem: str = ""
    unlawful: bool = (
        False  # A law is broken; otherwise a problem is one of the simulation itself, or an exception of ours.
    )


def simulation(seed: int, nodes: int) -> Simulation:
    """A run that has not begun."""
    if nodes == 1:
        return Simulation(seed)
    from tests.simulation.simulated_cluster import Cluster  # noqa: PLC0415 only who asks for it starts a database

    return Cluster(seed, nodes)


def play(seed: int, nodes: int = 1) -> Played:
    """Run a seed and look at every law."""
    run = simulation(seed, nodes)
    problem, unlawful = "", False
    try:
        run.run()
        check(run)
    except Broken as error:
        problem, unlawful = str(error), True
    except (AssertionError, LookupError, TypeError, ValueError):  # A run that breaks off is told as well.
        problem = traceback.format_exc()
    finally:
        run.close()
    if problem:
        problem = "\n".join([problem, *(bug for bug in dict.fromkeys(run.bugs) if bug not in problem)])
    return Played(seed, run.steps, run.commits, run.faults, run.trace, problem, unlawful)
