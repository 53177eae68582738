"""The ``orders`` command."""

import json
import os
import sys
import time
import uuid
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from orders_cli import failed, letters, show
from orders_cli.endpoint import LOCAL, NotDeployed, System, Unreachable
from orders_cli.gather import circuits, gather
from orders_cli.invariants import violations
from orders_cli.invoices import BadFile, chosen, read
from orders_cli.rebuild import rebuild
from orders_cli.replay import IN_FLIGHT, Pace, Replay, entries_of, report_of
from orders_cli.stock import receive, seed, shelves

app = typer.Typer(
    name="orders",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="Place, follow, replay and verify orders.",
)
out = Console(highlight=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, soft_wrap=True)

Endpoint = Annotated[
    str,
    typer.Option(
        "--endpoint-url", envvar="AWS_ENDPOINT_URL", metavar="URL", help='Where the system runs; "aws" for AWS itself.'
    ),
]
Stack = Annotated[str, typer.Option(help="Name of the stack that holds the order system.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON instead of a table.")]
FOLLOW_S_MAX = 120.0
FOLLOW_PAUSE_S = 0.2


def connect(endpoint: str, stack: str, patience_s: float = 60) -> System:
    try:
        return System(endpoint, stack, patience_s)
    except (NotDeployed, Unreachable) as fault:
        err.print(f"orders: {fault}")
        raise typer.Exit(2) from fault


@app.command()
def place(
    file: Annotated[Path | None, typer.Argument(help="An order as JSON; - reads standard input.")] = None,
    *,
    item: Annotated[list[str] | None, typer.Option(help="PRODUCT:QUANTITY:PRICE, repeatable.")] = None,
    customer: Annotated[str, typer.Option(help="Customer's id.")] = "CUST-000001",
    order_id: Annotated[str | None, typer.Option(help="Order's id; made up when absent.")] = None,
    currency: Annotated[str, typer.Option(help="ISO 4217.")] = "GBP",
    payment_method: Annotated[str, typer.Option(help="card, invoice or saga.")] = "card",
    country: Annotated[str, typer.Option(help="ISO 3166-1 alpha-2.")] = "GB",
    follow: Annotated[bool, typer.Option(help="Wait for the outcome and show what happens.")] = True,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
) -> None:
    """Place one order, from a file or by options, and follow it until its outcome."""
    order = (
        order_from(file)
        if file
        else order_by_options(item or ["P-001:1:9.99"], customer, currency, payment_method, country)
    )
    if order_id or "orderId" not in order:
        order["orderId"] = order_id or f"ORD-{datetime.now(UTC).year}-{uuid.uuid4().hex[:8].upper()}"
    system = connect(endpoint, stack)
    response = system.api.place(order)
    if response.status != 202:
        show.refusal(err, response.body)
        raise typer.Exit(1)
    out.print(f"{order['orderId']} accepted")
    if follow:
        follow_order(system, order["orderId"])


