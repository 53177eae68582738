"""How many orders an hour one database takes, and what they cost: the order system, real invoices, any store and number of nodes.

    python -m bench.replay                           SQLite, one node
    python -m bench.replay --database URL --nodes 2  PostgreSQL
    python -m bench.replay --orders 300 --json FILE

Beside the rate it tells the processor seconds of each order by who used them: nodes, function workers, partners, the replay,
the database. What is busy all the time is the limit; the others say what comes after it.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from bench import report
from bench.client import Connection
from bench.servers import Server

SAMPLE = Path(__file__).parents[1] / "apps" / "orders" / "data" / "online_retail_sample.csv"
WARM = 20
READY_S_MAX = 100


def main() -> None:
    """Replay twice: some orders to warm up, then those that are measured."""
    parser = argparse.ArgumentParser(
        prog="bench.replay", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--orders", type=int, default=200)
    parser.add_argument("--database", metavar="URL")
    parser.add_argument("--nodes", type=int, default=1)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    server = Server("up", database=given.database, nodes=given.nodes)
    with server as port:
        asyncio.run(_deployed(port))
        _replay(port, WARM, 2)
        commits, before = _commits(given.database), used(server)
        begin = time.monotonic()
        _replay(port, given.orders, 1)
        seconds = time.monotonic() - begin
        spent = {name: seconds_ - before.get(name, 0.0) for name, seconds_ in used(server).items()}
        commits = _commits(given.database) - commits
    found: dict[str, Any] = {
        "facts": report.machine(),
        "nodes": given.nodes,
        "store": "PostgreSQL" if given.database else "SQLite",
        "orders": given.orders,
        "seconds": round(seconds, 1),
        "orders an hour": round(given.orders / seconds * 3600),
        "processor ms an order": {name: round(value / given.orders * 1000, 1) for name, value in spent.items()},
        "cores busy": round(sum(spent.values()) / seconds, 2),
        "commits an order": round(commits / given.orders, 1),
    }
    text = json.dumps(found, indent=1)
    sys.stdout.write(text + "\n")
    if given.json:
        given.json.write_text(text)


async def _deployed(port: int) -> None:
    client = await Connection(port).open()
    for _ in range(READY_S_MAX * 10):
        _, answer = await client.call(b"GET /_interstate/health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        if json.loads(answer)["deployed"]:
            return
        await asyncio.sleep(0.1)
    raise SystemExit("the order system is not deployed")


def _replay(port: int, orders: int, seed: int) -> None:
    words = [
        "replay",
        str(SAMPLE),
        "--sample",
        str(orders),
        "--seed",
        str(seed),
        "--endpoint-url",
        f"http://127.0.0.1:{port}",
    ]
    done = subprocess.run(
        [str(Path(sys.executable).parent / "orders"), *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"the replay ended with {done.returncode}: {(done.stdout + done.stderr)[-800:]}")


def used(server: Server) -> dict[str, float]:
    """Processor seconds so far, by who used them: the nodes, what they started, and PostgreSQL."""
    found: dict[str, float] = defaultdict(float)
    nodes = {process.pid for process in server.processes}
    parents: dict[int, int] = {}
    times: dict[int, float] = {}
    names: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            tail = (folder / "stat").read_text().rpartition(") ")[2]
            names[int(folder.name)] = (folder / "cmdline").read_text().replace("\0", " ")
        except OSError:
            continue
        fields, pid = tail.split(), int(folder.name)
        parents[pid] = int(fields[1])
        times[pid] = (sum(map(int, fields[11:15] if pid not in nodes else fields[11:13]))) / os.sysconf("SC_CLK_TCK")
    for pid, seconds in times.items():
        above = pid
        while above in parents and above not in nodes:
            above = parents[above]
        if pid in nodes:
            found["nodes"] += seconds
        elif above in nodes:
            found["partners" if "partners" in names[pid] else "functions"] += seconds
        elif names[pid].startswith("postgres:"):
            found["database"] += seconds
    return found


def _commits(database: str | None) -> int:
    if database is None:
        return 0
    import psycopg

    with psycopg.connect(database) as connection:
        row = connection.execute("SELECT sum(xact_commit) FROM pg_stat_database").fetchone()
        return int(row[0]) if row else 0


if __name__ == "__main__":
    main()
