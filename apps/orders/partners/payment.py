"""The payment provider.

Theory of operation
-------------------
``POST /charges {key, amount, currency, webhookUrl, metadata}`` is answered 202 once the charge is in the ledger. A little later it
is decided, once for its key: captured or declined. The decision is in the ledger before the webhook tells it, and the webhook is
repeated with growing pauses until it is answered 2xx; also after a restart. A charge that is asked for again under its key is the
same charge: nothing is captured twice, but the webhook tells again. ``POST /refunds {key, chargeKey, amount}`` likewise.

``GET /charges/{key}`` tells what became of a charge, 404 where nobody asked for it. ``DELETE /charges/{key}`` calls it off: one that is not
decided, or that nobody asked for yet, is voided and never captured, also when it is asked for later (409); one that is decided stays as it is.
Both answer the charge as it is then.

``GET /ledger`` tells every charge with the number of its captures, and every refund. ``GET /health`` suffers the same faults as a charge.
"""

import asyncio
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

from partners.faults import Dice, Rates
from partners.ledger import Ledger
from partners.web import NO_HEADERS, Reply, post

WEBHOOK_TIMEOUT_S = 35
WEBHOOKS_AT_ONCE = 8
PAUSE_S = 0.25
PAUSE_S_MAX = 10.0
# One decline in ten is of the kind that no second try would change.
FINAL_SHARE = 0.1


@dataclass
class Charge:
    key: str
    amount: str
    currency: str
    webhook_url: str
    metadata: dict[str, Any]
    status: str = "pending"
    code: str = ""
    captures: int = 0
    requests: int = 1
    told: bool = False


@dataclass
class Refund:
    key: str
    charge_key: str
    amount: str
    requests: int = 1


@dataclass
class Book:
    """The ledger's lines, folded."""

    charges: dict[str, Charge] = field(default_factory=dict)
    refunds: dict[str, Refund] = field(default_factory=dict)
    voided: set[str] = field(default_factory=set)

    def apply(self, line: dict[str, Any]) -> None:
        match line["type"]:
            case "charge":
                self.charges[line["key"]] = Charge(**{name: line[name] for name in CHARGE_FIELDS})
            case "captured":
                charge = self.charges[line["key"]]
                charge.status, charge.captures = "captured", charge.captures + 1
            case "declined":
                charge = self.charges[line["key"]]
                charge.status, charge.code = "declined", line["code"]
            case "voided":
                self.voided.add(line["key"])
                if line["key"] in self.charges:
                    self.charges[line["key"]].status = "voided"
            case "told":
                self.charges[line["key"]].told = True
            case "refund":
                self.refunds[line["key"]] = Refund(line["key"], line["charge_key"], line["amount"])

    def look_up(self, key: str) -> Reply:
        """What became of a charge."""
        if charge := self.charges.get(key):
            return 200, {"key": key, "status": charge.status, "amount": charge.amount, "code": charge.code}
        if key in self.voided:
            return 200, {"key": key, "status": "voided"}
        return 404, {"message": f"nobody asked for {key}"}


CHARGE_FIELDS = ("key", "amount", "currency", "webhook_url", "metadata")


