"""``interstate events``: follow a bus, look into its log, ask why, put events."""

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

import typer

from interstate.cli import options
from interstate.cli.client import control
from interstate.cli.why import ACCOUNT, REGION, Account, Region, why

app = typer.Typer(no_args_is_help=True, help="Events: follow a bus, search its log, ask why, put some.")
app.command("why")(why)

Bus = Annotated[str, typer.Option(help="The bus, by name or ARN.")]
Source = Annotated[str, typer.Option(help="Only events of this source.")]
DetailType = Annotated[str, typer.Option(help="Only events of this detail-type.")]
Words = Annotated[str, typer.Option("--text", help="Only events in which this text stands.")]
PatternText = Annotated[str, typer.Option("--pattern", help="Only events that match this event pattern.")]

_WAIT_S = 45
_DETAIL_MAX = 120
_ENTRIES_A_CALL = 10
_ENTRY_BYTES_MAX = 1_048_576
# The members of an entry by the names of an event's fields.
_FIELDS = {
    "source": "Source",
    "detail-type": "DetailType",
    "detail": "Detail",
    "time": "Time",
    "resources": "Resources",
}
_MEMBERS = frozenset({*_FIELDS.values(), "EventBusName", "TraceHeader"})


def _query(**arguments: Any) -> str:
    return urlencode({name.replace("_", "-"): value for name, value in arguments.items() if value not in ("", None)})


def _line(found: dict[str, Any], *, as_json: bool, with_bus: bool) -> str:
    event = found["event"]
    if as_json:
        return json.dumps(found, ensure_ascii=False)
    detail = json.dumps(event.get("detail"), ensure_ascii=False)
    detail = detail if len(detail) <= _DETAIL_MAX else detail[:_DETAIL_MAX] + "..."
    bus = f"{found['bus'].partition('/')[2]}  " if with_bus else ""
    return (
        f"{found['receivedAt'][:23]}  {bus}{event['id']}  {event.get('source')}  {event.get('detail-type')}  {detail}"
    )


