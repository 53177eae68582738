"""Several nodes on one PostgreSQL database, interleaved: leases that are lost in the middle, and nodes that come back."""

import asyncio
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
from tests.postgres_server import fresh_database
from tests.simulation.simulated_application import build
from tests.simulation.simulated_node import Node
from tests.simulation.simulation import Broken, Simulation

from interstate.runtime import nodes as nodes_runtime
from interstate.runtime.nodes import Nodes
from interstate.store.postgres import engine
from interstate.store.postgres.engine import ClockSequences, PostgresStore


class _Store(PostgresStore):
    """Its commits are made in the loop's thread."""

    durable = False


LEASE_S = 3600.0
"""Leases end when the schedule says so, never because the machine is slow."""

LOCK_TIMEOUT_MS = 30
"""Two transactions of one thread never wait for each other with success."""


class Cluster(Simulation):
    """A run on several nodes; its schedule follows from the seed, the numbers that the database's clock gives do not."""

    acts = (80, 160)

    def __init__(self, seed: int, nodes: int) -> None:
        self._count = nodes
        self._lease_s = engine.LEASE_S
        _set_lease(LEASE_S)
        self._lives: dict[str, Nodes] = {}
        super().__init__(seed)

    def _draw_rates(self) -> dict[str, float]:
        rates = super()._draw_rates()
        return {
            **rates,
            "lost lease": self.dice.choice([0.01, 0.03]),
            "fenced in a batch": self.dice.choice([0, 0.01, 0.03]),
        }

    def open(self) -> None:
        self._url = fresh_database()
        for name in "abcd"[: self._count]:
            store = self._store()
            self.nodes.append(self.start_node(name, store, ClockSequences(store)))
        first = self.nodes[0]
        build(lambda service, operation, request: self._at_once(first, service, operation, request))

    def _store(self) -> PostgresStore:
        store = _Store(self._url)
        store.writer.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
        return store

    def _at_once(self, node: Node, service: str, operation: str, request: dict[str, Any]) -> Any:
        self.calm, before = True, self.calm
        call = node.submit(service, operation, request)
        while not call.ended:
            node.batch()
        self.calm = before
        if call.error is not None:
            raise Broken(f"{service}:{operation} was refused: {call.error}")
        return call.answer

    def start_node(self, name: str, store: Any, sequences: Any = None) -> Node:
        node = super().start_node(name, store, sequences)
        instance = SimpleNamespace(
            due=node.due,
            clock=SimpleNamespace(skew=timedelta()),
            parking=SimpleNamespace(wake=lambda *_key, **_one: None),
            faults_elsewhere=lambda _saved: None,
        )
        self._lives[name] = Nodes(instance, store, name)  # type: ignore[arg-type]  # as much of an instance as it needs
        store.reconnected = node.due.came_back
        return node

    # Leases ----------------------------------------------------------------------------------------------------

    def replace(self, node: Node) -> None:
        """Another process begins; the dead one's lease runs out, and somebody takes its work over."""
        place = self.nodes.index(node)
        self._expire(node)
        node.store.close()
        store = self._store()
        self.nodes[place] = self.start_node(node.name, store, ClockSequences(store))
        self._renew(self.nodes[place])

    def step(self) -> None:
        if self._strikes("lost lease"):
            node, other = self.dice.sample(self.nodes, 2)
            self.faults["lost lease"] += 1
            self.note(node.name, f"loses its lease to {other.name}")
            self._lose(node, other)
        super().step()

    def before_commit(self, _node: Node) -> None:
        """A node that hangs before its commit is declared dead, and its work goes on elsewhere."""
        super().before_commit(_node)
        if self._strikes("fenced in a batch"):
            other = self.dice.choice([one for one in self.nodes if one is not _node])
            self.faults["fenced in a batch"] += 1
            self.note(_node.name, f"is fenced by {other.name} before its commit")
            self._lose(_node, other)

    def _lose(self, node: Node, other: Node) -> None:
        self._forgive(node)
        self._expire(node)
        self._renew(other)

    def _forgive(self, node: Node) -> None:
        """A node that is declared dead goes on with what it has in hand until it notices; so does who took it over."""
        for row in node.due._in_flight:
            self.forgiven[str(row)] += 1

    def _expire(self, node: Node) -> None:
        self._renewing(
            "UPDATE nodes SET lease_until = 0 WHERE number = %s AND epoch = %s", (node.store.number, node.store.epoch)
        )

    def _renewing(self, statement: str, values: tuple[Any, ...]) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(statement.encode(), values)

    def _renew(self, node: Node) -> None:
        """Renew a lease as a server does every second; who is found dead is taken over."""
        life = self._lives[node.name]

        async def renew() -> None:
            try:
                await life._renew()
            finally:
                await life._drop()

        asyncio.run(renew())

    def move_clock(self, at: Any, why: str) -> None:
        """Every renewal is a look at the store, too."""
        super().move_clock(at, why)
        if self.calm:
            for node in self.nodes:
                self._renew(node)

    def close(self) -> None:
        super().close()
        self._lives.clear()
        _set_lease(self._lease_s)


def _set_lease(seconds: float) -> None:
    for module in (engine, nodes_runtime):
        vars(module)["LEASE_S"] = seconds
