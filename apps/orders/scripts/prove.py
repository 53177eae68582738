"""Prove the order system's promises on a server that is killed on the way: replay invoices, ``kill -9``, start again, verify.

    python apps/orders/scripts/prove.py [INVOICES.csv] --invoices 1000 --kills 5

Starts the partners and ``interstate up`` on free ports with data of their own, places a sample of the invoices as fast as possible,
kills the server whenever another share of the orders has come in, starts it on the same data, waits for the replay's end, verifies
every promise, and looks for processes that outlived their server. Exit 0: everything held.

``--chaos`` adds what else goes wrong on a bad day: one payment call in five fails, one carrier call in ten is never answered, and of
the calls to tables, queues, topics and buses one in twenty is carried out and its answer lost.
"""

import argparse
import http.client
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from proving.processes import descendants, free_ports, survivors

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
SAMPLE = ROOT / "data" / "online_retail_sample.csv"
PATHS = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
POLL_S = 0.1
START_S_MAX = 90.0
PARTNER_FAULTS = (
    "payment-errors",
    "payment-timeouts",
    "carrier-errors",
    "carrier-timeouts",
    "message-errors",
    "declines",
    "duplicates",
    "settle-ms",
)

# With --chaos: rates of the partners' faults, and the services whose answers are lost.
CHAOS = {"payment-errors": 0.2, "carrier-timeouts": 0.1, "duplicates": 0.1, "declines": 0.05}
LOST_ANSWERS = ("dynamodb:*", "sqs:*", "sns:*", "events:*")
LOST_SHARE = "5%"

DEFAULTS = {"duplicates": 0.02, "settle-ms": 20.0}


