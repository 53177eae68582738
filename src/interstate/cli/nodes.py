"""``interstate nodes``: who shares the database, and what each one does."""

from typing import Any

import typer

from interstate.cli import options
from interstate.cli.client import control


def nodes(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Show the nodes that share the database: number, host and process, role, lease, clock and work."""
    found = control(endpoint_url, "GET", "nodes")
    if not found["nodes"]:
        typer.echo(f"{endpoint_url} has a store of its own: there are no other nodes.")
        return
    for line in table(found):
        typer.echo(line)


def table(found: dict[str, Any]) -> list[str]:
    """One line a node; the one that answered has a star."""
    rows = [("node", "host and process", "address", "role", "lease", "clock", "work")]
    rows += [
        (
            f"{node['number']}{'*' if node['number'] == found['number'] else ''}",
            node["name"],
            node["address"],
            node["role"],
            f"{node['leaseMs'] / 1000:.1f} s" if node["alive"] else "ended",
            f"{node['clockSkewMs']:+.1f} ms",
            f"{node['effectsInFlight']} effects in flight",
        )
        for node in found["nodes"]
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
