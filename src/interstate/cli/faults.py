"""``interstate faults add | list | clear``: make things fail, by resource, rate and seed."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.starting import fail

app = typer.Typer(no_args_is_help=True, help="Make calls fail, wait or lose their answer: error, throttle, latency.")


@app.command()
def add(
    target: Annotated[
        str, typer.Argument(help="service:name, e.g. lambda:ProcessPayment, sqs:SendMessage, dynamodb:Orders, sqs:*")
    ],
    error: Annotated[
        str | None, typer.Option(help="Timeout, Throttle, Error, or any code (ConditionalCheckFailedException).")
    ] = None,
    rate: Annotated[str, typer.Option(help="Share of the calls that are hit: 20% or 0.2.")] = "100%",
    latency: Annotated[int, typer.Option(metavar="MS", help="Wait so many milliseconds first.")] = 0,
    lost: Annotated[bool, typer.Option("--lost-answer", help="Carry the call out, and lose its answer.")] = False,
    seed: Annotated[int, typer.Option(help="Which calls are hit.")] = 0,
    times: Annotated[int | None, typer.Option(help="Stop after so many hits.")] = None,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
) -> None:
    """Add a rule; it holds until it is cleared, also over a restart."""
    wanted = {
        "target": target,
        "error": error,
        "rate": _share(rate),
        "latencyMs": latency,
        "lost": lost,
        "seed": seed,
        "left": times,
    }
    found = control(
        endpoint_url, "POST", "faults", {name: value for name, value in wanted.items() if value is not None}
    )
    typer.echo(f"Fault {found['number']} on {target}. 'interstate faults clear {found['number']}' ends it.")


@app.command("list")
def list_faults(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Show the rules, and how many calls each has seen and hit."""
    rules = control(endpoint_url, "GET", "faults")["faults"]
    if not rules:
        typer.echo("No faults. 'interstate faults add lambda:ProcessPayment --error Timeout --rate 20%' makes one.")
        return
    table = Table("fault", "target", "does", "rate", "seed", "seen", "hit", box=None)
    for rule in rules:
        table.add_row(
            str(rule["number"]),
            rule["target"],
            rule["does"],
            f"{rule.get('rate', 1.0):.0%}",
            str(rule.get("seed", 0)),
            str(rule["seen"]),
            str(rule["hits"]),
        )
    Console().print(table)


@app.command()
def clear(
    number: Annotated[int | None, typer.Argument(help="The fault to end; all when left out.")] = None,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
) -> None:
    """End one rule, or all."""
    name = "faults" if number is None else f"faults?number={number}"
    typer.echo(f"{control(endpoint_url, 'DELETE', name)['removed']} ended.")


def _share(text: str) -> float:
    try:
        return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        fail(f"The rate {text} is neither a share (0.2) nor a percentage (20%).")