@app.command()
def tail(
    bus: Bus = "default",
    source: Source = "",
    detail_type: DetailType = "",
    text: Words = "",
    pattern: PatternText = "",
    count: Annotated[
        int, typer.Option("--count", "-n", min=0, help="End after so many; 0 goes on until you stop it.")
    ] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Each event as a line of JSON.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Follow a bus: every event that comes onto it from now on, whether a rule wants it or not."""
    fixed = {
        "bus": bus,
        "source": source,
        "detail_type": detail_type,
        "text": text,
        "pattern": pattern,
        "region": region,
        "account": account,
    }
    after = control(endpoint_url, "GET", f"events/tail?{_query(**fixed)}")["after"]
    typer.echo(f"Following {bus}.", err=True)
    shown = 0
    while True:
        found = control(endpoint_url, "GET", f"events/tail?{_query(**fixed, after=after, wait=_WAIT_S)}")
        after = found["after"]
        for one in found["events"]:
            typer.echo(_line(one, as_json=as_json, with_bus=False))
            shown += 1
            if shown == count:
                return
        sys.stdout.flush()


@app.command()
def search(
    bus: Annotated[str, typer.Option(help="Only this bus, by name or ARN. Default: all.")] = "",
    source: Source = "",
    detail_type: DetailType = "",
    text: Words = "",
    pattern: PatternText = "",
    since: Annotated[str, typer.Option("--from", help="Only what came at this instant or later.")] = "",
    until: Annotated[str, typer.Option("--to", help="Only what came before this instant.")] = "",
    after: Annotated[str, typer.Option(help="Where the last search ended.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="So many events at most, about.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Each event as a line of JSON.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Search the log of the buses, the newest first."""
    arguments: dict[str, Any] = {"from": since, "to": until}
    query = _query(
        bus=bus,
        source=source,
        detail_type=detail_type,
        text=text,
        pattern=pattern,
        after=after,
        limit=limit,
        region=region,
        account=account,
        **arguments,
    )
    found = control(endpoint_url, "GET", f"events?{query}")
    for one in found["events"]:
        typer.echo(_line(one, as_json=as_json, with_bus=True))
    if "next" in found:
        typer.echo(f"Looked back to {found['reached'][:19]}Z; go on with --after {found['next']}", err=True)
    elif not found["events"]:
        typer.echo("No such event is in the log.", err=True)


@app.command()
def show(
    event_id: Annotated[str, typer.Argument(metavar="ID", help="The event's id.", show_default=False)],
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
) -> None:
    """Show an event of the log in full."""
    found = control(endpoint_url, "GET", f"events/show?{_query(id=event_id)}")
    typer.echo(f"{found['receivedAt']}  {found['bus']}", err=True)
    typer.echo(json.dumps(found["event"], indent=2, ensure_ascii=False))


# Putting -----------------------------------------------------------------------------------------------------------


class _NoEntryError(Exception):
    """What was given cannot be put."""


@app.command()
def quotas(
    name: Annotated[str, typer.Argument(help="Only this quota.", show_default=False)] = "",
    value: Annotated[int | None, typer.Argument(help="Its new value.", show_default=False)] = None,
    default: Annotated[bool, typer.Option("--default", help="AWS's value again.")] = False,
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Show EventBridge's quotas, or set one for the whole instance. Rates count with --enforce-capacity alone."""
    place = {"region": region, "account": account}
    if name and (value is not None or default):
        body = {"name": name, "value": None if default else value, **place}
        control(endpoint_url, "POST", "events/quotas", body)
    for quota in control(endpoint_url, "GET", f"events/quotas?{_query(**place)}")["quotas"]:
        if name not in ("", quota["name"]):
            continue
        note = "" if quota["value"] == quota["default"] else f"  (AWS: {quota['default']:,})"
        typer.echo(f"{quota['name']:24}{quota['value']:>14,}{note}")


@app.command()
def put(
    file: Annotated[
        Path | None,
        typer.Argument(help="Events as JSON: one, a list, or one a line; - is standard input.", show_default=False),
    ] = None,
    source: Annotated[str, typer.Option(help="The event's source.")] = "",
    detail_type: Annotated[str, typer.Option(help="The event's detail-type.")] = "",
    detail: Annotated[str, typer.Option(help="The event's detail, a JSON object.")] = "{}",
    resource: Annotated[list[str] | None, typer.Option(help="An ARN among the event's resources. Repeatable.")] = None,
    bus: Annotated[str, typer.Option(help="The bus, where an event names none.")] = "default",
    endpoint_url: options.EndpointUrl = options.DEFAULT_ENDPOINT,
    region: Region = REGION,
    account: Account = ACCOUNT,
) -> None:
    """Put events. All are checked before the first one is sent.

    An event is written as rules see it ({"source": "shop", "detail-type": "Order Placed", "detail": {...}}) or as an entry of
    PutEvents ({"Source": "shop", "DetailType": ..., "Detail": ...}).
    """
    if file is None:
        given: list[Any] = [
            {"source": source, "detail-type": detail_type, "detail": detail, "resources": resource or []}
        ]
    else:
        given = _read(file)
    entries = []
    for number, one in enumerate(given, 1):
        try:
            entries.append(_entry(one, bus))
        except _NoEntryError as error:
            typer.echo(f"interstate: event {number}: {error}. Nothing was sent.", err=True)
            raise typer.Exit(1) from error
    failed = 0
    client = _client(endpoint_url, region, account)
    for first in range(0, len(entries), _ENTRIES_A_CALL):
        failed += _send(client, entries[first : first + _ENTRIES_A_CALL])
    if failed:
        raise typer.Exit(1)


def _read(file: Path) -> list[Any]:
    """Events of a file or of standard input: one JSON value, or one a line."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text("utf-8")
    except OSError as error:
        typer.echo(f"interstate: {error}", err=True)
        raise typer.Exit(1) from error
    try:
        whole = json.loads(text)
    except ValueError:
        pass
    else:
        return whole if isinstance(whole, list) else [whole]
    events = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                events.append(json.loads(line))
            except ValueError as error:
                typer.echo(f"interstate: line {number} is not JSON: {error}. Nothing was sent.", err=True)
                raise typer.Exit(1) from error
    return events


def _entry(given: Any, bus: str) -> dict[str, Any]:
    if not isinstance(given, dict):
        raise _NoEntryError("it is no JSON object")
    entry: dict[str, Any] = {
        _FIELDS.get(str(name), str(name)): value for name, value in given.items() if value not in ("", [], None)
    }
    if entry.keys() - _MEMBERS and "source" not in given:
        raise _NoEntryError(f"an entry has no {', '.join(sorted(entry.keys() - _MEMBERS))}")
    entry = {name: value for name, value in entry.items() if name in _MEMBERS}
    for name in ("Source", "DetailType"):
        if not isinstance(entry.get(name), str):
            raise _NoEntryError(f"it needs a {name}")
    detail = entry.get("Detail", {})
    if isinstance(detail, str):
        try:
            detail = json.loads(detail)
        except ValueError as error:
            raise _NoEntryError(f"its detail is not JSON: {error}") from error
    if not isinstance(detail, dict):
        raise _NoEntryError("its detail is no JSON object")
    text = json.dumps(detail, ensure_ascii=False)
    if len(text.encode()) > _ENTRY_BYTES_MAX:
        raise _NoEntryError(f"its detail is larger than {_ENTRY_BYTES_MAX} bytes")
    return {"EventBusName": bus, **entry, "Detail": text}


def _client(endpoint_url: str, region: str, account: str) -> Any:
    from botocore.session import Session  # noqa: PLC0415 a quarter of a second that other commands do not need

    return Session().create_client(
        "events",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=os.environ.get("AWS_ACCESS_KEY_ID") or account,
        aws_secret_access_key=os.environ.get("AWS_SECRET_ACCESS_KEY") or "interstate",
    )


def _send(client: Any, entries: list[dict[str, Any]]) -> int:
    """Put a page; prints the id of each event, or why it was refused; tells how many were."""
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 see above

    try:
        answers = client.put_events(Entries=entries)["Entries"]
    except (BotoCoreError, ClientError) as error:
        typer.echo(f"interstate: {error}", err=True)
        raise typer.Exit(1) from error
    for answer in answers:
        if "EventId" in answer:
            typer.echo(answer["EventId"])
        else:
            typer.echo(f"refused: {answer['ErrorCode']}: {answer['ErrorMessage']}", err=True)
    return sum("EventId" not in answer for answer in answers)