class Provider:
    def __init__(self, path: Path, rates: Rates, seed: str, secret: str) -> None:
        self.ledger = Ledger(path)
        self.book = Book()
        for line in self.ledger.lines():
            self.book.apply(line)
        self.dice = Dice(f"{seed}/payment", rates)
        self.secret = secret
        self.slots = asyncio.Semaphore(WEBHOOKS_AT_ONCE)
        self.tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Go on with what an earlier process left: charges to decide, webhooks to tell."""
        for charge in self.book.charges.values():
            if charge.status == "pending":
                self.start(self.settle(charge))
            elif not charge.told and charge.status != "voided":
                self.start(self.tell(charge))

    def start(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    def write(self, **line: Any) -> None:
        self.ledger.append(**line)
        self.book.apply(line)

    async def handle(self, method: str, path: str, body: Any, _headers: Mapping[str, str] = NO_HEADERS) -> Reply:
        if method == "GET" and path == "/ledger":
            return 200, self.report()
        act = self.act(method, path, body)
        if act is None:
            return 404, {"message": f"{method} {path} is not here"}
        await self.dice.wait(self.dice.rates.latency_ms)
        misfortune = self.dice.draw()
        if answer := self.dice.suffer(misfortune.before):
            return answer
        reply = act()
        return self.dice.suffer(misfortune.after) or reply

    def act(self, method: str, path: str, body: Any) -> Callable[[], Reply] | None:
        """What is asked for; None where there is no such thing."""
        if path.startswith(CHARGES) and (of_one := OF_ONE_CHARGE.get(method)):
            return partial(of_one, self, path.removeprefix(CHARGES))
        known = ACTS.get((method, path))
        return known and partial(known, self, body)

    def health(self, _body: Any) -> Reply:
        return 200, {"status": "up"}

    def look_up(self, key: str) -> Reply:
        return self.book.look_up(key)

    def void(self, key: str) -> Reply:
        charge = self.book.charges.get(key)
        if charge is None or charge.status == "pending":
            self.write(type="voided", key=key)
        return self.book.look_up(key)

    def charge(self, body: dict[str, Any]) -> Reply:
        known = self.book.charges.get(body["key"])
        if body["key"] in self.book.voided:
            return 409, {"message": f"{body['key']} was called off"}
        if known is None:
            if Decimal(body["amount"]) < 0:
                return 422, {"message": "amount must not be negative"}
            self.write(
                type="charge",
                key=body["key"],
                amount=body["amount"],
                currency=body["currency"],
                webhook_url=body["webhookUrl"],
                metadata=body.get("metadata", {}),
            )
            known = self.book.charges[body["key"]]
            self.start(self.settle(known))
        elif (known.amount, known.currency) != (body["amount"], body["currency"]):
            return 409, {"message": f"key {known.key} was used for {known.amount} {known.currency}"}
        else:
            known.requests += 1
            known.webhook_url = body["webhookUrl"]
            if known.status != "pending" and known.told:
                self.start(self.tell(known))
        return 202, {"key": known.key, "status": known.status}

    def refund(self, body: dict[str, Any]) -> Reply:
        if known := self.book.refunds.get(body["key"]):
            known.requests += 1
            return 200, {"key": known.key, "status": "refunded"}
        charge = self.book.charges.get(body["chargeKey"])
        if charge is None or charge.status != "captured":
            return 404, {"message": f"nothing was captured under {body['chargeKey']}"}
        given = sum(Decimal(each.amount) for each in self.book.refunds.values() if each.charge_key == charge.key)
        if given + Decimal(body["amount"]) > Decimal(charge.amount):
            return 422, {"message": f"only {Decimal(charge.amount) - given} is left of {charge.key}"}
        self.write(type="refund", key=body["key"], charge_key=charge.key, amount=body["amount"])
        return 201, {"key": body["key"], "status": "refunded"}

    async def settle(self, charge: Charge) -> None:
        await self.dice.wait(self.dice.rates.settle_ms)
        if charge.status != "pending":  # It was called off meanwhile.
            return
        if self.dice.hits(self.dice.rates.declines):
            code = "stolen_card" if self.dice.hits(FINAL_SHARE) else "insufficient_funds"
            self.write(type="declined", key=charge.key, code=code)
        else:
            self.write(type="captured", key=charge.key)
        await self.tell(charge)
        if self.dice.hits(self.dice.rates.duplicates):
            await self.tell(charge)

    async def tell(self, charge: Charge) -> None:
        notice = {
            "type": f"charge.{charge.status}",
            "key": charge.key,
            "amount": charge.amount,
            "currency": charge.currency,
            "code": charge.code,
            "metadata": charge.metadata,
        }
        content = json.dumps(notice, ensure_ascii=False)
        signature = hmac.new(self.secret.encode(), content.encode(), hashlib.sha256).hexdigest()
        pause = PAUSE_S
        while True:
            async with self.slots:
                status = await post(charge.webhook_url, content, {"x-signature": signature}, WEBHOOK_TIMEOUT_S)
            if 200 <= status < 300:
                break
            await asyncio.sleep(pause * self.dice.random.uniform(0.5, 1))
            pause = min(pause * 2, PAUSE_S_MAX)
        if not charge.told:
            self.write(type="told", key=charge.key)

    def report(self) -> dict[str, Any]:
        charges = [
            {
                "key": each.key,
                "orderId": each.metadata.get("orderId"),
                "amount": each.amount,
                "currency": each.currency,
                "status": each.status,
                "captures": each.captures,
                "requests": each.requests,
                "told": each.told,
            }
            for each in self.book.charges.values()
        ]
        refunds = [
            {"key": each.key, "chargeKey": each.charge_key, "amount": each.amount, "requests": each.requests}
            for each in self.book.refunds.values()
        ]
        return {"charges": charges, "refunds": refunds}


ACTS = {
    ("GET", "/health"): Provider.health,
    ("POST", "/charges"): Provider.charge,
    ("POST", "/refunds"): Provider.refund,
}
CHARGES = "/charges/"
OF_ONE_CHARGE = {"GET": Provider.look_up, "DELETE": Provider.void}
