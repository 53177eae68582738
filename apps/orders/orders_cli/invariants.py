"""The promises of the order system, checked on what a run left behind. Pure: facts in, violations out."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

SHIPPED = ("SHIPPED", "PARTIALLY_SHIPPED")
OUTCOMES = (*SHIPPED, "REJECTED", "OUT_OF_STOCK", "PAYMENT_FAILED", "CANCELLED")
# What a customer must have heard when the order ended so.
ANNOUNCED = {
    "SHIPPED": "ShipmentCreated",
    "PARTIALLY_SHIPPED": "ShipmentCreated",
    "REJECTED": "OrderValidationFailed",
    "OUT_OF_STOCK": "OrderFailed",
    "PAYMENT_FAILED": "OrderFailed",
    "CANCELLED": "OrderCancelled",
}
CHANNELS = ("email", "sms", "push")

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Facts:
    """What the running system and its partners say. Orders, products and views are table items; the rest are ledgers."""

    orders: Sequence[Item] = ()
    products: Sequence[Item] = ()
    views: Sequence[Item] = ()
    events: Sequence[Item] = ()
    differences: Sequence[Item] = ()
    charges: Sequence[Item] = ()
    refunds: Sequence[Item] = ()
    bookings: Sequence[Item] = ()
    pickups: Sequence[Item] = ()
    messages: Sequence[Item] = ()
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    running: Sequence[str] = ()
    circuits: Sequence[Item] = ()
    archived: Sequence[Item] = ()
    accepted: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    promise: str
    subject: str
    fact: str

    def __str__(self) -> str:
        return f"{self.promise}: {self.subject}: {self.fact}"


def violations(facts: Facts) -> list[Violation]:
    """Every broken promise, by promise; empty when all hold."""
    return [violation for check in CHECKS for violation in check(facts)]


def one_outcome(facts: Facts) -> Iterator[Violation]:
    """Each accepted order has exactly one outcome. A back-order that still waits for stock has none yet."""
    promise = "one outcome"
    known = {order["orderId"] for order in facts.orders}
    for order_id in facts.accepted:
        if order_id not in known:
            yield Violation(promise, order_id, "was accepted and is gone")
    for order in facts.orders:
        outcome = order.get("outcome")
        if outcome is None and order.get("status") != "BACKORDERED":
            yield Violation(promise, order["orderId"], f"has none; it is {order.get('status', 'without a status')}")
        elif outcome is not None and outcome not in OUTCOMES:
            yield Violation(promise, order["orderId"], f"has an unknown one, {outcome}")
        if order.get("needsAttention"):
            yield Violation(promise, order["orderId"], f"needs a person: {order['needsAttention']}")


def stock_adds_up(facts: Facts) -> Iterator[Violation]:
    """Available + reserved + shipped = start + received, nothing below zero, and the orders hold what is reserved and shipped."""
    promise = "stock"
    reserved, shipped = held_by(facts.orders, ("RESERVED",)), held_by(facts.orders, ("SHIPPED",))
    counted = set()
    for product in facts.products:
        name = product["productId"]
        counted.add(name)
        counters = {key: int(product.get(key, 0)) for key in ("available", "reserved", "shipped", "start", "received")}
        there = counters["available"] + counters["reserved"] + counters["shipped"]
        came = counters["start"] + counters["received"]
        if there != came:
            yield Violation(promise, name, f"available + reserved + shipped is {there}, start + received is {came}")
        for key, value in counters.items():
            if value < 0:
                yield Violation(promise, name, f"{key} is {value}")
        for key, held in (("reserved", reserved), ("shipped", shipped)):
            if counters[key] != held[name]:
                yield Violation(
                    promise, name, f"{key} is {counters[key]}, the orders' {key} lines add up to {held[name]}"
                )
    for name in sorted({*reserved, *shipped} - counted):
        yield Violation(promise, name, "is reserved or shipped, and no product")


def held_by(orders: Iterable[Item], states: Sequence[str]) -> Counter[str]:
    held: Counter[str] = Counter()
    for order in orders:
        if order.get("reservation") in states:
            for line in order.get("reservedItems", ()):
                held[line["productId"]] += int(line["quantity"])
    return held


def reservations_end(facts: Facts) -> Iterator[Violation]:
    """A shipped order shipped what it reserved; any other ended order holds nothing."""
    for order in facts.orders:
        outcome, reservation = order.get("outcome"), order.get("reservation")
        if (outcome in SHIPPED and reservation != "SHIPPED") or (
            outcome in OUTCOMES and outcome not in SHIPPED and reservation not in {None, "RELEASED"}
        ):
            yield Violation("stock", order["orderId"], f"is {outcome}, its reservation is {reservation}")


def money_adds_up(facts: Facts) -> Iterator[Violation]:
    """Captured - refunded = value shipped, by the provider's ledger; at most one capture and one refund under each key."""
    promise = "money"
    balance: dict[str, Decimal] = defaultdict(Decimal)
    owner = {charge["key"]: charge["orderId"] for charge in facts.charges}
    for charge in facts.charges:
        if charge["captures"] > 1:
            yield Violation(promise, charge["key"], f"was captured {charge['captures']} times")
        balance[charge["orderId"]] += Decimal(charge["amount"]) * charge["captures"]
    for key, count in Counter(refund["chargeKey"] for refund in facts.refunds).items():
        if count > 1:
            yield Violation(promise, key, f"was refunded {count} times")
    for refund in facts.refunds:
        balance[owner.get(refund["chargeKey"], "nobody")] -= Decimal(refund["amount"])
    orders = {order["orderId"]: order for order in facts.orders}
    for order_id in sorted({*balance, *orders}):
        order = orders.get(order_id)
        value = (
            Decimal(order["totalAmount"]).quantize(CENT) if order and order.get("outcome") in SHIPPED else Decimal(0)
        )
        if order is not None and order.get("outcome") is None:
            continue
        if balance[order_id] != value:
            state = f"it is {order['outcome']}" if order else "there is no such order"
            yield Violation(
                promise, order_id, f"captured - refunded is {balance[order_id]}, shipped is {value}; {state}"
            )


