"""The real order system on several nodes of one PostgreSQL database, under a virtual clock and seeded faults.

A function runs beside the node that has its call in hand, and calls AWS there; a node that dies, or is declared dead, takes its workers with
it or leaves them behind, so that two may be at the same step of an order.
"""

from functools import cache
from typing import Any

from tests.simulation.simulated_clients import Player
from tests.simulation.simulated_cluster import Cluster
from tests.simulation.simulated_database import Database
from tests.simulation.simulated_functions import WorkerGone
from tests.simulation.simulated_node import Call, Node
from tests.simulation.simulated_orders import PREPARING, Deployed, OrderSimulation, deploy_in

from interstate.runtime.testing import World


@cache
def orders_database() -> Database:
    """The one of this process, with the order system in it."""
    return Database(lambda: deploy_in(World(performers=PREPARING)))


class OrderCluster(Cluster, OrderSimulation):
    """A run of the order system on several nodes."""

    acts = (200, 600)

    def __init__(self, seed: int, nodes: int, *, overlaps: bool = False) -> None:
        self._workers: list[Node] = []
        super().__init__(seed, nodes, overlaps=overlaps)

    def shared(self) -> Database:
        return orders_database()

    def crowd(self) -> dict[str, Player]:
        return {}

    def what(self) -> Deployed:
        what: Deployed = self._database.what
        return what

    def serving(self) -> Node:
        node = self._workers[-1]
        if node not in self.nodes:  # It died while others had their turn.
            raise WorkerGone
        return node

    def _effect(self, who: tuple[Node, Any]) -> None:
        self._workers.append(who[0])
        try:
            super()._effect(who)
        finally:
            self._workers.pop()

    def _perform_call(self, who: tuple[Node, Call, Any]) -> None:
        self._workers.append(who[0])
        try:
            super()._perform_call(who)
        finally:
            self._workers.pop()
