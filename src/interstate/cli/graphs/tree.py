"""A machine as a tree in the terminal: states in their order, arrows to others, machines inside of states indented."""

from collections.abc import Iterator, Mapping
from typing import Any

from rich.markup import escape

from interstate.cli.graphs.layout import words_of
from interstate.cli.graphs.machine import Happened, Part, inner

_SIGNS = {
    "succeeded": ("✓", "green"),
    "running": ("▶", "blue"),
    "failed": ("✕", "red"),
    "caught": ("↷", "yellow"),
    "aborted": ("■", "magenta"),
}


def lines(part: Part, states: Mapping[str, Happened] | None = None) -> Iterator[str]:
    """The machine, line by line, in Rich's markup; with ``states`` also what happened in an execution."""
    yield "[bold]●[/bold]"
    yield from _part(part, states, "")


def _part(part: Part, states: Mapping[str, Happened] | None, indent: str) -> Iterator[str]:
    order = _order(part)
    for at, name in enumerate(order):
        state = part.states[name]
        yield f"{indent}{_head(name, state, states)}"
        machines = inner(state)
        for number, machine in enumerate(machines):
            if len(machines) > 1:
                yield f"{indent}│  [dim]branch {number + 1}[/dim]"
            yield from _part(machine, states, f"{indent}│  ")
        following = order[at + 1] if at + 1 < len(order) else None
        yield from _arrows(part, name, following, indent)


def _head(name: str, state: Mapping[str, Any], states: Mapping[str, Happened] | None) -> str:
    kind = escape(words_of(state))
    shown = f"[bold]{escape(name)}[/bold]  [dim]{kind}[/dim]"
    if states is None:
        return f"□ {shown}"
    one = states.get(name)
    if one is None:
        return f"[dim]· {escape(name)}  {kind}[/dim]"
    sign, colour = _SIGNS[one.status]
    times = f" [dim]{one.times}×[/dim]" if one.times > 1 else ""
    error = f" [{colour}]{escape(one.error)}[/{colour}]" if one.error else ""
    return f"[{colour}]{sign}[/{colour}] {shown}{times}{error}"


def _arrows(part: Part, name: str, following: str | None, indent: str) -> Iterator[str]:
    goes_down = False
    for arrow in part.arrows():
        if arrow.source != name:
            continue
        if arrow.target == following and arrow.kind == "next":
            goes_down = True
            continue
        line = "╌" if arrow.kind == "catch" else "─"
        words = f"[dim]{escape(arrow.label)}[/dim] " if arrow.label else ""
        yield f"{indent}├{line} {words}→ {escape(arrow.target)}"
    if goes_down:
        yield f"{indent}↓"
    elif part.ends(name):
        yield f"{indent}└─ ◉"


def _order(part: Part) -> list[str]:
    """States as they follow one another: ``Next`` first, then what choices and catchers lead to."""
    following: dict[str, list[str]] = {}
    for arrow in part.arrows():
        following.setdefault(arrow.source, []).append(arrow.target)
    found: dict[str, None] = {}
    left = [*reversed(list(part.states)), part.start]
    while left:
        name = left.pop()
        if name in found or name not in part.states:
            continue
        found[name] = None
        left += reversed(following.get(name, ()))
    return list(found)
