"""Play seeds that nobody played before: the whole application under crashes and other faults, with every law checked after each.

    make simulate SEED=7 COUNT=1000                   a thousand runs of one node
    make simulate COUNT=50 ARGS='--nodes 2,3,4'       several nodes on a PostgreSQL of their own; the seed says how many
    make simulate COUNT=50 ARGS=--orders              the real order system: its template, workflows and handlers
    make simulate COUNT=50 ARGS='--orders --nodes 2'  the same on several nodes
    make simulate COUNT=50 ARGS='--logs --nodes 2'    those alone who write and read logs, their commits crossing
    make simulate COUNT=50 ARGS=--overlaps            one node on PostgreSQL whose commits overlap; also with --nodes, --orders
    make simulate COUNT=50 ARGS=--meeting             the same, with those alone whose calls meet in the same rows
    make simulate SEED=41 COUNT=1 ARGS='--trace FILE' one run again, with all that happened in it
    make simulate COUNT=10000 ARGS='--keep-going'     all of them, whatever breaks on the way

Every five seconds a line tells how it goes. The first seed that breaks a law is told with its last acts and how to play it
again, and the exit code is 1. On the embedded store a seed gives the same run each time; on PostgreSQL the schedule is the
same, but numbers and locks are the database's.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from tests.simulation import playing
from tests.simulation.playing import Played, play

TRACE_LINES = 60
EVERY_S = 5.0
NODES_MAX = 4


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Play, and tell."""
    parser = argparse.ArgumentParser(
        prog="make simulate", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="the first one (default: 0)")
    parser.add_argument("--count", type=int, default=100, help="so many, one after another (default: 100)")
    parser.add_argument(
        "--nodes", type=_nodes, default=[1], help="how many, or several numbers in turn: 2,3,4 (default: 1)"
    )
    parser.add_argument(
        "--trace", type=Path, metavar="FILE", help="write the whole trace here, of the last failure or run"
    )
    parser.add_argument("--orders", action="store_true", help="play the order system, on as many nodes")
    parser.add_argument("--logs", action="store_true", help="play only who writes or reads logs, on two nodes or more")
    parser.add_argument(
        "--overlaps",
        action="store_true",
        help="the commits of each node overlap (otherwise: in most runs on PostgreSQL)",
    )
    parser.add_argument("--meeting", action="store_true", help="play only those whose calls meet, on one such node")
    parser.add_argument("--keep-going", action="store_true", help="play on after a failure")
    parser.add_argument(
        "--store", default="sqlite", choices=("sqlite", "postgres"), help="of one node (default: sqlite)"
    )
    given = parser.parse_args()
    playing.STORE = given.store
    total, failed, began, told = Played(given.seed), 0, time.monotonic(), 0.0
    sums: Counter[str] = Counter()
    for number, seed in enumerate(range(given.seed, given.seed + given.count), 1):
        nodes = given.nodes[seed % len(given.nodes)]
        named = {"orders": given.orders, "logs": given.logs, "overlaps": given.overlaps, "meeting": given.meeting}
        played = play(seed, nodes, **named)
        sums.update(played.faults)
        total.steps, total.commits = total.steps + played.steps, total.commits + played.commits
        if played.problem:
            failed += 1
            options = [f"--{name}" for name, wanted in named.items() if wanted]
            options += [f"--nodes {nodes}"] * (nodes > 1) + [f"--store {given.store}"] * (given.store != "sqlite")
            _tell(played, options)
        if given.trace is not None and (played.problem or not failed):
            given.trace.write_text("\n".join([*played.trace, played.problem]))
        if failed and not given.keep_going:
            break
        now = time.monotonic()
        if now - told > EVERY_S or number == given.count:
            told = now
            _line(number, failed, total, sums, now - began)
    _line(number, failed, total, sums, time.monotonic() - began)
    for fault, count in sorted(sums.items()):
        _say(f"  {fault:22} {count:9,}")
    return 1 if failed else 0


def _line(number: int, failed: int, total: Played, sums: Counter[str], seconds: float) -> None:
    _say(
        f"{number:,} seeds, {number / seconds:.1f}/s, {total.steps:,} steps, {total.commits:,} commits, "
        f"{sum(sums.values()):,} faults, {failed} failed, {seconds:.0f} s",
    )


def _nodes(text: str) -> list[int]:
    numbers = [int(one) for one in text.split(",")]
    if not all(1 <= one <= NODES_MAX for one in numbers):
        raise argparse.ArgumentTypeError(f"1 to {NODES_MAX} nodes can be played")
    return numbers


def _tell(played: Played, options: list[str]) -> None:
    _say(f"\nseed {played.seed} breaks a law:\n{played.problem}\n")
    shown = played.trace if len(played.trace) <= TRACE_LINES else ["...", *played.trace[-TRACE_LINES:]]
    _say("\n".join(shown))
    more = f" ARGS='{' '.join(options)}'" if options else ""
    _say(f"\nAgain: make simulate SEED={played.seed} COUNT=1{more}; the whole trace: --trace FILE\n")


if __name__ == "__main__":
    sys.exit(main())