def order_from(file: Path) -> dict[str, Any]:
    try:
        order = json.loads(sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        err.print(f"orders: {file}: {fault}")
        raise typer.Exit(2) from fault
    if not isinstance(order, dict):
        err.print(f"orders: {file}: an order is a JSON object")
        raise typer.Exit(2)
    return order


def order_by_options(items: list[str], customer: str, currency: str, method: str, country: str) -> dict[str, Any]:
    lines, total = [], Decimal(0)
    for text in items:
        try:
            product, quantity, price = text.split(":")
            lines.append({"productId": product, "quantity": int(quantity), "price": float(price)})
            total += int(quantity) * Decimal(price)
        except (ValueError, InvalidOperation) as fault:
            err.print(f"orders: {text!r} is not PRODUCT:QUANTITY:PRICE")
            raise typer.Exit(2) from fault
    return {
        "customerId": customer,
        "items": lines,
        "totalAmount": float(total.quantize(Decimal("0.01"))),
        "currency": currency,
        "paymentMethod": method,
        "shippingAddress": {"street": "세종대로 110", "city": "서울", "country": country, "zipCode": "04524"},
        "timestamp": datetime.now(UTC).isoformat(),
    }


def follow_order(system: System, order_id: str) -> None:
    """Print each thing that happens to the order as it happens; exit 1 when it ends without a shipment, 3 when it does not end."""
    seen: set[str] = set()
    ends = time.monotonic() + FOLLOW_S_MAX
    while time.monotonic() < ends:
        order = system.api.show(order_id).body
        for moment in order.get("timeline", []):
            if moment["event"] not in seen:
                seen.add(moment["event"])
                out.print(show.moment_line(moment, order["timeline"][0]["at"]))
        if order.get("status") in show.ENDED:
            show.ending(out, order)
            if order["status"] not in show.SHIPPED:
                raise typer.Exit(1)
            return
        time.sleep(FOLLOW_PAUSE_S)
    err.print(f"orders: {order_id} has no outcome after {FOLLOW_S_MAX:.0f} s; orders show {order_id} tells where it is")
    raise typer.Exit(3)


@app.command("show")
def show_order(order_id: str, *, endpoint: Endpoint = LOCAL, stack: Stack = "orders", as_json: Json = False) -> None:
    """Show one order and its timeline."""
    response = connect(endpoint, stack).api.show(order_id)
    if response.status != 200:
        show.refusal(err, response.body)
        raise typer.Exit(1)
    if as_json:
        out.print_json(json.dumps(response.body))
    else:
        show.order(out, response.body)


@app.command("list")
def list_orders(
    *,
    customer: Annotated[str | None, typer.Option(help="Of this customer.")] = None,
    status: Annotated[str | None, typer.Option(help="In this state.")] = None,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
    as_json: Json = False,
) -> None:
    """List orders by customer, by state, or both; newest first."""
    query = {name: value for name, value in (("customerId", customer), ("status", status)) if value}
    response = connect(endpoint, stack).api.find(**query)
    if response.status != 200:
        show.refusal(err, response.body)
        raise typer.Exit(1)
    if as_json:
        out.print_json(json.dumps(response.body))
    else:
        show.orders(out, response.body["orders"])


@app.command()
def cancel(order_id: str, *, endpoint: Endpoint = LOCAL, stack: Stack = "orders") -> None:
    """Cancel an order that is not being shipped yet."""
    response = connect(endpoint, stack).api.cancel(order_id)
    if response.status not in {200, 202}:
        show.refusal(err, response.body)
        raise typer.Exit(1)
    out.print(f"{order_id} {response.body['status']}")


@app.command()
def replay(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV of invoices.")],
    *,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N invoices.")] = None,
    sample: Annotated[int | None, typer.Option(min=1, help="N invoices, drawn by --seed.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of --sample.")] = 1,
    speed: Annotated[float | None, typer.Option(min=0.0001, help="At this factor of the invoices' own pace.")] = None,
    as_fast_as_possible: Annotated[bool, typer.Option("--as-fast-as-possible", help="The default.")] = False,
    payment_method: Annotated[
        str | None, typer.Option(help="card, invoice or saga for all; default: one in five by invoice.")
    ] = None,
    in_flight: Annotated[int, typer.Option(min=1, help="Orders without an outcome at most.")] = IN_FLIGHT,
    patience: Annotated[float, typer.Option(help="Seconds to wait for a server that is away.")] = 300.0,
    report: Annotated[Path | None, typer.Option(help="Write the report (JSON) here too.")] = None,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
    as_json: Json = False,
) -> None:
    """Place the invoices of a file as orders and see each to its end. Exit 0: all of them got an outcome or a refusal."""
    if speed and as_fast_as_possible:
        err.print("orders: --speed and --as-fast-as-possible exclude each other")
        raise typer.Exit(2)
    try:
        entries = entries_of(chosen(read(file), limit, sample, seed))
    except BadFile as fault:
        err.print(f"orders: {fault}")
        raise typer.Exit(2) from fault
    system = connect(endpoint, stack, patience)
    job = Replay(system, entries, Pace(speed), method=payment_method, in_flight=in_flight)
    away: Exception | None = None
    with bar(quiet=as_json) as progress:
        task = progress.add_task("invoices", total=len(entries))
        try:
            job.run(lambda done: progress.update(task, completed=done))
        except Unreachable as fault:
            away = fault
    facts = report_of(job)
    if report:
        accepted = [entry.invoice.order_id for entry in entries if entry.placed_at and entry.state != "REFUSED"]
        report.write_text(json.dumps({**facts, "acceptedOrders": accepted}, indent=2), encoding="utf-8")
    if as_json:
        out.print_json(json.dumps(facts))
    else:
        show.report(out, facts)
    if away:
        err.print(f"orders: {away}")
    if away or facts["open"]:
        raise typer.Exit(1)


def bar(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=err, disable=quiet or not err.is_terminal)


@app.command()
def verify(
    *,
    report: Annotated[
        Path | None, typer.Option(help="A replay's report: each order that it placed must be there.")
    ] = None,
    wait: Annotated[float, typer.Option(help="Seconds to let what is on its way come to rest.")] = 120.0,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
    as_json: Json = False,
) -> None:
    """Check every promise against the running system and the partners' ledgers. Exit 1: one is broken."""
    accepted = json.loads(report.read_text(encoding="utf-8"))["acceptedOrders"] if report else []
    system = connect(endpoint, stack)
    ends = time.monotonic() + wait
    try:
        facts = gather(system, accepted)
        while (found := violations(facts)) and time.monotonic() < ends:
            left = ends - time.monotonic()
            err.print(f"{len(found)} not kept yet; what is on its way gets {left:.0f} s more", end="\r", soft_wrap=True)
            time.sleep(1)
            facts = gather(system, accepted)
    except Unreachable as fault:
        err.print(f"orders: {fault}")
        raise typer.Exit(2) from fault
    if as_json:
        lines = [{"promise": each.promise, "subject": each.subject, "fact": each.fact} for each in found]
        out.print_json(json.dumps({"orders": len(facts.orders), "violations": lines}))
    else:
        show.verdict(out, facts, found)
    if found:
        raise typer.Exit(1)


failing = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Orders that failed: list them, place them again."
)
app.add_typer(failing, name="failed")