@dataclass
class Stage:
    """What runs, and where."""

    folder: Path
    port: int
    partner_ports: tuple[int, int, int]
    faults: list[str]
    workers: int | None = None
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    server: subprocess.Popen[bytes] | None = None
    restarts_s: list[float] = field(default_factory=list)
    orphans: list[int] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *command: str, log: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": PATHS, "AWS_ENDPOINT_URL": self.url}
        environment["PARTNERS_OPTIONS"] = "" if log == "partners.log" else "--elsewhere"  # Ours outlive the server.
        with (self.folder / log).open("ab") as output:
            process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)  # noqa: S603  # our own commands
        self.processes.append(process)
        return process

    def finish(self, command: str, *words: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "AWS_ENDPOINT_URL": self.url}
        return subprocess.run([BIN / command, *words], capture_output=True, text=True, check=False, env=environment)  # noqa: S603  # our own command

    def start_partners(self) -> None:
        payment, carrier, message = (str(port) for port in self.partner_ports)
        ports = ("--payment-port", payment, "--carrier-port", carrier, "--message-port", message)
        ledger = ("--ledger", str(self.folder / "partners"), "--end-with-parent")
        self.run(sys.executable, "-m", "partners", *ports, *ledger, *self.faults, log="partners.log")

    def start_server(self) -> None:
        """Start on the data that is there; ready when the stack answers."""
        names = ("PaymentUrl", "CarrierUrl", "MessageUrl")
        parameters = [
            f"--parameter={name}=http://127.0.0.1:{port}" for name, port in zip(names, self.partner_ports, strict=True)
        ]
        command = [str(BIN / "interstate"), "up", str(ROOT / "template.yaml"), "--port", str(self.port), *parameters]
        command += ["--data", str(self.folder / "data")]
        if self.workers:
            command += ["--workers", str(self.workers)]
        began = time.monotonic()
        self.server = self.run(*command, log="server.log")
        while not self.deployed():
            if self.server.poll() is not None or time.monotonic() - began > START_S_MAX:
                raise SystemExit(f"the server does not come up; see {self.folder / 'server.log'}")
            time.sleep(POLL_S)
        self.restarts_s.append(round(time.monotonic() - began, 2))

    def lose_answers(self, seed: int) -> None:
        """From now on, also over restarts, until ``find_answers``."""
        for target in LOST_ANSWERS:
            words = ("faults", "add", target, "--lost-answer", "--rate", LOST_SHARE, "--seed", str(seed))
            done = self.finish("interstate", *words)
            if done.returncode:
                raise SystemExit(f"interstate {' '.join(words)}: {done.stderr}")

    def find_answers(self) -> list[str]:
        """No answer is lost any more; the rules, with how many calls each has seen and hit."""
        listed = self.finish("interstate", "faults", "list").stdout
        self.finish("interstate", "faults", "clear")
        return listed.splitlines()

    def client(self, service: str) -> Any:
        make: Any = boto3.client
        config = Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5)
        words = {"region_name": "us-east-1", "aws_access_key_id": "local", "aws_secret_access_key": "local"}
        return make(service, endpoint_url=self.url, config=config, **words)

    def deployed(self) -> bool:
        """Whether template, companions and seed stock stand, by the server's own word."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/_interstate/health")
            return bool(json.load(connection.getresponse())["deployed"])
        except (OSError, ValueError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    def orders(self) -> int:
        """How many orders there are; 0 while nobody answers."""
        request: dict[str, Any] = {"TableName": "Orders", "Select": "COUNT"}
        count: int = 0
        try:
            while True:
                page = self.client("dynamodb").scan(**request)
                count += int(page["Count"])
                if "LastEvaluatedKey" not in page:
                    return count
                request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        except (BotoCoreError, ClientError):
            return 0

    def kill(self) -> None:
        """``kill -9``, then wait for its children to follow; those that do not are orphans."""
        assert self.server is not None
        family = list(descendants(self.server.pid))
        self.server.send_signal(signal.SIGKILL)
        self.server.wait()
        self.orphans += survivors(family)

    def end(self) -> None:
        if self.server is not None and self.server.poll() is None:
            family = list(descendants(self.server.pid))
            self.server.terminate()
            self.server.wait(30)
            self.orphans += survivors(family)
        for process in self.processes:
            if process.poll() is None:
                process.terminate()
                process.wait(30)


def prove(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    port, *partner_ports = free_ports(4)
    if chosen.chaos:
        for name, rate in CHAOS.items():
            setattr(chosen, name.replace("-", "_"), rate)
    faults = [f"--{name}={getattr(chosen, name.replace('-', '_'))}" for name in PARTNER_FAULTS]
    stage = Stage(folder, port, (partner_ports[0], partner_ports[1], partner_ports[2]), faults, chosen.workers)
    orders = str(BIN / "orders")
    try:
        stage.start_partners()
        stage.start_server()
        if chosen.chaos:
            stage.lose_answers(chosen.seed)
        report = folder / "report.json"
        sample = ["--sample", str(chosen.invoices), "--seed", str(chosen.seed), "--in-flight", str(chosen.in_flight)]
        replay = stage.run(orders, "replay", str(chosen.file), *sample, "--report", str(report), log="replay.log")
        kills = harass(stage, replay, chosen)
        status = replay.wait()
        lost = stage.find_answers() if chosen.chaos else []
        verify = stage.finish("orders", "verify", "--json", "--wait", "60", "--report", str(report))
    finally:
        stage.end()
    facts = json.loads(report.read_text(encoding="utf-8")) if report.exists() else {}
    facts.pop("acceptedOrders", None)
    found = json.loads(verify.stdout) if verify.stdout.strip() else {"violations": [verify.stderr]}
    return {
        "replay": facts,
        "replayExit": status,
        "kills": kills,
        "startsSeconds": stage.restarts_s,
        "orphans": stage.orphans,
        "lostAnswers": lost,
        "verify": found,
        "held": status == 0
        and verify.returncode == 0
        and not stage.orphans
        and not facts.get("unexpected")
        and kills == chosen.kills,
    }


def harass(stage: Stage, replay: subprocess.Popen[bytes], chosen: argparse.Namespace) -> int:
    """Kill the server each time another share of the orders has come in; how often that was."""
    kills = 0
    expected = chosen.invoices * 0.65  # About two of three rows are orders; the others are refused or cancel.
    while replay.poll() is None and kills < chosen.kills:
        if stage.orders() >= expected * (kills + 1) / (chosen.kills + 1):
            stage.kill()
            kills += 1
            stage.start_server()
        time.sleep(POLL_S)
    return kills


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=str(__doc__).split("\n", maxsplit=1)[0])
    parser.add_argument(
        "file", type=Path, nargs="?", default=SAMPLE, help="CSV of invoices; default: the sample of 1,000"
    )
    parser.add_argument("--invoices", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--chaos", action="store_true", help="failing partners and lost answers too")
    parser.add_argument("--workers", type=int)
    parser.add_argument("--folder", type=Path, help="keep everything here; default: a folder that is removed")
    for name in PARTNER_FAULTS:
        parser.add_argument(f"--{name}", type=float, default=DEFAULTS.get(name, 0.0), metavar="RATE")
    return parser.parse_args()


def main() -> None:
    chosen = arguments()
    with tempfile.TemporaryDirectory(prefix="orders-") as temporary:
        folder: Path = chosen.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        facts = prove(chosen, folder)
        sys.stdout.write(json.dumps(facts, indent=2, ensure_ascii=False) + "\n")
    sys.exit(0 if facts["held"] else 1)


if __name__ == "__main__":
    main()
