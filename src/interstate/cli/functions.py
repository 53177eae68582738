"""``interstate functions``: which there are, a call by hand, a log as it grows."""

import base64
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from interstate.cli import options
from interstate.cli.aws import Aws
from interstate.cli.client import control

app = typer.Typer(no_args_is_help=True, help="Functions: what there is, a call by hand, their logs.")

Region = Annotated[str, typer.Option(help="Region of the function.")]
Account = Annotated[str, typer.Option(help="Account of the function.")]
Name = Annotated[str, typer.Argument(help="The function's name or ARN; a qualifier may follow.", show_default=False)]
_REGION, _ACCOUNT = "us-east-1", "000000000000"
_WAIT_S = 45


@app.command("list")
def list_(
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """List functions: runtime, memory, time limit, when they were changed."""
    functions = Aws("lambda", endpoint_url, region, account)
    more: dict[str, Any] = {}
    while True:
        page = functions.call("list_functions", **more)
        if not more and not page["Functions"]:
            typer.echo("There are no functions.")
            return
        if not more:
            typer.echo(f"{'runtime':<16} {'memory':>8} {'timeout':>8}  {'changed':<19}  function")
        for one in page["Functions"]:
            limits = f"{one['MemorySize']:>5} MB {one['Timeout']:>6} s"
            typer.echo(f"{one['Runtime']:<16} {limits}  {one['LastModified'][:19]:<19}  {one['FunctionName']}")
        if "NextMarker" not in page:
            return
        more = {"Marker": page["NextMarker"]}


@app.command()
def invoke(
    name: Name,
    payload: Annotated[
        str, typer.Argument(help="The event as JSON; @FILE reads it from a file, - from standard input.")
    ] = "{}",
    event: Annotated[bool, typer.Option("--event", help="Do not wait: leave it in the asynchronous queue.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Call a function; its answer goes to standard output, its log's tail to standard error."""
    functions = Aws("lambda", endpoint_url, region, account)
    if event:
        functions.call("invoke", FunctionName=name, Payload=_event(payload), InvocationType="Event")
        typer.echo("accepted")
        return
    answer = functions.call("invoke", FunctionName=name, Payload=_event(payload), LogType="Tail")
    if "LogResult" in answer:
        typer.echo(base64.b64decode(answer["LogResult"]).decode(errors="replace"), err=True, nl=False)
    typer.echo(answer["Payload"].read().decode())
    if "FunctionError" in answer:
        raise typer.Exit(1)


def _event(text: str) -> bytes:
    if text == "-":
        return sys.stdin.buffer.read()
    if text.startswith("@"):
        try:
            return Path(text[1:]).read_bytes()
        except OSError as error:
            typer.echo(f"interstate: {error}", err=True)
            raise typer.Exit(1) from error
    return text.encode()


@app.command()
def logs(
    name: Name,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as the log grows, until Ctrl-C.")] = False,
    since: Annotated[int, typer.Option(metavar="MINUTES", help="Begin so many minutes ago.")] = 60,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Show a function's log."""
    now = datetime.fromisoformat(control(endpoint_url, "GET", "clock")["now"])
    begin = int((now - timedelta(minutes=since)).timestamp() * 1000)
    place = {"name": name, "region": region, "account": account}
    page = control(endpoint_url, "GET", f"function-logs?{urlencode({**place, 'since': begin})}")
    _show(page)
    while follow:
        wanted = {**place, "after": page["after"], "wait": _WAIT_S}
        page = control(endpoint_url, "GET", f"function-logs?{urlencode(wanted)}", timeout_s=_WAIT_S + 15)
        _show(page)


def _show(page: dict[str, Any]) -> None:
    for one in page["events"]:
        at = datetime.fromtimestamp(one["timestamp"] / 1000, UTC)
        typer.echo(f"{at:%H:%M:%S}.{at.microsecond // 1000:03d}  {_text(one['message'])}")
    sys.stdout.flush()


def _text(message: str) -> str:
    """A log line; one in JSON is shown on one line as it is."""
    text = message.rstrip("\n")
    try:
        return json.dumps(json.loads(text)) if text.startswith("{") else text
    except ValueError:
        return text