@failing.command("list")
def list_failed(
    *,
    status: Annotated[str | None, typer.Option(help="OUT_OF_STOCK or PAYMENT_FAILED; default: both.")] = None,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
    as_json: Json = False,
) -> None:
    """List orders that failed, newest first."""
    if status not in {None, *failed.FAILED}:
        err.print(f"orders: {status!r} is no failure: {' or '.join(failed.FAILED)}")
        raise typer.Exit(2)
    found = failed.failed_orders(connect(endpoint, stack), status)
    if as_json:
        out.print_json(json.dumps({"orders": found}))
    else:
        show.orders(out, found)


@failing.command("replay")
def replay_failed(
    *,
    since: Annotated[str, typer.Option(metavar="TIME", help="90m or 7d ago, or an ISO 8601 time.")] = "1d",
    until: Annotated[str, typer.Option(metavar="TIME", help="now, or as --since.")] = "now",
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
) -> None:
    """Place the orders again that failed in a window: each once, ORD-1 as ORD-1-R1."""
    now = datetime.now(UTC)
    try:
        window = failed.moment(since, now), failed.moment(until, now)
    except failed.BadMoment as fault:
        err.print(f"orders: {fault}")
        raise typer.Exit(2) from fault
    if window[0] >= window[1]:
        err.print(f"orders: --since {since} is not before --until {until}")
        raise typer.Exit(2)
    ended = failed.replay(connect(endpoint, stack), *window, lambda name: out.print(f"replay {name}"))
    out.print(f"{ended['State'].lower()}: {ended['EventStartTime']:%F %T} to {ended['EventEndTime']:%F %T}")
    if ended["State"] != "COMPLETED":
        err.print(f"orders: {ended.get('StateReason', 'no reason given')}")
        raise typer.Exit(1)


