"""A stage: the partners, one or several servers, the load, and the verdict of ``orders verify``.

A stage knows Interstate from outside only: by its commands, its ports and its processes.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from proving.processes import descendants, free_ports, ran_and_waited_s, survivors
from proving.stall import StallMeter

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
_PATHS = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
START_S_MAX = 120.0
_POLL_S = 0.1
_LONGEST_CALL_S = 5

Say = Callable[[str], None]


class Failed(Exception):
    """The proof cannot go on; the message says where to look."""


@dataclass
class Node:
    """One server on the stage."""

    name: str
    port: int
    log: Path
    words: tuple[str, ...]
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def health(self) -> dict[str, Any]:
        """Its own page; empty while it does not answer."""
        found = self.ask("GET", "health")
        return found if isinstance(found, dict) else {}

    def ask(self, method: str, name: str, body: Any = None) -> Any:
        """One request to /_interstate; None when nobody answers it."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=_LONGEST_CALL_S)
        try:
            connection.request(method, f"/_interstate/{name}", None if body is None else json.dumps(body))
            return json.load(connection.getresponse())
        except (OSError, ValueError, http.client.HTTPException):
            return None
        finally:
            connection.close()

    def says(self, words: str) -> int:
        """How often its log has these words."""
        return self.log.read_text(errors="replace").count(words) if self.log.exists() else 0


