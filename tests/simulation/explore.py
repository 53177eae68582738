"""``python -m tests.simulation.explore --seed 7 --count 1000``: play seeds that nobody played before.

A line tells how it goes; the first seed that breaks a law is told with its trace, and the exit code is 1.
"""

import argparse
import sys
import time
from collections import Counter
from pathlib import Path

from tests.simulation.playing import Played, play

TRACE_LINES = 60
EVERY_S = 5.0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> int:
    """Play, and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--nodes", type=int, default=1, help="more than one: on a PostgreSQL of their own")
    parser.add_argument("--trace", type=Path, help="write the whole trace of the first failure here")
    parser.add_argument("--keep-going", action="store_true")
    given = parser.parse_args()
    total, failed, began, told = Played(given.seed), 0, time.monotonic(), 0.0
    sums: Counter[str] = Counter()
    for number, seed in enumerate(range(given.seed, given.seed + given.count), 1):
        played = play(seed, given.nodes)
        sums.update(played.faults)
        total.steps, total.commits = total.steps + played.steps, total.commits + played.commits
        if played.problem:
            failed += 1
            _tell(played, given.nodes, given.trace)
            if not given.keep_going:
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


def _tell(played: Played, nodes: int, where: Path | None) -> None:
    _say(f"\nseed {played.seed} breaks a law:\n{played.problem}\n")
    shown = played.trace if len(played.trace) <= TRACE_LINES else ["...", *played.trace[-TRACE_LINES:]]
    _say("\n".join(shown))
    if where is not None:
        where.write_text("\n".join(played.trace))
    more = f" ARGS='--nodes {nodes}'" if nodes > 1 else ""
    _say(f"\nAgain: make simulate SEED={played.seed} COUNT=1{more}; the whole trace: --trace FILE\n")


if __name__ == "__main__":
    sys.exit(main())
