"""What a scenario is given, and what it gives back."""

import argparse
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proving import stall
from proving.database import Database
from proving.probe import Probe
from proving.processes import free_ports
from proving.proxy import Proxy
from proving.stage import Load, Node, Stage

Facts = dict[str, Any]
Found = tuple[str, Any, bool]
"""What was looked at: its name, what it is, and whether it is as it must be."""
MORE = "place more --invoices"
INVOICES_USUAL = 60
INVOICES = {"kill": 150, "three-nodes": 150, "disk-full": 100, "backup": 100, "database-backup": 100}
STARVED_MAX = 0.5  # Servers that wait for a processor for longer than they run tell nothing about how fast they are.
_UNDER_WAY = 3
_UNDER_WAY_S_MAX = 60.0


class Skipped(Exception):
    """This machine lacks what the scenario needs; the message says what."""


@dataclass
class Scene:
    """One scenario's folder, options, and everything that must be closed after it."""

    name: str
    folder: Path
    chosen: argparse.Namespace
    speak: Callable[[str], None]
    _closing: list[Callable[[], None]] = field(default_factory=list)
    _stages: list[Stage] = field(default_factory=list)

    def say(self, what: str) -> None:
        """Progress, with the time since the start."""
        self.speak(f"{self.name}: {what}")

    def close(self) -> None:
        """The last thing that was opened first."""
        while self._closing:
            self._closing.pop()()

    def after(self, closing: Callable[[], None]) -> None:
        """Do this at the end, whatever happens."""
        self._closing.append(closing)

    @property
    def invoices(self) -> int:
        """How many are placed: as was asked, or so many that the load lives to see the faults on a machine of two free cores."""
        return int(self.chosen.invoices or INVOICES.get(self.name, INVOICES_USUAL))

    # What scenarios build from ---------------------------------------------------------------------------------

    def stage(self, **options: Any) -> Stage:
        """An empty stage."""
        made = Stage(self.folder / "stage", self.say, workers=self.chosen.workers, **options)
        self.after(made.close)
        self._stages.append(made)
        return made

    def starved(self) -> float:
        """Which share of the time in which its servers had something to compute they waited for a processor."""
        return max((stage.starved() for stage in self._stages), default=0.0)

    def database(self, folder: Path | None = None, **options: Any) -> Database:
        """A PostgreSQL that runs."""
        self.say("PostgreSQL starts")
        made = Database(folder or self.folder / "database", free_ports(1)[0], **options)
        self.after(made.close)
        return made

    def proxy(self, backends: list[int], health: str | None = None) -> Proxy:
        """A proxy in front of them."""
        made = Proxy(free_ports(1)[0], backends, health=health)
        self.after(made.close)
        return made

    def embedded(self, data: Path | None = None, **options: Any) -> tuple[Stage, Node]:
        """A stage with one server on the embedded store, the order application on it."""
        stage = self.stage(**options)
        node = stage.node("--data", str(data or self.folder / "data"))
        self.say(f"{node.name} starts")
        stage.start(node)
        self.deploy(stage, node)
        return stage, node

    def nodes(self, url: str, count: int, *urls: str) -> tuple[Stage, list[Node]]:
        """A stage with some nodes on a database behind a balancer, the order application on it."""
        stage = self.stage(key=self.folder / "secrets.key")
        nodes = [stage.node("--database", urls[each] if urls else url) for each in range(count)]
        stage.endpoint = f"http://127.0.0.1:{self.proxy([node.port for node in nodes], '/_interstate/health').port}"
        for node in nodes:
            self.say(f"{node.name} starts")
            stage.start(node)
        self.deploy(stage, nodes[0])
        return stage, nodes

    def deploy(self, stage: Stage, node: Node) -> None:
        """The order application."""
        self.say("the order application is deployed")
        stage.deploy(node)

    def load(self, stage: Stage, count: int | None = None) -> Load:
        """The replay begins."""
        wanted = count or self.invoices
        self.say(f"{wanted} invoices are placed")
        return stage.replay(self.chosen.file, wanted, seed=self.chosen.seed, in_flight=self.chosen.in_flight)

    def under_way(self, load: Load, *, beyond: int = 0) -> str:
        """Wait until the first orders ship, so that the fault meets orders in all states; what it missed where all of them have ended."""
        self.until(lambda: load.bookings() >= beyond + _UNDER_WAY or not load.runs(), _UNDER_WAY_S_MAX)
        self.say(f"the load is under way: {load.bookings()} bookings")
        return "" if load.runs() else f"the load was over before the fault; {MORE}"

    def metered(self, load: Load, reader: stall.Reader) -> Load:
        """Measure the longest standstill while the load runs."""
        load.meter = stall.StallMeter(reader, load.runs)
        return load

    def until(self, holds: Callable[[], Any], limit_s: float) -> bool:
        """Whether it came to hold in time."""
        ends = time.monotonic() + limit_s
        while not holds():
            if time.monotonic() > ends:
                return False
            time.sleep(0.2)
        return True

    def verdict(self, load: Load, probe: Probe, *more: Found, timed: Sequence[Found] = (), missed: str = "") -> Facts:
        """Everything together: the orders, the acknowledged messages, and what else was looked at (name, fact, held).

        ``timed``: what may take longer where servers get no processor; then it decides nothing. ``missed``: what of the
        scenario's faults the load did not live to see.
        """
        self.say("the replay goes to its end")
        orders = load.verdict()
        self.say("everything that was acknowledged is looked for")
        sent = probe.verdict()
        starved = self.starved()
        facts: Facts = {"orders": orders, "probe": sent, **{name: fact for name, fact, _ in (*more, *timed)}}
        facts["serversWaitedForAProcessor"] = starved
        broken = [name for name, _, held in more if not held]
        late = [name for name, _, held in timed if not held]
        if starved > STARVED_MAX and late:
            missed = missed or f"{', '.join(late)}: servers waited {starved:.0%} of their time for a processor"
        else:
            broken += late
        broken += [name for name, each in (("orders", orders), ("probe", sent)) if not each["held"]]
        return judged(facts, broken, missed)


def judged(facts: Facts, broken: list[str], missed: str) -> Facts:
    """Held, broken, or, where something is missing that would decide and nothing broke, undecided."""
    if missed and not broken:
        return {"held": None, "broken": [], "undecided": missed, **facts}
    return {"held": not broken, "broken": broken, **facts}


def freeze(node: Node, seconds: float) -> None:
    """SIGSTOP, a while, SIGCONT."""
    node.signal(signal.SIGSTOP)
    time.sleep(seconds)
    node.signal(signal.SIGCONT)
