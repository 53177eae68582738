"""The order handlers on Interstate's own tables, in memory: real conditions and transactions, no sockets, no processes.

``OrderWorld`` stands where boto3 and HTTP stand otherwise. Before each call that a handler makes, whatever the test has planned
for that call happens: another handler runs to its end, or the handler dies there and is called again, as Lambda and queues do.
"""

import importlib
import json
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from botocore.exceptions import ClientError
from ordering import keep, partner, settling

from interstate.base.errors import ServiceError
from interstate.runtime.testing import World
from interstate.services.dynamodb import SERVICE as DYNAMODB
from orders_cli.invariants import (
    Facts,
    Violation,
    money_adds_up,
    one_outcome,
    reservations_end,
    reversals_end,
    stock_adds_up,
)
from orders_cli.tables import items_of

NOW = "2026-01-01T00:00:00+00:00"
EVENT: dict[str, Any] = {"requestContext": {"timeEpoch": 1_767_225_600_000}}


class Died(BaseException):
    """The function's process ended here."""


class Client:
    """A boto3 client's face before a service of the world (``dynamodb``), or before a list of what was asked of it."""

    def __init__(self, world: "OrderWorld", service: str) -> None:
        self._world = world
        self._service = service

    def __getattr__(self, method: str) -> Callable[..., Any]:
        operation = "".join(word.capitalize() for word in method.split("_"))
        return lambda **request: self._world.answer(self._service, operation, request)