CENT = Decimal("0.01")


def reversals_end(facts: Facts) -> Iterator[Violation]:
    """No order that ended without a shipment has a payment whose end nobody knows."""
    for order in facts.orders:
        if order.get("reversal") == "DUE":
            yield Violation("money", order["orderId"], f"is {order['outcome']}, its payment is still to be reversed")


def one_parcel(facts: Facts) -> Iterator[Violation]:
    """A shipped order has one booking that stands, with its tracking number; any other has none."""
    promise = "parcel"
    standing: dict[str, list[Item]] = defaultdict(list)
    for booking in facts.bookings:
        if not booking["voided"]:
            standing[booking["orderId"]].append(booking)
    orders = {order["orderId"]: order for order in facts.orders}
    for order_id in sorted({*standing, *orders}):
        order, booked = orders.get(order_id, {}), standing.get(order_id, [])
        if order.get("outcome") in SHIPPED:
            numbers = [booking["trackingNumber"] for booking in booked]
            if numbers != [order.get("trackingNumber")]:
                yield Violation(
                    promise, order_id, f"has tracking number {order.get('trackingNumber')}, booked are {numbers}"
                )
        elif booked and order.get("outcome") is not None:
            yield Violation(promise, order_id, f"is {order['outcome']}, and booked with {booked[0]['carrier']}")
        elif booked and not order:
            yield Violation(promise, order_id, f"is no order, and booked with {booked[0]['carrier']}")


def picked_up(facts: Facts) -> Iterator[Violation]:
    """The carrier of each shipped order was asked once to come for its parcel, and no carrier for any other."""
    promise = "pickup"
    asked: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for pickup in facts.pickups:
        asked[pickup["orderId"]].append((pickup["carrier"], pickup["trackingNumber"]))
    for order in facts.orders:
        found = asked.pop(order["orderId"], [])
        due = [(order["carrier"], order["trackingNumber"])] if order.get("outcome") in SHIPPED else []
        if found != due and order.get("outcome") is not None:
            yield Violation(promise, order["orderId"], f"pickups asked for are {found}, due are {due}")
    for order_id, found in sorted(asked.items()):
        yield Violation(promise, order_id, f"is no order, and pickups were asked for: {found}")


