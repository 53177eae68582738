"""``interstate why``: what became of an event, an execution, a message or an order."""

import json
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from interstate.cli import options
from interstate.cli.client import control

WIDTH_MAX = 2_000
"""Columns where the output is no terminal: lines stay whole."""

Region = Annotated[str, typer.Option(help="Region of the bus or queue.")]
Account = Annotated[str, typer.Option(help="Account of the bus or queue.")]
REGION, ACCOUNT = "us-east-1", "000000000000"
Json = Annotated[bool, typer.Option("--json", help="The whole answer as JSON.")]


def console() -> Any:
    """Where trees and tables go: as wide as the terminal, and wide where there is none."""
    from rich.console import Console  # noqa: PLC0415 other commands need not wait for it

    found = Console(highlight=False)
    return found if found.is_terminal else Console(highlight=False, width=WIDTH_MAX)


def why(
    asked: Annotated[
        str,
        typer.Argument(
            metavar="ID",
            help="An event's or a message's id, an execution's ARN, or a text such as an order's number.",
            show_default=False,
        ),
    ],
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    as_json: Json = False,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Tell why something arrived, waits or failed: rules, deliveries, executions and messages in one answer."""
    query = {"id": asked, "region": region, "account": account}
    found = control(endpoint_url, "GET", f"why?{urlencode(query)}")
    while not found["answers"] and "next" in found:  # A long log is searched in parts.
        found = control(endpoint_url, "GET", f"why?{urlencode({**query, 'after': found['next']})}")
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    show(found)


def show(found: dict[str, Any]) -> None:
    """Print the answers as trees."""
    from interstate.cli.answers import instant, tree  # noqa: PLC0415 see above

    out = console()
    for answer in found["answers"]:
        out.print(tree(answer))
    for further in found.get("furtherEvents", ()):
        typer.echo(
            f"also: {instant(further['receivedAt'])}  {further['id']}  {further['source']}  {further['detail-type']}"
        )
    for note in found.get("notes", ()):
        typer.echo(note)
