"""How orders, timelines, reports and verdicts look in the terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.table import Table

from orders_cli.invariants import OUTCOMES as ENDED
from orders_cli.invariants import SHIPPED, Facts, Violation
from orders_cli.rebuild import Rebuilt

VIOLATIONS_MAX = 200
REASONS_MAX = 15
SLA_S = 30 * 60
__all__ = ["ENDED", "SHIPPED"]


def refusal(console: Console, body: Any) -> None:
    message = body.get("message") if isinstance(body, Mapping) else None
    console.print(f"orders: {message or body}")
    for fault in (body.get("faults") if isinstance(body, Mapping) else None) or ():
        console.print(f"  {fault}")


def moment_line(moment: Mapping[str, str], start: str) -> str:
    elapsed = datetime.fromisoformat(moment["at"]) - datetime.fromisoformat(start)
    return f"  +{elapsed.total_seconds():7.3f} s  {moment['event']}"


def ending(console: Console, order: Mapping[str, Any]) -> None:
    detail = order.get("reason") or " ".join(filter(None, (order.get("carrier"), order.get("trackingNumber"))))
    late = ", after more than 30 minutes" if order.get("secondsToShipment", 0) > SLA_S else ""
    console.print(f"{order['orderId']} {order['status']}{': ' if detail else ''}{detail}{late}")


def order(console: Console, found: Mapping[str, Any]) -> None:
    ending(console, found)
    for name in (
        "customerId",
        "totalAmount",
        "currency",
        "paymentMethod",
        "placedAt",
        "secondsToShipment",
        "backOrderId",
        "backOrderStatus",
    ):
        if name in found:
            console.print(f"  {name:14} {found[name]}")
    for line in found.get("items", ()):
        console.print(f"  {line['quantity']:>14} x {line['productId']} at {line['price']}")
    for moment in found.get("timeline", ()):
        console.print(moment_line(moment, found["timeline"][0]["at"]))


def circuits(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        console.print("no partner has failed yet")
        return
    table = Table("circuit", "state", "failures", "openings", "waiting", box=None, pad_edge=False)
    for each in found:
        table.add_row(*(str(each[name]) for name in ("circuit", "state", "failures", "openings", "waiting")))
    console.print(table)


def orders(console: Console, found: Sequence[Mapping[str, Any]]) -> None:
    table = Table("order", "customer", "status", "total", "placed", box=None, pad_edge=False)
    for each in found:
        total = f"{each.get('totalAmount', '')} {each.get('currency', '')}"
        table.add_row(each["orderId"], each.get("customerId", ""), each["status"], total, each.get("placedAt", ""))
    console.print(table)


def report(console: Console, facts: Mapping[str, Any]) -> None:
    table = Table("class", "expected", "became", box=None, pad_edge=False)
    for kind, count in facts["expected"].items():
        became = ", ".join(f"{state} {n}" for state, n in facts["became"].get(kind, {}).items())
        table.add_row(kind, str(count), became)
    console.print(table)
    for title, reasons in (("refused", facts["refused"]), ("rejected", facts["rejected"])):
        for reason, count in list(reasons.items())[:REASONS_MAX]:
            console.print(f"  {title} {count:>6}  {reason}")
    times = facts["untilOutcome"]
    console.print(
        f"{facts['invoices']} invoices, {facts['accepted']} orders accepted in {facts['seconds']} s "
        f"({facts['ordersPerSecond']}/s); until outcome p50 {times['p50']} s, p99 {times['p99']} s, max {times['max']} s, "
        f"{times['breaches']} over 30 minutes; {facts['calls']['repeated']} calls repeated"
    )
    for line in facts["unexpected"][:VIOLATIONS_MAX]:
        console.print(f"unexpected: {line}")
    for order_id in facts["open"][:VIOLATIONS_MAX]:
        console.print(f"without an outcome: {order_id}")


def letters(console: Console, found: Sequence[Mapping[str, str]]) -> None:
    for each in found:
        place = each["origin"].removesuffix(":$LATEST").rsplit(":", 1)[-1] or f"a {each['form']}"
        console.print(f"{each['id']}  {each['errorClass']} ({each['kind']})  {place}  {each['orderId']}")
        if each["code"] or each["message"]:
            console.print(f"  {' '.join(filter(None, (each['code'], each['message'])))}")
    console.print(f"{len(found)} letters parked" if found else "no letter is parked")


def rebuilt(console: Console, found: Rebuilt) -> None:
    for each in found.differences[:VIOLATIONS_MAX]:
        console.print(
            f"{each['orderId']} {each['attribute']}: the view says {each['view']}, the events say {each['events']}"
        )
    if len(found.differences) > VIOLATIONS_MAX:
        console.print(f"… and {len(found.differences) - VIOLATIONS_MAX} more")
    difference = f"{len(found.differences)} differences" if found.differences else "no difference"
    console.print(f"{found.orders} orders folded from their events: {difference}, {found.written} views written")


def verdict(console: Console, facts: Facts, found: Sequence[Violation]) -> None:
    console.print(
        f"{len(facts.orders)} orders, {len(facts.products)} products, {len(facts.charges)} charges, {len(facts.refunds)} refunds, "
        f"{len(facts.bookings)} parcels, {len(facts.messages)} messages"
    )
    for violation in found[:VIOLATIONS_MAX]:
        console.print(str(violation))
    if len(found) > VIOLATIONS_MAX:
        console.print(f"… and {len(found) - VIOLATIONS_MAX} more")
    console.print(f"{len(found)} violations" if found else "every promise holds")