def told_once(facts: Facts) -> Iterator[Violation]:
    """Each customer is told once of each (order, event, channel), and of how the order ended on every channel."""
    promise = "told once"
    sent = {message["key"]: message["sent"] for message in facts.messages}
    for key, count in sorted(sent.items()):
        if count != 1:
            yield Violation(promise, key, f"was sent {count} times")
    for order in facts.orders:
        if order.get("outcome") not in ANNOUNCED:
            continue
        for channel in CHANNELS:
            key = f"{order['orderId']}/{ANNOUNCED[order['outcome']]}/{channel}"
            if key not in sent:
                yield Violation(promise, key, "was never sent")


def views_agree(facts: Facts) -> Iterator[Violation]:
    """The view tells the outcome that the order has, and what its events make of it."""
    views = {view["orderId"]: view for view in facts.views}
    for order in facts.orders:
        outcome = order.get("outcome")
        if outcome is None:
            continue
        shown = views.get(order["orderId"], {}).get("status", "nothing")
        if shown != outcome:
            yield Violation("view", order["orderId"], f"is {outcome}, the view tells {shown}")
    for each in facts.differences:
        told = f"{each['attribute']} is {each['view']}, its events make it {each['events']}"
        yield Violation("view", each["orderId"], told)
    known = {order["orderId"] for order in facts.orders}
    for order_id in sorted(views.keys() - known):
        yield Violation("view", order_id, "is no order, and has a view")


def history_is_whole(facts: Facts) -> Iterator[Violation]:
    """The event store has each order's events without a gap, none twice, and one ending that is the order's outcome."""
    promise = "history"
    streams: dict[str, list[Item]] = defaultdict(list)
    for event in facts.events:
        streams[event["orderId"]].append(event)
    for order in facts.orders:
        stream = sorted(streams.pop(order["orderId"], []), key=lambda event: int(event["version"]))
        versions = [int(event["version"]) for event in stream]
        if versions != list(range(1, len(stream) + 1)):
            yield Violation(promise, order["orderId"], f"has versions {versions}")
        if len({event["eventId"] for event in stream}) != len(stream):
            yield Violation(promise, order["orderId"], "has an event twice")
        endings = [event["data"]["outcome"] for event in stream if event["kind"] in ENDINGS]
        if order.get("outcome") is not None and endings != [order["outcome"]]:
            yield Violation(promise, order["orderId"], f"is {order['outcome']}, its events end it with {endings}")
    for order_id in sorted(streams):
        yield Violation(promise, order_id, "is no order, and has events")


ENDINGS = ("Shipment Created", "Order Validation Failed", "Order Failed", "Order Cancelled")


def nothing_left(facts: Facts) -> Iterator[Violation]:
    """No dead letter, no order's workflow that still runs."""
    for queue, count in sorted(facts.dead_letters.items()):
        if count:
            yield Violation("nothing lost", queue, f"holds {count} dead letters")
    for execution in facts.running:
        yield Violation("nothing hangs", execution, "still runs")


def circuits_answer(facts: Facts) -> Iterator[Violation]:
    """Each request that was laid aside is replayed when its circuit closes: none waits for one that is closed."""
    promise = "circuit"
    states = {circuit["circuit"]: circuit.get("state", "CLOSED") for circuit in facts.circuits}
    open_ends = {order["orderId"]: order for order in facts.orders if order.get("outcome") is None}
    for name, state in states.items():
        if state not in CIRCUIT_STATES:
            yield Violation(promise, name, f"has an unknown state, {state}")
    for request in facts.archived:
        order = open_ends.get(request["requestId"], {})
        if states.get(request["circuit"], "CLOSED") == "CLOSED" and order.get("paymentToken") == request["token"]:
            yield Violation(promise, request["requestId"], f"waits for {request['circuit']}, whose circuit is closed")


CIRCUIT_STATES = ("CLOSED", "OPEN", "HALF_OPEN")


CHECKS = (
    one_outcome,
    stock_adds_up,
    reservations_end,
    money_adds_up,
    reversals_end,
    one_parcel,
    picked_up,
    told_once,
    views_agree,
    history_is_whole,
    circuits_answer,
    nothing_left,
)
