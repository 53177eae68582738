"""Figures of several runs as medians, beside a peer's with their ratio, as a table and as JSON."""

import os
import platform
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CANNOT = "cannot"


@dataclass
class Row:
    """One figure of one subject (``interstate``, ``ministack``) in one setting (``1 core``, ``2 cores``)."""

    setting: str
    name: str
    unit: str
    goal: float
    values: dict[str, list[float]] = field(default_factory=dict)
    cannot: dict[str, str] = field(default_factory=dict)
    shares: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """By peer, of each run: its part of the work, and (of loads) how much of that was asked and done, and in what time it was cut."""

    def told_share(self, peer: str) -> str:
        """What a reader must know of the peer's work: that it was cut, or that it had less."""
        shares = self.shares.get(peer, ())
        if cuts := [one for one in shares if one.get("cut_after_s")]:
            least = min(cuts, key=lambda one: one["done"])
            return f" (cut after {least['cut_after_s']:g} s: {least['done']:,.0f} of {least['asked']:,.0f})"
        part = min((one["part"] for one in shares), default=1.0)
        return "" if part == 1 else f" (with {part:g} of the work)"

    @property
    def falls(self) -> bool:
        """Whether less is better."""
        return not self.unit.endswith("/s")

    def median(self, subject: str) -> float | None:
        found = self.values.get(subject)
        return statistics.median(found) if found else None

    def ratio(self, peer: str, ours: str = "interstate") -> float | None:
        """How many times better we are; None where one of the two has no figure."""
        mine, theirs = self.median(ours), self.median(peer)
        if not mine or not theirs:
            return None
        return theirs / mine if self.falls else mine / theirs

    def share(self, ours: str = "interstate") -> float | None:
        """Our figure against the design's goal; 1 and more is there."""
        mine = self.median(ours)
        if not mine or not self.goal:
            return None
        return self.goal / mine if self.falls else mine / self.goal


class Report:
    """All rows, in the order in which they were measured first."""

    def __init__(self, facts: dict[str, Any], peers: Iterable[str]) -> None:
        self.facts = facts
        self.peers = tuple(peers)
        self.rows: dict[tuple[str, str], Row] = {}

    def add(self, setting: str, subject: str, figures: Iterable[tuple[str, float, str, float]]) -> None:
        """What one run of one scenario gave."""
        for name, value, unit, goal in figures:
            row = self.rows.setdefault((setting, name), Row(setting, name, unit, goal))
            row.values.setdefault(subject, []).append(value)

    def refuse(self, setting: str, subject: str, names: Iterable[str], why: str) -> None:
        """A scenario that a subject cannot do, by its figures' names."""
        for name in names:
            row = self.rows.get((setting, name))
            if row is not None and subject not in row.values:
                row.cannot[subject] = why

    def share(self, setting: str, peer: str, shares: dict[str, dict[str, Any]]) -> None:
        """How much of the work a peer had and did in one run, by figure."""
        for name, share in shares.items():
            self.rows[setting, name].shares.setdefault(peer, []).append(share)

    def lines(self) -> list[str]:
        """The table, as Markdown."""
        heads = ["", "what", "Interstate", "goal", *(f"{name}, ratio" for name in self.peers)]
        lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
        for row in self.rows.values():
            cells = [row.setting, row.name, _shown(row.median("interstate"), row.unit), _goal(row)]
            for peer in self.peers:
                ratio = row.ratio(peer)
                theirs = (row.cannot.get(peer) and CANNOT) or _shown(row.median(peer), row.unit)
                theirs += row.told_share(peer)
                cells.append(theirs if ratio is None else f"{theirs}, {ratio:.1f}x")
            lines.append("| " + " | ".join(cells) + " |")
        return lines

    def document(self) -> dict[str, Any]:
        """For JSON."""
        rows = [
            {
                "setting": row.setting,
                "name": row.name,
                "unit": row.unit,
                "goal": row.goal,
                "median": {name: row.median(name) for name in row.values},
                "runs": row.values,
                "ratio": {peer: row.ratio(peer) for peer in self.peers},
                "cannot": row.cannot,
                "shares": row.shares,
            }
            for row in self.rows.values()
        ]
        return {"facts": self.facts, "peers": list(self.peers), "figures": rows}


def merged(documents: Iterable[dict[str, Any]]) -> Report:
    """Several JSON results as one report: parts of the table, or more runs of the same."""
    report = Report({}, ())
    for document in documents:
        report.facts.update(document["facts"])
        report.peers = tuple(dict.fromkeys([*report.peers, *document["peers"]]))
        for one in document["figures"]:
            key = one["setting"], one["name"]
            row = report.rows.setdefault(key, Row(one["setting"], one["name"], one["unit"], one["goal"]))
            for subject, values in one["runs"].items():
                row.values.setdefault(subject, []).extend(values)
            row.cannot |= one["cannot"]
            for subject, shares in one.get("shares", {}).items():
                row.shares.setdefault(subject, []).extend(shares)
    return report


def _goal(row: Row) -> str:
    share = row.share()
    return "" if share is None else f"{_shown(row.goal, row.unit)} ({share:.1f}x)"


def _shown(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    number = f"{value:,.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2g}"
    return f"{number} {unit}"


# The machine ------------------------------------------------------------------------------------------------------------


def sync_ms() -> float:
    """How long the disk takes to make 4 KiB durable: the median of 100 times."""
    times = []
    with tempfile.NamedTemporaryFile(dir=Path.cwd()) as file:
        for _ in range(100):
            file.write(b"x" * 4096)
            file.flush()
            begin = time.perf_counter()
            (os.fdatasync if hasattr(os, "fdatasync") else os.fsync)(file.fileno())
            times.append(time.perf_counter() - begin)
    return sorted(times)[50] * 1e3


def machine() -> dict[str, Any]:
    """What figures depend on."""
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "commit": commit.stdout.strip() or "unknown",
        "python": platform.python_version(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "fdatasync_ms": round(sync_ms(), 3),
        "load_before": round(os.getloadavg()[0], 2),
    }


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    names = [line.partition(":")[2].strip() for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []  # fmt: skip
    return names[0] if names else platform.processor()