@app.command("rebuild")
def rebuild_view(
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only compare; write nothing.")] = False,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
    as_json: Json = False,
) -> None:
    """Make the view anew from the event store, and show where it differed. Exit 1: --dry-run found a difference."""
    found = rebuild(connect(endpoint, stack), apply=not dry_run)
    if as_json:
        out.print_json(json.dumps({"orders": found.orders, "written": found.written, "differences": found.differences}))
    else:
        show.rebuilt(out, found)
    if dry_run and found.differences:
        raise typer.Exit(1)


lettering = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Dead letters that wait for a person: see them, send them again."
)
app.add_typer(lettering, name="letters")


@lettering.command("list")
def list_letters(*, endpoint: Endpoint = LOCAL, stack: Stack = "orders", as_json: Json = False) -> None:
    """List what DlqProcessor parked: its class, its order, where it came from, and what broke."""
    found = letters.parked(connect(endpoint, stack))
    if as_json:
        out.print_json(json.dumps({"letters": found}))
    else:
        show.letters(out, found)


@lettering.command("redrive")
def redrive_letters(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of letters; default: all.")] = None,
    *,
    error_class: Annotated[str | None, typer.Option("--class", help="Only of this class, e.g. PaymentTimeout.")] = None,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
) -> None:
    """Send parked letters where they came from. Exit 1: some cannot be sent."""
    sent, left = letters.redrive(connect(endpoint, stack), wanted=set(ids or ()), error_class=error_class)
    out.print(f"{sent} letters sent again")
    for each in left:
        err.print(f"orders: {each['id']} cannot be sent by itself: a {each['form']}'s letter without a way back")
    if left:
        raise typer.Exit(1)


@app.command("circuits")
def list_circuits(*, endpoint: Endpoint = LOCAL, stack: Stack = "orders", as_json: Json = False) -> None:
    """Which partners are left alone because they fail, and how many requests wait for each."""
    system = connect(endpoint, stack)
    found = circuits(system)
    if as_json:
        out.print_json(json.dumps(found))
    else:
        show.circuits(out, found)


@app.command("seed")
def seed_stock(*, endpoint: Endpoint = LOCAL, stack: Stack = "orders") -> None:
    """Put the 500 products on the shelves; those that are known keep their counters."""
    system = connect(endpoint, stack)
    new = seed(system.client("dynamodb"), system.outputs["InventoryTableName"], shelves())
    out.print(f"{new} new products, {len(shelves()) - new} were known")


@app.command()
def receive_stock(
    arrivals: Annotated[list[str], typer.Argument(help="PRODUCT:UNITS, one or more.")],
    *,
    endpoint: Endpoint = LOCAL,
    stack: Stack = "orders",
) -> None:
    """Let units come in; back-orders that wait for them are shipped."""
    pairs = []
    for text in arrivals:
        product, _, units = text.partition(":")
        if not product or not units.isdecimal() or int(units) < 1:
            err.print(f"orders: {text!r} is not PRODUCT:UNITS")
            raise typer.Exit(2)
        pairs.append((product, int(units)))
    system = connect(endpoint, stack)
    table, bus = system.outputs["InventoryTableName"], system.outputs["OrdersBusName"]
    receive(system.client("dynamodb"), system.client("events"), table, bus, pairs, datetime.now(UTC))
    out.print(f"{len(pairs)} products received")


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def partners(context: typer.Context) -> None:
    """Run payment provider, carriers and message gateway here. Takes the options of "orders partners --help-partners"."""
    folder = Path(__file__).resolve().parent.parent
    if not (folder / "partners").is_dir():
        err.print(f"orders: the partners are not beside {Path(__file__).parent}")
        raise typer.Exit(2)
    options = ["--help" if option == "--help-partners" else option for option in context.args]
    if "--ledger" not in options:
        options += ["--ledger", ".interstate/partners"]
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")])),
    }
    os.execve(sys.executable, [sys.executable, "-m", "partners", *options], environment)  # noqa: S606  # no shell is wanted


def main() -> None:
    """Run a command; a system that is away is told in a sentence."""
    try:
        app()
    except Unreachable as error:
        err.print(
            f"orders: nobody answers: {error}. Start the system with 'interstate up', or name it with --endpoint-url."
        )
        sys.exit(1)
