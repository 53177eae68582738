"""Several nodes on one PostgreSQL database, interleaved: leases that are lost in the middle, and nodes that come back.

A node's transaction is open while others decide and commit theirs, so that numbers, claims and locks meet as they do between machines.
In most runs each node's own commits overlap, too (``simulated_overlap``): deciding, landing and looking are acts of their own.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any

from tests.simulation.simulated_clients import Player
from tests.simulation.simulated_database import Database, database
from tests.simulation.simulated_node import Clock, CommitRefused, Died, Node
from tests.simulation.simulated_overlap import REFUSALS, HeldCommit, HoldingStore
from tests.simulation.simulation import NEXT_DUE, Simulation, _micros

from interstate.runtime import commits as commits_runtime
from interstate.runtime import nodes as nodes_runtime
from interstate.runtime.batch import BATCH_JOBS_MAX
from interstate.runtime.nodes import Nodes
from interstate.store.postgres import engine
from interstate.store.postgres.engine import ClockSequences, PostgresStore


class _Store(PostgresStore):
    """Its commits are made in the loop's thread."""

    durable = False


class _Apart:
    """Business time as a node has it: no two batches are decided at the very same instant, for a table counts its items by that."""

    standing = True

    def __init__(self, clock: Clock, micros: int) -> None:
        self._clock, self._apart = clock, timedelta(microseconds=micros)
        self._last = clock.now()

    def now(self) -> datetime:
        """The run's time, and some microseconds more."""
        self._last = max(self._clock.now() + self._apart, self._last + _TICK)
        return self._last


_SMALL = 0.7  # In so many of the runs whose commits overlap a batch has two jobs at most.
_SOON = 4  # So many times likelier than a client's next call: what was called is decided, what has come is looked at.
_TICK = timedelta(microseconds=8)  # More than there are nodes.
LEASE_S = 3600.0
"""Leases end when the schedule says so, never because the machine is slow."""

_NEXT_DUE = NEXT_DUE.sql.replace(":now", "%s")
OVERLAPS = 0.7
"""In so many runs the commits of each node overlap; in all of them where that is asked for."""

LOCK_TIMEOUT_MS = 5
"""Two transactions of one thread never wait for each other with success."""

logging.getLogger("psycopg").setLevel(logging.ERROR)  # Connections of dead nodes are lost on purpose.


