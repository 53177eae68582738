"""A server's life: how soon it answers, what it takes when idle, and how soon it goes on with 10,000 waiting executions."""

import asyncio
import json
import os
import time
from itertools import repeat
from pathlib import Path
from typing import Any

from bench.client import Connection, load, request

Figure = tuple[str, float, str, float]
WAITING = 10_000
IDLE_S = 3.0
ROLE = "arn:aws:iam::000000000000:role/bench"


def _answered(port: int) -> float:
    """Seconds until the first call is answered."""

    async def ask() -> None:
        while True:
            try:
                connection = await Connection(port).open()
            except OSError:
                await asyncio.sleep(0.002)
                continue
            await connection.json("sqs", "ListQueues", {})
            connection.close()
            return

    begin = time.perf_counter()
    asyncio.run(ask())
    return time.perf_counter() - begin


def memory_mib(pid: int) -> float:
    """What a process and its children keep in memory; 0 where the system does not tell."""
    total = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            fields = (folder / "stat").read_text().rpartition(") ")[2].split()
        except OSError:
            continue
        if int(folder.name) == pid or int(fields[1]) == pid:
            total += int(fields[21]) * os.sysconf("SC_PAGE_SIZE")
    return total / 2**20


def start(server: Any, _scale: float) -> list[Figure]:
    """An empty store, for which tables must be made, and then the same again."""
    port = server.start()
    first = _answered(port)
    time.sleep(IDLE_S)
    idle = memory_mib(server.processes[0].pid)
    for process in server.processes:
        process.terminate()
        process.wait(20)
    server.processes.clear()
    port = server.start()
    again = _answered(port)
    return [
        ("start to first answer, on an empty store", first, "s", 0),
        ("start to first answer", again, "s", 0.5),
        ("idle memory", idle, "MiB", 80),
    ]


def restart(server: Any, scale: float) -> list[Figure]:
    """Executions wait for an hour or for some seconds; the server is killed; when it is back, those whose time came end."""
    count = int(WAITING * scale)
    port = server.start()
    _answered(port)
    soon_s = asyncio.run(_begin(port, count))
    time.sleep(soon_s)
    server.kill()
    begin = time.perf_counter()
    port = server.start()
    answered = _answered(port)
    asyncio.run(_ended(port))
    return [
        (f"restart with {WAITING:,} waiting executions: first answer", answered, "s", 2),
        (f"restart with {WAITING:,} waiting executions: due work goes on", time.perf_counter() - begin, "s", 2),
    ]


async def _begin(port: int, count: int) -> float:
    client = await Connection(port).open()
    arns = []
    for name, seconds in (("long", 3600), ("short", 1)):
        definition = {"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": seconds, "End": True}}}
        body = {"name": name, "definition": json.dumps(definition), "roleArn": ROLE}
        arns.append((await client.json("states", "CreateStateMachine", body))["stateMachineArn"])
    begin = request("states", "StartExecution", {"stateMachineArn": arns[0], "input": "{}"}, port=port)
    result = await load(port, 16, repeat(begin, count))
    if result.errors:
        raise SystemExit(f"{result.errors} calls failed: {result.first_error}")
    soon = {"stateMachineArn": arns[1], "name": "soon"}
    await client.json("states", "StartExecution", soon)
    client.close()
    return 0.3  # It is killed before the short one ends, which is due when the server is back.


async def _ended(port: int) -> None:
    client = await Connection(port).open()
    arn = "arn:aws:states:us-east-1:000000000000:execution:short:soon"
    while (await client.json("states", "DescribeExecution", {"executionArn": arn}))["status"] == "RUNNING":
        await asyncio.sleep(0.01)
    client.close()
