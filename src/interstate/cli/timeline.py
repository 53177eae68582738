"""What an execution did, as lines for the terminal: a timeline, and where it stood at an event."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from rich.markup import escape
from rich.table import Table

from interstate.base.json import dumps
from interstate.base.time import parse_iso

COLOURS = {
    "succeeded": "green",
    "running": "blue",
    "failed": "red",
    "caught": "yellow",
    "aborted": "magenta",
    "SUCCEEDED": "green",
    "RUNNING": "blue",
    "FAILED": "red",
    "TIMED_OUT": "red",
    "ABORTED": "magenta",
}
_BAR = 20
_CAUSE_MAX = 160


def headline(found: Mapping[str, Any]) -> Iterator[str]:
    """Name, status, times, and how it ended."""
    colour = COLOURS.get(found["status"], "white")
    begun, ended = parse_iso(found["startDate"]), _end(found)
    machine = found["stateMachineArn"].rpartition(":")[2]
    took = span((ended - begun).total_seconds())
    yield (
        f"[bold]{escape(machine)}[/bold] / [bold]{escape(found['name'])}[/bold]  "
        f"[{colour}]{found['status']}[/{colour}]  started {begun:%Y-%m-%d %H:%M:%S}  took {took}  {found['events']} events"
    )
    if "restartedFrom" in found:
        source = found["restartedFrom"]
        yield f"restarted from {escape(source['execution'].rpartition(':')[2])} at {escape(source['state'])}"
    if "error" in found or "cause" in found:
        yield f"[red]{escape(str(found.get('error', '')))}[/red] {escape(_cut(found.get('cause', '')))}"


def timeline(found: Mapping[str, Any]) -> Table:
    """Each visit to a state: when, how long, how often it was tried, and its share of the whole as a bar."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for title, width in (("", 1), ("state", 24), ("start", 7), ("took", 6), ("tries", 5), ("", _BAR), ("", 1)):
        table.add_column(title, no_wrap=True, min_width=width)
    begun, ended = parse_iso(found["startDate"]), _end(found)
    whole = max((ended - begun).total_seconds(), 0.001)
    for visit in found["visits"]:
        table.add_row(*row(visit, begun, ended, whole))
    return table


def row(visit: Mapping[str, Any], begun: datetime, now: datetime, whole: float) -> list[str]:
    """One visit's cells."""
    colour = COLOURS[visit["status"]]
    entered = parse_iso(visit["enteredAt"])
    left = parse_iso(visit["endedAt"]) if "endedAt" in visit else now
    start, took = (entered - begun).total_seconds(), (left - entered).total_seconds()
    within = visit.get("within", [])
    place = f"[dim]{'  ' * len(within)}{escape(_index(within))}[/dim]" if within else ""
    tries = str(visit["attempts"]) if visit.get("attempts", 0) > 1 else ""
    said = escape(str(visit.get("error", "")))
    sign = {"succeeded": "✓", "running": "▶", "failed": "✕", "caught": "↷", "aborted": "■"}[visit["status"]]
    name = f"{place}{escape(visit['state'])} [dim]{visit['type']}[/dim]"
    bar = f"[{colour}]{_bar(start / whole, took / whole)}[/{colour}]"
    return [
        f"[{colour}]{sign}[/{colour}]",
        name,
        f"+{span(start)}",
        span(took),
        tries,
        bar,
        f"[{colour}]{said}[/{colour}]",
    ]


def data_lines(visit: Mapping[str, Any]) -> Iterator[str]:
    """Input and output of a visit."""
    place = " / ".join([*visit.get("within", []), visit["state"]])
    yield f"[bold]{escape(place)}[/bold] [dim](event {visit['event']})[/dim]"
    for name in ("input", "output"):
        if name in visit:
            yield f"  {name:<6} {escape(dumps(visit[name]))}"


def standing_lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Where an execution stood after an event."""
    event = found["event"]
    yield f"after event [bold]{event['id']}[/bold] {event['type']} at {event['timestamp']}: {found['status']}"
    if not found["standing"]:
        yield "no state was active"
    for one in found["standing"]:
        place = " / ".join([*one["within"], one["state"]])
        waits = f"waits for {one['waitsFor']}"
        tries = f", try {one['attempts']}" if one["attempts"] > 1 else ""
        yield f"[blue]▶[/blue] [bold]{escape(place)}[/bold] [dim]{one['type']}, since event {one['event']}[/dim]  {waits}{tries}"
        yield f"    input      {escape(dumps(one['input']))}"
        if one["variables"]:
            yield f"    variables  {escape(dumps(one['variables']))}"
        for answer in one["answers"]:
            rest = {name: value for name, value in answer.items() if name not in {"event", "type"}}
            yield f"    event {answer['event']:<4} {answer['type']} {escape(_cut(dumps(rest)))}"


def span(seconds: float) -> str:
    """A duration for people: ``250ms``, ``3.2s``, ``4m 05s``, ``2h 03m``, ``12d 4h``."""
    if seconds < 1:
        return f"{seconds * 1000:.0f}ms"
    if seconds < 60:
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}m {rest:02d}s"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h {minutes:02d}m"
    return f"{hours // 24}d {hours % 24}h"


def _end(found: Mapping[str, Any]) -> datetime:
    return parse_iso(found.get("stopDate") or found["now"])


def _bar(start: float, took: float) -> str:
    first = min(_BAR - 1, int(start * _BAR))
    length = max(1, min(_BAR - first, round(took * _BAR)))
    return " " * first + ("█" * length if took * _BAR >= 0.5 else "▏") + " " * (_BAR - first - length)


def _index(within: list[str]) -> str:
    return "[" + within[-1].rpartition("[")[2] + " "


def _cut(text: str) -> str:
    one_line = " ".join(str(text).split())
    return one_line if len(one_line) <= _CAUSE_MAX else one_line[:_CAUSE_MAX] + "…"
