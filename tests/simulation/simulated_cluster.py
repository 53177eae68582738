"""Several nodes on one PostgreSQL database, interleaved: leases that are lost in the middle, and nodes that come back.

A node's transaction is open while others decide and commit theirs, so that numbers, claims and locks meet as they do between machines.
"""

import asyncio
import logging
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from tests.simulation.simulated_clients import Player
from tests.simulation.simulated_database import Database, database
from tests.simulation.simulated_node import Clock, Node
from tests.simulation.simulation import Simulation

from interstate.runtime import nodes as nodes_runtime
from interstate.runtime.nodes import Nodes
from interstate.store.postgres import engine
from interstate.store.postgres.engine import ClockSequences, PostgresStore


class _Store(PostgresStore):
    """Its commits are made in the loop's thread."""

    durable = False


class _Apart:
    """Business time as a node has it: two nodes never decide at the very same instant, for a table counts its items by that."""

    standing = True

    def __init__(self, clock: Clock, micros: int) -> None:
        self._clock, self._apart = clock, timedelta(microseconds=micros)

    def now(self) -> datetime:
        """The run's time."""
        return self._clock.now() + self._apart


LEASE_S = 3600.0
"""Leases end when the schedule says so, never because the machine is slow."""

LOCK_TIMEOUT_MS = 5
"""Two transactions of one thread never wait for each other with success."""

logging.getLogger("psycopg").setLevel(logging.ERROR)  # Connections of dead nodes are lost on purpose.


