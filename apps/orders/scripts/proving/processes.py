"""Looking for free ports, and for processes that outlived the one that started them."""

import os
import random
import socket
import time
from collections.abc import Iterator
from pathlib import Path

ORPHANS_S_MAX = 10.0
POLL_S = 0.1


def descendants(pid: int) -> Iterator[int]:
    """Every process below this one (Linux; elsewhere none are found)."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    waiting = list(children.get(pid, ()))
    while waiting:
        child = waiting.pop()
        yield child
        waiting += children.get(child, ())


def survivors(family: list[int]) -> list[int]:
    """Those of a family that do not end by themselves, a while after their server did."""
    ends = time.monotonic() + ORPHANS_S_MAX
    while time.monotonic() < ends:
        family = [pid for pid in family if alive(pid)]
        if not family:
            return []
        time.sleep(POLL_S)
    return family


def alive(pid: int) -> bool:
    """Whether it runs, and is not only waiting to be buried."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def memory_mib(pid: int) -> float:
    """What a process holds in memory by itself (Linux)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    return 0.0


def cpu_s(pid: int) -> float:
    """What a process has computed by itself (Linux)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def ran_and_waited_s(pid: int) -> tuple[float, float]:
    """How long a process's first thread has computed, and how long it was ready to and had no processor (Linux; elsewhere 0, 0)."""
    try:
        ran, waited, _ = Path(f"/proc/{pid}/schedstat").read_text().split()
    except (OSError, ValueError):
        return 0.0, 0.0
    return int(ran) / 1e9, int(waited) / 1e9


def free_ports(count: int) -> list[int]:
    """Ports below those that systems give out by themselves: a killed server's port must wait for it."""
    ports: set[int] = set()
    while len(ports) < count:
        port = random.SystemRandom().randint(15_000, 29_999)
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            continue
        ports.add(port)
    return sorted(ports)
