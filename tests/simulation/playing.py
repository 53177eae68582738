"""One seed, from its begin to its laws."""

import traceback
from collections import Counter
from dataclasses import dataclass, field

from tests.simulation.simulated_laws import AT_REST, check
from tests.simulation.simulated_readers_laws import READERS_AT_REST
from tests.simulation.simulation import Broken, Simulation

STORE = "sqlite"
"""Where runs of one node keep what must survive; several share a PostgreSQL database."""


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


def simulation(
    seed: int, nodes: int, *, orders: bool = False, logs: bool = False, overlaps: bool = False
) -> Simulation:
    """A run that has not begun."""
    embedded = nodes == 1 and STORE == "sqlite" and not overlaps
    if orders:
        from tests.simulation.simulated_orders import OrderSimulation  # noqa: PLC0415 deploying takes some seconds

        if embedded:
            return OrderSimulation(seed)
        from tests.simulation.simulated_order_cluster import OrderCluster  # noqa: PLC0415 only who asks for it starts a database

        return OrderCluster(seed, nodes, overlaps=overlaps)
    if embedded and not logs:
        return Simulation(seed)
    from tests.simulation.simulated_cluster import Cluster  # noqa: PLC0415 only who asks for it starts a database

    return Cluster(seed, nodes, logs=logs, overlaps=overlaps)


def _check(run: Simulation, *, orders: bool) -> None:
    if not orders:
        check(run, (*AT_REST, *READERS_AT_REST))
        return
    from tests.simulation.simulated_orders import OrderSimulation, check_orders  # noqa: PLC0415 as above

    assert isinstance(run, OrderSimulation)
    check_orders(run)


def play(
    seed: int,
    nodes: int = 1,
    *,
    orders: bool = False,
    logs: bool = False,
    overlaps: bool = False,
    meeting: bool = False,
) -> Played:
    """Run a seed and look at every law.

    ``orders``: of the order system instead of the small application; ``logs``: of those alone who write or read logs;
    ``overlaps``: each node has two connections to PostgreSQL, whose commits overlap; ``meeting``: of those alone who meet there, on
    one node.
    """
    if meeting:
        from tests.simulation.simulated_meeting import Meeting  # noqa: PLC0415 only who asks for it starts a database

        run: Simulation = Meeting(seed)
    else:
        run = simulation(seed, nodes, orders=orders, logs=logs, overlaps=overlaps)
    problem, unlawful = "", False
    try:
        run.run()
        _check(run, orders=orders)
    except Broken as error:
        problem, unlawful = str(error), True
    except (AssertionError, LookupError, TypeError, ValueError):  # A run that breaks off is told as well.
        problem = traceback.format_exc()
    finally:
        run.close()
    if problem:
        problem = "\n".join([problem, *(bug for bug in dict.fromkeys(run.bugs) if bug not in problem)])
    return Played(seed, run.steps, run.commits, run.faults, run.trace, problem, unlawful)