class Cluster(Simulation):
    """A run on several nodes; its schedule follows from the seed, the numbers that the database's clock gives do not."""

    acts = (80, 160)

    def __init__(self, seed: int, nodes: int, *, logs: bool = False) -> None:
        """``logs``: only those play who write or read logs, and their commits cross nearly always."""
        self._count = nodes
        self._logs = logs
        self._lease_s = engine.LEASE_S
        _set_lease(LEASE_S)
        self._lives: dict[str, Nodes] = {}
        self._loop = asyncio.new_event_loop()
        self._committing: list[Node] = []
        self._moves = 0
        self._database = self.shared()
        super().__init__(seed)

    def shared(self) -> Database:
        """The nodes' database, with the application in it."""
        return database()

    def _draw_rates(self) -> dict[str, float]:
        rates = super()._draw_rates()
        if self._count == 1:
            return {**rates, **dict.fromkeys(("lost lease", "fenced in a batch", "commits cross"), 0.0)}
        return {
            **rates,
            "lost lease": self.dice.choice([0.01, 0.03]),
            "fenced in a batch": self.dice.choice([0, 0.03, 0.1]),
            "commits cross": 0.75 if self._logs else self.dice.choice([0, 0.3, 0.7]),
        }

    def players(self) -> dict[str, Player]:
        if not self._logs:
            return super().players()
        return {**self.readers.writers(), **self.readers.players()}

    def open(self) -> None:
        self._database.reset()
        for name in "abcd"[: self._count]:
            store = self._store()
            self.nodes.append(self.start_node(name, store, ClockSequences(store)))
        self._renew(self.nodes[0])  # It finds the work of the application that nobody has in hand.

    def _store(self) -> PostgresStore:
        store = _Store(self._database.url)
        store.writer.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
        return store

    def start_node(self, name: str, store: Any, sequences: Any = None) -> Node:
        node = super().start_node(name, store, sequences)
        if self._logs:
            node.line._clock = node.due._clock = node.clock = _Apart(self.clock, "abcd".index(name))  # type: ignore[assignment]  # a clock
        instance = SimpleNamespace(
            due=node.due,
            clock=SimpleNamespace(skew=timedelta(), now=self.clock.now),
            batches=node.batches,
            parking=SimpleNamespace(wake=lambda *_key, **_one: None, look_again=lambda: None),
            faults_elsewhere=lambda _saved: None,
        )
        if name in self._lives:
            self._loop.run_until_complete(self._lives.pop(name)._drop())
        self._lives[name] = Nodes(instance, store, name)  # type: ignore[arg-type]  # as much of an instance as it needs
        store.reconnected = node.due.came_back
        self._forgive_at_takeover(self._lives[name])
        return node

    def _forgive_at_takeover(self, life: Nodes) -> None:
        """What a node has in hand when it is taken over is performed by both."""
        take_over = life._take_over

        async def taken(connection: Any, number: int, epoch: int, *rest: Any) -> bool:
            for one in self.nodes:
                if (one.store.number, one.store.epoch) == (number, epoch):
                    self._forgive(one)
            return await take_over(connection, number, epoch, *rest)

        life._take_over = taken  # type: ignore[method-assign,assignment]  # one life, not the class

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
        self._cross(_node)
        if self._strikes("fenced in a batch"):
            other = self.dice.choice([one for one in self.nodes if one is not _node])
            self.faults["fenced in a batch"] += 1
            self.note(_node.name, f"is fenced by {other.name} before its commit")
            self._lose(_node, other)

    def after_commit(self, _node: Node) -> None:
        """Who was declared dead commits nothing."""
        known = "SELECT number FROM nodes WHERE number = %s AND epoch = %s"
        if not self._database.look(known, (_node.store.number, _node.store.epoch)):
            self.ledger.problems.append(f"{_node.name} committed after it was declared dead")
        super().after_commit(_node)

    def _cross(self, node: Node) -> None:
        """Others are called, decide and commit while this node's transaction is open; they see nothing of it, and wait for no lock for long."""
        self._committing.append(node)
        try:
            while self._strikes("commits cross"):
                acts = [(act, who) for act, who in self._possible() if self._crosses(act, who)]
                if not acts:
                    return
                act, who = acts[self.dice.randrange(len(acts))]
                if act == self._play:
                    act(who)
                    who = self.playing[who].node
                if who is not None and who not in self._committing and who.has_jobs:
                    self.faults["commits cross"] += 1
                    self.note(who.name, f"commits before {node.name} does")
                    self._batch(who)
        finally:
            self._committing.remove(node)

    def _crosses(self, act: Any, who: Any) -> bool:
        """Whether an act may come while others are about to commit: theirs may not, nor what ends a call of theirs."""
        return act == self._play or (act == self._batch and who not in self._committing)

    def _lose(self, node: Node, other: Node) -> None:
        self._expire(node)
        self._renew(other)

    def _forgive(self, node: Node) -> None:
        """A node that is declared dead goes on with what it has in hand until it notices; so does who took it over."""
        for row in node.due._in_flight:
            self.forgiven[str(row)] += 1

    def _expire(self, node: Node) -> None:
        """Who takes over ends its connections, or does not know them: then the fence alone is between it and the store."""
        known = "" if self.dice.random() < 0.5 else ", backends = '[]'"
        self._database.execute(
            f"UPDATE nodes SET lease_until = 0{known} WHERE number = %s AND epoch = %s",
            (node.store.number, node.store.epoch),
        )

    def _renew(self, node: Node) -> None:
        """Renew a lease as a server does every second; who is found dead is taken over."""
        self._loop.run_until_complete(self._lives[node.name]._renew())

    def move_clock(self, at: Any, why: str) -> None:
        """Every renewal is a look at the store, too; one node a move, in turn."""
        super().move_clock(at, why)
        if self.calm:
            self._moves += 1
            self._renew(self.nodes[self._moves % len(self.nodes)])

    def pass_time(self) -> None:
        """Where nothing is due later, a second passes on the wall: every node renews, and looks."""
        before = self.clock.time
        super().pass_time()
        if self.calm and self.clock.time == before:
            for node in self.nodes:
                self._renew(node)

    def waiting(self) -> str:
        """Also who is there, and what each has in hand."""
        here = [
            f"{one.name} is {one.store.number}{' fenced' * one.store.fenced}{' scanning' * one.due._scanning}, in flight {[*one.due._in_flight]}"
            for one in self.nodes
        ]
        known = self._database.look("SELECT number, lease_until < micros_now() FROM nodes")
        return f"{super().waiting()}, {here}, nodes {known}"

    def close(self) -> None:
        super().close()
        for life in self._lives.values():
            self._loop.run_until_complete(life._drop())
        self._loop.close()
        self._lives.clear()
        _set_lease(self._lease_s)


def _set_lease(seconds: float) -> None:
    for module in (engine, nodes_runtime):
        vars(module)["LEASE_S"] = seconds
