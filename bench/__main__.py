"""Measure a server, and peers beside it: the design's table, pinned to one core and unpinned, as medians of several runs.

    python -m bench                              all scenarios, three runs each
    python -m bench sqs events --runs 1          those whose name begins so, once
    python -m bench --peer ministack             the same scenarios on a peer in the same run, with the ratio
    python -m bench --database URL --nodes 2     PostgreSQL; connections go to the nodes in turn
    python -m bench sqs-send --profile           where the time goes, by function
    python -m bench --json out.json              the figures as JSON
    python -m bench --merge a.json b.json        parts that were measured apart, as one table

The load runs in this process, on another core than a pinned server. Nothing here is a test: figures depend on the
machine, ratios between two servers on one machine are what counts. Peers (``make bench-peers`` installs them) keep
everything in memory. They get the same work, and a figure of theirs is cut after PEER_S_MAX seconds, because some of them take
minutes for all of it: then the rate over what was done is told, with how much that was. Where the cost of a call grows with what
is there, that is kind to who was cut. A fifth of the work is theirs only where a figure is a time that does not depend on it
(``Scenario.peer_scale``). JSON tells also what the first fifth alone would have shown.
"""

import argparse
import asyncio
import json
import os
import pstats
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench import report, scenarios, servers
from bench.client import LIMIT, spread
from bench.report import Report
from bench.servers import Server

PEER_S_MAX = 20
SCENARIO_S_MAX = 100
PEER_SCENARIO_S_MAX = 200
SHOWN = 30

Figures = list[tuple[str, float, str, float]]


def main() -> None:
    """Measure what was asked for, and print it."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # So that servers are ended, too.
    if arguments.merge:
        found = report.merged(json.loads(path.read_text()) for path in arguments.merge)
    else:
        found = Report(_facts(arguments), arguments.peer)
        _say("  ".join(f"{name} {value}" for name, value in found.facts.items()))
        for setting, cpus, ours in _settings(arguments.pinned, arguments.unpinned):
            os.sched_setaffinity(0, ours)
            for scenario in _chosen(arguments.names):
                _measure(scenario, setting, cpus, found, arguments)
    _say("\n" + "\n".join(found.lines()))
    if arguments.json:
        arguments.json.write_text(json.dumps(found.document(), indent=1))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add = parser.add_argument
    add("names", nargs="*", help="scenarios whose name begins so; default: all")
    add("--peer", action="append", default=[], choices=servers.PEERS, help="measure it beside; may be given twice")
    add("--runs", type=int, default=3, help="of each scenario; medians are shown (default: 3)")
    add("--memory", action="store_true", help="keep the server's state in memory")
    add("--database", metavar="URL", help="keep it in PostgreSQL: the URL of a server's maintenance database")
    add("--nodes", type=int, default=1, help="so many share the database")
    add("--json", metavar="FILE", type=Path, help="write the figures there too")
    add("--merge", metavar="FILE", type=Path, nargs="+", help="measure nothing: show these results as one table")
    add("--quick", action="store_true", help="a tenth of the work")
    add("--profile", action="store_true", help="profile the server, and show where the time goes")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--pinned", action="store_true", help="only with the server on one core and the load on another")
    where.add_argument("--unpinned", action="store_true", help="only with all cores for both")
    return parser


def _facts(arguments: argparse.Namespace) -> dict[str, Any]:
    store = "memory" if arguments.memory else "PostgreSQL" if arguments.database else "SQLite"
    facts = {**report.machine(), "store": store, "nodes": arguments.nodes, "runs": arguments.runs}
    return facts | {name: servers.version_of(name) for name in arguments.peer}


def _chosen(names: list[str]) -> list[Any]:
    return [one for one in scenarios.ALL if not names or any(one.name.startswith(name) for name in names)]


def _settings(pinned: bool, unpinned: bool) -> Iterator[tuple[str, set[int] | None, set[int]]]:  # noqa: FBT001 options
    """Name, the server's cores, and ours."""
    cores = sorted(os.sched_getaffinity(0))
    if not unpinned:
        if len(cores) > 1:
            yield "1 core", {cores[0]}, {cores[-1]}
        else:
            _say("one core only: the pinned run is left out")
    if not pinned:
        yield f"{len(cores)} cores", None, set(cores)


