"""The real order system under a virtual clock and seeded faults: its template, workflows and handlers as they are deployed.

Customers place, repeat and cancel orders; the payment provider answers by webhook, twice now and then; carriers and the message
gateway fail before and after they did what they were asked for. In the end every promise of ``orders verify`` is checked.
"""

import asyncio
import hashlib
import hmac
import json
import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

from tests.simulation.simulated_clients import LOST, Ask, Player
from tests.simulation.simulated_functions import ORDERS, Functions, Surroundings, WorkerGone, prepare
from tests.simulation.simulated_node import Died, MemoryStore, Node, embedded_world
from tests.simulation.simulation import Broken, Simulation

from interstate.base.arn import Caller
from interstate.base.errors import ServiceError
from interstate.runtime.deploy import deploy
from interstate.runtime.testing import World
from interstate.store.records.events_connections import HttpAnswer, HttpCall, Token
from interstate.store.records.lambda_ import Invocation, InvocationResult
from interstate.store.records.sns import HttpResult
from interstate.store.sqlite.engine import SqliteStore

SECRET = "local-webhook-secret"
STOCK = {"P-001": 30, "P-002": 30, "P-003": 3, "P-004": 0}
TOLD_MAX = 3
TOGETHER_MAX = timedelta(seconds=30)
IDLE_S = 40 * 86_400.0
"""The provider sleeps until it is asked; back-orders wait for 14 days."""


class Deployed:
    """What the template made: the stack's outputs, handlers by ARN, what they find around them, and where it is embedded the store's content."""

    def __init__(
        self, outputs: Mapping[str, str], handlers: Mapping[str, str], surroundings: Surroundings, content: bytes
    ) -> None:
        self.outputs, self.handlers, self.surroundings, self.content = outputs, handlers, surroundings, content


class _Engine:
    def __init__(self, world: World) -> None:
        self._world = world

    async def execute(self, service: str, operation: str, params: Mapping[str, Any], caller: Caller) -> Any:
        return self._world.call(service, operation, params, caller=caller)


@cache
def deployed() -> Deployed:
    """The order system, deployed once a process."""
    return deploy_in(embedded_world(PREPARING))


PREPARING = {"lambda.prepare": lambda _key, _body: None, "events.token": lambda _key, _body: Token("t", 3600)}


def deploy_in(world: World) -> Deployed:
    """The order system, deployed in a world, which is closed then."""
    outputs = asyncio.run(deploy(_Engine(world), ORDERS / "template.yaml", "orders")).outputs
    world.run_due()
    handlers: dict[str, str] = {}
    variables: dict[str, str] = {}
    marker: dict[str, Any] = {}
    while True:
        page = world.call("lambda", "ListFunctions", marker)
        for one in page["Functions"]:
            handlers[one["FunctionArn"]] = one["Handler"]
            variables |= one.get("Environment", {}).get("Variables", {})
        if not page.get("NextMarker"):
            break
        marker = {"Marker": page["NextMarker"]}
    prepare()
    for product, units in STOCK.items():
        counters = {"available": units, "reserved": 0, "shipped": 0, "start": units, "received": 0}
        item = {"productId": {"S": product}, **{name: {"N": str(value)} for name, value in counters.items()}}
        world.call("dynamodb", "PutItem", {"TableName": outputs["InventoryTableName"], "Item": item})
    world.run_due()
    content = world.store.writer.serialize() if isinstance(world.store, SqliteStore) else b""
    world.close()
    return Deployed(outputs, handlers, Surroundings(variables), content)


class _Ledger:
    """A partner's memory, without a disk."""

    def __init__(self, _path: Path) -> None:
        """It begins empty."""

    def lines(self) -> tuple[dict[str, Any], ...]:
        return ()

    def append(self, **line: Any) -> None:
        """It is applied by its partner."""


