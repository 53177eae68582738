"""How much of the machine a worker takes, read from the kernel while a call runs.

A system without ``/proc`` gives no figures; there only the limits that a process sets itself hold.
"""

import os
from collections.abc import Sequence

PROCESSES_MAX = 1024  # Source: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_COUNTED_MAX = 64  # Of the processes of a worker: looking at them takes time.
_MIB = 1 << 20
_READ_BYTES = 65_536
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def _read(path: str) -> bytes:
    """The whole file; it is read at every call of a function, so without the objects that ``open`` makes."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return b""
    found = b""
    try:
        while part := os.read(file, _READ_BYTES):  # Until the end: the kernel gives a page at a time.
            found += part
    except OSError:
        return b""
    finally:
        os.close(file)
    return found


def resident_mb(pid: int) -> int:
    """The memory that a process has in use now; 0 when there is no such process or no figure."""
    fields = _read(f"/proc/{pid}/statm").split()
    return int(fields[1]) * _PAGE_BYTES // _MIB if len(fields) > 1 else 0


def own_kb(pid: int) -> int | None:
    """The memory of a process, where what it shares with others is divided among them; None where there is no figure.

    It is dearer to ask for than ``resident_mb``: the kernel walks through all of its pages. Of many forked
    processes each has less than 1 MiB of its own, so it counts in KiB.
    """
    _, found, rest = _read(f"/proc/{pid}/smaps_rollup").partition(b"\nPss:")
    return int(rest.split(maxsplit=1)[0]) if found else None


def family_mb(pid: int, children: Sequence[int], limit_mb: int) -> int:
    """The memory of a process and of what it started; exact only above the limit.

    A forked child shares nearly all of its pages with its parent, and a sandbox counts each page once.
    """
    counted = children[:_COUNTED_MAX]
    own = resident_mb(pid)
    together = own + sum(map(resident_mb, counted))
    if together <= limit_mb or not counted:
        return together
    exact = ((child, own_kb(child)) for child in counted)
    return own + sum(resident_mb(child) * 1024 if kb is None else kb for child, kb in exact) // 1024


def peak_mb(pid: int) -> int:
    """The most memory that a process ever had in use; 0 when there is no figure."""
    _, found, rest = _read(f"/proc/{pid}/status").partition(b"VmHWM:")
    return int(rest.split(maxsplit=1)[0]) // 1024 if found else 0


def descendants(pid: int, enough: int = PROCESSES_MAX) -> list[int]:
    """The processes that a process has started, and theirs; looking ends when there are more than ``enough``."""
    found: list[int] = []
    looking = [pid]
    while looking and len(found) <= enough:
        one = looking.pop()
        children = [int(child) for child in _read(f"/proc/{one}/task/{one}/children").split()]
        found += children
        looking += children
    return found


def available_mb() -> int | None:
    """The memory that new processes can have without swapping; None when there is no figure."""
    _, found, rest = _read("/proc/meminfo").partition(b"MemAvailable:")
    return int(rest.split(maxsplit=1)[0]) // 1024 if found else None