@dataclass
class Stage:
    """What runs, and where. ``endpoint`` is where customers call; functions call their own node."""

    folder: Path
    say: Say
    workers: int | None = None
    partner_options: tuple[str, ...] = ("--duplicates=0.02", "--settle-ms=20")
    before: tuple[str, ...] = ()  # Words before the server's command: what slows its disk down.
    key: Path | None = None  # Of secrets: nodes on one database need the same.
    endpoint: str = ""
    nodes: list[Node] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)
    starts_s: list[float] = field(default_factory=list)
    _ended: list[tuple[float, float]] = field(default_factory=list)
    _others: "list[subprocess.Popen[bytes]]" = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        payment, carrier, message = free_ports(3)
        urls = {"PaymentUrl": payment, "CarrierUrl": carrier, "MessageUrl": message}
        self.parameters = [f"--parameter={name}=http://127.0.0.1:{port}" for name, port in urls.items()]
        ports = ("--payment-port", str(payment), "--carrier-port", str(carrier), "--message-port", str(message))
        ledger = ("--ledger", str(self.folder / "partners"), "--end-with-parent")
        self.begin(sys.executable, "-m", "partners", *ports, *ledger, *self.partner_options, log="partners.log")

    # Processes -------------------------------------------------------------------------------------------------

    def _environment(self, log: str) -> dict[str, str]:
        elsewhere = "" if log == "partners.log" else "--elsewhere"  # Ours outlive the servers.
        key = {} if self.key is None else {"INTERSTATE_SECRETS_KEY": str(self.key)}
        own = {"PYTHONPATH": _PATHS, "AWS_ENDPOINT_URL": self.endpoint, "PARTNERS_OPTIONS": elsewhere}
        return {**os.environ, **own, **key}

    def _spawn(self, command: tuple[str, ...], log: str) -> "subprocess.Popen[bytes]":
        with (self.folder / log).open("ab") as output:
            return subprocess.Popen(command, stdout=output, stderr=output, env=self._environment(log))  # noqa: S603  # our own commands

    def begin(self, *command: str, log: str) -> "subprocess.Popen[bytes]":
        """A process that ends with the stage."""
        self._others.append(self._spawn(command, log))
        return self._others[-1]

    def finish(self, command: str, *words: str, timeout_s: float = 300) -> "subprocess.CompletedProcess[str]":
        """A command of ours, to its end."""
        return subprocess.run(  # noqa: S603  # our own command
            [BIN / command, *words], capture_output=True, text=True, check=False, env=self._environment(""),
            timeout=timeout_s, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def node(self, *words: str, command: str = "serve") -> Node:
        """A server that is not started yet; ``words`` say where its data is."""
        number = len(self.nodes) + 1
        begin = (command, str(ROOT / "template.yaml"), *self.parameters) if command == "up" else (command,)
        made = Node(f"node {number}", free_ports(1)[0], self.folder / f"node{number}.log", (*begin, *words))
        self.nodes.append(made)
        self.endpoint = self.endpoint or made.url
        return made

    def start(self, node: Node, wait_for: str = "serving") -> float:
        """Start it, and wait until its health page says ``wait_for``; tells how long that took.

        Raises:
            Failed: it ended, or does not come up.
        """
        began = time.monotonic()
        self.launch(node)
        while not node.health().get(wait_for):
            assert node.process is not None
            if node.process.poll() is not None or time.monotonic() - began > START_S_MAX:
                raise Failed(f"{node.name} does not come up; see {node.log}")
            time.sleep(_POLL_S)
        took = round(time.monotonic() - began, 2)
        self.starts_s.append(took)
        return took

    def launch(self, node: Node) -> None:
        """Start it, and do not wait."""
        workers = ("--workers", str(self.workers)) if self.workers else ()
        command = (*self.before, str(BIN / "interstate"), *node.words, "--port", str(node.port), *workers)
        node.process = self._spawn(command, node.log.name)

    def kill(self, node: Node) -> None:
        """``kill -9``; its children must follow, those that do not are orphans."""
        assert node.process is not None
        family = list(descendants(node.pid))
        self._ended.append(ran_and_waited_s(node.pid))
        # Under a tracer the server is a child of what we started.
        for pid in [node.pid, *(family if self.before else ())]:
            os.kill(pid, signal.SIGKILL)
        node.process.wait()
        self.orphans += survivors(family)

    def starved(self) -> float:
        """Which share of the time in which the nodes had something to compute they waited for a processor."""
        living = [ran_and_waited_s(node.pid) for node in self.nodes if node.process is not None]
        ran, waited = (sum(times) for times in zip((0.0, 0.0), *self._ended, *living, strict=False))
        return round(waited / (ran + waited), 2) if ran + waited else 0.0

    def stop(self, node: Node) -> int:
        """SIGTERM, and its exit status."""
        assert node.process is not None
        family = list(descendants(node.pid))
        if self.before and family:
            os.kill(family[0], signal.SIGTERM)
        else:
            node.process.terminate()
        status = node.process.wait(60)
        self.orphans += survivors(family)
        return status

    def deploy(self, node: Node) -> None:
        """The order application on a server that runs, with its shelves filled.

        Raises:
            Failed: it was refused.
        """
        for command, words in (
            ("interstate", ["deploy", str(ROOT / "template.yaml"), *self.parameters, "--endpoint-url", node.url]),
            ("orders", ["seed", "--endpoint-url", node.url]),
        ):
            for last in (False, False, True):
                done = self.finish(command, *words)
                if not done.returncode:
                    break
                if last:
                    raise Failed(f"{command} {words[0]}: {done.stderr or done.stdout}")
                time.sleep(
                    1
                )  # On a busy machine a node may have lost its lease: what is refused with 503 may be asked again.

    def close(self) -> None:
        """End everything that this stage started."""
        for node in self.nodes:
            if node.process is not None and node.process.poll() is None:
                node.process.send_signal(signal.SIGCONT)
                self.kill(node)
        for process in self._others:
            if process.poll() is None:
                process.kill()
                process.wait()

    # Load and verdict ------------------------------------------------------------------------------------------

    def replay(self, invoices: Path, count: int, *, seed: int = 1, in_flight: int = 32) -> "Load":
        """Begin to place a sample of the invoices."""
        return Load(self, invoices, count, seed, in_flight)


class Load:
    """A replay that runs, and what became of it."""

    def __init__(self, stage: Stage, invoices: Path, count: int, seed: int, in_flight: int) -> None:
        self._stage = stage
        self.count = count
        self._report = stage.folder / "report.json"
        sample = ("--sample", str(count), "--seed", str(seed), "--in-flight", str(in_flight))
        words = ("replay", str(invoices), *sample, "--report", str(self._report), "--patience", "300")
        self.process = stage.begin(str(BIN / "orders"), *words, log="replay.log")
        self._began = time.monotonic()
        self.meter: StallMeter | None = None

    def runs(self) -> bool:
        """Whether there are invoices without an end."""
        return self.process.poll() is None

    def bookings(self) -> int:
        """How many shipments the carriers have booked."""
        booked = self._stage.folder / "partners" / "carriers.jsonl"
        return booked.read_bytes().count(b"\n") if booked.exists() else 0

    def progress(self) -> str:
        """How far the load is, for people who wait: what the carriers have booked, and the longest standstill."""
        return f"{self.bookings()} bookings" + ("" if self.meter is None else f", {self.meter.so_far()}")

    def verdict(self, wait_s: float = 60) -> dict[str, Any]:
        """Wait for its end and verify every promise; ``held`` says whether all is well."""
        status = self.process.wait()
        if self.meter is not None:
            self.meter.close()
        words = ("verify", "--json", "--wait", str(wait_s), "--report", str(self._report))
        verify = self._stage.finish("orders", *words, timeout_s=wait_s + 300)
        facts = json.loads(self._report.read_text(encoding="utf-8")) if self._report.exists() else {}
        found = json.loads(verify.stdout) if verify.stdout.strip() else {"violations": [verify.stderr]}
        return {
            "invoices": self.count,
            "orders": found.get("orders"),
            "seconds": facts.get("seconds"),
            "ordersPerSecond": facts.get("ordersPerSecond"),
            "outcomes": facts.get("outcomes"),
            "calls": facts.get("calls"),
            "longestWithoutAnOrder": facts.get("longestStill"),
            "longestStandstill": None if self.meter is None else self.meter.longest(),
            "longestWait": None if self.meter is None else self.meter.waited(),
            "replayExit": status,
            "unexpected": facts.get("unexpected"),
            "violations": found["violations"],
            "orphans": self._stage.orphans,
            "held": not (status or verify.returncode or self._stage.orphans or facts.get("unexpected")),
        }