class Partners:
    """Provider, carriers and gateway, with the books that they keep really."""

    def __init__(self, dice: random.Random) -> None:
        from partners import carriers, faults, messages, payment  # noqa: PLC0415 importable since the functions are prepared

        for module in (carriers, messages):
            setattr(module, "Ledger", _Ledger)  # noqa: B010 mypy knows its type
        rates = faults.Rates()
        self._dice = dice
        self.calm = False
        self.book = payment.Book()
        self.carriers = carriers.Carriers(Path(), rates, "0")
        self.gateway = messages.Gateway(Path(), rates, "0")
        self.told: dict[str, int] = {}
        self.lost = 0
        self.rings: Callable[[], None] = lambda: None  # Somebody asked for money: the provider has work.

    def call(self, method: str, url: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        """What a handler asks a partner for: done or not, and answered or not."""
        from ordering import partner  # noqa: PLC0415 as above

        before, after = (0.0, 0.0) if self.calm else (self._dice.random(), self._dice.random())
        if before > 0.93:
            raise partner.PartnerUnavailable(f"{method} {url}: as the dice fell")
        status, answer = self._do(method, url.partition("://")[2].partition("/")[2].split("/"), body or {})
        if after > 0.93:
            raise partner.PartnerUnavailable(f"{method} {url}: its answer is lost")
        if status >= 400:
            raise partner.PartnerRefused(status, answer)
        return answer

    def _do(self, method: str, words: list[str], body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        match words:
            case ["charges"]:
                return self._charge(body)
            case ["charges", key]:
                return self._one_charge(method, key)
            case ["refunds"]:
                return self._refund(body)
            case ["messages"]:
                return self.gateway.send(body["messages"])
            case [carrier, "shipments"] if method == "POST":
                return self.carriers.book(carrier, body)
            case [carrier, "shipments", key]:
                return self.carriers.void(carrier, key)
        return 404, {"message": f"{method} {words} is not here"}

    def _charge(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        self.rings()
        known = self.book.charges.get(body["key"])
        if body["key"] in self.book.voided:
            return 409, {"message": "called off"}
        if known is None:
            line = {"key": body["key"], "amount": body["amount"], "currency": body["currency"]}
            self.book.apply(
                {"type": "charge", **line, "webhook_url": body["webhookUrl"], "metadata": body.get("metadata", {})}
            )
            known = self.book.charges[body["key"]]
        elif known.status != "pending":
            self.told[known.key] = min(self.told.get(known.key, 0), TOLD_MAX - 1)  # It is told once more.
        return 202, {"key": known.key, "status": known.status}

    def _one_charge(self, method: str, key: str) -> tuple[int, dict[str, Any]]:
        known = self.book.charges.get(key)
        if method == "DELETE" and (known is None or known.status == "pending"):
            self.book.apply({"type": "voided", "key": key})
        return self.book.look_up(key)

    def _refund(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        if body["key"] not in self.book.refunds:
            charge = self.book.charges.get(body["chargeKey"])
            if charge is None or charge.status != "captured":
                return 404, {"message": f"nothing was captured under {body['chargeKey']}"}
            self.book.apply({"type": "refund", "key": body["key"], "charge_key": charge.key, "amount": body["amount"]})
        return 201, {"key": body["key"], "status": "refunded"}

    def pick_up(self, call: HttpCall) -> HttpAnswer:
        """A carrier is asked by an API destination to come."""
        luck = 1.0 if self.calm else self._dice.random()
        if luck < 0.1:
            return HttpAnswer(error="no answer", code="CONNECTION_FAILURE")
        carrier = call.url.partition("://")[2].split("/")[1]
        body = json.loads(call.text)
        known = self.carriers.pickups.get((carrier, body["key"]))
        booking = self.carriers.bookings.get((carrier, body["key"]))
        if known is None and booking is not None and not booking.voided:
            line = {"type": "pickup", "carrier": carrier, "key": body["key"], "order_id": body["orderId"]}
            self.carriers.apply({**line, "tracking_number": booking.tracking_number})
        return HttpAnswer(503) if luck < 0.2 else HttpAnswer(202)

    def charges(self) -> list[dict[str, Any]]:
        return [
            {"key": one.key, "orderId": one.metadata.get("orderId"), "amount": one.amount, "captures": int(one.status == "captured")}
            for one in self.book.charges.values()
        ]  # fmt: skip


class Customers:
    """Who calls the order system from outside."""

    def __init__(self, dice: random.Random, partners: Partners, outputs: Mapping[str, str]) -> None:
        self._dice, self._partners, self._api = dice, partners, outputs["OrdersApiId"]
        self.accepted: list[str] = []
        self.quiet = False
        self.problems: list[str] = []

    def players(self) -> dict[str, Player]:
        """Customers, some of whom change their mind, and the provider that tells of charges."""
        found: dict[str, Player] = {}
        for number in range(self._dice.randint(1, 4)):
            name = f"ORD-2026-{number:06d}"
            found[f"customer-{number}"] = self.order(name)
            if self._dice.random() < 0.3:
                found[f"canceller-{number}"] = self.cancel(name)
        found["keeper"] = self.provider()
        return found

    def _http(self, method: str, path: str, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Ask:
        text = body if isinstance(body, str) else json.dumps(body)
        told = [("content-type", "application/json"), *headers]
        return Ask("execute-api", "Invoke", {
            "ApiId": self._api, "Method": method, "Path": path, "Headers": told, "Body": text.encode(),
        })  # fmt: skip

    def order(self, order_id: str) -> Player:
        """Place an order until it is accepted, and now and then once more."""
        dice = self._dice
        yield float(dice.randint(0, 60))
        products = dice.sample(sorted(STOCK), dice.randint(1, 3))
        lines = [{"productId": product, "quantity": dice.randint(1, 3), "price": 9.99} for product in products]
        order = {
            "orderId": order_id, "customerId": "CUST-000001", "currency": "GBP", "items": lines,
            "totalAmount": round(sum(line["quantity"] * line["price"] for line in lines), 2),  # type: ignore[operator]  # numbers
            "paymentMethod": dice.choice(["card", "card", "invoice"]),
            "shippingAddress": {"street": "1 Quay", "city": "Dover", "country": dice.choice(["GB", "DE", "JP"]), "zipCode": "CT16"},
        }  # fmt: skip
        for _ in range(2 if dice.random() < 0.2 else 1):
            while True:
                answer = yield self._http("POST", "/orders", order)
                status = _status(answer)
                if status == 202:
                    self.accepted.append(order_id)
                    break
                if 400 <= status < 500 and status != 429:
                    self.problems.append(f"{order_id} was refused: {answer}")
                    return
                yield 1.0

    def cancel(self, order_id: str) -> Player:
        """Change one's mind at some time."""
        yield float(self._dice.randint(1, 200))
        while _status((yield self._http("POST", f"/orders/{order_id}/cancel", {"reason": "CUSTOMER_REQUEST"}))) >= 500:
            yield 2.0

    def provider(self) -> Player:
        """Decide charges and tell of them, until each was heard; of some nobody ever hears, unless the charge is asked for again."""
        partners, dice = self._partners, self._dice
        lost = dice.choice([0.0, 0.0, 0.2, 0.6])
        while True:
            open_ = False
            for charge in list(partners.book.charges.values()):
                if charge.status == "pending":
                    if dice.random() < 0.5:
                        open_ = True
                        continue
                    kind = "declined" if dice.random() < 0.15 else "captured"
                    partners.book.apply(
                        {
                            "type": kind,
                            "key": charge.key,
                            **({"code": "insufficient_funds"} if kind == "declined" else {}),
                        }
                    )
                    partners.told[charge.key] = dice.choice([TOLD_MAX - 2, TOLD_MAX - 1, TOLD_MAX - 1])
                    if dice.random() < lost:
                        partners.told[charge.key] = TOLD_MAX
                        partners.lost += 1
                if partners.told.get(charge.key, TOLD_MAX) < TOLD_MAX:
                    open_ = True
                    notice = {
                        "type": f"charge.{charge.status}", "key": charge.key, "amount": charge.amount,
                        "currency": charge.currency, "code": charge.code, "metadata": charge.metadata,
                    }  # fmt: skip
                    text = json.dumps(notice)
                    seal = hmac.new(SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
                    answer = yield self._http("POST", "/payments/webhook", text, (("x-signature", seal),))
                    if 200 <= _status(answer) < 300:
                        partners.told[charge.key] += 1
            if self.quiet and not open_:
                return
            yield float(dice.randint(1, 20)) if open_ else IDLE_S


def _status(answer: Any) -> int:
    if answer is LOST:
        return 599
    if isinstance(answer, ServiceError):
        return answer.status
    return int(answer["StatusCode"])


class Outside:
    """Functions, partners, mail."""

    def __init__(self, dice: random.Random, partners: Partners, functions: Functions) -> None:
        self.partners, self.functions = partners, functions
        self._dice = dice
        self.performed: dict[str, int] = {}
        self.answered: list[Any] = []
        self.problems: list[str] = []
        self._bodies: dict[str, Any] = {}

    @property
    def calm(self) -> bool:
        return self.partners.calm

    @calm.setter
    def calm(self, value: bool) -> None:
        self.partners.calm = self.functions.calm = value

    def __call__(self, kind: str, key: str, body: Any) -> Any:
        self.performed[key] = self.performed.get(key, 0) + 1
        if self._bodies.setdefault(key, body) != body:
            self.problems.append(f"effect {key} was repeated with another body")
        match body:
            case Invocation():
                return self._invoke(body)
            case HttpCall():
                return self.partners.pick_up(body)
        return {"events.token": Token("t", 3600), "sns.http": HttpResult(200), "sns.letter": HttpResult(200)}.get(kind)

    def _invoke(self, body: Invocation) -> InvocationResult:
        try:
            return self.functions.invoke(body)
        except WorkerGone:  # Nobody hears this.
            return InvocationResult("null")


class _Performed(dict[str, int]):
    def __missing__(self, _key: str) -> int:
        return 0


class OrderSimulation(Simulation):
    """A run of the order system."""

    acts = (300, 1200)
    fault_targets = ()

    def what(self) -> Deployed:
        """The system that is played."""
        return deployed()

    def people(self) -> None:
        self._what = self.what()
        self.partners = Partners(random.Random(f"{self.seed}/partners"))
        functions = Functions(
            self._what.handlers,
            random.Random(f"{self.seed}/functions"),
            self.call,
            self.partners.call,
            self._what.surroundings,
        )
        functions.dies = self.dice.choice([0, 0.05, 0.15])
        self.outside = Outside(random.Random(f"{self.seed}/outside"), self.partners, functions)
        self.outside.performed = _Performed()
        self.partners.rings = self._wake_provider
        self.clients = Customers(random.Random(f"{self.seed}/customers"), self.partners, self._what.outputs)

    def players(self) -> dict[str, Player]:
        players: dict[str, Player] = self.clients.players()
        return players

    def _wake_provider(self) -> None:
        playing = self.playing["keeper"]
        if playing.call is None and not playing.ended:
            playing.wakes = self.clock.time

    def _draw_rates(self) -> dict[str, float]:
        """An Express execution ends after five minutes, as on AWS: a jump of the clock is more than an order survives."""
        return {**super()._draw_rates(), "clock jump": 0.0}

    def pass_time(self) -> None:
        """While something can be done, time passes by seconds: streams forget after a day, and a day is not what a fault takes."""
        at = self.next_due()
        if at is not None and (at - self.clock.time < TOGETHER_MAX or not self._possible()):
            self.move_clock(at, "time passes")

    def open(self) -> None:
        self.nodes = [self.start_node("a", MemoryStore(self._what.content))]

    def call(self, service: str, operation: str, request: dict[str, Any]) -> tuple[Any, ServiceError | None]:
        """A handler's call, answered after its commit; the node may die on the way, and the worker with it."""
        node = self.serving()
        call = node.submit(service, operation, request)
        self.note("  handler", f"{service}:{operation}")
        try:
            while not call.ended:
                self.go_on(node)
        except Died as end:
            self.crash(node, str(end))
            raise WorkerGone from end
        return call.answer, call.error

    def go_on(self, node: Node) -> None:
        """One act of a node's batches.

        Raises:
            Died: the process is gone.
        """
        node.batch()

    def serving(self) -> Node:
        """Whose worker runs."""
        return self.nodes[0]


# The promises -----------------------------------------------------------------------------------------------------------


class _System:
    """What ``orders verify`` asks, asked of a node at rest."""

    def __init__(self, run: OrderSimulation) -> None:
        self._run = run
        self.outputs = dict(run._what.outputs)

    def client(self, service: str) -> Any:
        return _Reader(self._run.nodes[0], service, self._run.outside.functions)


class _Reader:
    def __init__(self, node: Node, service: str, functions: Functions) -> None:
        self._node, self._service, self._functions = node, service, functions

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in method.split("_"))
        return lambda **request: self._ask(operation, request)

    def _ask(self, operation: str, request: dict[str, Any]) -> Any:
        row = self._node.catalog.operation(self._service, operation)
        typed = self._node.catalog.request(self._service, operation, request, checked=False)
        return self._node.run(lambda work: row.handle(typed, work))


def check_orders(run: OrderSimulation) -> None:
    """Every promise of the order system.

    Raises:
        Broken: one does not hold.
    """
    from orders_cli.gather import dead_letters, running  # noqa: PLC0415 importable since the functions are prepared
    from orders_cli.invariants import Facts, violations  # noqa: PLC0415 as above
    from orders_cli.tables import items_of  # noqa: PLC0415 as above

    run.faults["notice lost"] += run.partners.lost
    system: Any = _System(run)
    db, outputs, partners = system.client("dynamodb"), system.outputs, run.partners
    facts = Facts(
        orders=list(items_of(db, outputs["OrdersTableName"])),
        products=list(items_of(db, outputs["InventoryTableName"])),
        views=list(items_of(db, outputs["OrderStatusViewName"])),
        events=list(items_of(db, outputs["OrderEventsTableName"])),
        charges=partners.charges(),
        refunds=[
            {"key": one.key, "chargeKey": one.charge_key, "amount": one.amount}
            for one in partners.book.refunds.values()
        ],
        bookings=partners.carriers.report()["bookings"],
        pickups=partners.carriers.report()["pickups"],
        messages=partners.gateway.report()["messages"],
        dead_letters=dead_letters(system),
        running=running(system),
        accepted=run.clients.accepted,
    )
    problems = [
        *run.bugs,
        *run.ledger.problems,
        *run.clients.problems,
        *run.outside.problems,
        *map(str, violations(facts)),
    ]
    if problems:
        raise Broken("\n".join(problems[:20]))
