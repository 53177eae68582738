"""``interstate status``, ``env`` and ``reset``: small questions to a running server."""

import typer

from interstate.cli import options
from interstate.cli.client import control


def status(endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT) -> None:
    """Say whether a server runs, what is deployed, and how much work waits."""
    found = control(endpoint_url, "GET", "status")
    deployed = {None: "no template", True: "deployed", False: "deploying"}[found["deployed"]]
    if "deployError" in found:
        deployed = f"failed: {found['deployError']}"
    typer.echo(f"server   {endpoint_url}  version {found['version']}")
    typer.echo(f"clock    {found['clock']['now']}  {found['clock']['mode']}")
    typer.echo(f"template {deployed}")
    if "node" in found:
        living = sum(node["alive"] for node in found["node"]["nodes"])
        typer.echo(f"nodes    {living}; this is number {found['node']['number']} ('interstate nodes' shows them)")
    work = found["work"]
    typer.echo(
        f"work     {work['effectsInFlight']} effects in flight, {work['effectsWaiting']} waiting, "
        f"{work['stepsDueOrWaiting']} steps due or waiting"
    )
    if work["oldestDueSeconds"]:
        typer.echo(f"due      the oldest for {work['oldestDueSeconds']:.1f} s")
    else:
        comes = work["nextDueAt"]
        typer.echo("due      nothing" + ("" if comes is None else f" before {comes}"))


def env(
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: str = typer.Option("us-east-1", help="Region whose state you want to see."),
    account: str = typer.Option("000000000000", help="Account whose state you want to see."),
) -> None:
    """Print exports for a shell: eval "$(interstate env)" points the AWS CLI and SDKs here."""
    values = {
        "AWS_ENDPOINT_URL": endpoint_url,
        "AWS_DEFAULT_REGION": region,
        "AWS_REGION": region,
        "AWS_ACCESS_KEY_ID": account,
        "AWS_SECRET_ACCESS_KEY": "interstate",
    }
    for name, value in values.items():
        typer.echo(f"export {name}={value}")
    # Version 1 of the AWS CLI does not read AWS_ENDPOINT_URL for every service: it would call the real AWS.
    typer.echo('aws() { command aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"; }')


def reset(
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    yes: bool = typer.Option(False, "--yes", "-y", help="Do not ask."),
) -> None:
    """Forget everything that the server keeps."""
    if not yes:
        typer.confirm(f"Forget every resource, message, execution and item at {endpoint_url}?", abort=True)
    control(endpoint_url, "POST", "reset")
    typer.echo("Everything is forgotten. Deploy again with 'interstate deploy'.")
