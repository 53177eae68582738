"""Real faults on real processes: each scenario has the order system's load, something breaks, and ``orders verify`` follows.

    python apps/orders/scripts/faults.py                       # all of them, one after the other
    python apps/orders/scripts/faults.py kill three-nodes      # some
    python apps/orders/scripts/faults.py three-nodes --invoices 2000 FILE.csv

Every scenario starts its own servers, partners and (where it needs one) its own PostgreSQL on free ports, in a folder of its own that is
removed unless you name one. Beside the orders, a customer sends numbered messages all the time: what was acknowledged must be there
at the end, once. Progress goes to standard error; the verdict as JSON to standard output, and to --report FILE. Exit 0: everything held;
1: something did not; 2: a scenario cannot run on this machine (it says what it lacks), or it is undecided (its load was
over before its faults were, or the machine was too busy to tell; it says which), and the others held.
"""

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
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
    parser.add_argument("--invoices", type=int, default=60, help="how many each scenario places (default: 60)")
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


def _ended(number: int, _frame: Any) -> None:
    """Ctrl-C and SIGTERM end the scenario in order: nothing that it started stays."""
    raise SystemExit(128 + number)


def main() -> None:
    """Run the scenarios, print the verdict."""
    chosen = arguments()
    signal.signal(signal.SIGTERM, _ended)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-", ignore_cleanup_errors=True) as temporary:
        folder: Path = (chosen.folder or Path(temporary)).resolve()
        found = {name: run(name, folder / name, chosen, began) for name in chosen.scenarios}
    held = [facts["held"] for facts in found.values()]
    undecided = sum("undecided" in facts for facts in found.values())
    verdict = {
        "held": False not in held,
        "skipped": held.count(None) - undecided,
        "undecided": undecided,
        "scenarios": found,
    }
    text = json.dumps(verdict, indent=2, ensure_ascii=False)
    if chosen.report:
        chosen.report.write_text(text + "\n", encoding="utf-8")
    sys.stdout.write(text + "\n")
    sys.exit(1 if False in held else 2 if None in held else 0)


if __name__ == "__main__":
    main()
