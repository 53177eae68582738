"""``interstate clock``: look at business time, and move it."""

import typer

from interstate.cli import options
from interstate.cli.client import control

app = typer.Typer(no_args_is_help=True, help="Business time: every wait, retry, retention and timestamp follows it.")


def _say(shown: dict[str, str]) -> None:
    typer.echo(f"{shown['now']}  {shown['mode']}")


@app.command()
def show(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Print the instant and the mode."""
    _say(control(endpoint_url, "GET", "clock"))


@app.command()
def freeze(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Let time stand still; it moves by set, advance and run-until only."""
    _say(control(endpoint_url, "POST", "clock", {"mode": "frozen"}))


@app.command()
def real(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Let time run again, from where it stands."""
    _say(control(endpoint_url, "POST", "clock", {"mode": "real"}))


@app.command()
def skip(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Let time jump to whatever is due next, whenever nothing is running."""
    _say(control(endpoint_url, "POST", "clock", {"mode": "skip"}))


@app.command("set")
def set_(instant: str, endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Move to an instant (2026-12-24T18:00:00Z), doing all that is due on the way."""
    _say(control(endpoint_url, "POST", "clock", {"set": instant}))


@app.command()
def advance(duration: str, endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Let a duration pass (30m, 14d, 1h30m), doing all that is due on the way, in order."""
    _say(control(endpoint_url, "POST", "clock", {"advance": duration}))


@app.command("run-until")
def run_until(
    goal: str = typer.Argument("idle", help="idle, or an execution's ARN."),
    limit: str = typer.Option("400d", help="How far time may move."),
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
) -> None:
    """Let time jump from due work to due work until the goal is reached."""
    shown = control(endpoint_url, "POST", "clock", {"runUntil": goal, "limit": limit})
    _say(shown)
    if not shown["reached"]:
        typer.echo(f"interstate: {goal} was not reached within {limit}.", err=True)
        raise typer.Exit(1)
