"""Real faults on real processes: each scenario has the order system's load, something breaks, and ``orders verify`` follows.

    python apps/orders/scripts/faults.py                       # all of them, one after the other
    python apps/orders/scripts/faults.py kill three-nodes      # some
    python apps/orders/scripts/faults.py three-nodes --invoices 2000 FILE.csv
    python apps/orders/scripts/faults.py --at-once 2 --workers 8 --report FILE   # all, two at a time but for three-nodes

Every scenario starts its own servers, partners and (where it needs one) its own PostgreSQL on free ports, in a folder of its own that is
removed unless you name one. Beside the orders, a customer sends numbered messages all the time: what was acknowledged must be there
at the end, once. Progress goes to standard error; the verdict as JSON to standard output, and to --report FILE. Exit 0: everything held;
1: something did not; 2: a scenario cannot run on this machine (it says what it lacks), or it is undecided (its load was
over before its faults were, or the machine was too busy to tell; it says which), and the others held.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from proving import backups, chaos, embedded, shared
from proving.database import NoPostgres
from proving.scene import Facts, Scene, Skipped
from proving.stage import ROOT, Failed

SAMPLE = ROOT / "data" / "online_retail_sample.csv"

SCENARIOS: dict[str, Callable[[Scene], Facts]] = {
    "kill": embedded.kill,
    "frozen": embedded.frozen,
    "disk-full": embedded.disk_full,
    "disk-full-at-start": embedded.disk_full_at_start,
    "damaged": embedded.damaged,
    "slow-disk": embedded.slow_disk,
    "three-nodes": shared.three_nodes,
    "frozen-node": shared.frozen_node,
    "zombie-commit": shared.zombie_commit,
    "database-restart": shared.database_restart,
    "database-unreachable": shared.database_unreachable,
    "database-hung": shared.database_hung,
    "database-disk-full": shared.disk_full,
    "backup": backups.embedded_store,
    "database-backup": backups.shared_store,
    "move": backups.move,
    "chaos": chaos.one_server,
    "chaos-nodes": chaos.two_nodes,
}
ALONE = ("three-nodes",)  # What it measures must not be another scenario's load: it comes after them.
FIRST = ("database-backup", "backup", "database-restart", "kill", "database-hung")
"""Side by side those that last longest come first."""


def arguments() -> argparse.Namespace:
    """The command line; ``--help`` lists the scenarios."""
    width = max(len(name) for name in SCENARIOS)
    listed = "\n".join(
        f"  {name:<{width}}  {str(each.__doc__).split(chr(10), maxsplit=1)[0]}" for name, each in SCENARIOS.items()
    )
    parser = argparse.ArgumentParser(
        prog="faults.py",
        description=__doc__,
        epilog=f"scenarios:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "words", nargs="*", metavar="SCENARIO|FILE.csv", help="which scenarios (default: all), and whose invoices"
    )
    parser.add_argument(
        "--invoices", type=int, help="how many each scenario places (default: 60; 100 or 150 where faults last)"
    )
    parser.add_argument(
        "--at-once", type=int, default=1, metavar="N", help="so many scenarios side by side (default: 1)"
    )
    parser.add_argument("--seed", type=int, default=1, help="which of the file's invoices (default: 1)")
    parser.add_argument("--in-flight", type=int, default=24, help="orders without an outcome at most (default: 24)")
    parser.add_argument("--workers", type=int, default=24, help="function processes a server (default: 24)")
    parser.add_argument(
        "--kill-every", type=float, default=10.0, metavar="S", help="three-nodes: seconds between kills (default: 10)"
    )
    parser.add_argument(
        "--restart-after", type=int, default=2, metavar="N", help="three-nodes: the database restarts after N kills"
    )
    parser.add_argument("--report", type=Path, help="write the verdict here, too")
    parser.add_argument("--folder", type=Path, help="keep logs and data here; default: a folder that is removed")
    chosen = parser.parse_args()
    files = [word for word in chosen.words if word.endswith(".csv")]
    chosen.file = Path(files[0]).resolve() if files else SAMPLE
    chosen.scenarios = [word for word in chosen.words if word not in files] or list(SCENARIOS)
    unknown = [name for name in chosen.scenarios if name not in SCENARIOS]
    if unknown or len(files) > 1 or not chosen.file.is_file():
        parser.error(f"{', '.join(unknown) or files}: not a scenario, or not one file. --help lists the scenarios.")
    return chosen


def run(name: str, folder: Path, chosen: argparse.Namespace, began: float) -> Facts:
    """One scenario, and how long it took."""

    def speak(what: str) -> None:
        sys.stderr.write(f"{time.monotonic() - began:7.1f} s  {what}\n")
        sys.stderr.flush()

    scene = Scene(name, folder, chosen, speak)
    folder.mkdir(parents=True)
    start = time.monotonic()
    try:
        facts = SCENARIOS[name](scene)
    except (Skipped, NoPostgres) as lacks:
        facts = {"held": None, "skipped": str(lacks)}
    except (Failed, AssertionError, OSError, subprocess.SubprocessError) as failure:
        facts = {"held": False, "broken": [f"{type(failure).__name__}: {failure}"]}
    finally:
        scene.close()
    word = {True: "held", False: "BROKEN", None: "UNDECIDED" if "undecided" in facts else "SKIPPED"}[facts["held"]]
    scene.say(f"{word} {', '.join(facts.get('broken', []))}{facts.get('skipped', '')}{facts.get('undecided', '')}")
    return {**facts, "scenarioSeconds": round(time.monotonic() - start, 1)}


def run_beside(name: str, folder: Path, chosen: argparse.Namespace, running: "list[subprocess.Popen[str]]") -> Facts:
    """One scenario in a process of its own, which tells its progress by itself; it is among those that run until it has ended."""
    report = folder / f"{name}.json"
    options = {
        "--seed": chosen.seed,
        "--in-flight": chosen.in_flight,
        "--workers": chosen.workers,
        "--invoices": chosen.invoices,
    }
    options |= {"--kill-every": chosen.kill_every, "--restart-after": chosen.restart_after}
    options |= {"--report": report, "--folder": folder}
    words = [f"{option}={value}" for option, value in options.items() if value is not None]
    command = [sys.executable, __file__, name, str(chosen.file), *words]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, text=True)  # noqa: S603  # ourselves
    running.append(process)
    process.wait()
    running.remove(process)
    if not report.exists():
        return {"held": False, "broken": [f"its process ended with {process.returncode}"]}
    found: dict[str, Facts] = json.loads(report.read_text(encoding="utf-8"))["scenarios"]
    return found[name]


def run_all(folder: Path, chosen: argparse.Namespace) -> dict[str, Facts]:
    """Every scenario that was chosen, one after the other or side by side; what each found, in the order of the choice."""
    began = time.monotonic()
    if chosen.at_once == 1:
        return {name: run(name, folder / name, chosen, began) for name in chosen.scenarios}
    beside = sorted((name for name in chosen.scenarios if name not in ALONE), key=lambda name: name not in FIRST)
    running: list[subprocess.Popen[str]] = []
    found: dict[str, Facts] = {}
    with ThreadPoolExecutor(chosen.at_once) as pool:
        waiting = {name: pool.submit(run_beside, name, folder, chosen, running) for name in beside}
        try:
            found |= {name: future.result() for name, future in waiting.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in [*running]:
                process.terminate()
    found |= {name: run(name, folder / name, chosen, began) for name in chosen.scenarios if name in ALONE}
    return {name: found[name] for name in chosen.scenarios}


def _ended(number: int, _frame: Any) -> None:
    """Ctrl-C and SIGTERM end the scenario in order: nothing that it started stays."""
    raise SystemExit(128 + number)


def main() -> None:
    """Run the scenarios, print the verdict."""
    chosen = arguments()
    signal.signal(signal.SIGTERM, _ended)
    began, load = time.monotonic(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as temporary:
        folder: Path = (chosen.folder or Path(temporary)).resolve()
        folder.mkdir(parents=True, exist_ok=True)
        found = run_all(folder, chosen)
    held = [facts["held"] for facts in found.values()]
    undecided = sum("undecided" in facts for facts in found.values())
    verdict = {
        "held": False not in held,
        "skipped": held.count(None) - undecided,
        "undecided": undecided,
        "machine": {"cores": os.cpu_count(), "loadBefore": round(load, 1), "loadAfter": round(os.getloadavg()[0], 1)},
        "seconds": round(time.monotonic() - began, 1),
        "scenarios": found,
    }
    text = json.dumps(verdict, indent=2, ensure_ascii=False)
    if chosen.report:
        chosen.report.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    sys.exit(1 if False in held else 2 if None in held else 0)


if __name__ == "__main__":
    main()
