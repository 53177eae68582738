"""A run: the application on one node or several, under a schedule and faults that all follow from one seed."""

import logging
import random
from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import cache
from types import SimpleNamespace
from typing import Any

from tests.simulation.simulated_application import build
from tests.simulation.simulated_clients import LOST, Ask, Clients, Ledger, Player
from tests.simulation.simulated_node import (
    LATE,
    WHOLE,
    Call,
    Clock,
    CommitRefused,
    Died,
    Interfering,
    MemoryStore,
    Node,
    embedded_world,
)
from tests.simulation.simulated_outside import Outside
from tests.simulation.simulated_readers import Readers

from interstate.runtime.batch import ServiceUnavailable
from interstate.runtime.testing import START
from interstate.store.records.due import DUE
from interstate.store.sequences import Sequences
from interstate.store.tables import Scalar

STEPS_MAX = 20_000
CONSUMERS = ("consumer", "reader", "keeper")
SLEEP_MAX = timedelta(minutes=20)
NEXT_DUE = Scalar("SELECT min(due_at) FROM due WHERE pulls = 1 AND due_at > :now", (DUE,))
DUE_NOW = Scalar("SELECT count(*) FROM due WHERE pulls = 1 AND due_at <= :now", (DUE,))


class Broken(AssertionError):
    """A law does not hold; the trace tells how it came to that."""


