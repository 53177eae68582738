"""The carriers' gateway: ``POST /<carrier>/shipments`` books, ``DELETE /<carrier>/shipments/<key>`` takes a booking back.

A booking is made once for its key. What a carrier does not serve it refuses with 422, and has booked nothing.
``GET /ledger`` tells every booking and whether it still stands.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from partners.faults import Dice, Rates
from partners.ledger import Ledger
from partners.web import Reply

EUROPE = "AT BE CH CY CZ DE DK ES FI FR GB GG GR IE IS IT JE LT MT NL NO PL PT SE"
# Countries that a carrier serves; None for all.
SERVES: dict[str, frozenset[str] | None] = {"swift": None, "continental": frozenset(EUROPE.split()), "harbor": None}


@dataclass
class Booking:
    carrier: str
    key: str
    order_id: str
    tracking_number: str
    voided: bool = False
    requests: int = 1


class Carriers:
    def __init__(self, path: Path, rates: Rates, seed: str) -> None:
        self.ledger = Ledger(path)
        self.bookings: dict[tuple[str, str], Booking] = {}
        for line in self.ledger.lines():
            self.apply(line)
        self.dice = Dice(f"{seed}/carriers", rates)

    def apply(self, line: dict[str, Any]) -> None:
        place = (line["carrier"], line["key"])
        if line["type"] == "void":
            self.bookings[place].voided = True
        else:
            self.bookings[place] = Booking(*place, line["order_id"], line["tracking_number"])

    def write(self, **line: Any) -> None:
        self.ledger.append(**line)
        self.apply(line)

    async def handle(self, method: str, path: str, body: Any) -> Reply:
        if method == "GET" and path == "/ledger":
            return 200, self.report()
        act: Callable[[], Reply]
        match path.strip("/").split("/"):
            case [carrier, "shipments"] if method == "POST" and carrier in SERVES:
                act = partial(self.book, carrier, body)
            case [carrier, "shipments", key] if method == "DELETE" and carrier in SERVES:
                act = partial(self.void, carrier, key)
            case _:
                return 404, {"message": f"{method} {path} is not here"}
        await self.dice.wait(self.dice.rates.latency_ms)
        misfortune = self.dice.draw()
        if answer := self.dice.suffer(misfortune.before):
            return answer
        reply = act()
        return self.dice.suffer(misfortune.after) or reply

    def book(self, carrier: str, body: dict[str, Any]) -> Reply:
        known = self.bookings.get((carrier, body["key"]))
        if known and known.voided:
            return 409, {"message": f"{known.key} was taken back"}
        if known:
            known.requests += 1
            return 200, {"trackingNumber": known.tracking_number}
        serves, country = SERVES[carrier], body.get("country")
        if serves is not None and country not in serves:
            return 422, {"message": f"{carrier} does not go to {country}"}
        digest = hashlib.sha256(f"{carrier}/{body['key']}".encode()).hexdigest()
        number = f"{carrier[:2].upper()}{int(digest[:12], 16) % 10**12:012d}"
        self.write(type="book", carrier=carrier, key=body["key"], order_id=body["orderId"], tracking_number=number)
        return 201, {"trackingNumber": number}

    def void(self, carrier: str, key: str) -> Reply:
        known = self.bookings.get((carrier, key))
        if known is None:
            return 404, {"message": f"{carrier} has no booking {key}"}
        if not known.voided:
            self.write(type="void", carrier=carrier, key=key)
        return 200, {"voided": True}

    def report(self) -> dict[str, Any]:
        bookings = [
            {
                "carrier": each.carrier,
                "key": each.key,
                "orderId": each.order_id,
                "trackingNumber": each.tracking_number,
                "voided": each.voided,
                "requests": each.requests,
            }
            for each in self.bookings.values()
        ]
        return {"bookings": bookings}