def _measure(scenario: Any, setting: str, cpus: set[int] | None, found: Report, arguments: argparse.Namespace) -> None:
    scale = 0.1 if arguments.quick else 1.0
    names: list[str] = []
    for _ in range(1 if arguments.profile else arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            profile = Path(folder) / "profile" if arguments.profile else None
            server = Server(
                scenario.command, memory=arguments.memory, cpus=cpus, database=arguments.database, nodes=arguments.nodes,
                profile=profile,
            )  # fmt: skip
            figures = _run(scenario, server, scale, SCENARIO_S_MAX)
            if profile is not None:
                _show(scenario.name, profile)
        found.add(setting, "interstate", figures)
        names = [name for name, *_ in figures]
        _tell(setting, "interstate", figures)
        for peer in arguments.peer:
            _run_peer(scenario, peer, setting, cpus, found, names, scale)


def _run(scenario: Any, server: Any, scale: float, seconds_max: float) -> Figures:
    if getattr(scenario, "lives", False):
        try:
            figures: Figures = scenario.run(server, scale)
        finally:
            server.__exit__(None, None, None)
        return figures
    with server as port:
        spread(getattr(server, "ports", ()))
        return _named(asyncio.run(asyncio.wait_for(scenario.run(port, scale), seconds_max)))


def _named(figures: Figures) -> Figures:
    """ "  its p99" belongs to the figure before it."""
    found: Figures = []
    for name, *more in figures:
        whole = f"{found[-1][0].removesuffix(', p50')}, {name.split()[-1]}" if name.startswith("  ") else name
        found.append((whole, *more))  # type: ignore[arg-type]  # value, unit, goal
    return found


def _run_peer(  # noqa: PLR0917 one run, with all that it depends on
    scenario: Any, peer: str, setting: str, cpus: set[int] | None, found: Report, names: list[str], scale: float
) -> None:
    if any(peer in row.cannot for (where, name), row in found.rows.items() if where == setting and name in names):
        return  # It could not the first time.
    if scenario.command != "serve" or getattr(scenario, "only", False):
        found.refuse(setting, peer, names, "needs what Interstate alone has")
        return
    part = getattr(scenario, "peer_scale", 1.0)
    LIMIT.seconds = None if getattr(scenario, "lives", False) else PEER_S_MAX
    LIMIT.shares.clear()
    try:
        figures = _run(scenario, servers.Peer(peer, cpus=cpus), scale * part, PEER_SCENARIO_S_MAX)
    except (Exception, SystemExit) as error:  # noqa: BLE001 whatever a peer does instead of answering
        reason = " ".join(f"{type(error).__name__}: {error}".split())[:160]
        found.refuse(setting, peer, names, reason)
        _say(f"{setting:8} {peer:11} {scenario.name}: cannot: {reason}")
        return
    finally:
        spread(())
        LIMIT.seconds = None
    found.add(setting, peer, figures)
    found.share(setting, peer, {name: {"part": part, **LIMIT.shares.get(name, {})} for name, *_ in figures})
    _tell(setting, peer, figures)


def _tell(setting: str, subject: str, figures: Figures) -> None:
    for name, value, unit, _ in figures:
        _say(f"{setting:8} {subject:11} {name:58} {value:12,.2f} {unit}")


def _show(name: str, profile: Path) -> None:
    _say(f"\n{name}: functions by their own time (cProfile makes Python calls dearer than they are: shares count)")
    pstats.Stats(str(profile)).sort_stats("tottime").print_stats(SHOWN)


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