class OrderWorld:
    """``plan`` maps the number of a call (from 1) to what happens before it; ``calls`` counts them."""

    def __init__(self) -> None:
        self.world = World([DYNAMODB])
        self.plan: dict[int, Callable[[], None]] = {}
        self.calls = 0
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.charges: dict[str, dict[str, Any]] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        self.voided: set[str] = set()
        for table, key in (
            ("Orders", "orderId"),
            ("Inventory", "productId"),
            ("Idempotency", "id"),
            ("OrderStatusView", "orderId"),
            ("CircuitState", "circuit"),
        ):
            self.world.call(
                "dynamodb",
                "CreateTable",
                {
                    "TableName": table,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"}],
                    "KeySchema": [{"AttributeName": key, "KeyType": "HASH"}],
                },
            )
        for table, keys, kind in (
            ("OrderEvents", ("orderId", "version"), "N"),
            ("CircuitArchive", ("circuit", "requestId"), "S"),
        ):
            self.world.call(
                "dynamodb",
                "CreateTable",
                {
                    "TableName": table,
                    "BillingMode": "PAY_PER_REQUEST",
                    "AttributeDefinitions": [
                        {"AttributeName": keys[0], "AttributeType": "S"},
                        {"AttributeName": keys[1], "AttributeType": kind},
                    ],
                    "KeySchema": [
                        {"AttributeName": keys[0], "KeyType": "HASH"},
                        {"AttributeName": keys[1], "KeyType": "RANGE"},
                    ],
                },
            )
        self.world.run_due()

    def client(self, service: str) -> Client:
        return Client(self, service)

    # What handlers call ----------------------------------------------------------------------------------------

    def answer(self, service: str, operation: str, request: dict[str, Any]) -> Any:
        self.before_a_call()
        if service != "dynamodb":
            self.asked.append((operation, request))
            return {"FailedEntryCount": 0}
        return self.table(operation, request)

    def table(self, operation: str, request: Mapping[str, Any]) -> Any:
        try:
            return self.world.call("dynamodb", operation, request)
        except ServiceError as refusal:
            told = {"Error": {"Code": refusal.code, "Message": refusal.message}, **refusal.members}
            raise ClientError(told, operation) from refusal  # type: ignore[arg-type]  # botocore adds modelled members too

    def partner_call(self, method: str, url: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        """The payment provider, without its clock: a charge is captured when the test says so."""
        self.before_a_call()
        if body is None:
            return self.one_charge(method, url.rpartition("/")[2])
        if url.endswith("/charges"):
            if body["key"] in self.voided:
                raise partner.PartnerRefused(409, {"message": "called off"})
            self.charges.setdefault(body["key"], {"amount": body["amount"], "captures": 0, **body["metadata"]})
        else:
            assert self.charges[body["chargeKey"]]["captures"] == 1
            self.refunds.setdefault(body["key"], {"chargeKey": body["chargeKey"], "amount": body["amount"]})
        return {}

    def one_charge(self, method: str, key: str) -> dict[str, Any]:
        """Look one up, or call it off."""
        charge = self.charges.get(key, {})
        known = "captured" if charge.get("captures") else "declined" if charge.get("declined") else ""
        if method == "DELETE" and not known:
            self.voided.add(key)
        status = known or ("voided" if key in self.voided else "pending" if charge else "unknown")
        if status == "unknown":
            raise partner.PartnerRefused(404, {"message": "nobody asked for it"})
        return {"key": key, "status": status, "amount": charge.get("amount", "0"), "code": "insufficient_funds"}

    def before_a_call(self) -> None:
        self.calls += 1
        if act := self.plan.pop(self.calls, None):
            act()

    # What tests do ---------------------------------------------------------------------------------------------

    def run(self, step: Callable[[], Any]) -> Any:
        """A step, called again when it died: its function error's name when it refused, else its answer."""
        for _ in range(10):
            try:
                return step()
            except Died:
                continue
            except (keep.OrderCancelled, keep.OrderClosed) as refusal:
                return type(refusal).__name__
        raise AssertionError("died ten times")

    def order(self, order_id: str) -> dict[str, Any]:
        return keep.load(self.client("dynamodb"), order_id)

    def stock(self, **units: int) -> None:
        for product, available in units.items():
            counters = {"available": available, "reserved": 0, "shipped": 0, "start": available, "received": 0}
            item = {"productId": {"S": product}, **{name: {"N": str(value)} for name, value in counters.items()}}
            self.table("PutItem", {"TableName": "Inventory", "Item": item})

    def reversals(self) -> None:
        """What the queue of reversals leads to, each message twice."""
        reverse = wired(self, "reverse_payment").reverse
        for sent in self.sent("SendMessage"):
            if sent["QueueUrl"] == settling.REVERSALS_URL:
                order_id = json.loads(sent["MessageBody"])["orderId"]
                for _ in range(2):
                    self.run(partial(reverse, order_id, NOW))

    def broken(self) -> list[Violation]:
        """Broken promises of those that tables and the provider's ledger can tell, once what is to go back went back."""
        self.reversals()
        scan = _Scan(self)
        owners = {key: charge["orderId"] for key, charge in self.charges.items()}
        facts = Facts(
            orders=list(items_of(scan, "Orders")),
            products=list(items_of(scan, "Inventory")),
            charges=[{"key": key, "orderId": owners[key], **charge} for key, charge in self.charges.items()],
            refunds=[{"key": key, **refund} for key, refund in self.refunds.items()],
        )
        return [
            each
            for check in (one_outcome, stock_adds_up, reservations_end, money_adds_up, reversals_end)
            for each in check(facts)
        ]

    def sent(self, operation: str) -> list[dict[str, Any]]:
        return [request for name, request in self.asked if name == operation]

    def events(self) -> list[str]:
        entries = [entry for request in self.sent("PutEvents") for entry in request["Entries"]]
        return [f"{entry['DetailType']} {json.loads(entry['Detail'])['metadata']['eventId']}" for entry in entries]


class _Scan:
    """Reads tables without counting as a handler's call."""

    def __init__(self, world: OrderWorld) -> None:
        self._world = world

    def scan(self, **request: Any) -> Any:
        return self._world.table("Scan", request)


CLIENTS = {"db": "dynamodb", "events": "events", "states": "stepfunctions", "sqs": "sqs", "sns": "sns"}


def wired(world: OrderWorld, name: str) -> ModuleType:
    """The function's module, its clients turned to the world."""
    module = importlib.import_module(f"{name}.app")
    for attribute, service in CLIENTS.items():
        if hasattr(module, attribute):
            setattr(module, attribute, world.client(service))
    partner.call = world.partner_call  # the same words, without HTTP
    return module


def wired_to(name: str, **clients: Any) -> ModuleType:
    """The function's module with these clients, ``db`` and so on."""
    module = importlib.import_module(f"{name}.app")
    for attribute, client in clients.items():
        setattr(module, attribute, client)
    return module