class _Bugs(logging.Handler):
    """Collects what is logged as a bug of ours."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.found: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self.found.append(f"{record.getMessage()}: {record.exc_info[1]!r}")


class Playing:
    """A client between two acts."""

    def __init__(self, player: Player) -> None:
        self.player = player
        self.call: Call | None = None
        self.node: Node | None = None
        self.wakes: datetime | None = None
        self.next: Any = None
        self.ended = False


@cache
def _template() -> tuple[bytes, datetime]:
    world = embedded_world({"lambda.prepare": lambda _key, _body: None})
    build(world.call)
    world.run_due()
    content = world.store.writer.serialize()  # type: ignore[attr-defined]  # the embedded store
    world.close()
    return content, START


class Simulation(Interfering):
    """One run. ``trace`` has its acts; two runs of one seed have the same."""

    acts = (200, 500)  # So many before the faults end.
    readers: Any = SimpleNamespace(calm=False)  # Where nobody reads.
    fault_targets: tuple[str, ...] = ("sqs:placed", "sqs:told", "dynamodb:lines", "sns:news", "stepfunctions:orders")

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.dice = random.Random(seed)
        self.rates = self._draw_rates()
        self.clock = Clock(START)
        self.ledger = Ledger()
        self.people()
        self.trace: list[str] = []
        self.faults: Counter[str] = Counter()
        self.steps = self.commits = 0
        self.calm = False
        self.generation = 0
        self._seeds = self._calls = 0
        self._handler = _Bugs()
        self.bugs = self._handler.found
        log = logging.getLogger("interstate")
        log.addHandler(self._handler)
        log.propagate = False
        self.nodes: list[Node] = []
        self.forgiven: Counter[str] = Counter()  # Keys of effects that may be performed once more, by how often.
        self.open()
        self.add_rules()
        self.playing = {name: Playing(player) for name, player in self.players().items()}

    def people(self) -> None:
        """Who stands outside: what effects reach, and who calls."""
        self.outside: Any = Outside(random.Random(f"{self.seed}/outside"))
        self.clients: Any = Clients(random.Random(f"{self.seed}/clients"), self.clock, self.ledger)
        self.readers = Readers(random.Random(f"{self.seed}/readers"), self.clients)

    def players(self) -> dict[str, Player]:
        """Who calls, by name."""
        return {**self.clients.players(), **self.readers.players()}

    def _draw_rates(self) -> dict[str, float]:
        """How likely each fault is in this run; some runs know only some of them."""
        dice = self.dice
        return {
            "crash before commit": dice.choice([0, 0.01, 0.03, 0.06]),
            "crash after commit": dice.choice([0, 0.01, 0.03, 0.06]),
            "commit refused": dice.choice([0, 0, 0.02]),
            "crash": dice.choice([0, 0.005]),
            "performed twice": dice.choice([0, 0.1, 0.3]),
            "late batch": dice.choice([0, 0.3, 0.9]),
            "clock jump": dice.choice([0, 0.002, 0.01]),
        }

    # Nodes -----------------------------------------------------------------------------------------------------

    def add_rules(self) -> None:
        """Some runs have fault rules: calls inside the store that are refused, now and then, a few times."""
        rules = self.nodes[0].catalog.faults
        rules.remove(None)
        for target in self.fault_targets:
            if self.dice.random() < 0.08:
                wanted = {"target": target, "error": self.dice.choice(["Throttle", "Error"]), "rate": 0.5}
                rules.add({**wanted, "left": self.dice.randint(1, 3), "seed": self.seed})
                self.note("schedule", f"a rule: {target} {wanted['error']}")

    def open(self) -> None:
        """Bring the first node up on a copy of the application."""
        content, _ = _template()
        self.nodes = [self.start_node("a", MemoryStore(content))]

    def start_node(self, name: str, store: Any, sequences: Any = None) -> Node:
        """A process begins."""
        self.generation += 1
        if sequences is None:
            sequences = Sequences(self.generation * 1_000_000)
        node = Node(name, store, sequences, clock=self.clock, interfering=self, seed=self.next_seed)
        node.recover()
        return node

    def next_seed(self) -> bytes:
        self._seeds += 1
        return (self.seed << 64 | self._seeds).to_bytes(24)

    def crash(self, node: Node, why: str) -> None:
        """A process ends and another one goes on with its store."""
        self.note(node.name, why)
        self.faults[why] += 1
        self._forgive(node)
        self._lose_calls(node)
        self.commits += node.commits_made
        node.die()
        self.replace(node)

    def replace(self, node: Node) -> None:
        """Another process goes on with the store."""
        self.nodes[self.nodes.index(node)] = self.start_node(node.name, node.store)

    def _forgive(self, node: Node) -> None:
        """What is performed and whose answer is not taken may be performed again."""
        for row in node.due._in_flight:
            if self.outside.performed[str(row)]:
                self.forgiven[str(row)] += 1

    def _lose_calls(self, node: Node) -> None:
        for playing in self.playing.values():
            if playing.node is node and playing.call is not None and not playing.call.ended:
                playing.call, playing.node, playing.next = None, None, LOST

    # Faults ----------------------------------------------------------------------------------------------------

    def _strikes(self, fault: str) -> bool:
        return not self.calm and self.dice.random() < self.rates[fault]

    def before_commit(self, _node: Node) -> None:
        if self._strikes("crash before commit"):
            raise Died("crash before commit")
        if self._strikes("commit refused"):
            self.faults["commit refused"] += 1
            self.note(_node.name, "commit refused")
            self._forgive(_node)
            raise CommitRefused("the disk is full")

    def after_commit(self, _node: Node) -> None:
        if self._strikes("crash after commit"):
            raise Died("crash after commit")

    def answer_lost(self, _key: str) -> None:
        self.forgiven[_key] += 1

    def work_s(self) -> float:
        return LATE if self._strikes("late batch") else WHOLE

    # The schedule ----------------------------------------------------------------------------------------------

    def note(self, who: str, what: str) -> None:
        self.trace.append(f"{self.steps:5} {self.clock.time:%d %H:%M:%S} {who:12} {what}")

    def run(self) -> "Simulation":
        """Play until all clients that end have ended, then let all come to rest without faults.

        Raises:
            Broken: it hangs, or a client saw what may not be.
        """
        limit = self.dice.randint(*self.acts)
        while self.steps < limit:
            self.step()
        self.settle()
        return self

    def step(self) -> None:
        """One act."""
        self.steps += 1
        if self.steps > STEPS_MAX:
            raise Broken(f"it hangs: {self.waiting()}")
        for node in self.nodes:
            if self._strikes("crash"):
                self.crash(node, "crash")
                return
        if self._strikes("clock jump"):
            self.faults["clock jump"] += 1
            self.move_clock(self.clock.time + timedelta(seconds=self.dice.randint(1, 1200)), "clock jumps")
        acts = self._possible()
        if not acts:
            self.pass_time()
            return
        if not self.calm and self.dice.random() < 0.05:
            self.pass_time()
        act, who = acts[self.dice.randrange(len(acts))]
        act(who)

    def _possible(self) -> list[tuple[Any, Any]]:
        acts: list[tuple[Any, Any]] = []
        for node in self.nodes:
            if node.has_jobs:
                acts.append((self._batch, node))
            acts += [(self._effect, (node, effect)) for effect in node.effects]
            acts += [(self._perform_call, (node, *asked)) for asked in node.asked]
        now = self.clock.time
        acts += [
            (self._play, name)
            for name, playing in self.playing.items()
            if not playing.ended
            and (playing.call is None or playing.call.ended)
            and (playing.wakes is None or playing.wakes <= now)
        ]
        return acts

    def _batch(self, node: Node) -> None:
        try:
            node.batch()
        except Died as end:
            self.crash(node, str(end))

    def _effect(self, who: tuple[Node, Any]) -> None:
        node, effect = who
        if not effect.performed:
            self.note(node.name, f"performs {effect.row.kind} {effect.key}")
            node.perform(effect, self.outside)
            if node in self.nodes and self._strikes("performed twice"):
                self.faults["performed twice"] += 1
                self.forgiven[effect.key] += 1
                self.note(node.name, f"performs {effect.row.kind} {effect.key} again")
                node.perform(effect, self.outside)
            return
        self.note(node.name, f"takes the answer of {effect.key}")
        self.outside.answered.append((effect.key, effect.body, effect.result))
        node.answer(effect)

    def _perform_call(self, who: tuple[Node, Call, Any]) -> None:
        """A call that waits for its effect: it is performed once for this call, and answered if the node still lives."""
        node, call, perform = who
        self._calls += 1
        self.note(node.name, f"performs {perform.kind} for a call")
        result = self.outside(perform.kind, f"call-{self._calls}", perform.body)
        if node in self.nodes:
            node.perform_call(call, perform, result)

    def _play(self, name: str) -> None:
        playing = self.playing[name]
        if playing.call is not None:
            error = playing.call.error
            playing.next = LOST if isinstance(error, ServiceUnavailable) else error or playing.call.answer
            playing.call = playing.node = None
        playing.wakes = None
        given, playing.next = playing.next, None
        try:
            wish = playing.player.send(given)
        except StopIteration:
            playing.ended = True
            return
        if isinstance(wish, Ask):
            playing.node = self.nodes[self.dice.randrange(len(self.nodes))]
            self.note(name, f"{wish.service}:{wish.operation} {_short(wish.request)} at {playing.node.name}")
            playing.call = playing.node.submit(*wish, lambda answer: self.ledger.see(wish, answer, self.at()))
        else:
            playing.wakes = self.clock.time + timedelta(seconds=wish)

    # Time ------------------------------------------------------------------------------------------------------

    def at(self) -> datetime:
        """When the batch was decided whose commit is told just now."""
        return self.clock.time

    def next_due(self) -> datetime | None:
        """The next instant at which something is due, or a client wakes."""
        return self.earliest(self.nodes[0].run(lambda work: work.scalar(NEXT_DUE, now=_micros(self.clock.time))))

    def earliest(self, micros: int) -> datetime | None:
        """Of the instant at which the next row is due and those at which clients wake."""
        due = [playing.wakes for playing in self.playing.values() if playing.wakes is not None and not playing.ended]
        if micros:
            due.append(START + timedelta(microseconds=micros - _micros(START)))
        return min((at for at in due if at > self.clock.time), default=None)

    def pass_time(self) -> None:
        """Go to the next instant at which something happens."""
        at = self.next_due()
        if at is not None:
            self.move_clock(at, "time passes")

    def move_clock(self, at: datetime, why: str) -> None:
        """Business time is another one, and every node looks what is due."""
        self.clock.time = at
        self.note("clock", why)
        for node in self.nodes:
            node.due.look()

    # The end ---------------------------------------------------------------------------------------------------

    def settle(self) -> None:
        """No faults any more: everything that waits is done; then consumers empty their queues and go.

        Raises:
            Broken: it does not come to rest.
        """
        self.calm = self.outside.calm = self.readers.calm = True
        self.note("schedule", "calm")
        self._go_on(lambda: self._finite_ended() and not self._pulling())
        self.clients.quiet = True
        self.note("schedule", "quiet")
        self._go_on(lambda: all(playing.ended for playing in self.playing.values()) and not self._pulling())

    def _finite_ended(self) -> bool:
        return all(playing.ended for name, playing in self.playing.items() if not name.startswith(CONSUMERS))

    def _go_on(self, rests: Callable[[], bool]) -> None:
        while self._possible() or not rests():
            if self._possible():
                self.step()
                continue
            time = self.clock.time
            self.pass_time()
            if self.clock.time == time and not self._possible():
                raise Broken(f"it hangs: {self.waiting()}")

    def _pulling(self) -> bool:
        first = self.nodes[0]
        now = _micros(self.clock.time)
        return bool(first.run(lambda work: work.scalar(NEXT_DUE, now=now) + work.scalar(DUE_NOW, now=now)))

    def waiting(self) -> str:
        """What has not ended."""
        open_ = [name for name, playing in self.playing.items() if not playing.ended]
        return f"{open_}, {self.look('SELECT kind, lane, due_at, body FROM due WHERE pulls = 1')}"

    def look(self, statement: str) -> list[Any]:
        """What a query finds, whatever the nodes have in hand."""
        found: list[Any] = self.nodes[0].store.writer.execute(statement).fetchall()
        return found

    def close(self) -> None:
        """Let everything go."""
        self.faults["refused by a rule"] = sum(rule["hits"] for rule in self.nodes[0].catalog.faults.show())
        self.nodes[0].catalog.faults.remove(None)
        log = logging.getLogger("interstate")
        log.removeHandler(self._handler)
        log.propagate = True
        for node in self.nodes:
            self.commits += node.commits_made
            node.die()
            node.store.close()


def _short(request: dict[str, Any]) -> str:
    text = str(request)
    return text if len(text) < 160 else f"{text[:157]}..."


def _micros(at: datetime) -> int:
    return int(at.timestamp() * 1_000_000 + 0.5)
