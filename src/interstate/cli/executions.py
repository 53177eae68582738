"""``interstate executions``: what ran and what it did; start again from a state; replay against a changed definition."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, NoReturn
from urllib.parse import urlencode

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.graphs.machine import happened, part_of
from interstate.cli.graphs.svg import drawn
from interstate.cli.graphs.tree import lines
from interstate.cli.timeline import COLOURS, data_lines, headline, row, span, standing_lines, timeline

app = typer.Typer(no_args_is_help=True, help="Executions: list, timeline, picture, restart from a state, replay.")

Region = Annotated[str, typer.Option(help="Region of the state machine.")]
Account = Annotated[str, typer.Option(help="Account of the state machine.")]
Target = Annotated[str, typer.Argument(help="ARN of the execution, its name, or MACHINE:NAME.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="JSON, for programs.")]
_REGION, _ACCOUNT = "us-east-1", "000000000000"
_WAIT_S = 45
_LIST_MAX = 50
_PIPE_WIDTH = 120


class _States:
    """Step Functions of a server, through AWS's own client; a refusal ends the command with its message."""

    def __init__(self, endpoint_url: str, region: str, account: str) -> None:
        from botocore.session import Session  # noqa: PLC0415 a quarter of a second that other commands do not need

        self.prefix = f"arn:aws:states:{region}:{account}"
        self._client = Session().create_client(
            "stepfunctions",
            endpoint_url=endpoint_url,
            region_name=region,
            aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or account,
            aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "interstate",
        )

    def call(self, operation: str, **request: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 see above

        try:
            return getattr(self._client, operation)(**request)
        except (BotoCoreError, ClientError) as error:
            typer.echo(f"interstate: {error}", err=True)
            raise typer.Exit(1) from error

    def pages(self, operation: str, member: str, **request: Any) -> Iterator[dict[str, Any]]:
        more: dict[str, Any] = {}
        while True:
            page = self.call(operation, **request, **more)
            yield from page[member]
            if "nextToken" not in page:
                return
            more = {"nextToken": page["nextToken"]}

    def machines(self) -> list[dict[str, Any]]:
        return list(self.pages("list_state_machines", "stateMachines"))

    def definition(self, arn: str) -> str:
        text: str = self.call("describe_state_machine", stateMachineArn=arn)["definition"]
        return text

    def execution(self, target: str) -> str:
        """The ARN of an execution that is named in any of the three ways."""
        if target.startswith("arn:"):
            return target
        machine, _colon, name = target.rpartition(":")
        if machine:
            return f"{self.prefix}:execution:{machine}:{name}"
        found = [arn for arn in self._candidates(name) if self._is_there(arn)]
        if not found:
            _fail(f"no execution is named {name}; 'interstate executions list' shows what there is.")
        if len(found) > 1:
            _fail(f"{len(found)} executions are named {name}; give MACHINE:NAME: {', '.join(found)}")
        return found[0]

    def _candidates(self, name: str) -> list[str]:
        standard = [one["name"] for one in self.machines() if one["type"] == "STANDARD"]
        return [f"{self.prefix}:execution:{machine}:{name}" for machine in standard]

    def _is_there(self, arn: str) -> bool:
        from botocore.exceptions import ClientError  # noqa: PLC0415 see above

        describe = getattr(self._client, "describe_execution")  # noqa: B009 botocore makes its methods as it runs
        try:
            describe(executionArn=arn)
        except ClientError:
            return False
        return True


def _fail(message: str) -> NoReturn:
    typer.echo(f"interstate: {message}", err=True)
    raise typer.Exit(1)


@app.command("list")
def list_(
    machine: Annotated[str, typer.Option(help="Only of this machine: its name or ARN.")] = "",
    status: Annotated[str, typer.Option(help="RUNNING, SUCCEEDED, FAILED, TIMED_OUT or ABORTED.")] = "",
    since: Annotated[int, typer.Option(metavar="MINUTES", help="Started at most so many minutes ago; 0: ever.")] = 0,
    limit: Annotated[int, typer.Option(min=1, help="So many of each machine at most, newest first.")] = _LIST_MAX,
    as_json: AsJson = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """List executions, newest first."""
    states = _States(endpoint_url, region, account)
    now = datetime.fromisoformat(control(endpoint_url, "GET", "clock")["now"])
    begin = now - timedelta(minutes=since) if since else datetime.min.replace(tzinfo=UTC)
    if machine:
        arns = [machine if machine.startswith("arn:") else f"{states.prefix}:stateMachine:{machine}"]
    else:
        arns = [one["stateMachineArn"] for one in states.machines() if one["type"] == "STANDARD"]
    found: list[dict[str, Any]] = []
    for arn in arns:
        asked = {"stateMachineArn": arn, **({"statusFilter": status.upper()} if status else {})}
        for one in islice(states.pages("list_executions", "executions", **asked), limit):
            if one["startDate"] < begin:
                break
            found.append(one)
    found.sort(key=lambda one: one["startDate"], reverse=True)
    if as_json:
        typer.echo(json.dumps(found, default=lambda at: at.isoformat()))
        return
    table = Table("status", "machine", "execution", "started", "took", box=None, header_style="dim", pad_edge=False)
    for one in found:
        colour = COLOURS.get(one["status"], "white")
        took = span((one.get("stopDate", now) - one["startDate"]).total_seconds())
        name = one["stateMachineArn"].rpartition(":")[2]
        started = f"{one['startDate'].astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        table.add_row(f"[{colour}]{one['status']}[/{colour}]", name, one["name"], started, took)
    Console().print(table if found else "No executions.")


@app.command()
def show(
    target: Target,
    at: Annotated[int | None, typer.Option(metavar="EVENT", help="As it was after this event.")] = None,
    full: Annotated[bool, typer.Option("--full", help="Also each state's input and output.")] = False,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until its end.")] = False,
    as_json: AsJson = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Show what an execution did: a timeline of its states; or where it stood at an event of its past."""
    arn = _States(endpoint_url, region, account).execution(target)
    wanted: dict[str, Any] = {
        "execution": arn,
        **({"at": at} if at is not None else {}),
        **({"full": 1} if full else {}),
    }
    found = control(endpoint_url, "GET", f"executions/show?{urlencode(wanted)}")
    console = Console(soft_wrap=True)
    if not console.is_terminal:  # A file or a pipe has room.
        console.width = max(console.width, _PIPE_WIDTH)
    if as_json and not follow:
        typer.echo(json.dumps(found))
        return
    if at is not None:
        _print(console, standing_lines(found))
        return
    if follow:
        _follow(endpoint_url, wanted, found, console)
        return
    _print(console, headline(found))
    console.print(timeline(found))
    if full:
        for visit in found["visits"]:
            _print(console, data_lines(visit))


def _follow(endpoint_url: str, wanted: dict[str, Any], found: dict[str, Any], console: Console) -> None:
    """Print each visit when it ends, and those that run at last, by long polls until the execution has ended."""
    told: set[int] = set()
    begun = datetime.fromisoformat(found["startDate"])
    while True:
        ended = found["status"] != "RUNNING"
        for visit in found["visits"]:
            if visit["event"] in told or (visit["status"] == "running" and not ended):
                continue
            told.add(visit["event"])
            cells = row(visit, begun, datetime.fromisoformat(found["now"]), 1.0)
            console.print(f"{cells[2]:>10}  {cells[0]} {cells[1]}  {cells[3]}  {cells[6]}")
        if ended:
            _print(console, headline(found))
            return
        query = urlencode({**wanted, "after": found["events"], "wait": _WAIT_S})
        found = control(endpoint_url, "GET", f"executions/show?{query}", timeout_s=_WAIT_S + 15)


def _print(console: Console, what: Any) -> None:
    for line in what:
        console.print(line, highlight=False)


@app.command()
def graph(
    target: Annotated[
        str, typer.Argument(help="A definition's file, a machine's name or ARN, or an execution.", show_default=False)
    ],
    svg: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the picture as SVG.")] = None,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Draw a state machine; of an execution, in the colours of what happened."""
    text, visits = _pictured(target, endpoint_url, region, account)
    try:
        part = part_of(json.loads(text))
    except (ValueError, AttributeError) as error:
        _fail(f"{target} is no definition of a state machine: {error}")
    states, taken = happened(visits) if visits is not None else (None, set())
    if svg is None:
        _print(Console(soft_wrap=True), lines(part, states))
        return
    svg.write_text(drawn(part, states, frozenset(taken)), encoding="utf-8")
    typer.echo(f"{svg} is written.")


def _pictured(target: str, endpoint_url: str, region: str, account: str) -> tuple[str, list[dict[str, Any]] | None]:
    """A definition as text, and the visits where an execution is meant."""
    if Path(target).is_file():
        return Path(target).read_text(encoding="utf-8"), None
    states = _States(endpoint_url, region, account)
    if ":stateMachine:" in target:
        return states.definition(target), None
    if not target.startswith("arn:") and any(one["name"] == target for one in states.machines()):
        return states.definition(f"{states.prefix}:stateMachine:{target}"), None
    query = urlencode({"execution": states.execution(target)})
    found = control(endpoint_url, "GET", f"executions/show?{query}")
    return found["definition"], found["visits"]


@app.command()
def restart(
    target: Target,
    state: Annotated[str, typer.Option("--from", metavar="STATE", help="The state with which to begin.")],
    given: Annotated[
        str | None, typer.Option("--input", metavar="FILE|JSON", help="Default: what the state was given then.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the new execution. Default: the old one with a number.")
    ] = None,
    event: Annotated[
        int | None, typer.Option(help="The event with which the state was entered. Default: the last.")
    ] = None,
    original: Annotated[
        bool, typer.Option("--original", help="Run the definition of then, not the current one.")
    ] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Start a new execution at any state of one that has ended, with the input and the variables that it had there."""
    arn = _States(endpoint_url, region, account).execution(target)
    text = None if given is None else Path(given).read_text(encoding="utf-8") if Path(given).is_file() else given
    asked = {"execution": arn, "state": state, "input": text, "name": name, "event": event}
    body = {member: value for member, value in asked.items() if value is not None}
    body["definition"] = "original" if original else "current"
    made = control(endpoint_url, "POST", "executions/restart", body)
    typer.echo(f"{made['executionArn']} begins at {state}.")


@app.command()
def replay(
    history: Annotated[
        str, typer.Argument(help="A file that get-execution-history wrote, or an execution.", show_default=False)
    ],
    definition: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The changed definition. Default: the machine's current one.")
    ] = None,
    as_json: AsJson = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = _REGION,
    account: Account = _ACCOUNT,
) -> None:
    """Replay what was recorded against a changed definition; exit code 1 where it does something else."""
    text = None if definition is None else definition.read_text(encoding="utf-8")
    if Path(history).is_file():
        found = _replayed_here(Path(history), text)
    else:
        arn = _States(endpoint_url, region, account).execution(history)
        body = {"execution": arn, **({"definition": text} if text is not None else {})}
        found = control(endpoint_url, "POST", "executions/replay", body)
    if as_json:
        typer.echo(json.dumps(found))
    else:
        _print(Console(soft_wrap=True), _verdict(found))
    if not found["same"]:
        raise typer.Exit(1)


def _replayed_here(file: Path, definition: str | None) -> dict[str, Any]:
    """Without a server: nothing but the two files is needed."""
    from interstate.core.asl.faults import InvalidDefinition  # noqa: PLC0415 the interpreter waits for its use
    from interstate.core.asl.parse import parse  # noqa: PLC0415 the same
    from interstate.core.asl.replay.player import replay as play  # noqa: PLC0415 the same
    from interstate.core.asl.replay.recorded import NoHistory, read_history  # noqa: PLC0415 the same

    if definition is None:
        _fail("name the changed definition with --definition FILE.")
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        found: dict[str, Any] = msgspec.to_builtins(play(parse(definition), read_history(document)))
    except ValueError as error:
        _fail(f"{file} is not JSON: {error}")
    except (NoHistory, InvalidDefinition) as error:
        _fail(str(error))
    return found


def _verdict(found: dict[str, Any]) -> list[str]:
    from rich.markup import escape  # noqa: PLC0415 only here

    notes = [f"[dim]{escape(note)}[/dim]" for note in found.get("notes", [])]
    count = f"{found['compared']} of {found['recorded']} events compared"
    if found["same"]:
        return [f"[green]same[/green]  {found['status']}  {count}", *notes]
    one = found["difference"]
    place = " / ".join([*one.get("within", []), str(one["state"])])
    recorded, now = (json.dumps(one[name], ensure_ascii=False) for name in ("recorded", "now"))
    return [
        f"[red]differs[/red]  event {one['event']} {one['type']}  [bold]{escape(place)}[/bold]  {one['kind']}",
        *([f"  at {escape(one['path'])}"] if "path" in one else []),
        f"  [red]- {escape(recorded)}[/red]",
        f"  [green]+ {escape(now)}[/green]",
        f"[dim]{count}[/dim]",
        *notes,
    ]
