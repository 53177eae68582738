"""``interstate mail``: the local mailbox of mails, short messages and pushes."""

from typing import Any
from urllib.parse import urlencode

import typer

from interstate.cli import options
from interstate.cli.client import control

app = typer.Typer(no_args_is_help=True, help="Read mails, short messages and pushes that did not leave this machine.")

_REGION = typer.Option("us-east-1", help="Region whose mailbox you want to see.")
_ACCOUNT = typer.Option("000000000000", help="Account whose mailbox you want to see.")


@app.command("list")
def list_(
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    to: str | None = typer.Option(None, help="Only what was sent to this address or number."),
    limit: int = typer.Option(50, min=1, max=1000, help="At most so many, the oldest first."),
    after: int = typer.Option(0, min=0, help="Only what came after the letter of this number."),
    region: str = _REGION,
    account: str = _ACCOUNT,
) -> None:
    """List letters: number, time, protocol, recipient, subject or first words."""
    query: dict[str, Any] = {"region": region, "account": account, "limit": limit, "after": after}
    if to is not None:
        query["recipient"] = to
    found = control(endpoint_url, "GET", f"mailbox?{urlencode(query)}")
    for mail in found["mails"]:
        words = mail["subject"] or " ".join(mail["body"].split())[:60]
        typer.echo(f"{mail['id']:>6}  {mail['at'][:19]}  {mail['protocol']:<11}  {mail['recipient']:<30}  {words}")
    if "next" in found:
        typer.echo(f"There are more: interstate mail list --after {found['next']}")
    if not found["mails"]:
        typer.echo("There are no letters.")


@app.command("show")
def show(
    number: int = typer.Argument(min=1, help="The letter's number, as 'interstate mail list' shows it."),
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: str = _REGION,
    account: str = _ACCOUNT,
) -> None:
    """Show one letter."""
    query = urlencode({"region": region, "account": account, "limit": 1, "after": number - 1})
    found = control(endpoint_url, "GET", f"mailbox?{query}")["mails"]
    if not found or found[0]["id"] != number:
        typer.echo(f"interstate: there is no letter {number}.", err=True)
        raise typer.Exit(1)
    mail = found[0]
    for name in ("at", "protocol", "recipient", "subject", "messageId", "topic"):
        if mail[name]:
            typer.echo(f"{name + ':':<11} {mail[name]}")
    typer.echo(f"\n{mail['body']}")