class Cluster(Simulation):
    """A run on several nodes; its schedule follows from the seed, the numbers that the database's clock gives do not."""

    acts = (100, 240)

    def __init__(self, seed: int, nodes: int, *, logs: bool = False, overlaps: bool = False) -> None:
        """``logs``: only those play who write or read logs, and their commits cross nearly always; ``overlaps``: as ``OVERLAPS``."""
        self._always = logs or overlaps
        self._count = nodes
        self._logs = logs
        self._lease_s = engine.LEASE_S
        _set_lease(LEASE_S)
        self._lives: dict[str, Nodes] = {}
        self._loop = asyncio.new_event_loop()
        self._committing: list[Node] = []
        self._moves = 0
        self._overlaps = self._small = False
        self._ghosts: list[tuple[Node, HeldCommit]] = []  # Sent by nodes that are gone, and not carried out yet.
        self._at: datetime | None = None
        self._database = self.shared()
        super().__init__(seed)

    def shared(self) -> Database:
        """The nodes' database, with the application in it."""
        return database()

    def _draw_rates(self) -> dict[str, float]:
        rates = super()._draw_rates()
        self._overlaps = self.dice.random() < OVERLAPS or self._always
        for fault in ("commit overtaken", "connection lost", "answer of a commit lost"):
            rates[fault] = self.dice.choice([0, 0.02, 0.06]) if self._overlaps else 0.0
        rates["fails beside another"] = self.dice.choice([0.1, 0.3]) if self._overlaps else 0.0
        rates["crash between two"] = self.dice.choice([0, 0.1]) if self._overlaps else 0.0
        self._small = self._overlaps and self.dice.random() < _SMALL
        rates["slow commit"] = self.dice.choice([0.5, 0.8, 0.95]) if self._overlaps else 0.0
        rates["writes sent late"] = self.dice.choice([0, 0.3, 1.0]) if self._overlaps else 0.0
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
            return {**super().players(), **self.crowd()}
        return {**self.readers.writers(), **self.readers.players()}

    def crowd(self) -> dict[str, Player]:
        """Who plays besides, where commits overlap."""
        return self.clients.crowd() if self._overlaps else {}

    def open(self) -> None:
        self._database.reset()
        for name in "abcd"[: self._count]:
            store = self._store()
            self.nodes.append(self.start_node(name, store, ClockSequences(store)))
        self._renew(self.nodes[0])  # It finds the work of the application that nobody has in hand.

    def _store(self) -> PostgresStore:
        if self._overlaps:
            holding = HoldingStore(self._database.url, lambda: self._strikes("writes sent late"))
            holding.waits = self._help
            return holding
        store = _Store(self._database.url)
        store.writer.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}".encode())
        return store

    def start_node(self, name: str, store: Any, sequences: Any = None) -> Node:
        node = super().start_node(name, store, sequences)
        if self._logs or self._overlaps:
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
        store.reconnected = lambda _made: node.due.came_back()
        self._forgive_at_takeover(self._lives[name])
        return node

    def _forgive_at_takeover(self, life: Nodes) -> None:
        """What a node has in hand when it is taken over is performed by both."""
        take_over = life._take_over

        async def taken(connection: Any, number: int, epoch: int, *rest: Any) -> bool:
            for one in self.nodes:
                if (one.store.number, one.store.epoch) == (number, epoch):
                    self._forgive(one)
                    self._forgive_on_their_way(one)
            return await take_over(connection, number, epoch, *rest)

        life._take_over = taken  # type: ignore[method-assign,assignment]  # one life, not the class

    # Commits that overlap --------------------------------------------------------------------------------------

    def _possible(self) -> list[tuple[Any, Any]]:
        """Also what may come to a node's sockets: a commit is carried out, and is looked at; rows that a batch asked for are."""
        acts = super()._possible()
        if not self._overlaps:
            return acts
        slow = bool(acts) and self._strikes("slow commit")
        for node in self.nodes:
            acts += [one for one in self._comes(node) if not (slow and one[0] == self._lands and _beside(*one[1]))]
        if not self.calm:  # Small batches meet more often.
            acts += [one for one in acts if one[0] in (self._batch, self._looks)] * _SOON
        return acts

    def _comes(self, node: Node) -> list[tuple[Any, Any]]:
        """What may come to a node's sockets now."""
        acts: list[tuple[Any, Any]] = []
        held = {commit.socket: commit for commit in node.store.held}
        for socket in node.loop.readers:
            commit = held.get(socket)
            if commit is not None and not commit.landed:
                acts.append((self._lands, (node, commit)))
            else:
                acts.append((self._looks, (node, socket)))
        return acts

    def _lands(self, who: tuple[Node, HeldCommit]) -> None:
        """The database carries a commit out, or a fault comes between."""
        node, commit = who
        try:
            self._land(node, commit)
        except Died as end:
            self.crash(node, str(end))

    def _land(self, node: Node, commit: HeldCommit) -> None:
        overlaps = len(node.line._flying) > 1
        self.faults["commits overlap"] += overlaps
        self.note(node.name, "a commit lands" + " beside another" * overlaps)
        try:
            self.before_commit(node)
        except CommitRefused as error:
            commit.refuse(error)
        if not commit.landed and self._carry_out(node, commit):  # Others may have waited for it meanwhile.
            super().after_commit(node)
        if overlaps and self._strikes("crash between two"):
            raise Died("crash between two")

    def _carry_out(self, node: Node, commit: HeldCommit) -> bool:
        """Whether it was made."""
        if self._strikes("commit overtaken"):
            self._fault(node, "commit overtaken")
            commit.refuse(self.dice.choice(REFUSALS)())
            return False
        if len(node.line._flying) > 1 and self._strikes("fails beside another"):
            self._fault(node, "fails beside another")
            self._forgive(node)
            kinds: tuple[Callable[[], Exception], ...] = (*REFUSALS, partial(CommitRefused, "the disk is full"))
            commit.refuse(self.dice.choice(kinds)())
            return False
        if self._strikes("connection lost"):
            self._fault(node, "connection lost")
            self._end_backends([commit.pid])
        batch = node.line.batch_of(commit)
        if not commit.land():
            return False
        self._check_alive(node, commit)
        node.commits_made += 1
        if batch is not None:
            self._at = batch.now
            node.tell_commit(batch.jobs)
            self._at = None
        if self._strikes("answer of a commit lost"):
            self._fault(node, "answer of a commit lost")
            commit.lose_answer()
        return True

    def _fault(self, node: Node, fault: str) -> None:
        self.faults[fault] += 1
        self.note(node.name, fault)

    def at(self) -> datetime:
        return self._at or super().at()

    def _looks(self, who: tuple[Node, int]) -> None:
        """The loop sees that something has come; rows are waited for, as long as others hold them."""
        node, socket = who
        self.note(node.name, "looks at what has come")
        ahead: Any = node.line._asked and node.line._asked.ahead
        if ahead and ahead.socket == socket:
            while not ahead.has_come():
                ahead._writer.line.pipe._poll.poll()
        node.loop.readers[socket]()
        node.loop.end_act()

    def _help(self, writer: Any) -> None:
        """A writer waits for the database: the commit that holds what it wants is carried out, as it would be by itself."""
        pid = writer.line.connection.info.backend_pid
        blocking = {one for (one,) in self._database.look("SELECT unnest(pg_blocking_pids(%s))", (pid,))}
        if not blocking:
            return
        held = [(node, commit) for node in self.nodes for commit in node.store.held]
        for node, commit in (*held, *self._ghosts):
            if commit.pid in blocking and not commit.landed:
                self.faults["waited for a commit"] += 1
                self.note(node.name, "a commit lands, for others wait")
                self._carry_out(node, commit)

    def _end_backends(self, pids: list[int]) -> None:
        """End connections, and wait until the database has noticed."""
        self._database.look("SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s::int[]) AS pid", (pids,))

    def go_on(self, node: Node) -> None:
        """One act of a node's batches, for a worker that waits for its call."""
        acts: list[tuple[Any, Any]] = [(self._batch_alone, node)] if node.has_jobs else []
        acts += self._comes(node) if self._overlaps else []
        act, who = acts[self.dice.randrange(len(acts))]
        if act == self._lands:
            self._land(*who)
        else:
            act(who)

    def _batch_alone(self, node: Node) -> None:
        node.batch()

    # Leases ----------------------------------------------------------------------------------------------------

    def replace(self, node: Node) -> None:
        """Another process begins; the dead one's lease runs out, and somebody takes its work over.

        What it has sent is carried out before that, after it, or never.
        """
        place = self.nodes.index(node)
        if self._overlaps:
            for commit in [one for one in node.store.held if not one.landed]:
                fate = self.dice.randrange(3)
                if fate == 0:
                    self.note(node.name, "its commit is carried out after its death")
                    self._carry_out(node, commit)
                elif fate == 1:
                    self._ghosts.append((node, commit))
        self._expire(node)
        if not self._ghosts:
            self._leave(node)
        store = self._store()
        self.nodes[place] = self.start_node(node.name, store, ClockSequences(store))
        self._renew(self.nodes[place])
        self._lay_ghosts()

    def _leave(self, node: Node) -> None:
        if isinstance(node.store, HoldingStore):
            node.store.vanish(self._end_backends)
        else:
            node.store.close()

    def _lay_ghosts(self) -> None:
        """What dead nodes had sent is carried out now; the fence is between it and the store."""
        ghosts, self._ghosts = self._ghosts, []
        for node, commit in ghosts:
            if not commit.landed:
                self.note(node.name, "its commit is carried out after it was declared dead")
                self._carry_out(node, commit)
        for node in dict.fromkeys(node for node, _ in ghosts):
            self._leave(node)

    def step(self) -> None:
        vars(commits_runtime)["BATCH_JOBS_MAX"] = 2 if self._small and not self.calm else BATCH_JOBS_MAX
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
        self._check_alive(_node, None)
        super().after_commit(_node)

    def _check_alive(self, node: Node, commit: HeldCommit | None) -> None:
        known = "SELECT number FROM nodes WHERE number = %s AND epoch = %s"
        who = (node.store.number, node.store.epoch) if commit is None else commit.sender
        if not self._database.look(known, who):
            self.ledger.problems.append(f"{node.name} committed after it was declared dead")

    def _cross(self, node: Node) -> None:
        """Others are called, decide and commit while this node's transaction is open; they see nothing of it, and wait for no lock for long."""
        self._committing.append(node)
        try:
            while self._strikes("commits cross"):
                acts = [(act, who) for act, who in self._possible() if self._crosses(act, who)]
                if not acts:
                    return
                act, who = acts[self.dice.randrange(len(acts))]
                if act != self._batch:
                    act(who)
                    who = self.playing[who].node if act == self._play else None
                if who is not None and who not in self._committing and who.has_jobs:
                    self.faults["commits cross"] += 1
                    self.note(who.name, f"commits before {node.name} does")
                    self._batch(who)
        finally:
            self._committing.remove(node)

    def _crosses(self, act: Any, who: Any) -> bool:
        """Whether an act may come while others are about to commit: theirs may not, nor what ends a call of theirs."""
        if act == self._batch:
            return who not in self._committing
        return act == self._play or (act in (self._lands, self._looks) and who[0] not in self._committing)

    # Time ------------------------------------------------------------------------------------------------------

    def next_due(self) -> datetime | None:
        """Asked beside all nodes: a commit may be on its way in each of them."""
        ((micros,),) = self._database.look(_NEXT_DUE, (_micros(self.clock.time),))
        return self.earliest(micros or 0)

    def _lose(self, node: Node, other: Node) -> None:
        self._expire(node)
        self._renew(other)

    def _forgive(self, node: Node) -> None:
        """A node that is declared dead goes on with what it has in hand until it notices; so does who took it over."""
        for row in node.due._in_flight:
            self.forgiven[str(row)] += 1

    def _forgive_on_their_way(self, node: Node) -> None:
        """What it begins when it looks at a commit that was made before."""
        for batch in node.line._flying.values():
            rows = [row for part in batch.decided for row in part.effects]
            rows += [row for job in batch.jobs for row in getattr(job.outcome, "effects", ())]
            for row in rows:
                self.forgiven[str(row.id)] += 1

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
        known = self.look("SELECT number, lease_until < micros_now() FROM nodes")
        return f"{super().waiting()}, {here}, nodes {known}"

    def look(self, statement: str) -> list[Any]:
        """On a connection of its own: those of the nodes may be in the middle of something."""
        return self._database.look(statement)

    def close(self) -> None:
        super().close()
        for life in self._lives.values():
            self._loop.run_until_complete(life._drop())
        self._loop.close()
        self._lives.clear()
        _set_lease(self._lease_s)
        vars(commits_runtime)["BATCH_JOBS_MAX"] = BATCH_JOBS_MAX


def _beside(node: Node, commit: HeldCommit) -> bool:
    """Whether another batch may be decided while this commit is on its way."""
    batch = node.line.batch_of(commit)
    return batch is not None and not batch.alone


def _set_lease(seconds: float) -> None:
    for module in (engine, nodes_runtime):
        vars(module)["LEASE_S"] = seconds
