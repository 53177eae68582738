"""``interstate doctor``: what this machine has for a server, and what to do where it falls short."""

import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import typer

from interstate.cli import options
from interstate.cli.starting import DEFAULT_DATA
from interstate.config import DEFAULT_PORT

FILES_WANTED = 4096
PROCESSES_WANTED = 512
FREE_WANTED = 1 << 30
MEMORY_WANTED = 1 << 30
SYNC_SLOW_MS = 10.0

Level = Literal["ok", "note", "bad"]


class Finding(NamedTuple):
    """One line of the report; ``advice`` says what to do unless all is well."""

    level: Level
    what: str
    found: str
    advice: str = ""


def doctor(
    port: options.Port = DEFAULT_PORT,
    data: Annotated[Path, typer.Option(help="Directory whose disk is looked at.")] = DEFAULT_DATA,
    database: options.Database = None,
) -> None:
    """Look at ports, limits, disk, memory and interpreters; exit with 1 when a server could not run well."""
    checks: list[Callable[[], Finding]] = [
        _python,
        lambda: _port(port),
        _files,
        _processes,
        _memory,
        lambda: _space(data),
        lambda: _sync(data),
        lambda: _data(data),
        lambda: _program("node", "functions of runtime nodejs*"),
        lambda: _program("git", "nothing that runs; only for developing"),
    ]
    if database is not None:
        checks.append(lambda: _database(database))
    findings = [check() for check in checks]
    for finding in findings:
        mark = {"ok": "ok  ", "note": "note", "bad": "BAD "}[finding.level]
        typer.echo(f"{mark}  {finding.what:<12} {finding.found}")
        if finding.advice:
            typer.echo(f"      {'':<12} {finding.advice}")
    if any(finding.level == "bad" for finding in findings):
        raise typer.Exit(1)


def _python() -> Finding:
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    if sys.platform == "win32":
        return Finding("bad", "python", found, "Use Linux, WSL or macOS.")
    if sys.platform != "linux":
        return Finding(
            "note", "python", found, "Functions run with our own runtime client here; memory limits are not enforced."
        )
    return Finding("ok", "python", found)


def _port(port: int) -> Finding:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            return Finding(
                "bad", "port", f"{port} cannot be used: {error.strerror}", "Stop what listens there, or choose --port."
            )
    return Finding("ok", "port", f"{port} is free")


def _files() -> Finding:
    import resource  # noqa: PLC0415 there is none on Windows

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    found = f"{soft} open files (may be raised to {hard})"
    if soft < FILES_WANTED:
        return Finding("note", "limits", found, f"For many connections: ulimit -n {FILES_WANTED}")
    return Finding("ok", "limits", found)


def _processes() -> Finding:
    import resource  # noqa: PLC0415 as above

    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    if soft == resource.RLIM_INFINITY or soft >= PROCESSES_WANTED:
        return Finding("ok", "processes", "as many as functions need")
    return Finding(
        "note", "processes", f"{soft} at most", f"Each function that runs is one: ulimit -u {PROCESSES_WANTED}"
    )


def _memory() -> Finding:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):
        return Finding("note", "memory", "not known on this system")
    found = f"{free / 2**30:.1f} GiB free"
    if free < MEMORY_WANTED:
        return Finding("note", "memory", found, "Run fewer functions at once: --workers 4")
    return Finding("ok", "memory", found)


def _nearest(path: Path) -> Path:
    path = path.resolve()
    while not path.exists():
        path = path.parent
    return path


def _space(data: Path) -> Finding:
    folder = _nearest(data)
    free = shutil.disk_usage(folder).free
    found = f"{free / 2**30:.1f} GiB free for {data}"
    if not os.access(folder, os.W_OK):
        return Finding("bad", "disk", f"{folder} cannot be written to", "Choose another --data directory.")
    if free < FREE_WANTED:
        return Finding("note", "disk", found, "A full disk refuses writes; nothing that was acknowledged is lost.")
    return Finding("ok", "disk", found)


def _sync(data: Path) -> Finding:
    times = []
    try:
        with tempfile.NamedTemporaryFile(dir=_nearest(data)) as file:
            for _ in range(50):
                file.write(b"x" * 4096)
                file.flush()
                begin = time.perf_counter()
                os.fsync(file.fileno())
                times.append((time.perf_counter() - begin) * 1000)
    except OSError as error:
        return Finding("bad", "disk sync", f"failed: {error.strerror}", "Choose another --data directory.")
    median = statistics.median(times)
    found = f"{median:.2f} ms for 4 KiB (median of 50, worst {max(times):.1f} ms)"
    if median > SYNC_SLOW_MS:
        return Finding(
            "note",
            "disk sync",
            found,
            "A lone call waits at least so long. --memory waits for no disk, and keeps nothing.",
        )
    return Finding("ok", "disk sync", found)


def _data(data: Path) -> Finding:
    from interstate.store.sqlite.damage import Damaged, refuse_damage  # noqa: PLC0415 only where there is something to look at
    from interstate.store.sqlite.engine import DataDirectoryInUse, lock_directory  # noqa: PLC0415

    if not (data / "interstate.db").exists():
        return Finding("ok", "data", f"none yet in {data}")
    try:
        lock = lock_directory(data)
    except (DataDirectoryInUse, OSError) as error:
        return Finding("note", "data", str(error))
    try:
        refuse_damage(data / "interstate.db")
    except (Damaged, OSError) as error:
        return Finding("bad", "data", str(error))
    finally:
        lock.close()
    size = sum(path.stat().st_size for path in data.glob("interstate.db*"))
    return Finding("ok", "data", f"{size / 2**20:.1f} MiB in {data}, whole")


def _program(name: str, purpose: str) -> Finding:
    path = shutil.which(name)
    if path is None:
        return Finding("note", name, "not found", f"Needed for {purpose}.")
    try:
        version = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True)  # noqa: S603 found on PATH
    except (OSError, subprocess.SubprocessError) as error:
        return Finding("note", name, f"does not run: {error}", f"Needed for {purpose}.")
    return Finding("ok", name, version.stdout.strip().splitlines()[0])


def _database(url: str) -> Finding:
    import psycopg  # noqa: PLC0415 only who asks for it waits for it

    try:
        with psycopg.connect(url, connect_timeout=5, autocommit=True) as connection:
            version = connection.info.server_version
            begin = time.perf_counter()
            for _ in range(20):
                connection.execute("SELECT 1")
            trip = (time.perf_counter() - begin) / 20 * 1000
            settings = {
                name: connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
                for name in ("fsync", "full_page_writes", "max_connections")
            }
    except psycopg.Error as error:
        return Finding(
            "bad", "database", f"cannot be reached: {str(error).strip()}", "Check the URL, and that PostgreSQL runs."
        )
    found = f"PostgreSQL {version // 10000}, {trip:.2f} ms a round trip"
    if version < 160000:
        return Finding("bad", "database", found, "Version 16 or newer is needed.")
    off = [name for name in ("fsync", "full_page_writes") if settings[name] == ("off",)]
    if off:
        return Finding(
            "bad",
            "database",
            f"{found}, {' and '.join(off)} off",
            "What was acknowledged would not survive a power loss.",
        )
    (connections,) = settings["max_connections"] or ("0",)
    return Finding("ok", "database", f"{found}, {connections} connections (each node needs 4)")
